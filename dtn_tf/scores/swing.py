"""How far a run swings at its end: what was read right on validation in its last fifth.

`watch.Watch` measures while a run trains, and leaves a line for each measurement in the run.
"""

import json

from dtn_tf.scores import jsonl

SHARE = 0.2  # of the steps, at the end
ACCURACY = "accuracy_validation"
_NAME = "watched.jsonl"


def keep(workdir, step, found):
    """Adds a measurement to those of a run.

    Args:
        workdir: `pathlib.Path`, directory of the run.
        step: Steps that were done by then.
        found: Dict, name -> float.
    """
    jsonl.append(workdir / _NAME, json.dumps({"step": step, **found}, sort_keys=True))


def of(run):
    """Returns the range of a run's accuracy on validation over its last fifth.

    A step that was measured twice, before a kill and after it, counts once, the later one.

    Args:
        run: `runs.Run`.

    Returns:
        Dict: "low" and "high", shares, and "measured", how often; None where it was measured
        less than twice, or never by a judge.
    """
    found = dict(pair for pair in jsonl.read(run.workdir / _NAME, _parsed)[0])
    last = run.config.steps
    values = [v for step, v in found.items() if begin(last) <= step <= last]
    if len(values) < 2:
        return None
    return {"low": min(values), "high": max(values), "measured": len(values)}


def begin(num_steps):
    """Returns the first step of the last fifth of a training."""
    return num_steps - int(SHARE * num_steps)


def _parsed(text):
    """Step and accuracy of a line: a list of one pair; an empty one without a judge."""
    line = json.loads(text)
    if type(line["step"]) is not int:
        raise ValueError(f"step={line['step']!r} is no number of steps")
    return [(line["step"], float(line[ACCURACY]))] if ACCURACY in line else []
