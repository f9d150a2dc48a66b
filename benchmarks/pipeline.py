"""Does the input pipeline keep up, and what memory does it take?

    python -m benchmarks.pipeline

Batches per second of DTN's pipeline alone, with preset `dtn`'s settings, beside what the
training step can take, measured in turns in one run; once with as many source images as
SVHN `train` has and once with as many as `extra`. The images are random: neither speed
nor memory depends on the pixels. Each size runs in a process of its own, so that its peak
memory is known; "images" is the arrays themselves.
"""

import multiprocessing
import os
import pathlib
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

_BATCHES = flags.DEFINE_integer("batches", 1000, "Timed batches of the pipeline.", lower_bound=1)
_SIZES = {"SVHN train": 73_257, "SVHN extra": 531_131}
_NUM_T = 60_000
_TIMED_STEPS = 20
_PARTS = 5  # of the timed batches, with some steps between


def main(argv):
    """Prints one line of Markdown per size."""
    del argv
    print(
        "| source images | pipeline, batches/s | step, batches/s | ratio | images | peak memory |"
    )
    print("|---|---|---|---|---|---|")
    for name, size in _SIZES.items():
        context = multiprocessing.get_context("spawn")  # a fork would share TensorFlow's state
        queue = context.Queue()
        process = context.Process(target=_measure, args=(size, _BATCHES.value, queue))
        process.start()
        supply, need, gigabytes, peak = queue.get()
        process.join()
        print(
            f"| {name}, {size:,} | {supply:.0f} | {need:.1f} | {supply / need:.0f}"
            f" | {gigabytes:.2f} GiB | {peak:.2f} GiB |",
            flush=True,
        )


def _measure(size, num_batches, queue):
    from benchmarks.step import dtn_step
    from dtn_tf import config, train
    from dtn_tf.data.pictures import Pictures

    settings = config.make("dtn")
    s = Pictures(random_images(size, 3), "random")
    t = Pictures(random_images(_NUM_T, 1), "random")
    step = dtn_step("auto", settings.batch_size, is_known=True)
    step()
    s, t = ((part, np.zeros((len(part), settings.f_channels[-1]), np.float32)) for part in (s, t))
    supply, need = [], []
    for part in range(_PARTS):
        start = part * num_batches // _PARTS
        stop = (part + 1) * num_batches // _PARTS
        begin = time.perf_counter()
        for _ in train.batches(settings, s, t, start, stop):
            pass
        supply.append((stop - start) / (time.perf_counter() - begin))
        begin = time.perf_counter()
        for _ in range(_TIMED_STEPS):
            step()
        need.append(_TIMED_STEPS / (time.perf_counter() - begin))
    held = sum(array.nbytes for part, fx in (s, t) for array in (part.pixels, fx)) / 2**30
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts KiB
    queue.put((np.median(supply), np.median(need), held, peak))


def random_images(size, channels):
    """Draws uint8 `(size, 32, 32, channels)`."""
    draw = np.random.default_rng(0)
    x = np.empty((size, 32, 32, channels), np.uint8)
    for k in range(0, size, 4096):  # piece by piece: a draw is of 64-bit numbers
        x[k : k + 4096] = draw.integers(0, 256, x[k : k + 4096].shape, np.uint8)
    return x


if __name__ == "__main__":
    app.run(main)
