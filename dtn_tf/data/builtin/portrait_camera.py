"""Photographs painted heads: exposure, contrast, lens, few pixels, noise and JPEG."""

import io

import numpy as np
from PIL import Image, ImageFilter

from dtn_tf.data.builtin.portrait_head import f32, normal, some, uniform

_QUALITIES = (50, 70, 85)  # of JPEG; half of the pictures are spared


def photograph(rng, rgb, size):
    """Takes the pictures.

    Args:
        rng: numpy `Generator`.
        rgb: float32 `(n, 3, side, side)`, about 0 to 255.
        size: Side of a photo in pixels.

    Returns:
        uint8 `(n, size, size, 3)`.
    """
    n, side = len(rgb), rgb.shape[-1]
    blurs = np.clip(rng.gamma(1.5, 0.2, n), 0, 1.6) * side / 96
    painted = np.clip(rgb.transpose(0, 2, 3, 1) + 0.5, 0, 255).astype(np.uint8)
    small = np.stack([_through(x, blur, size) for x, blur in zip(painted, blurs, strict=True)])
    small = _develop(rng, f32(small))
    grain = np.exp(normal(rng, n, 0.5, 0.6))[..., None]
    small += rng.standard_normal(small.shape, np.float32) * grain
    pixels = np.clip(small + 0.5, 0, 255).astype(np.uint8)
    for quality in _QUALITIES:
        for k in rng.permutation(n)[: n // 6]:
            pixels[k] = _jpeg(pixels[k], quality)
    return pixels


def _through(pixels, blur, size):
    """What a lens makes of one picture: Pillow is faster here than matrices, and one thread."""
    image = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(float(blur)))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def _develop(rng, rgb):
    """Exposure, contrast, saturation, a cast of colour, dark corners."""
    n = len(rgb)
    contrast, bright = normal(rng, n, 1.04, 0.08), normal(rng, n, 4, 9)
    rgb = (rgb - 120) * contrast[..., None] + (120 + bright[..., None])
    grey = rgb.mean(axis=-1, keepdims=True)
    rgb = grey + (rgb - grey) * uniform(rng, n, 0.8, 1.15)[..., None]
    rgb += f32(rng.normal(0, 3.0, (n, 1, 1, 3)))
    edge = f32(np.linspace(-1, 1, rgb.shape[1]) ** 2)
    dark = 1 - (edge[:, None] + edge) * uniform(rng, n, 0, 0.14) * some(rng, n, 0.5)
    return rgb * dark[..., None]


def _jpeg(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
