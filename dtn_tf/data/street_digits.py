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
import subprocess
import sys
import zipfile

import matplotlib
import numpy as np
import PIL

from dtn_tf.data import street_camera, street_glyphs, street_paint, street_writing

SPLITS = {"train": (60_000, 0), "test": (5_000, 1)}  # digits and seed; nothing is shared
_CHUNK = 250  # digits drawn at once; each chunk has its own random stream
_WORTH_A_WORKER = 16  # chunks: fewer are drawn sooner than a process starts


def draw(num, seed, num_workers=None):
    """Draws digits; the first ones are the same for every `num` and `num_workers`.

    Args:
        num: How many.
        seed: Non-negative int; digit k depends on the seed and k alone.
        num_workers: Processes to draw in; by default as many as there are
            processors, or none for a few digits. 0 draws in this process.

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
    bounds = np.linspace(0, chunks, max(num_workers, 1) + 1).astype(int)
    parts = [slice(a * _CHUNK, b * _CHUNK) for a, b in zip(bounds, bounds[1:], strict=False)]
    workers = []
    try:
        if num_workers:
            workers = [_start_worker(seed, a, b) for a, b in zip(bounds, bounds[1:], strict=False)]
        for k, part in enumerate(parts):
            if workers:
                _receive(workers[k], images[part], labels[part])
            else:
                images[part], labels[part] = _draw_chunks(seed, *bounds)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdout.close()
    return images[:num], labels[:num]


def load(split, cache_dir, num=None):
    """Returns a split of the built-in digits, drawn the first time it is asked for.

    Args:
        split: "train" (60,000 digits) or "test" (5,000, from another seed).
        cache_dir: Folder that keeps drawn digits; made if it is not there.
        num: Only so many of them.

    Returns:
        images: uint8 `(num, 32, 32, 3)`.
        labels: uint8 `(num,)`, 0 to 9.

    Raises:
        ValueError: If there is no such split, or fewer digits than `num` in it.
    """
    if split not in SPLITS:
        raise ValueError(
            f"The built-in digits have no split {split!r}: they are drawn, so there is no"
            f" 'extra'. Ask for one of {', '.join(SPLITS)}."
        )
    size, seed = SPLITS[split]
    num = size if num is None else num
    if not 0 < num <= size:
        raise ValueError(f"load got num={num}; {split} has {size} digits.")
    path = pathlib.Path(cache_dir) / f"street_digits-{split}-{num}-{_fingerprint()}.npz"
    digits = _read(path, num)
    if digits is None:
        print(f"Drawing {num} house-number digits ({split}), once.", flush=True)
        digits = draw(num, seed)
        _write(path, *digits)
    return digits


def _draw_chunks(seed, start, stop):
    """Draws chunks `start` to `stop`; returns images and labels."""
    drawn = [_draw_chunk(seed, k) for k in range(start, stop)]
    return tuple(np.concatenate(part) for part in zip(*drawn, strict=True))


def _draw_chunk(seed, index):
    rng = np.random.default_rng((seed, index))
    labels = rng.integers(0, 10, _CHUNK)
    wall = street_writing.place(rng, _CHUNK)
    ink = street_writing.write(rng, labels, wall)
    images = street_camera.photograph(rng, street_paint.paint(rng, wall, ink))
    return images, labels.astype(np.uint8)


def _start_worker(seed, start, stop):
    """Starts a Python that draws chunks and writes them to its standard output.

    Not `multiprocessing`: a fork of a process that runs TensorFlow can hang, and a
    spawn runs the user's script again unless it has a `__main__` guard.
    """
    code = "from dtn_tf.data import street_digits as s; s._send(*{})"
    root = pathlib.Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-c", code.format((int(seed), int(start), int(stop)))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=os.environ | one_thread | {"PYTHONPATH": path},
    )


def _send(seed, start, stop):
    """What a worker does. All is drawn before the first byte, so no one waits in turn."""
    for array in _draw_chunks(seed, start, stop):
        sys.stdout.buffer.write(array.tobytes())


def _receive(worker, images, labels):
    """Fills the arrays with what a worker drew."""
    received = worker.stdout.read()
    if worker.wait() or len(received) != images.nbytes + labels.nbytes:
        raise RuntimeError(
            f"A process that draws digits ended with status {worker.returncode}; its message"
            " is above. draw(..., num_workers=0) draws without other processes."
        )
    images[...] = np.frombuffer(received, np.uint8, images.nbytes).reshape(images.shape)
    labels[:] = np.frombuffer(received, np.uint8, offset=images.nbytes)


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


def _read(path, num):
    """Returns the digits in a cache file, or None if it is absent or damaged."""
    try:
        with np.load(path) as file:
            images, labels = file["images"], file["labels"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        print(f"{path} is damaged ({error}): drawing it again.", flush=True)
        return None
    whole = images.shape == (num, 32, 32, 3) and labels.shape == (num,)
    return (images, labels) if whole else None


def _write(path, images, labels):
    """Writes a cache file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            np.savez(file, images=images, labels=labels)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
