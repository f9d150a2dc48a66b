"""One of two machines of a cluster, on loopback: for cluster_test.

    TF_CONFIG=... python -m tests.machine DIRECTORY KILLED_AT

Trains the smallest net that has what DTN's have to share: batch norm, Adam, a gradient, a mean.
Worker 1 kills itself after step KILLED_AT, 0 for never.
"""

import os
import pathlib
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import cluster, devices, loop
from dtn_tf.adam import Adam
from dtn_tf.data import pipeline
from dtn_tf.nets.normalization import DomainBatchNorm
from dtn_tf.players import share
from tests import replicas, testing

STEPS = 10


class Net(keras.Model):
    """One convolution and its batch norm, which learn to paint gray."""

    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(4, 3, strides=8, name="conv")
        self.norm = DomainBatchNorm(name="norm")
        self.conv.build((None, 32, 32, 3))
        self.norm.build((None, None, None, 4))
        self.loss_mean = keras.metrics.Mean("loss")
        self.built = True

    @property
    def metrics(self):
        """The running mean of the loss."""
        return [self.loss_mean]

    def train_step(self, batch):
        """One update on a batch of images."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.norm(self.conv(batch[0]), training=True) - 0.5))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables, share()), variables)
        self.loss_mean.update_state(loss)
        return {"loss": self.loss_mean.result()}


def train(directory, watchers=()):
    """Trains, or goes on from the last checkpoint; returns the net, its logs and its start."""
    keras.utils.set_random_seed(0)
    with devices.scope(1):
        net = Net()
        net.compile(Adam(1e-2, epsilon=1e-3))
        net.optimizer.build(net.trainable_variables)
    parts, logs = ((testing.pixels(30, 3),),), replicas.Logs()

    def batches(start, stop):
        numbered = pipeline.batches(parts, 8, 0, start, stop)
        return numbered.map(lambda part, k: (tf.cast(part[0], tf.float32) / 127.5 - 1.0,))

    start = loop.fit(net, batches, STEPS, directory, [logs, *watchers], STEPS // 2)
    return net, logs.last, start


def main(directory, killed_at):
    """Trains in the cluster; leaves what the machine that writes has: weights and logs."""
    cluster.join()
    kill = testing.Call(killed_at, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with cluster.folder(directory / "run") as own:
        net, logs, start = train(own / "checkpoints", () if cluster.is_chief() else (kill,))
        found = {f"log/{name}": value for name, value in logs.items()}
        np.savez(own / "found.npz", **replicas.weights(net), **found, start=start)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
