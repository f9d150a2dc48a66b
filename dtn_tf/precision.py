"""Which number format the nets compute in on this machine."""

import pathlib

import tensorflow as tf


def resolve(name, num_devices=1):
    """Turns "auto" into a Keras dtype policy; other names pass unchanged.

    bfloat16 where the GPU (compute capability 8) or the processor (AVX512_BF16,
    AMX) multiplies in it; float16 on older GPUs with tensor cores (capability 7);
    float32 elsewhere, where a half format would only be emulated.

    Args:
        name: "auto", "float32", "mixed_bfloat16" or "mixed_float16".
        num_devices: Devices that train together; several cannot in float16.

    Returns:
        The name of a Keras dtype policy.
    """
    if name != "auto":
        return name
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    if capabilities:
        found = _for_gpu(min(capabilities))
        return "float32" if found == "mixed_float16" and num_devices > 1 else found
    return _for_processor(_processor_flags())


def _for_gpu(capability):
    if capability >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= (7, 0) else "float32"


def _for_processor(flags):
    has_bfloat16 = not flags.isdisjoint({"avx512_bf16", "amx_bf16"})
    return "mixed_bfloat16" if has_bfloat16 else "float32"


def _processor_flags():
    """The feature names Linux lists; empty elsewhere, which means float32."""
    path = pathlib.Path("/proc/cpuinfo")
    if not path.exists():
        return set()
    lines = [line for line in path.read_text().splitlines() if line.startswith("flags")]
    return set(lines[0].split()) if lines else set()
