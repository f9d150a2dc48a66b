"""What the page shows of a run besides translations: its examples, grids and curves."""

import base64
import dataclasses
import io
import json
import pathlib
import re

import numpy as np
from PIL import Image

import dtn_tf
from dtn_tf.demo import panels
from dtn_tf.errors import UserError
from dtn_tf.scores import figures

MOST_BYTES = 20 << 20  # of an image file
# Of an image. One is decoded at a time: 8 bytes a pixel, 20 with transparency, 29 of gray of 32
# bits. That is half a gigabyte at the most, 1.3 or 1.8.
MOST_PIXELS = 64_000_000

_SCALE, _BORDER = 2, 2  # of a grid's PNG, see images.save_png and images.to_grid
_EXAMPLES = 15
_MOST_STEPS = 60  # of the slider
_MOST_POINTS = 300  # of a curve
_KINDS = ("translations", "reconstructions")
# What a title of data says beside its kind: how many there are, who made them, which split.
_BESIDE = re.compile(r"^[\d,]+ | \(\w+\)|\s+(train|test|validation)?(\[.*\])?$")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the page is told when it opens.

    Attributes:
        content: JSON-able dict.
        files: Dict, name beside the page -> `pathlib.Path` of a file of the run.
    """

    content: dict
    files: dict

    def script(self, **more):
        """Returns it as JavaScript, bytes: a page from a disk may read a script, but no JSON."""
        text = json.dumps({**self.content, **more}, ensure_ascii=True, allow_nan=False)
        return f"window.demo = {{facts: {text}}};\n".encode()


def of(model, run=None):
    """Gathers what there is.

    Args:
        model: `model.Model`.
        run: `runs.Run`, or None where only the weights are known.

    Returns:
        `Facts`. What a run does not have is empty in it.
    """
    terms, workdir = model.terms, run and run.workdir
    steps, files = _grids(workdir / "grids") if run else ({}, {})
    titles = [_BESIDE.sub("", run.data[name]["title"]) if run else None for name in ("s", "t")]
    content = {
        "name": terms.name,
        "origin": terms.origin,
        "weights": terms.weights,
        "version": dtn_tf.__version__,
        **dict(zip(("source", "target"), titles, strict=True)),
        **{"size": model.size, "channels": terms.channels, "fit": terms.fit},
        "classes": list(model.classes),
        "examples": _examples(workdir / "grids", model.size) if run else [],
        "grid": {"size": model.size, "scale": _SCALE, "border": _BORDER, "kinds": steps},
        "curves": _curves(workdir / "tb") if run else [],
        "most": {"bytes": MOST_BYTES, "pixels": MOST_PIXELS},
    }
    return Facts(content, files)


def cells(path, size):
    """Takes a grid apart that `images.to_grid` made and `images.save_png` wrote.

    Args:
        path: PNG file.
        size: Side of an image in it, in pixels.

    Returns:
        uint8 array `(n, size, size, 3)`, in reading order; cells that were left empty too.

    Raises:
        UserError: If it is no such file.
    """
    try:
        with Image.open(path) as image:
            grid = np.asarray(image.convert("RGB"))[::_SCALE, ::_SCALE]
    except Exception as error:  # Pillow raises many types on damaged bytes
        raise UserError(f"{path} cannot be read: {error}.") from error
    pitch = size + _BORDER
    rows, columns = ((length - _BORDER) // pitch for length in grid.shape[:2])
    inner = grid[_BORDER : _BORDER + rows * pitch, _BORDER : _BORDER + columns * pitch]
    parts = inner.reshape(rows, pitch, columns, pitch, 3)[:, :size, :, :size]
    return parts.swapaxes(1, 2).reshape(-1, size, size, 3)


def _examples(folder, size):
    """The first of the source images that the run drew its grids of, as data URLs."""
    path = folder / "inputs_source.png"
    if not path.exists():
        return []
    try:
        found = cells(path, size)[:_EXAMPLES]
    except UserError as error:
        print(f"The page has no examples: {error}", flush=True)
        return []
    return [_data_url(image) for image in found if np.ptp(image)]


def _data_url(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _grids(folder):
    """Dict, kind -> list of [step, name]; and the files by name."""
    steps, files = {}, {}
    for kind in _KINDS:
        found = {}
        for path in sorted(folder.glob(f"{kind}-*.png")):
            if re.fullmatch(rf"{kind}-\d+", path.stem):
                found[int(path.stem.rpartition("-")[2])] = path
        kept = _thinned(sorted(found), _MOST_STEPS)
        if kept:
            steps[kind] = [[step, f"grids/{found[step].name}"] for step in kept]
            files |= {f"grids/{found[step].name}": found[step] for step in kept}
    return steps, files


def _curves(folder):
    """List of dicts, one a panel; lines without a point are left out, and empty panels."""
    folder = pathlib.Path(folder)
    scalars = {name: figures.read_scalars(folder / name) for name in panels.FOLDERS}
    found = []
    for title, says, wanted in panels.of(scalars):
        lines = [
            {"name": name, "points": _points(*scalars[part][tag])}
            for part, tag, name in wanted
            if tag in scalars[part]
        ]
        if lines:
            found.append({"title": title, "says": says, "lines": lines})
    return found


def _points(steps, values):
    pairs = [[s, float(f"{v:.5g}")] for s, v in zip(steps, values, strict=True) if np.isfinite(v)]
    return _thinned(pairs, _MOST_POINTS)


def _thinned(items, most):
    """At most so many of them, evenly, the first and the last among them."""
    if len(items) <= most:
        return items
    return [items[k] for k in np.linspace(0, len(items) - 1, most).round().astype(int)]
