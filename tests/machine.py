"""One of two machines of a cluster, on loopback: for cluster_test.

    TF_CONFIG=... python -m tests.machine DIRECTORY KILLED_AT

Trains a tiny DTN through `loop.fit`; worker 1 kills itself after step KILLED_AT, 0 for never.
"""

import os
import pathlib
import signal
import sys

import numpy as np

from dtn_tf import cluster, loop
from tests import replicas, testing


def main(directory, killed_at):
    """Trains, or goes on from the last checkpoint; the chief leaves weights and logs."""
    cluster.join()
    watchers = [logs := replicas.Logs()]
    if not cluster.is_chief():
        kill = testing.Call(killed_at, lambda: os.kill(os.getpid(), signal.SIGKILL))
        watchers.append(kill)
    with cluster.folder(directory / "run") as own:
        dtn, batches = replicas.made(replicas.ROWS[0], 1)
        start = loop.fit(
            dtn, batches, replicas.STEPS, own / "checkpoints", watchers, replicas.STEPS // 2
        )
        found = {f"log/{name}": value for name, value in logs.last.items()}
        np.savez(own / "found.npz", **replicas.weights(dtn), **found, start=start)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
