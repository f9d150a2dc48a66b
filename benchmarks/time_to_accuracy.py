"""How long from raw data to 80, 86 and 90.66 % of translations read right?

    python -m benchmarks.time_to_accuracy --data=files --data_dir=FOLDER --preset=dtn

Trains a run as train_main.py does, with the same flags, and scores g's average on the
validation tail of the source every few steps. The clock has start-up and loading in it,
and the training of f, by f's own record where f was found trained; not the scoring, nor
the judge's training, which are not part of training a DTN. Nothing is
decided by the scores: all steps are trained and the last ones are printed.
"""

import time

_BEGUN = time.perf_counter()  # before TensorFlow loads

import os
import pathlib
import sys

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

import numpy as np
from absl import app, flags

from dtn_tf import config, images, runs, serving, steps, train
from dtn_tf.data.sets import Sets
from dtn_tf.scores import judge as judge_lib
from flags import common_flags, train_flags

_EVERY = flags.DEFINE_integer("every", 50, "Steps between two scores.", lower_bound=1)
_GOALS = (0.80, 0.86, 0.9066)


def main(argv):
    """Prints scores as they come, then the table."""
    del argv
    settings = train_flags.config_from_flags()
    cache, workdir = pathlib.Path(common_flags.CACHE_DIR.value), train_flags.workdir()
    if (pathlib.Path(workdir) / "config.json").exists():
        sys.exit(f"error: {workdir} has a run already; the clock needs a new --workdir.")
    before_scoring = time.perf_counter()
    validation, judge = _scoring(settings, workdir, cache)
    begun = _BEGUN + time.perf_counter() - before_scoring  # its digits are loaded again below
    trained_before = {p.parent for p in cache.glob("f-*/timing.json")}
    watch = _Watch(validation, judge, _EVERY.value)
    train.train(settings, workdir, cache, [watch])
    if not watch.scores:
        sys.exit(f"error: {workdir} ended without a score.")
    spent = runs.timing(workdir)
    of_f = {k: spent[k] for k in ("pretrain_f", "adapt_f") if k in spent}
    phases = {}  # of f that were trained in this process
    for path in cache.glob("f-*/timing.json"):
        if path.parent not in trained_before:
            found = runs.timing(path.parent)
            phase = "adapt_f" if "adapt_f" in found else "pretrain_f"  # the other came before
            phases[phase] = found[phase]
    spent_now = sum(phases.values())
    before_dtn = sum(of_f.values()) + max(watch.begun - begun - spent_now, 0.0)
    _print(settings, watch.scores, before_dtn, of_f)


def _scoring(settings, workdir, cache):
    sets = Sets(*train.resolve(settings, workdir, cache))
    judge, _ = judge_lib.train(sets.target_train, sets.target_test, cache, config.JUDGE_STEPS)
    return sets.validation, judge


class _Watch(steps.Stepped):
    """Scores g's average every so many steps, off the clock."""

    def __init__(self, validation, judge, every):
        super().__init__()
        self.validation, self.judge, self.every = validation, judge, every
        self.scores, self.paused = [], 0.0

    def on_train_begin(self, logs=None):
        self.begun = time.perf_counter()
        dtn, judge = self.model, self.judge

        def read(x):
            return judge(images.to_model(images.to_uint8(dtn(x))))

        self.read = read

    def on_train_batch_end(self, batch, logs=None):
        step = self.step_of(batch)
        if not self.is_due(step, self.every) and step != self.num_steps:
            return
        now = time.perf_counter()
        decided = np.argmax(serving.apply(self.read, self.validation.pixels), axis=1)
        accuracy = np.mean(decided == self.validation.labels)
        self.scores.append((step, now - self.begun - self.paused, accuracy))
        self.paused += time.perf_counter() - now
        print(f"step {step}: {accuracy:.2%} of {self.validation.title}", flush=True)


def _print(settings, scores, before_dtn, of_f):
    parts = ", ".join(f"{k} {v / 60:.1f}" for k, v in of_f.items())
    print(f"\n{settings.preset}, seed {settings.seed}. Minutes of f: {parts}.\n")
    print("| accuracy on validation | step | minutes of DTN | minutes from raw data |")
    print("|---|---|---|---|")
    for goal in _GOALS:
        for step, seconds, accuracy in scores:
            if accuracy >= goal:
                total = (before_dtn + seconds) / 60
                print(f"| {goal:.2%} | {step} | {seconds / 60:.1f} | {total:.1f} |")
                break
        else:
            print(f"| {goal:.2%} | never | | |")
    last = ", ".join(f"{accuracy:.2%}" for _, _, accuracy in scores[-5:])
    step, seconds, _ = scores[-1]
    print(
        f"\nLast five scores: {last}. All {step} steps: {(before_dtn + seconds) / 60:.1f} minutes."
    )


if __name__ == "__main__":
    app.run(main)
