"""Files that keep drawn digits, and a line that says how long drawing takes."""

import pathlib
import threading
import time
import zipfile

import numpy as np

from dtn_tf import files
from dtn_tf.errors import UserError

_HEADER = 1024  # bytes, more than an array's in an .npz file
_DAMAGED = (OSError, ValueError, LookupError, EOFError, MemoryError, zipfile.BadZipFile)
_EVERY = 10.0  # seconds between lines


def find(folder, kind, fingerprint, num):
    """The smallest file that has at least `num` digits, and how many; (None, 0) without one.

    Files are named `kind-<digits>-<fingerprint>.npz`. The first digits are the same in all.
    """
    found = {}
    for path in pathlib.Path(folder).glob(f"{kind}-*-{fingerprint}.npz"):
        count = path.name.removeprefix(f"{kind}-").partition("-")[0]
        if count.isdecimal() and int(count) >= num:
            found[int(count)] = path
    return (found[min(found)], min(found)) if found else (None, 0)


def read(path, num):
    """Reads a file of `num` digits: images and labels, or None if it is damaged, with a line."""
    try:
        _check_sizes(path, {"images.npy": num * 32 * 32 * 3, "labels.npy": num})
        files.check_archive(path)
        with np.load(path) as file:
            images, labels = file["images"], file["labels"]
        if images.shape != (num, 32, 32, 3) or labels.shape != (num,):
            raise ValueError(f"{images.shape} images")
        if images.dtype != np.uint8 or labels.dtype != np.uint8:
            raise ValueError(f"{images.dtype} images")
    except (*_DAMAGED, UserError) as error:
        print(f"{path} is damaged ({error}): drawing it again.", flush=True)
        return None
    return images, labels


def write(path, images, labels):
    """Writes a file whole or not at all."""

    def save(temporary):
        with open(temporary, "wb") as file:
            np.savez(file, images=images, labels=labels)

    files.save(path, save, images.nbytes + labels.nbytes)


def _check_sizes(path, expected):
    """Refuses an archive that would unpack to more, before it is unpacked."""
    with zipfile.ZipFile(path) as archive:
        sizes = {part.filename: part.file_size for part in archive.infolist()}
    if sizes.keys() != expected.keys():
        raise ValueError(f"it has {', '.join(sizes) or 'nothing'}")
    for name, num_bytes in sizes.items():
        if not expected[name] < num_bytes <= expected[name] + _HEADER:
            raise ValueError(f"{name} unpacks to {num_bytes:,} bytes")


class Progress:
    """Prints how many pictures are drawn and how long the rest takes, every ten seconds.

    Args:
        total: Pictures to draw.
        clock: Function that returns seconds.
        what: What is drawn, for people.
    """

    def __init__(self, total, clock=time.monotonic, what="digits"):
        self._total, self._clock, self._what = total, clock, what
        self._lock = threading.Lock()
        self._done = 0
        self._begun = self._said = clock()

    def __call__(self, count):
        """Counts pictures that are drawn; any thread may call it."""
        with self._lock:
            self._done += count
            now = self._clock()
            if now - self._said < _EVERY or self._done >= self._total:
                return
            self._said = now
            left = (now - self._begun) * (self._total - self._done) / self._done
            print(
                f"Drawn {self._done:,} of {self._total:,} {self._what}; about {left:.0f} s left.",
                flush=True,
            )
