"""What TensorBoard's HPARAMS tab compares runs by: the settings of every run.

The tab shows every scalar that lies beside the settings, so they have a folder of their own in
`tb`: with the numbers that a run is scored by, and not the last value of every curve.
"""

import contextlib
import dataclasses
import pathlib

import tensorflow as tf
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.hparams import api

from dtn_tf import config as config_lib
from dtn_tf import files
from dtn_tf.settings import said

FOLDER = "summary"  # in `tb`
NAME = "events.out.tfevents.0.hparams"
_LEFT_OUT = (*config_lib.FOLDERS, *config_lib.WATCHED)


def write(workdir, config):
    """Writes the settings of a run where TensorBoard looks for them; once in its life.

    Args:
        workdir: Directory of the run.
        config: `DTNConfig`, resolved.
    """
    workdir = pathlib.Path(workdir).resolve()
    path = workdir / "tb" / FOLDER / NAME
    if path.exists():
        return
    found = values(config)
    # Runs of one name are one line of the tab, and their numbers are averaged.
    name = f"{workdir.name} {files.fingerprint(str(workdir.parent), found)[:4]}"
    summary = api.hparams_pb(found, trial_id=name)
    files.save(path, lambda temporary: _write(temporary, summary))


def write_numbers(workdir, split, numbers, step):
    """Writes what a run was scored by beside its settings.

    Args:
        workdir: Directory of the run.
        split: "test" or "validation", the head of the names in the tab.
        numbers: Dict, name -> float.
        step: Of the scored weights.
    """
    where = pathlib.Path(workdir) / "tb" / FOLDER
    events = tf.summary.create_file_writer(str(where))
    with contextlib.closing(events), events.as_default(step=step):
        for name, value in numbers.items():
            tf.summary.scalar(f"{split}/{name}", value)


def values(config):
    """Settings as TensorBoard takes them: dict of bool, int, float and str.

    Not those that only say what is watched, or where data lies. "row" is the row of a table
    that the run is, or started from.
    """
    found = {k: v for k, v in dataclasses.asdict(config).items() if k not in _LEFT_OUT}
    del found["preset"]
    plain = (bool, int, float, str)
    found = {k: v if isinstance(v, plain) else said(v) for k, v in found.items() if v is not None}
    return {"row": config_lib.row_of(config), **found}


def _write(path, summary):
    with tf.io.TFRecordWriter(str(path)) as events:
        for event in (
            event_pb2.Event(file_version="brain.Event:2"),
            event_pb2.Event(summary=summary),
        ):
            events.write(event.SerializeToString())
