"""What Keras lacks: one live line for a run of known length, and pictures of G."""

import contextlib
import pathlib
import sys
import time

import numpy as np
import tensorflow as tf

from dtn_tf import images, steps


class Progress(steps.Stepped):
    """Prints and logs the running means of every interval.

    One live line on a terminal, plain lines elsewhere. The same numbers go to
    TensorBoard: `loss/*` by their paper names, `D/*` (probabilities), `rate/*`.
    The first step, which compiles, is not in the speed, unless it is all there is.

    Args:
        name: What is being trained, the head of the line.
        every: Steps per interval.
        images_per_step: To tell images per second.
        writer: `tf.summary` writer, or None.
        shown: Names of logs that appear on the line; all go to TensorBoard.
        stream: Where the line goes; None is the standard output of the moment.
        health: `health.Health`, whose sentences follow the line; None for none.
    """

    def __init__(
        self, name, every, images_per_step, writer=None, shown=(), stream=None, health=None
    ):
        super().__init__()
        self.name = name
        self.every = every
        self.images_per_step = images_per_step
        self.writer = writer
        self.shown = shown
        self.health = health
        self._given_stream = stream

    @property
    def stream(self):
        """Where the line goes: a redirected standard output, too."""
        return self._given_stream or sys.stdout

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self._step, self._time = self.start, time.perf_counter()
        if self.start:
            print(f"{self.name}: resumed at step {self.start}", file=self.stream, flush=True)

    def on_train_batch_end(self, batch, logs=None):
        """Reports at the end of an interval and starts the next one."""
        step = self.step_of(batch)
        if not self.is_due(step, self.every) and step != self.num_steps:
            if batch + 1 <= self.stride:
                self._step, self._time = step, time.perf_counter()
            return
        now = time.perf_counter()
        speed = (step - self._step) / max(now - self._time, 1e-9)
        values = dict(zip(logs, steps.numbers([logs]), strict=True))
        skipped = getattr(self.model, "skipped_updates", {})  # float16: gradients overflowed
        values |= {f"skipped_updates_{net}": float(n) for net, n in skipped.items()}
        self._print(step, speed, values)
        if self.writer:
            self._write(step, speed, values)
        self.model.reset_metrics()
        self._step, self._time = step, time.perf_counter()

    def leave_out(self, seconds):
        """Takes time that is no training out of the interval: the speed is that of steps."""
        self._time += seconds

    def _print(self, step, speed, values):
        shown = "  ".join(f"{n} {values[n]:.3f}" for n in self.shown if n in values)
        skipped = [f"{n} {v:.0f}" for n, v in values.items() if n.startswith("skipped_") and v]
        shown = "  ".join([shown, *skipped])
        left = int((self.num_steps - step) / speed)
        line = (
            f"{self.name}: step {step}/{self.num_steps}  {shown}"
            f"  {speed * self.images_per_step:.0f} images/s  ETA {left // 60}:{left % 60:02d}"
        )
        told = self.health.told(values) if self.health else []
        lines = [line, *(f"{self.name}: step {step}: {sentence}" for sentence in told)]
        live = self.stream.isatty() and step != self.num_steps and not told  # else it is lost
        head = "\r\x1b[K" if self.stream.isatty() else ""
        print(head + "\n".join(lines), end="" if live else "\n", file=self.stream, flush=True)

    def _write(self, step, speed, values):
        with self.writer.as_default(step=step):
            for name, value in values.items():
                group = "D" if name.startswith(("D1_", "D2_", "D3_", "D_")) else "loss"
                group = "rate" if name.startswith("skipped_") else group
                tf.summary.scalar(f"{group}/{name}", value)
            tf.summary.scalar("rate/images_per_second", speed * self.images_per_step)
            for attribute in ("optimizer", "d_optimizer", "g_optimizer"):
                optimizer = getattr(self.model, attribute, None)
                if optimizer is not None:
                    rate = float(optimizer.learning_rate)
                    tf.summary.scalar(f"rate/learning_rate_{attribute}", rate)
        self.writer.flush()


class TranslationGrid(steps.Stepped):
    """Draws the same images through G at fixed steps, from the untrained start on.

    PNG files and TensorBoard images `grid/translations` and
    `grid/reconstructions`: a row of inputs over a row of what G makes of them.

    Args:
        x_s: uint8 array `(n, size, size, channels)`, source images.
        x_t: uint8 array `(n, size, size, channels)`, target images. Size is the `g.size` of
            the model: 32, 64 or 128.
        every: Steps between grids.
        directory: Where PNG files go.
        writer: `tf.summary` writer, or None.
        columns: Images per row.
    """

    def __init__(self, x_s, x_t, every, directory, writer=None, columns=16):
        super().__init__()
        self.x_s, self.x_t = x_s, x_t
        self.every = every
        self.directory = pathlib.Path(directory)
        self.writer = writer
        self.columns = columns

    def on_train_begin(self, logs=None):
        """Draws the inputs and what the untrained g makes of them."""
        if self.start == 0:
            images.save_png(
                self.directory / "inputs_source.png", images.to_grid(self.x_s, self.columns)
            )
            images.save_png(
                self.directory / "inputs_target.png", images.to_grid(self.x_t, self.columns)
            )
            self._draw(0)

    def on_train_batch_end(self, batch, logs=None):
        """Draws at the end of an interval, and at the end."""
        step = self.step_of(batch)
        if self.is_due(step, self.every) or step == self.num_steps:
            self._draw(step)

    def _draw(self, step):
        translated = images.to_uint8(self.model(images.to_model(self.x_s))).numpy()
        restored = images.to_uint8(self.model.reconstruct(images.to_model(self.x_t))).numpy()
        for name, x, gx in (
            ("translations", self.x_s, translated),
            ("reconstructions", self.x_t, restored),
        ):
            grid = images.to_grid(images.paired_rows(x, gx, self.columns), self.columns)
            images.save_png(self.directory / f"{name}-{step:06d}.png", grid)
            if self.writer:
                with self.writer.as_default(step=step):
                    tf.summary.image(f"grid/{name}", grid[np.newaxis])


@contextlib.contextmanager
def writer(directory):
    """Opens TensorBoard events in a directory, and closes them whatever happens."""
    events = tf.summary.create_file_writer(str(directory))
    try:
        yield events
    finally:
        events.close()
