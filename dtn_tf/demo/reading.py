"""The bytes that a page sends -> square pixels and an answer, within bounds."""

import base64
import io
import threading

import numpy as np
import tensorflow as tf
from PIL import Image

from dtn_tf.data import decode
from dtn_tf.demo import facts
from dtn_tf.demo.model import CODES, PAINTED, SEEN, TRANSLATIONS
from dtn_tf.errors import UserError

# Those that browsers show, and TIFF. Pillow opens each by its head alone: the size is known before
# a pixel is decoded. Not so of ICO, which it decodes to open it.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


class Reader:
    """Translates the bytes of image files, one at a time: memory is bounded by the largest.

    Args:
        model: `model.Model`.
        most_pixels: Of an image that is decoded.
    """

    def __init__(self, model, most_pixels=facts.MOST_PIXELS):
        self._shape = (model.size, model.terms.channels, model.terms.fit)
        self._bank = model.bank
        self._run = tf.function(model.answer, reduce_retracing=True)
        self._most_pixels = most_pixels
        self._lock = threading.Lock()

    def warm_up(self):
        """Traces the graph, so that the first image is as fast as the others."""
        size, channels, _ = self._shape
        self._run(np.zeros((1, size, size, channels), np.uint8))

    def __call__(self, data):
        """Translates an image.

        Args:
            data: bytes of a file of one of `FORMATS`.

        Returns:
            JSON-able dict: "input" and "translation", see `_picture`; "seen" and "painted",
            lists of probabilities, where f knows classes; "neighbours", a list of real target
            images as `_picture` gives them, the nearest under f first, where there is a bank.

        Raises:
            UserError: If it is no image, a broken one, or one of too many pixels.
        """
        with self._lock:
            self._check_pixels(data)
            try:
                pixels, full = decode.from_bytes(data, *self._shape, FORMATS)
            except decode.UnreadableError as error:
                raise UserError(
                    f"This file cannot be read as an image: {error} The page takes"
                    f" {', '.join(FORMATS[:-1])} and {FORMATS[-1]}."
                ) from error
            found = {k: v.numpy()[0] for k, v in self._run(pixels[np.newaxis]).items()}
        answer = {
            "full": list(full),
            "input": _picture(pixels),
            "translation": _picture(found[TRANSLATIONS]),
        }
        if CODES in found:
            answer["neighbours"] = [_picture(p) for p in self._bank.nearest(found[CODES])]
        return answer | {k: found[k].tolist() for k in (SEEN, PAINTED) if k in found}

    def _check_pixels(self, data):
        """Refuses an image by what its head says, before anything is decoded."""
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
        except Image.DecompressionBombError:  # Pillow's own limit, above ours
            raise UserError(self._too_many("far too many")) from None
        except Exception:  # `decode` will say what it is
            return
        if width * height > self._most_pixels:
            raise UserError(self._too_many(f"{width:,} x {height:,}"))

    def _too_many(self, found):
        return (
            f"This image has {found} pixels; the page takes up to"
            f" {self._most_pixels / 1e6:,.0f} million. Scale it down first."
        )


def _picture(pixels):
    """A dict of a uint8 array `(height, width, channels)`; "data" is base64 of its bytes."""
    height, width, channels = pixels.shape
    data = base64.b64encode(np.ascontiguousarray(pixels)).decode()
    return {"width": width, "height": height, "channels": channels, "data": data}
