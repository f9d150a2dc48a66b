"""What does a folder of very many images cost: first start, second start, memory, fingerprint?

    python -m benchmarks.folders --images=100000

Draws small PNGs into a temporary folder, opens it in one new process after another (first start,
second start, one file added), and prints seconds and peak memory of each as a table of Markdown.
Memory is what the process alone holds (anonymous) and all that counts as resident, in which
pages of mapped files are that the system may take back.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import sys
import tempfile
import threading
import time

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

_FOLDER = 1000  # images in each


def main():
    """Prints the table."""
    given = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    given.add_argument("--images", type=int, default=100_000)
    given.add_argument("--side", type=int, default=64, help="Of the PNGs, and of the result.")
    given.add_argument("--dir", default=None, help="Where the temporary folder goes.")
    given = given.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as directory:
        photos, cache = pathlib.Path(directory) / "photos", pathlib.Path(directory) / "cache"
        seconds = _timed(draw, photos, range(given.images), given.side)
        print(f"{given.images:,} PNGs of {given.side} px drawn in {seconds:.0f} s\n", flush=True)
        print("| start | seconds | anonymous MB | resident MB |\n|---|---|---|---|", flush=True)
        for name in ("first", "second", "one more image", "fingerprint of train"):
            if name == "one more image":
                draw(photos, [given.images], given.side)
            _apart(name, photos, cache, given.side)


def draw(photos, numbers, side):
    """Draws small PNGs, each of its number alone, a thousand in a folder."""
    for k in numbers[::_FOLDER]:
        (photos / f"{k // _FOLDER}").mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda k: _draw_one(photos, k, side), numbers))


def _draw_one(photos, k, side):
    coarse = np.random.default_rng(k).integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    image.save(photos / f"{k // _FOLDER}" / f"{k}.png", compress_level=1)


def _apart(*work):
    """In a new process, which knows nothing of the last one."""
    process = multiprocessing.get_context("spawn").Process(target=_report, args=work)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"It ended with exit code {process.exitcode}.")


def _report(name, photos, cache, side):
    from dtn_tf.data import folders

    peak, stop = {}, threading.Event()
    watch = threading.Thread(target=watch_memory, args=(os.getpid(), peak, stop))
    folders.decoded._SAY_EVERY = 60.0
    watch.start()
    if name.startswith("fingerprint"):
        train = folders.open_folder(photos, side, cache).load("train")
        seconds = _timed(train.fingerprint)
    else:
        seconds = _timed(lambda: folders.open_folder(photos, side, cache).load("train"))
    stop.set()
    watch.join()
    print(f"| {name} | {seconds:.1f} | {peak['RssAnon']:.0f} | {peak['VmRSS']:.0f} |", flush=True)


def watch_memory(pid, peak, stop):
    """Keeps in dict `peak` the highest "RssAnon" and "VmRSS" of a process, in MB, until `stop`."""
    while not stop.wait(0.05):
        try:
            lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        except FileNotFoundError:  # it has ended
            return
        for line in lines:
            key, _, value = line.partition(":")
            if key in ("RssAnon", "VmRSS"):
                peak[key] = max(peak.get(key, 0.0), int(value.split()[0]) / 1024)


def _timed(function, *given):
    start = time.perf_counter()
    function(*given)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
