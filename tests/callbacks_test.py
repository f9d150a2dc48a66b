import contextlib
import io
import types
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from dtn_tf import callbacks, images, loop
from tests import testing

_DTN_TAGS = {
    *("loss/L_D", "loss/L_G", "loss/L_GANG_source", "loss/L_GANG_target"),
    *("loss/L_CONST", "loss/L_TID", "loss/L_TV"),
    *("D/D1_G_source", "D/D2_G_source", "D/D3_G_source"),
    *("D/D1_G_target", "D/D2_G_target", "D/D3_G_target"),
    *("D/D1_target", "D/D2_target", "D/D3_target"),
    *("rate/images_per_second", "rate/learning_rate_d_optimizer", "rate/learning_rate_g_optimizer"),
}
_BATCH = (testing.images(4, 3), testing.images(4, 1, seed=1))


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _repeated(start, stop):
    return tf.data.Dataset.from_tensors(_BATCH).repeat(stop - start)


def _events(directory):
    """All TensorBoard values of a folder, as (tag, step, value)."""
    return [
        (value.tag, event.step, value)
        for path in sorted(directory.glob("events.*"))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


class ProgressTest(testing.TestCase):
    def _run(
        self, stream, seconds_per_step=0.5, start=0, num_steps=200, every=50, first=0.5, **kwargs
    ):
        """Feeds a Progress the steps of a run on a clock of our own."""
        self.now = 1000.0
        progress = callbacks.Progress("dtn", every, 32, stream=stream, **kwargs)
        progress.start, progress.num_steps = start, num_steps
        progress.set_model(mock.Mock(spec=["reset_metrics"]))
        with mock.patch.object(callbacks.time, "perf_counter", lambda: self.now):
            progress.on_train_begin()
            for batch in range(num_steps - start):
                self.now += seconds_per_step if batch else first
                step = start + batch + 1
                progress.on_train_batch_end(batch, {"L_D": step / 100.0, "L_TID": 0.12345})
        return progress

    def test_plain_lines_where_nobody_watches(self):
        stream = io.StringIO()
        self._run(stream, shown=("L_TID", "L_D", "absent"))
        self.assertEqual(
            stream.getvalue().splitlines(),
            [
                "dtn: step 50/200  L_TID 0.123  L_D 0.500  64 images/s  ETA 1:15",
                "dtn: step 100/200  L_TID 0.123  L_D 1.000  64 images/s  ETA 0:50",
                "dtn: step 150/200  L_TID 0.123  L_D 1.500  64 images/s  ETA 0:25",
                "dtn: step 200/200  L_TID 0.123  L_D 2.000  64 images/s  ETA 0:00",
            ],
        )

    def test_the_line_goes_where_standard_output_goes(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self._run(None)
        self.assertLen(out.getvalue().splitlines(), 4)

    def test_one_live_line_on_a_terminal(self):
        stream = _Terminal()
        self._run(stream)
        self.assertEqual(stream.getvalue().count("\n"), 1)  # once it is over
        self.assertTrue(stream.getvalue().endswith("ETA 0:00\n"))
        parts = stream.getvalue().split("\r\x1b[K")  # back to the start, line erased
        self.assertEqual(parts[0], "")
        self.assertStartsWith(parts[2], "dtn: step 100/200 ")
        self.assertLen(parts, 5)

    def test_last_step_is_shown_though_no_interval_ends_there(self):
        stream = io.StringIO()
        self._run(stream, num_steps=60)
        self.assertIn("dtn: step 60/60 ", stream.getvalue().splitlines()[-1])
        self.assertLen(stream.getvalue().splitlines(), 2)

    def test_resumed_run_says_so_and_counts_its_own_steps(self):
        stream = io.StringIO()
        self._run(stream, start=120, seconds_per_step=2.0)
        first, second, _ = stream.getvalue().splitlines()
        self.assertEqual(first, "dtn: resumed at step 120")
        self.assertEndsWith(second, "16 images/s  ETA 1:40")  # 30 steps in a minute; 50 are left

    def test_compilation_is_not_in_the_speed(self):
        for start in (0, 60):
            stream = io.StringIO()
            self._run(stream, start=start, first=100.0)
            lines = [line for line in stream.getvalue().splitlines() if "resumed" not in line]
            for line in lines:
                self.assertIn(" 64 images/s ", line)
        self.assertEndsWith(lines[0], "ETA 0:50")

    def test_a_first_step_that_is_all_there_is_counts(self):
        stream = io.StringIO()
        self._run(stream, num_steps=2, every=1, first=2.0)
        self.assertIn(" 16 images/s  ETA 0:02", stream.getvalue().splitlines()[0])

    def test_long_runs_are_told_in_minutes(self):
        stream = io.StringIO()
        self._run(stream, seconds_per_step=60.0, num_steps=100)
        self.assertEndsWith(stream.getvalue().splitlines()[0], "ETA 50:00")

    def test_means_start_anew_each_interval(self):
        progress = self._run(io.StringIO())
        self.assertEqual(progress.model.reset_metrics.call_count, 4)

    def test_time_between_intervals_does_not_count(self):
        stream = io.StringIO()
        with callbacks.writer(self.directory) as writer:
            writer.flush = lambda: setattr(self, "now", self.now + 1000.0)  # a slow disk
            self._run(stream, writer=writer)
        for line in stream.getvalue().splitlines():
            self.assertIn(" 64 images/s ", line)


class TensorBoardTest(testing.EagerTestCase):
    def test_tags_are_the_documented_ones(self):
        dtn = testing.tiny_dtn()
        with callbacks.writer(self.directory / "tb") as writer:
            progress = callbacks.Progress("dtn", 2, 8, writer, stream=io.StringIO())
            grid = callbacks.TranslationGrid(
                testing.pixels(4, 3), testing.pixels(4), 2, self.directory / "grids", writer, 2
            )
            loop.fit(dtn, _repeated, 4, self.directory / "checkpoints", [progress, grid])
        events = _events(self.directory / "tb")
        steps = {}
        for tag, step, _ in events:
            steps.setdefault(tag, []).append(step)
        grids = {"grid/translations", "grid/reconstructions"}
        self.assertEqual(set(steps), _DTN_TAGS | grids)
        for tag, found in steps.items():
            self.assertEqual(found, [0, 2, 4] if tag in grids else [2, 4], tag)

    def test_updates_that_float16_skipped_are_counted(self):
        stream = io.StringIO()
        with callbacks.writer(self.directory) as writer:
            progress = callbacks.Progress("dtn", 1, 8, writer, stream=stream)
            progress.start, progress.num_steps = 0, 2
            model = types.SimpleNamespace(reset_metrics=lambda: None)
            progress.set_model(model)
            progress.on_train_begin()
            for batch, skipped in enumerate(({"g": 0, "D": 0}, {"g": 8, "D": 0})):
                model.skipped_updates = skipped
                progress.on_train_batch_end(batch, {})
        first, second = stream.getvalue().splitlines()
        self.assertNotIn("skipped", first)
        self.assertIn("skipped_updates_g 8", second)
        self.assertNotIn("skipped_updates_D", second)
        tags = {(t, s): float(tf.make_ndarray(v.tensor)) for t, s, v in _events(self.directory)}
        self.assertEqual(tags["rate/skipped_updates_g", 2], 8.0)

    def test_values_are_the_means_of_the_interval(self):
        with callbacks.writer(self.directory) as writer:
            progress = callbacks.Progress("f", 1, 8, writer, stream=io.StringIO())
            progress.start, progress.num_steps = 0, 1
            rate = types.SimpleNamespace(learning_rate=0.25)
            model = types.SimpleNamespace(optimizer=rate, reset_metrics=lambda: None)
            progress.set_model(model)
            progress.on_train_begin()
            progress.on_train_batch_end(0, {"loss": 1.5, "D1_target": 0.75})
        values = {t: float(tf.make_ndarray(v.tensor)) for t, _, v in _events(self.directory)}
        self.assertGreater(values.pop("rate/images_per_second"), 0.0)
        expected = {"loss/loss": 1.5, "D/D1_target": 0.75, "rate/learning_rate_optimizer": 0.25}
        self.assertEqual(values, expected)

    def test_classifier_under_float16_reports_the_rate_of_the_schedule(self):
        classifier = testing.tiny_classifier("mixed_float16")
        classifier.compile(keras.optimizers.Adam(0.125), "mse")
        with callbacks.writer(self.directory) as writer:
            progress = callbacks.Progress("f", 1, 8, writer, stream=io.StringIO())
            progress.start, progress.num_steps = 0, 1
            progress.set_model(classifier)
            progress.on_train_begin()
            progress.on_train_batch_end(0, {})
        values = {t: v for t, _, v in _events(self.directory)}
        rate = tf.make_ndarray(values["rate/learning_rate_optimizer"].tensor)
        self.assertEqual(float(rate), 0.125)

    def test_writer_is_closed_after_an_error(self):
        with self.assertRaises(KeyError), callbacks.writer(self.directory) as writer:
            with writer.as_default(step=3):
                tf.summary.scalar("before", 1.0)
            raise KeyError
        self.assertEqual([(tag, step) for tag, step, _ in _events(self.directory)], [("before", 3)])


class TranslationGridTest(testing.EagerTestCase):
    def _png(self, name):
        return np.asarray(Image.open(self.directory / name))

    def _tiles(self, name, columns):
        """The images of a grid, by row and column, without borders and at their own size."""
        picture = self._png(name)[::2, ::2]
        rows = (picture.shape[0] - 2) // 34
        return [
            [picture[2 + 34 * r :, 2 + 34 * c :][:32, :32] for c in range(columns)]
            for r in range(rows)
        ]

    def _fit(self, num_steps, dtn=None):
        dtn = dtn or testing.tiny_dtn(ema=0.0)
        grid = callbacks.TranslationGrid(
            testing.pixels(4, 3), testing.pixels(4, 1, seed=1), 3, self.directory, columns=2
        )
        loop.fit(dtn, _repeated, num_steps, self.directory / "checkpoints", [grid])
        return dtn

    def _names(self):
        return {path.name for path in self.directory.glob("*.png")}

    def test_files_from_the_untrained_start_to_the_end(self):
        self._fit(num_steps=4)
        numbered = {
            f"{name}-{step:06d}.png"
            for name in ("translations", "reconstructions")
            for step in (0, 3, 4)
        }
        self.assertEqual(self._names(), {"inputs_source.png", "inputs_target.png", *numbered})

    def test_resumed_run_does_not_draw_its_start_again(self):
        self._fit(num_steps=2)
        first = self._png("translations-000000.png")
        for path in self.directory.glob("*.png"):
            path.unlink()
        self._fit(num_steps=3)
        self.assertEqual(self._names(), {"translations-000003.png", "reconstructions-000003.png"})
        self.assertNotAllEqual(self._png("translations-000003.png"), first)

    def test_rows_of_inputs_lie_over_rows_of_outputs(self):
        dtn = self._fit(num_steps=1)
        x_s, x_t = testing.pixels(4, 3), testing.pixels(4, 1, seed=1)
        gx_s = images.to_uint8(dtn(images.to_model(x_s))).numpy()
        gx_t = images.to_uint8(dtn.reconstruct(images.to_model(x_t))).numpy()
        for name, x, gx in (("translations", x_s, gx_s), ("reconstructions", x_t, gx_t)):
            tiles = self._tiles(f"{name}-000001.png", columns=2)
            self.assertLen(tiles, 4)
            rows = (x[:2], gx[:2], x[2:], gx[2:])
            for row, expected in zip(tiles, rows, strict=True):
                for tile, image in zip(row, expected, strict=True):
                    self.assertAllEqual(tile, np.broadcast_to(image, (32, 32, 3)))

    def test_step_0_is_what_the_untrained_g_makes(self):
        untrained = testing.tiny_dtn(ema=0.0)
        gx = images.to_uint8(untrained(images.to_model(testing.pixels(4, 3)))).numpy()
        self._fit(num_steps=2)
        tiles = self._tiles("translations-000000.png", columns=2)
        self.assertAllEqual(tiles[1][0], gx[0].repeat(3, axis=-1))
        self.assertAllEqual(tiles[3][1], gx[3].repeat(3, axis=-1))

    def test_inputs_are_drawn_alone(self):
        self._fit(num_steps=1)
        tiles = self._tiles("inputs_source.png", columns=2)
        self.assertLen(tiles, 2)
        self.assertAllEqual(tiles[1][0], testing.pixels(4, 3)[2])

    @parameterized.parameters(1, 2, 3)
    def test_png_is_enlarged_without_smoothing(self, scale):
        picture = testing.pixels(1, 3)[0, ::8, ::8]
        images.save_png(self.directory / "new" / "x.png", picture, scale)
        read = np.asarray(Image.open(self.directory / "new" / "x.png"))
        self.assertEqual(read.shape, (4 * scale, 4 * scale, 3))
        self.assertAllEqual(read[::scale, ::scale], picture)
        self.assertAllEqual(read[scale - 1 :: scale, scale - 1 :: scale], picture)
