from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import precision
from tests import testing


class ResolveTest(testing.TestCase):
    def _machine(self, processor=(), gpus=()):
        """Pretends to have a processor's flags and GPUs of some compute capabilities."""
        details = [{"compute_capability": c} if c else {} for c in gpus]
        for owner, name, value in (
            (precision, "_processor_flags", mock.Mock(return_value=set(processor))),
            (tf.config, "list_physical_devices", mock.Mock(return_value=list(range(len(gpus))))),
            (tf.config.experimental, "get_device_details", details.__getitem__),
        ):
            self.enter_context(mock.patch.object(owner, name, value))

    @parameterized.parameters(
        (("avx2", "avx512_bf16"), "mixed_bfloat16"),
        (("amx_bf16",), "mixed_bfloat16"),
        (("avx2", "avx512f", "amx_tile"), "float32"),
        ((), "float32"),
    )
    def test_auto_on_a_processor(self, flags, expected):
        self._machine(processor=flags)
        self.assertEqual(precision.resolve("auto"), expected)

    @parameterized.parameters(
        (((9, 0),), "mixed_bfloat16"),
        (((8, 0),), "mixed_bfloat16"),
        (((7, 5),), "mixed_float16"),
        (((7, 0),), "mixed_float16"),
        (((6, 1),), "float32"),
        (((8, 6), (7, 0)), "mixed_float16"),  # all must be able to
        ((None,), "float32"),  # it does not say
    )
    def test_auto_on_gpus_whatever_the_processor(self, gpus, expected):
        self._machine(processor=("avx512_bf16",), gpus=gpus)
        self.assertEqual(precision.resolve("auto"), expected)

    @parameterized.parameters("float32", "mixed_bfloat16", "mixed_float16")
    def test_a_name_passes_whatever_the_machine(self, name):
        self._machine(gpus=((6, 1),))
        self.assertEqual(precision.resolve(name), name)

    def test_processor_flags_are_read_from_linux_and_empty_elsewhere(self):
        path = self.directory / "cpuinfo"
        with mock.patch.object(precision.pathlib, "Path", return_value=path):
            self.assertEqual(precision._processor_flags(), set())
            path.write_text("model name : x\nflags\t\t: fpu avx512_bf16 sse\nbugs : none\n")
            self.assertContainsSubset({"fpu", "avx512_bf16", "sse"}, precision._processor_flags())
