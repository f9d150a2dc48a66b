"""Classifiers of digits: how f and the judge are trained, and what they say."""

import hashlib
import pathlib

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import callbacks, images, loop, serving
from dtn_tf.data import augment, pipeline


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
    """Trains a classifier on labelled pictures; f and the judge alike.

    AdamW, its rate warmed up over a twentieth of the steps, then cosine decay to 0.

    Args:
        classifier: `Classifier`, not compiled.
        pictures: `Pictures` with labels.
        directory: Checkpoints and TensorBoard events go here.
        name: Shown in the progress line.
        num_steps: Batches.
        batch_size: Images per batch.
        learning_rate: At the end of the warm-up.
        weight_decay: Decoupled, times the learning rate per step; of all weights, the
            scales of batch norm too.
        seed: Of batches and distortions.
        distort: Arguments of `augment.augment`.
        log_every: Steps between progress lines.

    Returns:
        The classifier, trained.
    """
    warmup = max(num_steps // 20, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(num_steps - warmup, 1), warmup_target=learning_rate, warmup_steps=warmup
    )
    classifier.compile(
        keras.optimizers.AdamW(rate, weight_decay=weight_decay),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    classifier.optimizer.build(classifier.trainable_variables)

    def prepare(part, k):
        x, y = part
        salt = tf.stack([tf.constant(seed, tf.int64), k])
        return augment.augment(images.to_model(x), salt, **distort), y

    def batches(start, stop):
        parts = ((pictures.pixels, pictures.labels),)
        numbered = pipeline.batches(parts, batch_size, seed, start, stop)
        return numbered.map(prepare, num_parallel_calls=2).prefetch(4)

    directory = pathlib.Path(directory)
    with callbacks.writer(directory / "tb") as writer:
        progress = callbacks.Progress(
            name, log_every, batch_size, writer, shown=("loss", "accuracy")
        )
        loop.fit(classifier, batches, num_steps, directory / "checkpoints", [progress])
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
