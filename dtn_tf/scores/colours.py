"""Do the colours of hair and skin follow the photo? For faces in the middle of the image."""

import numpy as np

from dtn_tf.scores import measures

# Where they are in an upright, centred face, photo and emoji alike, as shares of the sides:
# top, bottom, left, right. The crown, and the nose with a part of the cheeks.
BOXES = {"hair": (0.06, 0.20, 0.36, 0.64), "skin": (0.48, 0.62, 0.40, 0.60)}


def of(pixels):
    """Returns the median colour of each region.

    Args:
        pixels: uint8 array `(n, height, width, 3)`, faces.

    Returns:
        Dict, name of the region -> float array `(n, 3)`, in [0, 255].
    """
    height, width = pixels.shape[1:3]
    found = {}
    for name, (top, bottom, left, right) in BOXES.items():
        rows = slice(int(top * height), int(bottom * height))
        part = pixels[:, rows, int(left * width) : int(right * width)]
        part = part.reshape(len(pixels), -1, pixels.shape[3])
        found[name] = np.median(part, axis=1)
    return found


def followed(x, kinds):
    """How closely the colours of each kind of picture follow those of the source images.

    Args:
        x: uint8 array `(n, height, width, 3)`, source images.
        kinds: Dict, name -> uint8 array `(n, height, width, 3)`, a picture for each of them.

    Returns:
        Dict, region -> dict, name -> correlation of the colours, the mean over red, green and
        blue, in [-1, 1]; 0.0 where a colour does not vary.
    """
    theirs = {name: of(pixels) for name, pixels in kinds.items()}
    return {
        region: {name: _correlation(mine, colours[region]) for name, colours in theirs.items()}
        for region, mine in of(x).items()
    }


def held(fx, x, fx_new, x_new):
    """How much of the colours f(x) holds: a ridge regression from codes to colours.

    Args:
        fx: float array `(n, features)`, codes of images that teach it.
        x: uint8 array `(n, height, width, 3)`, these images.
        fx_new, x_new: The same of other images, which measure it.

    Returns:
        Dict, region -> share of the colours' variance that is explained, 1 at best; 0 or less
        where nothing is.
    """
    found, expected = of(x), of(x_new)
    shares = {}
    for name, colours in found.items():
        wrong = expected[name] - measures.ridge(fx, colours)(fx_new)
        total = np.sum((expected[name] - expected[name].mean(axis=0)) ** 2)
        shares[name] = float(1.0 - np.sum(wrong**2) / total) if total else 0.0
    return shares


def _correlation(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    length = np.sqrt(np.sum(a**2, axis=0) * np.sum(b**2, axis=0))
    return float(np.mean(np.sum(a * b, axis=0) / np.maximum(length, 1e-9)))
