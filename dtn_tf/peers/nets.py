"""The generators' parts: convolutions, residual blocks and what enlarges, as both papers have them.

CycleGAN's generator is `Down`, then `Up`. UNIT has one of each per domain, and residual blocks
between them that the domains share.
"""

import keras
import tensorflow as tf

from dtn_tf import images
from dtn_tf.nets import convolution


def normalized(x, eps=1e-5):
    """Instance normalisation: mean 0 and variance 1 of each channel of each image.

    Without scale and offset: the convolution after it has both. There are no moving statistics:
    a generator computes the same in training as afterwards.

    Args:
        x: float tensor `(batch, height, width, channels)`.
        eps: Added to the variance.

    Returns:
        Tensor of the same shape and dtype; computed in float32.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, https://arxiv.org/abs/1607.08022
    """
    wide = tf.cast(x, tf.float32)
    mean, variance = tf.nn.moments(wide, axes=(1, 2), keepdims=True)
    return tf.cast((wide - mean) * tf.math.rsqrt(variance + eps), x.dtype)


@keras.saving.register_keras_serializable("dtn_tf")
class Residual(keras.layers.Layer):
    """x plus what two 3x3 convolutions make of it.

    Args:
        channels: Of the map that comes in, and of the one that goes out.
        dtype: Keras dtype policy.

    Input shape: `(batch, height, width, channels)`, float.
    Output shape: the same.
    """

    def __init__(self, channels, dtype=None, **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.channels = channels
        self.convs = [_conv(channels, 1, dtype) for _ in range(2)]
        for conv in self.convs:
            conv.build((None, None, None, channels))
        self.built = True

    def call(self, x):
        """Returns the map."""
        first, second = self.convs
        return x + normalized(second(tf.nn.relu(normalized(first(x)))))

    def get_config(self):
        """Returns the arguments that make this block again."""
        return {**super().get_config(), "channels": self.channels}


class _Part(keras.Model):
    """What `Down` and `Up` are made from.

    Args:
        channels: Filters at 4x4 pixels, at 8x8, 16x16 and on, as `nets.decoder.Decoder` has
            them: 3 numbers make nets for images of 32 pixels, 4 for 64, 5 for 128. At full size
            there are half as many as before it.
        image_channels: 1 or 3, of the image.
        num_blocks: Residual blocks at 4x4 pixels.
        dtype: Keras dtype policy.
    """

    def __init__(
        self, channels=(128, 128, 64), image_channels=3, num_blocks=2, dtype=None, **kwargs
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.num_blocks = num_blocks
        self.blocks = [Residual(channels[0], dtype) for _ in range(num_blocks)]

    @property
    def size(self):
        """Side of the images in pixels."""
        return 4 * 2 ** len(self.channels)

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "num_blocks": self.num_blocks,
        }


@keras.saving.register_keras_serializable("dtn_tf")
class Down(_Part):
    """An image -> a map of 4x4 places: a convolution, more of stride 2, residual blocks.

    Input shape: `(batch, size, size, 1 or 3)`, float, in [-1, 1]; gray and RGB are turned into
    each other as needed.
    Output shape: `(batch, 4, 4, channels[0])`, of the compute dtype.
    """

    def __init__(self, *args, dtype=None, **kwargs):
        super().__init__(*args, dtype=dtype, **kwargs)
        filters = (_at_full_size(self.channels), *self.channels[::-1])
        self.convs = [_conv(c, 2 if k else 1, dtype) for k, c in enumerate(filters)]
        for conv, depth in zip(self.convs, (self.image_channels, *filters), strict=False):
            conv.build((None, None, None, depth))
        self.built = True

    def call(self, x):
        """Returns the map."""
        x = images.with_channels(x, self.image_channels)
        for layer in self.convs:
            x = tf.nn.relu(normalized(layer(x)))
        for block in self.blocks:
            x = block(x)
        return x


@keras.saving.register_keras_serializable("dtn_tf")
class Up(_Part):
    """A map of 4x4 places -> an image: residual blocks, transposed convolutions, a tanh.

    Input shape: `(batch, 4, 4, channels[0])`, float.
    Output shape: `(batch, size, size, image_channels)`, float32, in [-1, 1].
    """

    def __init__(self, *args, dtype=None, **kwargs):
        super().__init__(*args, dtype=dtype, **kwargs)
        filters = (*self.channels[1:], _at_full_size(self.channels))  # from 8x8 pixels on
        self.deconvs = [_deconv(c, dtype) for c in filters]
        self.paint = _conv(self.image_channels, 1, dtype)
        layers = zip((*self.deconvs, self.paint), (self.channels[0], *filters), strict=True)
        for layer, depth in layers:
            layer.build((None, None, None, depth))
        self.built = True

    def call(self, z):
        """Returns the image."""
        for block in self.blocks:
            z = block(z)
        for layer in self.deconvs:
            z = tf.nn.relu(normalized(layer(z)))
        return tf.tanh(tf.cast(self.paint(z), tf.float32))


def _at_full_size(channels):
    return -(-channels[-1] // 2)


def _initializer():
    """Both papers' initial weights."""
    return keras.initializers.RandomNormal(stddev=0.02)


def _conv(filters, strides, dtype):
    kernel = {"padding": "same", "kernel_initializer": _initializer()}
    return convolution.Conv2D(filters, 3, strides=strides, **kernel, dtype=dtype)


def _deconv(filters, dtype):
    kernel = {"padding": "same", "kernel_initializer": _initializer()}
    return convolution.Conv2DTranspose(filters, 3, strides=2, **kernel, dtype=dtype)
