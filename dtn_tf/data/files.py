"""The publishers' own files: SVHN's .mat and MNIST's idx, every byte accounted for."""

import gzip
import hashlib
import os
import pathlib
import struct
import zlib

import numpy as np

from dtn_tf.data import mat, publishers
from dtn_tf.errors import UserError

_LISTED = 8  # names shown of a folder that lacks a file
_SLACK = 10  # a file may have a tenth more images than the published one


class Files:
    """The files in one folder; see `stores.Store` for what a reader has.

    Args:
        data_dir: The folder.

    Raises:
        UserError: If there is no such folder.
    """

    name = "files"

    def __init__(self, data_dir):
        if data_dir is None:
            raise UserError("--data=files needs --data_dir: the folder of the files.")
        self._folder = pathlib.Path(data_dir).expanduser()
        if not self._folder.is_dir():
            found = "is a file" if self._folder.exists() else "does not exist"
            raise UserError(
                f"--data_dir={data_dir} {found}; expected the folder of"
                " train_32x32.mat and train-images-idx3-ubyte.gz."
            )
        self.where = f"SVHN and MNIST from {self._folder}."

    def splits(self, domain):
        """What the publisher offers."""
        return tuple(publishers.SPLITS[domain.name])

    def title(self, domain):
        """As in tables."""
        return domain.title

    def read(self, domain, split, num):
        """Reads all of a split, for every byte is checked; see `read`."""
        return read(domain, split, find(self._folder, domain, split))

    def describe(self, domain, split):
        """Says which files hold a split."""
        paths = find(self._folder, domain, split)
        return " and ".join(f"{p} ({p.stat().st_size / 1e6:,.1f} MB)" for p in paths)


def holds_some(folder):
    """Whether a folder holds a file of any publisher."""
    folder = pathlib.Path(folder).expanduser()
    names = (
        spelling
        for splits in publishers.SPLITS.values()
        for split in splits.values()
        for file in split.files
        for spelling in _spellings(file.name)
    )
    return any((folder / name).is_file() for name in names)


def find(folder, domain, split):
    """Finds the files of a split, whichever way their names are spelled.

    Args:
        folder: `pathlib.Path` of the files.
        domain: `Domain`.
        split: One split of the domain.

    Returns:
        List of paths, images first.

    Raises:
        UserError: If one is missing; says what the folder holds.
    """
    files = publishers.SPLITS[domain.name][split].files
    return [_find(folder, file.name, publishers.URLS[domain.name]) for file in files]


def _find(folder, name, url):
    names = _spellings(name)
    for path in (folder / spelling for spelling in names):
        if path.is_file():
            return path
    held = sorted(os.listdir(folder)) if os.access(folder, os.R_OK) else []
    shown = ", ".join(held[:_LISTED]) + (", ..." if len(held) > _LISTED else "")
    raise UserError(
        f"{folder / name} is missing; the folder holds {shown or 'nothing'}."
        f" Expected {' or '.join(names)}. Download it from {url}"
        " into the folder, or use --data=builtin, which needs no files."
    )


def _spellings(name):
    """`a-idx3-ubyte.gz` is also found unpacked, and as `a.idx3-ubyte`."""
    names = [name, name.removesuffix(".gz")]
    names += [spelling.replace("-idx", ".idx") for spelling in names]
    return list(dict.fromkeys(names))


def read(domain, split, paths):
    """Reads the files of one split.

    Args:
        domain: `Domain`.
        split: Its split.
        paths: As `find` returned them.

    Returns:
        `(pixels, labels, published)`: uint8 `(n, height, width, channels)` as published, uint8
        `(n,)` in 0..9, and whether each byte is the publisher's.

    Raises:
        UserError: If a file is not what the publisher serves. Names the file, what
            was found, what was expected and what to do.
    """
    reader = {"svhn": _read_svhn, "mnist": _read_mnist}[domain.name]
    return reader(*paths, publishers.SPLITS[domain.name][split], publishers.URLS[domain.name])


def _read_svhn(path, split, url):
    """X is (32, 32, 3, n) in Fortran order: in memory, n images of (3, width, height)."""
    most = split.images + split.images // _SLACK
    try:
        found = mat.read(path, {"X": most * 32 * 32 * 3, "y": most * 8})
        published = _is_published(path, split.files[0])
    except (OSError, ValueError, struct.error, zlib.error) as error:
        what = f"content that cannot be read ({error})"
        raise _wrong(path, what, "a whole MATLAB 5 file", url) from error
    for name in ("X", "y"):
        if name not in found:
            raise _wrong(path, f"no variable {name}", "variables X and y", url)
    x, y = found.pop("X"), found.pop("y")
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[:3] != (32, 32, 3):
        raise _wrong(path, f"X {_kind(x)}", "X uint8 (32, 32, 3, n)", url)
    if y.dtype.kind not in "iu" or y.ndim != 2 or y.shape[1] != 1:
        raise _wrong(path, f"y {_kind(y)}", "y uint8 (n, 1)", url)
    _check_counts(path, x.shape[3], path, len(y), url)
    _check_labels(path, y, 1, 10, url)
    return _channels_last(x), (y[:, 0] % 10).astype(np.uint8), published  # 10 stands for 0


def _is_published(path, file):
    if path.stat().st_size != file.num_bytes:
        return False
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def _channels_last(x):
    """(32, 32, 3, n) -> (n, 32, 32, 3) in the memory of x: extra has 1.6 GB."""
    stored = np.require(x.T, requirements=("C", "W"))  # (n, 3, width, height)
    for start in range(0, len(stored), 4096):
        part = stored[start : start + 4096]
        part[:] = part.transpose(0, 3, 2, 1).copy().reshape(part.shape)
    return stored.reshape(-1, 32, 32, 3)


def _read_mnist(images_path, labels_path, split, url):
    most = split.images + split.images // _SLACK
    images, image_sum = _read_idx(images_path, (28, 28), most, url)
    labels, label_sum = _read_idx(labels_path, (), most, url)
    _check_counts(images_path, len(images), labels_path, len(labels), url)
    _check_labels(labels_path, labels, 0, 9, url)
    published = [image_sum, label_sum] == [file.unpacked for file in split.files]
    return images[..., np.newaxis], labels, published


def _read_idx(path, shape, most, url):
    """An idx file of bytes: 0, 0, 8, number of dimensions, each as uint32, values.

    Returns the array and the checksum of the whole, unpacked. Unpacks no more than the header
    announces, and a byte that must not be there.
    """
    try:
        with open(path, "rb") as file:
            # By content: browsers unpack and keep the name.
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if is_packed else file
            header = stream.read(4 + 4 * (1 + len(shape)))
            dims = _dimensions(path, header, shape, most, url)
            num_bytes = int(np.prod(dims, dtype=int))
            values = stream.read(num_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        what = f"damaged gzip data or no access ({error})"
        raise _wrong(path, what, "a whole file", url) from error
    if len(values) != num_bytes:
        found = f"{len(header) + len(values):,} bytes unpacked"
        more = " or more" if len(values) > num_bytes else ""
        expected = f"{len(header) + num_bytes:,} for {dims[0]:,} items"
        raise _wrong(path, found + more, expected, url)
    checksum = hashlib.sha256(header)
    checksum.update(values)
    return np.frombuffer(values, np.uint8).reshape(dims).copy(), checksum.hexdigest()


def _dimensions(path, header, shape, most, url):
    magic = bytes((0, 0, 8, 1 + len(shape)))
    if header[:4] != magic:
        found = f"the first bytes {header[:4].hex(' ') or '(none)'}"
        raise _wrong(path, found, f"{magic.hex(' ')} of an idx file", url)
    expected = 4 + 4 * (1 + len(shape))
    if len(header) < expected:
        raise _wrong(path, f"{len(header)} bytes", f"a header of {expected} bytes", url)
    dims = struct.unpack(f">{1 + len(shape)}I", header[4:])
    if dims[1:] != shape:
        raise _wrong(path, f"dimensions {dims}", f"{('n', *shape)}", url)
    if dims[0] > most:
        raise _wrong(path, f"{dims[0]:,} items", f"at most {most:,}", url)
    return dims


def _check_counts(images_path, num_images, labels_path, num_labels, url):
    if num_images == 0:
        raise _wrong(images_path, "0 images", "at least one", url)
    if num_images != num_labels:
        found = f"{num_labels:,} labels for the {num_images:,} images of {images_path}"
        raise _wrong(labels_path, found, "as many of both", url)


def _check_labels(path, labels, low, high, url):
    if labels.min() < low or labels.max() > high:
        found = f"labels from {labels.min()} to {labels.max()}"
        raise _wrong(path, found, f"{low} to {high}", url)


def _kind(array):
    return f"{array.dtype} {array.shape}"


def _wrong(path, found, expected, url):
    return UserError(
        f"{path}: found {found}, expected {expected}."
        f" Download it again from {url}, or use --data=builtin."
    )
