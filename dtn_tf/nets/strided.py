"""f and D of the best-known port: strides in place of pooling, 3x3 kernels.

Layers, widths and activations as in github.com/yunjey/domain-transfer-network. For its
row of the table only; the paper's nets are in `content` and `discriminator`.
"""

import keras
import tensorflow as tf

from dtn_tf import images
from dtn_tf.nets import convolution, normalization

_MOMENTUM = 0.95  # the port's, of all its batch norms


@keras.saving.register_keras_serializable("dtn_tf")
class StridedEncoder(keras.Model):
    """f: four convolutions of stride 2 with batch norm; f(x) is a tanh, and what is classified.

    Args:
        channels: Filters, at 16x16, 8x8, 4x4 and 1x1 pixels.
        image_channels: 1 or 3, as in `ContentEncoder`.
        dtype: Keras dtype policy.

    Input shape: `(batch, 32, 32, 1 or 3)`, float, in [-1, 1].
    Output shape: `(batch, channels[-1])`, float32, in [-1, 1].
    """

    def __init__(self, channels=(64, 128, 256, 128), image_channels=3, dtype=None, **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        if len(channels) != 4:
            raise ValueError(f"StridedEncoder got channels={channels}; it needs 4 numbers.")
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.convs, self.norms = _convolutions(channels, dtype)
        self.build()

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        _build(self.convs, self.norms, self.image_channels)
        self.built = True

    def call(self, x, domain=0, training=False):
        """Returns f(x); there is one set of statistics, whatever the domain."""
        x = images.with_channels(x, self.image_channels)
        for conv, norm in zip(self.convs[:-1], self.norms[:-1], strict=True):
            x = tf.nn.relu(norm(conv(x), training=training))
        x = self.norms[-1](self.convs[-1](x), training=training)
        return tf.tanh(tf.cast(tf.reshape(x, (-1, self.channels[-1])), tf.float32))

    def hidden(self, fx):
        """Returns what a classifier reads of f(x): f(x)."""
        return fx

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
        }


@keras.saving.register_keras_serializable("dtn_tf")
class StridedDiscriminator(keras.Model):
    """D: three convolutions of stride 2 with batch norm and ReLU, then a 4x4 one to the logits.

    Args:
        channels: Filters of the three, at 16x16, 8x8 and 4x4 pixels.
        image_channels: 1 or 3.
        num_classes: 2, fake and real. The port has one logit and a sigmoid, which is a
            softmax over two of which one is always 0.
        dtype: Keras dtype policy.

    Input shape: `(batch, 32, 32, image_channels)`, float, in [-1, 1].
    Output shape: `(batch, num_classes)`, float32 logits.
    """

    num_conditions = 0

    def __init__(
        self, channels=(128, 256, 512), image_channels=1, num_classes=2, dtype=None, **kwargs
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.num_classes = num_classes
        self.convs, self.norms = _convolutions((*channels, num_classes), dtype)
        del self.norms[-1]
        self.build()

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        _build(self.convs, self.norms, self.image_channels)
        self.built = True

    def call(self, x, training=False):
        """Returns logits."""
        for conv, norm in zip(self.convs[:-1], self.norms, strict=True):
            x = tf.nn.relu(norm(conv(x), training=training))
        return tf.cast(tf.reshape(self.convs[-1](x), (-1, self.num_classes)), tf.float32)

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "num_classes": self.num_classes,
        }


def _convolutions(channels, dtype):
    """Three 3x3 convolutions of stride 2 and a 4x4 one over all that is left, and norms."""
    convs = [
        convolution.Conv2D(c, 3, strides=2, padding="same", dtype=dtype) for c in channels[:-1]
    ]
    convs.append(convolution.Conv2D(channels[-1], 4, dtype=dtype))
    return convs, [normalization.DomainBatchNorm(momentum=_MOMENTUM, dtype=dtype) for _ in channels]


def _build(convs, norms, depth):
    size = 32
    for conv in convs:
        conv.build((None, size, size, depth))
        size, depth = size // 2, conv.filters
    for conv, norm in zip(convs[: len(norms)], norms, strict=True):  # D has none at its last
        norm.build((None, None, None, conv.filters))
