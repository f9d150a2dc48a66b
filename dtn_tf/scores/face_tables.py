"""The rows of faces to emoji, and of `dtn_face` with one piece changed, as one table."""

import statistics

from dtn_tf import presets
from dtn_tf.scores import layout, results, retrieval_tables

_HEAD = ("method", "row", "KID", "floor", "median rank", "rank-1", "ahead of nearest, points")
_COLUMNS = ("seeds", "images", "of KID", "gallery", "independent net", "descriptor")
_COLUMNS += ("trained by commit", "minutes", "trained on")
_CAPTION = (
    "Photos of faces to emoji, split {}. KID: distance of emoji to real ones under the independent"
    " net; floor: of real ones to other real ones; of KID: images on each side. Median rank and"
    " rank-1: of the photo among those of the gallery, the first ones of the split, each in another"
    " view, asked with its emoji (the paper's Table 4). Ahead of nearest: how much more often the"
    " photo comes first than for the real emoji nearest under f, 95 % intervals over images."
    " One number is one seed; of several ± is the deviation over them."
)


def table(lines, split="test"):
    """Lays out what was measured of the rows of faces.

    Args:
        lines: Result lines, of anything.
        split: Of the photos.

    Returns:
        Markdown. A row that was not measured says the command that trains it.
    """
    wanted = ("face", results.DISTANCES, split)
    lines = [line for line in lines if (line["domain"], line["kind"], line["split"]) == wanted]
    body = []
    for row, label, group in layout.by_row(presets.FACES, lines):
        if group:
            body.append((label, row.name, *_measured(group), *_facts(group)))
        else:
            body.append((label, row.name, layout.command(row, "face")))
    body.append((*retrieval_tables.PAPER[:1], "", "none", "none", *_of_paper()))
    return layout.markdown(_CAPTION.format(split), (*_HEAD, *_COLUMNS), body, lines)


def _measured(group):
    parts = [line["distances"]["under_independent"] for line in group]
    if not group[0].get("retrieval"):  # nor of the others, see `results.groups`
        asked = ["not measured"] * 3
    else:
        found = [line["retrieval"] for line in group]
        ours = [part["probes"]["translation"] for part in found]
        asked = [
            _spread([part["median_rank"] for part in ours], "{:.1f}"),
            layout.spread([part["rank_1"] for part in ours]),
            "; ".join(_interval(part["ahead"]) for part in found),
        ]
    return (*(_spread([p[k] for p in parts], "{:.4f}") for k in ("kid", "kid_floor")), *asked)


def _facts(group):
    seeds, images, _, commits, minutes, trained_on = layout.facts(group)
    first = group[0]
    distances, retrieval = first["distances"], first.get("retrieval")
    sizes = f"{distances['n']:,}", f"{retrieval['gallery']:,}" if retrieval else "none"
    nets = _net(distances["independent"]), _net(retrieval["descriptor"]) if retrieval else "none"
    return seeds, images, *sizes, *nets, commits, minutes, trained_on


def _net(facts):
    return f"{facts['name']}, {layout.short(facts['hash'])}"


def _of_paper():
    _, median, _, rank_1, _ = retrieval_tables.PAPER
    return median, rank_1


def _spread(values, form):
    mean = form.format(statistics.fmean(values))
    return f"{mean} ± {form.format(statistics.stdev(values))}" if len(values) > 1 else mean


def _interval(shares):
    return " to ".join(f"{100 * v:+.1f}" for v in shares)
