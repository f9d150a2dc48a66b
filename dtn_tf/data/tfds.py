"""The folder of TensorFlow Datasets: what it prepared, or the publishers' files put there."""

import os
import pathlib
import socket

import numpy as np

from dtn_tf.data import files, publishers, reachable
from dtn_tf.errors import UserError
from dtn_tf.files import why_unwritable

_STALLED = 60.0  # seconds without a byte


def root(data_dir):
    """Folder of TensorFlow Datasets: `data_dir`, or the default of that library."""
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(data_dir or default).expanduser()


class Tfds:
    """Pictures in that folder; see `stores.Store` for what a reader has.

    A folder that the library prepared is used as it is. What is missing is not prepared by it:
    for SVHN it would fetch all three splits, 1.6 GB, where two are needed. The publishers' files
    of the split that is asked for are downloaded into `downloads/dtn_tf` and read as they are.

    Args:
        data_dir: Folder of TensorFlow Datasets, or None for its default.
    """

    name = "tfds"

    def __init__(self, data_dir):
        self._folder = root(data_dir)
        self._downloads = self._folder / "downloads" / "dtn_tf"

    @property
    def where(self):
        """The folder, and what would be downloaded for the usual splits."""
        missing = [
            f"{publishers.URLS[name]} ({publishers.size(num_bytes)})"
            for name, num_bytes in self._missing().items()
            if num_bytes
        ]
        later = f" To be downloaded there first: {' and '.join(missing)}." if missing else ""
        return f"SVHN and MNIST in {self._folder}.{later}"

    def splits(self, domain):
        """What the publisher offers."""
        return tuple(publishers.SPLITS[domain.name])

    def title(self, domain):
        """As in tables."""
        return domain.title

    def read(self, domain, split, num):
        """Reads all of a split, downloaded first if need be; see `files.read`."""
        prepared = find(self._folder, domain)
        if prepared:
            return _read(prepared, domain, split)
        self._download(domain, split)
        return files.read(domain, split, files.find(self._downloads, domain, split))

    def describe(self, domain, split):
        """Says where a split is, or what would be downloaded."""
        prepared = find(self._folder, domain)
        if prepared:
            return f"{prepared} ({split})"
        if self._has(domain.name, split):
            return f"{self._downloads} ({split})"
        size = publishers.size(publishers.SPLITS[domain.name][split].num_bytes)
        return f"download of {size} from {publishers.URLS[domain.name]} ({split})"

    def has(self, domain, split):
        """Whether `read` finds a split here, and downloads nothing."""
        return bool(find(self._folder, domain)) or self._has(domain.name, split)

    @property
    def is_complete(self):
        """Whether train and test of both domains are here, and nothing has to be downloaded."""
        return not any(self._missing().values())

    def why_unavailable(self):
        """Why a domain is neither here nor can be downloaded now, or None."""
        missing = [name for name, num_bytes in self._missing().items() if num_bytes]
        if not missing:
            return None
        reason = why_unwritable(self._folder) or reachable.why_not([_first(n) for n in missing])
        names = " and ".join(publishers.TFDS_NAMES[name] for name in missing)
        return reason and f"{names} not in {self._folder}, no download: {reason}"

    def _missing(self):
        """Bytes to download for train and test: dict, name of a domain -> bytes."""
        return {
            name: 0
            if find_named(self._folder, name)
            else sum(splits[s].num_bytes for s in ("train", "test") if not self._has(name, s))
            for name, splits in publishers.SPLITS.items()
        }

    def _has(self, name, split):
        """Whether the files of a split were downloaded before: all, and to their ends."""
        paths = [(self._downloads / f.name, f) for f in publishers.SPLITS[name][split].files]
        return all(p.is_file() and p.stat().st_size == f.num_bytes for p, f in paths)

    def _download(self, domain, split):
        if self._has(domain.name, split):
            return
        url, wanted = publishers.URLS[domain.name], publishers.SPLITS[domain.name][split]
        reason = why_unwritable(self._folder) or reachable.why_not([url + wanted.files[0].name])
        if reason:
            raise UserError(
                f"{domain.title} {split} is not in {self._folder}, and cannot be downloaded from"
                f" {url}: {reason}. {_INSTEAD}"
            )
        size = publishers.size(wanted.num_bytes)
        print(f"Downloading {domain.title} {split}: {size} from {url}", flush=True)
        print(f"to {self._downloads}.", flush=True)
        for file in wanted.files:
            _fetch(url, file, self._downloads)


_INSTEAD = "Use --data=files with the publishers' files in --data_dir, or --data=builtin."


def _first(name):
    return publishers.URLS[name] + publishers.SPLITS[name]["train"].files[0].name


def _fetch(url, file, folder):
    """Downloads a file, with a bar, and compares its checksum."""
    import keras

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALLED)
    try:
        folder.mkdir(parents=True, exist_ok=True)  # else Keras takes another one
        keras.utils.get_file(
            file.name,
            url + file.name,
            file_hash=file.sha256,
            hash_algorithm="sha256",
            cache_dir=folder.parent,
            cache_subdir=folder.name,
        )
    except Exception as error:  # Keras raises that very type
        raise UserError(
            f"{url}{file.name} could not be downloaded to {folder}"
            f" ({type(error).__name__}: {error}). Try again. {_INSTEAD}"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def find(folder, domain):
    """Folder of the newest version of a domain that the library prepared, or None."""
    return find_named(folder, domain.name)


def find_named(folder, name):
    """The same by the domain's name. Looks at names only: asking the library takes seconds."""
    versions = {}
    for info in folder.glob(f"{publishers.TFDS_NAMES[name]}/*/dataset_info.json"):
        numbers = info.parent.name.split(".")
        if all(number.isdecimal() for number in numbers):  # not "incomplete.AB12_3.1.0"
            versions[tuple(map(int, numbers))] = info.parent
    return versions[max(versions)] if versions else None


def _read(folder, domain, split):
    """Reads a prepared split, without the network; see `files.read`.

    The library compared the checksums of what it downloaded, and its records have their own.
    So these are the published pixels if its download had the published size and no image lacks.

    Raises:
        UserError: If it is damaged. Names the folder and says what to do.
    """
    import tensorflow_datasets as tfds  # slow to import

    splits = publishers.SPLITS[domain.name]
    try:
        builder = tfds.builder_from_directory(folder)
        pixels, labels = _arrays(builder, split, tfds.as_numpy)
        downloaded = builder.info.download_size
    except Exception as error:  # of many types
        raise UserError(
            f"{folder}: split {split} cannot be read ({type(error).__name__}: {error})."
            " Delete the folder to have the publisher's files downloaded, or use --data=builtin."
        ) from error
    whole = downloaded == sum(part.num_bytes for part in splits.values())
    return pixels, labels, whole and len(pixels) == splits[split].images


def _arrays(builder, split, as_numpy):
    """Fills arrays, in the publisher's order where an `id` tells it.

    The library stores examples in the order of a hash. SVHN's ids end in the row of
    the publisher's file, and neighbours there are often cut from one photo.
    """
    count = builder.info.splits[split].num_examples
    images = np.empty((count, *builder.info.features["image"].shape), np.uint8)
    labels = np.full(count, 255, np.uint8)
    start = 0
    for batch in as_numpy(builder.as_dataset(split=split, shuffle_files=False).batch(1000)):
        rows = np.arange(start, start + len(batch["label"]))
        if "id" in batch:
            rows = np.array([int(name.rpartition(b"_")[2]) for name in batch["id"]])
        images[rows], labels[rows] = batch["image"], batch["label"]
        start += len(rows)
    if start != count or np.any(labels == 255):
        raise ValueError(f"found {start:,} examples, expected {count:,} different ones")
    return images, labels
