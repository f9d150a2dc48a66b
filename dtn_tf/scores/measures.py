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


def frechet_distance(a, b):
    """Distance between two sets of features, each seen as a Gaussian.

        |mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2))

    Args:
        a: float array `(n, features)`.
        b: float array `(m, features)`.

    Returns:
        float, 0 for equal means and covariances.

    Source: Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500, which
    takes the features of Inception; these are of the judge.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # C_a C_b is similar to a positive semi-definite matrix: real eigenvalues >= 0.
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real
    root_trace = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    between = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return float(between + np.trace(cov_a) + np.trace(cov_b) - 2.0 * root_trace)
