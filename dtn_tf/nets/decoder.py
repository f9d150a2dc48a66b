"""g, which paints an image of the target domain from f's features."""

import keras
import tensorflow as tf

from dtn_tf.nets import convolution, normalization


@keras.saving.register_keras_serializable("dtn_tf")
class Decoder(keras.Model):
    """g: four transposed convolutions, batch norm and ReLU between them, tanh last.

    Args:
        channels: Filters of the first three blocks, at 4x4, 8x8 and 16x16 pixels.
            The paper says DCGAN-inspired and no more; kernels are 4x4 as there.
        image_channels: 1 (gray digits, as in the paper) or 3.
        features: Size of f(x).
        kernel_size: Of all transposed convolutions but the first.
        dtype: Keras dtype policy. The tanh is float32 under every policy.

    Input shape: `(batch, features)`, float32.
    Output shape: `(batch, 32, 32, image_channels)`, float32, in [-1, 1].

    Source: Taigman, Polyak and Wolf, ICLR 2017, https://arxiv.org/abs/1611.02200
    """

    def __init__(
        self,
        channels=(256, 128, 64),
        image_channels=1,
        features=128,
        kernel_size=4,
        dtype=None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        if len(channels) != 3:
            raise ValueError(f"Decoder got channels={channels}; it needs 3 numbers.")
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.features = features
        self.kernel_size = kernel_size
        self.deconvs = [_deconv(channels[0], 4, strides=1, padding="valid", dtype=dtype)]
        self.deconvs += [
            _deconv(c, kernel_size, dtype=dtype) for c in (*channels[1:], image_channels)
        ]
        self.norms = [normalization.DomainBatchNorm(num_domains=2, dtype=dtype) for _ in channels]
        self.build()

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        size, depth = 1, self.features
        for deconv in self.deconvs:
            deconv.build((None, size, size, depth))
            size, depth = (4 if size == 1 else 2 * size), deconv.filters
        for norm, depth in zip(self.norms, self.channels, strict=True):
            norm.build((None, None, None, depth))
        self.built = True

    def call(self, fx, domain=0, training=False):
        """Returns g(fx).

        Args:
            fx: What f made of a batch of images of one domain.
            domain: 0 for source, 1 for target: whose features these are, and so whose
                batch-norm statistics apply.
            training: Whether batch norm uses (and moves) the batch's statistics.
        """
        z = tf.reshape(fx, (-1, 1, 1, self.features))
        for deconv, norm in zip(self.deconvs[:-1], self.norms, strict=True):
            z = tf.nn.relu(norm(deconv(z), domain=domain, training=training))
        return tf.tanh(tf.cast(self.deconvs[-1](z), tf.float32))

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "features": self.features,
            "kernel_size": self.kernel_size,
        }


def _deconv(filters, kernel_size, strides=2, padding="same", dtype=None):
    """A transposed convolution with DCGAN's initial weights."""
    return convolution.Conv2DTranspose(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
        dtype=dtype,
    )
