"""Does the memory of a whole run of faces grow with the number of photos?

    python -m benchmarks.memory --photos=10000,100000

Draws small PNGs in place of photos and emoji into a temporary folder, trains a few batches of every
part (f without labels, the warm start, g and D) in a new process for each number of photos, and
prints minutes and peak memory as a table of Markdown. Linux only: it reads /proc.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from benchmarks import folders

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_EMOJI = 3000
_TEST = 200  # images of each kind


def main():
    """Prints the table."""
    given = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    given.add_argument("--photos", default="10000,100000", help="Numbers, with commas between.")
    given.add_argument("--steps", type=int, default=40, help="Batches of each part of the run.")
    given.add_argument("--dir", default=None, help="Where the temporary folder goes.")
    given = given.parse_args()
    print("| photos | minutes | memory of its own, MB | with mapped files, MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=given.dir) as directory:
        data, last = pathlib.Path(directory) / "data", 0
        folders.draw(data / "emoji/train", range(_EMOJI), 64)
        for split in ("emoji/test", "face/test"):
            folders.draw(data / split, range(10**6, 10**6 + _TEST), 64)
        for photos in sorted(int(number) for number in given.photos.split(",")):
            folders.draw(data / "face/train", range(last, photos), 64)
            last = photos
            run = pathlib.Path(directory) / f"run-{photos}"
            minutes, peak = _trained(data, run, given.steps)
            print(
                f"| {photos:,} | {minutes:.1f} | {peak['RssAnon']:.0f} | {peak['VmRSS']:.0f} |",
                flush=True,
            )


def _trained(data, run, steps):
    """Returns minutes, dict of peaks in MB."""
    command = [sys.executable, "train_main.py", "--domain=face", "--data=files"]
    command += [f"--data_dir={data}", f"--workdir={run}", f"--cache_dir={run}-cache"]
    command += [f"--{part}={steps}" for part in ("pretrain_steps", "warm_steps", "steps")]
    start, peak, stop = time.perf_counter(), {}, threading.Event()
    with open(f"{run}.log", "w") as log:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT)
        watch = threading.Thread(target=folders.watch_memory, args=(process.pid, peak, stop))
        watch.start()
        code = process.wait()
    stop.set()
    watch.join()
    if code:
        sys.exit(f"{pathlib.Path(f'{run}.log').read_text()[-2000:]}\nexit code {code}")
    return (time.perf_counter() - start) / 60, peak


if __name__ == "__main__":
    main()
