import functools
import os
import pathlib
import shutil
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

import dtn_tf
from dtn_tf import images, serving
from dtn_tf.errors import UserError
from tests import testing

_loaded = functools.cache(tf.saved_model.load)  # of the folders below, which nobody changes


def _served(directory, x):
    load = _loaded if directory.parent == _folder() else tf.saved_model.load
    exported = load(directory)  # it owns the weights
    return exported.translate(x)


@functools.cache
def _trained_dtn(policy="float32"):
    """A DTN that paints more than gray; nobody changes it."""
    dtn = testing.tiny_dtn(policy=policy, ema=0.0)
    dtn.g.deconvs[-1].kernel.assign(50.0 * dtn.g.deconvs[-1].kernel)
    for norm in dtn.g.norms:
        norm.momentum = 0.0  # statistics fit after one step
    with testing.eagerly():
        dtn.train_step((testing.images(8, 3), testing.images(8, 1, seed=1)))
    return dtn


@functools.cache
def _kept():
    """A folder for as long as this process."""
    return tempfile.TemporaryDirectory()


def _folder():
    return pathlib.Path(_kept().name)


@functools.cache
def _exported(policy="float32"):
    """The folder of the export of `_trained_dtn`, for tests that read it."""
    path = _folder() / policy
    serving.export(_trained_dtn(policy), path, channels=3)
    return path


class ServingTest(testing.TestCase):
    @parameterized.parameters("float32", "mixed_bfloat16", "mixed_float16")
    def test_export_translates_as_the_model_does(self, policy):
        dtn, x = _trained_dtn(policy), testing.pixels(7, 3, seed=2)
        served = _served(_exported(policy), x)
        self.assertEqual((served.dtype, served.shape), (tf.uint8, (7, 32, 32, 1)))
        self.assertAllEqual(served, serving.translate(serving.in_float32(dtn), x))
        self.assertGreater(np.std(served), 1.0)

    @parameterized.parameters("float32", "mixed_bfloat16")
    def test_export_computes_in_float32_alone(self, policy):
        graph = _loaded(_exported(policy)).signatures["serving_default"].graph
        functions = graph.as_graph_def().library.function
        nodes = [n for f in functions for n in f.node_def] + list(graph.as_graph_def().node)
        found = {
            a.type for node in nodes for name, a in node.attr.items() if name in ("T", "dtype")
        }
        self.assertIn(tf.float32.as_datatype_enum, found)
        self.assertNotIn(tf.bfloat16.as_datatype_enum, found)

    def test_the_standard_signature_casts_nothing_to_black(self):
        dtn, x = _trained_dtn(), testing.pixels(3, 3)
        model = _loaded(_exported())
        signature = model.signatures["serving_default"]
        for dtype in (np.float32, np.float64):
            served = signature(images=(x / 255.0).astype(dtype))
            self.assertAllEqual(next(iter(served.values())), serving.translate(dtn, x))
        for wrong in (x, x.astype(np.uint16) * 257, x / 127.5 - 1.0):
            with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "floats outside of"):
                signature(images=wrong)

    @parameterized.parameters(0, -1)
    def test_no_images_at_a_time_are_refused(self, batch_size):
        with self.assertRaisesRegex(UserError, f"batch_size={batch_size}; expected 1 or more"):
            serving.translate(_trained_dtn(), testing.pixels(3, 3), batch_size=batch_size)

    @parameterized.parameters(1, 2, 65)
    def test_any_batch_size(self, n):
        x = testing.pixels(n, 3, seed=2)
        self.assertAllEqual(_served(_exported(), x), serving.translate(_trained_dtn(), x))

    def test_export_replaces_the_one_that_is_there(self):
        path, x = self.directory / "export", testing.pixels(3, 3)
        shutil.copytree(_exported(), path)
        (path / "stale").touch()
        new = testing.tiny_dtn()
        serving.export(new, path, channels=3)
        self.assertFalse((path / "stale").exists())
        self.assertEqual(list(self.directory.iterdir()), [path])
        expected = serving.translate(new, x)
        self.assertAllEqual(_served(path, x), expected)
        self.assertNotAllEqual(expected, serving.translate(_trained_dtn(), x))

    def test_leftover_of_a_killed_export_is_no_hindrance(self):
        (self.directory / f"partial-{os.getpid()}-export").mkdir()
        (self.directory / f"partial-{os.getpid()}-export" / "half").touch()
        copied = lambda _, path, **__: shutil.copytree(_exported(), path, dirs_exist_ok=True)  # noqa: E731
        with mock.patch.object(tf.saved_model, "save", copied):
            serving.export(_trained_dtn(), self.directory / "export", channels=1)
        self.assertEqual(list(self.directory.iterdir()), [self.directory / "export"])
        self.assertFalse((self.directory / "export" / "half").exists())
        self.assertTrue((self.directory / "export" / "saved_model.pb").exists())

    def test_translate_goes_through_the_one_door_for_pixels(self):
        dtn, x = _trained_dtn(), testing.pixels(4, 3)
        scale, one = np.float32(127.5), np.float32(1.0)  # float64 would round some levels otherwise
        painted = dtn(x.astype(np.float32) / scale - one).numpy()
        expected = np.clip(np.round((painted + one) * scale), 0, 255)
        translated = serving.translate(dtn, x)
        self.assertAllEqual(translated, expected)
        self.assertAllEqual(translated, images.to_uint8(dtn(images.to_model(x))))


class DoorTest(testing.TestCase):
    """Every dtype and range is translated by the documented rule or refused."""

    def setUp(self):
        super().setUp()
        self.dtn, self.x = _trained_dtn(), testing.pixels(4, 3)

    def right(self):
        scaled = self.x / 255.0
        return {
            "uint8": self.x,
            "uint16": self.x.astype(np.uint16) * 257,
            "float32": scaled.astype(np.float32),
        }

    def wrong(self):
        return {
            "model_range": (self.x / 127.5 - 1.0).astype(np.float32),
            "to_255": self.x.astype(np.float32),
            "nan": np.where(self.x > 200, np.nan, 0.5).astype(np.float32),
        }

    def test_what_is_right_is_the_same_translation(self):
        doors = self.right() | {"float64": self.x / 255.0, "tensor": tf.constant(self.x)}
        with testing.eagerly():
            expected = serving.translate(self.dtn, self.x)
            for name, x in doors.items():
                self.assertAllEqual(serving.translate(self.dtn, x), expected, name)

    def test_what_is_wrong_is_refused_with_the_reason(self):
        for name, x in self.wrong().items():
            with self.assertRaisesRegex(UserError, r"expected floats in \[0, 1\]", msg=name):
                serving.translate(self.dtn, x)
        for x in (self.x > 99, self.x.astype(np.int32), self.x.astype(np.int64)):
            with self.assertRaisesRegex(UserError, f"Got {x.dtype} images; expected uint8"):
                serving.translate(self.dtn, x)
        for x in (self.x[0], self.x[..., :2], np.zeros((3, 32, 32, 4), np.uint8)):
            with self.assertRaisesRegex(UserError, "shape.*expected.*1 or 3"):
                serving.translate(self.dtn, x)
        with self.assertRaisesRegex(UserError, "28 x 28 pixels; expected 32 x 32"):
            serving.translate(self.dtn, self.x[:, 2:30, 2:30])
        with self.assertRaisesRegex(UserError, "no image to work on"):
            serving.translate(self.dtn, self.x[:0])

    def test_the_export_does_the_same(self):
        exported = _loaded(_exported())
        expected = serving.translate(self.dtn, self.x)
        for name, x in self.right().items():
            self.assertAllEqual(exported.translate(x), expected, name)
        for name, x in self.wrong().items():
            with self.assertRaises(tf.errors.InvalidArgumentError, msg=name):
                exported.translate(x)
        for x in (self.x > 99, self.x.astype(np.int32), self.x / 255.0):
            with self.assertRaises((ValueError, TypeError)):
                exported.translate(x)


class LoadTest(testing.TestCase):
    def test_missing_and_damaged_are_told_apart(self):
        with self.assertRaisesRegex(UserError, "dtn.keras does not exist"):
            serving.load(self.directory)
        _trained_dtn().save(self.directory / "dtn.keras")
        data = bytearray((self.directory / "dtn.keras").read_bytes())
        data[8192:12288] = bytes(4096)
        (self.directory / "dtn.keras").write_bytes(data)
        with self.assertRaisesRegex(UserError, "dtn.keras is damaged"):
            serving.load(self.directory)

    def test_comes_back_by_the_public_names(self):
        dtn, x = _trained_dtn(), testing.pixels(2, 3)
        dtn.save(self.directory / "dtn.keras")
        again = dtn_tf.load(self.directory)
        self.assertIsInstance(again, dtn_tf.DTN)
        self.assertAllEqual(dtn_tf.translate(again, x), serving.translate(dtn, x))
        self.assertIn("dtn", dtn_tf.PRESETS)
