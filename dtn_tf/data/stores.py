"""Where pictures come from: TensorFlow Datasets, the publishers' files, or built in.

`open_store` picks one and says which. What they load carries a title that tables and figures
show, so that nobody takes the built-in digits for SVHN.
"""

import dataclasses

import numpy as np

from dtn_tf import images as images_lib
from dtn_tf.data import domains, faces, files, pair, publishers, tfds
from dtn_tf.data.builtin import reader as builtin
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError

STORES = ("tfds", "files", "builtin")
SPLITS = ("train", "test", "extra", "train+extra")


class Store:
    """A place that pictures are loaded from; each split is loaded once.

    Args:
        reader: `tfds.Tfds`, `files.Files` or `builtin.reader.Builtin`. It has a name, a text
            `where`, and `splits(domain)`, `title(domain)`, `describe(domain, split)` and
            `read(domain, split, num) -> (pixels, labels, published)`, which may read more
            than `num` images and leaves them as large as they are stored.
        why: Why this one, for people.

    Attributes:
        name: One of `STORES`.
    """

    task = None  # the domains are those of `domains.TASKS`

    def __init__(self, reader, why):
        self.name = reader.name
        self._reader = reader
        self._why = why
        self._loaded = {}
        self._bytes = {}

    @property
    def notice(self):
        """Which store this is, why, and whose bytes it loaded so far: for people."""
        said = [f"data: {self.name} ({self._why}). {self._reader.where}"]
        return " ".join(said + [f"{title}: {text}." for title, text in self._bytes.items()])

    def warnings(self):
        """A line for each split loaded so far that is not the published one."""
        return [f"{t}: {text}." for t, text in self._bytes.items() if text.startswith("NOT")]

    def load(self, domain, split, num=0):
        """Loads a split, and prints a line if its bytes are not the publisher's.

        Args:
            domain: `Domain`.
            split: One of `SPLITS`. "train+extra" has extra first and train last, so
                that `Pictures.hold_out` holds out the same images as it does of "train".
            num: The first so many images of each of its parts only; 0 is all.

        Returns:
            Labelled `Pictures`, of the domain's size.

        Raises:
            UserError: If there is no such split, or it is missing, damaged or not to be had.
        """
        key = domain.name, split, num
        if key not in self._loaded:
            parts = [self._part(domain, part, num) for part in self._parts(domain, split)]
            self._loaded[key] = _joined(parts, f"{self._reader.title(domain)} {split}")
        return self._loaded[key]

    def describe(self, domain, split):
        """Says what `load` would read, without reading it.

        Raises what `load` would raise, where that is found out at once.
        """
        parts = self._parts(domain, split)
        return ", then ".join(self._reader.describe(domain, part) for part in parts)

    def _parts(self, domain, split):
        if split not in SPLITS:
            raise UserError(f"split={split!r}; expected one of {', '.join(SPLITS)}.")
        parts = ("extra", "train") if split == "train+extra" else (split,)
        splits = self._reader.splits(domain)
        if not set(parts) <= set(splits):
            raise UserError(
                f"{self._reader.title(domain)} has no split {split!r} with --data={self.name};"
                f" it has {', '.join(splits)}."
            )
        return parts

    def _part(self, domain, split, num):
        """One split that the reader has: cut first, then made as large as the domain says."""
        pixels, labels, published = self._reader.read(domain, split, num)
        title = f"{self._reader.title(domain)} {split}"
        if published is not None:
            self._note(title, published, len(pixels), publishers.SPLITS[domain.name][split].images)
        if 0 < num <= len(pixels):
            pixels, labels = pixels[:num].copy(), labels[:num].copy()
            title += f"[:{num}]"
        pixels = images_lib.resize(pixels, domain.size)
        return Pictures(pixels, title, labels, domain.classes, published)

    def _note(self, title, published, num, expected):
        text = "the published bytes"
        if not published:
            theirs = "as many as in" if num == expected else f"{expected:,} in"
            count = f"{num:,} images, {theirs} the publisher's file"
            text = f"NOT the published bytes ({count})"
        if not published and title not in self._bytes:
            print(f"{title}: {text}.", flush=True)
        self._bytes[title] = text


def _joined(parts, title):
    if len(parts) == 1:
        return parts[0]
    if any(part.title.endswith("]") for part in parts):  # cut: the title says how
        title = "+".join(part.title for part in parts)
    return dataclasses.replace(
        parts[0],
        pixels=np.concatenate([part.pixels for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        title=title,
        published=all(part.published for part in parts),
    )


def of(config, cache_dir, data=None, data_dir=None):
    """Opens the store of a config.

    Args:
        config: `DTNConfig`.
        cache_dir: Folder that keeps drawn digits and decoded images.
        data, data_dir: In place of the config's, or None.

    Returns:
        `Store`, or `pair.Pair` of two folders.

    Raises:
        UserError: If `data` or `data_dir` is given for domain "folders", whose config names both
            folders. See `open_store`, `pair.open_pair` and `faces.open_faces`, too.
    """
    if config.domain == domains.FOLDERS:
        if data or data_dir:
            given = f"--data={data}" if data else f"--data_dir={data_dir}"
            raise UserError(
                f"{given} would be ignored: the run is of {config.source_dir} and"
                f" {config.target_dir}. Leave it out."
            )
        return pair.open_pair(config, cache_dir)
    if config.domain in domains.FACES:
        return faces.open_faces(config, cache_dir, data, data_dir)
    return open_store(data or config.data, data_dir or config.data_dir, cache_dir)


def open_store(data, data_dir, cache_dir):
    """Picks where pictures come from.

    Args:
        data: "auto", or one of `STORES`. "auto" is files if `data_dir` holds any of the
            publishers' files; else tfds if its folder has SVHN and MNIST or they can be
            downloaded, which may take 20 seconds to find out; else builtin.
        data_dir: Folder of the files, or of TensorFlow Datasets; None for its default.
        cache_dir: Folder that keeps what the built-in store draws.

    Returns:
        `Store`. Show people its `notice`.

    Raises:
        UserError: If `data` is unknown, or the folder of "files" is not there.
    """
    if data == "files":
        return Store(files.Files(data_dir), "as asked")
    if data == "tfds":
        return Store(tfds.Tfds(data_dir), "as asked")
    if data == "builtin":
        return Store(builtin.Builtin(cache_dir), "as asked")
    if data == "auto":
        return _auto(data_dir, cache_dir)
    raise UserError(f"data={data!r}; expected one of auto, {', '.join(STORES)}.")


def holds_pictures(domain, data_dir):
    """Whether a folder alone has what `--data=auto` would take from it, of a domain's name."""
    if domain in domains.FACES:
        return faces.holds_both(data_dir)
    return files.holds_some(data_dir) or tfds.Tfds(data_dir).is_complete


def _auto(data_dir, cache_dir):
    if data_dir and files.holds_some(data_dir):
        return Store(files.Files(data_dir), "--data_dir holds the publishers' files")
    reader = tfds.Tfds(data_dir)
    reason = reader.why_unavailable()
    if reason is None:
        return Store(reader, "it is there, or the publishers' servers answer")
    why = f"FALLBACK to DRAWN digits: {reason}. {_how_to_get_real_ones()}"
    return Store(builtin.Builtin(cache_dir), why)


def _how_to_get_real_ones():
    usual = [splits[s] for splits in publishers.SPLITS.values() for s in ("train", "test")]
    names = [file.name for split in usual for file in split.files]
    size = publishers.size(sum(split.num_bytes for split in usual))
    return (
        f"For the real pictures ({size}) try again with --data=tfds when the network is there,"
        f" or put {', '.join(names)} from {' and '.join(publishers.URLS.values())}"
        " in a folder and add --data=files --data_dir=FOLDER"
    )
