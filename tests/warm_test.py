"""The warm start of g."""

import dataclasses
import os
import signal
from unittest import mock

import numpy as np

from dtn_tf import config, losses, warm
from dtn_tf.data.pictures import Pictures
from dtn_tf.dtn import SOURCE, TARGET
from dtn_tf.errors import Interrupted
from tests import testing


class FitTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.t = Pictures(testing.pixels(24), "t")
        made = config.make("tiny", warm_steps=30, precision="float32", log_every=10)
        self.config = dataclasses.replace(made, batch_size=8, warm_learning_rate=0.01)

    def fit(self, dtn, steps=30, fx=None):
        settings = dataclasses.replace(self.config, warm_steps=steps)
        return warm.fit(dtn, settings, (self.t, fx), self.directory)

    def l_tid(self, dtn):
        x = testing.images(8)
        gx = dtn.g(dtn.f(x, training=False), domain=TARGET, training=True)
        return float(losses.l_tid(x, gx, "mse"))

    def test_g_learns_the_target_and_f_and_d_stay(self):
        dtn = testing.tiny_dtn()
        before, error = testing.snapshot(dtn), self.l_tid(dtn)
        self.assertGreater(self.fit(dtn), 0.0)
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": True, "d": False})
        for a, b in zip(dtn.g.get_weights(), dtn.g_ema.get_weights(), strict=True):
            self.assertAllEqual(a, b)
        self.assertLess(self.l_tid(dtn), 0.8 * error)
        self.assertNotEmpty(list((self.directory / "tb" / warm.FOLDER).rglob("*")))
        # It has read no image of s, and translates as if f(s) were f(t).
        fx = dtn.f(testing.images(8), training=False)
        self.assertAllEqual(dtn.g_ema(fx, domain=SOURCE), dtn.g_ema(fx, domain=TARGET))

    def test_known_features_give_the_same_g(self):
        one, other = testing.tiny_dtn(), testing.tiny_dtn()
        self.fit(one, 3)
        fx = np.asarray(other.f(self.t.pixels / np.float32(127.5) - 1.0, training=False))
        with mock.patch.object(warm, "FOLDER", "other"):
            self.fit(other, 3, fx)
        for a, b in zip(one.g.get_weights(), other.g.get_weights(), strict=True):
            self.assertAllClose(a, b, atol=1e-5)

    def test_a_run_whose_g_and_d_have_begun_is_left_alone(self):
        dtn = testing.tiny_dtn()
        before = testing.snapshot(dtn)
        with mock.patch.object(warm.loop, "has_begun", lambda _: True):
            self.assertEqual(self.fit(dtn), 0.0)
        self.assertEqual(testing.moved(dtn, before)["g"], False)

    def test_stopped_and_resumed_is_as_straight_through(self):
        whole, parts = testing.tiny_dtn(), testing.tiny_dtn()
        with mock.patch.object(warm, "FOLDER", "whole"):
            self.fit(whole, 6)
        real = warm.WarmStart.train_step
        calls = []

        def step(model, batch):
            calls.append(1)
            if len(calls) == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(model, batch)

        with mock.patch.object(warm.WarmStart, "train_step", step):
            with self.assertRaises(Interrupted):
                self.fit(parts, 6)
        parts = testing.tiny_dtn()
        self.fit(parts, 6)
        for a, b in zip(whole.g.get_weights(), parts.g.get_weights(), strict=True):
            self.assertAllEqual(a, b)
