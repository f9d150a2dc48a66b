"""f learnt from two folders without a label: two views of an image have one code.

VICReg on both domains at once. Its variance and covariance terms, which keep f from saying
the same of everything, are taken of each domain apart: of both together, f could meet them
with a point for each domain. In short trainings on faces and emoji it made no difference.
"""

import keras
import tensorflow as tf

from dtn_tf import adamw, images
from dtn_tf.content import views as random_views

_SHOWN = ("L_INV", "L_VAR", "L_COV", "gap")
# The authors' are (25, 25, 2), for 8192 dimensions and long trainings. In a few hundred steps
# and 256 dimensions the codes then varied in two or three only (`benchmarks/unlabelled.py`).
WEIGHTS = (5.0, 25.0, 8.0)


@keras.saving.register_keras_serializable("dtn_tf")
class Expander(keras.layers.Layer):
    """The head that VICReg's terms read; thrown away afterwards.

    Codes themselves may then keep what two views do not share, and be correlated.

    Args:
        width: Of its hidden layer and of what comes out.
        seed: Of its weights.

    Input shape: `(batch, features)`, float32.
    Output shape: `(batch, width)`, float32.
    """

    def __init__(self, width=256, seed=0, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.width, self.seed = width, seed
        draw = [keras.initializers.HeNormal(seed + k) for k in range(2)]
        self.hidden = keras.layers.Dense(width, use_bias=False, kernel_initializer=draw[0])
        self.norm = keras.layers.BatchNormalization()
        self.out = keras.layers.Dense(width, kernel_initializer=draw[1])

    def build(self, input_shape):
        """Creates the weights."""
        self.hidden.build(input_shape)
        self.norm.build((None, self.width))
        self.out.build((None, self.width))
        self.built = True

    def call(self, fx, training=False):
        """Returns z."""
        return self.out(tf.nn.relu(self.norm(self.hidden(fx), training=training)))

    def get_config(self):
        """Returns the arguments that make this layer again."""
        base = {k: v for k, v in super().get_config().items() if k != "dtype"}
        return {**base, "width": self.width, "seed": self.seed}


class VICReg(keras.Model):
    """One loss for f on two domains: 5 L_INV + 25 L_VAR + 8 L_COV + gap_weight L_GAP.

    z is what the expander makes of f(x). L_INV is of both domains; L_VAR and L_COV are means
    over the domains and the two views; L_GAP is of codes, not of z. The authors' program
    adds the covariance terms of the two views: their weight of 1 is 2 here.

    Args:
        encoder: `ContentEncoder`, float images in [-1, 1] -> float32 `(batch, features)`.
        expander: `Expander`, built.
        is_apart: Whether L_VAR and L_COV are of each domain apart; else of both as one.
        gap_weight: Of L_GAP.
        weights: Of L_INV, L_VAR and L_COV.

    Source: Bardes, Ponce and LeCun, ICLR 2022, https://arxiv.org/abs/2105.04906. Domains
    apart, and L_GAP, are ours.
    """

    def __init__(self, encoder, expander, is_apart=True, gap_weight=0.0, weights=WEIGHTS, **kwargs):
        super().__init__(dtype=encoder.dtype_policy, **kwargs)
        self.encoder, self.expander = encoder, expander
        self.is_apart, self.weights_of_terms = is_apart, (*weights, gap_weight)
        self._means = {name: keras.metrics.Mean(name) for name in _SHOWN}
        self.built = True

    def train_step(self, x):
        """One step on float images: a view of s, a view of t, another of s, another of t."""
        with tf.GradientTape() as tape:
            fx = self.encoder(x, training=True)  # one batch: see `adapt.Adaptation`
            terms = self.terms(fx, self.expander(fx, training=True))
            loss = sum(w * term for w, term in zip(self.weights_of_terms, terms, strict=True))
            scaled = self.optimizer.scale_loss(loss)  # in the tape: float16
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        for mean, value in zip(self.metrics, terms, strict=True):
            mean.update_state(value)
        return {m.name: m.result() for m in self.metrics}

    def terms(self, fx, z):
        """Returns L_INV, L_VAR, L_COV, L_GAP of codes and what the expander makes of them."""
        groups = tf.split(z, 4 if self.is_apart else 2)
        l_var, l_cov = (
            tf.reduce_mean([term(group) for group in groups]) for term in (l_variance, l_covariance)
        )
        s, t, other_s, other_t = tf.split(fx, 4)
        domains = tf.concat([s, other_s], axis=0), tf.concat([t, other_t], axis=0)
        return l_invariance(*tf.split(z, 2)), l_var, l_cov, l_gap(*domains)

    @property
    def metrics(self):
        """The running means of one log interval."""
        return list(self._means.values())


def l_invariance(z, other):
    """Mean squared difference of two views of the same images; the authors' s(Z, Z') / d.

    Args:
        z: float32 tensor `(batch, width)`.
        other: float32 tensor `(batch, width)`, of the other views.

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.square(z - other))


def l_variance(z, eps=1e-4):
    """How far the deviation of each dimension is below 1: the authors' v(Z).

        v(Z) = mean_j max(0, 1 - sqrt(Var(z_j) + eps))

    Args:
        z: float32 tensor `(batch, width)`, batch of two or more.
        eps: Added under the root, whose slope is infinite where z is constant.

    Returns:
        float32 scalar in [0, 1].
    """
    count = tf.cast(tf.shape(z)[0], z.dtype)
    variance = tf.math.reduce_variance(z, axis=0) * count / (count - 1.0)
    return tf.reduce_mean(tf.nn.relu(1.0 - tf.sqrt(variance + eps)))


def l_covariance(z):
    """How much dimensions repeat each other: the authors' c(Z).

        c(Z) = sum_{i != j} C_ij^2 / d, C the covariance of z, d its width

    Args:
        z: float32 tensor `(batch, width)`, batch of two or more.

    Returns:
        float32 scalar.
    """
    count, width = (tf.cast(n, z.dtype) for n in tf.unstack(tf.shape(z)))
    centred = z - tf.reduce_mean(z, axis=0)
    covariance = tf.matmul(centred, centred, transpose_a=True) / (count - 1.0)
    apart = tf.linalg.set_diag(covariance, tf.zeros_like(covariance[0]))
    return tf.reduce_sum(tf.square(apart)) / width


def l_gap(fx_s, fx_t, eps=1e-6):
    """Share of the codes' variance that lies between the domains' means, see `codes.gap`.

    Args:
        fx_s: float32 tensor `(batch, features)`, codes of the source.
        fx_t: float32 tensor `(batch, features)`, codes of the target.
        eps: Added to the variance: codes that are all the same have no gap.

    Returns:
        float32 scalar in [0, 1].
    """
    (mean_s, variance_s), (mean_t, variance_t) = (tf.nn.moments(v, axes=0) for v in (fx_s, fx_t))
    between = tf.reduce_sum(tf.square(mean_s - mean_t)) / 4.0
    within = tf.reduce_sum(variance_s + variance_t) / 2.0
    return between / (between + within + eps)


def fit(
    encoder,
    s_pixels,
    t_pixels,
    directory,
    *,
    num_steps,
    batch_size,
    learning_rate,
    weight_decay,
    seed,
    views,
    log_every,
    is_apart=True,
    gap_weight=0.0,
    weights=WEIGHTS,
    width=256,
    name="learn f",
):
    """Trains f on two sets of images, in place, by `adamw.fit`.

    Args:
        encoder: `ContentEncoder`.
        s_pixels: uint8 array `(n, size, size, 1 or 3)`, of the size that f reads.
        t_pixels: The same of the target.
        directory: Checkpoints and TensorBoard events go here.
        num_steps: Batches.
        batch_size: Images per batch, of each domain: two or more, better 64.
        learning_rate: See `adamw.fit`.
        weight_decay: See `adamw.fit`.
        seed: Of batches, views and the expander.
        views: Arguments of `views.view`.
        log_every: Steps between progress lines.
        is_apart, gap_weight, weights: See `VICReg`.
        width: See `Expander`.
        name: Shown in the progress line.

    Returns:
        The encoder. The expander is thrown away.
    """
    expander = Expander(width, seed)
    expander.build((None, encoder.channels[-1]))
    model = VICReg(encoder, expander, is_apart, gap_weight, weights)

    def prepare(part_s, part_t, k):
        both = [
            images.with_channels(images.to_model(part[0]), encoder.image_channels)
            for part in (part_s, part_t)
        ]
        # One draw of amounts for all: no two views are alike.
        return random_views.view(tf.concat(both * 2, axis=0), tf.stack([seed, k]), **views)

    adamw.fit(
        model,
        ((s_pixels,), (t_pixels,)),
        prepare,
        directory,
        name=name,
        shown=_SHOWN,
        views=4,
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        seed=seed,
        log_every=log_every,
    )
    return encoder
