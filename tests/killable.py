"""Trains a tiny model through `loop.fit`, slowly enough to be killed: for loop_test.

    python -m tests.killable dtn|classifier DIRECTORY NUM_STEPS SECONDS_PER_STEP

Leaves DIRECTORY/end.npz, the whole state at the end, written under its name or not at all.
"""

import functools
import pathlib
import sys
import time

import keras
import numpy as np

from dtn_tf import build, config, files, images, loop, train
from dtn_tf.data import augment, domains, pipeline
from dtn_tf.data.pictures import Pictures
from tests import testing

_BATCH_SIZE, _SEED, _CHECKPOINT_EVERY = 4, 3, 4


class _Slow(keras.callbacks.Callback):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(self.seconds)


def _dtn_and_batches():
    """As `train.train` has them: Adam with a decay, and f(x) that is remembered."""
    settings = config.DTNConfig(
        precision="float32",
        f_channels=testing.F_CHANNELS,
        g_channels=testing.G_CHANNELS,
        d_channels=testing.D_CHANNELS,
        steps=30,
        batch_size=_BATCH_SIZE,
        seed=_SEED,
    )
    dtn = build.build(settings, domains.TASKS["svhn"], testing.tiny_classifier())
    s, t = Pictures(testing.pixels(13, 3), "s"), Pictures(testing.pixels(11, 1, 1), "t")
    dtn.remember(13, 11)
    return dtn, functools.partial(train.batches, settings, s, t, True)


def _classifier_and_batches():
    classifier = testing.tiny_classifier()
    classifier.compile(
        keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    classifier.optimizer.build(classifier.trainable_variables)
    parts = ((testing.pixels(13, 3), np.arange(13) % 10),)

    def batches(start, stop):
        numbered = pipeline.batches(parts, _BATCH_SIZE, _SEED, start, stop)
        return numbered.map(
            lambda part, k: (augment.augment(images.to_model(part[0]), (3, k), invert=0.5), part[1])
        )

    return classifier, batches


MODELS = {"dtn": _dtn_and_batches, "classifier": _classifier_and_batches}


def run(kind, directory, num_steps, callbacks=()):
    """Trains to the end, or on from the last checkpoint; returns the start and the state."""
    model, batches = MODELS[kind]()
    checkpoints = pathlib.Path(directory) / "checkpoints"
    start = loop.fit(model, batches, num_steps, checkpoints, callbacks, _CHECKPOINT_EVERY)
    return start, testing.state(model)


def main(kind, directory, num_steps, seconds):
    start, state = run(kind, directory, int(num_steps), [_Slow(float(seconds))])
    end = pathlib.Path(directory) / "end.npz"
    files.save(end, lambda path: np.savez(path, start, *state))


if __name__ == "__main__":
    main(*sys.argv[1:])
