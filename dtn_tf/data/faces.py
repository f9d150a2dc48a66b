"""Photos of faces and emoji as the two domains of a task: `--domain=face`, and `emoji`, back.

A folder DIR of `--data=files --data_dir=DIR` has two folders of images, face and emoji, and may
have people: a folder for each person with several photos, which score and never train.
"""

import pathlib
import zipfile

import numpy as np
from PIL import Image

from dtn_tf.data import decode, domains, folders, listing, pair
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError

STORES = ("files", "builtin")
_FOLDERS = {"face": "photos of faces", "emoji": "emoji"}
_PEOPLE = "people"
_MOST_PEOPLE = 256  # their numbers are kept in a byte
_MOST_DRAWN = 128  # pixels: larger portraits take long to draw, and show no more
# AT&T's Database of Faces as one file: x (400, 112, 92) uint8, y (400,) the person.
_ATT = "att_faces_40x10.npz"


def open_faces(config, cache_dir, data=None, data_dir=None):
    """Opens photos and emoji; the first time they are decoded, or drawn.

    Args:
        config: `DTNConfig` with domain "face" or "emoji".
        cache_dir: Folder that keeps what was decoded or drawn.
        data, data_dir: In place of the config's, or None.

    Returns:
        `pair.Pair`; its source is the photos, or with domain "emoji" the emoji.

    Raises:
        UserError: If a folder is missing or refused, see `folders.open_folder`, or `data` is
            not a place that faces come from.
    """
    data, data_dir = data or config.data, data_dir or config.data_dir
    if data not in ("auto", *STORES):
        raise UserError(
            f"data={data!r} has no faces; expected auto, files or builtin with"
            f" --domain={config.domain}."
        )
    if data == "files" or (data == "auto" and data_dir is not None and holds_both(data_dir)):
        return _of_files(config, data_dir, cache_dir)
    return _drawn(config, data, data_dir, cache_dir)


def holds_both(data_dir):
    """Whether a folder has the folders face and emoji."""
    return not _missing(data_dir)


def people(data_dir, size, cache_dir, fit="crop"):
    """Returns photos of people, several of each, where a folder has any.

    Args:
        data_dir: Folder with a folder people, or the file att_faces_40x10.npz; or None.
        size: Side of the square images to make, in pixels.
        cache_dir: Folder that keeps decoded images.
        fit: See `decode`.

    Returns:
        `Pictures`, RGB, whose labels are the people; None if there are none.

    Raises:
        UserError: If the folder is refused or the file is damaged.
    """
    if data_dir is None:
        return None
    folder, file = (pathlib.Path(data_dir).expanduser() / name for name in (_PEOPLE, _ATT))
    if folder.is_dir():
        _check_names(folder)
        found = folders.open_folder(folder, size, cache_dir, fit=fit, title=_PEOPLE)
        return _all_of(found)
    return _of_att(file, size, fit) if file.is_file() else None


def _of_files(config, data_dir, cache_dir):
    if data_dir is None:
        raise UserError(f"data=files needs --data_dir=DIR, with {_wanted()}.")
    missing = _missing(data_dir)
    if missing:
        raise UserError(
            f"{data_dir} has no folder {' and no '.join(missing)}; expected {_wanted()}."
        )
    root = pathlib.Path(data_dir).expanduser()

    def shown():
        return people(data_dir, config.size, cache_dir, config.fit)

    def opened(size):
        both = [
            folders.open_folder(root / name, size, cache_dir, fit=config.fit, title=title)
            for name, title in _FOLDERS.items()
        ]
        about = f"data: files, from {data_dir}."
        return _pair(config, both, size, "files", about, opened, shown)

    return opened(config.size)


def _drawn(config, data, data_dir, cache_dir):
    from dtn_tf.data.builtin import faces as drawn  # what it draws with is an extra

    why = "as asked"
    if data == "auto":
        where = f"{data_dir} has not {_wanted()}" if data_dir else "no --data_dir was given"
        why = (
            f"FALLBACK to DRAWN faces: {where}. For real ones add --data=files --data_dir=DIR,"
            f" with {_wanted()}"
        )

    def opened(size):
        both = drawn.open_faces(min(size, _MOST_DRAWN), cache_dir)
        return _pair(config, both, size, "builtin", f"data: builtin ({why}).", opened)

    return opened(config.size)


def _pair(config, both, size, name, about, opened, shown=None):
    source, target = both if config.domain == domains.FACE else reversed(both)
    shown = shown if config.domain == domains.FACE else None  # they are source images
    return pair.Pair(source, target, size, config.domain, name, about, opened, shown)


def _wanted():
    return " and ".join(f"a folder {name} of {what}" for name, what in _FOLDERS.items())


def _missing(data_dir):
    root = pathlib.Path(data_dir).expanduser()
    return [name for name in _FOLDERS if not (root / name).is_dir()]


def _check_names(folder):
    """Refuses people whose folders would be taken for splits: Val is a first name, too."""
    taken = sorted(p.name for p in folder.iterdir() if p.name.lower() in listing.SPLIT_FOLDERS)
    if taken:
        raise UserError(
            f"{folder} has a folder {taken[0]}, which means a split. Call this person otherwise:"
            f" person-{taken[0]}."
        )


def _all_of(found):
    """All splits of a folder with classes as one set: nothing of it trains."""
    if not found.classes:
        why = found.about["note"] or "it has no folder for each person"
        raise UserError(f"{found.path}: {why}; expected people/NAME/photos.")
    splits = [found.load(split) for split, n in found.counts.items() if n]
    return Pictures(
        np.concatenate([part.pixels for part in splits]),
        found.title,
        np.concatenate([part.labels for part in splits]),
        found.classes,
    )


def _of_att(file, size, fit):
    try:
        with np.load(file, allow_pickle=False) as content:
            x, y = content["x"], content["y"]
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{file} is damaged ({error}). Get it anew, or take it away.") from error
    is_right = x.dtype == np.uint8 and x.ndim == 3 and x.size and y.dtype.kind in "iu"
    if not is_right or y.shape != x.shape[:1]:
        raise UserError(
            f"{file} has x {x.dtype} {x.shape} and y {y.dtype} {y.shape}; expected uint8 photos"
            " (n, height, width) and the number of the person of each."
        )
    if len(np.unique(y)) > _MOST_PEOPLE:
        raise UserError(
            f"{file} has {len(np.unique(y))} people; expected {_MOST_PEOPLE} at most."
            " Leave some out."
        )
    pixels = np.stack([decode.fit(Image.fromarray(photo), size, 3, fit) for photo in x])
    names, labels = np.unique(y, return_inverse=True)
    classes = tuple(f"person {name}" for name in names)
    return Pictures(pixels, "AT&T faces", labels.astype(np.uint8), classes)
