"""How retrieval looks in tables: what `retrieval.measure` returned, as Markdown."""

from dtn_tf.data import domains
from dtn_tf.scores import layout, results

_NAMES = {
    "source": "the source image itself",
    "translation": "translation G(x)",
    "nearest": "nearest real target image under f",
    "unrelated": "a target image at random",
}
PAPER = ("the paper's DTN emoji, gallery of 100,001", "16", "535.5", "22.9 %", "34.8 %")
_HEAD = ("what asks", "median rank", "mean rank", "rank-1", "rank-5")


def table(line):
    """Lays out the retrieval of one line, as the paper's Table 4; "" if it has none.

    Returns:
        Markdown, its captions naming the descriptor and the galleries.
    """
    found = line.get("retrieval")
    if not found:
        return ""
    paper = [PAPER] if line["domain"] == domains.FACE else []  # it has no emoji to faces
    large = {k: part["large"] for k, part in found["probes"].items()}
    parts = [
        _part(line, found, found["probes"], _of_gallery(found, found["gallery"])),
        _part(line, found, large, _of_gallery(found, found["large_gallery"]), paper),
    ]
    people = found["people"]
    if people:
        caption = (
            f"{people['title']}: {people['n']} photos of {people['people']} people. The rank of"
            " the first other photo of the same person. In brackets 95 % intervals over people."
        )
        parts.append(_part(line, people, people["probes"], caption))
    return "\n".join(parts)


def of_colours(found):
    """Lays out how the colours of hair and skin follow the source: Markdown.

    Args:
        found: What a result line has under "colours".
    """
    body = [
        (
            region,
            *(f"{found['followed'][region][kind]:.2f}" for kind in ("translation", "nearest")),
            layout.percent(max(found["f"][region], 0.0)),
        )
        for region in found["f"]
    ]
    caption = (
        f"Colours of {found['n']:,} faces: the correlation of a region's median colour in the"
        " source image with that in the picture (1 follows it, 0 does not), and the share of its"
        " variance that a ridge regression reads out of f(x)."
    )
    head = ("region", _NAMES["translation"], _NAMES["nearest"], "held by f")
    return layout.markdown(caption, head, body, [])


def details(line):
    """Rows of the table "measured | value" for one line: a list of strings; none without."""
    found = line.get("retrieval")
    if not found:
        return []
    part = found["probes"]["translation"]
    low, high = found["ahead"]
    rows = [
        (f"median rank of x among {found['gallery']:,}", _rank(part)),
        ("rank-1", f"{layout.percent(part['rank_1'])} {_shares(part['rank_1_interval'])}"),
        ("rank-1, more than the nearest real image has", _shares((low, high))),
    ]
    return [f"| {name} | {value} |" for name, value in rows]


def _of_gallery(found, size):
    name = found["descriptor"]["name"]
    return (
        f"Retrieval, as the paper's Table 4: the rank of another view of x among other views"
        f" of {size:,} images, asked with {found['n']:,} pictures of each kind. Descriptor: {name},"
        " each kind centred on its own mean. In brackets 95 % intervals over images."
    )


def _part(line, found, probes, caption, more=()):
    body = [
        (
            _NAMES[k],
            _rank(part),
            f"{part['mean_rank']:.1f}",
            f"{layout.percent(part['rank_1'])} {_shares(part['rank_1_interval'])}",
            layout.percent(part["rank_5"]),
        )
        for k, part in probes.items()
    ]
    caption = f"{results.name(line)}, seed {line['seed']}. {caption}"
    return layout.markdown(caption, _HEAD, [*body, *more], [line])


def _rank(part):
    low, high = part["median_rank_interval"]
    return f"{part['median_rank']:g} ({round(low, 1):g} to {round(high, 1):g})"


def _shares(interval):
    low, high = (f"{100 * v:.1f}" for v in interval)
    return f"({low} to {high} %)"
