"""What every result line says of its run, whatever was measured."""

import dataclasses
import json

import keras

from dtn_tf import classify, environment, files
from dtn_tf.scores import results


def of(run, kind, split, shown, real, accuracies_of=None):
    """Returns what every result line says of its run and its pictures: a dict.

    Args:
        run: `runs.Run`.
        kind: "score" or "adaptation".
        split: Of the source domain.
        shown: The source `Pictures` that are translated.
        real: The `Pictures` of the target.
        accuracies_of: Labelled `Pictures` that f is measured on; None for these two.
    """
    settings = {k: v for k, v in dataclasses.asdict(run.config).items() if k != "data_dir"}
    return {
        "schema": results.SCHEMA,
        "kind": kind,
        "row": run.row,
        "changes": run.changes,
        "domain": run.config.domain,
        "seed": run.seed,
        "settings": settings,
        "steps": run.config.steps,
        "split": split,
        "data": {"name": run.config.data, **{k: run.data[k] for k in ("s", "t")}},
        "images": shown.facts(),
        "target": real.facts(),
        "f": _f(run, *(accuracies_of or (shown, real))),
        "trained": _trained(run),
        "scored": environment.provenance(),
    }


def append(run, line):
    """Appends a line to a run's eval.jsonl; returns it as it is read back."""
    results.append(run.workdir / "eval.jsonl", line)
    return json.loads(json.dumps(line))


def _f(run, *parts):
    """What is known of a run's f, and its accuracy on labelled `Pictures`."""
    from dtn_tf import build  # noqa: F401 - its imports are the classes that a file names

    path = run.workdir / "f.keras"
    files.check_archive(path)
    classifier = keras.models.load_model(path)
    known = run.f or {}
    return {
        "key": known.get("key"),
        "hash": known.get("hash"),
        "accuracy": {part.title: classify.accuracy(classifier, part) for part in parts},
    }


def _trained(run):
    """Who trained a run: its last start, and the commits of all of them."""
    commits = dict.fromkeys(str(start["commit"]) for start in run.starts)
    last = {name: run.starts[-1][name] for name in ("versions", "processor", "time")}
    return {
        "commit": ", ".join(commits),
        **last,
        "starts": len(run.starts),
        "minutes": run.minutes,
        "precision": run.config.precision,
    }
