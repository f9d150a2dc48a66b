"""Result lines for tests."""

import dataclasses

import numpy as np

from dtn_tf import config


def line(seed=0, **changes):
    """Returns a score of `dtn` on SVHN; `changes` replace its values, "judge" a part of them."""
    settings = changes.pop("settings", {})
    row = changes.pop("row", "dtn")
    domain = changes.pop("domain", "svhn")
    run = config.make(row, seed=seed, domain=domain, data="files", **settings)
    judge = {"hash": "0123456789abcdef", "accuracy": 0.994, "steps": 1500}
    return {
        "schema": 1,
        "kind": "score",
        "row": config.row_of(run),
        "changes": config.changes(run),
        "domain": domain,
        "seed": seed,
        "settings": dataclasses.asdict(run),
        "split": "test",
        "data": {
            "name": "files",
            "s": pictures("SVHN train[:68257]", 68257, published=False),
            "t": pictures("MNIST train", 60000),
        },
        "images": pictures("SVHN test", 5000),
        "target": pictures("MNIST test", 10000),
        "judge": {**judge, **changes.pop("judge", {})},
        "f": {
            "key": "f-1",
            "hash": f"f-{seed}",
            "accuracy": {"SVHN test": 0.95, "MNIST test": 0.7},
        },
        "trained": {
            "commit": "aaaa00000000",
            "versions": {},
            "processor": "CPU",
            "time": "2026-11-01T00:00:00Z",
            "starts": 1,
            "minutes": 6.0,
            "precision": "float32",
        },
        "scored": {
            "commit": "aaaa00000000",
            "versions": {},
            "processor": "CPU",
            "time": f"2026-11-02T00:00:{seed:02d}Z",
        },
        "steps": 1500,
        "accuracy": 0.8,
        "original": 0.4,
        "per_digit": [0.5] * 9 + [None],
        "confusion": (np.eye(10, dtype=int) * 3).tolist(),
        "frechet": 12.5,
        "frechet_floor": 0.5,
        **changes,
    }


def pictures(title, images, fingerprint=None, published=True):
    """Facts of a set of pictures."""
    fingerprint = fingerprint or f"of {title} {images}"
    return {
        "title": title,
        "images": images,
        "fingerprint": fingerprint,
        "published": published,
    }


def adaptation(seed=0, nearest=(0.8, 0.7), classifier=(0.9, 0.6), **changes):
    """Returns a line of Table 2."""
    rows = {
        split: {
            "reference": f"G(SVHN {split})",
            "images": images,
            "nearest_neighbour": nearest[k],
            "classifier": classifier[k],
            "nearest_neighbour_of_g": 0.97,
            "classifier_of_g": 0.98,
        }
        for k, (split, images) in enumerate((("train", 68257), ("test", 5000)))
    }
    judge = {"hash": None, "accuracy": None, **changes.pop("judge", {})}
    return line(seed, kind="adaptation", judge=judge, rows=rows, **changes)
