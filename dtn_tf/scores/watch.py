"""Scores while training: how well translations of validation images are read, step by step.

It watches and nothing else. Labels and the judge stay in here; training gets no number back, no
checkpoint is chosen by one. Where no judge fits, it is f-constancy and KID, as in `distances`.
"""

import functools
import pathlib
import sys
import time

import numpy as np
import tensorflow as tf

from dtn_tf import cluster, images, runs, serving, steps
from dtn_tf import config as config_lib
from dtn_tf.data import stores
from dtn_tf.errors import UserError
from dtn_tf.scores import distances, measures, scorers, swing
from dtn_tf.scores.yardstick import Yardstick

AT_MOST = 2000  # validation images that the judge reads: a second or two on a processor
AT_MOST_APART = 500  # of each kind, where distances are measured
_BATCH = 500
_SUBSETS = 20  # of KID
_AT_THE_END = 20  # one of how many parts of a training lies between two looks at its end


def of(config, workdir, cache_dir):
    """Returns the watchers that a config asks for, for `train.train`: a list of one, or empty."""
    if not config.eval_every:
        return []
    return [Watch(workdir, cache_dir, config.eval_every)]


def at_the_end(config, workdir, cache_dir):
    """Returns the watchers of a run that is trained for a table: five looks in its last fifth.

    They say how far the row swings. A config that asks to be watched is, from the start.
    """
    every = max(config.steps // _AT_THE_END, 1)
    begin = swing.begin(config.steps)
    return of(config, workdir, cache_dir) or [Watch(workdir, cache_dir, every, begin=begin)]


class Watch(steps.Stepped):
    """Measures translations every so many steps, and at the end; writes curves and a file.

    Of too few images there are none: a line says so, and nothing is measured.

    The file is what the range over the last fifth of training is read from, see `swing`.

    The judge is the one that `eval_main.py` reads with, from the cache; where it is not there
    yet it is trained before the first step. Nothing random in a training is the process's (see
    `loop.fit`), so that its weights are those of a run that nobody watches.

    Args:
        workdir: Directory of the run, whose config.json says which pictures it has.
        cache_dir: Where judges are kept.
        every: Steps between measurements.
        judge_steps: Batches that train the judge.
        begin: The first step that is measured.

    Attributes:
        writer: `tf.summary` writer of the run's curves, or None; `train.train` gives it.
        progress: `callbacks.Progress` whose speed leaves this out, or None; the same.
        found: The last numbers, dict, name -> float.
    """

    writer = progress = None

    def __init__(self, workdir, cache_dir, every, judge_steps=config_lib.JUDGE_STEPS, begin=0):
        super().__init__()
        self._where = workdir, cache_dir, judge_steps
        self._every, self._begin = every, begin
        self.found = {}

    def on_train_begin(self, logs=None):
        """Reads the pictures, and gets the judge or what stands in its place."""
        self._measure = _measure_of(self.model, *self._where)

    def on_train_batch_end(self, batch, logs=None):
        """Measures at the end of an interval, and at the end."""
        step = self.step_of(batch)
        is_due = self.is_due(step, self._every) or step == self.num_steps
        if self._measure is None or step < self._begin or not is_due:
            return
        begun = time.perf_counter()
        self.found = self._measure()
        said = ", ".join(f"{name} {value:.3f}" for name, value in self.found.items())
        head = "\n" if sys.stdout.isatty() else ""  # the progress line is live there
        print(f"{head}watch: step {step}: {said}", flush=True)
        if self.writer:
            with self.writer.as_default(step=step):
                for name, value in self.found.items():
                    tf.summary.scalar(f"eval/{name}", value)
            self.writer.flush()
        if cluster.is_chief():
            swing.keep(pathlib.Path(self._where[0]), step, self.found)
        if self.progress:
            self.progress.leave_out(time.perf_counter() - begun)


def _measure_of(dtn, workdir, cache_dir, judge_steps):
    """Returns a function without arguments, which measures a DTN as it is by then, or None."""
    run = runs.read(workdir)
    yardstick = Yardstick(stores.of(run.config, cache_dir), cache_dir, judge_steps)
    sets = yardstick.sets(run)
    try:
        shown, real = sets.validation, sets.real("validation")
    except UserError as error:  # the run does not need the curves
        print(f"watch: no curves: {error}", flush=True)
        return None
    has_judge = "judge" in scorers.of(sets.task, shown, real)
    translated = scorers.Translated(dtn, sets, yardstick, "validation", shown, real, None)
    return (_by_judge if has_judge else _apart)(translated)


def _by_judge(translated):
    shown = translated.shown
    rows = _some(len(shown), AT_MOST)
    x, labels = shown.pixels[rows], shown.labels[rows]
    classifier, _ = translated.yardstick.judge(translated.sets)
    translate, read = serving.translator(translated.dtn), _compiled(classifier)

    def measure():
        found = _in_batches(lambda part: np.argmax(read(translate(part)), axis=1), x)
        return {"accuracy_validation": float(np.mean(found == labels))}

    return measure


def _apart(translated):
    """Measures f-constancy, and KID beside its floor, of a few images; None of too few."""
    dtn, shown, real = translated.dtn, translated.shown, translated.real
    halves = measures.halves(real)
    n = min(AT_MOST_APART, len(shown), *map(len, halves))
    if n < 2:  # said before the independent net is trained; the run does not need the curves
        print(
            f"watch: no curves: {shown.title} has {len(shown)} images and {real.title}"
            f" {len(real)}, they need 2 and 4. Add images to see them.",
            flush=True,
        )
        return None
    x = shown.pixels[_some(len(shown), n)]
    independent = _compiled(translated.independent.net)
    half, other = (_in_batches(independent, part[:n]) for part in halves)
    scale = np.sqrt(np.mean(np.square(half, dtype=np.float64))) or 1.0
    kid = functools.partial(_kid, half / scale, n)
    floor = kid(other / scale)
    fx = _in_batches(_compiled(functools.partial(distances.content, dtn)), x)
    translate = serving.translator(dtn)
    read = _compiled(lambda v: dtn.f(v, training=False))

    def measure():
        gx = _in_batches(translate, x)
        return {
            "constancy_validation": measures.constancy(fx, _in_batches(read, gx))["rank_1"],
            "kid_validation": kid(_in_batches(independent, gx) / scale),
            "kid_floor_validation": floor,
        }

    return measure


def _kid(half, n, features):
    return measures.kid(features, half, num_subsets=_SUBSETS, subset_size=max(n // 2, 2))[0]


def _some(total, n):
    """Places of the images that are watched, the same in every run on one set."""
    return np.sort(np.random.default_rng(0).permutation(total)[:n])


def _compiled(net):
    function = tf.function(
        lambda x: net(images.to_model(x)), reduce_retracing=True, autograph=False
    )
    return lambda pixels: function(pixels).numpy()


def _in_batches(function, pixels):
    parts = [function(pixels[k : k + _BATCH]) for k in range(0, len(pixels), _BATCH)]
    return np.concatenate(parts)
