"""Keras `fit` that can be killed at any moment and goes on as if it had not been."""

import os
import pathlib
import re
import signal
import time

import keras
from absl import logging

_KEPT = 2  # checkpoints; the older one is there if the newest cannot be read


class Interrupted(Exception):  # noqa: N818 - the user's wish, not an error
    """Training was asked to stop (Ctrl-C), and its state was saved."""


def fit(model, batches, num_steps, directory, callbacks=(), checkpoint_every=250):
    """Trains a compiled model for `num_steps`, going on from its last checkpoint.

    `batches(start, stop)` must depend on the step alone (see `data.pipeline`), and
    everything random in the model must be part of its state: then a run that was
    killed ends with the weights of one that was not.

    Args:
        model: Compiled `keras.Model`, weights and optimizers built.
        batches: Function `(start, stop) -> tf.data.Dataset` of `fit` batches.
        num_steps: Steps of the whole training, those of earlier starts included.
        directory: Where checkpoints are kept.
        callbacks: `keras.callbacks.Callback`s. Each gets the attributes
            `start` and `num_steps` before training; batch `k` is step `start + k`.
        checkpoint_every: Steps between checkpoints; the last step always has one.

    Returns:
        The step training started from: 0 if there was no checkpoint.

    Raises:
        Interrupted: After Ctrl-C (or SIGTERM), with a checkpoint written.
        FloatingPointError: If a loss is not finite.
    """
    directory = pathlib.Path(directory)
    start = restore(model, directory)
    if start >= num_steps:
        return start
    checkpoint = _Checkpoint(directory, checkpoint_every)
    stop = _StopOnSignal()
    callbacks = [_StopOnNaN(), *callbacks, checkpoint, stop]
    for callback in callbacks:
        callback.start, callback.num_steps = start, num_steps
    data = batches(start, num_steps)
    try:
        model.fit(data, epochs=1, verbose=0, shuffle=False, callbacks=callbacks)
    finally:
        stop.give_back()  # Keras calls no callback after an error
    checkpoint.save()
    if stop.was_asked and checkpoint.step < num_steps:
        raise Interrupted(f"stopped at step {checkpoint.step} of {num_steps}, saved")
    return start


def restore(model, directory):
    """Loads the newest readable checkpoint into `model`; returns its step, 0 if there is none.

    Raises:
        ValueError: If there are checkpoints and none can be read.
    """
    paths = _checkpoints(directory)
    for path in reversed(paths):
        try:
            model.load_weights(path)
        except (OSError, KeyError) as error:  # damaged outside of our control
            logging.warning("Checkpoint %s cannot be read (%s); trying an older one.", path, error)
            continue
        return _step_of(path)
    if paths:  # a failed load may have changed some weights: do not train on with those
        raise ValueError(f"No checkpoint in {directory} can be read. Delete it to begin again.")
    return 0


def save_atomically(path, write):
    """Calls `write(temporary_path)`, then renames: a reader sees all of it or none."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"partial-{os.getpid()}-{path.name}")  # Keras wants the suffix
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def seconds(directory):
    """Wall time that the newest checkpoint took from the untrained start; 0.0 without one.

    Work that was lost to a kill is not in it.
    """
    path = pathlib.Path(directory) / "seconds"
    return float(path.read_text()) if path.exists() else 0.0


def _checkpoints(directory):
    paths = pathlib.Path(directory).glob("step-*.weights.h5")
    return sorted(paths, key=_step_of)


def _step_of(path):
    return int(re.search(r"step-(\d+)", path.name).group(1))


class _Checkpoint(keras.callbacks.Callback):
    """Saves weights and optimizers every so many steps; prunes older ones."""

    def __init__(self, directory, every):
        super().__init__()
        self.directory = directory
        self.every = every

    def on_train_begin(self, logs=None):
        self.step = self.saved = self.start
        self.begun = time.perf_counter() - seconds(self.directory)

    def on_train_batch_end(self, batch, logs=None):
        self.step = self.start + batch + 1
        if self.step % self.every == 0:
            self.save()

    def save(self):
        if self.step == self.saved:
            return
        path = self.directory / f"step-{self.step:08d}.weights.h5"
        save_atomically(path, self.model.save_weights)
        elapsed = str(time.perf_counter() - self.begun)
        save_atomically(self.directory / "seconds", lambda temporary: temporary.write_text(elapsed))
        self.saved = self.step
        for old in _checkpoints(self.directory)[:-_KEPT]:
            old.unlink()


class _StopOnNaN(keras.callbacks.Callback):
    """Stops before a checkpoint of broken weights replaces a good one."""

    def on_train_batch_end(self, batch, logs=None):
        for name, value in logs.items():
            value = float(value)
            if value - value != 0.0:  # NaN and both infinities
                raise FloatingPointError(
                    f"{name} is {value} at step {self.start + batch + 1}. The last checkpoint"
                    " is from before. Try a lower learning rate, or --precision=float32."
                )


class _StopOnSignal(keras.callbacks.Callback):
    """Turns Ctrl-C into a stop after the current step; a second one is not held back."""

    was_asked = False
    _old = {}

    def on_train_begin(self, logs=None):
        self._old = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._ask)
        except ValueError:  # not the main thread: whoever owns it handles signals
            pass

    def _ask(self, number, frame):
        self.was_asked = True
        self.model.stop_training = True
        self.give_back()

    def give_back(self):
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old = {}
