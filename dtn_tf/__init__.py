"""dtn_tf: the Domain Transfer Network in Keras and TensorFlow.

Taigman, Polyak and Wolf, "Unsupervised Cross-Domain Image Generation", ICLR 2017,
https://arxiv.org/abs/1611.02200. Start reading in `dtn_tf.dtn`.

    import dtn_tf

    dtn = dtn_tf.load("runs/svhn-dtn")
    digits = dtn_tf.translate(dtn, house_numbers)  # uint8 (n, 32, 32, 3) -> (n, 32, 32, 1)
    digits = dtn_tf.translate(dtn, ["photo.jpg", "other.png"])  # of any size
"""

import importlib
import os
import platform

__all__ = ["DTN", "PRESETS", "UserError", "export", "load", "translate"]
__version__ = "0.2.0"

if platform.machine() in ("x86_64", "AMD64"):
    # Before TensorFlow loads. Without AVX512 it leaves oneDNN's kernels off, and a step takes 2.5
    # times as long (`docs/performance.md`). Elsewhere nothing was measured.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings of the C++ side, not errors

_HOMES = {  # public names, loaded when asked for: `import dtn_tf` does not wait for TensorFlow
    "DTN": "dtn_tf.dtn",
    "PRESETS": "dtn_tf.presets",
    "UserError": "dtn_tf.errors",
    "export": "dtn_tf.exporting",
    "load": "dtn_tf.serving",
    "translate": "dtn_tf.serving",
}
_NEED_TENSORFLOW = ("DTN", "export", "load", "translate")


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'dtn_tf' has no attribute {name!r}")
    if name in _NEED_TENSORFLOW:
        importlib.import_module("dtn_tf.cli").load_tensorflow()
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
