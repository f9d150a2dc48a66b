"""An image file of a common format -> square uint8 pixels: the one rule, for all who read images.

Training, scoring and serving call `fit` and `read`, so that a picture cannot be cut one way
when training and another way when serving. The rule, in this order:

1. The first frame or page, turned as its EXIF says. A colour profile (ICC) is ignored.
2. Gray stays gray, every other colour becomes sRGB levels by Pillow's own formulas (CMYK, too).
   Transparent parts show white. 16-bit gray is divided by 257. Gray of 32 bits, whole or
   floating, has no agreed white: see `_gray`.
3. One channel: ITU-R BT.601 luma. Three: gray is repeated.
4. "crop": the largest square in the centre, scaled to the size asked for. "pad": the whole
   picture, its longer side as long as the square, in the centre of white.
   Scaled as `images.resize` does it: bilinear, and where it shrinks each new pixel is the
   weighted mean of all pixels of the area it covers (antialias), computed by Pillow in whole
   numbers, equal on every machine.
"""

import functools
import io
import pathlib

import numpy as np
from PIL import Image

from dtn_tf.errors import UserError

RECIPE = 3  # raise it when any pixel changes: caches are made again
FITS = ("crop", "pad")

_WHITE = 255
_DRAFT = 8
_ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4: what to do for each of its values
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow's names of pictures that it decodes itself. Not named: what has another program read it
# (EPS, WMF, and IPTC, which may have such a file inside), data, film, and rare formats.
_FORMATS = {
    *("AVIF", "BMP", "CUR", "DCX", "DDS", "DIB", "GIF", "ICNS", "ICO", "JPEG", "JPEG2000", "PCD"),
    *("PCX", "PNG", "PPM", "PSD", "QOI", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM"),
}


class UnreadableError(UserError):
    """A file that is no image, or a broken one; the message is the reason alone."""


@functools.cache
def formats():
    """Pillow's names of the formats that are read, in the order in which they are tried."""
    Image.init()
    return tuple(name for name in Image.ID if name in _FORMATS)


@functools.cache
def suffixes():
    """File name suffixes of these formats: a frozenset of ".png" and so on, lower case."""
    known = Image.registered_extensions()
    names = {*formats(), "MPO"}  # which the JPEG reader opens
    return frozenset(suffix for suffix, name in known.items() if name in names)


def check(size, channels, how):
    """Raises a `UserError` unless `fit` can do what is asked."""
    if size < 1 or channels not in (1, 3) or how not in FITS:
        raise UserError(
            f"Images of size={size}, channels={channels}, fit={how!r} cannot be made; expected"
            f" a size of 1 or more, 1 or 3 channels, and one of {', '.join(FITS)}."
        )


def read(path, size, channels=3, how="crop"):
    """Reads an image file.

    Args:
        path: File of one of `formats`; its name does not matter.
        size: Side of the square, in pixels.
        channels: 1 (gray) or 3 (RGB).
        how: "crop" or "pad".

    Returns:
        uint8 array `(size, size, channels)`.

    Raises:
        UserError: If the file cannot be read, is no image, or is broken; names it.
    """
    check(size, channels, how)
    try:
        return from_bytes(pathlib.Path(path).read_bytes(), size, channels, how)[0]
    except UnreadableError as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def from_bytes(data, size, channels=3, how="crop", allowed=None):
    """Decodes the bytes of a file, all of them: a torn file is found here.

    A JPEG is decoded at a half, a quarter or an eighth of its sides, as long as both stay at
    least eight times `size`: five times as fast for photographs, and within a level or two of
    `fit` of the whole picture.

    Args:
        data: bytes.
        size, channels, how: As in `read`.
        allowed: Names of the formats that are read; None is `formats()`.

    Returns:
        uint8 array as from `read`, and `(width, height)` of the picture as it is stored.

    Raises:
        UnreadableError: If this is no image, a broken one, or one of more pixels than Pillow
            takes for an attack (twice `PIL.Image.MAX_IMAGE_PIXELS`, 179 million).
    """
    check(size, channels, how)
    if not data:
        raise UnreadableError("the file is empty.")
    try:
        image, full = _load(data, size, allowed or formats())
        return _square(image, full, size, channels, how), full
    except UnreadableError:
        raise
    except Image.UnidentifiedImageError:
        raise UnreadableError("no image of a format that is read here.") from None
    except Exception as error:  # plugins raise many types on damaged bytes
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise UnreadableError(f"{reason}.") from error


def fit(image, size, channels=3, how="crop"):
    """Makes any picture a square one, by the rule at the top of this file.

    Args:
        image: `PIL.Image.Image` of any mode and size.
        size: Side of the square, in pixels.
        channels: 1 (gray) or 3 (RGB).
        how: "crop" or "pad".

    Returns:
        uint8 array `(size, size, channels)`.

    Raises:
        UserError: If `size`, `channels` or `how` is none of these.
        UnreadableError: If a pixel is not a number.
    """
    check(size, channels, how)
    image.load()  # only then do all formats know their size, and how they are to be turned
    return _square(image, image.size, size, channels, how)


def _load(data, size, allowed):
    """Returns the image, perhaps decoded smaller, and its true size."""
    image = Image.open(io.BytesIO(data), formats=allowed)
    full = image.size
    reduced = image.draft(None, (_DRAFT * size, _DRAFT * size))
    image.load()
    return image, full if reduced else image.size  # some formats find out when they load


def _square(image, full, size, channels, how):
    """What `fit` returns, of an image whose size was `full` before it was decoded smaller."""
    turn, image = _turn(image), _opaque(image)
    if channels == 1:
        image = image.convert("L")
    scale = round(max(full) / max(image.size))  # 1, 2, 4 or 8
    image = _crop(image, full, scale, size) if how == "crop" else _pad(image, full, scale, size)
    image = image if turn is None else image.transpose(turn)
    pixels = np.asarray(image).reshape(size, size, -1)
    return np.ascontiguousarray(np.broadcast_to(pixels, (size, size, channels)))


def _turn(image):
    """How an image is to be turned to be upright, or None."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # EXIF that cannot be read is no reason to lose the picture
        return None


def _opaque(image):
    """Returns an image of mode L or RGB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_gray(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("LA") if image.mode == "La" else image
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (_WHITE,) * 4)
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _gray(levels):
    """Gray of more than 8 bits -> uint8.

    16 bits: 65535 is white. 32 bits, by what is there: within 0 to 1 (floats alone) 1 is white,
    within 0 to 255 these are the levels, within 0 to 65535 they are 16 bits; anything else is
    stretched from its least to its greatest value.
    """
    if levels.dtype.itemsize == 2:
        return np.rint(levels / 257.0).astype(np.uint8)
    low, high = float(levels.min()), float(levels.max())
    if not np.isfinite([low, high]).all():
        raise UnreadableError("it has pixels that are not numbers.")
    white = next((w for w in (1.0, 255.0, 65535.0) if high <= w), np.inf)
    if white == 1.0 and levels.dtype.kind != "f":
        white = 255.0
    if low < 0.0 or white == np.inf:
        levels, white = levels.astype(np.float64) - low, max(high - low, 1e-30)
    return np.rint(levels * (255.0 / white)).astype(np.uint8)


def _crop(image, full, scale, size):
    side = min(full)
    left, top = ((length - side) // 2 for length in full)  # whole pixels: no blur
    return _scale(image, (size, size), (left, top, left + side, top + side), scale)


def _pad(image, full, scale, size):
    width, height = (max(1, round(length * size / max(full))) for length in full)
    canvas = Image.new(image.mode, (size, size), (_WHITE,) * len(image.getbands()))
    part = _scale(image, (width, height), (0, 0, *full), scale)
    canvas.paste(part, ((size - width) // 2, (size - height) // 2))
    return canvas


def _scale(image, size, box, scale):
    # Not BOX, which takes or leaves whole pixels: at a ratio of 1.2 lines are dropped.
    left, top, right, bottom = (edge / scale for edge in box)
    how, height = Image.Resampling.BILINEAR, image.height
    # Rows, then columns, each rounded to a level. In one call Pillow 13 takes columns first of
    # tall pictures, and older ones do not: up to a fourth of the pixels would be a level off.
    image = image.resize((size[0], height), how, (left, 0, right, height))
    return image.resize(size, how, (0, top, size[0], bottom))
