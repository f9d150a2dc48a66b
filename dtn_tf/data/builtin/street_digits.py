"""The built-in source domain: house-number digits, drawn as cameras see them.

Pictures in the format of SVHN's cropped digits, for machines that have no SVHN:
a digit in the middle of 32x32 pixels, its neighbours cut by the frame. Shapes come
from `street_glyphs`, are laid out by `street_writing`, coloured by `street_paint` and
blurred, made grainy and compressed by `street_camera`. The ranges in those files were
set by eye and by simple statistics (brightness, contrast, tint, spectrum) against
SVHN's training pictures; none of its pixels are used. How real they look to f is
measured by `benchmarks/street_digits_realism.py`.

Classes are equally likely. SVHN's are not (19 % are 1, 6 % are 9), but then the set t
is close to uniform too, and D cannot tell G(s) from t by how often a digit appears.
"""

import hashlib
import os
import pathlib
import sys

import matplotlib
import numpy as np
import PIL

from dtn_tf.data.builtin import (
    archive,
    street_camera,
    street_glyphs,
    street_paint,
    street_writing,
    workers,
)
from dtn_tf.errors import UserError

SPLITS = {"train": (60_000, 0), "test": (5_000, 1)}  # digits and seed; nothing is shared
_CHUNK = 250  # digits drawn at once; each chunk has its own random stream
_WORTH_A_WORKER = 16  # chunks: fewer are drawn sooner than a process starts


def draw(num, seed, num_workers=None, tick=lambda count: None):
    """Draws digits; the first ones are the same for every `num` and `num_workers`.

    Args:
        num: How many.
        seed: Non-negative int; digit k depends on the seed and k alone.
        num_workers: Processes to draw in; by default as many as there are
            processors, or none for a few digits. 0 draws in this process.
        tick: Function that is told of every few digits how many they are.

    Returns:
        images: uint8 `(num, 32, 32, 3)`.
        labels: uint8 `(num,)`, 0 to 9: the digit in the middle.

    Raises:
        ValueError: If `num` is not positive or `seed` is negative.
    """
    if num < 1 or seed < 0:
        raise ValueError(f"draw got num={num}, seed={seed}; it needs num > 0 and seed >= 0.")
    chunks = -(-num // _CHUNK)
    if num_workers is None:
        num_workers = min(os.cpu_count() or 1, chunks // _WORTH_A_WORKER)
    images = np.empty((chunks * _CHUNK, 32, 32, 3), np.uint8)
    labels = np.empty(chunks * _CHUNK, np.uint8)
    if num_workers:
        _draw_in_processes(seed, chunks, num_workers, images, labels, tick)
    else:
        for k in range(chunks):
            part = slice(k * _CHUNK, (k + 1) * _CHUNK)
            images[part], labels[part] = _draw_chunk(seed, k)
            tick(_CHUNK)
    return images[:num], labels[:num]


def _draw_in_processes(seed, chunks, num_workers, images, labels, tick):
    bounds = np.linspace(0, chunks, num_workers + 1).astype(int).tolist()
    spans = [(a, b) for a, b in zip(bounds, bounds[1:], strict=False) if a < b]
    code = "from dtn_tf.data.builtin import street_digits as s; s._send({}, {}, {})"
    calls = [code.format(int(seed), a, b) for a, b in spans]
    parts = [slice(a * _CHUNK, b * _CHUNK) for a, b in spans]
    workers.run(calls, [(images[p], labels[p]) for p in parts], _CHUNK, tick)


def _send(seed, start, stop):
    """What a process does: draws chunks `start` to `stop`."""
    for k in range(start, stop):
        workers.send(*_draw_chunk(seed, k))


def load(split, cache_dir, num=None):
    """Returns a split of the built-in digits, drawn the first time it is asked for.

    A file of more digits than are asked for serves, too.

    Args:
        split: "train" (60,000 digits) or "test" (5,000, from another seed).
        cache_dir: Folder that keeps drawn digits; made if it is not there.
        num: Only so many of them.

    Returns:
        images: uint8 `(num, 32, 32, 3)`.
        labels: uint8 `(num,)`, 0 to 9.

    Raises:
        UserError: If there is no such split, fewer digits than `num` in it, or no room.
    """
    if split not in SPLITS:
        raise UserError(
            f"The built-in digits have no split {split!r}: they are drawn, so there is no"
            f" 'extra'. Ask for one of {', '.join(SPLITS)}."
        )
    size, seed = SPLITS[split]
    num = size if num is None else num
    if not 0 < num <= size:
        raise UserError(f"load got num={num}; {split} has {size} digits.")
    kind = f"street_digits-{split}"
    path, count = archive.find(cache_dir, kind, _fingerprint(), num)
    digits = archive.read(path, count) if path else None
    if digits is None:
        print(f"Drawing {num:,} house-number digits ({split}), once.", flush=True)
        digits = draw(num, seed, tick=archive.Progress(num))
        archive.write(_path(cache_dir, kind, num), *digits)
    return tuple(part[:num] for part in digits)


def _path(cache_dir, kind, num):
    return pathlib.Path(cache_dir) / f"{kind}-{num}-{_fingerprint()}.npz"


def _draw_chunk(seed, index):
    rng = np.random.default_rng((seed, index))
    labels = rng.integers(0, 10, _CHUNK)
    wall = street_writing.place(rng, _CHUNK)
    ink = street_writing.write(rng, labels, wall)
    images = street_camera.photograph(rng, street_paint.paint(rng, wall, ink))
    return images, labels.astype(np.uint8)


def _fingerprint():
    """Names the version of the drawing: this code and the libraries that draw."""
    made_by = hashlib.sha256()
    for module in (
        street_glyphs,
        street_writing,
        street_paint,
        street_camera,
        sys.modules[__name__],
    ):
        made_by.update(pathlib.Path(module.__file__).read_bytes())
    made_by.update(f"{np.__version__} {PIL.__version__} {matplotlib.__version__}".encode())
    return made_by.hexdigest()[:10]
