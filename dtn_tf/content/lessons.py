"""A teacher's codes of two domains -> what a student of fewer features is taught of them.

NumPy on arrays `(images, features)`, which may be memory-mapped: few are wide at a time.
"""

import dataclasses

import numpy as np

from dtn_tf.errors import UserError

_PART = 10_000  # codes that are wide at a time
_NEAR_CONSTANT = 1e-3  # of the typical deviation of a domain


@dataclasses.dataclass(frozen=True, eq=False)
class Lesson:
    """What a student is taught of its teacher's codes: (codes - mean) @ basis * scale.

    Mean and deviation of a feature in f(s) are those in f(t), so that nothing in a lesson tells
    the domains apart: else f(s) would lie off f(t), and g paint smears of s.

    What varies much in t counts much, for it is what a picture of t can say of somebody. With a
    deviation of 1 for every feature, most of a lesson would be what emoji do not show, and the
    nearest emoji of a photo has the colour of its hair by chance (`benchmarks/lessons.py`).

    Attributes:
        means: Two float64 arrays `(teacher's features,)`, of s and of t.
        basis: float64 array `(teacher's features, f's features)`: the principal components of
            t's codes.
        scales: Two float64 arrays `(f's features,)`, for s and for t. With them a feature of t
            has a variance of 1 on average, and each feature of s the deviation it has in t.
        share: Of the variance of t's codes, what the components hold.
    """

    means: tuple
    basis: np.ndarray
    scales: tuple
    share: float

    def of(self, domain, fx):
        """Returns the lesson of codes of a domain: float32 `(n, f's features)`.

        Args:
            domain: 0 for s, 1 for t.
            fx: float array `(n, teacher's features)`.
        """
        scaled = self.basis * self.scales[domain]
        parts = [
            (np.asarray(part, np.float64) - self.means[domain]) @ scaled for part in _parts(fx)
        ]
        return np.concatenate(parts).astype(np.float32)


def lesson(fx_s, fx_t, width):
    """Makes the `Lesson` of a teacher's codes of both domains.

    Args:
        fx_s: float array `(n, features)`, codes of s.
        fx_t: float array `(m, features)`, codes of t.
        width: Features of f.

    Raises:
        UserError: If the teacher has fewer features than f.
    """
    check_width(width, fx_s.shape[1])
    means, covariances = zip(*(_moments(fx) for fx in (fx_s, fx_t)), strict=True)
    values, vectors = np.linalg.eigh(covariances[1])
    basis = vectors[:, ::-1][:, :width]
    variances = [np.einsum("ij,ik,kj->j", basis, c, basis, optimize=True) for c in covariances]
    share = float(values[::-1][:width].sum() / max(values.sum(), 1e-30))
    of_s, of_t = map(_deviation, variances)
    unit = np.sqrt(np.mean(of_t**2))
    return Lesson(means, basis, (of_t / of_s / unit, np.ones(width) / unit), share)


def check_width(width, features):
    """Refuses an f of more features than its teacher has.

    Raises:
        UserError: Says both numbers and what to do.
    """
    if width > features:
        raise UserError(
            f"f has {width} features, and its teacher {features}: make the last number of"
            " f_channels as small, or take --nocontent_student."
        )


def _deviation(variance):
    """Roots of variances; where there is next to none, what is there is noise and stays small."""
    least = _NEAR_CONSTANT * np.sqrt(max(variance.mean(), 1e-30))
    return np.maximum(np.sqrt(np.maximum(variance, 0.0)), least)


def _moments(fx):
    """Mean and covariance of codes, of which few are wide at a time."""
    mean = sum(np.sum(part, axis=0, dtype=np.float64) for part in _parts(fx)) / len(fx)
    centred = (np.asarray(part, np.float64) - mean for part in _parts(fx))
    return mean, sum(part.T @ part for part in centred) / len(fx)


def _parts(fx):
    return (fx[start : start + _PART] for start in range(0, len(fx), _PART))
