"""The paper's figures of faces: photo, translation, nearest real image; and one photo a person."""

import textwrap

import numpy as np
from matplotlib import figure

from dtn_tf import files, images, serving
from dtn_tf.scores import distances, results

NUM = 64  # photos, uncurated: the same for every run on one set
_COLUMNS = 16
_DPI = 130
_PEOPLE = 40


def draw_triples(line, x, gx, near, path):
    """Draws photos, their translations, and the real target images nearest to the photos under f.

    Args:
        line: Result line, for the title.
        x: uint8 `(at least n, height, width, channels)`, source images.
        gx: uint8 array, their translations, n or more.
        near: uint8 `(n, height, width, channels)`, the nearest target images.
        path: PNG file to write.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(near))[:NUM])
    title = (
        f"{results.name(line)}: {line['images']['title']} to {line['target']['title']}, not"
        " selected. Of three rows: the image, its translation, the nearest real image under f"
    )
    _draw([x[rows], gx[rows], near[rows]], title, path)


def draw_people(line, dtn, people, path):
    """Draws one photo of each person and its translation, the one that f finds again best.

    As in the paper, of the photos of a person it is the one of the least |f(x) - f(G(x))|.

    Args:
        line: Result line, for the title.
        dtn: A trained `DTN`.
        people: `Pictures` whose labels are people.
        path: PNG file to write.
    """
    gx = serving.translate(dtn, people.pixels, label=f"G translates {people.title}")
    rows = best_of_each(_distances(dtn, people.pixels, gx), people.labels)[:_PEOPLE]
    title = (
        f"{results.name(line)}: {people.title}, one photo a person, the one whose translation"
        " f finds nearest. Of two rows: the photo, its translation"
    )
    _draw([people.pixels[rows], gx[rows]], title, path)


def best_of_each(distance, who):
    """Returns for each person the row of the least distance, an int array in order of people.

    Args:
        distance: float array `(n,)`.
        who: int array `(n,)`, the person of each row.
    """
    order = np.lexsort((distance, who))
    first = np.r_[True, who[order][1:] != who[order][:-1]]
    return order[first]


def _distances(dtn, x, gx):
    fx = serving.apply(lambda v: distances.content(dtn, v), x)
    fgx = serving.apply(lambda v: dtn.f(v, training=False), gx)
    return np.linalg.norm(fx - fgx, axis=1)


def _draw(parts, title, path):
    """Rows of each kind under each other, block by block."""
    count = min(_COLUMNS, len(parts[0]))
    blocks = [
        images.with_channels(part[start : start + count], 3).numpy()
        for start in range(0, len(parts[0]), count)
        for part in parts
    ]
    full = [images.filled_row(block, count) for block in blocks]
    grid = images.to_grid(np.concatenate(full), count)
    height = 12.0 * grid.shape[0] / grid.shape[1] + 0.5
    page = figure.Figure(figsize=(12.0, height), layout="constrained")
    axes = page.add_subplot()
    axes.imshow(grid)
    axes.set_axis_off()
    axes.set_title(textwrap.fill(title, 130), fontsize=10)
    files.save(path, lambda temporary: page.savefig(temporary, dpi=_DPI, bbox_inches="tight"))
