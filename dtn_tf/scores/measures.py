"""Numbers from what a net says of sets of images; NumPy alone."""

import numpy as np


def confusion_matrix(labels, read, num_classes):
    """Counts `(true class, read class)` pairs: int array `(num_classes, num_classes)`."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (labels, read), 1)
    return counts


def per_class(confusion):
    """Accuracy of every class: list of shares, None for a class without an image."""
    counts = confusion.sum(axis=1)
    return [float(confusion[k, k] / counts[k]) if counts[k] else None for k in range(len(counts))]


def halves(pictures):
    """Splits the pixels of a set at random, the same way each time: a pair of arrays."""
    order = np.random.default_rng(0).permutation(len(pictures.pixels))
    return [pictures.pixels[rows] for rows in np.array_split(order, 2)]


def compared(pixels, real):
    """How many images of each kind a distance compares: pictures, and both halves of a set.

    Distances have a bias, which is that of the smaller set: a floor of fewer or more images
    than its distance would be no floor.
    """
    return min(len(pixels), len(real) // 2)


def frechet_distance(a, b):
    """Distance between two sets of features, each seen as a Gaussian.

        |mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2))

    Covariances of as few images as there are features, or fewer, are singular: the distance
    then says how many images there were more than what they show. It is not given.

    Args:
        a: float array `(n, features)`.
        b: float array `(m, features)`.

    Returns:
        float, 0 for equal means and covariances; None where n or m is not above the number
        of features.

    Source: Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500, which
    takes the features of Inception.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    if min(len(a), len(b)) <= a.shape[1]:
        return None
    cov_a, cov_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    # C_a C_b is similar to a positive semi-definite matrix: real eigenvalues >= 0.
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real
    root_trace = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    between = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return float(between + np.trace(cov_a) + np.trace(cov_b) - 2.0 * root_trace)


def kid(a, b, num_subsets=100, subset_size=1000, seed=0):
    """Kernel Inception Distance of two sets of features: the unbiased squared MMD.

        k(x, y) = (x . y / d + 1)^3, d the number of features
        MMD^2 = mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{i, j} k(a_i, b_j)

    It is the mean over random subsets, each of as many rows of `a` as of `b`, drawn without
    replacement. Unbiased: its expectation is 0 for two sets of one kind, however few they are,
    so that it may come out below 0. The kernel is not blind to the scale of the features.

    Args:
        a: float array `(n, d)`, n of 2 or more.
        b: float array `(m, d)`, m of 2 or more.
        num_subsets: Subsets, 2 or more.
        subset_size: Rows of a subset; the smaller of n and m where that is less.
        seed: Of the choice of subsets.

    Returns:
        Two floats: the mean, and the standard deviation over subsets. The deviation is of
        subsets of one set of images: it does not say what other images would give.

    Raises:
        ValueError: If a set has fewer than two rows, or the numbers of features differ.

    Source: Binkowski et al., ICLR 2018, https://arxiv.org/abs/1801.01401, which takes the
    features of Inception.
    """
    if min(len(a), len(b)) < 2 or a.shape[1:] != b.shape[1:]:
        raise ValueError(f"kid got shapes {a.shape} and {b.shape}; it needs (2 or more, equal).")
    a, b = a.astype(np.float64), b.astype(np.float64)
    size = min(subset_size, len(a), len(b))
    draw = np.random.default_rng(seed)
    found = [
        _mmd(*(x[draw.choice(len(x), size, replace=False)] for x in (a, b)))
        for _ in range(num_subsets)
    ]
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _mmd(a, b):
    """The unbiased squared MMD of as many rows on both sides."""
    n = len(a)
    within = sum(k.sum() - np.trace(k) for k in (_kernel(a, a), _kernel(b, b)))
    return within / (n * (n - 1)) - 2.0 * _kernel(a, b).mean()


def _kernel(a, b):
    k = a @ b.T / a.shape[1] + 1.0
    return k * k * k  # `**` takes twenty times as long


def nearest(asked, known, block=1024):
    """Finds the nearest row by Euclidean distance, exactly.

    Args:
        asked: array `(n, ...)` of any dtype, uint8 pixels too; rows are read as vectors.
        known: array `(m, ...)`, rows of the same size; may be memory-mapped.
        block: Rows of each side at a time. What it takes beside the arrays: two blocks in
            float64 and their distances.

    Returns:
        int array `(n,)`, rows of `known`; of equally near ones the first.
    """
    found = np.empty(len(asked), np.int64)
    for begin, part in _blocks(asked, block):
        best, at = np.full(len(part), np.inf), np.zeros(len(part), np.int64)
        for start, other in _blocks(known, block):
            squared = _squared_distances(part, other)
            row = np.argmin(squared, axis=1)
            least = squared[np.arange(len(part)), row]
            at, best = np.where(least < best, start + row, at), np.minimum(least, best)
        found[begin : begin + len(part)] = at
    return found


def constancy(fx, fgx, block=1024):
    """How well f finds the original of a translation: is f(G(x)) nearest to f(x) of all?

    The rank of an image is 1 if f of no other source image is as near to f(G(x)), by
    Euclidean distance, as f(x) is; 2 if one is nearer. Equally near ones share their places,
    so that a constant f has what chance has.

    Args:
        fx: float array `(n, features)`, f of source images.
        fgx: float array `(n, features)`, f of their translations, in the same order.
        block: Rows at a time.

    Returns:
        Dict: "rank_1", share of images of rank 1 in [0, 1], and "median_rank"; "chance_rank_1"
        and "chance_median_rank", what a guess has: 1 / n and (n + 1) / 2; "n".

    Raises:
        ValueError: If the shapes differ.
    """
    if fx.shape != fgx.shape:
        raise ValueError(f"constancy got shapes {fx.shape} and {fgx.shape}; it needs equal ones.")
    n = len(fx)
    nearer, equal = np.zeros(n), np.zeros(n)
    for begin, part in _blocks(fgx, block):
        rows = slice(begin, begin + len(part))
        own = np.sum((part - fx[rows].astype(np.float64)) ** 2, axis=1, keepdims=True)
        for _, other in _blocks(fx, block):
            squared = _squared_distances(part, other)
            # Of large sums: what differs by their rounding is equal.
            rounding = 1e-12 * (np.sum(part**2, axis=1, keepdims=True) + np.sum(other**2, axis=1))
            nearer[rows] += np.sum(squared < own - rounding, axis=1)
            equal[rows] += np.sum(np.abs(squared - own) <= rounding, axis=1)  # itself, too
    return {
        "rank_1": float(np.mean((nearer == 0) / np.maximum(equal, 1.0))),
        "median_rank": float(np.median(nearer + (equal + 1.0) / 2.0)),
        "chance_rank_1": 1.0 / n,
        "chance_median_rank": (n + 1) / 2.0,
        "n": n,
    }


def ridge(x, y, weight=1e-3):
    """Ridge regression from vectors to vectors.

    Args:
        x: float array `(n, a)`. Each of its numbers is brought to mean 0 and variance 1 first.
        y: float array `(n, b)`.
        weight: Of the squared coefficients, times n.

    Returns:
        Function of float arrays `(m, a)`, which gives float64 arrays `(m, b)`.
    """
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    known = ((x - mean) / deviation).astype(np.float64)
    centre = y.mean(axis=0)
    square = known.T @ known + weight * len(known) * np.eye(known.shape[1])
    weights = np.linalg.solve(square, known.T @ (y - centre))
    return lambda new: ((new - mean) / deviation).astype(np.float64) @ weights + centre


def _blocks(rows, block):
    """Goes through an array: the number of the first row, and vectors in float64."""
    for start in range(0, len(rows), block):
        part = np.asarray(rows[start : start + block])
        yield start, part.reshape(len(part), -1).astype(np.float64)


def _squared_distances(a, b):
    """Squared Euclidean distances `(n, m)` of the rows of two float64 arrays."""
    squared = np.sum(a**2, axis=1, keepdims=True) + np.sum(b**2, axis=1) - 2.0 * a @ b.T
    return np.maximum(squared, 0.0)
