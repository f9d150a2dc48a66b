import subprocess
import sys

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import images, serving
from tests import testing

_CLIENT = """
import sys
import numpy as np, tensorflow as tf
exported = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], exported.translate(np.load(sys.argv[2])).numpy())
assert not any(name.split(".")[0] in ("dtn_tf", "tests") for name in sys.modules)
"""


def _served(directory, x):
    exported = tf.saved_model.load(directory)
    return exported.translate(x)


def _translated(dtn, x):
    """`serving.translate` as a graph; step by step, sums differ in the last bit."""
    return tf.function(serving.translate)(dtn, x)


def _trained_dtn(policy="float32"):
    """A DTN that paints more than gray."""
    dtn = testing.tiny_dtn(policy=policy, ema=0.0)
    dtn.g.deconvs[-1].kernel.assign(50.0 * dtn.g.deconvs[-1].kernel)
    for norm in dtn.g.norms:
        norm.momentum = 0.0  # statistics fit after one step
    with testing.eagerly():
        dtn.train_step((testing.images(8, 3), testing.images(8, 1, seed=1)))
    return dtn


class ServingTest(testing.TestCase):
    @parameterized.parameters("float32", "mixed_bfloat16", "mixed_float16")
    def test_export_translates_as_the_model_does(self, policy):
        dtn, x = _trained_dtn(policy), testing.pixels(7, 3, seed=2)
        serving.export(dtn, self.directory / "export", channels=3)
        served = _served(self.directory / "export", x)
        self.assertEqual((served.dtype, served.shape), (tf.uint8, (7, 32, 32, 1)))
        self.assertAllEqual(served, _translated(dtn, x))
        self.assertGreater(np.std(served), 1.0)

    @parameterized.parameters(1, 2, 65)
    def test_any_batch_size(self, n):
        dtn = _trained_dtn()
        serving.export(dtn, self.directory / "export", channels=3)
        x = testing.pixels(n, 3, seed=2)
        served = _served(self.directory / "export", x)
        self.assertAllEqual(served, _translated(dtn, x))

    def test_it_needs_none_of_our_code(self):
        dtn, x = _trained_dtn(), testing.pixels(3, 3)
        serving.export(dtn, self.directory / "export", channels=3)
        np.save(self.directory / "x.npy", x)
        paths = [str(self.directory / name) for name in ("export", "x.npy", "gx.npy")]
        subprocess.run([sys.executable, "-c", _CLIENT, *paths], cwd=self.directory, check=True)
        self.assertAllEqual(np.load(self.directory / "gx.npy"), _translated(dtn, x))

    def test_export_replaces_the_one_that_is_there(self):
        path, x = self.directory / "export", testing.pixels(3, 3)
        old, new = testing.tiny_dtn(), _trained_dtn()
        serving.export(old, path, channels=3)
        (path / "stale").touch()
        serving.export(new, path, channels=3)
        self.assertFalse((path / "stale").exists())
        self.assertEqual(list(self.directory.iterdir()), [path])
        self.assertAllEqual(_served(path, x), _translated(new, x))

    def test_leftover_of_a_killed_export_is_no_hindrance(self):
        (self.directory / "partial-export").mkdir()
        (self.directory / "partial-export" / "half").touch()
        serving.export(testing.tiny_dtn(), self.directory / "export", channels=1)
        self.assertEqual(list(self.directory.iterdir()), [self.directory / "export"])
        self.assertFalse((self.directory / "export" / "half").exists())

    def test_translate_goes_through_the_one_door_for_pixels(self):
        dtn, x = _trained_dtn(), testing.pixels(4, 3)
        scale, one = np.float32(127.5), np.float32(1.0)  # float64 would round some levels otherwise
        painted = dtn(x.astype(np.float32) / scale - one).numpy()
        expected = np.clip(np.round((painted + one) * scale), 0, 255)
        self.assertAllEqual(serving.translate(dtn, x), expected)
        self.assertAllEqual(serving.translate(dtn, x), images.to_uint8(dtn(images.to_model(x))))
        with self.assertRaisesRegex(ValueError, "expects uint8"):
            serving.translate(dtn, x.astype(np.float32))
