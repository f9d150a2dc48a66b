"""Does G copy? Translations beside the training images of the target that are nearest to them."""

import textwrap

import numpy as np
from matplotlib import figure

from dtn_tf import files, images, serving
from dtn_tf.scores import measures, results

NUM = 16  # images, uncurated: the same for every run on one set
AT_MOST = 20_000  # training images that are searched, the first ones
_NUM_REAL = 100  # test images that say how far real ones are from the nearest
_BLOCK_BYTES = 2**26  # of pixels in float64 at a time
_WIDTH = 12.0  # inches of the pictures


def draw_neighbours(line, x, gx, known, real, independent, path):
    """Draws x, G(x), and the nearest training image to G(x) in pixels and under a net.

    Under each image of the third row stands how far it is from G(x): the root mean square
    difference in grey levels, 0 for a copy. The title says what it is for real test images:
    a G that copies is much nearer than they are.

    Args:
        line: Result line, for the title.
        x: uint8 `(n, height, width, channels)`, source images.
        gx: uint8 array, the translations of all of them or of the first.
        known: The target's training `Pictures`.
        real: The target's test `Pictures`.
        independent: `independent.Net`.
        path: PNG file to write.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(gx))[:NUM])
    pixels = known.pixels[:AT_MOST]
    in_pixels = pixels[nearest_in_pixels(gx[rows], pixels)]
    by_net = pixels[_nearest_by_net(gx[rows], pixels, independent, known.title)]
    distances = rms(gx[rows], in_pixels)
    parts = {
        "input x": x[rows],
        "translation G(x)": gx[rows],
        "nearest training image\nof the target, in pixels": in_pixels,
        f"nearest under\n{textwrap.fill(independent.name, 26)}": by_net,
    }
    usual = np.median(distance_of(real.pixels[:_NUM_REAL], pixels))
    title = (
        f"{results.name(line)}: {line['images']['title']} to {line['target']['title']}. Does G"
        f" copy? The nearest of {len(pixels):,} training images to G(x), and the root mean square"
        f" difference in grey levels: median {np.median(distances):.0f}, of real test images"
        f" {usual:.0f}; 0 is a copy"
    )
    _draw(parts, distances, title, path)


def nearest_in_pixels(asked, pixels):
    """Finds the nearest image by mean squared difference of pixels.

    Args:
        asked: uint8 `(n, height, width, channels)`.
        pixels: uint8 `(m, height, width, channels)`, memory-mapped or not.

    Returns:
        int array `(n,)`, rows of `pixels`.
    """
    block = max(_BLOCK_BYTES // (8 * int(np.prod(pixels.shape[1:]))), 1)
    return measures.nearest(asked, pixels, block)


def distance_of(asked, pixels):
    """Root mean square difference in grey levels of each image to the nearest: float `(n,)`.

    Args:
        asked: uint8 `(n, height, width, channels)`.
        pixels: uint8 `(m, height, width, channels)`, memory-mapped or not.
    """
    return rms(asked, pixels[nearest_in_pixels(asked, pixels)])


def rms(a, b):
    """Root mean square difference of pairs of uint8 images in grey levels: float `(n,)`."""
    difference = a.astype(np.float64) - b
    return np.sqrt(np.mean(difference**2, axis=(1, 2, 3)))


def _nearest_by_net(asked, pixels, independent, title):
    fx = serving.apply(independent.net, pixels, label=f"the independent net reads {title}")
    return measures.nearest(serving.apply(independent.net, asked), fx)


def _draw(parts, distances, title, path):
    """One labelled row of images for each part; the distances stand under the third."""
    count = len(distances)
    page = figure.Figure(
        figsize=(_WIDTH + 2.0, len(parts) * (_WIDTH / max(count, 8) + 0.1) + 0.7),
        layout="constrained",
    )
    page.suptitle(textwrap.fill(title, 150), fontsize=10)
    all_axes = page.subplots(len(parts), count, squeeze=False)
    for k, (axes_of_row, (label, part)) in enumerate(zip(all_axes, parts.items(), strict=True)):
        for axes, image in zip(axes_of_row, images.with_channels(part, 3).numpy(), strict=True):
            axes.imshow(image)
            axes.set(xticks=[], yticks=[])
        axes_of_row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
        if k == 2:
            for axes, distance in zip(axes_of_row, distances, strict=True):
                axes.set_xlabel(f"{distance:.0f}", fontsize=8)
    files.save(path, lambda temporary: page.savefig(temporary, dpi=130, bbox_inches="tight"))
