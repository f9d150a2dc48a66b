"""How tables look: cells, lines and columns as Markdown."""

import re
import shlex

import numpy as np

from dtn_tf import presets
from dtn_tf.data import domains
from dtn_tf.scores import results

COLUMNS = ("seeds", "images", "judge", "trained by commit", "minutes", "trained on")  # of `facts`
SWING = "last fifth of training"
DIFFERENCE = "minus {}, points"
# Columns that are left out where no row knows them, and what is said of them where one does.
_WHERE_KNOWN = {
    "trained on": "",
    SWING: "Last fifth of training: lowest and highest accuracy on validation images, by seed.",
    DIFFERENCE.partition(" ")[0]: (
        "Minus another row: the difference of accuracies in points, and its 95 % interval by a"
        " paired bootstrap over the same test images, the mean over seeds on each."
    ),
}
PYTHON = ".venv/bin/python"  # in a checkout, as README installs it
_HASH = 8  # digits of a judge's hash
_UNKNOWN = "not recorded"


def by_row(table, lines):
    """Goes through the lines of a table.

    Args:
        table: One of `presets.TABLES`, or None for what was measured alone.
        lines: Result lines of one kind, domain and split.

    Yields:
        `(Row, label, group)`: a list of result lines, one per seed; an empty one for a row
        that was not measured. Runs with changed settings follow their row.
    """
    groups = sorted(results.groups(lines), key=_time, reverse=True)
    groups = sorted(groups, key=_order)  # of one name the newest first
    rows = presets.rows_of(table) if table else presets.ROWS.values()
    for row in rows:
        of_row = [group for group in groups if group[0]["row"] == row.name]
        if table and not any(not group[0]["changes"] for group in of_row):
            yield row, row.label, []
        for group in of_row:
            changed = group[0]["changes"]
            yield row, results.name(group[0]) if changed else row.label, group


def facts(group):
    """Cells of what stands behind a number: as `COLUMNS` names them."""
    known = [line["trained"]["minutes"] for line in group if line["trained"].get("minutes")]
    minutes = f"{np.mean(known):.1f}" if known else _UNKNOWN
    commits = dict.fromkeys(
        commit
        for line in group
        for commit in (line["trained"].get("commit") or _UNKNOWN).split(", ")
    )
    seen = (images_of(group[0]), judge_of(group[0]))
    return (results.seeds(group), *seen, ", ".join(commits), minutes, _trained_on(group))


def _trained_on(group):
    """ "AMD EPYC, AVX2, float32": processor and number format; "" where they are not known."""
    known = [line["trained"] for line in group if line["trained"].get("processor")]
    said = (f"{part['processor']}, {part.get('precision') or _UNKNOWN}" for part in known)
    return "; ".join(dict.fromkeys(said))


def swing(group):
    """ "71.0 to 90.1 %", of each seed that was watched; "" where none was."""
    known = [line["last_fifth"] for line in group if line.get("last_fifth")]
    return "; ".join(f"{100 * part['low']:.1f} to {percent(part['high'])}" for part in known)


def images_of(line):
    """ "SVHN test, 5,000"; of a part "SVHN test, the first 5,000"."""
    title, num = line["images"]["title"], line["images"]["images"]
    part = re.fullmatch(r"([^\[]*)(?:\[:(\d+)\])?(\[\d+:\])?", title)
    name, first, last = part.groups() if part else (title, None, None)
    if last:
        return f"{name}, the last {num:,}" + (f" of the first {int(first):,}" if first else "")
    return f"{name}, the first {num:,}" if first else f"{name}, {num:,}"


def judge_of(line):
    """ "99.48 %, 1,500 steps, 0123abcd": its accuracy on the target, and the head of its hash."""
    if not line["judge"]:
        return "none"
    accuracy, name = line["judge"]["accuracy"], line["judge"]["hash"]
    share = _UNKNOWN if accuracy is None else f"{accuracy:.2%}".replace("%", " %")
    said = [share, f"{steps_of(line)} steps" if steps_of(line) else ""]
    said += [short(name) if name else "hash not recorded"]
    return ", ".join(filter(None, said))


def short(name):
    """The head of a hash: enough to tell two nets apart."""
    return name[:_HASH]


def steps_of(line):
    """ "1,500": batches that trained the judge; "" if unknown."""
    steps = line["judge"]["steps"]
    return "" if steps is None else f"{steps:,}"


def classes_of(line):
    """Names of the classes that a judge reads: those of the line, else digits."""
    return line.get("classes") or [str(k) for k in range(len(line["per_digit"]))]


def class_word(line):
    """What tables call a class: "class" or "digit"."""
    return "class" if line.get("classes") else "digit"


def paper(row, table):
    """The paper's number of a row, or "none"."""
    share = row.paper.get(table)
    return percent(share) if isinstance(share, float) else "none"


def command(row, domain):
    """What a row says that was not measured."""
    words = [PYTHON, "train_main.py", f"--preset={row.name}"]
    words += [f"--domain={domain}"] if domain != "svhn" else []
    if domain in domains.FACES:
        words += ["--data=files", "--data_dir=DIR", "--content=face:PATH_OR_PACKAGE"]
    return f"not measured: `{shlex.join(words)}`"


def percent(share):
    """ "91.6 %": single runs differ by more than a hundredth of a point."""
    return f"{100 * share:.1f} %"


def spread(shares):
    """One run: its number. Several: "91.6 ± 0.2 %", mean and sample standard deviation.

    Args:
        shares: At least one; None where it was not measured.
    """
    if None in shares:
        known = [share for share in shares if share is not None]
        return f"{spread(known)} ({len(known)} of {len(shares)})" if known else "not measured"
    return results.mean_and_spread(shares)


def cell(text):
    """Text of a table's cell: of a folder or class with "|" in its name, that would end it."""
    return str(text).replace("|", r"\|")


def row(cells):
    """A line of a table."""
    return f"| {' | '.join(map(cell, cells))} |"


def markdown(caption, head, body, lines):
    """A table with a caption over it and, under it, what readers should know of the data.

    Args:
        caption: Sentences, or "".
        head: Names of columns.
        body: Tuples of cells; those that are too short end in empty cells.
        lines: Result lines in it.
    """
    body = [(*cells, *[""] * (len(head) - len(cells))) for cells in body]
    kept = [k for k, name in enumerate(head) if not _is_unknown(name, [cells[k] for cells in body])]
    head, *body = ([cells[k] for k in kept] for cells in (head, *body))
    text = [caption, ""] if caption else []
    text += [row(cells) for cells in (head, ["---"] * len(head), *body)]
    notes = [note for note in (_note(name) for name in head) if note]
    notes = ["", " ".join(notes)] if notes else []
    return "\n".join([*text, *notes, *_remarks(lines)]) + "\n"


def _is_unknown(name, cells):
    return name.startswith(tuple(_WHERE_KNOWN)) and not any(cells)


def _note(name):
    return next((note for start, note in _WHERE_KNOWN.items() if name.startswith(start)), "")


def _remarks(lines):
    """Which pictures are not the publisher's bytes."""
    sets = [line[name] for line in lines for name in ("images", "target")]
    sets += [line["data"].get(name) or {} for line in lines for name in ("s", "t")]
    titles = sorted({part["title"] for part in sets if part.get("published") is False})
    return (
        ["", f"Not the publisher's whole file, byte for byte: {'; '.join(titles)}."]
        if titles
        else []
    )


def _order(group):
    return bool(group[0]["changes"]), results.name(group[0])


def _time(group):
    return max(line["scored"]["time"] or "" for line in group)
