"""The paper's tables over all finished runs: what is missing is trained, scored and drawn."""

import dataclasses
import json
import pathlib
import time

import numpy as np

from dtn_tf import adaptation, config, evaluate, figures, loop, report, run_dir, train
from dtn_tf.data import domains, sources

TABLES = ("ablation", "adaptation", "unseen", "reverse", "pieces")
_SEEDS = {"dtn": 3, "dtn_adapted": 3}  # of all other rows one
_COLUMNS = 16  # images per row of a figure


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are.

    Attributes:
        runs_dir: Folder of run directories.
        cache_dir: Where f, judges and drawn digits are kept.
        results_dir: Folder for tables and figures.
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
        num_seeds: Runs per row; None for 3 of `dtn` and `dtn_adapted`, 1 of others.
    """
    rows = {
        "ablation": [preset for _, preset, _ in report.TABLE_1 if preset],
        "adaptation": [preset for _, _, preset, _ in report.TABLE_2],
        "unseen": [preset for _, preset, _ in report.TABLE_3],
        "reverse": ["dtn"],
        "pieces": [preset for _, preset, _ in report.PIECES],
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
    """The data source of the newest finished run, "auto" if there is none."""
    try:
        return run_dir.read(evaluate.newest_run(runs_dir))["config"]["data"]
    except ValueError:
        return "auto"


def make(tables, places, data=None, data_dir=None, judge_steps=2000, missing=False, num_seeds=None):
    """Scores all finished runs of some tables, and writes tables and figures.

    Args:
        tables: Names, of `TABLES`.
        places: `Places`.
        data: As `DTNConfig.data`; None for that of the newest finished run.
        data_dir: As `DTNConfig.data_dir`.
        judge_steps: Batches that train the judge.
        missing: Whether runs that are not finished are trained first, one by one. A
            second start goes on where the first one was stopped.
        num_seeds: See `wanted`.

    Returns:
        The tables as Markdown.

    Raises:
        ValueError: If the data cannot be had, or no run is finished.
        loop.Interrupted: After Ctrl-C, with a checkpoint written.
    """
    source = sources.open_source(data or default_data(places.runs_dir), data_dir, places.cache_dir)
    runs = {name: wanted(name, source.name, data_dir, num_seeds) for name in tables}
    if missing:
        _train(list(dict.fromkeys(run for part in runs.values() for run in part)), places)
    texts = []
    for name, part in runs.items():
        workdirs = [d for d in (find(run, places.runs_dir) for run in part) if d]
        if not workdirs:
            raise ValueError(
                f"No run of the table {name} on {source.name} is finished in {places.runs_dir}."
                " Train them all with --train_missing."
            )
        texts.append(_make_one(name, workdirs, places, source.name, data_dir, judge_steps))
    return "\n".join(texts)


def _train(runs, places):
    """Trains what has no finished run, one run at a time."""
    todo = [run for run in runs if find(run, places.runs_dir) is None]
    for k, run in enumerate(todo):
        workdir = places.runs_dir / f"{run.domain}-{run.preset}-{run.data}-seed{run.seed}"
        left = _minutes_left(len(todo) - k, places.runs_dir)
        print(f"Run {k + 1} of {len(todo)}, {workdir}. To go, all runs: {left}.", flush=True)
        train.train(run, workdir, places.cache_dir)


def _minutes_left(num_runs, runs_dir):
    spent = [run_dir.timing(path.parent) for path in pathlib.Path(runs_dir).glob("*/dtn.keras")]
    each = [parts["dtn"] for parts in spent if "dtn" in parts]  # f is mostly shared
    if not each:
        return "known after the first one"
    return f"about {num_runs * np.mean(each) / 60:.0f} minutes"


def _make_one(name, workdirs, places, data, data_dir, judge_steps):
    """Scores the runs of one table; returns its Markdown."""
    begun = time.perf_counter()
    if name == "adaptation":
        results = [
            _once(workdir / "adaptation.json", adaptation.measure, places, data_dir, judge_steps)
            for workdir in workdirs
        ]
        text = report.adaptation_table(results)
    else:
        results = [_scored(workdir, places, data, data_dir, judge_steps) for workdir in workdirs]
        facts = (results, results[0]["domain"], results[0]["split"])
        if name == "unseen":
            text = report.unseen_table(*facts)
        else:
            text = report.table(*facts, report.PIECES if name == "pieces" else report.TABLE_1)
        _draw(name, workdirs, results, places, data_dir)
    out = places.results_dir
    loop.save_atomically(out / f"{name}.md", lambda temporary: temporary.write_text(text))
    run_dir.write_json(out / f"{name}.json", results)
    minutes = (time.perf_counter() - begun) / 60
    print(f"Table {name}: {len(workdirs)} runs, {minutes:.1f} minutes. {out}/{name}.md", flush=True)
    return text


def _once(path, measure, places, data_dir, judge_steps):
    """A measurement that a run has already, or takes now."""
    if not path.exists():
        measure(path.parent, places.cache_dir, None, data_dir, judge_steps)
    return json.loads(path.read_text())


def _scored(workdir, places, data, data_dir, judge_steps):
    """A run's newest score on test, measured now if there is none."""
    path = workdir / "eval.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    same = [r for r in map(json.loads, lines) if r["split"] == "test" and r["data"] == data]
    if same:
        return same[-1]
    print(f"Scoring {workdir}.", flush=True)
    return evaluate.evaluate(workdir, places.cache_dir, "test", data, data_dir, judge_steps)[0]


def _draw(name, workdirs, results, places, data_dir):
    """Draws the table's figures: of each preset the first seed."""
    first = {}
    for workdir, result in zip(workdirs, results, strict=True):
        first.setdefault(result["preset"], (workdir, result))
    result = results[0]
    source = sources.open_source(result["data"], data_dir, places.cache_dir)
    digits = source.load(domains.TASKS[result["domain"]].source, "test")
    draw = np.random.default_rng(0)  # the same pictures whenever it is drawn
    rows = np.arange(len(digits.labels))
    if name == "unseen":
        rows = rows[digits.labels == report.UNSEEN]
    x = digits.images[draw.choice(rows, 8 * _COLUMNS)]
    rows_of = {p: (r, evaluate.translate(train.load(d), x)) for p, (d, r) in first.items()}
    out = places.results_dir
    figures.draw_rows(x[:_COLUMNS], rows_of.values(), out / f"{name}.png")
    if name == "unseen":
        return
    for preset, (r, gx) in rows_of.items():
        if preset in _SEEDS:
            figures.draw_translations(r, x, gx, out / f"{name}-{preset}.png", _COLUMNS)
    figures.draw_confusions([r for r, _ in rows_of.values()], out / f"{name}-confusion.png")
    figures.draw_curves(
        [(r, d / "tb" / "dtn") for d, r in first.values()], out / f"{name}-curves.png"
    )
