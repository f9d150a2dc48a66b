"""Batch normalisation with one set of moving statistics per domain."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("dtn_tf")
class DomainBatchNorm(keras.layers.Layer):
    """Batch normalisation whose moving statistics are kept per domain.

    Scale and offset are shared, mean and variance are not: g reads f(source) in
    one pass and f(target) in the other, features of different statistics. One
    moving average over both fits neither, and translation reads source alone
    (`benchmarks/README.md` has the measurement).

    Keras' own layer computes moments and scaling as separate operations, which on
    a CPU takes three to four times as long as TensorFlow's fused kernel.

    Where a batch is shared by several devices (`tf.distribute`), its statistics are those of
    all parts together, as if one device had it.

    Args:
        num_domains: Sets of moving statistics.
        momentum: Share of the old statistics that is kept at each update. 0.9,
            not Keras' 0.99: after a few hundred steps 0.99 still remembers the
            untrained net.
        epsilon: Added to the variance.

    Input shape: `(batch, height, width, channels)`, any float dtype.
    Output shape: the same, same dtype.
    """

    def __init__(self, num_domains=1, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.num_domains = num_domains
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        """Creates scale, offset and the statistics, all float32."""
        shape, per_domain = (input_shape[-1],), (self.num_domains, input_shape[-1])
        own = {"dtype": "float32", "autocast": False}
        self.gamma = self.add_weight(shape, "ones", name="gamma", **own)
        self.beta = self.add_weight(shape, "zeros", name="beta", **own)
        self.moving_mean = self.add_weight(
            per_domain, "zeros", trainable=False, name="moving_mean", **own
        )
        self.moving_variance = self.add_weight(
            per_domain, "ones", trainable=False, name="moving_variance", **own
        )
        self.built = True

    def call(self, x, domain=0, training=False):
        """Normalises by the batch when training, else by the domain's statistics.

        Args:
            x: The activations.
            domain: Python int, whose statistics to move or to use.
            training: Python bool. A frozen layer (`trainable = False`) uses its statistics
                and does not move them, whatever this says, as Keras' own layer.
        """
        training = training and self.trainable
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if not training:
            mean, variance = self.moving_mean[domain], self.moving_variance[domain]
            return self._normalize(x, gamma, beta, mean, variance)[0]
        if _num_replicas() > 1:
            y, mean, variance = self._normalize_together(x, gamma, beta)
        else:
            none = tf.constant([], tf.float32)
            y, mean, variance = self._normalize(x, gamma, beta, none, none, training=True)
        self._move(self.moving_mean, mean, domain)
        self._move(self.moving_variance, variance, domain)
        return y

    def _normalize(self, x, gamma, beta, mean, variance, training=False):
        return tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=gamma,
            offset=beta,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=training,
        )[:3]

    def _normalize_together(self, x, gamma, beta):
        """The same by the statistics of the parts on all devices; they agree on every one."""
        wide = tf.cast(x, tf.float32)
        mean = _mean_of_all(wide)
        variance = _mean_of_all(tf.square(wide - mean))
        y = tf.nn.batch_normalization(wide, mean, variance, beta, gamma, self.epsilon)
        count = tf.cast(_num_replicas() * tf.size(x[..., 0]), tf.float32)
        return tf.cast(y, x.dtype), mean, variance * count / (count - 1.0)  # as the kernel has it

    def _move(self, moving, batch_value, domain):
        """Updates one row, written as a whole: rows of the other domains keep."""
        row = np.eye(self.num_domains, dtype=np.float32)[domain][:, np.newaxis]
        old = tf.convert_to_tensor(moving)  # read once, and by no operation of Keras
        step = (1.0 - self.momentum) * (tf.stop_gradient(batch_value) - old)
        moving.assign(old + row * step)

    def get_config(self):
        """Returns the arguments that make this layer again."""
        return {
            **super().get_config(),
            "num_domains": self.num_domains,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }


def _num_replicas():
    """How many devices share the batch; 1 outside of a step that they take together."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _mean_of_all(x):
    """Mean over batch and pixels of the parts on all devices, which are of equal size."""
    mean = tf.reduce_mean(x, axis=(0, 1, 2))
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, mean)
