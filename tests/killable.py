"""Trains tiny models through `loop.fit` until it is killed: for loop_test.

    python -m tests.killable DIRECTORY

The training of each kind of model begins within a step of the one before, after its first
checkpoint: the kill is in the middle of all.
"""

import functools
import pathlib
import sys
import time

import keras
import numpy as np

from dtn_tf import build, config, images, loop, serving, train
from dtn_tf.content import make
from dtn_tf.data import augment, domains, pipeline
from dtn_tf.data.pictures import Pictures
from tests import testing

_BATCH_SIZE, _SEED = 4, 3
CHECKPOINT_EVERY = 2
STEPS = 4


def _dtn_and_batches():
    """As `train.train` has them: Adam with a decay, and f(x) known beforehand."""
    settings = config.DTNConfig(
        precision="float32",
        f_channels=testing.F_CHANNELS,
        g_channels=testing.G_CHANNELS,
        d_channels=testing.D_CHANNELS,
        steps=30,
        batch_size=_BATCH_SIZE,
        seed=_SEED,
    )
    content = make.content_of(testing.tiny_classifier())
    dtn = build.build(settings, domains.TASKS["svhn"], content)
    s, t = Pictures(testing.pixels(13, 3), "s"), Pictures(testing.pixels(11, 1, 1), "t")
    known = [(part, serving.apply(content.f, part.pixels)) for part in (s, t)]
    return dtn, functools.partial(train.batches, settings, *known)


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


def run(kind, directory, num_steps, callbacks=(), made=None):
    """Trains to the end, or on from the last checkpoint; returns the start and the state.

    `made` is what the function in `MODELS` gave.
    """
    model, batches = made or MODELS[kind]()
    start = loop.fit(model, batches, num_steps, directory, callbacks, CHECKPOINT_EVERY)
    return start, testing.state(model)


def main(directory):
    """Trains nothing to its end."""
    go_on = functools.partial(time.sleep, 600)
    for kind in MODELS:
        within = testing.Call(CHECKPOINT_EVERY + 1, go_on)
        go_on = functools.partial(run, kind, pathlib.Path(directory) / kind, STEPS, [within])
    go_on()


if __name__ == "__main__":
    main(sys.argv[1])
