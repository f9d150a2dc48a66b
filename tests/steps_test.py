"""What callbacks see where Keras takes several steps at a time, and what waits for nothing."""

import io
import signal
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from dtn_tf import callbacks, loop, steps
from tests import loop_test, testing


class _Seen(steps.Stepped):
    """Keeps steps, and what kind of things the logs are."""

    def on_train_begin(self, logs=None):
        self.steps, self.kinds = [], set()

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.step_of(batch))
        self.kinds |= {type(value) for value in logs.values()}


class _Due(steps.Stepped):
    """Keeps the steps at which it was due."""

    def __init__(self, every):
        super().__init__()
        self.every, self.due = every, []

    def on_train_batch_end(self, batch, logs=None):
        if self.is_due(self.step_of(batch), self.every):
            self.due.append(self.step_of(batch))


def _line(num_steps):
    model = loop_test._line()
    model.compile(keras.optimizers.SGD(0.01), "mse", steps_per_execution=num_steps)
    return model


class StrideTest(testing.TestCase):
    def fit(self, stride, num_steps=11, watchers=(), every=4, batches=loop_test._numbered):
        model = _line(stride)
        loop.fit(model, batches, num_steps, self.directory / "run", watchers, every)
        return model

    def test_steps_are_those_at_the_ends_of_executions(self):
        seen = _Seen()
        self.fit(4, watchers=[seen])
        self.assertEqual(seen.steps, [4, 8, 11])  # the last one is shorter

    @parameterized.parameters((1, 5, [5, 10]), (4, 5, [8, 11]), (3, 5, [6, 11]), (4, 4, [4, 8]))
    def test_what_falls_due_within_an_execution_comes_at_its_end(self, stride, every, expected):
        due = _Due(every)
        self.fit(stride, watchers=[due])
        self.assertEqual(due.due, expected)

    def test_checkpoints_come_at_the_end_of_an_execution(self):
        self.fit(4, every=6)
        self.assertEqual(loop_test._steps(self.directory / "run"), [8, 11])

    def test_weights_are_those_of_single_steps(self):
        straight = loop_test._line()
        loop.fit(straight, loop_test._numbered, 11, self.directory / "straight")
        self.assertAllEqual(self.fit(4).get_weights()[0], straight.get_weights()[0])

    def test_a_signal_stops_at_the_end_of_an_execution_and_the_run_resumes(self):
        old = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, old)
        ask = testing.Call(4, lambda: signal.raise_signal(signal.SIGINT))
        with self.assertRaisesRegex(loop.Interrupted, "at step 4 of 11, saved"):
            self.fit(4, watchers=[ask], every=100)
        seen = _Seen()
        resumed = self.fit(4, watchers=[seen])
        self.assertEqual(seen.steps, [8, 11])
        straight = loop_test._line()
        loop.fit(straight, loop_test._numbered, 11, self.directory / "straight")
        self.assertAllEqual(resumed.get_weights()[0], straight.get_weights()[0])

    def test_weights_that_are_not_finite_are_never_saved(self):
        with self.assertRaisesRegex(loop.NotFinite, "loss is nan at step 8"):
            self.fit(4, every=4, batches=loop_test._endless_after(5))
        self.assertEqual(loop_test._steps(self.directory / "run"), [4])

    def test_a_progress_line_tells_the_step_it_is_at(self):
        out = io.StringIO()
        self.fit(4, watchers=[callbacks.Progress("x", 5, 1, shown=["loss"], stream=out)])
        lines = [line.split("  ")[0] for line in out.getvalue().splitlines()]
        self.assertEqual(lines, ["x: step 8/11", "x: step 11/11"])

    def test_several_steps_of_dtn_are_the_same_steps(self):
        self.enter_context(testing.as_traced())
        found = []
        for stride in (1, 2):
            dtn = testing.tiny_dtn(compiled={"steps_per_execution": stride})
            batch = (testing.images(8, 3), testing.images(8, 1, 1))
            dtn.fit(tf.data.Dataset.from_tensors(batch).repeat(3), verbose=0)
            found.append(testing.state(dtn))
        for one, two in zip(*found, strict=True):
            self.assertAllClose(one, two, rtol=1e-4, atol=1e-5)


class WaitTest(testing.TestCase):
    def test_logs_are_tensors(self):
        seen = _Seen()
        loop.fit(loop_test._line(), loop_test._numbered, 3, self.directory, [seen])
        self.assertTrue(all(issubclass(kind, tf.Tensor) for kind in seen.kinds), seen.kinds)

    def test_a_loss_is_looked_at_only_where_something_is_read_or_saved(self):
        with mock.patch.object(steps, "numbers", wraps=steps.numbers) as looked:
            progress = callbacks.Progress("x", 6, 1, stream=io.StringIO())
            loop.fit(loop_test._line(), loop_test._numbered, 13, self.directory, [progress], 4)
        sizes = [len(list(call.args[0])) for call in looked.call_args_list if call.args]
        # NaN: 4, 6, 8, 12, the end; the line: 6, 12, 13. Generators are used up by then.
        self.assertLen(sizes, 8)

    @parameterized.parameters(1, 50)
    def test_a_loss_that_is_nan_once_is_found_later(self, checkpoint_every):
        nan = loop._StopOnNaN({checkpoint_every})
        nan.num_steps = 9
        nan.on_train_begin()
        nan.on_train_batch_end(0, {"loss": tf.constant(1.0), "other": tf.constant(2.0)})
        nan_at = {"loss": tf.constant(1.0), "other": tf.constant(np.inf)}
        with self.assertRaisesRegex(loop.NotFinite, "other is inf at step 2"):
            nan.on_train_batch_end(1, nan_at)
            nan.on_train_batch_end(2, {"loss": tf.constant(1.0), "other": tf.constant(2.0)})
            nan.on_train_end()


if __name__ == "__main__":
    absltest.main()
