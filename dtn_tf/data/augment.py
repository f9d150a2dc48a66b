"""What f sees of an image while it learns: moved, recoloured, inverted, covered, with noise.

The paper does not say how f was trained. f must know a digit in a street photo
and, never having seen one, a digit of the target domain; geometry and colour that
vary in training are what it can rely on less afterwards.
"""

import math

import tensorflow as tf


def augment(images, seed, geometry=1.0, colour=1.0, invert=0.0, cutout=0.0, noise=0.0):
    """Distorts every image of a batch by its own random amounts.

    Args:
        images: float32 tensor `(batch, height, width, channels)`, in [-1, 1].
        seed: int tensor of shape `(2,)`; equal seeds give equal distortions.
        geometry: Strength of the random affine map: at 1, up to 2 pixels of shift
            in 32, 10 % of scale, stretch and slant, 6 degrees of rotation. 0 is none.
        colour: Strength of contrast and brightness changes: at 1, contrast times
            0.6 to 1.4 about the image's mean, brightness plus or minus 0.3.
        invert: Probability that an image becomes its negative.
        cutout: Side of a gray square at a random place, a share of the image's; 0 is none
            (Cutout, DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552). Its centre
            may be at the edge.
        noise: Gaussian noise of every pixel; its deviation differs from image to image, from 0
            to this.

    Returns:
        float32 tensor of the same shape, in [-1, 1].
    """
    n = tf.shape(images)[0]
    u = tf.random.stateless_uniform((9, n), seed, -1.0, 1.0)
    if geometry > 0.0:
        images = _affine(images, geometry * u[:6])
    shape = (n, 1, 1, 1)
    if colour > 0.0:
        mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
        contrast = tf.reshape(1.0 + 0.4 * colour * u[6], shape)
        brightness = tf.reshape(0.3 * colour * u[7], shape)
        images = (images - mean) * contrast + mean + brightness
    if invert > 0.0:
        images *= tf.reshape(tf.where(u[8] < 2.0 * invert - 1.0, -1.0, 1.0), shape)
    images = tf.clip_by_value(images, -1.0, 1.0)
    if cutout > 0.0:  # of its own draw: without it, images are what they were
        images *= _kept(images, tf.random.stateless_uniform((2, n), _derived(seed, 1)), cutout)
    if noise > 0.0:  # the same
        images = tf.clip_by_value(images + _noise(tf.shape(images), seed, noise), -1.0, 1.0)
    return images


def _derived(seed, k):
    """A seed that depends on another, for draw `k`."""
    return tf.random.experimental.stateless_fold_in(seed, k)


def _noise(shape, seed, most):
    """Noise of a batch of images: float32 tensor of a shape."""
    deviation = tf.random.stateless_uniform((shape[0], 1, 1, 1), _derived(seed, 2), 0.0, most)
    return deviation * tf.random.stateless_normal(shape, _derived(seed, 3))


def _kept(images, centre, share):
    """1 where an image is kept, 0 in a square about `centre`, a share of height and width."""
    kept = []
    for axis, at in enumerate(tf.unstack(centre)):
        length = images.shape[1 + axis]
        places = (tf.range(length, dtype=tf.float32) + 0.5) / length
        kept.append(tf.abs(places[None] - at[:, None]) >= share / 2)
    rows, columns = kept
    outside = tf.logical_or(rows[:, :, None], columns[:, None, :])
    return tf.cast(outside[..., None], images.dtype)


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
