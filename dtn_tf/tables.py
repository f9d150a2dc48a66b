"""The paper's tables over all runs: what is missing is trained, scored and drawn."""

import dataclasses
import json
import pathlib
import time

import numpy as np

from dtn_tf import (
    adaptation,
    config,
    evaluate,
    figures,
    loop,
    records,
    report,
    run_dir,
    train,
)
from dtn_tf.data import sources

TABLES = ("ablation", "adaptation", "unseen", "reverse", "pieces")
# Of all other rows one.
_SEEDS = {"dtn": 3, "dtn_adapted": 3, "dtn_adapted_mean_view": 3, "dtn_adapted_light": 3}
_TABLE_2, _VALIDATION = "adaptation.json", "validation.json"  # in a record
_COLUMNS = 16  # images per row of a figure


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are.

    Attributes:
        runs_dir: Folder of run directories.
        cache_dir: Where f, judges and drawn digits are kept.
        results_dir: Folder for tables, figures and the records they are made of.
    """

    runs_dir: pathlib.Path
    cache_dir: pathlib.Path
    results_dir: pathlib.Path


def wanted(table, data, data_dir, num_seeds=None):
    """Returns the `DTNConfig` of every run that a table has a row for.

    Args:
        table: One of `TABLES`.
        data: As `DTNConfig.data`.
        data_dir: As `DTNConfig.data_dir`.
        num_seeds: Runs per row; None for 3 of `dtn`, `dtn_adapted`, the same with the
            mean of views, and `dtn_adapted_light`, 1 of others.
    """
    rows = {
        "ablation": [preset for _, preset, _ in report.TABLE_1 if preset],
        "adaptation": [preset for _, _, preset, _ in report.TABLE_2],
        "unseen": [preset for _, preset, _ in report.TABLE_3],
        "reverse": [preset for _, preset, _ in report.REVERSE if preset],
        "pieces": [preset for _, preset in report.PIECES],
    }[table]
    domain = "mnist" if table == "reverse" else "svhn"
    common = {"domain": domain, "data": data, "data_dir": data_dir}
    return [
        dataclasses.replace(config.PRESETS[preset], seed=seed, **common)
        for preset in dict.fromkeys(rows)
        for seed in range(num_seeds or (_SEEDS.get(preset, 1) if domain == "svhn" else 1))
    ]


def find(settings, runs_dir):
    """Returns the directory of a finished run of these settings, None if there is none."""
    for path in sorted(pathlib.Path(runs_dir).glob("*/dtn.keras")):
        old = run_dir.read(path.parent)["config"]
        if run_dir.differing(old, dataclasses.asdict(settings)).keys() <= {"precision"}:
            return path.parent
    return None


def default_data(runs_dir):
    """The data source and its folder of the newest finished run, "auto" if there is none."""
    try:
        settings = run_dir.read(evaluate.newest_run(runs_dir))["config"]
    except ValueError:
        return "auto", None
    return settings["data"], settings["data_dir"]


def make(
    tables,
    places,
    data=None,
    data_dir=None,
    judge_steps=config.JUDGE_STEPS,
    missing=False,
    num_seeds=None,
):
    """Scores all finished runs of some tables, and writes tables and figures.

    What a run has shown is kept in a record (`records`) below the results, and counts
    from then on whether or not the run is still there.

    Args:
        tables: Names, of `TABLES`.
        places: `Places`.
        data: As `DTNConfig.data`; None for that of the newest finished run.
        data_dir: As `DTNConfig.data_dir`.
        judge_steps: Batches that train the judge.
        missing: Whether runs with no record that are not finished are trained first, one
            by one. A second start goes on where the first one was stopped.
        num_seeds: See `wanted`.

    Returns:
        The tables as Markdown.

    Raises:
        ValueError: If the data cannot be had, or there is no run and no record.
        loop.Interrupted: After Ctrl-C, with a checkpoint written.
    """
    if data is None:
        data, known = default_data(places.runs_dir)
        data_dir = data_dir or known
    source = sources.open_source(data, data_dir, places.cache_dir)
    runs = {name: wanted(name, source.name, data_dir, num_seeds) for name in tables}
    if missing:
        _train(list(dict.fromkeys(run for part in runs.values() for run in part)), places)
    texts = []
    for name, part in runs.items():
        begun = time.perf_counter()
        measure = {"adaptation": _adaptation, "pieces": _pieces}.get(name, _scores)
        found = [measure(run, places, source, judge_steps) for run in part]
        found = [record for record in found if record]
        if not found:
            print(f"Table {name}: no run on {source.name}. Train them all with --train_missing.")
            continue
        texts.append(_make_one(name, found, places, source))
        minutes = (time.perf_counter() - begun) / 60
        page = places.results_dir / f"{name}.md"
        print(f"Table {name}: {len(found)} runs, {minutes:.1f} minutes. {page}", flush=True)
    if not texts:
        raise ValueError(
            f"{places.runs_dir} and {places.results_dir} have no finished run on {source.name}"
            f" for {', '.join(tables)}. Train them all with --train_missing."
        )
    return "\n".join(texts)


def _folder(run, places):
    return places.results_dir / "runs" / _name(run)


def _name(run):
    return f"{run.domain}-{run.preset}-{run.data}-seed{run.seed}"


def _train(runs, places):
    """Trains what has no finished run and no record, one run at a time."""
    todo = [
        run
        for run in runs
        if not find(run, places.runs_dir) and not records.load(_folder(run, places), run)
    ]
    for k, run in enumerate(todo):
        workdir = places.runs_dir / _name(run)
        left = _minutes_left(len(todo) - k, places.runs_dir)
        print(f"Run {k + 1} of {len(todo)}, {workdir}. To go, all runs: {left}.", flush=True)
        train.train(run, workdir, places.cache_dir)


def _minutes_left(num_runs, runs_dir):
    spent = [run_dir.timing(path.parent) for path in pathlib.Path(runs_dir).glob("*/dtn.keras")]
    each = [parts["dtn"] for parts in spent if "dtn" in parts]  # f is mostly shared
    if not each:
        return "known after the first one"
    return f"about {num_runs * np.mean(each) / 60:.0f} minutes"


def _scores(run, places, source, judge_steps):
    """The record of a run, made now if the run is finished and has none; else None."""
    folder, workdir = _folder(run, places), find(run, places.runs_dir)
    digits = evaluate.source_digits(run, source, "test")
    if workdir:
        result = _scored(workdir, places, run, judge_steps, "test", digits)
        if not records.is_of(folder, workdir, result):
            records.keep(folder, workdir, result, records.inputs(digits))
    record = records.load(folder, run)
    why = record and _why_incomparable(record.result, digits, judge_steps)
    if why:
        print(f"{folder} is left out: {why}.")
        return None
    return record


def _why_incomparable(result, digits, judge_steps):
    """How a record's score was measured otherwise than this table's, None if it was not."""
    if result["images"] != digits.fingerprint():
        return f"scored on {result['n']} other images than these {len(digits.images)}"
    if result["judge_steps"] != judge_steps:
        then = result["judge_steps"]
        return f"its judge trained for {then} batches, this one's for {judge_steps} (--judge_steps)"
    return None


def _adaptation(run, places, source, judge_steps):
    """The same, with a row of Table 2 in it."""
    record = _scores(run, places, source, judge_steps)

    def measure(workdir):
        print(f"Teaching classifiers by translations of {workdir}.", flush=True)
        where = (places.cache_dir, run.data, run.data_dir)
        return adaptation.measure(workdir, *where, judge_steps)

    _add(run, places, _TABLE_2, measure)
    return record if (_folder(run, places) / _TABLE_2).exists() else None


def _pieces(run, places, source, judge_steps):
    """The same, with its score on the validation split, where pieces are chosen."""
    record = _scores(run, places, source, judge_steps)

    def measure(workdir):
        digits = evaluate.source_digits(run, source, "validation")
        result = _scored(workdir, places, run, judge_steps, "validation", digits)
        names = ("accuracy", "n", "source", "images", "judge_steps", "commit")
        return {name: result[name] for name in names}

    _add(run, places, _VALIDATION, measure)
    return record


def _add(run, places, name, measure):
    """Measures a further file of a run's record if the run is there and the file is not."""
    path, workdir = _folder(run, places) / name, find(run, places.runs_dir)
    if workdir and not path.exists():
        run_dir.write_json(path, measure(workdir))


def _scored(workdir, places, run, judge_steps, split, digits):
    """A run's newest score on these images by such a judge, measured now if there is none."""
    path = workdir / "eval.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    wanted = {"split": split, "images": digits.fingerprint(), "judge_steps": judge_steps}
    same = [r for r in map(json.loads, lines) if wanted.items() <= r.items()]
    if same:
        return same[-1]
    print(f"Scoring {workdir} on {split}.", flush=True)
    where = (places.cache_dir, split, run.data, run.data_dir)
    return evaluate.evaluate(workdir, *where, judge_steps)[0]


def _make_one(name, found, places, source):
    """Lays out and draws one table; returns its Markdown."""
    results = [record.result for record in found]
    facts = (results, results[0]["domain"], results[0]["split"])
    if name == "adaptation":
        results = [
            {**json.loads((r.folder / _TABLE_2).read_text()), "minutes": r.result.get("minutes")}
            for r in found
        ]
        text = report.adaptation_table(results)
    elif name == "pieces":
        results = [{**r.result, "validation": _validation(r)} for r in found]
        text = report.pieces_table(results)
    elif name == "unseen":
        text = report.unseen_table(*facts)
    else:
        text = report.table(*facts, report.REVERSE if name == "reverse" else report.TABLE_1)
    if name != "adaptation":
        _draw(name, found, places, source)
    out = places.results_dir
    loop.save_atomically(out / f"{name}.md", lambda temporary: temporary.write_text(text))
    run_dir.write_json(out / f"{name}.json", results)
    return text


def _validation(record):
    """Accuracy of a recorded run on the validation split, None where it was not measured."""
    path = record.folder / _VALIDATION
    return json.loads(path.read_text())["accuracy"] if path.exists() else None


def _draw(name, found, places, source):
    """Draws the table's figures: of each preset the first seed."""
    first = {}
    for record in found:
        first.setdefault(record.result["preset"], record)
    kind, digit = ("unseen", report.UNSEEN) if name == "unseen" else ("mixed", None)
    run = config.DTNConfig(domain=found[0].result["domain"])
    x = records.inputs(evaluate.source_digits(run, source, "test"))[kind]
    rows = [(record.result, record.pictures[kind]) for record in first.values()]
    out = places.results_dir
    figures.draw_rows(x[:_COLUMNS], rows, out / f"{name}.png", digit)
    if name == "unseen":
        return
    for result, gx in rows:
        if result["preset"] in _SEEDS:
            path = out / f"{name}-{result['preset']}.png"
            figures.draw_translations(result, x, gx, path, _COLUMNS)
    figures.draw_confusions([result for result, _ in rows], out / f"{name}-confusion.png")
    curves = [(record.result, record.curves) for record in first.values()]
    figures.draw_curves(curves, out / f"{name}-curves.png")
