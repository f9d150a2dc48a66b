"""Markdown of our own tables, and curves, as HTML and SVG. All text in it is escaped."""

import html
import math
import re

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 340, 170, 52, 22, 10  # of a curve, in user units
_MOST_POINTS = 300  # of a curve: no screen shows more


def escaped(value):
    """Text that means nothing to a browser, in an attribute either."""
    return html.escape(str(value), quote=True)


def tables(text):
    """Turns Markdown as `layout.markdown` and `report.details` write it into HTML.

    Args:
        text: Paragraphs, and tables of lines that begin with "|".

    Returns:
        HTML: <p> and <table>. Words in backticks are <code>; nothing else is marked up.
    """
    found, block = [], []
    for line in [*text.splitlines(), ""]:
        if block and line.startswith("|") != block[0].startswith("|"):
            found.append(_block(block))
            block = []
        block += [line] if line.strip() else []
    return "\n".join([*found, *([_block(block)] if block else [])])


def table(head, rows):
    """A table of text.

    Args:
        head: Names of columns; None for a table whose first cells name their rows.
        rows: Sequences of cells, one for each row.
    """
    top = "" if head is None else f"<thead>{_row(head, 'th scope=col')}</thead>"
    body = "".join(_row(cells, "td", "th scope=row") for cells in rows)
    return f'<div class="wide" tabindex="0"><table>{top}<tbody>{body}</tbody></table></div>'


def curve(title, series):
    """Draws curves over steps, one panel.

    Args:
        title: For people.
        series: Dict, name -> (steps, values). Values that are not finite are left out.

    Returns:
        HTML: <figure> with an inline <svg>, its last values in words; "" if there is no point.
    """
    kept = {name: _finite(*pair) for name, pair in series.items()}
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        return ""
    x, y = _scales([point for points in kept.values() for point in points])
    lines = [_line(k, points, x, y) for k, points in enumerate(kept.values())]
    last = "; ".join(
        f'<b class="s{k}">{escaped(name)}</b> {points[-1][1]:.4g}'
        for k, (name, points) in enumerate(kept.items())
    )
    steps = max(points[-1][0] for points in kept.values())
    label = escaped(f"{title} over the steps of training")
    svg = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f"{_axes(x, y)}{''.join(lines)}</svg>"
    )
    head = "" if [*kept] == [title] else f"{escaped(title)}. "
    caption = f"{head}{last} at step {steps:,}"
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _block(lines):
    if not lines[0].startswith("|"):
        return "\n".join(f"<p>{_marked(line)}</p>" for line in lines)
    rows = [[cell.strip() for cell in _cells(line)] for line in lines]
    rows = [cells for cells in rows if not all(re.fullmatch(":?-+:?", cell) for cell in cells)]
    return table(rows[0], rows[1:])


def _cells(line):
    """The cells of a line of a table, as `layout.cell` wrote them."""
    parts = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [part.replace(r"\|", "|") for part in parts]


def _row(cells, tag, first=None):
    marked = [
        f"<{name}>{_marked(cell)}</{name.split()[0]}>"
        for name, cell in zip([first or tag, *[tag] * (len(cells) - 1)], cells, strict=True)
    ]
    return f"<tr>{''.join(marked)}</tr>"


def _marked(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))


def _finite(steps, values):
    """Points of a curve that can be drawn, thinned evenly; the last one is among them."""
    points = [pair for pair in zip(steps, values, strict=True) if math.isfinite(pair[1])]
    every = -(-len(points) // _MOST_POINTS) or 1
    return points[::-1][::every][::-1]


def _scales(points):
    """Pairs of the least and the greatest step, and of value; never an empty range."""
    (x0, x1), (y0, y1) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
    return (x0, x1 if x1 > x0 else x0 + 1), (y0, y1 if y1 > y0 else y0 + (abs(y0) or 1.0))


def _place(value, ends, begin, length):
    return begin + (value - ends[0]) / (ends[1] - ends[0]) * length


def _line(k, points, x, y):
    inner = _HEIGHT - _BOTTOM - _TOP
    places = [
        f"{_place(step, x, _LEFT, _WIDTH - _LEFT - 8):.1f},"
        f"{_HEIGHT - _BOTTOM - _place(value, y, 0.0, inner):.1f}"
        for step, value in points
    ]
    if len(places) == 1:
        at = places[0].split(",")
        return f'<circle class="s{k}" cx="{at[0]}" cy="{at[1]}" r="3"/>'
    return f'<polyline class="s{k}" points="{" ".join(places)}"/>'


def _axes(x, y):
    low = _HEIGHT - _BOTTOM
    texts = (
        (_LEFT - 5, low, "end", f"{y[0]:.3g}"),
        (_LEFT - 5, _TOP + 8, "end", f"{y[1]:.3g}"),
        (_LEFT, low + 15, "start", f"{x[0]:,}"),
        (_WIDTH - 8, low + 15, "end", f"{x[1]:,}"),
    )
    said = "".join(
        f'<text x="{a}" y="{b}" text-anchor="{anchor}">{text}</text>'
        for a, b, anchor, text in texts
    )
    return f'<path class="axis" d="M{_LEFT} {_TOP}V{low}H{_WIDTH - 8}"/>{said}'
