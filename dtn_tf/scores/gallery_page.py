"""A scored run as one page: translations to look through, what they were read as, all numbers.

`index.html` opens from disk. It asks for nothing: images are in it, there is no server and no
other host. What names it shows are the user's, so every text is escaped.
"""

import dataclasses
import importlib.resources
import pathlib
import string

import numpy as np
from PIL import Image

from dtn_tf import classify, files, images
from dtn_tf.scores import figures, gallery_facts, gallery_parts, results
from dtn_tf.scores.gallery_parts import COLUMNS
from dtn_tf.scores.hypertext import escaped, tables

NAME = "index.html"
AT_MOST = 500  # translations on a page
SHEET_BYTES = 1_500_000  # of their picture; fewer are shown where they would take more


@dataclasses.dataclass(frozen=True, eq=False)
class Shown:
    """The images of a page.

    Attributes:
        rows: int array `(n,)`, their places in the split, ascending.
        total: How many the split has that were translated.
        sheet: PNG, `gallery_parts.COLUMNS` pairs of input and translation a row.
        size: Side of an image in pixels.
        classes: Names of the classes; empty where there are none.
        labels: int array `(n,)`, true classes; None where there are none.
        read: int array `(n,)`, what the judge read from the translations; None without one.
    """

    rows: np.ndarray
    total: int
    sheet: bytes
    size: int
    classes: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    read: np.ndarray | None = None


def write(line, text, translated, drawn, workdir, where):
    """Writes the page of a result.

    Args:
        line: Result line.
        text: The result as Markdown.
        translated: `scorers.Translated`.
        drawn: Paths of the figures that were drawn.
        workdir: Directory of the run, whose curves are shown.
        where: Folder of the page.
    """
    curves = figures.read_scalars(pathlib.Path(workdir) / "tb" / "dtn")
    page = render(line, text, shown_of(line, translated), drawn, curves)
    files.save_text(pathlib.Path(where) / NAME, page)


def shown_of(line, translated):
    """Chooses the images of a page, the same for every run on one set, and reads them."""
    shown, gx = translated.shown, translated.gx
    rows, sheet = _sheet(shown.pixels, gx)
    labels = None if shown.labels is None else shown.labels[rows]
    read = None
    if line["judge"]:
        classifier, _ = translated.yardstick.judge(translated.sets)
        read = classify.predict(classifier, gx[rows])
    return Shown(rows, len(gx), sheet, gx.shape[2], shown.classes, labels, read)


def render(line, text, shown, drawn, curves):
    """Returns the page.

    Args:
        line: Result line.
        text: The result as Markdown.
        shown: `Shown`.
        drawn: Paths of figures; the page shows those of `gallery_parts.FIGURES`.
        curves: tag -> (steps, values), see `figures.read_scalars`.

    Returns:
        HTML.
    """
    name = results.name(line)
    data = f"{line['images']['title']} to {line['target']['title']}"
    parts = {
        "title": escaped(f"{name}: {data}"),
        "row": escaped(name),
        "data": escaped(data),
        "headline": gallery_facts.headline(line),
        "sheet": gallery_parts.uri(shown.sheet, "png"),
        "sheet_rows": str(-(-len(shown.rows) // COLUMNS)),
        "sheet_columns": str(2 * COLUMNS),
        "size": str(max(shown.size, 64)),
        "chosen": gallery_parts.chosen(line["images"]["title"], shown),
        "legend": gallery_parts.legend(shown),
        "filters": gallery_parts.filters(shown),
        "items": gallery_parts.items(shown),
        "confusion": gallery_parts.confusion(line, shown.classes, drawn),
        "curves": gallery_parts.curves(curves),
        "figures": gallery_parts.figures(drawn),
        "numbers": tables(text),
        "settings": gallery_facts.settings(line),
        "facts": gallery_facts.facts(line),
    }
    template = importlib.resources.files("dtn_tf.scores") / "gallery_page.html"
    return string.Template(template.read_text(encoding="utf-8")).substitute(parts)


def _sheet(x, gx):
    """The rows that a page shows, and the picture of them, not larger than it may be."""
    order, count = np.random.default_rng(0).permutation(len(gx)), min(AT_MOST, len(gx))
    while True:
        rows = np.sort(order[:count])
        sheet = _png(x[rows], gx[rows])
        if len(sheet) <= SHEET_BYTES or count == 1:
            return rows, sheet
        count = max(int(0.95 * count * SHEET_BYTES / len(sheet)), 1)


def _png(x, gx):
    """Pairs of input and translation side by side, without a border, as PNG."""
    pairs = np.stack([images.with_channels(v, 3).numpy() for v in (x, gx)], axis=1)
    count, _, side = pairs.shape[:3]
    missing = -count % COLUMNS
    pairs = np.concatenate([pairs, np.zeros((missing, *pairs.shape[1:]), np.uint8)])
    grid = pairs.reshape(-1, 2 * COLUMNS, side, side, 3).transpose(0, 2, 1, 3, 4)
    return gallery_parts.encoded(
        Image.fromarray(grid.reshape(-1, 2 * COLUMNS * side, 3)), "PNG", optimize=True
    )
