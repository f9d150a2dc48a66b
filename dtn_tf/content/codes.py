"""What codes f(x) are worth, and how those of two domains are brought together.

Everything here is NumPy on arrays `(images, features)`: no net, no pixels.
"""

import numpy as np

from dtn_tf.errors import UserError

_NEAR_CONSTANT = 1e-3  # of the typical deviation of a side


def rank_1(asked, known):
    """How often the nearest known code is the right one. Chance, and a constant f: 1 / n.

    Args:
        asked: float array `(n, features)`, codes of one view of each image.
        known: float array `(n, features)`, codes of another view, in the same order.

    Returns:
        Share of rows of `asked` whose nearest row of `known` has the same number, by
        Euclidean distance: the one that L_CONST squares.

    Raises:
        ValueError: If the two do not have the same shape.
    """
    asked, known = _wide(asked), _wide(known)
    if asked.shape != known.shape:
        raise ValueError(f"rank_1 got shapes {asked.shape} and {known.shape}; it needs equal ones.")
    # |a - k|^2 without |a|^2, which all rows of `known` have in common.
    distance = np.sum(known**2, axis=1) - 2.0 * asked @ known.T
    return float(np.mean(np.argmin(distance, axis=1) == np.arange(len(asked))))


def gap(fx_s, fx_t):
    """The gap between the domains: share of the codes' variance that lies between the two means.

        gap = |m_s - m_t|^2 / 4 / (|m_s - m_t|^2 / 4 + (V_s + V_t) / 2)

    Each domain counts the same, however many images it has. V is the variance summed over
    the features.

    Args:
        fx_s: float array `(n, features)`, codes of the source.
        fx_t: float array `(m, features)`, codes of the target.

    Returns:
        float in [0, 1]: 0 if the means are the same, 1 if each domain is one point.
    """
    fx_s, fx_t = _wide(fx_s), _wide(fx_t)
    between = np.sum((fx_s.mean(axis=0) - fx_t.mean(axis=0)) ** 2) / 4.0
    within = (np.sum(fx_s.var(axis=0)) + np.sum(fx_t.var(axis=0))) / 2.0
    total = between + within
    return float(between / total) if total > 0.0 else 0.0


def effective_dimension(fx):
    """In how many dimensions the codes vary: (sum of eigenvalues)^2 / sum of their squares.

    The eigenvalues are those of the covariance: k equal ones and else zeros give k. It is
    called the participation ratio.

    Args:
        fx: float array `(n, features)`.

    Returns:
        float in [1, features]; 0.0 if all codes are the same.
    """
    covariance = np.atleast_2d(np.cov(_wide(fx), rowvar=False))
    squares = np.sum(covariance**2)  # of a symmetric matrix: the sum of squared eigenvalues
    return float(np.trace(covariance) ** 2 / squares) if squares > 0.0 else 0.0


def variance(fx):
    """Returns the variance of codes `(n, features)`, a mean over features: float.

    Raises:
        UserError: If all codes are the same.
    """
    found = float(np.mean(np.var(_wide(fx), axis=0)))
    if not found > 0.0:
        raise UserError(
            "f says the same of every image of t: G can learn nothing from it. Train f longer"
            " (--pretrain_steps), or take another --content."
        )
    return found


def match_features(fx_s, fx_t, caricature=1.0):
    """Brings each feature of f(s) to the mean and the deviation that it has on t.

    `scale * f(x) + shift`, x in s, has them, `caricature` apart. A feature that hardly
    varies on one side (less than a thousandth of the root mean square deviation of that side)
    is left alone: its deviation is noise.

    Args:
        fx_s: float array `(n, features)`, codes of the source.
        fx_t: float array `(m, features)`, codes of the target.
        caricature: How many times as far from the mean of t f(x) then is: above 1 it tells more
            of what sets an image apart. A feature left alone is not exaggerated.

    Returns:
        Two float32 arrays `(features,)`: scale and shift; 1 and 0 for a feature left alone.
    """
    fx_s, fx_t = _wide(fx_s), _wide(fx_t)
    of_s, of_t = fx_s.std(axis=0), fx_t.std(axis=0)
    varies = _varies(of_s) & _varies(of_t)
    scale = np.where(varies, caricature * of_t / np.where(varies, of_s, 1.0), 1.0)
    shift = np.where(varies, fx_t.mean(axis=0) - scale * fx_s.mean(axis=0), 0.0)
    return scale.astype(np.float32), shift.astype(np.float32)


def _varies(deviation):
    """Which features vary: bool `(features,)`."""
    return deviation > _NEAR_CONSTANT * np.sqrt(np.mean(deviation**2))


def _wide(fx):
    """In float64: distances and variances are differences of large sums."""
    return np.asarray(fx, np.float64)
