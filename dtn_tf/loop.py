"""Keras `fit` that can be killed at any moment and resumes as if it had not been."""

import math
import pathlib
import re
import signal
import time

import keras
import tensorflow as tf

from dtn_tf import cluster, files, steps
from dtn_tf.errors import Interrupted, UserError

_CHECK_EVERY = 50  # steps between looks at the losses, at the least
_KEPT = 2  # checkpoints; the older one is there if the newest is damaged
_NAME = re.compile(r"step-(\d+)\.weights\.h5")


class NotFinite(UserError):  # noqa: N818 - what happened, in the field's words
    """A loss or a weight is NaN or infinite."""


def fit(model, batches, num_steps, directory, callbacks=(), checkpoint_every=250):
    """Trains a compiled model for `num_steps`, resuming from its last checkpoint.

    `batches(start, stop)` must depend on the step alone (see `data.pipeline`), and
    everything random in the model must be part of its state: then a run that was
    killed ends with the weights of one that was not.

    Args:
        model: Compiled `keras.Model`, weights and optimizers built.
        batches: Function `(start, stop) -> tf.data.Dataset` of `fit` batches.
        num_steps: Steps of the whole training, those of earlier starts included.
        directory: Where checkpoints are kept.
        callbacks: `keras.callbacks.Callback`s. Each gets the attributes
            `start`, `num_steps` and `stride` before training, see `steps.Stepped`; batch `k`
            is step `start + k`. The logs they get are tensors. A callback that reads them
            says how often, in an attribute `every`: they are finite then.
        checkpoint_every: Steps between checkpoints; the last step always has one. If the model
            takes several steps per execution, one comes at the end of the execution.

    Returns:
        The step training started from: 0 if there was no checkpoint.

    Raises:
        Interrupted: After Ctrl-C or SIGTERM, with a checkpoint written.
        NotFinite: If a loss or a weight is not finite; such weights are never saved.
        UserError: If checkpoints cannot be read, or there is no room for one.
    """
    directory = pathlib.Path(directory)
    start = restore(model, directory)
    if start >= num_steps:
        return start
    checkpoint = _Checkpoint(directory, checkpoint_every)
    stop = _StopOnSignal()
    read = {_CHECK_EVERY, *(c.every for c in (*callbacks, checkpoint) if hasattr(c, "every"))}
    callbacks = [_StopOnNaN(read), *callbacks, checkpoint, stop]
    for callback in callbacks:
        callback.start, callback.num_steps = start, num_steps
        callback.stride = model.steps_per_execution
    data = batches(start, num_steps)
    try:
        listed = steps.Callbacks(callbacks, add_history=True, model=model, epochs=1)
        if cluster.trains(model):
            stop.number = cluster.fit(model, data, listed) or stop.number
        else:
            model.fit(data, epochs=1, verbose=0, shuffle=False, callbacks=listed)
    finally:
        stop.give_back()  # Keras calls no callback after an error
    checkpoint.save()
    if stop.number:  # at the last step, too: hours may follow this training
        where = f"at step {checkpoint.step} of {num_steps}, saved. The same command resumes."
        raise Interrupted(where, stop.number)
    return start


def restore(model, directory):
    """Loads the newest whole checkpoint into `model`; returns its step, 0 if there is none.

    Raises:
        UserError: If there are checkpoints and none is whole.
    """
    paths = _checkpoints(directory)
    for path in reversed(paths):
        if _facts(path).get("hash") == files.hash_of(path):
            model.load_weights(path)
            return _step_of(path)
        print(f"{path} is damaged: resuming from the checkpoint before it.", flush=True)
    if paths:
        raise UserError(f"No checkpoint in {directory} is whole. Delete it to train from step 0.")
    return 0


def has_begun(directory):
    """Whether a training has left a checkpoint in its directory."""
    return bool(_checkpoints(directory))


def seconds(directory):
    """Wall time that the newest checkpoint took from the untrained start; 0.0 without one.

    Work that was lost to a kill is not in it.
    """
    paths = _checkpoints(directory)
    spent = _facts(paths[-1]).get("seconds") if paths else 0.0
    return spent if isinstance(spent, int | float) and 0.0 <= spent < math.inf else 0.0


def _checkpoints(directory):
    """Weights whose facts, written before them, are there, too; oldest first."""
    paths = pathlib.Path(directory).glob("step-*.weights.h5")
    paths = [path for path in paths if _NAME.fullmatch(path.name)]
    return sorted((path for path in paths if _facts_path(path).exists()), key=_step_of)


def _facts_path(path):
    return path.with_name(path.name.replace(".weights.h5", ".json"))


def _facts(path):
    try:
        return files.read_json(_facts_path(path), "what a checkpoint holds")
    except UserError:
        return {}


def _step_of(path):
    return int(_NAME.fullmatch(path.name).group(1))


def _optimizers(model):
    """All optimizers of a model: DTN has two, the port's five."""
    found = [v for v in vars(model).values() if isinstance(v, keras.optimizers.Optimizer)]
    return list({id(v): v for v in (*found, getattr(model, "optimizer", None)) if v}.values())


def _state(model):
    """Weights and moments: what training goes on with."""
    return [*model.weights, *(v for o in _optimizers(model) for v in o.variables)]


class _Checkpoint(steps.Stepped):
    """Saves weights and optimizers every so many steps; prunes older ones."""

    def __init__(self, directory, every):
        super().__init__()
        self.directory = directory
        self.every = every

    def on_train_begin(self, logs=None):
        self.step = self.saved = self.start
        self.begun = time.perf_counter() - seconds(self.directory)

    def on_train_batch_end(self, batch, logs=None):
        self.step = self.step_of(batch)
        if self.is_due(self.step, self.every):
            self.save()

    def save(self):
        if self.step == self.saved:
            return
        _require_finite(self.model, self.step)
        path = self.directory / f"step-{self.step:08d}.weights.h5"
        num_bytes = sum(v.numpy().nbytes for v in _state(self.model))
        files.save(path, lambda temporary: self._write(path, temporary), 2 * num_bytes)
        self.saved = self.step
        for old in _checkpoints(self.directory)[:-_KEPT]:
            old.unlink()
            _facts_path(old).unlink()

    def _write(self, path, temporary):
        """Weights, and before they get their name what they are known by."""
        self.model.save_weights(temporary)
        elapsed = time.perf_counter() - self.begun
        facts = {"hash": files.hash_of(temporary), "seconds": elapsed, "step": self.step}
        files.save_json(_facts_path(path), facts)


def _require_finite(model, step):
    """Refuses to save what the last update broke: its loss was from before."""
    for variable in _state(model):
        value = tf.convert_to_tensor(variable.value)
        if value.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(value)):
            raise NotFinite(
                f"{variable.path} is not finite after step {step}; it was not saved, the last"
                f" checkpoint is good. {_ADVICE}"
            )


_ADVICE = "Try a lower learning rate in another --workdir, or --precision=float32."


class _StopOnNaN(steps.Stepped):
    """Stops at the first loss that is not finite, before anything of its step is read or saved.

    It looks every so many steps alone: to look at a loss is to wait for its step to end.
    """

    def __init__(self, intervals):
        super().__init__()
        self.intervals = intervals

    def on_train_begin(self, logs=None):
        self._unseen = []

    def on_train_batch_end(self, batch, logs=None):
        step = self.step_of(batch)
        self._unseen.append((step, logs))
        if any(self.is_due(step, every) for every in self.intervals):
            self._look()

    def on_train_end(self, logs=None):
        self._look()

    def _look(self):
        unseen, self._unseen = self._unseen, []
        named = [(step, name) for step, logs in unseen for name in logs]
        values = steps.numbers(logs for _, logs in unseen)
        for (step, name), value in zip(named, values, strict=True):
            if value - value != 0.0:  # NaN and both infinities
                raise NotFinite(
                    f"{name} is {value} at step {step}. The last checkpoint is from before."
                    f" {_ADVICE}"
                )


class _StopOnSignal(keras.callbacks.Callback):
    """Turns Ctrl-C into a stop after the current step; a second one is not held back."""

    number = 0
    _old = {}

    def on_train_begin(self, logs=None):
        self._old = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._ask)
        except ValueError:  # not the main thread: whoever owns it handles signals
            pass

    def _ask(self, number, frame):
        self.number = number
        self.model.stop_training = True
        self.give_back()

    def give_back(self):
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old = {}
