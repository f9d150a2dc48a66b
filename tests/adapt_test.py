"""f is adapted to the target domain without one of its labels."""

import contextlib
import dataclasses
import io
import math
import signal
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import adapt, callbacks, config, loop, serving, train
from dtn_tf.data import domains, pictures, stores
from tests import testing, train_test

_DISTORT = {"geometry": 0.0, "colour": 0.0, "invert": 0.0}


def _parts(shift=60):
    """Dark and bright squares, labelled, and the same shifted in brightness, unlabelled."""
    draw = np.random.default_rng(0)
    labels = np.arange(64, dtype=np.uint8) % 2
    x = draw.integers(0, 40, (64, 32, 32, 3), np.uint8)
    for image, label in zip(x, labels, strict=True):
        image[:, slice(0, 16) if label else slice(16, 32)] += 120  # which half is bright
    labelled = pictures.Pictures(x, "halves", labels, tuple("0123456789"))
    return labelled, pictures.Pictures(x[..., :1] + np.uint8(shift), "brighter halves")


def _fit(classifier, directory, num_steps):
    with contextlib.redirect_stdout(io.StringIO()):
        return adapt.fit(
            classifier,
            *_parts(),
            directory,
            num_steps=num_steps,
            batch_size=8,
            learning_rate=1e-3,
            weight_decay=0.0,
            seed=0,
            distort=_DISTORT,
            log_every=2,
        )


class TermsTest(testing.TestCase):
    def test_information_by_hand(self):
        sure_and_diverse = 50.0 * tf.eye(10)
        self.assertAllClose(adapt.l_information(sure_and_diverse), -math.log(10.0), atol=1e-4)
        one_sided = tf.one_hot([3] * 10, 10, on_value=50.0)
        for nothing_learnt in (tf.zeros((10, 10)), one_sided):
            self.assertAllClose(adapt.l_information(nothing_learnt), 0.0, atol=1e-4)

    def test_consistency_counts_sure_decisions_alone(self):
        weak = tf.math.log([[0.96, 0.04], [0.90, 0.10], [0.01, 0.99]])
        strong = tf.math.log([[0.5, 0.5], [0.1, 0.9], [0.8, 0.2]])
        loss, share = adapt.l_consistency(weak, strong, 0.95)
        self.assertAllClose(loss, (math.log(2.0) + math.log(5.0)) / 3)
        self.assertAllClose(share, 2 / 3)

    def test_consistency_teaches_the_strong_view_and_not_the_weak_one(self):
        weak, strong = tf.constant([[5.0, 0.0]]), tf.constant([[0.0, 0.0]])
        with tf.GradientTape() as tape:
            tape.watch((weak, strong))
            loss, _ = adapt.l_consistency(weak, strong, 0.95)
        to_weak, to_strong = tape.gradient(loss, (weak, strong))
        self.assertIsNone(to_weak)
        self.assertAllClose(to_strong, [[-0.5, 0.5]])


class StepTest(testing.TestCase):
    def test_moves_by_the_gradient_of_all_three_terms(self):
        classifier = testing.tiny_classifier(dropout=0.0)
        head = classifier.head.kernel
        x_s, weak, strong = (testing.images(8, 3, seed=seed) for seed in range(3))
        labels = tf.range(8) % 3
        with tf.GradientTape(persistent=True) as tape:
            fx = classifier.encoder(tf.concat([x_s, weak, strong], 0), training=True)
            p = tf.nn.softmax(tf.nn.relu(fx) @ head + classifier.head.bias)
            p_s, p_weak, p_strong = p[:8], p[8:16], p[16:]
            share = tf.reduce_mean(p_weak, axis=0)
            taught = tf.stop_gradient(tf.one_hot(tf.argmax(p_weak, axis=1), 10))
            terms = {
                "L_CE": -tf.reduce_mean(tf.math.log(tf.gather(p_s, labels, batch_dims=1))),
                "L_IM": tf.reduce_sum(share * tf.math.log(share))
                - tf.reduce_mean(tf.reduce_sum(p_weak * tf.math.log(p_weak), axis=1)),
                "L_FM": -tf.reduce_mean(tf.reduce_sum(taught * tf.math.log(p_strong), axis=1)),
            }
        gradients = {name: tape.gradient(value, head) for name, value in terms.items()}
        start = head.numpy()
        model = adapt.Adaptation(classifier, confidence=0.0)  # every decision counts
        model.compile(keras.optimizers.SGD(1.0))
        logged = model.train_step(((x_s, labels), (weak, strong)))
        for name, value in terms.items():
            self.assertAllClose(logged[name], value, rtol=1e-3, atol=1e-4)
        moved = start - head.numpy()
        error = np.abs(sum(gradients.values()) - moved).max()
        self.assertLess(error, 1e-3 * np.abs(moved).max())
        for gradient in gradients.values():  # each has a part in it that would be missed
            self.assertGreater(np.abs(gradient).max(), 1e-2 * np.abs(moved).max())


class FitTest(testing.EagerTestCase):
    def test_stopped_and_resumed_is_as_straight_through(self):
        straight = _fit(testing.tiny_classifier(), self.directory / "a", num_steps=4)
        ctrl_c = lambda *_: signal.raise_signal(signal.SIGINT)  # noqa: E731
        with mock.patch.object(callbacks.Progress, "_print", ctrl_c):
            with self.assertRaisesRegex(loop.Interrupted, "step 2 of 4"):
                _fit(testing.tiny_classifier(), self.directory / "b", num_steps=4)
        resumed = _fit(testing.tiny_classifier(), self.directory / "b", num_steps=4)
        for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
            self.assertAllEqual(a, b)


class _Mislabelled:
    """A store of pictures whose labels of one domain are all wrong."""

    def __init__(self, store, domain):
        self.store, self.domain = store, domain

    def __getattr__(self, name):
        return getattr(self.store, name)

    def load(self, domain, split, num=0):
        """Returns the pictures, those of the chosen domain as 9 minus themselves."""
        found = self.store.load(domain, split, num)
        if domain != self.domain:
            return found
        return dataclasses.replace(found, labels=9 - found.labels)


class LabelsTest(testing.EagerTestCase):
    """Trains a whole adapted run: its weights show whose labels it was able to reach."""

    def setUp(self):
        super().setUp()
        self.enter_context(testing.fewer_digits(train=100, test=50))
        self.enter_context(mock.patch.object(serving, "export"))  # slow, and has no label in it
        self.enter_context(mock.patch.object(callbacks.TranslationGrid, "_draw"))
        self.enter_context(mock.patch.object(loop._Checkpoint, "save"))

    def train(self, name, mislabelled=None):
        """Trains from nothing; returns the run's DTN."""
        few = {"pretrain_steps": 2, "adapt_steps": 2, "steps": 1, "num_validation": 20}
        settings = config.make("dtn_adapted", **train_test.TINY | few)
        honest, workdir = stores.open_store, self.directory / name

        def opened(*args):
            return _Mislabelled(honest(*args), mislabelled)

        with mock.patch.object(stores, "open_store", opened):
            with contextlib.redirect_stdout(io.StringIO()):
                dtn = train.train(settings, workdir / "run", workdir / "cache")
        self.assertTrue(list((workdir / "run/tb/adapt_f").iterdir()))
        return dtn

    def test_target_labels_change_nothing_and_source_labels_do(self):
        right = self.train("right")
        wrong_target = self.train("wrong_target", domains.MNIST)
        for a, b in zip(right.get_weights(), wrong_target.get_weights(), strict=True):
            self.assertAllEqual(a, b)
        with mock.patch.object(train, "fit_dtn"):  # f shows it
            wrong_source = self.train("wrong_source", domains.SVHN)
        of_f = zip(right.f.get_weights(), wrong_source.f.get_weights(), strict=True)
        self.assertFalse(all(np.array_equal(a, b) for a, b in of_f))
