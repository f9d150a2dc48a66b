"""A folder of images as a data set: `open_folder`. Decoded once, then read from disk.

Which files count, which split and class they are of: `listing`. How an image becomes a square:
`decode`. Where the squares are kept: `decoded`. What is refused and what is said: `findings`.
"""

import hashlib
import json
import os
import pathlib

import numpy as np
import PIL

from dtn_tf import environment, files
from dtn_tf.data import decode, decoded, findings, listing
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError

_KIND = "images"


class FolderSet:
    """The images of a folder, on disk; `open_folder` makes it.

    Attributes:
        title: As in tables and figures.
        notice: What was found, left out and how it was split, in a line or more, for people.
        warnings: Tuple of sentences that people should read before they train.
        classes: Tuple of names of the class folders; empty if there are none.
        channels: 1 if no image has a colour, else as many as were asked for.
        path: The folder itself.
        directory: Folder of the decoded images, see `decoded`.
        about: Dict, the content of its `about.json`.
        counts: Dict: number of images of every split, 0 for one without images.
    """

    name = "folders"

    def __init__(self, path, directory, title, channels):
        self.path = path
        self.directory = directory
        self.title = title
        self.notice = ""
        self.warnings = ()
        self.about = files.read_json(directory / "about.json", "the facts of decoded images")
        self.classes = tuple(self.about["classes"])
        self.channels = 1 if self.about["gray"] else channels
        self.counts = {split: self.about["counts"][split] for split in listing.SPLITS}

    def load(self, split, num=0):
        """Returns the images of a split, their pixels a read-only `np.memmap`.

        Args:
            split: "train", "validation" or "test".
            num: Only the first so many, a random choice that is always the same; 0 is all.

        Returns:
            `Pictures`; labels if the folder has classes and all images of this split are of one.

        Raises:
            UserError: If there is no such split, it has no image, or the cache is damaged.
        """
        self._require(split)
        pixels = decoded.load(self.directory, split)
        if pixels is None or len(pixels) != self.counts[split]:
            raise UserError(f"{self.directory} is damaged. Delete it to have it made again.")
        is_labelled = split in self.about["labelled"]
        pictures = Pictures(
            pixels[..., : self.channels],
            f"{self.title} {split}",
            labels=self._labels(split) if is_labelled else None,
            classes=self.classes if is_labelled else (),
        )
        return pictures.head(num) if 0 < num < len(pictures) else pictures

    def describe(self, split):
        """Says what `load` would read, and raises what it would raise about the split."""
        self._require(split)
        return f"{self.counts[split]:,} images in {self.directory / split}.npy"

    def paths(self, split):
        """Returns the files of a split, below the folder, in the order of its images."""
        facts, number = decoded.read_facts(self.directory), listing.SPLITS.index(split)
        rows = zip(facts["row"], facts["path"], facts["split"], strict=True)
        return [path for _, path in sorted((row, path) for row, path, s in rows if s == number)]

    def _labels(self, split):
        return np.array(decoded.load(self.directory, f"{split}-labels"), np.uint8)

    def _require(self, split):
        if split not in listing.SPLITS:
            raise UserError(f"split={split!r}; expected one of {', '.join(listing.SPLITS)}.")
        if not self.counts[split]:
            raise UserError(
                f"{self.title} has no image for {split}. Add images to the folder, or a folder"
                f" {split} in it. Equal images always fall into the same split: copies of one do"
                " not help."
            )


def open_folder(path, size, cache_dir, channels=3, fit="crop", title=None):
    """Opens a folder of images; the first time it is decoded, which may take minutes.

    The decoded images are kept by the folder's name and the name, size and time of change of
    every file in it, so that a second start reads no image. Files that have not changed are
    not decoded again when others come or go.

    Args:
        path: The folder. Its layout: `listing.arrange`.
        size: Side of the square images to make, in pixels.
        cache_dir: Folder of decoded images; they take `size * size * channels` bytes each.
        channels: 1 (gray) or 3 (RGB).
        fit: "crop" or "pad", see `decode`.
        title: As in tables; None is the name of the folder.

    Returns:
        `FolderSet`. Show people its `notice` and `warnings`.

    Raises:
        UserError: If it is no folder, cannot be read, has fewer than ten images for training,
            more broken ones than three and one in a hundred, or other classes in validation or
            test than in training; if there is no room.
    """
    decode.check(size, channels, fit)
    found = listing.walk(path)
    folder = pathlib.Path(path).expanduser().resolve()
    if not found.files:
        said = findings.left_out(found.hidden, found.others)
        raise UserError(f"{path} has no images{said}. Name a folder of images.")
    shape = (size, size, channels)
    rule = {
        "recipe": decode.RECIPE,
        "pillow": PIL.__version__,
        "folder": str(folder),  # equal names and sizes elsewhere are other images
        "shape": shape,
        "fit": fit,
    }

    def make(directory):
        earlier = _earlier(cache_dir, rule)
        decoded.make(directory, folder, found.files, shape, fit, earlier)

    identity = {**rule, "files": _listing_hash(found.files)}
    directory, _ = files.find_or_make(
        cache_dir, _KIND, identity, make, environment.provenance, _check
    )
    images = FolderSet(folder, directory, title or folder.name, channels)
    images.notice, images.warnings = findings.judge(path, images, found)
    return images


def _check(directory):
    """Raises `UserError` if decoded images are torn or some are missing. No pixel is read."""
    path = directory / "about.json"
    about = files.read_json(path, "the facts of decoded images")
    if not isinstance(about.get("counts"), dict):
        raise UserError(f"{path} is damaged: it has no counts.")
    for split, num in about["counts"].items():
        for name in (split, f"{split}-labels") if num else ():
            found = files.load_array(directory / f"{name}.npy")
            if len(found) != num:
                raise UserError(f"{directory / name}.npy is damaged: {len(found)} of {num}.")


def _listing_hash(listed):
    content = hashlib.blake2b(digest_size=16)
    for name, num_bytes, mtime in listed:
        content.update(os.fsencode(name) + f"\0{num_bytes}\0{mtime}\n".encode())
    return content.hexdigest()


def _earlier(cache_dir, rule):
    """Returns the newest images decoded by the same rule from the same folder, or None."""
    wanted, known = json.loads(json.dumps(rule)), []
    for path in pathlib.Path(cache_dir).glob(f"{_KIND}-*/made.json"):
        try:
            identity = files.read_json(path, "a cache")["identity"]
            if {name: identity.get(name) for name in wanted} == wanted:
                known.append((path.stat().st_mtime_ns, path.parent))
        except (UserError, KeyError, OSError):  # somebody else's, or being deleted
            continue
    try:
        return decoded.Earlier(max(known)[1]) if known else None
    except UserError:  # damaged: then it does not help
        return None
