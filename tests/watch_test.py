"""Scores while training: right, and without a trace in what is trained."""

import contextlib
import dataclasses
import io
import json
import types
from unittest import mock

import numpy as np
from absl.testing import parameterized

from dtn_tf import classify, config, serving, train
from dtn_tf.data import domains, sets, stores
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from dtn_tf.scores import distances, independent, judge, scorers, watch
from tests import testing, train_test, trained
from tests.figures_test import figures

_STEPS = 2  # of the judge


class WatchTest(trained.TestCase):
    def test_weights_are_those_of_the_run_that_nobody_watched(self):
        settings = dataclasses.replace(train_test.SMALL, steps=2, grid_every=2, eval_every=1)
        workdir = self.workdir.with_name("b")
        watcher = watch.Watch(workdir, self.cache, settings.eval_every, _STEPS)
        with mock.patch.object(serving, "export"), testing.eagerly():  # as the other one
            _, out = self.quietly(train.train, settings, workdir, self.cache, [watcher])
        self.assertTrue(list(self.cache.glob("judge-*")))  # trained before the first step
        plain, found = serving.load(self.workdir), serving.load(workdir)
        for a, b in zip(testing.state(plain), testing.state(found), strict=True):
            self.assertAllEqual(a, b)

        steps, values = figures.read_scalars(workdir / "tb" / "dtn")["eval/accuracy_validation"]
        self.assertEqual(steps, [1, 2])
        self.assertIn(f"watch: step 2: accuracy_validation {values[-1]:.3f}", out)
        # The last one is what scoring gives: another way to the same translations and judge.
        of_run = sets.of(settings, stores.of(settings, self.cache))
        shown = of_run.validation
        read_by, _ = judge.train(of_run.target_train, of_run.target_test, self.cache, _STEPS)
        read = classify.predict(read_by, serving.translate(found, shown.pixels))
        self.assertAllClose(values[-1], np.mean(read == shown.labels))
        self.assertAllClose([*watcher.found.values()], values[-1:])
        kept = [json.loads(text) for text in (workdir / "watched.jsonl").read_text().splitlines()]
        self.assertEqual([part["step"] for part in kept], [1, 2])
        self.assertAllClose([part["accuracy_validation"] for part in kept], values)


class ApartTest(trained.TestCase):
    def test_without_a_judge_it_is_what_distances_measure(self):
        self.enter_context(mock.patch.object(independent, "STEPS", 2))
        channels = {32: testing.F_CHANNELS}
        self.enter_context(mock.patch.object(independent, "_CHANNELS", channels))
        dtn = serving.load(self.workdir)
        x, real = Pictures(testing.pixels(20, 3), "a"), Pictures(testing.pixels(40, seed=1), "b")
        of_t = domains.Domain("b", "b", 32, 1)
        of_run = types.SimpleNamespace(
            task=domains.Task("folders", None, of_t, None),
            validation=x,
            real=lambda split: real,
            target_train=Pictures(testing.pixels(30, seed=2), "b train"),
        )
        yardstick = types.SimpleNamespace(cache_dir=self.cache)
        measured = scorers.Translated(dtn, of_run, yardstick, "validation", x, real, None)
        with mock.patch.object(watch, "AT_MOST_APART", 10**6):
            (found, _) = self.quietly(watch._apart, measured)
            found = found()
        expected = distances.measure(dtn, of_run, "validation", measured.independent)
        self.assertEqual(expected["n"], 20)
        self.assertAllClose(found["constancy_validation"], expected["constancy"]["rank_1"])
        part = expected["under_independent"]
        self.assertAllClose(found["kid_validation"], part["kid"], rtol=0.2)  # other subsets
        self.assertAllClose(found["kid_floor_validation"], part["kid_floor"], atol=0.05)


class FewTest(testing.TestCase):
    @parameterized.parameters((1, 40), (20, 2), (20, 3))
    def test_too_few_images_are_said_and_leave_the_curves_out(self, num_shown, num_real):
        shown = Pictures(testing.pixels(num_shown, 3), "a test")
        real = Pictures(testing.pixels(num_real), "b test")
        measured = scorers.Translated(None, None, None, "validation", shown, real, None)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertIsNone(watch._apart(measured))
        expected = f"a test has {num_shown} images and b test {num_real}, they need 2 and 4"
        self.assertIn(expected, said.getvalue())

    def test_a_split_without_an_image_is_said_and_leaves_the_curves_out(self):
        def real(split):
            raise UserError(f"b has no image for {split}.")

        sets = types.SimpleNamespace(validation=None, real=real)
        yardstick = types.SimpleNamespace(sets=lambda run: sets)
        patches = {"runs": mock.DEFAULT, "stores": mock.DEFAULT}
        with mock.patch.multiple(watch, **patches, Yardstick=lambda *args: yardstick):
            with contextlib.redirect_stdout(io.StringIO()) as said:
                self.assertIsNone(watch._measure_of(None, self.directory, self.directory, 1))
        self.assertEqual(said.getvalue(), "watch: no curves: b has no image for validation.\n")

    def test_nothing_is_measured_then_and_the_run_goes_on(self):
        (watcher,) = watch.of(config.make("dtn", eval_every=1), self.directory, self.directory)
        watcher.start, watcher.num_steps = 0, 1
        with mock.patch.object(watch, "_measure_of", return_value=None):
            watcher.on_train_begin()
        watcher.on_train_batch_end(0)
        self.assertEmpty(list(self.directory.iterdir()))


class SettingTest(testing.TestCase):
    def test_a_run_for_a_table_is_looked_at_five_times_in_its_last_fifth(self):
        (watcher,) = watch.at_the_end(config.make("dtn"), self.directory, self.directory)
        watcher._measure = lambda: {"accuracy_validation": 0.5}
        watcher.start, watcher.num_steps = 0, 1500
        for batch in range(1500):
            with contextlib.redirect_stdout(io.StringIO()):
                watcher.on_train_batch_end(batch)
        kept = (self.directory / "watched.jsonl").read_text().splitlines()
        steps = [json.loads(text)["step"] for text in kept]
        self.assertEqual(steps, [1200, 1275, 1350, 1425, 1500])
        asked = watch.at_the_end(config.make("dtn", eval_every=7), self.directory, self.directory)
        self.assertEqual([(w._every, w._begin) for w in asked], [(7, 0)])

    def test_several_steps_per_execution_are_looked_at_once_each_interval_and_at_the_end(self):
        (watcher,) = watch.of(config.make("dtn", eval_every=50), self.directory, self.directory)
        watcher._measure = lambda: {"accuracy_validation": 0.5}
        watcher.start, watcher.num_steps, watcher.stride = 0, 1500, 7
        for batch in range(6, 1500 + 6, 7):  # Keras counts in whole strides
            with contextlib.redirect_stdout(io.StringIO()):
                watcher.on_train_batch_end(batch)
        kept = (self.directory / "watched.jsonl").read_text().splitlines()
        found = [json.loads(text)["step"] for text in kept]
        # The first multiple of 7 from each of 50, 100, ... on, and the last step.
        self.assertEqual(found, [-(-step // 7) * 7 for step in range(50, 1500, 50)] + [1500])

    def test_is_off_unless_asked_for_and_no_part_of_what_a_run_is(self):
        self.assertEmpty(watch.of(config.make("dtn"), self.directory, self.directory))
        asked = config.make("dtn", eval_every=5)
        (watcher,) = watch.of(asked, self.directory, self.directory)
        self.assertEqual(watcher._every, 5)
        self.assertEmpty(config.changes(asked))
        self.assertIn("eval_every", config.NOT_IDENTITY)
