"""What do the curves of a run look like, when it goes well and when it does not?

    python -m benchmarks.curves --run=RUN --title="..." --out=results/curves-good.png

Draws the panels that docs/tensorboard.md explains from the events of one run, with the first
rows of its last grid below.
"""

import os
import pathlib
import sys
import textwrap

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags
from matplotlib import figure
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from dtn_tf import files
from dtn_tf.scores import figures

_RUN = flags.DEFINE_string("run", None, "Directory of the run.", required=True)
_TITLE = flags.DEFINE_string("title", None, "What the run is, for the title.", required=True)
_OUT = flags.DEFINE_string("out", None, "PNG file to write.", required=True)

_PANELS = {
    "D3: how real D finds it": ("D/D3_G_source", "D/D3_G_target", "D/D3_target"),
    "L_GANG": ("loss/L_GANG_source", "loss/L_GANG_target"),
    "L_CONST and L_TID": ("loss/L_CONST", "loss/L_TID"),
    "read right on validation": ("eval/accuracy_validation",),
}
_GRID_ROWS, _ENLARGED = 2, 2  # of inputs over translations; `images.save_png` enlarges
_DPI, _COLOURS = 90, 200


def main(argv):
    """Draws the picture of one run."""
    if argv[1:]:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    run = pathlib.Path(_RUN.value)
    curves = figures.read_scalars(run / "tb" / "dtn")
    panels = {title: [t for t in tags if t in curves] for title, tags in _PANELS.items()}
    panels = {title: tags for title, tags in panels.items() if tags}
    page = figure.Figure(figsize=(2.9 * len(panels), 3.7), layout="constrained")
    places = page.add_gridspec(2, len(panels), height_ratios=(1.9, 1.0))
    for k, (title, tags) in enumerate(panels.items()):
        _draw_panel(page.add_subplot(places[0, k]), title, tags, curves)
    axes = page.add_subplot(places[1, :])
    axes.imshow(_last_grid(run))
    axes.set_axis_off()
    axes.set_title("the last grid: inputs over translations", fontsize=9)
    page.suptitle(textwrap.fill(_TITLE.value, 110), fontsize=10)
    files.save(_OUT.value, lambda temporary: _save(page, temporary))


def _draw_panel(axes, title, tags, curves):
    for tag in tags:
        axes.plot(*curves[tag], label=tag.partition("/")[2], linewidth=1.3)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("step", fontsize=8)
    axes.grid(alpha=0.3)
    if title.startswith(("D3", "read")):
        axes.set_ylim(0.0, 1.0)
    axes.legend(fontsize=7)


def _last_grid(run):
    picture = np.asarray(Image.open(sorted(run.glob("grids/translations-*.png"))[-1]))
    small = picture[::_ENLARGED, ::_ENLARGED]
    side = (small.shape[1] - 2) // 16
    return small[: _GRID_ROWS * side + 2]


def _save(page, path):
    """In few colours, those of the curves among them: for a page."""
    page.savefig(path, dpi=_DPI)
    picture = Image.open(path).convert("RGB")
    picture.quantize(_COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)


if __name__ == "__main__":
    app.run(main)
