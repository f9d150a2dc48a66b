"""The publishers' own files: SVHN's .mat and MNIST's idx, every byte accounted for."""

import gzip
import pathlib
import struct
import zlib

import numpy as np
import scipy.io

from dtn_tf import images as images_lib

# What the publishers call the files of a split.
FILES = {
    "svhn": {split: (f"{split}_32x32.mat",) for split in ("train", "test", "extra")},
    "mnist": {
        "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
    },
}
_LISTED = 8  # names shown of a folder that lacks a file


def find(folder, domain, split):
    """Finds the files of a split, whichever way their names are spelled.

    Args:
        folder: `pathlib.Path` of the files.
        domain: `Domain`.
        split: One split of the domain.

    Returns:
        List of paths, in the order of `FILES`.

    Raises:
        FileNotFoundError: If one is missing; says what the folder holds.
    """
    return [_find(folder, name, domain) for name in FILES[domain.name][split]]


def _find(folder, name, domain):
    names = _spellings(name)
    for path in (folder / spelling for spelling in names):
        if path.is_file():
            return path
    held = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(held[:_LISTED]) + (", ..." if len(held) > _LISTED else "")
    raise FileNotFoundError(
        f"{folder / name} is missing; the folder holds {shown or 'nothing'}."
        f" Expected {' or '.join(names)}. Download it from {domain.url}"
        " into the folder, or use --data=builtin, which needs no files."
    )


def _spellings(name):
    """`a-idx3-ubyte.gz` is also found unpacked, and as `a.idx3-ubyte`."""
    names = [name, name.removesuffix(".gz")]
    names += [spelling.replace("-idx", ".idx") for spelling in names]
    return list(dict.fromkeys(names))


def read(domain, paths):
    """Reads the files of one split.

    Args:
        domain: `Domain`.
        paths: As `find` returned them.

    Returns:
        `(images, labels)`: uint8 `(n, 32, 32, channels)` and uint8 `(n,)` in 0..9.

    Raises:
        ValueError: If a file is not what the publisher serves. Names the file, what
            was found, what was expected and what to do.
    """
    return _READERS[domain.name](*map(pathlib.Path, paths), domain.url)


def _read_svhn(path, url):
    """X is (32, 32, 3, n) in Fortran order: in memory, n images of (3, width, height)."""
    try:
        found = scipy.io.loadmat(str(path), appendmat=False, variable_names=("X", "y"))
    except MemoryError:
        raise
    except Exception as error:  # scipy raises about any type on a damaged file
        what = f"content that cannot be read ({type(error).__name__}: {error})"
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
    return _channels_last(x), (y[:, 0] % 10).astype(np.uint8)  # 10 stands for 0


def _channels_last(x):
    """(32, 32, 3, n) -> (n, 32, 32, 3) in the memory of x: extra has 1.6 GB."""
    stored = np.require(x.T, requirements=("C", "W"))  # (n, 3, width, height)
    for start in range(0, len(stored), 4096):
        part = stored[start : start + 4096]
        part[:] = part.transpose(0, 3, 2, 1).copy().reshape(part.shape)
    return stored.reshape(-1, 32, 32, 3)


def _read_mnist(images_path, labels_path, url):
    images = _read_idx(images_path, (28, 28), url)
    labels = _read_idx(labels_path, (), url)
    _check_counts(images_path, len(images), labels_path, len(labels), url)
    _check_labels(labels_path, labels, 0, 9, url)
    return images_lib.resize(images[..., np.newaxis], 32), labels


def _read_idx(path, shape, url):
    """An idx file of bytes: 0, 0, 8, number of dimensions, each as uint32, values."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":  # by content: browsers unpack and keep the name
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise _wrong(path, f"damaged gzip data ({error})", "a whole file", url) from error
    magic = bytes((0, 0, 8, 1 + len(shape)))
    if content[:4] != magic:
        found = f"the first bytes {content[:4].hex(' ') or '(none)'}"
        raise _wrong(path, found, f"{magic.hex(' ')} of an idx file", url)
    start = 4 + 4 * (1 + len(shape))
    if len(content) < start:
        raise _wrong(path, f"{len(content)} bytes", f"a header of {start} bytes", url)
    dims = struct.unpack(f">{1 + len(shape)}I", content[4:start])
    if dims[1:] != shape:
        raise _wrong(path, f"dimensions {dims}", f"{('n', *shape)}", url)
    expected = start + dims[0] * int(np.prod(shape, dtype=int))
    if len(content) != expected:
        found = f"{len(content):,} bytes unpacked"
        raise _wrong(path, found, f"{expected:,} for {dims[0]:,} items", url)
    return np.frombuffer(content, np.uint8, offset=start).reshape(dims).copy()


_READERS = {"svhn": _read_svhn, "mnist": _read_mnist}


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
    return ValueError(
        f"{path}: found {found}, expected {expected}."
        f" Download it again from {url}, or use --data=builtin."
    )
