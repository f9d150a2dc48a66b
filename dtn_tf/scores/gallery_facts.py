"""What a gallery page says of a result in words: its numbers, settings, data and nets."""

from dtn_tf.scores import layout
from dtn_tf.scores.hypertext import escaped, table
from dtn_tf.settings import said


def headline(line):
    """The numbers that a result is known by, each beside its floor."""
    found = []
    if line["judge"]:
        found.append(("translated accuracy", layout.percent(line["accuracy"])))
        found.append(("untranslated (floor)", layout.percent(line["original"])))
        found.append(("the judge on real images", _share(line["judge"]["accuracy"])))
    if line.get("distances"):
        part, constancy = line["distances"]["under_independent"], line["distances"]["constancy"]
        found.append(("KID", f"{part['kid']:.3f}"))
        found.append(("KID, real to real (floor)", f"{part['kid_floor']:.3f}"))
        found.append(("f-constancy", layout.percent(constancy["rank_1"])))
        found.append(("by chance", layout.percent(constancy["chance_rank_1"])))
    if line.get("retrieval"):
        part, size = line["retrieval"]["probes"]["translation"], line["retrieval"]["gallery"]
        found.append((f"median rank of {size:,}", f"{part['median_rank']:.0f}"))
        found.append(("by chance", f"{(size + 1) / 2:.0f}"))
    return "".join(f"<div><dt>{escaped(k)}</dt><dd>{escaped(v)}</dd></div>" for k, v in found)


def _share(share):
    return "not known" if share is None else layout.percent(share)


def settings(line):
    """What the run changes of its row, and all settings, folded away."""
    changed = [(k, said(v)) for k, v in sorted(line["changes"].items())]
    every = [(k, said(v)) for k, v in sorted(line["settings"].items())]
    head = (
        f"<p>Changed from the row {escaped(line['row'])}:</p>{table(None, changed)}"
        if changed
        else f"<p>As the row {escaped(line['row'])} has them. Seed {line['seed']}.</p>"
    )
    return f"{head}<details><summary>All settings</summary>{table(None, every)}</details>"


def facts(line):
    """Which pictures, which f, which judge, who trained and who scored it."""
    uses = {"set s": line["data"]["s"], "set t": line["data"]["t"]}
    uses |= {"translated": line["images"], "real images of the target": line["target"]}
    told = {True: "yes", False: "no", None: "there is no publisher"}
    rows = [
        (
            use,
            part["title"],
            _count(part["images"]),
            part["fingerprint"] or "not recorded",
            told[part.get("published")],
        )
        for use, part in uses.items()
    ]
    sets = table(("use", "pictures", "images", "fingerprint", "the publisher's bytes"), rows)
    return sets + table(None, _provenance(line))


def _count(number):
    return "not recorded" if number is None else f"{number:,}"


def _provenance(line):
    trained, scored = line["trained"], line["scored"]
    found = {
        "f": line["f"].get("hash"),
        "judge": layout.judge_of(line) if line["judge"] else None,
        "independent net": (line.get("distances") or {}).get("independent", {}).get("name"),
        "steps": line.get("steps"),
        "trained by commit": trained.get("commit"),
        "trained on": trained.get("processor"),
        "number format": trained.get("precision"),
        "scored by commit": scored.get("commit"),
        "scored": scored.get("time"),
    }
    return [(name, value) for name, value in found.items() if value is not None]
