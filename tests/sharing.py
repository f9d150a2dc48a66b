"""One of several processes that train the same rows: for sharing_test.

    python -m tests.sharing DIRECTORY

Two tiny rows; a training takes a moment, and is noted in `trained`, a line each.
"""

import os
import pathlib
import sys
import time
from unittest import mock

from dtn_tf import files, presets, train
from dtn_tf.scores import needed, tables
from tests import tables_test


def main(directory):
    """Does what `eval_main.py --table=1 --train_missing` does before it scores."""
    places = tables.Places(*(directory / name for name in ("runs", "cache", "results")))

    def stand_in(config, workdir, cache_dir, watchers):
        with files.locked(workdir):
            if not (workdir / "dtn.keras").exists():
                with open(directory / "trained", "a") as file:
                    file.write(f"{workdir.name} {os.getpid()}\n")
                (directory / "begun").touch()
                _wait_for(directory / "go")
                tables_test.finish(workdir, seed=config.seed)

    rows = [presets.ROWS["dtn"]]
    with (
        mock.patch.object(presets, "rows_of", lambda table: rows),
        mock.patch.object(train, "train", stand_in),
    ):
        needed.train_missing(("1",), places, "builtin", None, 2, [])


def _wait_for(path, seconds=120.0):
    end = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
