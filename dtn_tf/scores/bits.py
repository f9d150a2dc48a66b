"""Which images the judge read right, as text in a result line: 836 letters for 5,000 images."""

import base64

import numpy as np


def pack(right):
    """Packs one bit an image.

    Args:
        right: bool array `(n,)`, whether each image was read right.

    Returns:
        str, base64 of the bits, eight a byte, the first image in the highest one; zeros at the
        end fill the last byte.
    """
    return base64.b64encode(np.packbits(np.asarray(right, bool)).tobytes()).decode("ascii")


def unpack(text, n):
    """Reads what `pack` wrote.

    Args:
        text: str.
        n: Images.

    Returns:
        bool array `(n,)`.

    Raises:
        ValueError: If the text is of another number of images, or is no such text.
    """
    packed = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    found = np.unpackbits(packed).astype(bool)
    if len(packed) != -(-n // 8) or found[n:].any():
        raise ValueError(f"the bits are {len(packed)} bytes, and not those of {n:,} images")
    return found[:n]
