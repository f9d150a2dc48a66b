"""What tables need of runs, and training of those runs that are missing."""

import pathlib
import re

import numpy as np

from dtn_tf import build, config, files, paths, presets, runs
from dtn_tf.content import face, make
from dtn_tf.data import domains, stores
from dtn_tf.data import sets as sets_lib
from dtn_tf.errors import UserError
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

    Raises:
        UserError: If a finished run that does not count lies where one is to be trained, or data
            cannot be had: nothing was trained.
    """
    data, pictures = _data(names, data or "auto", data_dir, places.cache_dir)
    data_dir = None if data == "builtin" else data_dir
    content = paths.absolute(content) if content else None
    changes = _changes(content)
    at_hand = runs.all_finished(places.runs_dir)[0]
    counting = [
        r for r in at_hand if _is_recipe(r.content) and _is_of(pictures, r.config.domain, r.data)
    ]
    finished = {_key(r.row, r.changes, r.config) for r in counting}
    known = {_known(line) for line in lines if _counts(line, pictures)}
    todo = {}
    for name in names:
        for run in wanted((name,), data, data_dir, num_seeds, content):
            key = _key(run.preset, changes, run)
            needs = {(*key, *need) for need in of(name, run.preset, changes, run.method)}
            if key not in finished and not needs <= known:
                todo[key] = run
    folders = [(run, places.runs_dir / _name(run, changes)) for run in todo.values()]
    _check_free([folder for _, folder in folders], places.results_dir)
    sharing.train_all(
        folders,
        places.cache_dir,
        lambda num_runs: _minutes_left(num_runs, places.runs_dir),
        *(() if presets.FACES in names else (watch_lib.at_the_end,)),  # no judge reads faces
    )


def _data(names, data, data_dir, cache_dir):
    """The name of the store that the rows are trained on, and which pictures of faces it has.

    Faces stand in a table of their own. Any two folders may be theirs, so that they are known by
    fingerprints of s and t; None of digits, which are known by the name.
    """
    if presets.FACES not in names:
        return stores.open_store(data, data_dir, cache_dir).name, None
    of_faces = config.make("dtn_face", data=data, data_dir=data_dir)
    store = stores.of(of_faces, cache_dir)
    facts = sets_lib.of(of_faces, store).facts()
    return store.name, {part: facts[part]["fingerprint"] for part in ("s", "t")}


def _is_of(pictures, domain, data):
    """Whether what is noted of a run's data is of these pictures, see `_data`."""
    if pictures is None or domain != domains.FACE:
        return True
    return all(data[part]["fingerprint"] == found for part, found in pictures.items())


def _check_free(folders, results_dir):
    """Refuses, before anything is trained, what would be found out in the end."""
    taken = [str(folder) for folder in folders if sharing.is_finished(folder)]
    if taken:
        raise UserError(
            f"{', '.join(taken)}: a finished run is there that does not count, of other pictures,"
            " other settings, or an earlier version of the training code. Move it away, or name"
            " another --runs_dir."
        )
    why = files.why_unwritable(pathlib.Path(results_dir))
    if why:
        raise UserError(f"{results_dir} cannot be written: {why}. Name another --results_dir.")


def _changes(content):
    """What a content changes of a row, named as a finished run names it."""
    if content in (None, "auto", make.UNLABELLED):  # no face says who it is
        return {}
    if content.startswith(face.PREFIX):
        return {"content": face.PREFIX + face.find(content.removeprefix(face.PREFIX)).title}
    return {"content": pathlib.PurePath(content).name if content.endswith(".keras") else content}


def _name(run, changes):
    of_f = re.sub(r"[^\w.]+", "-", changes.get("content", ""))
    of_f = f"-{of_f.removeprefix('face-')}" if of_f else ""
    return f"{run.domain}-{run.preset}-{run.data}{of_f}-seed{run.seed}"


def _counts(line, pictures):
    """Whether a line is of a run as this code trains it: runs of two recipes have no mean."""
    of_these = _is_of(pictures, line["domain"], line["data"])
    return not line.get("retired") and _is_recipe(line["trained"]) and of_these


def _is_recipe(noted):
    return noted.get("recipe", 1) == build.RECIPE


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
