"""Random views of an image: what may change without changing what f says of it."""

import tensorflow as tf

from dtn_tf import images as pixels
from dtn_tf.data import augment

CROP = 0.1  # the most that is cut off where an image has to stay what it is
_STRETCH = 0.15  # logarithm of the most that a crop's height and width differ from its side
_TINT = 0.2  # a channel's light is multiplied by up to this much more or less


def view(images, seed, crop=0.2, mirror=True, colour=0.5, grey=0.0, blur=0.5, noise=0.0):
    """Returns one random view of every image of a batch.

    Cropped and brought back to size, mirrored, blurred, recoloured, each by its own amounts.
    What a view changes f learns to leave out: a strong `colour` costs the colour of hair.

    Args:
        images: float32 tensor `(batch, height, width, 1 or 3)`, in [-1, 1].
        seed: int tensor of shape `(2,)`; equal seeds give equal views.
        crop: The most that is cut off a side, as a share, in [0, 1): 0.2 leaves 80 to 100 %,
            of which the height or the width loses up to 14 % more: the shape changes a little.
        mirror: Whether half of the views are mirrored. Digits and letters must not be.
        colour: Strength of changes of tint, saturation, contrast and brightness; 0 is none.
        grey: Probability that a view has no colour at all.
        blur: The most that a view is mixed with its blurred self, in [0, 1].
        noise: The largest deviation of Gaussian noise, see `augment.augment`.

    Returns:
        float32 tensor of the same shape, in [-1, 1].
    """
    u = tf.random.stateless_uniform((11, _count(images)), seed)
    if crop > 0.0 or mirror:
        images = _cropped(images, u[:5], crop, mirror)
    if blur > 0.0:
        images += _per_image(blur * u[5]) * (pixels.blurred(images) - images)
    if colour > 0.0 or grey > 0.0:
        images = _recoloured(images, u[6:], colour, grey)
    # Contrast, brightness and noise, by draws of their own, and the range.
    other = tf.random.experimental.stateless_fold_in(seed, 1)
    return augment.augment(images, other, geometry=0.0, colour=colour, noise=noise)


def around(x, turned, by=1):
    """Returns six views of x that are the same each time, of which f should say the same.

    x itself, x turned, and four moved, every second of them turned. Each way to move is taken
    once: both x and x turned of each, ten views, cost more and read hardly more right. There is
    no interpolation, so that phones can run it.

    Args:
        x: float tensor `(batch, height, width, channels)`.
        turned: Function of such a tensor: what else changes without changing what x shows.
        by: How far the four are moved, in pixels; the edge is mirrored.

    Returns:
        Six tensors like x, the first of them x.
    """
    height, width = x.shape[1:3]
    wide = tf.pad(x, ((0, 0), (by, by), (by, by), (0, 0)), "SYMMETRIC")
    corners = ((by, by), (by, by), (0, by), (2 * by, by), (by, 0), (by, 2 * by))
    cut = [wide[:, top : top + height, left : left + width] for top, left in corners]
    return [turned(view) if i % 2 else view for i, view in enumerate(cut)]


def mirrored(x):
    """Returns images with left and right exchanged: a tensor like x."""
    return tf.reverse(x, [2])


def _cropped(images, u, crop, mirror):
    """A random part of each image, as large as the image; its width reversed for a mirror."""
    side, stretch = 1.0 - crop * u[0], _STRETCH * (2.0 * u[1] - 1.0) * tf.sign(crop)
    height = tf.minimum(side * tf.exp(stretch), 1.0)
    width = tf.minimum(side * tf.exp(-stretch), 1.0)
    top, left = u[2] * (1.0 - height), u[3] * (1.0 - width)
    right = left + width
    turned = (u[4] < 0.5) & mirror
    first, last = tf.where(turned, right, left), tf.where(turned, left, right)
    boxes = tf.stack([top, first, top + height, last], axis=1)
    return tf.image.crop_and_resize(images, boxes, tf.range(_count(images)), images.shape[1:3])


def _recoloured(images, u, colour, grey):
    """Each channel's light by a factor, then the distance to grey by another; 0 is grey."""
    channels = images.shape[-1]
    gain = 1.0 + _TINT * colour * (2.0 * tf.transpose(u[:channels]) - 1.0)
    images = (images + 1.0) * gain[:, tf.newaxis, tf.newaxis, :] - 1.0
    saturation = 1.0 + 0.5 * colour * (2.0 * u[3] - 1.0)
    saturation = tf.where(u[4] < grey, 0.0, saturation)
    neutral = pixels.with_channels(images, 1)
    return neutral + _per_image(saturation) * (images - neutral)


def _count(images):
    """A number where it is known: TensorFlow warns of crops whose number it cannot tell."""
    return images.shape[0] or tf.shape(images)[0]


def _per_image(amounts):
    return tf.reshape(amounts, (-1, 1, 1, 1))
