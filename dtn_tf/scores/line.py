"""What every result line says of its run, whatever was measured."""

import dataclasses
import json

import keras

from dtn_tf import classify, config, environment, files
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier
from dtn_tf.scores import results, swing


def of(run, kind, split, shown, real, accuracies_of=None):
    """Returns what every result line says of its run and its pictures: a dict.

    Args:
        run: `runs.Run`.
        kind: "score", "adaptation", "distances" or "control".
        split: Of the source domain.
        shown: The source `Pictures` that are translated.
        real: The `Pictures` of the target.
        accuracies_of: Labelled `Pictures` that f is measured on; None for these two,
            or for `shown` alone where the classes of `real` are others.
    """
    settings = {k: v for k, v in dataclasses.asdict(run.config).items() if k not in config.FOLDERS}
    same_classes = (shown, real) if shown.classes == real.classes else (shown,)
    swung = swing.of(run)
    return {
        "schema": results.SCHEMA,
        "kind": kind,
        "row": run.row,
        "changes": run.changes,
        "domain": run.config.domain,
        "seed": run.seed,
        "settings": {**settings, "content": run.content_name},
        "steps": run.config.steps,
        "split": split,
        "data": {"name": run.config.data, **{k: run.data[k] for k in ("s", "t")}},
        "images": shown.facts(),
        "target": real.facts(),
        "f": _f(run, *(accuracies_of or same_classes)),
        "trained": _trained(run),
        "scored": environment.provenance(),
        **({"last_fifth": swung} if swung else {}),
    }


def append(run, line):
    """Appends a line to a run's eval.jsonl; returns it as it is read back."""
    results.append(run.workdir / "eval.jsonl", line)
    return json.loads(json.dumps(line))


def load_f(run):
    """Returns the f of a run: a `Classifier`, or where it knows no classes f alone.

    Raises:
        UserError: If its file is missing, damaged, or of other weights than the run's f.
    """
    from dtn_tf import build  # noqa: F401 - its imports are the classes that a file names

    path = run.workdir / "f.keras"
    files.check_archive(path, "Put a copy of it back, or train the run anew.")
    net = keras.models.load_model(path)
    known, found = run.f or {}, classify.weights_hash(net)
    if known.get("hash", found) != found:
        raise UserError(
            f"{path} has weights {found}, and the f of this run has {known['hash']}. Put its own"
            " back, or train the run anew."
        )
    return net


def _f(run, *parts):
    """What is known of a run's f, and its accuracy on `Pictures` where both know classes."""
    net = load_f(run)
    labelled = [part for part in parts if part.labels is not None and isinstance(net, Classifier)]
    return {
        "key": (run.f or {}).get("key"),
        "hash": classify.weights_hash(net),
        "accuracy": {part.title: classify.accuracy(net, part) for part in labelled},
    }


def _trained(run):
    """Who trained a run: its last start, and the commits and processors of all of them."""
    commits = dict.fromkeys(str(start["commit"]) for start in run.starts)
    processors = dict.fromkeys(start["processor"] for start in run.starts)
    last = {name: run.starts[-1][name] for name in ("versions", "time")}
    return {
        "recipe": run.content.get("recipe", 1),
        "commit": ", ".join(commits),
        "processor": "; ".join(filter(None, processors)) or None,
        **last,
        "starts": len(run.starts),
        "minutes": run.minutes,
        "precision": run.config.precision,
    }
