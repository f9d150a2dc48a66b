"""Schema 0 of result lines: records as they were first written, with the settings of their day.

    {"schema": 0, "folder", "written_in": commit, "run": {...}, "result": {...},
     "adaptation": {...} or absent, "validation": {...} or absent}

Settings have changed their names since. What was computed is said here in today's.
"""

import dataclasses
import json

from dtn_tf import config, presets

_SAME_EMA = 1791  # steps, to which min(0.995, t / (9 + t)) is t / (9 + t): ema=0.1
_TTA = {"one": "none", "mean": "mean", "surest": "confident"}
_RENAMED = {"class": "cross_entropy"}  # content distances


def migrate(line):
    """Returns the lines of schema 1 that a line of schema 0 is: test, validation, Table 2."""
    old = line["run"]["config"]
    line = {**line, "config": old, "named": _named(old)}
    lines = [_test(line)]
    if "validation" in line:
        lines.append(_validation(line))
    if "adaptation" in line:
        lines.append(_adaptation(line))
    return lines


def settings(old):
    """Says old settings in today's words.

    Args:
        old: Dict, "config" of a run.json.

    Returns:
        `DTNConfig`, and ""; or None, and which setting no longer exists.
    """
    why = _retired(old)
    if why:
        return None, why
    known = {field.name for field in dataclasses.fields(config.DTNConfig)} - {"preset"}
    new = {name: value for name, value in old.items() if name in known}
    new["method"] = "dtn" if old["method"] == "class" else old["method"]
    new["content_distance"] = _RENAMED.get(old["content_distance"], old["content_distance"])
    new["tta"] = _TTA[old.get("views", "one")]  # before there were views, x alone was read
    new["ema"] = 0.1 if old["ema"] else 0.0
    # Before it was a setting, digits came as often as they do; of MNIST they always did.
    new["balance_s"] = old.get("balance_s", False) and old["domain"] == "svhn"
    return _nearest(new), ""


def _retired(old):
    reasons = []
    if old.get("average_views"):
        reasons.append("mean of ten views")
    if old.get("pretrain_widen"):
        reasons.append("digits of random width for f")
    if old["ema"] not in (0.0, 0.995) or (old["ema"] and old["steps"] > _SAME_EMA):
        reasons.append(f"ema={old['ema']} over {old['steps']} steps")
    return f"{', '.join(reasons)}: the setting no longer exists" if reasons else ""


def _nearest(new):
    """The config whose name and changes are fewest: what its preset was called is no matter."""
    found = [config.DTNConfig(preset=preset, **new) for preset in presets.PRESETS]
    return min(found, key=lambda c: len(config.changes(c)))


def _common(line, kind, split, commit, time=None):
    """What all lines of a record say of its run."""
    run, result, old = line["run"], line["result"], line["config"]
    return {
        "schema": 1,
        "kind": kind,
        **line["named"],
        "domain": old["domain"],
        "seed": old["seed"],
        "steps": old["steps"],
        "split": split,
        "data": {
            "name": old["data"],
            "s": _pictures(run["source"]["name"], run["source"]["images"], old),
            "t": _pictures(run["target"]["name"], run["target"]["images"], old),
        },
        "trained": {
            "commit": run["commit"],
            "versions": {"python": run["python"], **run["versions"]},
            "processor": None,
            "time": None,
            "starts": None,
            "minutes": result["minutes"],
            "precision": old["precision"],
        },
        "scored": {"commit": commit, "versions": None, "processor": None, "time": time},
    }


def _named(old):
    """Row, changes and settings of a run, or why it has none of today's."""
    new, why = settings(old)
    if why:
        return {"row": old["preset"], "changes": {}, "settings": old, "retired": why}
    found = {
        "row": config.row_of(new),
        "changes": config.changes(new),
        "settings": dataclasses.asdict(new),
    }
    return json.loads(json.dumps(found))  # lists, not tuples, as of lines that were read


def _test(line):
    result = line["result"]
    names = ("accuracy", "original", "per_digit", "confusion", "frechet", "frechet_floor")
    return {
        **_common(line, "score", result["split"], result["commit"], result["time"]),
        "images": _pictures(result["source"], result["n"], line["config"], result["images"]),
        "target": _pictures(result["target"], None, line["config"]),
        "judge": _judge(result["judge"], result.get("judge_steps")),
        "f": {"key": None, "hash": None, "accuracy": result["f"]},
        **{name: result[name] for name in names},
    }


def _validation(line):
    """Its score where settings are chosen; how good its judge was, was not kept."""
    found = line["validation"]
    return {
        **_common(line, "score", "validation", found["commit"]),
        "images": _pictures(found["source"], found["n"], line["config"], found["images"]),
        "target": _pictures(line["result"]["target"], None, line["config"]),
        "judge": _judge(None, found["judge_steps"]),
        "f": {"key": None, "hash": None, "accuracy": {}},
        "accuracy": found["accuracy"],
    }


def _adaptation(line):
    """Table 2: the images are those of its smaller reference set."""
    found = line["adaptation"]
    row = found["rows"]["test"]
    title = row["reference"].removeprefix("G(").removesuffix(")")
    accuracy = {found["target"]: found["f"]} if "f" in found else {}
    return {
        **_common(line, "adaptation", "test", found["commit"]),
        "images": _pictures(title, row["images"], line["config"]),
        "target": _pictures(found["target"], found["n"], line["config"]),
        "judge": _judge(None, None),
        "f": {"key": None, "hash": None, "accuracy": accuracy},
        "rows": found["rows"],
    }


def _judge(accuracy, steps):
    return {"hash": None, "accuracy": accuracy, "steps": steps}


def _pictures(title, images, old, fingerprint=None):
    """Facts of a set of pictures. Old fingerprints saw some pixels: none equals a new one."""
    published = None
    if old["data"] == "files" and title.startswith("SVHN train"):
        published = False  # it was cut again from the photos
    elif old["data"] == "files" and title.startswith("MNIST train"):
        published = True
    fingerprint = fingerprint and f"old:{fingerprint}"
    return {
        "title": title,
        "images": images,
        "fingerprint": fingerprint,
        "published": published,
    }
