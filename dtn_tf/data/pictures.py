"""A set of pictures in memory: pixels, what they are, and labels where somebody gave them."""

import dataclasses
import functools
import hashlib

import numpy as np

from dtn_tf.errors import UserError

AT_MOST = 4  # times that an epoch shows one image, see `Pictures.balanced`
MINIMUM = 10  # images of a set, so that a tenth of it is one


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures in memory. Sets made of this one share its pixels where they can.

    Attributes:
        pixels: uint8 array `(n, height, width, 1 or 3)`, n > 0.
        title: What they are, for tables and figures.
        labels: uint8 array `(n,)`, places in `classes`; None for an unlabelled set.
        classes: Names of the classes; empty for an unlabelled set.
        published: Whether these are the publisher's bytes; None where there is no publisher.
        order: int array `(m,)`, the images that one epoch shows, some more than once;
            None shows each of them once.

    Raises:
        ValueError: If the arrays are anything else.
    """

    pixels: np.ndarray
    title: str
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    published: bool | None = None
    order: np.ndarray | None = None

    def __post_init__(self):
        """Checks what every later step relies on."""
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 4 or shape[3] not in (1, 3) or 0 in shape or dtype != np.uint8:
            raise ValueError(
                f"{self.title}: found pixels {dtype} {shape}, expected uint8"
                " (n, height, width, 1 or 3)."
            )
        if (self.labels is None) != (not self.classes):
            raise ValueError(f"{self.title}: labels and classes go together.")
        if self.labels is not None:
            self._check_labels()

    def _check_labels(self):
        if self.labels.shape != self.pixels.shape[:1] or self.labels.dtype != np.uint8:
            raise ValueError(
                f"{self.title}: found labels {self.labels.dtype} {self.labels.shape} for"
                f" {len(self):,} images, expected uint8 ({len(self)},)."
            )
        last = len(self.classes) - 1
        if self.labels.max() > last:
            raise ValueError(
                f"{self.title}: found label {self.labels.max()}, expected 0 to {last}."
            )

    def __len__(self):
        """Number of images."""
        return len(self.pixels)

    def unlabelled(self):
        """Returns the pictures alone: what DTN trains on."""
        return dataclasses.replace(self, labels=None, classes=())

    def without(self, classes):
        """Returns the pictures of all other classes; itself for an empty list.

        Args:
            classes: ints, labels.

        Raises:
            UserError: If nothing is left.
            ValueError: If the set has no labels.
        """
        if not classes:
            return self
        if self.labels is None:
            raise ValueError(f"{self.title} has no labels: no class can be left out.")
        kept = np.flatnonzero(~np.isin(self.labels, classes))
        said = ", ".join(str(c) for c in classes)
        if not len(kept):
            raise UserError(f"{self.title} without the classes {said} has no image left.")
        return self._part(kept, f"{self.title} without {said}")

    def head(self, n):
        """Returns the first `n` pictures.

        Raises:
            UserError: If there are fewer.
        """
        if not 0 < n <= len(self):
            raise UserError(
                f"{self.title} has {len(self):,} images: the first {n:,} cannot be taken."
                f" Ask for 1 to {len(self):,}."
            )
        return self._part(slice(n), f"{self.title}[:{n}]")

    def hold_out(self, at_most):
        """Cuts off the validation tail: `at_most` images, and a tenth of a small set at most.

        Args:
            at_most: Images wanted in the tail, 1 or more.

        Returns:
            `(head, tail)`, see `split_tail`.

        Raises:
            UserError: If there are fewer than ten pictures.
        """
        self.require_enough()
        return self.split_tail(min(at_most, len(self) // MINIMUM))

    def split_tail(self, num_tail):
        """Cuts off the last images, for validation.

        A contiguous tail, not a random choice: SVHN's digits are stored in the order of
        the photos they were cut from and the crops of one photo overlap, so that a random
        choice would hold pixels that training has seen.

        Args:
            num_tail: Number of images in the tail, less than there are.

        Returns:
            `(head, tail)`, which share memory with this set.

        Raises:
            ValueError: If one of them would have no image.
        """
        if not 0 < num_tail < len(self):
            raise ValueError(
                f"{self.title} has {len(self):,} images; cannot hold out the last"
                f" {num_tail:,}: expected 1 to {len(self) - 1:,}."
            )
        cut = len(self) - num_tail
        return (
            self._part(slice(cut), f"{self.title}[:{cut}]"),
            self._part(slice(cut, None), f"{self.title}[{cut}:]"),
        )

    def require_enough(self):
        """Returns the set.

        Raises:
            UserError: If it has fewer than ten images, too few to train and to check.
        """
        if len(self) < MINIMUM:
            raise UserError(
                f"{self.title} has {len(self)} images; at least {MINIMUM} are needed."
                " Add images, or take more of them."
            )
        return self

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
        """A short name for the content: every byte, the shape, the dtype, the labels.

        Title and order have no part in it.
        """
        return self._fingerprint

    def facts(self):
        """What a run and a result keep of the set: a JSON-able dict."""
        return {
            "title": self.title,
            "images": len(self),
            "fingerprint": self.fingerprint(),
            "published": self.published,
        }

    @functools.cached_property
    def _fingerprint(self):
        content = hashlib.blake2b(digest_size=8)
        content.update(f"{self.pixels.dtype} {self.pixels.shape}".encode())
        for start in range(0, len(self), 4096):  # a copy of a part, where it is not contiguous
            content.update(np.ascontiguousarray(self.pixels[start : start + 4096]))
        if self.labels is not None:
            content.update(f"{self.labels.dtype} {self.labels.shape}".encode())
            content.update(np.ascontiguousarray(self.labels))
        return content.hexdigest()

    def _part(self, rows, title):
        """Returns some of the pictures; an order is of the whole set, and left behind."""
        return dataclasses.replace(
            self,
            pixels=self.pixels[rows],
            title=title,
            labels=None if self.labels is None else self.labels[rows],
            order=None,
        )
