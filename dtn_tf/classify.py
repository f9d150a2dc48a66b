"""Classifiers of images: how f and the judge are trained, and what they say."""

import hashlib

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import adamw, images, serving
from dtn_tf.data import augment


def fit(
    classifier,
    pictures,
    directory,
    *,
    name,
    num_steps,
    batch_size,
    learning_rate,
    weight_decay,
    seed,
    distort,
    log_every,
):
    """Trains a classifier on labelled pictures, by `adamw.fit`; f and the judge alike.

    Args:
        classifier: `Classifier`, not compiled.
        pictures: `Pictures` with labels.
        directory: Checkpoints and TensorBoard events go here.
        name: Shown in the progress line.
        num_steps: Batches.
        batch_size: Images per batch.
        learning_rate: See `adamw.fit`.
        weight_decay: See `adamw.fit`.
        seed: Of batches and distortions.
        distort: Arguments of `augment.augment`.
        log_every: Steps between progress lines.

    Returns:
        The classifier, trained.
    """

    def prepare(part, k):
        x, y = part
        salt = tf.stack([tf.constant(seed, tf.int64), k])
        return augment.augment(images.to_model(x), salt, **distort), y

    adamw.fit(
        classifier,
        ((pictures.pixels, pictures.labels),),
        prepare,
        directory,
        name=name,
        shown=("loss", "accuracy"),
        views=1,
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        seed=seed,
        log_every=log_every,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return classifier


def accuracy(classifier, pictures):
    """Share of labelled `Pictures` whose label is the classifier's first choice."""
    return float(np.mean(predict(classifier, pictures.pixels) == pictures.labels))


def predict(classifier, pixels):
    """Classes of uint8 images `(n, height, width, channels)`: int array `(n,)`."""
    return np.argmax(serving.apply(classifier, pixels), axis=1)


def weights_hash(net):
    """A short name for what a net has learnt: 16 hexadecimal digits of its weights' bytes.

    Not of its file, which has the time of saving in it.
    """
    content = hashlib.blake2b(digest_size=8)
    for variable in net.weights:
        content.update(np.ascontiguousarray(variable.numpy()))
    return content.hexdigest()
