"""What tests of CycleGAN and of UNIT have in common: a tiny one, and all that both must do."""

import functools
import types

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import build, config, health, loop, serving, train
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
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
    peer = build.build(settings(preset, **changes), task, content)
    if optimizer:
        peer.compile(optimizer(), optimizer())
    return peer


@functools.cache
def stepped(preset):
    """A peer after one step, and what it logged; for tests that change nothing of it."""
    with testing.eagerly():
        peer = tiny(preset)
        return peer, logged(peer)


def logged(peer):
    """One step, and its means."""
    return {k: float(v) for k, v in peer.train_step((X_S, X_T)).items()}


def weights(peer):
    """Trainable variables by net; of the average and of f all there are."""
    found = {name: getattr(peer, name) for name in _NETS if hasattr(peer, name)}
    return {
        name: [v.numpy() for v in net.trainable_variables or net.variables]
        for name, net in found.items()
    }


def moved(peer, before):
    """Names of the nets with a weight that is not what it was, and whether all of them moved."""
    after = weights(peer)
    changed = {
        name: [(a != b).any() for a, b in zip(after[name], old, strict=True)]
        for name, old in before.items()
    }
    return {name: all(flags) for name, flags in changed.items() if any(flags)}


class Common:
    """Tests that each peer's test case inherits; it says which in `preset`."""

    preset, nets = None, ()

    def test_a_step_moves_all_its_nets_and_never_f(self):
        peer = tiny(self.preset)
        before = weights(peer)
        logged(peer)
        found = moved(peer, before)
        self.assertEqual(set(found), {"g_ema", *self.nets})
        self.assertEqual(peer.f.trainable_variables, [])

    def test_f_is_never_read(self):
        peer = tiny(self.preset)
        for v in peer.f.variables:
            v.assign(tf.fill(v.shape, np.nan))
        self.assertTrue(np.isfinite(list(logged(peer).values())).all())
        self.assertTrue(np.isfinite(peer(X_S)).all())

    def test_known_features_are_left_out(self):
        fx = tf.zeros((6, 8))
        peer, (_, expected) = tiny(self.preset), stepped(self.preset)
        found = peer.train_step(((X_S, fx), (X_T, fx)))
        self.assertEqual({k: float(v) for k, v in found.items()}, expected)

    def test_what_reads_a_dtn_reads_it(self):
        peer, _ = stepped(self.preset)
        self.assertEqual(peer.g.size, 32)
        self.assertEqual(peer(X_S).shape, (6, 32, 32, 1))
        self.assertEqual(peer.reconstruct(X_T).shape, X_T.shape)
        self.assertAllEqual(peer.content(X_S), peer.f(X_S))
        self.assertEqual(serving.translate(peer, testing.pixels(3, 3)).shape, (3, 32, 32, 1))
        with self.assertRaisesRegex(UserError, f"{type(peer).__name__}.evaluate"):
            peer.evaluate()

    def test_average_translates(self):
        peer, _ = stepped(self.preset)
        self.assertAllEqual(peer(X_S), peer.g_ema(X_S))
        self.assertNotAllClose(peer(X_S), peer.g(X_S), atol=1e-7)

    def test_nothing_is_logged_that_is_never_measured(self):
        peer, values = stepped(self.preset)
        self.assertNotIn(0.0, [float(mean.count) for mean in peer.metrics])
        self.assertContainsSubset(peer.shown, values)

    def test_health_of_a_dtn_is_not_told_of_it(self):
        _, values = stepped(self.preset)
        told = health.Health()
        for worst in (0.0, 1e3):
            for _ in range(health.LINES):
                self.assertEqual(told.told(dict.fromkeys(values, worst)), [])

    def test_traced_step_is_the_eager_one(self):
        peer, (_, expected) = tiny(self.preset), stepped(self.preset)
        with _graphs():
            found = tf.function(peer.train_step)((X_S, X_T))
        for name, value in expected.items():
            self.assertAllClose(found[name], value, rtol=1e-3, atol=1e-4, msg=name)

    def test_file_brings_back_the_translation_and_goes_on(self):
        peer = tiny(self.preset)
        logged(peer)
        peer.save(self.directory / "dtn.keras")
        again = keras.models.load_model(self.directory / "dtn.keras")
        self.assertIs(type(again), type(peer))
        self.assertAllEqual(again(X_S), peer(X_S))
        for one in (peer, again):
            one.train_step((X_S, X_T))
        for a, b in zip(testing.state(again), testing.state(peer), strict=True):
            self.assertAllEqual(a, b)

    def test_exported_translation_is_its_own(self):
        (peer, _), x = stepped(self.preset), testing.pixels(3, 3)
        with _graphs():
            serving.export(peer, self.directory / "export", channels=3)
            served = tf.saved_model.load(self.directory / "export")
            self.assertAllEqual(served.translate(x), serving.translate(peer, x))

    def test_resumed_run_ends_as_one_that_was_never_stopped(self):
        s, t = Pictures(testing.pixels(9, 3), "s"), Pictures(testing.pixels(7, 1, 1), "t")
        batches = functools.partial(train.batches, settings(self.preset), (s, None), (t, None))
        straight, stopped, resumed = (tiny(self.preset) for _ in range(3))
        loop.fit(straight, batches, 4, self.directory / "straight")
        loop.fit(stopped, batches, 2, self.directory / "stopped")
        self.assertEqual(loop.fit(resumed, batches, 4, self.directory / "stopped"), 2)
        for a, b in zip(testing.state(straight), testing.state(resumed), strict=True):
            self.assertAllEqual(a, b)

    def test_half_step_is_finite(self):
        for precision in ("mixed_bfloat16", "mixed_float16"):
            peer = tiny(self.preset, precision=precision)
            self.assertTrue(np.isfinite(list(logged(peer).values())).all())
            self.assertEqual(peer(X_S).dtype, tf.float32)

    def test_reverse_direction_and_equal_channels(self):
        rgb = types.SimpleNamespace(channels=3)
        for task, x_s, x_t in (
            (domains.TASKS["mnist"], X_T, X_S),
            (types.SimpleNamespace(source=rgb, target=rgb), X_S, X_S),
        ):
            peer = tiny(self.preset, task=task)
            values = peer.train_step((x_s, x_t)).values()
            self.assertTrue(np.isfinite(list(map(float, values))).all())
            self.assertEqual(peer(x_s).shape, x_t.shape)

    def test_translation_and_d_are_about_as_large_as_a_dtns(self):
        dtn, peer = (_full(name) for name in ("dtn", self.preset))
        g_dtn, g = dtn.f.count_params() + dtn.g.count_params(), self.num_of_translation(peer)
        self.assertEqual((g_dtn, g), (1_851_969, 1_661_633))
        self.assertEqual((dtn.d.count_params(), peer.d.count_params()), (1_711_555, 1_709_505))
        self.assertBetween(g / g_dtn, 1 / 1.5, 1.5)

    def num_of_translation(self, peer):
        """Weights that a translation reads."""
        return peer.g.count_params()


def _full(preset):
    with _graphs():
        given = {"f_channels": (64, 128, 256, 128), "precision": "float32"}
        classifier = testing.Classifier(testing.ContentEncoder())
        made = config.make(preset, **given)
        return build.build(made, domains.TASKS["svhn"], make.content_of(classifier))


def _graphs():
    """Not eagerly, for once."""
    return testing.eagerly(False)
