"""What lies in a folder of images: which files, which split, which class. Opens none of them."""

import collections
import dataclasses
import os
import pathlib
import stat
import unicodedata

from dtn_tf.data import decode
from dtn_tf.errors import UserError

SPLITS = ("train", "validation", "test")
SHARES = (80, 10, 10)  # percent, of images that no folder gives a split
MOST_CLASSES = 256  # labels are uint8

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_HIDDEN = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"}  # and dot names


@dataclasses.dataclass
class Listing:
    """The files of a folder.

    Attributes:
        files: Sorted list of `(path below the folder with "/", size in bytes, mtime in ns)`:
            those with an image's suffix, in either case, and those without any suffix.
        hidden: Number of hidden files and folders, which are not looked into.
        others: Counter of all other files, by suffix.
    """

    files: list
    hidden: int
    others: collections.Counter


def walk(folder):
    """Lists a folder and all folders in it; links are followed, each folder is listed once.

    Raises:
        UserError: If it does not exist, is a file, or a folder in it cannot be read.
    """
    folder = pathlib.Path(folder).expanduser()
    if not folder.exists():
        raise UserError(f"{folder} does not exist; expected a folder of images.")
    if not folder.is_dir():
        raise UserError(
            f"{folder} is a file; expected a folder of images. Name the folder that it is in."
        )
    found = Listing([], 0, collections.Counter())
    todo, seen = [("", str(folder))], set()
    while todo:
        below, path = todo.pop()
        folders = []
        for entry, facts in _entries(path, seen):
            _sort_in(found, folders, below, entry, facts)
        todo += sorted(folders, reverse=True)
    found.files.sort()
    return found


def is_hidden(name):
    """Whether a file or folder of this name is left alone."""
    return name.startswith(".") or name.lower() in _HIDDEN


def is_image(name):
    """Whether a file of this name counts: an image's suffix in either case, or none."""
    suffix = os.path.splitext(name)[1].lower()
    return not suffix or suffix in decode.suffixes()


def _entries(path, seen):
    """Yields the entries of a folder that was not seen yet, and what `os.stat` says of them."""
    try:
        here = os.stat(path)
        if (here.st_dev, here.st_ino) in seen:  # a link to a folder above, or to a listed one
            return
        seen.add((here.st_dev, here.st_ino))
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                yield entry, _stat(entry)
    except OSError as error:
        raise UserError(
            f"The folder {path} cannot be read: {error.strerror or error}."
            " Change its permissions, or move it away."
        ) from error


def _stat(entry):
    try:
        return entry.stat()
    except OSError:  # a link to nothing
        return None


def _sort_in(found, folders, below, entry, facts):
    name = entry.name
    suffix = os.path.splitext(name)[1].lower()
    if is_hidden(name):
        found.hidden += 1
    elif facts is None or not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        found.others["links to nothing, devices"] += 1
    elif stat.S_ISDIR(facts.st_mode):
        folders.append((f"{below}{name}/", entry.path))
    elif is_image(name):
        found.files.append((below + name, facts.st_size, facts.st_mtime_ns))
    else:
        found.others[suffix] += 1


@dataclasses.dataclass
class Arrangement:
    """Split and class of every image.

    Attributes:
        splits: List of int, places in `SPLITS`; -1 for an image outside of the split folders.
        labels: List of int, places in `classes`; -1 where there is no class.
        classes: Sorted list of names; empty if the images for training have none.
        given: Names of the splits that have a folder of their own.
        labelled: Names of the splits all of whose images have a class.
        problem: What is wrong with the class folders, or "".
        note: What else should be said about them, or "".
    """

    splits: list
    labels: list
    classes: list
    given: list
    labelled: list
    problem: str = ""
    note: str = ""


def arrange(paths, hashes):
    """Decides split and class of images.

    Folders at the top named train, val (valid, validation) and test, in either case, are the
    splits. Without train, all that is in no such folder is for training. Of the images for
    training, those whose hash modulo 100 is 80 to 89 go to validation if that has no folder,
    those of 90 to 99 to test: an image keeps its split when others come.

    If all images for training lie in two or more folders side by side, these are their classes;
    what is nested deeper belongs to the same class. One folder around everything does not
    count, neither here nor for the splits. Images beside folders: there are no classes.

    Args:
        paths: List of str, paths of images below the folder, with "/".
        hashes: List of str, hexadecimal, of the bytes of each.

    Returns:
        `Arrangement`.
    """
    parts = [tuple(unicodedata.normalize("NFC", p).split("/")) for p in paths]
    parts = _without_common_folders(parts, keep=SPLIT_FOLDERS)
    folders = [SPLIT_FOLDERS.get(p[0].lower(), "") if len(p) > 1 else "" for p in parts]
    given = [split for split in SPLITS if split in folders]
    splits = [_split(f, given, h) for f, h in zip(folders, hashes, strict=True)]
    rest = [p[1:] if f else p for p, f in zip(parts, folders, strict=True)]
    pools = ["train" if f in ("", "train") else f for f in folders]
    train = [p == "train" and s >= 0 for p, s in zip(pools, splits, strict=True)]
    labels, classes, note = _classes(rest, train)
    found = Arrangement(splits, labels, classes, given, [], note=note)
    for split in given if classes else ():
        if split != "train":
            rows = [k for k, pool in enumerate(pools) if pool == split]
            found.problem = found.problem or _label(found, split, rows, rest)
    found.labelled = [
        name
        for k, name in enumerate(SPLITS)
        if classes and all(x >= 0 for x, s in zip(labels, splits, strict=True) if s == k)
    ]
    return found


def _split(folder, given, content_hash):
    if folder in ("validation", "test"):
        return SPLITS.index(folder)
    if not folder and "train" in given:
        return -1
    number = int(content_hash, 16) % 100
    drawn = "train" if number < SHARES[0] else SPLITS[1 + (number >= SHARES[0] + SHARES[1])]
    return SPLITS.index("train" if drawn in given else drawn)


def _without_common_folders(parts, keep=()):
    """Takes off the folders that all paths start with, up to one whose name is to be kept."""
    common = os.path.commonprefix([p[:-1] for p in parts])
    names = [name.lower() in keep for name in common]
    depth = names.index(True) if True in names else len(common)
    return [p[depth:] for p in parts]


def _classes(rest, is_in_pool):
    """Labels of the images for training; names of the classes; a note."""
    labels = [-1] * len(rest)
    rows = [k for k, inside in enumerate(is_in_pool) if inside]
    parts = _without_common_folders([rest[k] for k in rows])
    folders = sorted({p[0] for p in parts if len(p) > 1})
    if any(len(p) == 1 for p in parts):
        note = "images lie beside folders, so that folders are no classes" if folders else ""
        return labels, [], note
    if len(folders) > MOST_CLASSES:
        return labels, [], f"{len(folders):,} folders are more than {MOST_CLASSES} classes"
    places = {name: k for k, name in enumerate(folders)}
    for k, p in zip(rows, parts, strict=True):
        labels[k] = places[p[0]]
    return labels, folders, ""


def _label(found, split, rows, rest):
    """Labels the images of a split's own folder, all or none; returns a problem or ""."""
    places = {name: k for k, name in enumerate(found.classes)}
    parts = _without_common_folders([rest[k] for k in rows], keep={c.lower() for c in places})
    labels = [places.get(p[0], -1) if len(p) > 1 else -1 for p in parts]
    if max(labels) < 0:
        return ""
    if min(labels) < 0:
        strange = next(p for p, label in zip(parts, labels, strict=True) if label < 0)
        where = f"the class folder {strange[0]}" if len(strange) > 1 else "images in no class"
        return f"{split} has {where}, and the classes of training are {_names(found.classes)}"
    for k, label in zip(rows, labels, strict=True):
        found.labels[k] = label
    return ""


def _names(names, most=10):
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
