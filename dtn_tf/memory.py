"""f(x) of images that come again: computed the first time, read from memory afterwards."""

import tensorflow as tf


class Memory:
    """Features of one set of images under a frozen f.

    Not part of the model: it is neither saved nor restored, and a run that goes on from
    a checkpoint fills it anew. 512 bytes per image for 128 features.

    Args:
        size: Images in the set.
        features: Numbers in f(x).
        known: f(x) of the whole set where it is known already, float32
            `(size, features)`; None where not.
    """

    def __init__(self, size, features, known=None):
        values = tf.zeros((size, features)) if known is None else known
        self._values = tf.Variable(values, trainable=False)
        self._known = tf.Variable(tf.fill((size,), known is not None), trainable=False)

    def __call__(self, f, x, rows):
        """Returns f(x): float32 `(batch, features)`.

        Args:
            f: `ContentEncoder`.
            x: Images, float `(batch, 32, 32, channels)`.
            rows: int `(batch,)`, the place of each in the set.
        """

        def read():
            return tf.gather(self._values, rows)

        def compute():
            fx = f(x, training=False)
            self._values.scatter_update(tf.IndexedSlices(fx, rows))
            self._known.scatter_update(tf.IndexedSlices(tf.ones_like(rows, tf.bool), rows))
            return fx

        return tf.cond(tf.reduce_all(tf.gather(self._known, rows)), read, compute)
