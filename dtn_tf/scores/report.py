"""Result lines -> tables as Markdown, printed or filled into marked blocks of the pages.

    python -m dtn_tf.scores.report          # fills README.md and docs/*.md
    python -m dtn_tf.scores.report --check  # exits with 1 if a page is not what it would write

A block of a page is what stands between `<!-- table: 1 -->` and `<!-- end -->`.
"""

import argparse
import pathlib
import re
import sys

import numpy as np

from dtn_tf import files, presets
from dtn_tf.data import domains
from dtn_tf.errors import UserError
from dtn_tf.scores import layout, results
from dtn_tf.scores.layout import percent, spread

_BLOCK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OF_ACCURACY = ("1", "3", "reverse")  # one kind of result, of any split
_WAYS = ("nearest_neighbour", "classifier", "nearest_neighbour_of_g", "classifier_of_g")


def table(name, lines, split="test", with_changes=True):
    """Lays out what was measured, beside the paper's numbers.

    Runs of one kind, data, f, judge and set of images make one line of the table: mean and
    sample standard deviation over their seeds. A run with changed settings is a line of its own.

    Args:
        name: One of `presets.TABLES`; "readme", the short one; or None, rows of any table.
        lines: Result lines, of anything.
        split: Of the source domain; the tables of classifiers and of pieces know theirs.
        with_changes: Whether runs with changed settings are shown.

    Returns:
        Markdown.
    """
    lines = [line for line in lines if with_changes or not line["changes"]]
    if name == "2":
        return _adaptation(lines)
    if name == "3":
        return _unseen(lines, split)
    if name == "pieces":
        return _pieces(lines)
    if name == "readme":
        return _readme(lines)
    return _accuracy(name, lines, split)


def table_of(line):
    """Returns the table of accuracies that has a row for the run of a line; None if none has."""
    row = presets.ROWS.get(line["row"])
    found = [name for name in presets.TABLES if row and name in row.paper and name in _OF_ACCURACY]
    return next((name for name in found if domain_of(name) == line["domain"]), None)


def domain_of(name):
    """Returns the source domain of a table's runs."""
    return "mnist" if name == "reverse" else "svhn"


def retired(lines):
    """Says which results are of settings that no longer exist; "" if none is."""
    found = {}
    for line in results.retired(lines):
        found.setdefault(f"{line['row']} ({line['retired']})", set()).add(line["seed"])
    said = [
        f"{name}, seeds {', '.join(map(str, sorted(seeds)))}"
        for name, seeds in sorted(found.items())
    ]
    return f"In no table any more: {'; '.join(said)}.\n" if said else ""


def write_docs(folder, check=False):
    """Fills the marked blocks of README.md and docs/*.md from results/results.jsonl.

    Args:
        folder: Root of the checkout.
        check: Whether to leave the pages as they are.

    Returns:
        List of paths: the pages that were, or with `check` would be, changed.

    Raises:
        UserError: If the results are torn, or a block has a name that no table has.
    """
    folder = pathlib.Path(folder)
    lines, warnings = results.read(folder / "results" / "results.jsonl")
    if warnings:
        raise UserError("; ".join(warnings))
    changed = []
    for path in (folder / "README.md", *sorted((folder / "docs").glob("*.md"))):
        old = path.read_text(encoding="utf-8")
        new = _BLOCK.sub(lambda match, path=path: _block(match, path, lines), old)
        if new != old:
            changed.append(path)
            if not check:
                files.save_text(path, new)
    return changed


def details(line):
    """What stands behind one result, as Markdown."""
    digits = " | ".join(str(k) for k in range(len(line["per_digit"])))
    shares = " | ".join("none" if v is None else percent(v) for v in line["per_digit"])
    f_lines = [f"| f on {title} | {percent(v)} |" for title, v in line["f"]["accuracy"].items()]
    text = [
        f"Run {results.name(line)}, seed {line['seed']}: {layout.images_of(line)}. Judge:"
        f" a classifier of {line['target']['title']}, {layout.judge_of(line)}.",
        "",
        "| measured | value |",
        "|---|---|",
        f"| translated accuracy | {percent(line['accuracy'])} |",
        f"| untranslated accuracy | {percent(line['original'])} |",
        *f_lines,
        f"| Fréchet distance, translated to real | {line['frechet']:.2f} |",
        f"| the same, real to real (floor) | {line['frechet_floor']:.2f} |",
        "",
        f"| digit | {digits} |",
        "|---" * (len(line["per_digit"]) + 1) + "|",
        f"| translated accuracy | {shares} |",
    ]
    return "\n".join(text) + "\n"


def _accuracy(name, lines, split):
    """Table 1, and the same of the reverse direction; with no name, what was measured alone."""
    lines = _of(lines, "score", domain_of(name) if name else None, split)
    caption = f"Accuracy of the judge on translated images, split {split}."
    head = ("method", "row", "paper", "ours", *layout.COLUMNS)
    body = []
    for row, label, group in layout.by_row(name, lines):
        paper = layout.paper(row, name)
        if group:
            ours = spread([line["accuracy"] for line in group])
            body.append((label, row.name, paper, ours, *layout.facts(group)))
        else:
            body.append((label, row.name, paper, layout.command(row, domain_of(name))))
    return layout.markdown(caption, head, body + _originals(name, lines), lines)


def _originals(name, lines):
    """The untranslated images: of each judge and set of images one line."""
    first = {}
    for line in lines:
        first.setdefault((str(line["judge"]), str(line["images"])), line)
    paper = percent(presets.ORIGINAL) if name == "1" else "none"
    body = []
    for line in first.values():
        label = f"Original {domains.TASKS[line['domain']].source.title} image"
        seen = (layout.images_of(line), layout.judge_of(line))
        body.append((label, "", paper, percent(line["original"]), "no run", *seen, "", ""))
    return body


def _unseen(lines, split):
    digit = presets.UNSEEN
    lines = _of(lines, "score", domain_of("3"), split)
    caption = (
        f"Accuracy of the judge on translated images of the digit {digit}, and on those of the"
        f" other digits (mean per digit), split {split}."
    )
    head = ("condition", "row", "paper", str(digit), "other digits", *layout.COLUMNS)
    body = []
    for row, label, group in layout.by_row("3", lines):
        first = (label, row.name, layout.paper(row, "3"))
        if group:
            unseen = spread([line["per_digit"][digit] for line in group])
            others = spread([_mean_of_others(line["per_digit"]) for line in group])
            body.append((*first, unseen, others, *layout.facts(group)))
        else:
            body.append((*first, layout.command(row, domain_of("3"))))
    return layout.markdown(caption, head, body, lines)


def _mean_of_others(per_digit):
    return np.mean([v for k, v in enumerate(per_digit) if k != presets.UNSEEN and v is not None])


def _pieces(lines):
    """On validation, where settings are chosen, and on test."""
    domain = domain_of("pieces")
    chosen = _of(lines, "score", domain, "validation")
    lines = _of(lines, "score", domain, "test")
    caption = (
        "Accuracy of the judge on translated images: of the validation split, where settings"
        " are chosen, and of the test split."
    )
    head = ("what is changed", "row", "validation", "test", *layout.COLUMNS)
    body = []
    for row, label, group in layout.by_row("pieces", lines):
        label = label if label != presets.ROWS["dtn_adapted"].label else "all of it"
        if group:
            validation = spread([_validation(line, chosen) for line in group])
            test = spread([line["accuracy"] for line in group])
            body.append((label, row.name, validation, test, *layout.facts(group)))
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


def _adaptation(lines):
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


def _readme(lines):
    """The paper's rows and our best one, in few columns."""
    lines = _of(lines, "score", domain_of("1"), "test")
    best = {}
    for row, _, group in layout.by_row("1", lines):
        if group and not group[0]["changes"] and len(group) >= len(best.get(row.name, ())):
            best[row.name] = group
    head = ("method", "row", "paper", "ours", "seeds", "why")
    body = []
    for row in presets.rows_of("1"):
        if row.paper["1"] is None and row.name != "dtn_adapted":
            continue
        group = best.get(row.name)
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


def _block(match, path, lines):
    begin, name, end = match.groups()
    if name not in (*presets.TABLES, "readme"):
        known = ", ".join((*presets.TABLES, "readme"))
        raise UserError(f"{path}: there is no table {name!r}; expected one of {known}.")
    # One-off changes have their place where pieces are compared.
    return f"{begin}{table(name, lines, with_changes=name == 'pieces')}{end}"


def main(argv=None):
    """The command; see the head of the file."""
    parser = argparse.ArgumentParser(prog="python -m dtn_tf.scores.report")
    parser.add_argument("--check", action="store_true", help="Write nothing; exit 1 if stale.")
    check = parser.parse_args(argv).check
    folder = pathlib.Path(__file__).resolve().parents[2]
    if not (folder / "README.md").exists():
        sys.exit(f"error: {folder} has no README.md: this command is for a checkout.")
    try:
        changed = write_docs(folder, check)
    except UserError as error:
        sys.exit(f"error: {error}")
    for path in changed:
        print(f"{path}: {'is not what its results say' if check else 'written'}")
    sys.exit(1 if check and changed else 0)


if __name__ == "__main__":
    main()
