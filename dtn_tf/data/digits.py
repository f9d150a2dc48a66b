"""Labelled images in memory, and how some are held out."""

import dataclasses
import hashlib

import numpy as np

SIZE = 32  # pixels, of every picture of the project
AT_MOST = 4  # times that an epoch shows one image, see `Unlabelled.balanced`


@dataclasses.dataclass(frozen=True, eq=False)
class Unlabelled:
    """Images in memory, their labels left behind: what DTN trains on.

    Attributes:
        images: uint8 array `(n, 32, 32, 1 or 3)`.
        title: What they are, for tables and figures.
        order: int array `(m,)`, the images that one epoch shows, some more than once;
            None shows each of them once.
        features: f(x) of every image, float32 array `(n, features)`; None if not known.
    """

    images: np.ndarray
    title: str
    order: np.ndarray | None = None
    features: np.ndarray | None = None

    def balanced(self, classes, seed, at_most=AT_MOST):
        """Returns the set with an epoch that shows all classes equally often.

        Args:
            classes: int array `(n,)`, what something decided that each image shows.
            seed: Of the choice which images of a rare class come once more.
            at_most: How often one image may come: what few images show is mostly a
                mistake, and stays rare.
        """
        draw = np.random.default_rng(seed)
        rows = [draw.permutation(np.flatnonzero(classes == c)) for c in np.unique(classes)]
        most = max(map(len, rows))
        shown = [np.resize(part, min(most, at_most * len(part))) for part in rows]
        return dataclasses.replace(self, order=np.concatenate(shown))

    def fingerprint(self):
        """A short name for the content, told from some hundred images."""
        return _content(self.images).hexdigest()[:12]


@dataclasses.dataclass(frozen=True, eq=False)
class Digits:
    """Labelled images in memory.

    Attributes:
        images: uint8 array `(n, 32, 32, 1 or 3)`.
        labels: uint8 array `(n,)`, in 0..9.
        title: What they are, for tables and figures.

    Raises:
        ValueError: If the arrays are anything else.
    """

    images: np.ndarray
    labels: np.ndarray
    title: str

    def __post_init__(self):
        """Checks what every later step relies on."""
        shape, dtypes = self.images.shape, {self.images.dtype, self.labels.dtype}
        right = len(shape) == 4 and shape[1:3] == (SIZE, SIZE) and shape[3] in (1, 3)
        if not right or self.labels.shape != shape[:1] or dtypes != {np.dtype(np.uint8)}:
            raise ValueError(
                f"{self.title}: found images {self.images.dtype} {shape} and labels"
                f" {self.labels.dtype} {self.labels.shape}, expected uint8"
                f" (n, {SIZE}, {SIZE}, 1 or 3) and uint8 (n,)."
            )
        if np.any(self.labels > 9):
            raise ValueError(f"{self.title}: found label {self.labels.max()}, expected 0 to 9.")

    def fingerprint(self):
        """A short name for the content, told from every label and some hundred images."""
        content = _content(self.images)
        content.update(np.ascontiguousarray(self.labels))
        return content.hexdigest()[:12]

    def without(self, classes):
        """Returns the digits of all other classes; itself for an empty list."""
        if not classes:
            return self
        kept = ~np.isin(self.labels, classes)
        title = f"{self.title} without {', '.join(map(str, classes))}"
        return Digits(self.images[kept], self.labels[kept], title)

    def without_labels(self):
        """Returns the images alone."""
        return Unlabelled(self.images, self.title)


def _content(images):
    some = images[:: max(len(images) // 500, 1)]
    return hashlib.sha256(np.ascontiguousarray(some))


def hold_out(digits, at_most):
    """Cuts off the validation tail: `at_most` images, and a tenth of a small set at most.

    Args:
        digits: `Digits`.
        at_most: Images wanted in the tail.

    Returns:
        `(head, tail)`, see `split_tail`.
    """
    return split_tail(digits, min(at_most, len(digits.labels) // 10))


def split_tail(digits, num_tail):
    """Cuts off the last images, for validation.

    A contiguous tail, not a random choice: SVHN's digits are stored in the order of
    the photos they were cut from and the crops of one photo overlap, so that a random
    choice would hold pixels that training has seen.

    Args:
        digits: `Digits`.
        num_tail: Number of images in the tail, less than there are.

    Returns:
        `(head, tail)`, `Digits` that share memory with `digits`.

    Raises:
        ValueError: If `num_tail` is negative or leaves no image in the head.
    """
    count = len(digits.labels)
    if not 0 <= num_tail < count:
        raise ValueError(
            f"{digits.title} has {count:,} images; cannot hold out the last"
            f" {num_tail:,}: expected 0 to {count - 1:,}."
        )
    cut = count - num_tail
    head = digits.images[:cut], digits.labels[:cut], f"{digits.title}[:{cut}]"
    tail = digits.images[cut:], digits.labels[cut:], f"{digits.title}[{cut}:]"
    return Digits(*head), Digits(*tail)
