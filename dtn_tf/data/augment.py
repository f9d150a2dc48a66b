"""What f sees of an image while it learns: shifted, stretched, recoloured, inverted.

The paper does not say how f was trained. f must know a digit in a street photo
and, never having seen one, a digit of the target domain; geometry, colour and strokes
that vary in training are what it can rely on less afterwards.
"""

import math

import tensorflow as tf

_KNOTS = 4  # a side, of the grid that elastic shifts are drawn on


def augment(images, seed, geometry=1.0, colour=1.0, invert=0.0, elastic=0.0, stroke=0.0):
    """Distorts every image of a batch by its own random amounts.

    Args:
        images: float32 tensor `(batch, height, width, channels)`, in [-1, 1].
        seed: int tensor of shape `(2,)`; equal seeds give equal distortions.
        geometry: Strength of the random affine map: at 1, up to 2 pixels of shift
            in 32, 10 % of scale, stretch and slant, 6 degrees of rotation. 0 is none.
        colour: Strength of contrast and brightness changes: at 1, contrast times
            0.6 to 1.4 about the image's mean, brightness plus or minus 0.3.
        invert: Probability that an image becomes its negative.
        elastic: Strength of smooth random shifts of its parts: at 1, up to 3 pixels in
            32, drawn on a grid of 4x4 points. A 9 written by hand is no printed 9 turned.
        stroke: Strength of thicker and thinner strokes: at 1, up to the largest or the
            smallest of 3x3 pixels. Which of the two is thicker depends on the picture.

    Returns:
        float32 tensor of the same shape, in [-1, 1].
    """
    n = tf.shape(images)[0]
    u = tf.random.stateless_uniform((9, n), seed, -1.0, 1.0)
    if geometry > 0.0:
        images = _affine(images, geometry * u[:6])
    if elastic > 0.0:
        knots = (n, _KNOTS, _KNOTS, 2)
        drawn = tf.random.stateless_uniform(knots, _folded(seed, 1), -1.0, 1.0)
        images = _bent(images, elastic * drawn)
    if stroke > 0.0:
        drawn = tf.random.stateless_uniform((n, 1, 1, 1), _folded(seed, 2), -1.0, 1.0)
        images = _rewritten(images, stroke * drawn)
    shape = (n, 1, 1, 1)
    if colour > 0.0:
        mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
        contrast = tf.reshape(1.0 + 0.4 * colour * u[6], shape)
        brightness = tf.reshape(0.3 * colour * u[7], shape)
        images = (images - mean) * contrast + mean + brightness
    if invert > 0.0:
        images *= tf.reshape(tf.where(u[8] < 2.0 * invert - 1.0, -1.0, 1.0), shape)
    return tf.clip_by_value(images, -1.0, 1.0)


def _affine(images, u):
    """Samples each image at a rotated, scaled and shifted grid about its centre."""
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    cy, cx = (size[0] - 1.0) / 2.0, (size[1] - 1.0) / 2.0
    angle = u[0] * math.radians(6.0)
    scale_x = 1.0 + 0.1 * u[1] + 0.05 * u[2]
    scale_y = 1.0 + 0.1 * u[1] - 0.05 * u[2]
    shear = 0.1 * u[3]
    a, b = scale_x * tf.cos(angle), -scale_y * tf.sin(angle) + shear
    c, d = scale_x * tf.sin(angle), scale_y * tf.cos(angle)
    shift_x = cx - a * cx - b * cy + u[4] * size[1] / 16.0
    shift_y = cy - c * cx - d * cy + u[5] * size[0] / 16.0
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _folded(seed, data):
    return tf.random.experimental.stateless_fold_in(tf.cast(seed, tf.int64), data)


def _bent(images, u):
    """Samples each pixel where a smooth field of shifts points; bilinear, edges continued.

    `u` is `(batch, _KNOTS, _KNOTS, 2)`: shifts down and to the right, 1 is 3 pixels in 32.
    """
    n, height, width, channels = tf.unstack(tf.shape(images))
    size = tf.cast(tf.stack([height, width]), tf.float32)
    field = tf.image.resize(u, (height, width), "bicubic") * size * (3.0 / 32.0)
    rows, columns = tf.meshgrid(tf.range(height), tf.range(width), indexing="ij")
    at = tf.cast(tf.stack([rows, columns], axis=-1), tf.float32) + field
    at = tf.clip_by_value(at, 0.0, size - 1.0)
    corner = tf.minimum(tf.floor(at), size - 2.0)
    share = at - corner
    top, left = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    flat = tf.reshape(images, (n, height * width, channels))
    place = tf.reshape(top * width + left, (n, -1))
    y, x = (tf.reshape(part, (n, -1, 1)) for part in tf.unstack(share, axis=-1))

    def pixels(down, right):
        return tf.gather(flat, place + down * width + right, batch_dims=1)

    upper = pixels(0, 0) * (1.0 - x) + pixels(0, 1) * x
    lower = pixels(1, 0) * (1.0 - x) + pixels(1, 1) * x
    return tf.reshape(upper * (1.0 - y) + lower * y, tf.shape(images))


def _rewritten(images, u):
    """Moves each pixel to the largest (u > 0) or smallest (u < 0) of its neighbourhood."""
    largest = tf.nn.max_pool2d(images, 3, 1, "SAME")
    smallest = -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    return images + tf.nn.relu(u) * (largest - images) + tf.nn.relu(-u) * (smallest - images)
