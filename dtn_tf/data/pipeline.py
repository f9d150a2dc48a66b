"""Arrays in memory -> batches, as a function of the step alone.

Batch `k` depends on the seed and on `k`, on nothing that ran before. A run that
was killed starts its pipeline at the step of its checkpoint and sees exactly the
batches it would have seen; there is no shuffle buffer to fill, save or lose.
"""

import numpy as np
import tensorflow as tf


def batches(parts, batch_size, seed, start, stop, orders=None, copied=False):
    """Batches `start` to `stop` of an endless, per-epoch shuffled stream.

    Each element of `parts` is its own stream with its own epoch length, so that
    an unpaired source and target stay unpaired: their orders are independent.

    Args:
        parts: Tuple of parts. A part is a tuple of arrays of equal length, which
            are drawn together (images, or images and their labels). Arrays stay
            in memory in the dtype they have (uint8 images).
        batch_size: Samples per part and batch.
        seed: Non-negative int.
        start: First batch, 0 for a fresh run.
        stop: One past the last batch.
        orders: Tuple with an int array for each part, the rows that one of its epochs
            runs through, or None for every row once.
        copied: Whether TensorFlow gets a copy of the arrays and gathers from it: the same
            batches, without Python. Else NumPy reads them where they are.

    Returns:
        `tf.data.Dataset` of `stop - start` elements: a tuple with one entry per
        part, itself a tuple of tensors `(batch_size, ...)`, and at the end the
        int64 scalar number of the batch, the seed of whatever is random per batch.
    """
    parts = tuple(tuple(np.asarray(array) for array in part) for part in parts)
    orders = orders or (None,) * len(parts)
    gather = _gather_copied if copied else _gather
    with tf.device("CPU"):  # where batches are made
        parts = [[tf.constant(array) for array in part] for part in parts] if copied else parts

    @tf.autograph.experimental.do_not_convert  # no tensor decides what is done: a faster start
    def batch(k):
        drawn = []
        for salt, (part, order) in enumerate(zip(parts, orders, strict=True)):
            size = len(part[0] if order is None else order)
            rows = _rows(k, size, batch_size, seed, salt)
            rows = rows if order is None else tf.gather(tf.constant(order, tf.int64), rows)
            drawn.append(tuple(gather(array, rows) for array in part))
        return (*drawn, k)

    numbers = tf.data.Dataset.range(start, stop)
    return numbers.map(batch, num_parallel_calls=2, deterministic=True)


def _gather(array, rows):
    """Rows of an array, read by NumPy: a tensor would be a second copy of the whole set."""
    taken = tf.numpy_function(array.__getitem__, [rows], array.dtype, stateful=False)
    return tf.ensure_shape(taken, (rows.shape[0], *array.shape[1:]))


def _gather_copied(array, rows):
    return tf.gather(array, rows)


def _rows(k, size, batch_size, seed, salt):
    """Rows of batch `k`: a new pseudo-random permutation of the part every epoch."""
    place = k * batch_size + tf.range(batch_size, dtype=tf.int64)
    epoch, index = place // size, place % size
    seeds = tf.stack([tf.fill([batch_size], tf.constant(seed, tf.int64)), epoch], axis=1)
    seeds = tf.pad(seeds, [[0, 0], [0, 1]], constant_values=salt)
    # The raw op: the public index_shuffle pads a batch of seeds on the wrong axis.
    # Not its default of 4 rounds: that leaves orders with an even stride in them.
    return tf.raw_ops.RandomIndexShuffle(
        index=index, seed=seeds, max_index=tf.constant(size - 1, tf.int64), rounds=8
    )
