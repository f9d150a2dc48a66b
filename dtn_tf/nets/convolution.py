"""Convolutions that are computed otherwise, in bfloat16 on a CPU, where that is faster.

A step of DTN there spends a good part of its time in the weight gradients of the
convolutions in f, g and D, where oneDNN's kernel is far slower than forward, and in D's last
convolution, whose maps of 2x2 pixels are too small for it. The same sums as one matrix product
over all patches are up to four times as fast (`benchmarks/README.md`). In float32, and on a
GPU, they are left to the library.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

# With fewer channels an image is thin. Patches are copied pixel by pixel: of a thin image that
# is too few bytes at a time, and oneDNN's own weight gradient wins. Its transposed convolution
# to a thin image, though, is slow. Measured at 1 and 3 channels, and at 64 and more.
_MIN_CHANNELS = 16

# A result of so few pixels is a matrix product: oneDNN's convolution goes along its rows, and of
# 2 pixels a row it makes less than half of its speed, both ways. At 4x4 it is the faster one.
_MAX_PRODUCT_PIXELS = 4


class Conv2D(keras.layers.Conv2D):
    """Keras' layer; a plain one's weight gradient is a matrix product."""

    def call(self, inputs):
        """Returns the convolution."""
        if not (rewritten(self.compute_dtype) and _is_plain(self, inputs)):
            return super().call(inputs)
        how = (self.strides[0], self.padding.upper())
        y = _convolve(inputs, tf.convert_to_tensor(self.kernel), *how)
        return _add(y, tf.convert_to_tensor(self.bias))


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' layer; a plain one's weight gradient is a matrix product, and all of it on 1x1."""

    def call(self, inputs):
        """Returns the transposed convolution."""
        kernel = tf.convert_to_tensor(self.kernel)
        if not _is_plain(self, inputs):
            return super().call(inputs)
        pixel = inputs.shape[1:3] == (1, 1) and min(self.kernel_size) >= self.strides[0]
        if pixel and self.padding == "valid":
            # Each weight is used once per image: one matrix product both ways, in any format.
            flat = tf.reshape(kernel, (-1, kernel.shape[-1]))
            y = tf.matmul(tf.reshape(inputs, (-1, kernel.shape[-1])), flat, transpose_b=True)
            return _add(tf.reshape(y, (-1, *kernel.shape[:3])), tf.convert_to_tensor(self.bias))
        if self.padding == "same" and rewritten(self.compute_dtype):
            y = _convolve_transposed(inputs, kernel, self.strides[0])
            return _add(y, tf.convert_to_tensor(self.bias))
        return super().call(inputs)


def transposed(x, kernel, bias):
    """Transposed convolution of stride 2, "SAME", in our way where that is the faster one.

    Args:
        x: Images, `(batch, height, width, channels)`, of known height and width.
        kernel: `(kernel height, kernel width, filters, channels)`.
        bias: `(filters,)`.

    Returns:
        Tensor `(batch, 2 * height, 2 * width, filters)`, of the dtype of `x`.
    """
    if rewritten(x.dtype.name):
        return _add(_convolve_transposed(x, kernel, 2), bias)
    shape = (tf.shape(x)[0], *(2 * n for n in x.shape[1:3]), kernel.shape[2])
    return tf.nn.bias_add(tf.nn.conv2d_transpose(x, kernel, shape, 2, "SAME"), bias)


def rewritten(dtype):
    """Whether convolutions are computed in our way: in bfloat16 on a CPU."""
    return dtype == "bfloat16" and not _has_gpu()


@functools.cache
def _has_gpu():
    return bool(tf.config.list_physical_devices("GPU"))


def _is_plain(layer, x):
    """Whether a layer is a kernel and a bias and nothing else, on images of known size."""
    others = (layer.activation, layer.dilation_rate, getattr(layer, "groups", 1))
    plain = others == (keras.activations.linear, (1, 1), 1) and len(set(layer.strides)) == 1
    plain &= getattr(layer, "output_padding", None) is None
    known = None not in x.shape[1:]
    return plain and known and layer.use_bias and layer.data_format == "channels_last"


@tf.custom_gradient
def _add(y, bias):
    """Adds a bias whose gradient is a matrix product too.

    In bfloat16 TensorFlow's own sums in bfloat16: over some thousand pixels that is noise.
    """

    def gradient(dy):
        flat = tf.reshape(dy, (-1, dy.shape[-1]))
        return dy, tf.matmul(tf.ones_like(flat[:, :1]), flat, transpose_a=True)[0]

    return tf.nn.bias_add(y, bias), gradient


def _convolve(x, kernel, stride, padding):
    @tf.custom_gradient
    def convolve(x, kernel):
        y = convolved(x, kernel, stride, padding)

        def gradient(dy):
            dy = tf.ensure_shape(dy, y.shape)  # sizes, where a graph has lost them
            dx = enlarged(dy, kernel, x.shape[1:3], stride, padding)
            return dx, weight_gradient(x, dy, kernel.shape, stride, padding)

        return y, gradient

    return convolve(x, kernel)


def _convolve_transposed(x, kernel, stride):
    @tf.custom_gradient
    def convolve(x, kernel):
        size = [stride * n for n in x.shape[1:3]]
        y = enlarged(x, kernel, size, stride, "SAME")

        def gradient(dy):
            dy = tf.ensure_shape(dy, y.shape)
            dx = convolved(dy, kernel, stride, "SAME")
            return dx, weight_gradient(dy, x, kernel.shape, stride, "SAME")

        return y, gradient

    return convolve(x, kernel)


def convolved(x, kernel, stride, padding):
    """Convolution; one to very few pixels as a matrix product.

    The patches it needs are those of `weight_gradient`: a graph gathers them once for both.

    Args:
        x: Images, `(batch, height, width, channels)`.
        kernel: `(kernel height, kernel width, channels, filters)`.
        stride: Pixels from one patch to the next, both ways.
        padding: "SAME" or "VALID", as TensorFlow means them.

    Returns:
        Tensor `(batch, smaller height, smaller width, filters)`, of the dtype of `x`.
    """
    filters = kernel.shape[-1]
    size = [-(-n // stride) for n in x.shape[1:3]]
    if not _is_product(size, kernel.shape, stride, padding):
        return tf.nn.conv2d(x, kernel, stride, padding)
    product = tf.matmul(_patches(x, size, kernel.shape, stride), tf.reshape(kernel, (-1, filters)))
    return tf.reshape(product, (-1, *size, filters))


def enlarged(y, kernel, size, stride, padding):
    """Transposed convolution, computed in one of three ways.

    - From very few pixels: what every pixel of y gives to its patch is one matrix product,
      and pixels of the result are sums over the patches they lie in.
    - 4x4 of stride 2 to few channels: every 2x2 block of the result, moved by one pixel, is a
      sum over 2x2 pixels of y: a convolution to four times the channels, whose blocks are
      then laid out and cropped.
    - Else by TensorFlow's.

    Args:
        y: Images, `(batch, height, width, filters)`.
        kernel: `(kernel height, kernel width, channels, filters)`.
        size: Height and width of the result.
        stride: Pixels of the result from one pixel of y to the next, both ways.
        padding: "SAME" or "VALID", of the convolution that this transposes.

    Returns:
        Tensor `(batch, *size, channels)`, of the dtype of `y`.
    """
    channels, filters = kernel.shape[2:]
    if _is_product(y.shape[1:3], kernel.shape, stride, padding):
        flat = tf.reshape(kernel, (-1, filters))
        patches = tf.matmul(tf.reshape(y, (-1, filters)), flat, transpose_b=True)
        return _patches_summed(patches, y.shape[1:3], kernel.shape, stride, size)
    halves = (kernel.shape[:2], stride, padding) == ((4, 4), 2, "SAME")
    if not halves or channels >= _MIN_CHANNELS:
        shape = (tf.shape(y)[0], *size, channels)
        return tf.nn.conv2d_transpose(y, kernel, shape, stride, padding)
    taps = tf.reverse(tf.reshape(kernel, (2, 2, 2, 2, channels, filters)), (0, 2))
    taps = tf.transpose(taps, (0, 2, 5, 1, 3, 4))  # block above, left; filter; pixel in the block
    blocks = tf.nn.conv2d(
        y, tf.reshape(taps, (2, 2, filters, 4 * channels)), 1, ((0, 0), (1, 1), (1, 1), (0, 0))
    )
    return tf.nn.depth_to_space(blocks, 2)[:, 1 : 1 + size[0], 1 : 1 + size[1]]


def weight_gradient(x, dy, kernel_shape, stride, padding):
    """Gradient of a convolution with respect to its kernel.

    Every weight is the product of one channel of x, at one place of the patches, and one
    filter of dy, summed over all patches of all images: one matrix product. It needs the
    memory of all patches, for a 4x4 kernel of stride 2 four times that of x. Of thin images
    TensorFlow's own gradient is taken.

    Args:
        x: What was convolved, `(batch, height, width, channels)`.
        dy: Gradient of the result, `(batch, smaller height, smaller width, filters)`.
        kernel_shape: (height, width, channels, filters) of the kernel.
        stride: Pixels from one patch to the next, both ways.
        padding: "SAME" or "VALID", as TensorFlow means them.

    Returns:
        Tensor of `kernel_shape`, of the dtype of `x`.
    """
    rows, columns, channels, filters = kernel_shape
    if channels < _MIN_CHANNELS:
        return tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=kernel_shape,
            out_backprop=dy,
            strides=[1, stride, stride, 1],
            padding=padding,
        )
    patches = _patches(x, dy.shape[1:3], kernel_shape, stride)
    product = tf.matmul(patches, tf.reshape(dy, (-1, filters)), transpose_a=True)
    return tf.reshape(product, kernel_shape)


def _is_product(size, kernel_shape, stride, padding):
    small = size[0] * size[1] <= _MAX_PRODUCT_PIXELS and kernel_shape[2] >= _MIN_CHANNELS
    return small and padding == "SAME" and stride <= min(kernel_shape[:2])  # no pixel unread


def _patches(x, size, kernel_shape, stride):
    """What each place of the kernel reads, as a matrix: patches by weights of a filter."""
    rows, columns, channels, _ = kernel_shape
    if (rows, columns, stride) == (1, 1, 1):
        return tf.reshape(x, (-1, channels))
    top, height = _padding_and_size(x.shape[1], size[0], rows, stride)
    left, width = _padding_and_size(x.shape[2], size[1], columns, stride)
    more = ((0, 0), (top, height - top - x.shape[1]), (left, width - left - x.shape[2]), (0, 0))
    pixels = tf.reshape(tf.pad(x, more), (-1, height * width, channels))
    i, j, a, b = np.ogrid[: size[0], : size[1], :rows, :columns]
    places = (stride * i + a) * width + stride * j + b  # of pixel (a, b) of patch (i, j)
    patches = tf.gather(pixels, places.astype(np.int32).ravel(), axis=1)
    return tf.reshape(patches, (-1, rows * columns * channels))


def _patches_summed(patches, size, kernel_shape, stride, image_size):
    """The transpose of `_patches`: each pixel is the sum over the patches that read it."""
    rows, columns, channels, _ = kernel_shape
    top, _ = _padding_and_size(image_size[0], size[0], rows, stride)
    left, _ = _padding_and_size(image_size[1], size[1], columns, stride)
    patches = tf.reshape(patches, (-1, *size, rows, columns, channels))
    pixels = []
    for y in range(top, top + image_size[0]):
        line = tf.add_n([patches[:, i, :, a] for i, a in _readers(y, size[0], rows, stride)])
        for x in range(left, left + image_size[1]):
            pixels.append(
                tf.add_n([line[:, j, b] for j, b in _readers(x, size[1], columns, stride)])
            )
    return tf.reshape(tf.stack(pixels, axis=1), (-1, *image_size, channels))


def _readers(place, num_patches, kernel_size, stride):
    """Patches along an axis that read a place, and where in the patch it is."""
    pairs = ((i, place - stride * i) for i in range(num_patches))
    return [(i, a) for i, a in pairs if 0 <= a < kernel_size]


def _padding_and_size(size, patches, kernel_size, stride):
    """TensorFlow's padding before an axis (none if VALID), and the size when padded."""
    padding = max((patches - 1) * stride + kernel_size - size, 0)
    return padding // 2, size + padding
