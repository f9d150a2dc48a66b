"""Every pixel range of the project: uint8 <-> [-1, 1], size, gray and RGB, grids.

Training, evaluation, figures and the exported model all call these, so that a
picture cannot be scaled one way when training and another way when serving.
"""

import numpy as np
import tensorflow as tf
from PIL import Image

from dtn_tf import files
from dtn_tf.errors import UserError

# ITU-R BT.601 luma, the weights of "convert to gray" in most image programs.
_LUMA = (0.299, 0.587, 0.114)


def to_stored(images):
    """The door for other people's pictures: turns them into stored pixels, or says why not.

        uint8                 as it is
        uint16                16-bit: divided by 257 and rounded
        float, in [0, 1]      times 255 and rounded

    Everything else is refused, for it would be translated wrongly without a word: floats in
    [-1, 1] look like dark pictures, floats in [0, 255] like white ones.

    Args:
        images: array or tensor `(n, height, width, 1 or 3)`.

    Returns:
        uint8 array of the same shape.

    Raises:
        UserError: If dtype, range or shape is another one.
    """
    x = _array(images)
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        raise UserError(
            f"Got images of shape {x.shape}; expected (n, height, width, 1 or 3)."
            " One image needs a first axis: np.asarray(image)[None]. Alpha must go."
        )
    if x.dtype == np.uint8:
        return x
    if x.dtype == np.uint16:
        return np.round(x / 257.0).astype(np.uint8)
    if x.dtype.kind != "f":
        raise UserError(f"Got {x.dtype} images; expected uint8, uint16, or floats in [0, 1].")
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    if not (low >= 0.0 and high <= 1.0):  # NaN, too
        raise UserError(
            f"Got {x.dtype} images from {low:g} to {high:g}; expected floats in [0, 1]. From"
            " [-1, 1]: (x + 1) / 2. From [0, 255]: x.astype('uint8')."
        )
    return np.round(x.astype(np.float32) * 255.0).astype(np.uint8)


def _array(images):
    """What was given as an array of numbers in this machine's byte order."""
    try:
        x = np.asarray(images)
    except ValueError:  # lists of rows that are not equally long
        x = np.asarray(None)
    if x.dtype.kind not in "biufcV" or x.ndim == 0:
        raise UserError(
            f"Got {type(images).__name__} as images; expected one array or tensor"
            " (n, height, width, 1 or 3), all images of one size."
        )
    if x.dtype.name == "bfloat16":  # NumPy does not count it among the floats
        x = x.astype(np.float32)
    return x.astype(x.dtype.newbyteorder("="), copy=False)


def to_model(images):
    """Scales stored pixels to what the nets read.

    Args:
        images: uint8 tensor or array of any shape, in [0, 255].

    Returns:
        float32 tensor of the same shape, in [-1, 1]: the range of g's tanh.

    Raises:
        ValueError: If `images` is not uint8.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8:
        raise ValueError(
            f"to_model got {images.dtype.name} pixels but expects uint8 in [0, 255]."
            " Convert them first, or skip to_model if they are in [-1, 1] already."
        )
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images):
    """Turns what g paints back into stored pixels: the inverse of `to_model`.

    Args:
        images: float tensor of any shape, in [-1, 1]; values outside are clipped.

    Returns:
        uint8 tensor of the same shape, rounded to the nearest level.
    """
    scaled = tf.round((tf.cast(images, tf.float32) + 1.0) * 127.5)
    return tf.cast(tf.clip_by_value(scaled, 0.0, 255.0), tf.uint8)


def with_channels(images, channels):
    """Gives images the number of channels a net was built for.

    Gray becomes RGB by repeating it three times, as the paper feeds MNIST to f;
    RGB becomes gray by ITU-R BT.601 luma.

    Args:
        images: tensor `(batch, height, width, 1 or 3)`, uint8 or float.
        channels: 1 or 3.

    Returns:
        Tensor `(batch, height, width, channels)` of the same dtype and range.

    Raises:
        ValueError: If either channel count is not 1 or 3.
    """
    images = tf.convert_to_tensor(images)
    given = images.shape[-1]
    if given not in (1, 3) or channels not in (1, 3):
        raise ValueError(
            f"with_channels got images with {given} channels and was asked for"
            f" {channels}; it converts between 1 (gray) and 3 (RGB)."
        )
    if given == channels:
        return images
    if channels == 3:
        return tf.repeat(images, 3, axis=-1)
    gray = tf.tensordot(tf.cast(images, tf.float32), tf.constant(_LUMA), axes=1)
    if images.dtype == tf.uint8:
        gray = tf.round(gray)
    return tf.cast(gray[..., tf.newaxis], images.dtype)


def blurred(images):
    """Returns images without their finest texture: what changes sign at every pixel is gone.

    Each channel is convolved with (1, 2, 1) x (1, 2, 1) / 16, edges repeated.

    Args:
        images: float tensor `(batch, height, width, channels)`.

    Returns:
        float tensor of the same shape.
    """
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = (padded[:, :-2] + 2.0 * padded[:, 1:-1] + padded[:, 2:]) / 4.0
    return (rows[:, :, :-2] + 2.0 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4.0


def resize(images, size):
    """Resizes stored images by the one rule of the project.

    Bilinear with pixel centres aligned (`tf.image.resize`, antialiased when it
    shrinks), rounded to the nearest level. MNIST goes from 28 to 32 this way:
    stretched, not padded, since SVHN digits fill their frame.

    Args:
        images: uint8 array `(n, height, width, channels)`.
        size: Side of the square result, in pixels.

    Returns:
        uint8 array `(n, size, size, channels)`; the input itself if it has that
        size already.
    """
    if images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, images.shape[-1]), np.uint8)
    for start in range(0, len(images), 4096):  # bounded float32 memory
        part = tf.image.resize(images[start : start + 4096], (size, size), antialias=True)
        resized[start : start + 4096] = tf.cast(tf.round(part), tf.uint8).numpy()
    return resized


def to_grid(images, columns):
    """Tiles images into one picture, row by row, with a thin light border.

    Args:
        images: uint8 array `(n, height, width, 1 or 3)`.
        columns: Images per row; the last row is filled with border colour.

    Returns:
        uint8 array `(rows * (height + 2) + 2, columns * (width + 2) + 2, 3)`.

    Raises:
        ValueError: If there is no image, or `columns` is not positive.
    """
    images = np.asarray(images)
    if len(images) == 0 or columns < 1:
        raise ValueError(
            f"to_grid got {len(images)} images and {columns} columns; it needs one of each."
        )
    images = with_channels(images, 3).numpy()
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    shape = (rows * (height + 2) + 2, columns * (width + 2) + 2, 3)
    grid = np.full(shape, 200, np.uint8)
    for k, image in enumerate(images):
        top, left = 2 + k // columns * (height + 2), 2 + k % columns * (width + 2)
        grid[top : top + height, left : left + width] = image
    return grid


def paired_rows(x, gx, columns):
    """Interleaves rows of `columns` inputs and rows of their outputs, as RGB uint8.

    Rows that are too short end in white, so that each output lies under its input.
    """
    x, gx = (with_channels(v, 3).numpy() for v in (x, gx))
    rows = range(0, len(x), columns)
    return np.concatenate(
        [filled_row(part[k : k + columns], columns) for k in rows for part in (x, gx)]
    )


def filled_row(row, columns):
    """Returns uint8 images `(columns, ...)`: a row that is too short ends in white ones."""
    missing = columns - len(row)
    return np.concatenate([row, np.full((missing, *row.shape[1:]), 255, np.uint8)])


def save_png(path, picture, scale=2):
    """Writes a uint8 picture, enlarged without smoothing, under its name or not at all."""
    picture = np.repeat(np.repeat(picture, scale, axis=0), scale, axis=1)
    files.save(path, Image.fromarray(picture).save)
