"""The paper's tables, and ours of the same kind: rows of `presets`, measured, as Markdown.

Every function takes result lines of anything and picks its own; see `report.table`.
"""

import numpy as np

from dtn_tf import presets
from dtn_tf.data import domains
from dtn_tf.scores import control_tables, layout, paired, results
from dtn_tf.scores.layout import percent, spread

REFERENCE = "dtn"  # the row that others are compared with; of pieces it is the whole
_OURS = ("dtn_adapted", "dtn_best")  # not the paper's, and in README where they are measured
_WAYS = ("nearest_neighbour", "classifier", "nearest_neighbour_of_g", "classifier_of_g")


def domain_of(name):
    """Returns the source domain of a table's runs."""
    return domains_of(name)[0]


def domains_of(name):
    """Returns the source domains of a table's runs; the first is that of its rows."""
    return {"reverse": ("mnist",), presets.FACES: domains.FACES}.get(name, ("svhn",))


def accuracy(name, lines, split):
    """Table 1, and the same of the reverse direction; with no name, what was measured alone."""
    domain = domain_of(name) if name else None
    controls = _of(lines, results.CONTROL, domain, split)
    lines = _of(lines, "score", domain, split)
    references = paired.references(lines, REFERENCE)
    caption = f"Accuracy of the judge on translated images, split {split}."
    head = ("method", "row", "paper", "ours", *_beside(REFERENCE))
    body = []
    for row, label, group in layout.by_row(name, lines):
        paper = layout.paper(row, name)
        if group:
            ours = spread([line["accuracy"] for line in group])
            body.append((label, row.name, paper, ours, *_facts(group, references)))
        else:
            body.append((label, row.name, paper, layout.command(row, domain_of(name))))
    body += control_tables.rows(controls, references, name)
    return layout.markdown(caption, head, body + _originals(name, lines), lines)


def _beside(reference):
    """Names of the columns that follow an accuracy: what `_facts` gives."""
    return layout.DIFFERENCE.format(reference), layout.SWING, *layout.COLUMNS


def _facts(group, references):
    return paired.said(group, references), layout.swing(group), *layout.facts(group)


def _originals(name, lines):
    """The untranslated images: of each judge and set of images one line."""
    first = {}
    for line in lines:
        first.setdefault((str(line["judge"]), str(line["images"])), line)
    paper = percent(presets.ORIGINAL) if name == "1" else "none"
    body = []
    for line in first.values():
        label = _original(line)
        seen = (layout.images_of(line), layout.judge_of(line))
        body.append((label, "", paper, percent(line["original"]), "", "", "no run", *seen))
    return body


def _original(line):
    title, task = line["images"]["title"], domains.TASKS.get(line["domain"])
    is_real = task and task.source.title in title
    return f"Original {task.source.title} image" if is_real else f"Original image: {title}"


def unseen(lines, split):
    """Table 3: the digit that was not shown, and the others."""
    digit = presets.UNSEEN
    lines = _of(lines, "score", domain_of("3"), split)
    caption = (
        f"Accuracy of the judge on translated images of the digit {digit}, and on those of the"
        f" other digits (mean per digit), split {split}."
    )
    columns = (layout.SWING, *layout.COLUMNS)
    head = ("condition", "row", "paper", str(digit), "other digits", *columns)
    body = []
    for row, label, group in layout.by_row("3", lines):
        first = (label, row.name, layout.paper(row, "3"))
        if group:
            unseen = spread([line["per_digit"][digit] for line in group])
            others = spread([_mean_of_others(line["per_digit"]) for line in group])
            body.append((*first, unseen, others, layout.swing(group), *layout.facts(group)))
        else:
            body.append((*first, layout.command(row, domain_of("3"))))
    return layout.markdown(caption, head, body, lines)


def _mean_of_others(per_digit):
    return np.mean([v for k, v in enumerate(per_digit) if k != presets.UNSEEN and v is not None])


def pieces(lines):
    """What each piece of `dtn_adapted` does: on validation, where it was chosen, and on test."""
    domain = domain_of("pieces")
    chosen = _of(lines, "score", domain, "validation")
    lines = _of(lines, "score", domain, "test")
    caption = (
        "Accuracy of the judge on translated images: of the validation split, where settings"
        " are chosen, and of the test split."
    )
    whole = "dtn_adapted"
    references = paired.references(lines, whole)
    head = ("what is changed", "row", "validation", "test", *_beside(whole))
    body = []
    for row, label, group in layout.by_row("pieces", lines):
        label = label if label != presets.ROWS[whole].label else "all of it"
        if group:
            validation = spread([_validation(line, chosen) for line in group])
            test = spread([line["accuracy"] for line in group])
            body.append((label, row.name, validation, test, *_facts(group, references)))
        else:
            body.append((label, row.name, layout.command(row, domain)))
    return layout.markdown(caption, head, body, lines)


def _validation(line, chosen):
    """Accuracy of the same run, read by the same judge, on the validation split; or None."""
    found = [
        other["accuracy"]
        for other in chosen
        if other["trained"] == line["trained"]
        and other["seed"] == line["seed"]
        and results.identity(other) == results.identity(line)
        and results.judges_agree(other, line)
    ]
    return found[-1] if found else None


def adaptation(lines):
    """Table 2: what translations and their source labels teach a classifier."""
    lines = _of(lines, "adaptation", domain_of("2"), "test")
    caption = (
        "Accuracy on test images of the target, learnt from translations and their source labels"
        " alone. G(x): each of these images is read as G paints it. f: what f itself takes the"
        " images for, with no picture in between."
    )
    ways = ("nearest neighbour", "classifier", "nearest neighbour, G(x)", "classifier, G(x)")
    columns = ("seeds", "test images", "classifier's steps", *layout.COLUMNS[3:])
    head = ("method", "row", "reference set", "paper, nearest neighbour", *ways, "f", *columns)
    body = [(name, "", "", percent(share)) for name, share in presets.OTHERS.items()]
    for row, label, group in layout.by_row("2", lines):
        for k, split in enumerate(("train", "test")):
            share = row.paper["2"][k]
            first = (label, row.name), ("none" if share is None else percent(share),)
            if group:
                body.append(_adapted(*first, [line["rows"][split] for line in group], group))
            else:
                why = layout.command(row, domain_of("2"))
                body.append((*first[0], f"G(SVHN {split})", *first[1], why))
    return layout.markdown(caption, head, body, lines)


def _adapted(label, paper, rows, group):
    reference = f"{rows[0]['reference']}, {rows[0]['images']:,}"
    values = [spread([row.get(way) for row in rows]) for way in _WAYS]
    target = group[0]["target"]
    of_f = spread([line["f"]["accuracy"].get(target["title"]) for line in group])
    seen = f"{target['title']}, {target['images']:,}"
    seeds, _, _, *by = layout.facts(group)
    steps = layout.steps_of(group[0]) or "not recorded"
    return (*label, reference, *paper, *values, of_f, seeds, seen, steps, *by)


def readme(lines):
    """The paper's rows, and ours where they are measured, in few columns.

    Of groups that may not be averaged the one of most seeds, and among equals the newest.
    """
    lines = _of(lines, "score", domain_of("1"), "test")
    best = {}
    for row, _, group in layout.by_row("1", lines):
        if group and not group[0]["changes"] and len(group) > len(best.get(row.name, ())):
            best[row.name] = group
    head = ("method", "row", "paper", "ours", "seeds", "why")
    body = []
    for row in presets.rows_of("1"):
        group = best.get(row.name)
        if row.paper["1"] is None and not (row.name in _OURS and group):
            continue
        ours = spread([line["accuracy"] for line in group]) if group else "not measured"
        seeds = str(len(group or ()))
        body.append((row.label, row.name, layout.paper(row, "1"), ours, seeds, row.note))
    return layout.markdown("", head, body, ())


def _of(lines, kind, domain, split):
    return [
        line
        for line in lines
        if (line["kind"], line["split"]) == (kind, split)
        and line["domain"] == (domain or line["domain"])
        and not line.get("retired")
    ]
