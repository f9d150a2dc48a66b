"""Photographs painted walls: lens, few pixels, sharpening, noise and JPEG.

Most of SVHN's digits were a few pixels tall, and enlarged to 32: what they look
like is decided here more than by their shapes.
"""

import functools
import io

import numpy as np
from PIL import Image

from dtn_tf.data.builtin.street_writing import SIZE, f32

_SMALLEST = 9  # pixels on a side that a picture may have had
_SIGMAS = np.linspace(0.25, 2.5, 24)  # of the lens blur, in pixels
_SHARPEN = 6  # which of those blurs sharpening takes away
_QUALITIES = (40, 60, 75, 88)  # of JPEG; about half of the pictures are spared


def photograph(rng, rgb):
    """Takes the pictures: each axis of each has its own blur, as a moving car gives.

    Args:
        rng: numpy `Generator`.
        rgb: float32 `(n, 32, 32, 3)`, about 0 to 255.

    Returns:
        uint8 `(n, 32, 32, 3)`.
    """
    n = len(rgb)
    blurs, shrinks, grows = _optics()
    blur_y = rng.gamma(2.0, 2.6, n)
    blur_x = blur_y + rng.normal(0, 2.0, n)
    side = np.clip(rng.normal(22, 7, n), _SMALLEST, SIZE).astype(int) - _SMALLEST
    crisp = f32(np.clip(rng.normal(0.2, 0.4, (n, 1, 1)), 0, 1.5))
    sharpen = (1 + crisp) * np.eye(SIZE, dtype=np.float32) - crisp * blurs[_SHARPEN]
    rows, columns = (
        sharpen @ shrinks[side] @ blurs[np.clip(blur, 0, len(blurs) - 1).astype(int)]
        for blur in (blur_y, blur_x)
    )
    small = _expose(_through(rows, columns, _fringe(rng, rgb)))
    grain = f32(np.exp(rng.normal(0.6, 0.7, (n, 1, 1, 1))))
    small = _to_uint8(small + rng.standard_normal(small.shape, np.float32) * grain)
    for quality in _QUALITIES:
        chosen = rng.permutation(n)[: n // 6]
        small[chosen] = _jpeg(small[chosen], quality)
    return _to_uint8(_through(grows[side], grows[side], f32(small)))


def _fringe(rng, rgb):
    """Moves red and blue up to a pixel beside green: the coloured edges of cheap lenses."""
    planes = np.moveaxis(rgb, -1, 0)
    moved = [planes[0], planes[1], planes[2]]
    for channel in (0, 2):
        for axis in (1, 2):
            at = np.clip(np.arange(SIZE) + rng.choice([-1, 1]), 0, SIZE - 1)
            aside = np.take(moved[channel], at, axis)
            off = f32(np.minimum(np.abs(rng.normal(0, 0.35, (len(rgb), 1, 1))), 1))
            moved[channel] = moved[channel] + (aside - moved[channel]) * off
    return np.stack(moved, axis=-1)


def _expose(rgb):
    """Lifts the faintest pictures, as a camera does: labellers could read them all."""
    middle = rgb.mean(axis=(1, 2), keepdims=True)
    spread = rgb.std(axis=(1, 2, 3), keepdims=True)
    return middle + (rgb - middle) * np.maximum(1, 15 / np.maximum(spread, 3))


def _to_uint8(x):
    return np.clip(x + 0.5, 0, 255).astype(np.uint8)


def _through(rows, columns, rgb):
    """Applies one matrix to the rows of each picture and one to its columns."""
    planes = rgb.transpose(0, 3, 1, 2)
    return (rows[:, None] @ planes @ columns[:, None].transpose(0, 1, 3, 2)).transpose(0, 2, 3, 1)


def _jpeg(images, quality):
    """Saves and reads a stack as one tall picture; 32 is a multiple of JPEG's blocks."""
    file = io.BytesIO()
    Image.fromarray(images.reshape(-1, SIZE, 3)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(images.shape)


@functools.cache
def _optics():
    """Matrices that act on one axis of a picture: blurs, shrinks and enlargements."""
    at = np.arange(SIZE)
    blurs = np.exp(-0.5 * ((at[:, None] - at) / _SIGMAS[:, None, None]) ** 2)
    blurs /= blurs.sum(-1, keepdims=True)
    shrinks, grows = [], []
    for side in range(_SMALLEST, SIZE + 1):
        ratio = SIZE / side
        # Shrink: triangle of `ratio` pixels. Rows past `side` repeat the last one, so
        # that JPEG sees no edge there.
        centre = (np.minimum(at, side - 1) + 0.5) * ratio - 0.5
        tent = np.maximum(1 - np.abs(at - centre[:, None]) / ratio, 0)
        shrinks.append(tent / tent.sum(1, keepdims=True))
        # Enlarge: Catmull-Rom, as image programs do.
        t = np.abs((at[:, None] + 0.5) / ratio - 0.5 - np.arange(-2, side + 2))
        near = 1.5 * t**3 - 2.5 * t**2 + 1
        far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        cubic = np.where(t < 1, near, np.where(t < 2, far, 0))
        grow = np.zeros((SIZE, SIZE))
        np.add.at(grow.T, np.clip(np.arange(-2, side + 2), 0, side - 1), cubic.T)
        grows.append(grow)
    return f32(blurs), f32(shrinks), f32(grows)
