"""Nearest-neighbour upsampling and a convolution, computed as one transposed convolution."""

import keras
import tensorflow as tf

from dtn_tf.nets import convolution


@keras.saving.register_keras_serializable("dtn_tf")
class UpsampledConv2D(keras.layers.Conv2D):
    """Enlarges by 2, each pixel repeated, then convolves 3x3: no checkerboard.

    A transposed convolution of stride 2 has other weights for even and odd pixels, and paints
    them unlike each other. Here all pixels are made by the same weights.

    A pixel of the result reads 9 pixels of the enlarged map, which are 4 of the map itself.
    The layer is therefore a transposed convolution whose 4x4 weights are sums of the 3x3 ones,
    see `summed`: no enlarged map is kept, and there is less than half as much to multiply.

    Args:
        filters: Channels of the result.
        **kwargs: For `keras.layers.Conv2D`, beside kernel size and padding.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, 2 * height, 2 * width, filters)`.

    Source: Odena, Dumoulin and Olah, Distill 2016, https://doi.org/10.23915/distill.00003
    """

    def __init__(self, filters, **kwargs):
        fixed = {"kernel_size": 3, "padding": "same"}
        super().__init__(filters, **{**kwargs, **fixed})

    def call(self, inputs):
        """Returns the enlarged and convolved map."""
        kernel = summed(tf.convert_to_tensor(self.kernel))
        return convolution.transposed(inputs, kernel, tf.convert_to_tensor(self.bias))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the result."""
        batch, height, width, _ = input_shape
        return (batch, 2 * height, 2 * width, self.filters)


def summed(kernel):
    """Weights of the transposed convolution of stride 2 that upsampling and `kernel` make.

    Repeating a pixel is a transposed convolution with 2x2 ones; the kernel, turned round for a
    transposed convolution, is convolved with them.

    Args:
        kernel: Tensor `(3, 3, channels, filters)`, of a convolution.

    Returns:
        Tensor `(4, 4, filters, channels)`, of the same dtype.
    """
    turned = tf.transpose(tf.reverse(kernel, (0, 1)), (0, 1, 3, 2))
    rows = _pairs_summed(turned)
    return tf.transpose(_pairs_summed(tf.transpose(rows, (1, 0, 2, 3))), (1, 0, 2, 3))


def _pairs_summed(x):
    """Sums of neighbours along the first axis, with zeros beyond the ends."""
    more = ((0, 1), (0, 0), (0, 0), (0, 0))
    return tf.pad(x, more) + tf.pad(x, (more[0][::-1], *more[1:]))
