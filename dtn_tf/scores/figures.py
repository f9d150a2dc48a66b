"""Results -> pictures that say which data they show."""

import pathlib
import textwrap

import numpy as np
import tensorflow as tf
from matplotlib import figure
from tensorboard.backend.event_processing import event_accumulator

from dtn_tf import files, images
from dtn_tf.scores import layout, results

_CURVES = ("L_D", "L_GANG_source", "L_GANG_target", "L_CONST", "L_TID")
_DPI = 130
_MOST_COUNTS = 30  # classes, to which the counts of a matrix can be read


def draw_confusion(line, path):
    """Draws the confusion matrix: rows are true classes, columns what the judge read.

    Args:
        line: Result line.
        path: PNG file to write.
    """
    page = figure.Figure(figsize=(7, 6.4), layout="constrained")
    axes = page.add_subplot()
    picture = _confusion(axes, line, 8)
    page.colorbar(picture, label=f"share of the true {layout.class_word(line)}", shrink=0.8)
    word = layout.class_word(line)
    axes.set(xlabel="read by the judge from the translation", ylabel=f"true {word}")
    axes.set_title(_title(line), fontsize=10)
    _save(page, path)


def draw_confusions(lines, path, columns=4):
    """Draws the confusion matrices of several runs on one page.

    Args:
        lines: Result lines, of one source and one target.
        path: PNG file to write.
        columns: Matrices per row.
    """
    columns = min(columns, len(lines))
    rows = -(-len(lines) // columns)
    page = figure.Figure(figsize=(3.6 * columns, 3.7 * rows + 0.8), layout="constrained")
    for k, line in enumerate(lines):
        axes = page.add_subplot(rows, columns, k + 1)
        _confusion(axes, line, 5)
        axes.set_title(_short(line), fontsize=9)
    title = (
        f"{_data(lines[0])}, n = {lines[0]['images']['images']:,}. Down: true digit,"
        " across: what the judge read from the translation"
    )
    page.suptitle(textwrap.fill(title, 44 * columns), fontsize=10)  # else one matrix is too narrow
    _save(page, path)


def columns_of(size):
    """How many images of a size stand in a row: 16 of 32 pixels, 8 of larger ones."""
    return max(512 // size, 8)


def draw_translations(line, x, gx, path, columns=None):
    """Draws inputs over their translations, uncurated.

    Args:
        line: Result line, for the title.
        x: uint8 `(n, height, width, channels)`, source images.
        gx: uint8 `(n, height, width, channels)`, their translations.
        path: PNG file to write.
        columns: Images per row; None is what suits their size, see `columns_of`.
    """
    columns = min(columns or columns_of(gx.shape[2]), len(gx))
    grid = images.to_grid(images.paired_rows(x, gx, columns), columns)
    page = figure.Figure(figsize=(9, 9 * grid.shape[0] / grid.shape[1] + 0.5), layout="constrained")
    axes = page.add_subplot()
    # Pixels as they are, while there is room for two of the page for each of them.
    is_small = grid.shape[1] * 2 < page.get_figwidth() * _DPI
    axes.imshow(grid, interpolation="nearest" if is_small else "antialiased")
    axes.set_axis_off()
    axes.set_title(f"{_title(line)}\nodd rows: input, even rows: translation", fontsize=10)
    _save(page, path)


def draw_rows(x, rows, path, digit=None):
    """Draws what several runs make of the same images, one run per row.

    Args:
        x: uint8 `(n, height, width, channels)`, source images: the first row.
        rows: Pairs of a result line and uint8 `(at least n, height, width, channels)`, what
            its run made of the images.
        path: PNG file to write.
        digit: The one that all images show: how often it is read right is what a row's
            label then says. None for images of all digits.
    """
    rows = list(rows)
    page = figure.Figure(figsize=(11, 0.67 * (len(rows) + 1) + 0.4), layout="constrained")
    all_axes = page.subplots(len(rows) + 1, 1)
    labels = ["input"] + [_short(line, digit) for line, _ in rows]
    for axes, label, part in zip(all_axes, labels, [x, *(gx for _, gx in rows)], strict=True):
        axes.imshow(images.to_grid(part[: len(x)], len(x)), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
        for spine in axes.spines.values():
            spine.set_visible(False)
    page.suptitle(f"{_data(rows[0][0])}{_of_rows(rows[0][0], digit)}", fontsize=10)
    _save(page, path)


def draw_curves(runs, path):
    """Draws the loss terms of several runs over their steps.

    Args:
        runs: Pairs of a result line and its run's curves, see `read_scalars`.
        path: PNG file to write.
    """
    page = figure.Figure(figsize=(11, 2.6 * len(_CURVES)), layout="constrained")
    all_axes = page.subplots(len(_CURVES), 1, sharex=True)
    for k, (line, curves) in enumerate(runs):
        style = {"color": f"C{k % 10}", "linestyle": "-" if k < 10 else "--", "linewidth": 1.2}
        for axes, name in zip(all_axes, _CURVES, strict=True):
            axes.plot(*curves.get(f"loss/{name}", ((), ())), label=_short(line), **style)
    for axes, name in zip(all_axes, _CURVES, strict=True):
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    all_axes[-1].set_xlabel("step")
    lines, names = all_axes[0].get_legend_handles_labels()
    page.legend(lines, names, loc="outside lower center", fontsize=9, ncols=4)
    page.suptitle(f"{_data(runs[0][0])}: loss terms, unweighted", fontsize=10)
    _save(page, path)


def read_scalars(directory):
    """Reads TensorBoard events: tag -> (steps, values), of a run that was resumed too.

    Args:
        directory: Folder of event files.

    Returns:
        Dict of pairs of lists; empty if there are no events.
    """
    if not pathlib.Path(directory).is_dir():
        return {}
    tensors = event_accumulator.EventAccumulator(str(directory), size_guidance={"tensors": 0})
    tensors.Reload()
    curves = {}
    for tag in tensors.Tags()["tensors"]:
        at = {}
        for event in tensors.Tensors(tag):  # a step that was done twice counts once
            value = tf.make_ndarray(event.tensor_proto)
            if value.dtype.kind == "f" and value.ndim == 0:
                at[event.step] = float(value)
        if at:
            curves[tag] = (sorted(at), [at[step] for step in sorted(at)])
    return curves


def _confusion(axes, line, fontsize):
    counts = np.array(line["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape) if len(counts) <= _MOST_COUNTS else ():
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = str(counts[row, column]) if counts[row, column] else "·"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=fontsize)
    names = [textwrap.shorten(name, 20, placeholder="…") for name in layout.classes_of(line)]
    ticks = {"ticks": range(len(counts)), "labels": names}
    is_long = max(map(len, names)) > 2
    axes.set_xticks(**ticks, rotation=45 if is_long else 0, ha="right" if is_long else "center")
    axes.set_yticks(**ticks)
    return picture


def _title(line):
    if line["judge"] is None:
        return textwrap.fill(f"{results.name(line)}: {_data(line)}", 100)
    share = f"{line['accuracy']:.1%} of {line['images']['images']:,}"
    return textwrap.fill(f"{results.name(line)}: {_data(line)}, {share}", 100)


def _of_rows(line, digit):
    """What a figure of rows shows, by the line of one of them."""
    if line["judge"] is None:
        return ": the same images through every row"
    shown = "all digits" if digit is None else f"digit {digit} alone"
    return f", {shown}: the same images through every row, and the share read right"


def _short(line, digit=None):
    if line["judge"] is None:
        return textwrap.fill(f"{results.name(line)} {_numbers(line)}", 40)
    share = line["accuracy"] if digit is None else line["per_digit"][digit]
    said = "no image" if share is None else f"{share:.1%}"
    return textwrap.fill(f"{results.name(line)} {said}", 40)


def _numbers(line):
    """What is known by a line of no judge: KID, and the median rank where it was asked for."""
    kid = f"KID {line['distances']['under_independent']['kid']:.2f}"
    if not line.get("retrieval"):
        return kid
    return f"{kid}, median rank {line['retrieval']['probes']['translation']['median_rank']:g}"


def _data(line):
    return f"{line['images']['title']} to {line['target']['title']}"


def _save(page, path):
    # Tight: or the longest name of a row is cut off, and images leave a margin.
    save = {"dpi": _DPI, "bbox_inches": "tight"}
    files.save(path, lambda temporary: page.savefig(temporary, **save))
