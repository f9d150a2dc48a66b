"""Decodes a list of image files once, into arrays on disk that need no memory to be read.

A folder made here has, for each split that has an image, `train.npy` and so on (uint8 `(n, size,
size, channels)`) and `train-labels.npy` (int16 `(n,)`, -1 where there is no class), in the order
of their hashes: any part of a split is a random choice. `images.json` has the facts of every
image; `about.json` those of all together, which is all that a later start reads.
"""

import hashlib
import json
import os
import pathlib
import shutil

import numpy as np

from dtn_tf import files, threads
from dtn_tf.data import decode, findings, listing
from dtn_tf.errors import UserError

_PART_BYTES = 1 << 24  # pixels that are decoded before they are on the disk: what a kill costs
_COLUMNS = ("path", "bytes", "mtime_ns", "hash", "small", "gray")


def make(directory, folder, listed, shape, how, earlier=None):
    """Decodes files into a folder, or goes on where a killed process stopped.

    Args:
        directory: Folder to fill, see `files.find_or_make`.
        folder: Folder of the images.
        listed: List of `(path below it, bytes, mtime)`, see `listing.walk`.
        shape: `(size, size, channels)` of each result.
        how: "crop" or "pad", see `decode.fit`.
        earlier: `Earlier`, images that need not be decoded again, or None.

    Raises:
        UserError: If there is no room on the disk, or a file cannot be opened.
    """
    parts = pathlib.Path(directory) / "checkpoints"
    parts.mkdir(exist_ok=True)
    num_bytes = int(np.prod(shape))
    per_part = int(np.clip(_PART_BYTES // num_bytes, 16, 4096))
    starts = range(0, len(listed), per_part)
    todo = [start for start in starts if not (parts / f"{start}.json").exists()]
    _require_room(parts, num_bytes * (len(listed) + per_part * len(todo)))

    def one(file):
        return earlier and earlier.get(file) or _decode(folder, file, shape, how)

    if len(todo) < len(starts):
        print(f"{folder}: resumed, {len(starts) - len(todo)} of {len(starts)} parts are decoded.")
    num = sum(len(listed[k : k + per_part]) for k in todo)
    progress = threads.Progress(f"{folder}: decoded", num)
    with threads.pool() as pool:
        running = []
        for start in todo:
            part = listed[start : start + per_part]
            running.append((start, part, [pool.submit(one, file) for file in part]))
            if len(running) == 2:  # threads go on while a part is written
                _finish(parts, shape, progress, *running.pop(0))
        for job in running:
            _finish(parts, shape, progress, *job)
    _gather(directory, [parts / str(start) for start in starts], shape)


class Earlier:
    """What was decoded before, of another list of files in the same folder.

    Args:
        directory: Folder that `make` filled, by the same rule and of the same shape.
    """

    def __init__(self, directory):
        columns = read_facts(directory)
        self._pixels = {split: load(directory, split) for split in listing.SPLITS}
        rows = zip(*(columns[c] for c in (*_COLUMNS, "split", "row")), strict=True)
        self._known = {tuple(row[:3]): row[3:] for row in rows if row[6] >= 0}

    def get(self, file):
        """Returns what `_decode` would, or None for a new or changed file."""
        if file not in self._known:
            return None
        *facts, split, row = self._known[file]
        return self._pixels[listing.SPLITS[split]][row], tuple(facts), None


def read_facts(directory):
    """Returns the facts of every image: dict of lists of equal length."""
    return files.read_json(pathlib.Path(directory) / "images.json", "the facts of decoded images")


def load(directory, name):
    """Returns an array: read-only `np.memmap`, or None if it is not there.

    Args:
        directory: Folder that `make` filled.
        name: "train", "train-labels" and so on.

    Raises:
        UserError: If the file is damaged.
    """
    path = pathlib.Path(directory) / f"{name}.npy"
    if not path.exists():
        return None
    return files.load_array(path, directory)


def _decode(folder, file, shape, how):
    """Returns `(pixels, (hash, small, gray), None)`; `(None, None, reason)` of a broken file.

    Raises:
        UserError: If a file cannot be opened. What may be mended without a change of the file is
            no fact of it, and is not kept.
    """
    path, num_bytes, _ = file
    path = pathlib.Path(folder) / path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{findings.shown(str(path))} cannot be read: {error.strerror or error}. Make it"
            " readable or move it away. The same command goes on from here."
        ) from error
    try:
        if len(data) != num_bytes:
            return None, None, "it changed while the folder was read"
        pixels, full = decode.from_bytes(data, shape[0], shape[2], how)
        content_hash = hashlib.blake2b(data, digest_size=8).hexdigest()
        gray = bool((pixels == pixels[..., :1]).all())
        return pixels, (content_hash, min(full) < shape[0], gray), None
    except decode.UnreadableError as error:
        return None, None, str(error).rstrip(".")


def _finish(parts, shape, progress, start, part, futures):
    """Waits for a part and writes it; the JSON comes last and says that it is whole."""
    pixels, known, broken = [], [], []
    for file, future in zip(part, futures, strict=True):
        image, facts, reason = future.result()
        if reason:
            broken.append([*file, reason])
        else:
            pixels.append(image)
            known.append([*file, *facts])
        progress.step()
    stacked = np.stack(pixels) if pixels else np.empty((0, *shape), np.uint8)
    _save_array(parts / f"{start}.npy", stacked)
    files.save_text(parts / f"{start}.json", json.dumps({"images": known, "broken": broken}))


def _gather(directory, parts, shape):
    """Writes one array for each split, and the facts of every image, in the arrays' order."""
    read = [files.read_json(f"{part}.json", "a list of decoded images") for part in parts]
    images = [image for part in read for image in part["images"]]
    broken = [file for part in read for file in part["broken"]]
    counts = [len(part["images"]) for part in read]
    arranged = listing.arrange([i[0] for i in images], [i[3] for i in images])
    places = np.full(len(images), -1)
    splits = np.array(arranged.splits, int)
    for number, split in enumerate(listing.SPLITS):
        rows = [int(k) for k in np.flatnonzero(splits == number)]
        rows.sort(key=lambda k: (images[k][3], images[k][0]))
        places[rows] = np.arange(len(rows))
        if rows:
            chosen = np.where(splits == number, places, -1)
            _write(pathlib.Path(directory) / f"{split}.npy", parts, counts, chosen, shape)
            labels = np.array(arranged.labels, np.int16)[rows]
            _save_array(pathlib.Path(directory) / f"{split}-labels.npy", labels)
    _save_facts(pathlib.Path(directory), arranged, images, broken, places)


def _save_facts(directory, arranged, images, broken, places):
    columns = {name: [image[k] for image in images] for k, name in enumerate(_COLUMNS)}
    columns |= {"split": arranged.splits, "label": arranged.labels, "row": places.tolist()}
    files.save_text(directory / "images.json", json.dumps(columns))
    about = {k: getattr(arranged, k) for k in ("classes", "given", "labelled", "problem", "note")}
    counts = {split: arranged.splits.count(k) for k, split in enumerate(listing.SPLITS)}
    about |= {"counts": counts, "outside": arranged.splits.count(-1)}
    about |= {"small": sum(columns["small"]), "gray": all(columns["gray"]), "broken": broken}
    files.save_json(directory / "about.json", about)


def _save_array(path, array):
    files.save(path, lambda temporary: np.save(temporary, array), array.nbytes)


def _write(path, parts, counts, places, shape):
    """Writes those images that have a place, each at its place; memory holds one at a time."""
    num = int((places >= 0).sum())
    num_bytes = int(np.prod(shape))
    ends = np.cumsum(counts)

    def write(temporary):
        with open(temporary, "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (num, *shape)}
            np.lib.format.write_array_header_1_0(file, header)
            file.flush()
            first = file.tell()
            for part, count, end in zip(parts, counts, ends, strict=True):
                pixels = np.load(f"{part}.npy", mmap_mode="r")
                for row, place in enumerate(places[end - count : end]):
                    if place >= 0:
                        os.pwrite(file.fileno(), pixels[row], first + int(place) * num_bytes)

    files.save(path, write, num * num_bytes)


def _require_room(directory, num_bytes):
    free = shutil.disk_usage(directory).free
    if free < num_bytes:
        raise UserError(
            f"Decoded images need {num_bytes / 1e6:,.0f} MB in {directory.parent}, half of it for"
            f" a while; {free / 1e6:,.0f} MB are free. Choose another --cache_dir, or fewer images."
        )
