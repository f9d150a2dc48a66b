"""Convolutions whose weight gradient is a matrix product, where that is the faster way.

A step of DTN on a CPU spends a good part of its time in the weight gradients of the 4x4
convolutions of stride 2 in g and D, where oneDNN's kernel in bfloat16 is far slower than
forward. The same sums as four matrix products, together with Adam in one operation, made
the whole step 1.2 times as fast (`benchmarks/README.md`). In float32, and on a GPU, it
is left to the library.
"""

import functools

import keras
import tensorflow as tf


class Conv2D(keras.layers.Conv2D):
    """Keras' layer; 4x4 kernels of stride 2 on even sizes have the other gradient."""

    def call(self, inputs):
        """Returns the convolution."""
        if not (_is_4x4_stride_2(self, inputs) and by_products(self.compute_dtype)):
            return super().call(inputs)
        return _add(
            _convolve(inputs, tf.convert_to_tensor(self.kernel)), tf.convert_to_tensor(self.bias)
        )


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' layer; 4x4 kernels of stride 2 have the other gradient, and 1x1 images too."""

    def call(self, inputs):
        """Returns the transposed convolution."""
        kernel = tf.convert_to_tensor(self.kernel)
        if inputs.shape[1:3] == (1, 1) and self.padding == "valid" and _is_plain(self):
            # Each weight is used once per image: one matrix product both ways.
            flat = tf.reshape(kernel, (-1, kernel.shape[-1]))
            y = tf.matmul(tf.reshape(inputs, (-1, kernel.shape[-1])), flat, transpose_b=True)
            return _add(tf.reshape(y, (-1, *kernel.shape[:3])), tf.convert_to_tensor(self.bias))
        if _is_4x4_stride_2(self) and by_products(self.compute_dtype):
            return _add(_convolve_transposed(inputs, kernel), tf.convert_to_tensor(self.bias))
        return super().call(inputs)


def by_products(dtype):
    """Whether weight gradients are matrix products: in bfloat16 on a CPU."""
    return dtype == "bfloat16" and not _has_gpu()


@functools.cache
def _has_gpu():
    return bool(tf.config.list_physical_devices("GPU"))


def _is_4x4_stride_2(layer, x=None):
    even = x is None or all(size and size % 2 == 0 for size in x.shape[1:3])
    shape = (layer.kernel_size, layer.strides, layer.padding)
    return even and shape == ((4, 4), (2, 2), "same") and _is_plain(layer)


def _is_plain(layer):
    """Whether a layer is a kernel and a bias and nothing else."""
    others = (layer.activation, layer.dilation_rate, getattr(layer, "groups", 1))
    plain = others == (keras.activations.linear, (1, 1), 1)
    return plain and layer.use_bias and layer.data_format == "channels_last"


@tf.custom_gradient
def _add(y, bias):
    """Adds a bias whose gradient is a matrix product too.

    In bfloat16 TensorFlow's own sums in bfloat16: over some thousand pixels that is noise.
    """

    def gradient(dy):
        flat = tf.reshape(dy, (-1, dy.shape[-1]))
        return dy, tf.matmul(tf.ones_like(flat[:, :1]), flat, transpose_a=True)[0]

    return tf.nn.bias_add(y, bias), gradient


@tf.custom_gradient
def _convolve(x, kernel):
    def gradient(dy):
        dx = tf.nn.conv2d_transpose(dy, kernel, tf.shape(x), 2, "SAME")
        return dx, weight_gradient(x, dy)

    return tf.nn.conv2d(x, kernel, 2, "SAME"), gradient


@tf.custom_gradient
def _convolve_transposed(x, kernel):
    def gradient(dy):
        return tf.nn.conv2d(dy, kernel, 2, "SAME"), weight_gradient(dy, x)

    n, height, width, _ = tf.unstack(tf.shape(x))
    shape = (n, 2 * height, 2 * width, kernel.shape[2])
    return tf.nn.conv2d_transpose(x, kernel, shape, 2, "SAME"), gradient


def weight_gradient(x, dy):
    """Gradient of a 4x4 convolution of stride 2 with respect to its kernel.

    Every 2x2 block of x becomes one pixel of four times the channels. The convolution
    is then 2x2 of stride 1, and each of its four taps is a matrix product over all
    pixels of all images.

    Args:
        x: What was convolved, `(batch, 2 height, 2 width, channels)`.
        dy: Gradient of the result, `(batch, height, width, filters)`.

    Returns:
        Tensor `(4, 4, channels, filters)`, of the dtype of `x`.
    """
    height, width, filters = dy.shape[1:]
    channels = x.shape[-1]
    x = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = tf.nn.space_to_depth(x, 2)
    dy = tf.reshape(dy, (-1, filters))
    taps = [x[:, i : i + height, j : j + width] for i in (0, 1) for j in (0, 1)]
    products = [tf.matmul(tf.reshape(t, (-1, 4 * channels)), dy, transpose_a=True) for t in taps]
    blocks = [tf.reshape(product, (2, -1)) for product in products]  # a row of the kernel each
    halves = [tf.concat(blocks[k : k + 2], axis=1) for k in (0, 2)]
    return tf.reshape(tf.concat(halves, axis=0), (4, 4, channels, filters))
