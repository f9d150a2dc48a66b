"""Result lines: one per scored run, written on the day, never edited; and which may be compared.

Lines are in RUN/eval.jsonl and in results/results.jsonl. A line of an older schema is read as
the newest one, and named as the rows of today have its settings: a preset that has changed since
does not get the numbers of the earlier one. The file keeps what was written.
"""

import collections
import json
import statistics

from dtn_tf import config
from dtn_tf.errors import UserError
from dtn_tf.scores import agreement, jsonl, schema_0, valid

SCHEMA = 1
DISTANCES, CONTROL = agreement.DISTANCES, agreement.CONTROL
_MIGRATIONS = {0: schema_0.migrate}  # schema -> function of a line: list of lines of the next one
# What every reader of lines relies on.
_NEEDED = {
    **{name: str for name in ("kind", "row", "domain", "split")},
    **dict.fromkeys(("changes", "settings", "data", "images", "target"), dict),
    **dict.fromkeys(("f", "trained", "scored"), dict),
    "seed": int,
}
_FACTS = ("title", "images", "fingerprint")  # of a set of pictures


def read(path):
    """Reads result lines.

    Args:
        path: File of one JSON object a line. A run that was never scored has none.

    Returns:
        List of lines, dicts of the newest schema, in the file's order; and a list of warnings,
        which name the file, the line and what is wrong with it. Such a line is left out.

    Raises:
        UserError: If the file is there and cannot be read.
    """
    return jsonl.read(path, _parsed)


def append(path, line):
    """Adds a line to a file, whole or not at all; other processes may do so at the same time.

    A torn line at the end of the file, as a power cut leaves it, stays a line of its own.

    Args:
        path: File; it and its folders are made.
        line: Dict of schema `SCHEMA`.

    Raises:
        UserError: If the file cannot be written; it is as it was then.
        ValueError: If the line is not of the newest schema.
    """
    _check_parts(line)
    valid.check(line)
    text = json.dumps(line, sort_keys=True, separators=(",", ":"), allow_nan=False)
    jsonl.append(path, text)


def name(line):
    """Names the run of a line for tables: "dtn", or with what was changed, "dtn (alpha=1.0)"."""
    return config.title(line["row"], line["changes"])


def identity(line):
    """What two lines have in common that are runs of one thing; hashable. The seed is not in it.

    Row, changed settings, domain, the sets s and t, the recipe of f, and that of g and D.
    """
    sets = tuple(agreement.pictures(line, line["data"][part]) for part in ("s", "t"))
    recipes = line["f"]["key"], line["trained"].get("recipe", 1)  # 1: before lines said it
    return line["row"], _text(line["changes"]), line["domain"], sets, *recipes


def comparable(a, b):
    """Says why the numbers of two lines may not stand in one column.

    Returns:
        "" if they may; else what differs, without a full stop: "another judge: accuracy
        99.48 %, 1500 steps, hash unknown, and ...". What neither line knows counts as equal,
        what one of them knows does not.
    """
    for what, measured, said in agreement.MEASURES:
        if measured(a) != measured(b):
            if what == "other images" and a["data"]["name"] != b["data"]["name"]:
                what, said = "another data set", lambda line: line["data"]["name"]
            return f"{what}: {said(a)}, and {said(b)}"
    return ""


def judges_agree(a, b):
    """Whether nothing that both lines know of their judge differs.

    Less than `comparable` asks: results on the validation split of schema 0 know the steps alone.
    """
    pairs = [(a["judge"][part], b["judge"][part]) for part in agreement.JUDGE]
    return all(x == y for x, y in pairs if None not in (x, y))


def groups(lines):
    """Sorts lines into those that may be averaged. Retired ones are left out, see `retired`.

    Args:
        lines: Result lines of anything.

    Returns:
        List of groups, in the order of their first lines. A group is a list of lines of one
        identity, all comparable, by seed. Of each seed it has the line scored last, and of
        lines scored at the same time, or at times unknown, the last; see `superseded`.
    """
    return [[versions[-1] for versions in by_seed] for by_seed in _sorted(lines)]


def superseded(lines):
    """Lines that `groups` leaves out because a later one is of the same seed and settings.

    Returns:
        List of pairs, the older line and the one that counts.
    """
    return [
        (old, versions[-1])
        for by_seed in _sorted(lines)
        for versions in by_seed
        for old in versions[:-1]
        if old != versions[-1]
    ]


def retired(lines):
    """Lines of settings that no longer exist: `line["retired"]` says which."""
    return [line for line in lines if line.get("retired")]


def mean_and_spread(values):
    """Shares as text: "91.6 %", of several "91.6 ± 0.2 %", the sample standard deviation."""
    mean = f"{100 * statistics.fmean(values):.1f}"
    if len(values) == 1:
        return f"{mean} %"
    return f"{mean} ± {100 * statistics.stdev(values):.1f} %"


def seeds(group):
    """Says which seeds a group has: "1 seed: 0", "3 seeds: 0, 1, 2"."""
    found = sorted(line["seed"] for line in group)
    return f"{len(found)} seed{'s' * (len(found) != 1)}: {', '.join(map(str, found))}"


def _parsed(text):
    """One line of a file as lines of the newest schema."""
    # Some editors put a mark before the first line.
    line = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse)
    schema = line.get("schema") if isinstance(line, dict) else None
    if type(schema) is not int or schema < 0:
        raise UserError("it has no schema number, so it is no result of this program")
    if schema > SCHEMA:
        raise UserError(
            f"its schema is {schema}, this program knows those up to {SCHEMA}: a newer one wrote it"
        )
    lines = [line]
    for version in range(schema, SCHEMA):
        lines = [new for old in lines for new in _MIGRATIONS[version](old)]
    for line in lines:
        _check_parts(line)
    named = [_named(line) for line in lines]
    for line, now in zip(lines, named, strict=True):
        valid.check({**line, "row": now["row"]})  # as written; its row may have gone since
        valid.check(now)
    return named


def _refuse(constant):
    raise UserError(f"{constant} in it is no JSON, and no number")


def _named(line):
    """A line, named as the rows of today have its settings: a preset may have changed since."""
    if line.get("retired"):
        return line
    own = {"preset": line["row"], "domain": line["domain"]}
    row, changes = config.named({**line["settings"], **own})
    return {**line, "row": row, "changes": changes}


def _check_parts(line):
    """Refuses a line that lacks what every reader of lines relies on."""
    if line.get("schema") != SCHEMA:
        raise ValueError(f"schema={line.get('schema')!r}; expected {SCHEMA}")
    for part, kind in _NEEDED.items():
        if not isinstance(line.get(part), kind):
            raise ValueError(f"{part}={line.get(part)!r}; expected a JSON {kind.__name__}")
    if not isinstance(agreement.measured_by(line), dict):
        raise ValueError(f"judge={line.get('judge')!r}; expected a JSON dict")
    known = agreement.JUDGE if line["judge"] else ("name", "hash")
    data = line["data"]
    parts = [(agreement.measured_by(line), known), (line["f"], ("key",))]
    parts += [(line["scored"], ("time",))]
    parts += [(facts, _FACTS) for facts in (line["images"], line["target"])]
    parts += [(data, ("name",)), (data["s"], _FACTS), (data["t"], _FACTS)]
    missing = [name for part, names in parts for name in names if name not in part]
    if missing:
        raise ValueError(f"it does not say {', '.join(missing)}")


def _sorted(lines):
    """List of groups: of each, a list per seed, ascending: its lines, the newest last."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in lines:
        if not line.get("retired"):
            key = (identity(line), *(measured(line) for _, measured, _ in agreement.MEASURES))
            found[key][line["seed"]].append(line)
    return [
        [sorted(versions, key=_time) for _, versions in sorted(by_seed.items())]
        for by_seed in found.values()
    ]


def _time(line):
    return line["scored"]["time"] or ""


def _text(content):
    return json.dumps(content, sort_keys=True)
