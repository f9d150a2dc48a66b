"""What stays of a finished run: scores, curves and pictures, small enough to be committed.

The paper's tables are laid out and drawn from records, so that they can be made anew, and
grow, where the runs themselves are not at hand. The inputs are not in a record, for SVHN
may not be passed on: figures need the source's test split.
"""

import dataclasses
import json
import pathlib
import shutil

import numpy as np

from dtn_tf import evaluate, figures, report, run_dir, train

NUM_PICTURES = 128
_CURVES = "loss/"  # these tags
_RESULT = "result.json"
_COMPLETE = "run.json"  # written last


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """A record that was read.

    Attributes:
        folder: Where it is.
        result: Dict of `evaluate.evaluate`.
        curves: Dict: TensorBoard tag -> float array `(2, points)`, steps and values of
            the loss terms of g and D.
        pictures: Dict: name of `inputs` -> uint8 `(NUM_PICTURES, 32, 32, channels)`,
            what the run made of them.
    """

    folder: pathlib.Path
    result: dict
    curves: dict
    pictures: dict


def inputs(digits):
    """Draws the images that every run translates for its record, the same for all.

    Args:
        digits: Labelled `Digits` of the source domain, its test split.

    Returns:
        Dict of uint8 arrays: "mixed", and "unseen", of the digit of Table 3 alone.
    """
    draw = np.random.default_rng(0)
    rows = {
        "mixed": np.arange(len(digits.labels)),
        "unseen": np.flatnonzero(digits.labels == report.UNSEEN),
    }
    return {name: digits.images[draw.choice(of, NUM_PICTURES)] for name, of in rows.items()}


def is_of(folder, workdir, result):
    """Whether there is a record of just this run and this result."""
    folder = pathlib.Path(folder)
    if not (folder / _COMPLETE).exists():
        return False
    facts, old = (json.loads((folder / name).read_text()) for name in (_COMPLETE, _RESULT))
    return facts == _facts(workdir) and old == _without_paths(result)


def keep(folder, workdir, result, x):
    """Records a finished run; an older record in that folder is replaced.

    Args:
        folder: Where the record goes.
        workdir: Directory of the run.
        result: Dict of `evaluate.evaluate`.
        x: What `inputs` returned.
    """
    folder, workdir = pathlib.Path(folder), pathlib.Path(workdir)
    dtn = train.load(workdir)
    partial = folder.with_name(f"partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    run_dir.write_json(partial / _RESULT, _without_paths(result))
    pictures = {name: evaluate.translate(dtn, part) for name, part in x.items()}
    curves = figures.read_scalars(workdir / "tb" / "dtn")
    curves = {tag: np.array(curves[tag]) for tag in curves if tag.startswith(_CURVES)}
    np.savez_compressed(partial / "arrays.npz", **pictures, **curves)
    run_dir.write_json(partial / _COMPLETE, _facts(workdir))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def load(folder, settings):
    """Reads a record.

    Args:
        folder: Where it would be.
        settings: `DTNConfig` that it must be of; the precision may differ.

    Returns:
        `Record`; None if there is none of these settings.
    """
    folder = pathlib.Path(folder)
    if not (folder / _COMPLETE).exists():
        return None
    old = json.loads((folder / _COMPLETE).read_text())["config"]
    if run_dir.differing(old, dataclasses.asdict(settings)).keys() - {"precision"}:
        return None
    with np.load(folder / "arrays.npz") as file:
        arrays = dict(file)
    curves = {tag: arrays.pop(tag) for tag in list(arrays) if tag.startswith(_CURVES)}
    result = json.loads((folder / _RESULT).read_text())
    return Record(folder, result, curves, arrays)


def _without_paths(result):
    return {k: v for k, v in result.items() if k != "workdir"}


def _facts(workdir):
    """A run's config.json without paths of this machine."""
    facts = run_dir.read(workdir)
    facts["config"]["data_dir"] = None
    del facts["data_notice"]
    return facts
