"""How distances look in tables: what `distances.measure` returned, as Markdown."""

from dtn_tf.scores import layout, results

_HEAD = ("run", "KID (independent)", "floor", "Fréchet", "f-constancy rank-1", "chance")
_HEAD += ("reconstruction",)
_CONTROLS = {
    "kid_reconstructed": "reconstructions of other real images",
    "kid_nearest": "real images nearest to x under f",
}


def table(lines):
    """Lays out the distances of runs that compare, a line each; "" if there are none.

    Args:
        lines: Result lines, of anything. Of each run and seed the newest counts.

    Returns:
        Markdown, its caption naming the net and the numbers of images.
    """
    measured = [line for line in lines if line.get("distances")]
    found = [line for group in results.groups(measured) for line in group]
    if not found:
        return ""
    body = [_cells(line) for line in found]
    return layout.markdown(_caption(found), _HEAD, body, found)


def details(line):
    """Rows of the table "measured | value" for one line: a list of strings; none without."""
    found = line.get("distances")
    if not found:
        return []
    rows = []
    for key, name in (("under_independent", "independent net"), ("under_f", "f")):
        part = found[key]
        rows += [
            (f"KID under {name}, G(x) to real", _kid(part, "kid")),
            ("the same, real to real (floor)", _kid(part, "kid_floor")),
            ("the same, untranslated x to real", _kid(part, "kid_original")),
            (f"Fréchet distance under {name}, G(x) to real (floor)", _frechet(part)),
        ]
        for kid, what in _CONTROLS.items():
            if kid in part:
                rows.insert(-1, (f"the same, {what} to real", _kid(part, kid)))
    constancy, back = found["constancy"], found["reconstruction"]
    rows += [
        ("f-constancy: x is the nearest to G(x) (chance)", _rank_1(constancy)),
        (f"median rank of x among {constancy['n']:,} (chance)", _median_rank(constancy)),
        (f"reconstruction of {back['n']:,} target images", _error(back)),
        ("L_TID of these", f"{back['l_tid']:.4f}"),
    ]
    return [f"| {name} | {value} |" for name, value in rows]


def _caption(lines):
    names = dict.fromkeys(line["distances"]["independent"]["name"] for line in lines)
    counts = dict.fromkeys(f"{line['distances']['n']:,}" for line in lines)
    return (
        f"Distances of translations to real target images; {' and '.join(counts)} images on each"
        f" side. KID (independent net: {'; '.join(names)}): mean over random"
        " subsets; floor: real images to other real ones. Fréchet: under the same net. f-constancy:"
        " how often x is the nearest of all to G(x) under f. Reconstruction: mean absolute error"
        " of G(x) on the target, in grey levels of 255."
    )


def _cells(line):
    found = line["distances"]
    part, constancy = found["under_independent"], found["constancy"]
    return (
        f"{results.name(line)}, seed {line['seed']}",
        f"{part['kid']:.4f}",
        f"{part['kid_floor']:.4f}",
        _frechet(part),
        layout.percent(constancy["rank_1"]),
        _chance(constancy),
        f"{found['reconstruction']['error']:.1f}",
    )


def _kid(part, key):
    """The mean, and where the line knows it the deviation over subsets."""
    deviation = part.get(f"{key}_deviation")
    said = "" if deviation is None else f" (deviation over subsets {deviation:.4f})"
    return f"{part[key]:.4f}{said}"


def _frechet(part):
    if part["frechet"] is None:
        return "none: too few images"
    return f"{part['frechet']:.2f} ({part['frechet_floor']:.2f})"


def _chance(constancy):
    return f"{100 * constancy['chance_rank_1']:.2g} %"


def _rank_1(constancy):
    return f"{layout.percent(constancy['rank_1'])} ({_chance(constancy)})"


def _median_rank(constancy):
    return f"{constancy['median_rank']:g} ({constancy['chance_median_rank']:g})"


def _error(back):
    return f"{back['error']:.1f} grey levels"
