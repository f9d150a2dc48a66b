"""The rows of faces to emoji, of `dtn_face` with one piece changed, and of emoji to faces."""

import statistics

from dtn_tf import presets
from dtn_tf.data import domains
from dtn_tf.scores import layout, results, retrieval_tables

_HEAD = ("method", "row", "f", "KID", "floor", "median rank", "rank-1", "ahead of nearest, points")
_COLUMNS = ("seeds", "images", "of KID", "gallery", "independent net", "descriptor")
_COLUMNS += ("trained by commit", "minutes", "trained on")
_CAPTION = (
    "{x} to {gx}, split {split}. KID: distance of translations to real {gx} under the independent"
    " net; floor: of real ones to other real ones; of KID: images on each side. The descriptor"
    " gets a translation and ranks a gallery, the first images of the split, each in another view."
    " Median rank and rank-1 are of the right one (the paper's Table 4). Ahead of nearest: how much"
    " more often it comes first than for the real image nearest under f, 95 % intervals over"
    " images. One number is one seed; of several ± is the deviation over them."
)
_OTHERS = "Runs that are no row of today: with settings changed, or of an earlier recipe."
_NOUNS = {
    domains.FACE: {"x": "Photos of faces", "gx": "emoji"},
    domains.EMOJI: {"x": "Emoji", "gx": "photos of faces"},
}


def table(lines, split="test"):
    """Lays out what was measured of the rows of faces, and of emoji to faces where it was.

    Args:
        lines: Result lines, of anything.
        split: Of the source.

    Returns:
        Markdown. A row of faces that was not measured says the command that trains it.
    """
    lines = [
        _without_content(line)
        for line in lines
        if (line["kind"], line["split"]) == (results.DISTANCES, split)
    ]
    parts = []
    for domain in domains.FACES:
        of_domain = [line for line in lines if line["domain"] == domain]
        if of_domain or domain == domains.FACE:
            parts.append(_of_domain(domain, of_domain, split))
    return "\n".join(parts)


def _without_content(line):
    """A line whose f is no change of its row: it has a column of its own."""
    changes = {name: value for name, value in line["changes"].items() if name != "content"}
    return {**line, "changes": changes}


def _of_domain(domain, lines, split):
    body, others = [], []
    for row, label, group in layout.by_row(presets.FACES, lines):
        if domain == domains.EMOJI:
            label = label.replace("faces to emoji", "emoji to faces")
        if group:
            cells = (label, row.name, _f(group[0]), *_measured(group), *_facts(group))
            (others if group[0]["changes"] else body).append(cells)
        elif domain == domains.FACE:
            body.append((label, row.name, "", layout.command(row, domain)))
    if domain == domains.FACE:
        body.append((*retrieval_tables.PAPER[:1], "", "DeepFace", "none", "none", *_of_paper()))
    if not body:
        body, others = others, []
    caption = _CAPTION.format(**_NOUNS[domain], split=split)
    head, (body, others), shared = _without_shared((*_HEAD, *_COLUMNS), (body, others))
    text = layout.markdown(caption + shared, head, body, lines)
    return f"{text}\n{layout.markdown(_OTHERS, head, others, ())}" if others else text


def _without_shared(head, tables):
    """Takes out facts that are the same of all rows that were measured: a sentence says them."""
    measured = [cells for body in tables for cells in body if len(cells) == len(head)]
    same = [
        k
        for k in range(len(_HEAD), len(head))
        if len(measured) > 1 and len({cells[k] for cells in measured}) == 1
    ]
    said = "; ".join(f"{head[k]}: {measured[0][k]}" for k in same)
    head, *tables = (
        [tuple(cell for k, cell in enumerate(cells) if k not in same) for cells in rows]
        for rows in ([head], *tables)
    )
    return head[0], tables, f" Equal in every row that is measured: {said}." if said else ""


def _f(line):
    """What f is, for people."""
    settings = line["settings"]
    kind = settings.get("content", "auto")
    if kind in ("auto", "unlabelled"):
        return "learnt without labels"
    name = kind.removeprefix("face:")
    is_student = kind != name and settings.get("content_student", True)
    return f"student of {name}" if is_student else name


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
