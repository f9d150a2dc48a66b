"""Result lines -> tables as Markdown, printed or filled into marked blocks of the pages.

    python -m dtn_tf.scores.report          # fills README.md and docs/*.md
    python -m dtn_tf.scores.report --check  # exits with 1 if a page is not what it would write

A block of a page is what stands between `<!-- table: 1 -->` and `<!-- end -->`.
"""

import argparse
import pathlib
import re
import sys

from dtn_tf import files, presets
from dtn_tf.errors import UserError
from dtn_tf.scores import (
    agreement,
    attribute_tables,
    control_tables,
    distance_tables,
    face_tables,
    layout,
    paper_tables,
    results,
    retrieval_tables,
)
from dtn_tf.scores.layout import percent

_BLOCK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OF_ACCURACY = ("1", "3", "reverse")  # one kind of result, of any split
_MORE = (presets.FACES, "readme", "controls")  # tables of pages beside those of digits


def table(name, lines, split="test", with_changes=True):
    """Lays out what was measured, beside the paper's numbers.

    Runs of one kind, data, f, judge and set of images make one line of the table: mean and
    sample standard deviation over their seeds. A run with changed settings is a line of its own.

    Args:
        name: One of `presets.TABLES`; `presets.FACES`; "readme", the short one; "controls"; or
            None, rows of any table.
        lines: Result lines, of anything.
        split: Of the source domain; the tables of classifiers and of pieces know theirs.
        with_changes: Whether runs with changed settings are shown.

    Returns:
        Markdown.
    """
    lines = [line for line in lines if with_changes or not line["changes"]]
    if name == "2":
        return paper_tables.adaptation(lines)
    if name == "3":
        return paper_tables.unseen(lines, split)
    if name == "pieces":
        return paper_tables.pieces(lines)
    if name == presets.FACES:
        return face_tables.table(lines, split)
    if name == "readme":
        return paper_tables.readme(lines)
    if name == "controls":
        return control_tables.table(lines) or "Not measured yet.\n"
    return paper_tables.accuracy(name, lines, split)


def table_of(line):
    """Returns the table of accuracies that has a row for the run of a line; None if none has."""
    row = presets.ROWS.get(line["row"])
    found = [name for name in presets.TABLES if row and name in row.paper and name in _OF_ACCURACY]
    return next((name for name in found if paper_tables.domain_of(name) == line["domain"]), None)


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


def beside(line, lines):
    """Lays one result out with others that compare, and its own retrieval, where there are any.

    Args:
        line: Result line.
        lines: Result lines that compare with it, itself among them.

    Returns:
        Markdown.
    """
    accuracies = [] if line["judge"] is None else [table(table_of(line), lines, line["split"])]
    others = [control_tables.table(_of_same(line, lines)), distance_tables.table(lines)]
    others += [retrieval_tables.table(line), *_of_faces(line)]
    return "\n".join(filter(None, [*accuracies, *others]))


def _of_same(line, lines):
    """Lines of the same run, its seeds and their controls."""
    return [other for other in lines if results.identity(other) == results.identity(line)]


def _of_faces(line):
    """Tables of one result: the colours of faces, and the attributes of drawn ones."""
    if line.get("colours"):
        yield retrieval_tables.of_colours(line["colours"])
    if line.get("attributes"):
        yield attribute_tables.table(line["attributes"])


def details(line):
    """What stands behind one result, as Markdown."""
    head = f"Run {results.name(line)}, seed {line['seed']}: {layout.images_of(line)}."
    accuracies = line["f"]["accuracy"].items()
    of_f = [layout.row((f"f on {title}", percent(v))) for title, v in accuracies]
    of_classes = []
    if line["judge"] is None:
        head += f" Compared with {line['target']['title']}; no judge, for there are no classes."
    else:
        head += f" Judge: a classifier of {line['target']['title']}, {layout.judge_of(line)}."
        of_f, of_classes = [*_of_all(line), *of_f, *_frechet(line)], _of_classes(line)
    rows = [*of_f, *distance_tables.details(line), *retrieval_tables.details(line)]
    text = [head, "", "| measured | value |", "|---|---|", *rows, *of_classes]
    return "\n".join(text) + "\n"


def _of_all(line):
    return [
        f"| translated accuracy | {percent(line['accuracy'])} |",
        f"| untranslated accuracy | {percent(line['original'])} |",
    ]


def _frechet(line):
    both = line["frechet"], line["frechet_floor"]
    said = ["not measured: too few images" if v is None else f"{v:.2f}" for v in both]
    return [
        f"| Fréchet distance, translated to real{_of_each(line)} | {said[0]} |",
        f"| the same, real to real (floor) | {said[1]} |",
    ]


def _of_each(line):
    """How many images of each kind a Fréchet distance compares."""
    n = agreement.frechet_images(line)
    return "" if n is None else f", {n:,} images of each"


def _of_classes(line):
    names = layout.classes_of(line)
    shares = ["none" if v is None else percent(v) for v in line["per_digit"]]
    return [
        "",
        layout.row((layout.class_word(line), *names)),
        "|---" * (len(names) + 1) + "|",
        layout.row(("translated accuracy", *shares)),
    ]


def _block(match, path, lines):
    begin, name, end = match.groups()
    if name not in (*presets.TABLES, *_MORE):
        known = ", ".join((*presets.TABLES, *_MORE))
        raise UserError(f"{path}: there is no table {name!r}; expected one of {known}.")
    # One-off changes have their place where pieces are compared; which f it is is one of faces.
    changed = name in ("pieces", presets.FACES)
    return f"{begin}{table(name, lines, with_changes=changed)}{end}"


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
