"""What tables need of runs, and training of those runs that are missing."""

import pathlib
import re

import numpy as np

from dtn_tf import build, config, paths, presets, runs
from dtn_tf.content import face
from dtn_tf.data import stores
from dtn_tf.scores import adaptation, paper_tables, results, sharing
from dtn_tf.scores import watch as watch_lib

# What each table needs to know of a run: kind and split of a result line.
_NEEDS = {
    "1": (("score", "test"), (results.CONTROL, "test")),
    "2": ((adaptation.KIND, "test"),),
    "3": (("score", "test"),),
    "pieces": (("score", "test"), ("score", "validation")),
    "reverse": (("score", "test"), (results.CONTROL, "test")),
    presets.FACES: ((results.DISTANCES, "test"),),
}


def of(name, row, changes, method):
    """Kinds and splits of lines that a table needs of a run.

    Controls look through f: those of a preset are those of its rows, which have the same f.
    """
    has_controls = row in presets.PRESETS and not changes and method == "dtn"
    return [
        (kind, split) for kind, split in _NEEDS[name] if kind != results.CONTROL or has_controls
    ]


def wanted(names, data, data_dir, num_seeds=None, content=None):
    """Returns the `DTNConfig` of every run that some tables have a row for.

    Args:
        names: Tables, of `presets.TABLES`, or `presets.FACES`.
        data: As `DTNConfig.data`.
        data_dir: As `DTNConfig.data_dir`.
        num_seeds: Runs per row; None for what the row asks for, one in reverse.
        content: As `DTNConfig.content`, of faces; None for the default.
    """
    found = {}
    for name in names:
        domain = paper_tables.domain_of(name)
        for row in presets.rows_of(name):
            for seed in range(num_seeds or (1 if name == "reverse" else row.seeds)):
                given = {"domain": domain, "data": data, "data_dir": data_dir, "seed": seed}
                given |= {"content": content} if content and name == presets.FACES else {}
                found[row.name, domain, seed] = config.make(row.name, **given)
    return list(found.values())


def train_missing(names, places, data, data_dir, num_seeds, lines, content=None):
    """Trains what has no finished run and lacks a line that a table needs, one run at a time.

    Other processes may do so at the same time, see `sharing`.
    """
    data = _data(names, data or "auto", data_dir, places.cache_dir)
    data_dir = None if data == "builtin" else data_dir
    content = paths.absolute(content) if content else None
    changes = _changes(content)
    finished = {_key(r.row, r.changes, r.config) for r in runs.all_finished(places.runs_dir)[0]}
    known = {_known(line) for line in lines if _counts(line)}
    todo = {}
    for name in names:
        for run in wanted((name,), data, data_dir, num_seeds, content):
            key = _key(run.preset, changes, run)
            needs = {(*key, *need) for need in of(name, run.preset, changes, run.method)}
            if key not in finished and not needs <= known:
                todo[key] = run
    sharing.train_all(
        [(run, places.runs_dir / _name(run, changes)) for run in todo.values()],
        places.cache_dir,
        lambda num_runs: _minutes_left(num_runs, places.runs_dir),
        *(() if presets.FACES in names else (watch_lib.at_the_end,)),  # no judge reads faces
    )


def _data(names, data, data_dir, cache_dir):
    """The name of the store that the rows are trained on. Faces stand in a table of their own."""
    if presets.FACES not in names:
        return stores.open_store(data, data_dir, cache_dir).name
    of_faces = config.make("dtn_face", data=data, data_dir=data_dir)
    return stores.of(of_faces, cache_dir).name


def _changes(content):
    """What a content changes of a row, named as a finished run names it."""
    if content in (None, "auto"):
        return {}
    if content.startswith(face.PREFIX):
        return {"content": face.PREFIX + face.find(content.removeprefix(face.PREFIX)).title}
    return {"content": pathlib.PurePath(content).name if content.endswith(".keras") else content}


def _name(run, changes):
    of_f = re.sub(r"[^\w.]+", "-", changes.get("content", ""))
    of_f = f"-{of_f.removeprefix('face-')}" if of_f else ""
    return f"{run.domain}-{run.preset}-{run.data}{of_f}-seed{run.seed}"


def _counts(line):
    """Whether a line is of a run as this code trains it: runs of two recipes have no mean."""
    return not line.get("retired") and line["trained"].get("recipe", 1) == build.RECIPE


def _known(line):
    """What a line says of which run: `_key`, kind and split."""
    run = line["row"], str(line["changes"]), line["domain"], line["data"]["name"], line["seed"]
    return *run, line["kind"], line["split"]


def _key(row, changes, run):
    return row, str(changes), run.domain, run.data, run.seed


def _minutes_left(num_runs, runs_dir):
    spent = [runs.timing(run.workdir) for run in runs.all_finished(runs_dir)[0]]
    each = [parts["dtn"] for parts in spent if "dtn" in parts]  # f is mostly shared
    if not each:
        return "known after the first one"
    return f"about {num_runs * np.mean(each) / 60:.0f} minutes"
