"""What D and L_CONST's f see while g and D learn, where that is not the image itself.

D, where there are few real images: each by its own random changes. Real and generated images are
changed alike, and g's gradient passes through. So D cannot learn the few real images by heart,
and g does not learn to paint the changes. f: G(x) blurred, and in random views.

Source of what D sees: Zhao et al., Differentiable Augmentation, NeurIPS 2020, https://arxiv.org/abs/2006.10738
"""

import tensorflow as tf

from dtn_tf import images as pixels
from dtn_tf.content import views

_BRIGHTNESS, _CONTRAST, _SATURATION = 0.3, 0.3, 0.5
_SHIFT = 0.125  # of a side
_OF_CONST = 11  # of the seeds of L_CONST's views


def by_f(gx, step, blur, view):
    """Returns G(x) as L_CONST's f reads it.

    Args:
        gx: float tensor `(batch, height, width, 1 or 3)`, in [-1, 1].
        step: int tensor, shape `()`: another step has other views.
        blur: Whether it is blurred, see `images.blurred`.
        view: Dict of `views.view`'s `crop` and `noise` of a random view, or None for none.

    Returns:
        float tensor of the same shape, in [-1, 1]; `gx` itself without blur and view.
    """
    gx = pixels.blurred(gx) if blur else gx
    if not view:
        return gx
    seed = tf.stack([tf.cast(step, tf.int32), _OF_CONST])
    # Not mirrored: a digit is another one then.
    return views.view(gx, seed, mirror=False, colour=0.0, blur=0.0, **view)


def augmented(images, seed):
    """Changes brightness, contrast and saturation of each image, and shifts it.

    Values may leave [-1, 1]: cut off, they would have no gradient. What a shift uncovers is the
    mirrored edge. There is no interpolation, which would hide fine texture from D. All of it
    can be differentiated twice, as R1 needs.

    Args:
        images: float tensor `(batch, height, width, 1 or 3)`, in [-1, 1].
        seed: int tensor of shape `(2,)`; equal seeds give equal changes.

    Returns:
        float tensor of the same shape and dtype.
    """
    n = tf.shape(images)[0]
    u = tf.cast(tf.random.stateless_uniform((3, n, 1, 1, 1), seed, -1.0, 1.0), images.dtype)
    if images.shape[-1] == 3:
        grey = pixels.with_channels(images, 1)
        images = grey + (1.0 + _SATURATION * u[0]) * (images - grey)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (1.0 + _CONTRAST * u[1]) * (images - mean) + _BRIGHTNESS * u[2]
    return _shifted(images, n, tf.random.experimental.stateless_fold_in(seed, 1))


def _shifted(images, n, seed):
    """Each image moved by whole pixels, up to `_SHIFT` of a side either way."""
    height, width = images.shape[1:3]
    most = [round(_SHIFT * side) for side in (height, width)]
    down, right = (
        tf.random.stateless_uniform((n,), (seed[0], seed[1] + axis), 0, 2 * m + 1, tf.int32)
        for axis, m in enumerate(most)
    )
    images = tf.pad(images, [[0, 0], [most[0]] * 2, [most[1]] * 2, [0, 0]], "SYMMETRIC")
    images = tf.gather(images, down[:, None] + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(images, right[:, None] + tf.range(width), axis=2, batch_dims=1)
