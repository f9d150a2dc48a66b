"""Work on many image files by threads, and how far it is."""

import concurrent.futures
import contextlib
import os
import time

_SAY_EVERY = 5.0  # seconds


@contextlib.contextmanager
def pool():
    """Threads, not processes: Pillow works without Python's lock, and TensorFlow forbids forks.

    Nothing waits for images that were not begun when something fails.
    """
    threads = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


class Progress:
    """Says every few seconds how far it is and how long it will take.

    Args:
        what: What is done, for people: "translated".
        total: Images.
    """

    def __init__(self, what, total):
        self._what, self._total, self._done = what, total, 0
        self._begun = self._said = time.monotonic()

    def step(self, num=1):
        """Counts images that are done."""
        self._done += num
        now = time.monotonic()
        if now - self._said < _SAY_EVERY or self._done == self._total:
            return
        self._said = now
        speed = self._done / (now - self._begun)
        left = int((self._total - self._done) / speed)
        print(
            f"{self._what} {self._done:,} of {self._total:,} images  {speed:,.0f} images/s"
            f"  ETA {left // 60}:{left % 60:02d}",
            flush=True,
        )
