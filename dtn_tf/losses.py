"""The terms of the paper's two losses, one function each.

    L_D = - sum_{x in s} log D1(G(x)) - sum_{x in t} log D2(G(x)) - sum_{x in t} log D3(x)
    L_G = L_GANG + alpha L_CONST + beta L_TID + gamma L_TV

The paper writes sums; here, as in every implementation, each is the mean over the
batch (and a squared distance the mean over features or pixels): weights of 15 only
make sense so, and the loss does not change with the batch size.

Source: Taigman, Polyak and Wolf, ICLR 2017, https://arxiv.org/abs/1611.02200
"""

import tensorflow as tf

D1, D2, D3 = 0, 1, 2  # columns of a ternary D's logits: G(source), G(target), real target


def l_d_source(logits):
    """What D pays on translations: -E log D1(G(x)), x in s.

    Args:
        logits: float tensor `(batch, 3)`, D's logits for G(source); or `(batch, 2)`,
            of a binary D that tells fake from real and not one fake from the other.

    Returns:
        float32 scalar.

    Raises:
        ValueError: If `logits` does not have two or three columns.
    """
    return _minus_log_p(logits, D1)


def l_d_target(logits_fake, logits_real):
    """What D pays on the target side: -E log D2(G(x)) - E log D3(x), x in t.

    Args:
        logits_fake: float tensor `(batch, 3 or 2)`, D's logits for G(target).
        logits_real: float tensor `(batch, 3 or 2)`, D's logits for real target images.

    Returns:
        float32 scalar.

    Raises:
        ValueError: If either does not have two or three columns.
    """
    return _minus_log_p(logits_fake, D2) + _minus_log_p(logits_real, D3)


def l_gang(logits):
    """What g pays for not being taken as real: -E log D3(G(x)). Used on s and on t.

    Args:
        logits: float tensor `(batch, 3 or 2)`, D's logits for generated images.

    Returns:
        float32 scalar.

    Raises:
        ValueError: If `logits` does not have two or three columns.
    """
    return _minus_log_p(logits, D3)


def l_const(fx, fgx, distance="mse", variance=1.0):
    """f-constancy: E d(f(x), f(G(x))), x in s.

    Args:
        fx: float tensor `(batch, features)`, f of the source images.
        fgx: float tensor of the same shape, f of their translations.
        distance: "mse", the mean squared difference (the paper); "nmse", the same over the
            variance of f; or "cosine", one minus the cosine of the angle.
        variance: What "nmse" divides by: 1 is then what the mean of f gets in place of f(x),
            whatever the scale of f.

    Returns:
        float32 scalar.

    Raises:
        ValueError: If the shapes or the name of the distance are wrong.
    """
    if distance == "nmse":
        return _distance(fx, fgx, "mse") / variance
    return _distance(fx, fgx, distance)


def l_class(decided, logits):
    """f-constancy of classes: E -log p(decided), p = softmax(logits). Not in the paper.

    Args:
        decided: int tensor `(batch,)`, the class that f's classifier sees in x.
        logits: float tensor `(batch, classes)`, what it makes of G(x).

    Returns:
        float32 scalar.
    """
    logits = tf.cast(logits, tf.float32)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(decided, logits)
    return tf.reduce_mean(each)


def l_tid(x, gx, distance="mse"):
    """G is the identity on the target domain: E d2(x, G(x)), x in t.

    Args:
        x: float tensor `(batch, height, width, channels)`, in [-1, 1].
        gx: float tensor of the same shape, G(x).
        distance: "mse" (the paper) or "cosine", see `l_const`.

    Returns:
        float32 scalar.

    Raises:
        ValueError: If the shapes or the name of the distance are wrong.
    """
    return _distance(x, gx, distance)


def l_tv(z, eps=1e-8):
    """Total variation of generated images: the paper's L_TV with B = 1.

        L_TV(z) = mean_ij sqrt((z[i, j+1] - z[i, j])^2 + (z[i+1, j] - z[i, j])^2)

    The paper writes a sum, as for all its terms. As a mean it does not grow with the size of
    the picture, and gamma weighs it against L_TID at 32 pixels as at 128.

    Args:
        z: float tensor `(batch, height, width, channels)`, in [-1, 1].
        eps: Added under the root, whose slope is infinite where neighbours are
            equal. Saturated backgrounds are: the gradient turns NaN without it.

    Returns:
        float32 scalar: the mean over batch, pixels and channels.

    Raises:
        ValueError: If `z` is not 4-D.
    """
    if len(z.shape) != 4:
        raise ValueError(f"l_tv got shape {z.shape}; it needs (batch, height, width, channels).")
    z = tf.cast(z, tf.float32)
    right = z[:, :-1, 1:] - z[:, :-1, :-1]
    down = z[:, 1:, :-1] - z[:, :-1, :-1]
    length = tf.sqrt(tf.square(right) + tf.square(down) + eps)
    return tf.reduce_mean(length)


def log_odds(logits):
    """log(D3(x) / (1 - D3(x))): how sure D is that an image is real, without bounds.

    Args:
        logits: float tensor `(batch, 3 or 2)`, D's logits.

    Returns:
        float32 tensor `(batch,)`.
    """
    logits = tf.cast(logits, tf.float32)
    return logits[:, -1] - tf.reduce_logsumexp(logits[:, :-1], axis=1)


def r1(slope):
    """R1, what D pays for a slope at real images: E |grad_x log_odds(D(x))|^2 / 2, x in t.

    Not in the paper. A D that is steep there tells real from fake by details, and has g paint
    them.

    Args:
        slope: float tensor `(batch, height, width, channels)`, the gradient at each image.

    Returns:
        float32 scalar. The square is summed over pixels and channels, as its authors do.

    Source: Mescheder, Geiger and Nowozin, ICML 2018, https://arxiv.org/abs/1801.04406
    """
    return tf.reduce_mean(tf.reduce_sum(tf.square(tf.cast(slope, tf.float32)), (1, 2, 3))) / 2.0


def d_column(d_class, num_classes):
    """The column of D's logits for D1, D2 or D3: a binary D has one for both fakes."""
    return d_class if num_classes == 3 else int(d_class == D3)


def _minus_log_p(logits, d_class):
    """Mean over the batch of -log softmax(logits)[column of the class], in float32."""
    if len(logits.shape) != 2 or logits.shape[-1] not in (2, 3):
        raise ValueError(
            f"D's logits have shape {logits.shape}; expected (batch, 3), one column"
            " each for G(source), G(target) and real target, or (batch, 2) for fake and real."
        )
    column = d_column(d_class, logits.shape[-1])
    return -tf.reduce_mean(tf.nn.log_softmax(tf.cast(logits, tf.float32))[:, column])


def _distance(a, b, name):
    if not a.shape.is_compatible_with(b.shape):
        raise ValueError(f"A distance needs equal shapes; got {a.shape} and {b.shape}.")
    a, b = tf.cast(a, tf.float32), tf.cast(b, tf.float32)
    if name == "mse":
        return tf.reduce_mean(tf.square(a - b))
    if name == "cosine":
        a, b = (tf.reshape(v, (tf.shape(v)[0], -1)) for v in (a, b))
        unit_a, unit_b = tf.math.l2_normalize(a, axis=1), tf.math.l2_normalize(b, axis=1)
        return tf.reduce_mean(1.0 - tf.reduce_sum(unit_a * unit_b, axis=1))
    raise ValueError(f"Unknown distance {name!r}; expected 'mse' or 'cosine'.")
