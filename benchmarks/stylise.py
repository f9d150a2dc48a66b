"""Makes a set of pictures in one style out of photos, to try style transfer on (paper, 5.3).

    python -m benchmarks.stylise PHOTOS STYLED

Each photo becomes a poster: smoothed, in six levels of light with a colour each, dark lines where
the light changes most. A photo is first made a square, as training makes it. Names and folders
stay. Photos that are done are skipped. Exits with 1 if a photo cannot be read.
"""

import argparse
import io
import pathlib
import sys

import numpy as np
from PIL import Image, ImageFilter

from dtn_tf import files
from dtn_tf.data import decode, listing
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
    parser.add_argument("--size", type=int, default=128, help="Side of the posters, in pixels.")
    given = parser.parse_args(argv)
    try:
        names = _names(given)
        left = sum(_styled(given, *pair) for pair in names.items())
    except UserError as error:
        sys.exit(f"error: {error}")
    print(f"{len(names) - left:,} posters in {given.styled}, {left:,} photos not read")
    sys.exit(1 if left else 0)


def _names(given):
    """Returns dict, poster -> photo, names in the two folders."""
    photos, styled = given.photos.resolve(), given.styled.resolve()
    if styled == photos or photos in styled.parents:
        raise UserError(f"{styled} is in {photos}: the next start would take posters for photos.")
    found = {}
    for name, *_ in listing.walk(given.photos).files:
        poster_name = str(pathlib.PurePath(name).with_suffix(".png"))
        if poster_name in found:
            raise UserError(f"{found[poster_name]} and {name} would be one poster. Rename one.")
        found[poster_name] = name
    if not found:
        raise UserError(f"{given.photos} has no images.")
    return found


def _styled(given, poster_name, name):
    """Writes one poster; returns 1 for a photo that cannot be read."""
    path = given.styled / poster_name
    if path.exists():
        return 0
    try:
        square = decode.read(given.photos / name, given.size)
    except UserError as error:
        print(error)
        return 1
    content = io.BytesIO()
    poster(Image.fromarray(square)).save(content, "PNG")
    files.save(path, lambda temporary: temporary.write_bytes(content.getvalue()))
    return 0


if __name__ == "__main__":
    main()
