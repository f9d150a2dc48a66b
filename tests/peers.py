"""What tests of CycleGAN and of UNIT have in common: a tiny one, and all that both must do."""

import functools
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import build, config, loop, serving
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.errors import UserError
from dtn_tf.nets.decoder import Decoder
from dtn_tf.nets.discriminator import Discriminator
from dtn_tf.peers.generators import ResidualGenerator
from tests import testing

X_S, X_T = testing.images(6, 3), testing.images(6, 1, seed=1)
_NETS = ("f", "g", "g_ema", "d", "d_back", "back")


def settings(preset, **changes):
    """A peer's settings, of few filters."""
    small = {
        "f_channels": testing.F_CHANNELS,
        "g_channels": testing.G_CHANNELS,
        "d_channels": testing.D_CHANNELS,
        "precision": "float32",
        "batch_size": 4,
        "steps": 8,
    }
    return config.make(preset, **{**small, **changes})


def tiny(preset, optimizer=None, task=domains.TASKS["svhn"], **changes):
    """A compiled peer of few filters; `optimizer` makes both of its optimizers."""
    content = make.content_of(testing.tiny_classifier())
    fewer_blocks = functools.partial(ResidualGenerator, num_blocks=1)
    with mock.patch.object(build, "ResidualGenerator", fewer_blocks):
        peer = build.build(settings(preset, **changes), task, content)
    if optimizer:
        peer.compile(optimizer(), optimizer())
    return peer


@functools.cache
def stepped(preset):
    """A peer after one step, what it logged and what moved; for tests that change nothing of it."""
    with testing.eagerly():
        peer = tiny(preset)
        before = weights(peer)
        return peer, logged(peer), moved(peer, before)


def logged(peer, batch=(X_S, X_T)):
    """One step, and its means."""
    return {k: float(v) for k, v in peer.train_step(batch).items()}


def weights(peer):
    """Trainable variables by net; of the average and of f all there are."""
    found = {name: getattr(peer, name) for name in _NETS if hasattr(peer, name)}
    return {
        name: [v.numpy() for v in net.trainable_variables or net.variables]
        for name, net in found.items()
    }


def moved(peer, before):
    """Names of the nets with a weight that is not what it was."""
    after = weights(peer)
    return {
        name
        for name, old in before.items()
        if any((a != b).any() for a, b in zip(after[name], old, strict=True))
    }


class Common:
    """Tests that each peer's test case inherits; it says which in `preset`."""

    preset, nets = None, ()

    def test_a_step_moves_all_its_nets_and_never_f(self):
        peer, _, found = stepped(self.preset)
        self.assertEqual(found, {"g_ema", *self.nets})
        self.assertEqual(peer.f.trainable_variables, [])

    def test_neither_f_nor_what_is_known_of_it_is_read(self):
        peer, fx = tiny(self.preset), tf.fill((6, 8), np.nan)
        for v in peer.f.variables:
            v.assign(tf.fill(v.shape, np.nan))
        self.assertEqual(logged(peer, ((X_S, fx), (X_T, fx))), stepped(self.preset)[1])
        self.assertTrue(np.isfinite(peer(X_S)).all())

    def test_what_reads_a_dtn_reads_it(self):
        peer, _, _ = stepped(self.preset)
        self.assertEqual(peer.g.size, 32)
        self.assertEqual(peer(X_S).shape, (6, 32, 32, 1))
        self.assertEqual(peer.reconstruct(X_T).shape, X_T.shape)
        self.assertAllEqual(peer.content(X_S), peer.f(X_S))
        self.assertEqual(serving.translate(peer, testing.pixels(3, 3)).shape, (3, 32, 32, 1))
        with self.assertRaisesRegex(UserError, f"{type(peer).__name__}.evaluate"):
            peer.evaluate()

    def test_average_translates(self):
        peer, _, _ = stepped(self.preset)
        self.assertAllEqual(peer(X_S), peer.g_ema(X_S))
        self.assertNotAllClose(peer(X_S), peer.g(X_S), atol=1e-7)

    def test_nothing_is_logged_that_is_never_measured(self):
        peer, values, _ = stepped(self.preset)
        self.assertNotIn(0.0, [float(mean.count) for mean in peer.metrics])
        self.assertContainsSubset(peer.shown, values)

    def test_fit_does_the_eager_step_and_resumes_as_if_never_stopped(self):
        with testing.eagerly(False), testing.as_traced():
            peer, told = tiny(self.preset), _FirstLogs()
            loop.fit(peer, _batches, 2, self.directory, [told], checkpoint_every=1)
            straight = testing.state(peer)
            for path in self.directory.glob("step-00000002*"):
                path.unlink()
            # The same model, at step 2: all that a checkpoint lacks would be from there.
            self.assertEqual(loop.fit(peer, _batches, 2, self.directory), 1)
        for a, b in zip(testing.state(peer), straight, strict=True):
            np.testing.assert_array_equal(a, b)
        for name, value in stepped(self.preset)[1].items():
            self.assertAllClose(told.logs[name], value, rtol=1e-3, atol=1e-4, msg=name)

    def test_file_brings_back_the_translation_and_the_state(self):
        peer, _, _ = stepped(self.preset)
        peer.save(self.directory / "dtn.keras")
        again = keras.models.load_model(self.directory / "dtn.keras")
        self.assertIs(type(again), type(peer))
        np.testing.assert_array_equal(again(X_S), peer(X_S))
        for name in ("weights", "g_optimizer", "d_optimizer"):
            pairs = zip(_values(again, name), _values(peer, name), strict=True)
            for a, b in pairs:
                np.testing.assert_array_equal(a, b)

    def test_half_precision_of_the_reverse_direction_is_finite_and_its_copy_translates(self):
        task = domains.TASKS["mnist"]
        peer = tiny(self.preset, task=task, precision="mixed_bfloat16")
        self.assertTrue(np.isfinite(list(logged(peer, (X_T, X_S)).values())).all())
        exported = serving.in_float32(peer)
        self.assertEqual((exported(X_T).dtype, exported(X_T).shape), (tf.float32, X_S.shape))
        self.assertAllClose(exported(X_T), peer(X_T), atol=0.05)

    def test_larger_images(self):
        peer = tiny(self.preset, domain="folders", source_dir="s", target_dir="t",
                    **{"size": 64, "g_channels": (8, 8, 4, 4), "d_channels": (4, 4, 4, 8, 8),
                       "f_channels": (4, 4, 4, 8, 8), "f_depths": (1,) * 5})  # fmt: skip
        x = tf.image.resize(X_S[:2], (64, 64))
        self.assertEqual((peer.g.size, peer(x).shape), (64, (2, 64, 64, 1)))

    def test_translation_and_d_are_about_as_large_as_a_dtns(self):
        channels = config.make(self.preset).g_channels
        g, g_dtn = self.num_read(channels), sum(n().count_params() for n in (_F, Decoder))
        d, d_dtn = (Discriminator(num_classes=n).count_params() for n in (1, 3))
        self.assertEqual((g_dtn, g, d_dtn, d), (1_851_969, 1_661_633, 1_711_555, 1_709_505))
        self.assertBetween((g + d) / (g_dtn + d_dtn), 1 / 1.5, 1.5)


_F = testing.ContentEncoder


class _FirstLogs(keras.callbacks.Callback):
    """Keeps the means of the first step."""

    logs = None

    def on_train_batch_end(self, batch, logs=None):
        self.logs = self.logs or {k: float(v) for k, v in logs.items()}


def _batches(start, stop):
    return tf.data.Dataset.from_tensors(((X_S,), (X_T,))).repeat(stop - start)


def _values(peer, name):
    part = getattr(peer, name)
    return [v.numpy() for v in (part if name == "weights" else part.variables)]
