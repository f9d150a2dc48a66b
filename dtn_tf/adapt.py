"""Adapts a trained f to the domain it never saw, from unlabelled images of it.

The paper's f never saw the target domain and reads 76 % of its digits; L_CONST and
L_TID then teach g some wrong classes. Here f goes on learning its labelled pictures
while unlabelled ones of the other domain pull its decisions apart (`Adaptation`). With
`--domain=svhn` the other domain is the target, with `--domain=mnist` the source; no label
of it has a part.
"""

import keras
import tensorflow as tf

from dtn_tf import adamw, images
from dtn_tf.data import augment

_SHOWN = ("L_CE", "L_IM", "L_FM", "confident")
_EPSILON = 1e-6  # under the logarithm of a share of a class that no image has


class Adaptation(keras.Model):
    """One loss for a classifier on two domains: L_CE + L_IM + L_FM.

        L_CE = cross-entropy of labelled source images, distorted
        L_IM = E H(p(x)) - H(E p(x)), x in t: each decision sure, all of them diverse
        L_FM = E [max p(x) >= confidence] CE(argmax p(x), p(distorted x)), x in t

    Args:
        classifier: `Classifier`, trained on the source domain.
        confidence: Probability from which a decision about a target image is
            taught to its distorted view.

    Source: L_IM is the information maximisation of Liang, Hu and Feng (SHOT), ICML
    2020, https://arxiv.org/abs/2002.08546; L_FM the consistency of Sohn et al.
    (FixMatch), NeurIPS 2020, https://arxiv.org/abs/2001.07685
    """

    def __init__(self, classifier, confidence=0.95, **kwargs):
        super().__init__(dtype=classifier.dtype_policy, **kwargs)
        self.classifier = classifier
        self.confidence = confidence
        self._means = {name: keras.metrics.Mean(name) for name in _SHOWN}
        self.built = True

    def train_step(self, batch):
        """One step on `((x_s, labels), (x_t, distorted x_t))`."""
        (x_s, labels), (weak, strong) = batch
        classifier = self.classifier
        with tf.GradientTape() as tape:
            # One batch: normalised together, the domains cannot be told by statistics,
            # and f has one set of moving averages that fits both.
            x = tf.concat([x_s, weak, strong], axis=0)
            hidden = classifier.encoder.hidden(classifier.encoder(x, training=True))
            of_s, of_weak, of_strong = tf.split(hidden, 3)
            logits_s = classifier.head(classifier.drop(of_s, training=True))
            logits_weak = classifier.head(of_weak)  # no dropout: the label to be taught
            logits_strong = classifier.head(classifier.drop(of_strong, training=True))
            l_ce = l_cross_entropy(labels, logits_s)
            l_im = l_information(logits_weak)
            l_fm, confident = l_consistency(logits_weak, logits_strong, self.confidence)
            scaled = self.optimizer.scale_loss(l_ce + l_im + l_fm)  # in the tape: float16
        variables = classifier.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        for mean, value in zip(self.metrics, (l_ce, l_im, l_fm, confident), strict=True):
            mean.update_state(value)
        return {m.name: m.result() for m in self.metrics}

    @property
    def metrics(self):
        """The running means of one log interval."""
        return list(self._means.values())


def l_cross_entropy(labels, logits):
    """Mean cross-entropy of int labels `(batch,)` and float32 logits `(batch, classes)`."""
    labels = tf.cast(labels, tf.int32)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def l_information(logits):
    """E H(p) - H(E p): 0 for unsure or one-sided decisions, -log(classes) at best.

    Args:
        logits: float32 tensor `(batch, classes)`.

    Returns:
        float32 scalar.
    """
    p = tf.nn.softmax(logits)
    entropy = -tf.reduce_mean(tf.reduce_sum(p * tf.nn.log_softmax(logits), axis=1))
    share = tf.reduce_mean(p, axis=0)
    return entropy + tf.reduce_sum(share * tf.math.log(share + _EPSILON))


def l_consistency(weak, strong, confidence):
    """Cross-entropy of the strong view under the weak view's decision, where it is sure.

    Args:
        weak: float32 logits `(batch, classes)` of the images; no gradient goes there.
        strong: float32 logits of their distorted views.
        confidence: Probability from which a decision counts, in [0, 1].

    Returns:
        Two float32 scalars: the loss, and the share of images that counted.
    """
    p = tf.nn.softmax(weak)
    counts = tf.cast(tf.reduce_max(p, axis=1) >= confidence, tf.float32)
    decided = tf.argmax(weak, axis=1)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(decided, strong)
    return tf.reduce_mean(tf.stop_gradient(counts) * each), tf.reduce_mean(counts)


def fit(
    classifier,
    labelled,
    unlabelled,
    directory,
    *,
    num_steps,
    batch_size,
    learning_rate,
    weight_decay,
    seed,
    distort,
    log_every,
):
    """Adapts a classifier in place, by `adamw.fit`.

    Args:
        classifier: `Classifier`, trained.
        labelled: `Pictures` that f was trained on.
        unlabelled: `Pictures` of the domain that f never saw, without labels.
        directory: Checkpoints and TensorBoard events go here.
        num_steps: Batches.
        batch_size: Images per batch, of each domain.
        learning_rate: See `adamw.fit`.
        weight_decay: See `adamw.fit`.
        seed: Of batches and distortions.
        distort: Arguments of `augment.augment`.
        log_every: Steps between progress lines.

    Returns:
        The classifier.
    """
    channels = classifier.encoder.image_channels

    def prepare(part_s, part_t, k):
        x_s, labels = part_s
        x_t = images.with_channels(images.to_model(part_t[0]), channels)
        x_s = images.with_channels(images.to_model(x_s), channels)
        # One draw of amounts for both: they are of different images.
        salt = tf.stack([tf.constant(seed, tf.int64), k])
        both = augment.augment(tf.concat([x_s, x_t], axis=0), salt, **distort)
        x_s, strong = tf.split(both, 2)
        return (x_s, labels), (x_t, strong)

    adamw.fit(
        Adaptation(classifier),
        ((labelled.pixels, labelled.labels), (unlabelled.pixels,)),
        prepare,
        directory,
        name="adapt f",
        shown=_SHOWN,
        views=3,
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        seed=seed,
        log_every=log_every,
    )
    return classifier
