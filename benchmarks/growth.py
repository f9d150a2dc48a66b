"""Does the cost of training grow with the data, or memory with the steps?

    python -m benchmarks.growth

First, images per second of training (pipeline and `DTN.train_step`) with 5,000 and with
500,000 random source images, in turns: where the step computes f(x), and where f(x) of all
images was computed before training. Then the memory of one process over 5,000 small
steps with progress lines, TensorBoard, grids and checkpoints as `train_main.py` has them.
"""

import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from benchmarks.pipeline import random_images
from dtn_tf import build, config, precision, train
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.data.pictures import Pictures
from dtn_tf.nets.content import ContentEncoder

_SIZES = flags.DEFINE_list("sizes", ["5000", "500000"], "Source images.")
_TIMED = flags.DEFINE_integer("timed", 50, "Steps timed at a time.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Times each is timed, in turns.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 5000, "Steps whose memory is watched.", lower_bound=20)
_NUM_T = 60_000


def main(argv):
    """Prints two tables of Markdown."""
    del argv
    _print_speed([int(size) for size in _SIZES.value])
    _print_memory(_STEPS.value)


def _print_speed(sizes):
    settings = _settings()
    t = Pictures(random_images(_NUM_T, 1), "random")
    runs = {}
    for size in sizes:
        s = Pictures(random_images(size, 3), "random")
        for is_known in (False, True):
            runs[size, is_known] = _Timed(settings, s, t, is_known)
    rates = {key: [] for key in runs}
    for _ in range(_ROUNDS.value):
        for key, run in runs.items():
            rates[key].append(run(_TIMED.value))
    print("| source images | f(x) computed, images/s | f(x) known, images/s |\n|---|---|---|")
    for size in sizes:
        cells = " | ".join(f"{np.median(rates[size, r]):.0f}" for r in (False, True))
        print(f"| {size:,} | {cells} |")
    for is_known in (False, True):
        first, last = (np.median(rates[size, is_known]) for size in (sizes[0], sizes[-1]))
        how = "known" if is_known else "computed"
        print(f"\n{sizes[-1]:,} against {sizes[0]:,}, f(x) {how}: {last / first:.3f}", end="")
    print("\n", flush=True)


class _Timed:
    """One training that goes on for some steps at every call, and tells its speed."""

    def __init__(self, settings, s, t, is_known):
        self.settings = settings
        # Speed needs no true f(x).
        features = settings.f_channels[-1]
        self.s, self.t = (
            (part, np.zeros((len(part), features), np.float32) if is_known else None)
            for part in (s, t)
        )
        self.dtn = _dtn(settings)
        self.step = tf.function(self.dtn.train_step)
        self.done = 0
        self(3)  # compiles

    def __call__(self, num_steps):
        start, self.done = self.done, self.done + num_steps
        data = train.batches(self.settings, self.s, self.t, start, self.done)
        begin = time.perf_counter()
        for batch in data:
            logs = self.step(batch)
        float(logs["L_G"])  # waits for the last one
        return 2 * self.settings.batch_size * num_steps / (time.perf_counter() - begin)


def _print_memory(num_steps):
    settings = _settings(batch_size=4, steps=num_steps)
    draw = {c: Pictures(random_images(2000, c), "random") for c in (3, 1)}
    watch = _Memory(num_steps // 10)
    with tempfile.TemporaryDirectory() as folder:
        workdir = pathlib.Path(folder)
        (workdir / "config.json").write_text("{}")
        s, t = ((draw[c], None) for c in (3, 1))
        train.fit_dtn(_dtn(settings), settings, s, t, draw[3], workdir, [watch])
    print("| step | resident memory, MiB |\n|---|---|")
    for step, mebibytes in watch.seen:
        print(f"| {step} | {mebibytes:.0f} |")


class _Memory(keras.callbacks.Callback):
    """Notes the process's resident memory."""

    def __init__(self, every):
        super().__init__()
        self.every, self.seen = every, []

    def on_train_batch_end(self, batch, logs=None):
        step = self.start + batch + 1
        if step % self.every == 0:
            pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
            self.seen.append((step, pages * os.sysconf("SC_PAGE_SIZE") / 2**20))


def _settings(**changes):
    return config.make("dtn", precision=precision.resolve("auto"), **changes)


def _dtn(settings):
    f = ContentEncoder(settings.f_channels, dtype=settings.precision)
    return build.build(settings, domains.TASKS["svhn"], make.content_of(f))


if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")
    app.run(main)
