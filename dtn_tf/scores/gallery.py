"""The figures of a table, of the runs at hand."""

import numpy as np

from dtn_tf import presets, serving
from dtn_tf.scores import figures, paper_tables

_COLUMNS = 16  # images per row of a figure


def draw(name, shown, pictures_of, folder):
    """Draws what the runs of a table make of the same images, of each kind of run the first seed.

    Args:
        name: One of `presets.TABLES`, or `presets.FACES`: of faces there is no confusion.
        shown: Pairs of a finished `runs.Run` and its result line.
        pictures_of: Function of a run, its labelled test `Pictures`.
        folder: Where `table-NAME-rows.png`, `-confusion.png` and `-curves.png` go.
    """
    domain = paper_tables.domain_of(name)
    first = _first_seeds([(run, line) for run, line in shown if line["domain"] == domain])
    if not first:
        return
    lines = [line for _, line in first]
    digit = presets.UNSEEN if name == "3" else None
    x = inputs(pictures_of(first[0][0]), digit)
    if len(x):
        rows = [(line, serving.translate(serving.load(run.workdir), x)) for run, line in first]
        figures.draw_rows(x, rows, folder / f"table-{name}-rows.png", digit)
    else:
        print(f"Table {name}: no rows of images, for none shows a {digit}.", flush=True)
    if lines[0]["judge"]:
        figures.draw_confusions(lines, folder / f"table-{name}-confusion.png")
    curves = [(line, figures.read_scalars(run.workdir / "tb" / "dtn")) for run, line in first]
    figures.draw_curves(curves, folder / f"table-{name}-curves.png")
    print(f"Table {name}: figures of {len(first)} runs at hand in {folder}", flush=True)


def inputs(pictures, digit=None, count=_COLUMNS):
    """Draws the images that every run of a table is shown, the same for all: uint8 array.

    Of fewer images of the digit than `count` it returns all.
    """
    rows = np.arange(len(pictures))
    if digit is not None:
        rows = np.flatnonzero(pictures.labels == digit)
    rows = np.random.default_rng(0).choice(rows, min(count, len(rows)), replace=False)
    return pictures.pixels[rows]


def _first_seeds(shown):
    """Of the runs scored on the images of the newest test result, one of each title."""
    shown = [(run, line) for run, line in shown if line["split"] == "test"]
    if not shown:
        return []
    newest = max((line for _, line in shown), key=lambda line: line["scored"]["time"])
    images = newest["images"]["fingerprint"]
    first = {}
    for run, line in sorted(shown, key=lambda pair: pair[1]["seed"]):
        if line["images"]["fingerprint"] == images:
            first.setdefault(run.title, (run, line))
    order = list(presets.ROWS)
    return sorted(first.values(), key=lambda pair: (order.index(pair[0].row), pair[0].title))
