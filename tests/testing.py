"""Tiny nets, synthetic pixels, and what changed: shared by the tests."""

import contextlib
import functools
import os
import pathlib
import shutil
import tempfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.adam import Adam
from dtn_tf.data.builtin import street_digits
from dtn_tf.dtn import DTN
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.nets.decoder import Decoder
from dtn_tf.nets.discriminator import Discriminator

F_CHANNELS, G_CHANNELS, D_CHANNELS = (4, 4, 8, 8), (8, 8, 4), (4, 4, 8, 8)


class TestCase(parameterized.TestCase, tf.test.TestCase):
    """The base of every test here."""

    test_session = None  # TensorFlow's own, which does nothing but report a skip

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(tempfile.mkdtemp())  # absl's needs its flags parsed
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.enter_context(mock.patch.object(os, "fsync"))  # slow, and no test cuts the power


@contextlib.contextmanager
def eagerly(really=True):
    """Steps are computed as they are read: tracing one takes as long as five of these.

    `dtn_test.ModeTest` has both agree.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(really)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@contextlib.contextmanager
def as_traced():
    """Graphs run as they were traced: TensorFlow's optimizer takes longer than a few steps."""
    kept = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False, **kept})


def fewer_digits(**sizes):
    """The same drawn digits, fewer of them, and each drawn once per process.

    `sizes` replace those of "train" and "test". Digits are drawn by 250.
    """
    sizes = {"train": 240, "test": 100} | sizes
    splits = {name: (sizes[name], seed) for seed, name in enumerate(sizes)}
    return mock.patch.multiple(street_digits, SPLITS=splits, _draw_chunk=_draw_chunk)


_draw_chunk = functools.cache(street_digits._draw_chunk)


class Call(keras.callbacks.Callback):
    """Calls a function after one step."""

    def __init__(self, step, function):
        super().__init__()
        self.step = step
        self.function = function

    def on_train_batch_end(self, batch, logs=None):
        if self.start + batch + 1 == self.step:
            self.function()


class EagerTestCase(TestCase):
    """The base of tests that take only a few steps with each model they make.

    AdamW, which teaches f and the judge, is then one operation per weight, as Adam is: the
    same but for rounding, see `adam_test`.
    """

    def setUp(self):
        super().setUp()
        self.enter_context(eagerly())
        self.enter_context(mock.patch.object(keras.optimizers, "AdamW", Adam))


class TracedTestCase(TestCase):
    """The base of tests that take a few steps of a graph."""

    def setUp(self):
        super().setUp()
        self.enter_context(as_traced())


def tiny_nets(policy="float32", seed=0, channels=1):
    """Returns f, g and D of a few filters, equal for equal seeds."""
    keras.utils.set_random_seed(seed)
    return (
        _with_unit_features(ContentEncoder(F_CHANNELS, dtype=policy), (policy, seed)),
        Decoder(G_CHANNELS, channels, F_CHANNELS[-1], dtype=policy),
        Discriminator(D_CHANNELS, channels, dtype=policy),
    )


def tiny_dtn(d_optimizer=None, g_optimizer=None, policy="float32", seed=0, compiled=None, **kwargs):
    """Returns a compiled DTN of a few filters; Adam(1e-3), as in a run, unless told otherwise.

    Keras' own takes twice as long to trace, and half as long again to step.
    `compiled` goes to `compile`, the other keyword arguments to `DTN`.
    """
    dtn = DTN(*tiny_nets(policy, seed), **kwargs)
    dtn.compile(
        d_optimizer or Adam(1e-3, beta_1=0.5),
        g_optimizer or Adam(1e-3, beta_1=0.5),
        **(compiled or {}),
    )
    return dtn


def tiny_classifier(policy="float32", seed=0, dropout=0.6):
    """Returns an uncompiled classifier of a few filters."""
    keras.utils.set_random_seed(seed)
    return Classifier(ContentEncoder(F_CHANNELS, dtype=policy), dropout=dropout)


_WEIGHTS = {}  # of f with its statistics, by what it was made from


def _with_unit_features(f, made_from):
    """Gives f the statistics of some images, as training would have."""
    if made_from not in _WEIGHTS:
        for norm in f.norms:
            norm.momentum = 0.0
        f(images(32, 3, seed=9), training=True)
        _WEIGHTS[made_from] = f.get_weights()
    for norm in f.norms:
        norm.momentum = 0.99
    f.set_weights(_WEIGHTS[made_from])
    return f


def pixels(n=8, channels=1, seed=0):
    """Returns stored pixels: uint8 (n, 32, 32, channels), smooth blobs, no two alike."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (n, 4, 4, channels), np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def images(n=8, channels=1, seed=0):
    """Returns what nets read: float32 (n, 32, 32, channels) in [-1, 1]."""
    return tf.constant(pixels(n, channels, seed) / 127.5 - 1.0, tf.float32)


def snapshot(model):
    """Returns copies of all variables of f, g and D, by net."""
    return {net: [v.numpy() for v in getattr(model, net).variables] for net in ("f", "g", "d")}


def moved(model, before):
    """Says for each net whether any of its variables is not what it was."""
    after = snapshot(model)
    return {
        net: any((a != b).any() for a, b in zip(after[net], before[net], strict=True))
        for net in before
    }


def state(model):
    """Returns everything a resumed run must bring back, as a flat list of arrays."""
    optimizers = ("optimizer", "d_optimizer", "g_optimizer")
    found = [getattr(model, name, None) for name in optimizers]
    return [v.numpy() for part in (model, *filter(None, found)) for v in part.variables]
