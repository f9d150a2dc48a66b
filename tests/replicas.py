"""Trains a tiny DTN on one device and on two of a divided CPU: for devices_test.

    python -m tests.replicas DIRECTORY

Leaves `begun.npz`, `1.npz`, `2.npz` and `resumed.npz` with every weight and log. In a
process of its own: a CPU can be divided only before TensorFlow's first operation.
"""

import functools
import pathlib
import re
import shutil
import sys

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import config, devices, loop, serving, train
from dtn_tf.adam import Adam
from dtn_tf.data.pictures import Pictures
from tests import testing

STEPS = 10
SMALL = {
    "f_channels": testing.F_CHANNELS,
    "g_channels": testing.G_CHANNELS,
    "d_channels": testing.D_CHANNELS,
    "precision": "float32",
    "batch_size": 8,
    "g_learning_rate": 1e-4,
    "d_learning_rate": 1e-4,
    "steps": STEPS,
}


class Logs(keras.callbacks.Callback):
    """Keeps the last logs."""

    def on_train_batch_end(self, batch, logs=None):
        """Keeps these."""
        self.last = {name: float(value) for name, value in logs.items()}


def made(count):
    """Returns a DTN on so many devices, and its batches: the paper's."""
    settings = config.make("dtn", **SMALL, devices=count)
    # A bias before batch norm has no gradient but rounding, of which Adam makes whole steps.
    rounding = {"beta_1": settings.beta_1, "epsilon": 1e-3}
    with devices.scope(count):
        rates = settings.d_learning_rate, settings.g_learning_rate
        dtn = testing.tiny_dtn(*(Adam(rate, **rounding) for rate in rates))
    s, t = Pictures(testing.pixels(30, 3), "s"), Pictures(testing.pixels(22, 1, 1), "t")
    known = [(part, serving.apply(dtn.f, part.pixels)) for part in (s, t)]
    return dtn, functools.partial(train.batches, settings, *known)


def run(count, directory):
    """Trains it; leaves its checkpoints, and its weights and logs in files."""
    dtn, batches = made(count)
    np.savez(directory / "begun.npz", **weights(dtn))
    _fit(dtn, batches, directory, str(count))
    return dtn, batches


def _fit(dtn, batches, directory, name):
    logs = Logs()
    start = loop.fit(dtn, batches, STEPS, directory / name, [logs], STEPS // 2)
    found = {f"log/{name}": value for name, value in logs.last.items()}
    np.savez(directory / f"{name}.npz", **weights(dtn), **found, start=start)


def weights(dtn):
    """Returns every variable: "weight/NUMBER PATH" -> array."""
    # Keras numbers the models of a process: the second DTN is called dtn_1.
    paths = [re.sub(r"_\d+(?=/)", "", v.path) for v in dtn.variables]
    return {f"weight/{k:03d} {paths[k]}": v.numpy() for k, v in enumerate(dtn.variables)}


def main(directory):
    """On one device and on two; then on two from the checkpoint half-way."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
    with testing.eagerly():  # a graph takes longer to make
        run(1, directory)
    with testing.as_traced():
        dtn, batches = run(2, directory)
        half = f"step-{STEPS // 2:08d}"
        (directory / "resumed").mkdir()
        for suffix in (".weights.h5", ".json"):
            shutil.copy(directory / "2" / f"{half}{suffix}", directory / "resumed")
        _fit(dtn, batches, directory, "resumed")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
