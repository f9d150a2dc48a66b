"""Several devices give what one gives, and what they cannot do is refused."""

import os
import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from dtn_tf import build, config, devices, precision, starts, train
from dtn_tf.content import make
from dtn_tf.data import domains, pipeline
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier
from tests import conftest, forked, replicas, testing


def _trained():
    """The folder of files that `replicas` leaves; made once."""
    directory = pathlib.Path(os.environ[conftest.SHARED]) / "replicas"
    if not directory.exists():
        directory.mkdir()
        said = directory / "said"
        if forked.Process(["-m", "tests.replicas", str(directory)], said).wait():
            raise AssertionError(said.read_text())
    return directory


class TwoDevicesTest(testing.TestCase):
    def of(self, name, kind):
        found = np.load(_trained() / f"{name}.npz")
        return {key: found[key] for key in found.files if key.startswith(kind)}

    def test_weights_are_those_of_one_device_with_the_whole_batch(self):
        one, two = self.of("1", "weight/"), self.of("2", "weight/")
        for (path, a), b in zip(one.items(), two.values(), strict=True):
            self.assertAllClose(a, b, rtol=1e-5, atol=1e-5, msg=path)

    def test_weights_have_moved_by_far_more_than_they_differ(self):
        begun, two = self.of("begun", "weight/"), self.of("2", "weight/")
        apart = [np.abs(a - b).max() for a, b in zip(begun.values(), two.values(), strict=True)]
        self.assertGreater(max(apart), 1e-3)

    def test_logs_are_means_over_all_devices(self):
        one, two = self.of("1", "log/"), self.of("2", "log/")
        for name, value in one.items():
            self.assertAllClose(value, two[name], rtol=1e-4, atol=1e-6, msg=name)

    def test_a_run_that_was_stopped_ends_with_the_same_weights(self):
        straight = self.of("2", "weight/")
        self.assertEqual(self.of("resumed", "start")["start"], replicas.STEPS // 2)
        for a, b in zip(straight.values(), self.of("resumed", "weight/").values(), strict=True):
            self.assertAllEqual(a, b)


class RefusedTest(testing.TestCase):
    @parameterized.named_parameters(
        ("batch", {"batch_size": 9}, "batch_size=9 cannot be shared equally by devices=2"),
        ("one image each", {"batch_size": 2}, "each device needs two images"),
        ("float16", {"precision": "mixed_float16"}, "looks for overflow on the first device alone"),
        ("loop", {"steps_per_execution": 2}, "steps_per_execution=2 does not go with devices=2"),
        ("xla", {"jit_compile": True}, "XLA compiles a step of one device"),
    )
    def test_what_two_devices_cannot_do(self, given, said):
        with self.assertRaisesRegex(UserError, said):
            config.make("dtn", devices=2, **given)

    def test_the_port_whose_steps_are_functions(self):
        with self.assertRaisesRegex(UserError, "method=yunjey does not go with devices=2"):
            config.make("yunjey", devices=2)

    def test_xla_with_deterministic_kernels(self):
        with self.assertRaisesRegex(UserError, "jit_compile does not go with deterministic"):
            config.make("dtn", jit_compile=True, deterministic=True)

    def test_more_devices_than_there_are(self):
        devices.check(config.make("dtn"))
        with self.assertRaisesRegex(UserError, "devices=8, and TensorFlow sees 1 here .CPU"):
            devices.check(config.make("dtn", devices=8))

    def test_auto_is_never_float16_on_several(self):
        gpu = mock.patch.object(tf.config, "list_physical_devices", lambda kind: ["gpu"])
        old = {"compute_capability": (7, 0)}
        of_gpu = mock.patch.object(tf.config.experimental, "get_device_details", lambda device: old)
        with gpu, of_gpu:
            self.assertEqual(precision.resolve("auto"), "mixed_float16")
            self.assertEqual(precision.resolve("auto", 2), "float32")


class SettingsTest(testing.TestCase):
    def test_settings_of_the_machine_are_not_what_a_run_is(self):
        here = config.make("dtn")
        for given in ({"devices": 2}, {"steps_per_execution": 5, "deterministic": True}):
            there = config.make("dtn", **given)
            self.assertEqual(config.changes(there), {})
            self.assertEqual(starts._differing(here, there), {})

    def test_they_reach_keras(self):
        content = make.content_of(Classifier(testing.tiny_nets()[0]))
        small = {**replicas.SMALL, "steps": 9}
        for jit, steps in ((False, 1), (True, 3)):
            settings = config.make("dtn", **small, jit_compile=jit, steps_per_execution=steps)
            dtn = build.build(settings, domains.TASKS["svhn"], content)
            self.assertEqual((dtn.jit_compile, dtn.steps_per_execution), (jit, steps))

    @parameterized.parameters(True, False)
    def test_deterministic_kernels_only_where_asked_for(self, asked):
        settings = config.make("tiny", data="builtin", deterministic=asked)
        stop = mock.patch.object(devices, "describe", side_effect=InterruptedError)
        switch = mock.patch.object(tf.config.experimental, "enable_op_determinism")
        with stop, switch as enabled, self.assertRaises(InterruptedError):
            train.train(settings, self.directory / "run", self.directory / "cache")
        self.assertEqual(enabled.called, asked)


class CopiedTest(testing.TestCase):
    def test_batches_of_a_copy_are_those_of_the_arrays(self):
        parts = ((testing.pixels(13, 3), np.arange(13)), (testing.pixels(9),))
        order = np.array([3, 1, 1, 0])
        given = (parts, 4, 2, 3, 8, (None, order))
        for one, two in zip(
            pipeline.batches(*given), pipeline.batches(*given, copied=True), strict=True
        ):
            tf.nest.map_structure(self.assertAllEqual, one, two)

    def test_only_a_gpu_has_small_sets_copied(self):
        self.assertFalse(devices.holds(100))
        with mock.patch.object(tf.config, "list_physical_devices", lambda kind: [kind]):
            self.assertTrue(devices.holds(1 << 30))
            self.assertFalse(devices.holds((1 << 30) + 1))


if __name__ == "__main__":
    absltest.main()
