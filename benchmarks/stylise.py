"""Makes a set of pictures in one style out of photos, to try style transfer on (paper, 5.3).

    python -m benchmarks.stylise PHOTOS STYLED

Each photo becomes a poster: smoothed, in six levels of light with a colour each, dark lines where
the light changes most. Names and folders stay. Photos that are done are skipped.
"""

import argparse
import io
import pathlib
import sys

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from dtn_tf import files
from dtn_tf.data import listing
from dtn_tf.errors import UserError

_PALETTE = np.array(  # from the darkest to the lightest
    [(24, 20, 60), (88, 28, 84), (196, 52, 64), (240, 128, 56), (252, 200, 96), (255, 246, 214)],
    np.uint8,
)
_LINE = 0.16  # difference of light, from 0 to 1, between neighbours that a line is drawn at


def poster(image):
    """Returns the poster of a PIL image, of the same size."""
    light = image.convert("L").filter(ImageFilter.MedianFilter(3))
    light = np.asarray(light.filter(ImageFilter.GaussianBlur(0.8)), np.float32) / 255.0
    low, high = np.percentile(light, (1.0, 99.0))
    level = np.clip((light - low) / max(high - low, 1e-3), 0.0, 0.999)
    painted = _PALETTE[(level * len(_PALETTE)).astype(int)]
    down, right = (np.abs(np.diff(light, axis=k, append=np.take(light, [-1], k))) for k in (0, 1))
    painted[np.maximum(down, right) > _LINE] = _PALETTE[0]
    return Image.fromarray(painted)


def main(argv=None):
    """The command; see the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=pathlib.Path, help="Folder of photos.")
    parser.add_argument("styled", type=pathlib.Path, help="Folder to write posters to.")
    given = parser.parse_args(argv)
    try:
        found = listing.walk(given.photos).files
        if not found:
            raise UserError(f"{given.photos} has no images.")
        left = sum(_styled(given, name) for name, *_ in found)
    except UserError as error:
        sys.exit(f"error: {error}")
    print(f"{len(found) - left:,} posters in {given.styled}" + (f", {left} not read" * (left > 0)))


def _styled(given, name):
    """Writes one poster; returns 1 for a photo that cannot be read."""
    path = (given.styled / name).with_suffix(".png")
    if path.exists():
        return 0
    content = io.BytesIO()
    try:
        with Image.open(given.photos / name) as image:
            poster(ImageOps.exif_transpose(image)).save(content, "PNG")
    except OSError as error:  # Pillow's, too
        print(f"{given.photos / name} cannot be read: {error}")
        return 1
    files.save(path, lambda temporary: temporary.write_bytes(content.getvalue()))
    return 0


if __name__ == "__main__":
    main()
