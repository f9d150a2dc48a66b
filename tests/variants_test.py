"""The rows of the tables whose networks or passes are not DTN's, switch by switch."""

import dataclasses
import functools
import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import build, config, serving
from dtn_tf.content import make, views
from dtn_tf.data import domains
from dtn_tf.dtn import DTN, SOURCE, TARGET
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.variants.adapted import AdaptedDTN, most_confident
from dtn_tf.variants.pixels import Baseline, PixelDTN
from dtn_tf.variants.yunjey import StridedEncoder, YunjeyDTN
from tests import testing

_MOVES = ((0, 0, 1), (0, 0, -1), (1, 0, 1), (-1, 0, -1), (0, 1, 1), (0, -1, -1))  # and signs
_X_S, _X_T = testing.images(8, 3), testing.images(8, 1, seed=1)


def _borrowed(test, preset):
    """`_shared` for a test that changes weights: they are put back after it."""
    dtn = _shared(preset)
    test.addCleanup(dtn.set_weights, dtn.get_weights())
    return dtn


def _row(preset, task=domains.TASKS["svhn"], **changes):
    """The compiled model of a preset, of few filters."""
    small = {
        "f_channels": testing.F_CHANNELS,
        "g_channels": testing.G_CHANNELS,
        "d_channels": testing.D_CHANNELS,
        "precision": "float32",
    }
    if preset == "yunjey":
        small["d_channels"] = testing.D_CHANNELS[:3]
        encoder = StridedEncoder(testing.F_CHANNELS)
    else:
        encoder = testing.tiny_nets()[0]
    settings = config.make(preset, **{**small, **changes})
    return build.build(settings, task, make.content_of(Classifier(encoder)))


@functools.cache
def _shared(preset):
    """`_row` for tests that change nothing of it."""
    return _row(preset)


@functools.cache
def _stepped(preset):
    """A row after one step, and what it logged; for tests that change nothing more of it."""
    with testing.eagerly():
        dtn = _row(preset)
        return dtn, _logged(dtn)


def _logged(dtn):
    return {k: float(v) for k, v in dtn.train_step((_X_S, _X_T)).items()}


class VariantsTest(testing.EagerTestCase):
    @parameterized.parameters(
        ("dtn", DTN, 3),
        ("dtn_pixels", PixelDTN, 3),
        ("baseline", Baseline, 2),
        ("dtn_binary", DTN, 2),
        ("dtn_adapted", AdaptedDTN, 3),
        ("dtn_adapted_conditional_d", AdaptedDTN, 3),
        ("yunjey", YunjeyDTN, 2),
    )
    def test_preset_makes_its_model(self, preset, model, num_classes):
        dtn = _shared(preset)
        self.assertIs(type(dtn), model)
        told = {"condition": tf.zeros(8, tf.int64)} if dtn.d.num_conditions else {}
        self.assertEqual(dtn.d(_X_T, **told).shape, (8, num_classes))
        self.assertEqual(dtn(_X_S).shape, (8, 32, 32, 1))
        self.assertEqual((dtn.f.features, dtn.f.size, dtn.g.size, dtn.d.size), (8, 32, 32, 32))

    @parameterized.parameters(("dtn", True), ("dtn_pixels", False), ("baseline", False))
    def test_translation_depends_on_f_only_where_g_contains_it(self, preset, contains):
        dtn = _borrowed(self, preset)
        before = dtn(_X_S).numpy()
        for kernel in dtn.f.weights:
            kernel.assign(0.5 * kernel)
        changed = np.abs(dtn(_X_S).numpy() - before).max() > 1e-6
        self.assertEqual(changed, contains)

    def test_pixels_encoder_is_f_s_shape_and_learns_while_f_stays(self):
        dtn = _borrowed(self, "dtn_pixels")
        f = ContentEncoder(testing.F_CHANNELS)
        shapes = [v.shape for v in f.trainable_variables]
        self.assertEqual([v.shape for v in dtn.g.encoder.trainable_variables], shapes)
        before = testing.snapshot(dtn)
        kernels = [conv.kernel.numpy() for conv in dtn.g.encoder.convs]
        _logged(dtn)
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": True, "d": True})
        for conv, kernel in zip(dtn.g.encoder.convs, kernels, strict=True):
            self.assertNotAllEqual(conv.kernel, kernel)

    def test_pixels_encoder_has_f_s_depths(self):
        g = _row("dtn_pixels", f_depths=(1, 1, 2, 1), f_residual=True).g
        self.assertEqual((g.encoder.depths, g.encoder.residual), ((1, 1, 2, 1), True))

    def test_baseline_reconstructs_by_the_statistics_that_it_trains(self):
        dtn = _borrowed(self, "baseline")
        for _ in range(2):
            _logged(dtn)
        of_s, of_t = (dtn.g_ema(_X_T, domain=k) for k in (SOURCE, TARGET))
        self.assertNotAllClose(of_s, of_t)
        self.assertAllEqual(dtn.reconstruct(_X_T), of_s)

    def test_pixels_has_all_the_terms_and_the_baseline_two(self):
        full, baseline = (_stepped(preset)[1] for preset in ("dtn_pixels", "baseline"))
        terms = {"L_D", "L_G", "L_GANG_source", "L_GANG_target", "L_CONST", "L_TID", "L_TV"}
        self.assertContainsSubset(terms, full)
        self.assertNoCommonElements({"L_GANG_target", "L_TID"}, baseline)
        self.assertContainsSubset({"L_GANG_source", "L_CONST"}, baseline)
        self.assertAllClose(
            baseline["L_G"], baseline["L_GANG_source"] + 15.0 * baseline["L_CONST"], rtol=1e-5
        )

    @parameterized.parameters("baseline", "yunjey")
    def test_nothing_is_logged_that_is_never_measured(self, preset):
        dtn, _ = _stepped(preset)
        self.assertNotIn(0.0, [float(mean.count) for mean in dtn.metrics])

    def test_baseline_shows_d_real_images_and_g_none(self):
        dtn = _row("baseline")
        sgd = keras.optimizers.SGD
        dtn.compile(d_optimizer=sgd(1.0), g_optimizer=sgd(1.0))
        dtn.d.head.kernel.assign(tf.zeros_like(dtn.d.head.kernel))
        before = testing.snapshot(dtn)
        dtn.target_step(_X_T)
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": False, "d": True})
        self.assertAllClose(dtn.d.head.bias, [-0.5, 0.5])  # towards real

    def test_binary_d_logs_the_probability_of_real(self):
        _, logged = _stepped("dtn_binary")
        self.assertContainsSubset({"D3_G_source", "D3_G_target", "D3_target"}, logged)
        self.assertNoCommonElements({"D1_G_source", "D2_G_target"}, logged)

    @parameterized.parameters(
        "dtn_pixels", "baseline", "dtn_binary", "dtn_adapted", "dtn_adapted_no_style", "yunjey"
    )
    def test_file_brings_back_the_translation(self, preset):
        dtn, _ = _stepped(preset)
        path = self.directory / "dtn.keras"
        dtn.save(path)
        again = keras.models.load_model(path)
        self.assertIs(type(again), type(dtn))
        self.assertAllEqual(again(_X_S), dtn(_X_S))


class AdaptedDTNTest(testing.EagerTestCase):
    def test_decision_is_the_classifiers(self):
        dtn = _shared("dtn_adapted")
        classifier = Classifier(dtn.f)
        classifier.head.set_weights(dtn.head.get_weights())
        self.assertAllEqual(dtn.decision(dtn.f(_X_S)), np.argmax(classifier(_X_S), axis=1))

    def test_const_of_classes_is_cross_entropy_of_the_decision(self):
        dtn = _shared("dtn_adapted")
        fx, fgx = dtn.f(_X_S), dtn.f(testing.images(8, 3, seed=5))
        logits = np.maximum(fgx, 0.0) @ dtn.head.kernel.numpy() + dtn.head.bias.numpy()
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = shifted / shifted.sum(axis=1, keepdims=True)
        expected = -np.mean(np.log(p[np.arange(8), dtn.decision(fx)]))
        self.assertAllClose(dtn.l_const(fx, fgx), expected, rtol=1e-5)

    def test_const_of_features_is_the_papers(self):
        dtn = _shared("dtn_adapted_mse")
        fx, fgx = dtn.f(_X_S), dtn.f(_X_T)
        self.assertAllClose(dtn.l_const(fx, fgx), np.mean((fx - fgx) ** 2), rtol=1e-5)

    def test_d_answers_by_the_class_it_is_told(self):
        dtn = _borrowed(self, "dtn_adapted_conditional_d")
        logits = [dtn.d(_X_T, condition=tf.fill((8,), k)).numpy() for k in range(10)]
        heads = dtn.d.heads
        heads.kernel.assign(tf.zeros_like(heads.kernel))
        heads.bias.assign(tf.range(30.0))
        plain = dtn.d(_X_T, condition=tf.zeros(8, tf.int64)).numpy() - [0.0, 1.0, 2.0]
        told = dtn.d(_X_T, condition=tf.constant([0, 1, 2, 3, 4, 5, 9, 9])).numpy()
        expected = plain + [[3 * k, 3 * k + 1, 3 * k + 2] for k in (0, 1, 2, 3, 4, 5, 9, 9)]
        self.assertAllClose(told, expected, atol=1e-4)
        self.assertNotAllClose(logits[0], logits[1])

    def test_d_knows_the_classes_of_f_and_not_those_of_the_target(self):
        usual = domains.TASKS["svhn"]
        for classes in ((), ("happy", "sad")):
            target = dataclasses.replace(usual.target, classes=classes)
            task = dataclasses.replace(usual, target=target)
            dtn = _row("dtn_adapted_conditional_d", task)
            self.assertEqual(dtn.d.num_conditions, 10)

    def test_d_is_told_the_decision_about_the_original(self):
        dtn = _borrowed(self, "dtn_adapted_conditional_d")
        fx = dtn.f(_X_S)
        expected = dtn.d(_X_T, condition=dtn.decision(fx), training=True)
        self.assertAllClose(dtn.logits(_X_T, fx), expected)
        plain = _borrowed(self, "dtn_adapted")
        self.assertAllClose(plain.logits(_X_T, fx), plain.d(_X_T, training=True))

    def test_style_reaches_the_translation_and_can_be_left_out(self):
        for preset, reads in (("dtn_adapted", True), ("dtn_adapted_no_style", False)):
            dtn = _shared(preset)
            fx = dtn.f(_X_S)
            a = dtn.g(dtn.code(_X_S, fx), domain=SOURCE)
            b = dtn.g(dtn.code(_X_S[::-1], fx), domain=SOURCE)
            self.assertEqual(bool(np.abs(a - b).max() > 1e-6), reads)

    def test_views_are_x_and_x_moved_by_a_pixel_and_negatives(self):
        x = np.asarray(_X_S)
        wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
        expected = [s * np.roll(wide, by, axis=(1, 2))[:, 1:-1, 1:-1] for *by, s in _MOVES]
        self.assertAllEqual(np.stack(views.around(tf.constant(x), tf.negative)), np.stack(expected))

    def test_most_confident_view_of_a_case_worked_by_hand(self):
        # Two images, three views. The first: two views for class 1 (0.6, 0.8), one surer of
        # class 0 (0.9): mean 0.5 for class 0, 0.467 for class 1, and so the third view. The
        # second: class 2 is likeliest on the mean (0.5), most in the first view (0.7), though
        # the third is surer (0.8), of class 1.
        p = [
            [[0.4, 0.6, 0.001], [0.2, 0.1, 0.7]],
            [[0.2, 0.8, 0.001], [0.3, 0.1, 0.6]],
            [[0.9, 0.001, 0.1], [0.0001, 0.8, 0.2]],
        ]
        fx = [tf.constant([[10.0 * view], [10.0 * view + 1.0]]) for view in range(3)]
        picked = most_confident(fx, [tf.math.log(tf.constant(view)) for view in p])
        self.assertAllEqual(picked, [[20.0], [1.0]])

    def test_translation_reads_the_most_confident_view_or_the_mean_or_x_alone(self):
        read = {}
        for preset in ("dtn_adapted", "dtn_adapted_mean_tta", "dtn_adapted_no_tta"):
            dtn = _shared(preset)
            fx = [dtn.f(view) for view in views.around(_X_S, tf.negative)]
            read[preset] = {
                "dtn_adapted": most_confident(fx, [dtn.head(dtn.f.hidden(view)) for view in fx]),
                "dtn_adapted_mean_tta": np.mean(fx, axis=0),
                "dtn_adapted_no_tta": fx[0],
            }[preset]
            expected = dtn.g_ema(dtn.code(_X_S, read[preset]), domain=SOURCE)
            self.assertAllClose(dtn(_X_S), expected, atol=1e-6)
        for a, b in itertools.combinations(read.values(), 2):
            self.assertNotAllClose(a, b)

    def test_exported_translation_is_the_models_own(self):
        dtn, x = _shared("dtn_adapted"), testing.pixels(3, 3)
        serving.export(dtn, self.directory / "export", channels=3)
        served = tf.saved_model.load(self.directory / "export")
        self.assertAllEqual(served.translate(x), serving.translate(dtn, x))

    def test_all_but_f_and_its_head_learns(self):
        dtn = _borrowed(self, "dtn_adapted_conditional_d")
        before, head = testing.snapshot(dtn), [v.numpy() for v in dtn.head.variables]
        style = [v.numpy() for v in dtn.g.encoder.trainable_variables]
        told = dtn.d.heads.kernel.numpy()
        _logged(dtn)
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": True, "d": True})
        self.assertAllEqual(dtn.head.kernel, head[0])
        self.assertAllEqual(dtn.head.bias, head[1])
        self.assertNotAllEqual(dtn.d.heads.kernel, told)
        for now, then in zip(dtn.g.encoder.trainable_variables, style, strict=True):
            self.assertNotAllEqual(now, then)

    def test_float16_step_is_finite(self):
        for value in _logged(_row("dtn_adapted", precision="mixed_float16")).values():
            self.assertTrue(np.isfinite(value))


class GraphTest(testing.TracedTestCase):
    @parameterized.parameters("dtn_pixels", "baseline", "dtn_adapted")
    def test_a_traced_step_does_what_is_tested_step_by_step(self, preset):
        traced, (_, expected) = _row(preset), _stepped(preset)
        step = tf.function(traced.train_step, autograph=False)
        logged = {k: float(v) for k, v in step((_X_S, _X_T)).items()}
        self.assertEqual(set(logged), set(expected))
        for name, value in expected.items():
            self.assertAllClose(logged[name], value, rtol=1e-3, atol=1e-4, msg=name)
        self.assertEqual(step.experimental_get_tracing_count(), 1)


class YunjeyStepTest(testing.TracedTestCase):
    def test_a_step_is_1_6_2_4_updates_and_f_every_15th(self):
        dtn = _row("yunjey")
        optimizers = ("d_", "g_", "f_", "d_target_", "g_target_")
        for done, step in enumerate((1, 2, 15, 16), 1):
            dtn.step.assign(step - 1)
            dtn.train_step((_X_S, _X_T))
            counts = [int(getattr(dtn, f"{name}optimizer").iterations) for name in optimizers]
            self.assertEqual(counts, [done, 6 * done, 1 + step // 16, 2 * done, 4 * done])


def _sgd_yunjey():
    dtn = _row("yunjey")
    dtn.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    return dtn


class YunjeyTest(testing.EagerTestCase):
    shared = functools.cache(_sgd_yunjey)  # for tests that say how it moves, from wherever

    @parameterized.parameters(
        ("update_d_source", _X_S, {"d"}),
        ("update_g_source", _X_S, {"g"}),
        ("update_f", _X_S, {"f"}),
        ("update_d_target", _X_T, {"d"}),
        ("update_g_target", _X_T, {"g"}),
    )
    def test_each_update_trains_one_net(self, update, x, nets):
        dtn = YunjeyTest.shared()
        before = {n: _weights(getattr(dtn, n)) for n in ("f", "g", "d")}
        getattr(dtn, update)(x)
        changed = {n for n, old in before.items() if (_weights(getattr(dtn, n)) != old).any()}
        self.assertEqual(changed, nets)

    def test_f_moves_by_the_gradient_of_const_and_nothing_else(self):
        dtn = YunjeyTest.shared()
        kernel = dtn.f.convs[0].kernel
        start = kernel.numpy()
        with tf.GradientTape() as tape:
            fx = dtn.f(_X_S, training=True)
            gx = dtn.g(fx, domain=SOURCE, training=True)
            loss = 15.0 * tf.reduce_mean((fx - dtn.f(gx, training=True)) ** 2)
        expected = start - 0.1 * tape.gradient(loss, kernel)
        dtn.update_f(_X_S)
        self.assertAllClose(kernel - start, expected - start, rtol=1e-3, atol=2e-5)
        self.assertGreater(np.abs(expected - start).max(), 1e-3)

    def test_g_gets_no_gradient_of_const_on_source(self):
        dtn = _sgd_yunjey()
        kernel = dtn.g.deconvs[0].kernel
        start = kernel.numpy()
        with tf.GradientTape() as tape:
            gx = dtn.g(dtn.f(_X_S, training=True), domain=SOURCE, training=True)
            p_real = tf.nn.softmax(dtn.d(gx, training=True))[:, 1]
            loss = -tf.reduce_mean(tf.math.log(p_real))
        expected = start - 0.1 * tape.gradient(loss, kernel)
        dtn.update_g_source(_X_S)
        self.assertAllClose(kernel, expected, atol=1e-6)

    def test_g_s_loss_on_target_is_gang_and_tid(self):
        dtn = YunjeyTest.shared()
        gx = dtn.g(dtn.f(_X_T, training=True), domain=TARGET, training=True)
        p_real = tf.nn.softmax(dtn.d(gx, training=True))[:, 1]
        expected = np.mean(-np.log(p_real)) + 15.0 * np.mean((_X_T - gx) ** 2)
        self.assertAllClose(dtn.update_g_target(_X_T), expected, rtol=1e-5)

    def test_checkpoint_brings_back_all_five_optimizers(self):
        dtn, again = _row("yunjey"), _row("yunjey")
        _logged(dtn)
        path = self.directory / "step.weights.h5"
        dtn.save_weights(path)
        again.load_weights(path)
        names = ("d_optimizer", "g_optimizer", "f_optimizer")
        for name in (*names, "d_target_optimizer", "g_target_optimizer"):
            pairs = zip(getattr(dtn, name).variables, getattr(again, name).variables, strict=True)
            for a, b in pairs:
                self.assertAllEqual(a, b)


def _weights(net):
    return np.concatenate([v.numpy().ravel() for v in net.trainable_variables])
