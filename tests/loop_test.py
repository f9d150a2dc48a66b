import contextlib
import io
import os
import signal
import threading
import time
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import files, loop
from dtn_tf.errors import UserError
from tests import forked, killable, testing


class _CrashError(Exception):
    pass


def _crash():
    raise _CrashError


def _line():
    """The smallest model that trains: y = a x."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def _numbered(start, stop):
    return tf.data.Dataset.range(start, stop).map(
        lambda k: (tf.reshape(tf.cast(k, tf.float32), (1, 1)), tf.ones((1, 1)))
    )


def _endless_after(step):
    """Batches that turn NaN after a step."""

    def batches(start, stop):
        return _numbered(start, stop).map(lambda x, y: (x, tf.where(x < step, y, np.nan)))

    return batches


def _steps(directory):
    return [int(path.name[5:13]) for path in sorted(directory.glob("step-*.weights.h5"))]


def _kill_after_checkpoints(directory):
    """Trains every kind of model in another process; kills it in the middle."""
    words = ["-m", "tests.killable", str(directory)]
    victim = forked.Process(words, directory / "said", eager=True)
    deadline = time.monotonic() + 400.0
    while not all(_steps(directory / kind) for kind in killable.MODELS):
        if victim.poll() is not None or time.monotonic() > deadline:
            victim.kill()
            raise AssertionError(f"No checkpoint came; exit code {victim.wait()}.")
        time.sleep(0.02)
    victim.kill()  # SIGKILL: nothing can be caught or saved
    return victim.wait()


class ResumeTest(testing.TestCase):
    def test_killed_runs_end_with_the_weights_of_those_that_were_not(self):
        self.enter_context(testing.eagerly())  # sooner than a trace of each
        self.assertEqual(_kill_after_checkpoints(self.directory), -signal.SIGKILL)
        for kind, make in killable.MODELS.items():
            made = make()
            steps, straight = killable.STEPS, self.directory / "straight" / kind
            _, straight = killable.run(kind, straight, steps, made=made)
            # The same model, at the last step: all that a checkpoint lacks would be from there.
            start, resumed = killable.run(kind, self.directory / kind, steps, made=made)
            self.assertEqual(start, killable.CHECKPOINT_EVERY)  # it did go on from a checkpoint
            for a, b in zip(straight, resumed, strict=True):
                np.testing.assert_array_equal(a, b)

    def test_crash_between_checkpoints_repeats_the_steps_since(self):
        straight, resumed = _line(), _line()
        loop.fit(straight, _numbered, 11, self.directory / "straight")
        crashed = self.directory / "crashed"
        with self.assertRaises(_CrashError):
            loop.fit(_line(), _numbered, 11, crashed, [testing.Call(6, _crash)], 4)
        self.assertEqual(loop.fit(resumed, _numbered, 11, crashed), 4)
        self.assertAllEqual(resumed.get_weights()[0], straight.get_weights()[0])

    def test_finished_run_does_nothing(self):
        loop.fit(_line(), _numbered, 5, self.directory)
        model, reached = _line(), []
        self.assertEqual(
            loop.fit(
                model, _numbered, 5, self.directory, [testing.Call(5, lambda: reached.append(1))]
            ),
            5,
        )
        self.assertEmpty(reached)

    def test_finished_run_goes_on_when_more_steps_are_asked_for(self):
        straight = _line()
        loop.fit(straight, _numbered, 8, self.directory / "straight")
        loop.fit(_line(), _numbered, 5, self.directory / "longer")
        longer = _line()
        self.assertEqual(loop.fit(longer, _numbered, 8, self.directory / "longer"), 5)
        self.assertAllEqual(longer.get_weights()[0], straight.get_weights()[0])

    def test_callbacks_know_where_they_are(self):
        loop.fit(_line(), _numbered, 3, self.directory)
        callback = testing.Call(5, lambda: None)
        loop.fit(_line(), _numbered, 7, self.directory, [callback])
        self.assertEqual((callback.start, callback.num_steps), (3, 7))


class CheckpointTest(testing.TestCase):
    def test_two_are_kept_and_the_last_step_has_one(self):
        loop.fit(_line(), _numbered, 11, self.directory, checkpoint_every=3)
        self.assertEqual(_steps(self.directory), [9, 11])
        self.assertLen(list(self.directory.iterdir()), 4)  # and what each is known by

    def test_wall_time_goes_on_after_a_stop(self):
        self.assertEqual(loop.seconds(self.directory), 0.0)
        loop.fit(_line(), _numbered, 4, self.directory)
        first = loop.seconds(self.directory)
        self.assertGreater(first, 0.0)
        path = self.directory / "step-00000004.json"
        files.save_json(path, {**files.read_json(path, "facts"), "seconds": 1000.0})
        loop.fit(_line(), _numbered, 6, self.directory)
        self.assertBetween(loop.seconds(self.directory), 1000.0, 1000.0 + 60.0)

    @parameterized.named_parameters(
        ("empty", lambda data: b""),
        ("half", lambda data: data[: len(data) // 2]),
        ("something_else", lambda data: b"not a checkpoint" * 99),
        ("second_half_zeroed", lambda data: data[: len(data) // 2] + bytes(len(data) // 2)),
        ("one_page_zeroed", lambda data: data[:4096] + bytes(4096) + data[8192:]),
        ("one_weight_changed", lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]),
    )
    def test_damaged_newest_checkpoint_makes_way_for_the_older_one(self, damage):
        straight = _line()
        loop.fit(straight, _numbered, 11, self.directory / "straight")
        loop.fit(_line(), _numbered, 8, self.directory, checkpoint_every=4)
        newest = self.directory / "step-00000008.weights.h5"
        newest.write_bytes(damage(newest.read_bytes()))
        model, out = _line(), io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(loop.fit(model, _numbered, 11, self.directory), 4)
        self.assertIn("step-00000008.weights.h5 is damaged: resuming from", out.getvalue())
        self.assertAllEqual(model.get_weights()[0], straight.get_weights()[0])

    def test_a_checkpoint_whose_facts_are_missing_is_not_complete(self):
        loop.fit(_line(), _numbered, 8, self.directory, checkpoint_every=4)
        (self.directory / "step-00000008.json").unlink()
        self.assertEqual(loop.restore(_line(), self.directory), 4)

    def test_a_full_disk_is_one_error_and_keeps_the_last_checkpoint(self):
        loop.fit(_line(), _numbered, 4, self.directory)
        full = mock.patch.object(os, "posix_fallocate", side_effect=OSError(28, "No space left"))
        with full, self.assertRaisesRegex(UserError, "step-00000006.*No space left.*MB are free"):
            loop.fit(_line(), _numbered, 8, self.directory, checkpoint_every=2)
        self.assertEqual(_steps(self.directory), [4])
        self.assertEqual(loop.fit(_line(), _numbered, 8, self.directory), 4)  # there is room again

    def test_nothing_but_damaged_checkpoints_is_an_error(self):
        loop.fit(_line(), _numbered, 8, self.directory, checkpoint_every=4)
        for path in self.directory.glob("*.h5"):
            path.write_bytes(b"damaged")
        with (
            contextlib.redirect_stdout(io.StringIO()),
            self.assertRaisesRegex(UserError, "No checkpoint in .* is whole. Delete it"),
        ):
            loop.fit(_line(), _numbered, 11, self.directory)

    def test_other_files_between_checkpoints_are_none_of_them(self):
        loop.fit(_line(), _numbered, 4, self.directory)
        for name in ("step-old.weights.h5", "step-old.json", "my-step-00000009.weights.h5"):
            (self.directory / name).write_text("{}")
        self.assertEqual(loop.fit(_line(), _numbered, 6, self.directory), 4)
        self.assertTrue((self.directory / "step-old.weights.h5").exists())

    @parameterized.parameters("x", None, -1.0, float("nan"), ([1],))
    def test_a_time_that_is_none_is_unknown(self, seconds):
        loop.fit(_line(), _numbered, 4, self.directory)
        path = self.directory / "step-00000004.json"
        files.save_json(path, {**files.read_json(path, "facts"), "seconds": seconds})
        self.assertEqual(loop.seconds(self.directory), 0.0)
        self.assertEqual(loop.fit(_line(), _numbered, 6, self.directory), 4)

    def test_no_checkpoint_is_step_0(self):
        self.assertEqual(loop.restore(_line(), self.directory / "missing"), 0)

    def test_half_written_checkpoint_is_not_one(self):
        (self.directory / "partial-1-step-00000004.weights.h5").write_bytes(b"half")
        self.assertEqual(loop.restore(_line(), self.directory), 0)


class StopTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        old = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test worker ignores it
        self.addCleanup(signal.signal, signal.SIGINT, old)

    @parameterized.parameters(signal.SIGINT, signal.SIGTERM)
    def test_signal_saves_and_says_where(self, number):
        old = signal.getsignal(number)
        ask = testing.Call(3, lambda: signal.raise_signal(number))
        with self.assertRaisesRegex(loop.Interrupted, "at step 3 of 9, saved. The same"):
            loop.fit(_line(), _numbered, 9, self.directory, [ask])
        self.assertEqual(_steps(self.directory), [3])
        self.assertEqual(signal.getsignal(number), old)
        straight, resumed = _line(), _line()
        self.assertEqual(loop.fit(resumed, _numbered, 9, self.directory), 3)
        loop.fit(straight, _numbered, 9, self.directory / "straight")
        self.assertAllEqual(resumed.get_weights()[0], straight.get_weights()[0])

    @parameterized.parameters(signal.SIGINT, signal.SIGTERM)
    def test_signal_at_the_last_step_stops_what_would_follow(self, number):
        ask = testing.Call(4, lambda: signal.raise_signal(number))
        with self.assertRaisesRegex(loop.Interrupted, "at step 4 of 4, saved") as caught:
            loop.fit(_line(), _numbered, 4, self.directory, [ask])
        self.assertEqual(caught.exception.number, number)
        self.assertEqual(_steps(self.directory), [4])
        self.assertEqual(loop.fit(_line(), _numbered, 4, self.directory), 4)  # it is done

    def test_second_signal_is_not_held_back(self):
        def ask_twice():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

        with self.assertRaises(KeyboardInterrupt):
            loop.fit(_line(), _numbered, 9, self.directory, [testing.Call(3, ask_twice)])

    def test_signals_are_given_back_after_an_error(self):
        old = signal.getsignal(signal.SIGINT)
        with self.assertRaises(_CrashError):
            loop.fit(_line(), _numbered, 9, self.directory, [testing.Call(3, _crash)])
        self.assertEqual(signal.getsignal(signal.SIGINT), old)

    def test_other_threads_can_train(self):
        done = []
        thread = threading.Thread(
            target=lambda: done.append(loop.fit(_line(), _numbered, 3, self.directory))
        )
        thread.start()
        thread.join()
        self.assertEqual(done, [0])

    def test_nan_stops_before_it_is_saved(self):
        with self.assertRaisesRegex(loop.NotFinite, r"loss is nan at step 6\..*learning rate"):
            loop.fit(_line(), _endless_after(5), 9, self.directory, checkpoint_every=2)
        self.assertEqual(_steps(self.directory), [2, 4])
        model = _line()
        self.assertEqual(loop.restore(model, self.directory), 4)
        self.assertTrue(np.isfinite(model.get_weights()[0]).all())

    def test_nan_at_a_checkpoint_step_is_not_saved_either(self):
        with self.assertRaises(loop.NotFinite):
            loop.fit(_line(), _endless_after(5), 9, self.directory, checkpoint_every=6)
        self.assertEmpty(_steps(self.directory))

    def broken(self, step):
        """A model whose weights, not its loss, turn NaN by the update of a step."""
        model = _line()
        weight = model.layers[0].kernel
        return model, testing.Call(step, lambda: weight.assign(weight * np.nan))

    def test_nan_weights_are_not_checkpointed_and_the_run_resumes(self):
        model, breaks = self.broken(6)
        with self.assertRaisesRegex(loop.NotFinite, "kernel is not finite after step 6.*is good"):
            loop.fit(model, _numbered, 9, self.directory, [breaks], checkpoint_every=2)
        self.assertEqual(_steps(self.directory), [2, 4])
        straight, resumed = _line(), _line()
        self.assertEqual(loop.fit(resumed, _numbered, 9, self.directory), 4)
        loop.fit(straight, _numbered, 9, self.directory / "straight")
        self.assertAllEqual(resumed.get_weights()[0], straight.get_weights()[0])

    def test_nan_weights_of_the_last_step_are_not_the_result(self):
        model, breaks = self.broken(9)
        with self.assertRaisesRegex(loop.NotFinite, "after step 9"):
            loop.fit(model, _numbered, 9, self.directory, [breaks], checkpoint_every=4)
        self.assertEqual(_steps(self.directory), [4, 8])

    def test_moments_are_weights_too(self):
        model = _line()
        model.compile(keras.optimizers.Adam(0.01), "mse")
        model.optimizer.build(model.trainable_variables)
        moment = model.optimizer.variables[-1]
        with self.assertRaises(loop.NotFinite):
            breaks = testing.Call(2, lambda: moment.assign(moment * np.nan))
            loop.fit(model, _numbered, 4, self.directory, [breaks], checkpoint_every=2)
