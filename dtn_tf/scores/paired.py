"""Is one row better than another? A paired bootstrap over the test images that both were read on.

    d_i = (share of a's seeds that were read right on image i) - (the same of b)

The difference is the mean of d. Images are drawn with replacement, as many as there are, and
the mean of their d is taken anew: its middle 95 % are the interval. Seeds are averaged before
images are drawn, so that the interval is of other test images, and not of other trainings: how
far these spread is the deviation over seeds that stands beside it.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
"""

import dataclasses

import numpy as np

from dtn_tf.scores import bits, results

RESAMPLES = 10_000
_SEED = 27


@dataclasses.dataclass(frozen=True)
class Difference:
    """How much more often one row is read right than another.

    Attributes:
        mean: Difference of accuracies, in shares.
        low, high: Its 95 % interval.
    """

    mean: float
    low: float
    high: float


def of(group, reference):
    """Compares two rows, each of one seed or more.

    Args:
        group: Result lines that may be averaged, see `results.groups`.
        reference: The same of the row that is compared with.

    Returns:
        `Difference`; None where a line does not say which images were read right, or where
        images or judge are not known to be the same.
    """
    if not _may_be_paired(group, reference):
        return None
    n = group[0]["images"]["images"]
    ours, theirs = (_times_right(part, n) for part in (group, reference))
    return interval(ours * len(reference) - theirs * len(group), len(group) * len(reference))


def interval(counts, scale):
    """Mean of a number per image, and its 95 % bootstrap interval.

    Of n images the differences have few values: how often each is drawn is multinomial, which
    is the same as drawing images one by one.

    Args:
        counts: int array `(n,)`, of each image; over `scale` it is d.
        scale: Positive int.

    Returns:
        `Difference`.
    """
    values, times = np.unique(counts, return_counts=True)
    n = len(counts)
    drawn = np.random.default_rng(_SEED).multinomial(n, times / n, RESAMPLES)
    low, high = np.percentile(drawn @ values / (n * scale), (2.5, 97.5))
    return Difference(float(np.mean(counts) / scale), float(low), float(high))


def references(lines, row):
    """Groups of a row as it stands, with no changed settings: one for each judge and f."""
    groups = results.groups(line for line in lines if line["row"] == row and not line["changes"])
    return sorted(groups, key=lambda group: max(line["scored"]["time"] or "" for line in group))


def said(group, groups):
    """The difference of a group to the newest one of some that it can be paired with, as a cell.

    Args:
        group: Result lines that may be averaged.
        groups: What `references` returned.

    Returns:
        "+4.5 (+3.9 to +5.1)", in points of a percent; "" where there is none, or the group is
        the reference.
    """
    if group in groups:
        return ""
    known = [found for other in groups if (found := of(group, other))]
    if not known:
        return ""
    points = [100.0 * v for v in dataclasses.astuple(known[-1])]
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*(round(v, 1) + 0.0 for v in points))  # no -0.0


def _times_right(group, n):
    """How many seeds were read right on each of n images."""
    return sum(bits.unpack(line["right"], n).astype(int) for line in group)


def _may_be_paired(group, reference):
    lines = [*group, *reference]
    first = lines[0]
    is_known = first["images"]["fingerprint"] and (first["judge"] or {}).get("hash")
    return bool(is_known) and all(
        line.get("right") and not results.comparable(first, line) for line in lines
    )
