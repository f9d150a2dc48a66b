"""f learnt without labels: its terms, its views, what its codes are worth."""

import contextlib
import io
import math
import signal
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import callbacks, loop
from dtn_tf.content import codes, unlabelled, views
from dtn_tf.errors import UserError
from dtn_tf.nets.content import ContentEncoder
from tests import testing

_STILL = {"crop": 0.0, "mirror": False, "colour": 0.0, "grey": 0.0, "blur": 0.0}
_SEED = tf.constant([0, 1])


def _normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _encoder():
    keras.utils.set_random_seed(0)
    return ContentEncoder(testing.F_CHANNELS)


def _model(**kwargs):
    expander = unlabelled.Expander(width=6)
    expander.build((None, testing.F_CHANNELS[-1]))
    return unlabelled.VICReg(_encoder(), expander, **kwargs)


def _fit(directory, num_steps):
    with contextlib.redirect_stdout(io.StringIO()):
        return unlabelled.fit(
            _encoder(),
            testing.pixels(24, 3),
            testing.pixels(20, 1, seed=1),
            directory,
            num_steps=num_steps,
            batch_size=4,
            learning_rate=1e-3,
            weight_decay=0.0,
            seed=0,
            views={},
            log_every=2,
            width=6,
        )


class AroundTest(testing.TestCase):
    def test_views_are_moved_and_mirrored_at_the_edge(self):
        row = tf.reshape(tf.range(96.0), (1, 1, 96, 1)) * tf.ones((1, 96, 1, 1))
        found = views.around(row, views.mirrored, 3)
        self.assertAllEqual(found[0], row)
        self.assertAllEqual(found[1], row[:, :, ::-1])
        # Moved by 3 pixels to the right: the first three columns are mirrored at the edge.
        self.assertAllEqual(found[4][0, 0, :6, 0], [2.0, 1.0, 0.0, 0.0, 1.0, 2.0])
        self.assertAllEqual(found[5][0, 0, :4, 0], [93.0, 94.0, 95.0, 95.0])


class TermsTest(testing.TestCase):
    def test_invariance_by_hand(self):
        z, other = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[1.0, 4.0], [0.0, 4.0]])
        self.assertAllClose(unlabelled.l_invariance(z, other), (4.0 + 9.0) / 4.0)

    def test_variance_by_hand(self):
        # Deviations (n - 1): sqrt(2) is enough, sqrt(0.02) lacks the rest, 0 lacks all.
        z = tf.constant([[0.0, 0.0, 5.0], [2.0, 0.2, 5.0]])
        lacking = (0.0 + (1.0 - math.sqrt(0.02)) + 1.0) / 3.0
        self.assertAllClose(unlabelled.l_variance(z, eps=1e-12), lacking)

    def test_covariance_by_hand(self):
        # The covariance of the two columns is 1, twice off the diagonal, over a width of 2.
        z = tf.constant([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
        self.assertAllClose(unlabelled.l_covariance(z), 1.0)
        uncorrelated = tf.constant([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        self.assertAllClose(unlabelled.l_covariance(uncorrelated), 0.0)

    def test_statistics_equal_numpy(self):
        z = _normal((9, 5)) * np.float32([0.1, 0.5, 1.0, 2.0, 0.9])
        covariance = np.cov(z, rowvar=False)
        off = covariance - np.diag(np.diag(covariance))
        self.assertAllClose(unlabelled.l_covariance(tf.constant(z)), np.sum(off**2) / 5.0)
        short = np.maximum(0.0, 1.0 - np.sqrt(z.var(axis=0, ddof=1) + 1e-4)).mean()
        self.assertAllClose(unlabelled.l_variance(tf.constant(z)), short)

    def test_gap_equals_that_of_numpy(self):
        fx_s, fx_t = _normal((8, 5)), _normal((8, 5), seed=1) + 1.0
        found = unlabelled.l_gap(tf.constant(fx_s), tf.constant(fx_t))
        self.assertAllClose(found, codes.gap(fx_s, fx_t))

    @parameterized.parameters("l_variance", "l_covariance", "l_gap")
    def test_gradient_is_finite_where_all_codes_are_one(self, name):
        z = tf.ones((4, 3))
        count = 2 if name == "l_gap" else 1
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = getattr(unlabelled, name)(*[z] * count)
        self.assertAllInRange(tape.gradient(loss, z), -1e3, 1e3)


class StepTest(testing.TestCase):
    def test_moves_by_the_gradient_of_all_terms(self):
        model, x = _model(gap_weight=3.0), testing.images(16, 3)
        bias = model.expander.out.bias
        kernel = model.expander.hidden.kernel
        gamma = model.encoder.norms[-1].gamma
        with tf.GradientTape(persistent=True) as tape:
            fx = model.encoder(x, training=True)
            z = model.expander(fx, training=True)
            s, t, other_s, other_t = tf.split(z, 4)
            parts = (s, t, other_s, other_t)
            first, second = tf.concat([s, t], 0), tf.concat([other_s, other_t], 0)
            f_s, f_t, more_s, more_t = tf.split(fx, 4)
            terms = (
                5.0 * tf.reduce_mean((first - second) ** 2),
                25.0 * sum(unlabelled.l_variance(part) for part in parts) / 4.0,
                8.0 * sum(unlabelled.l_covariance(part) for part in parts) / 4.0,
                3.0 * unlabelled.l_gap(tf.concat([f_s, more_s], 0), tf.concat([f_t, more_t], 0)),
            )
        gradients = [tape.gradient(term, gamma) for term in terms]
        start, fixed = gamma.numpy(), kernel.numpy()
        model.compile(keras.optimizers.SGD(1e-3))
        logged = model.train_step(x)
        weights = dict(zip(("L_INV", "L_VAR", "L_COV", "gap"), (5.0, 25.0, 8.0, 3.0), strict=True))
        for (name, weight), term in zip(weights.items(), terms, strict=True):
            self.assertAllClose(weight * logged[name], term, rtol=1e-3, atol=1e-4)
        moved = (start - gamma.numpy()) / 1e-3
        self.assertAllClose(sum(gradients), moved, rtol=1e-2, atol=1e-2 * np.abs(moved).max())
        for gradient in gradients:  # each has a part in it that would be missed
            self.assertGreater(np.abs(gradient).max(), 2e-2 * np.abs(moved).max())
        self.assertNotAllEqual(kernel.numpy(), fixed)
        self.assertAllClose(bias.numpy(), np.zeros(6))  # no term sees where z lies

    def test_domains_that_are_a_point_each_are_seen_only_apart(self):
        fx = tf.random.stateless_normal((16, 8), _SEED)
        point = tf.concat([tf.fill((4, 6), -3.0), tf.fill((4, 6), 3.0)], axis=0)
        z = tf.concat([point, point], axis=0)
        for is_apart, expected in ((False, 0.0), (True, 0.99)):  # 1 - sqrt(eps)
            _, l_var, _, _ = _model(is_apart=is_apart).terms(fx, z)
            self.assertAllClose(l_var, expected)


class FitTest(testing.EagerTestCase):
    def test_stopped_and_resumed_is_as_straight_through(self):
        straight = _fit(self.directory / "a", num_steps=4)
        ctrl_c = lambda *_: signal.raise_signal(signal.SIGINT)  # noqa: E731
        with mock.patch.object(callbacks.Progress, "_print", ctrl_c):
            with self.assertRaisesRegex(loop.Interrupted, "step 2 of 4"):
                _fit(self.directory / "b", num_steps=4)
        resumed = _fit(self.directory / "b", num_steps=4)
        for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
            self.assertAllEqual(a, b)
        before = _encoder().get_weights()
        self.assertTrue(
            any((a != b).any() for a, b in zip(before, resumed.get_weights(), strict=True))
        )


class ViewsTest(testing.EagerTestCase):
    def test_nothing_asked_for_changes_nothing(self):
        x = testing.images(4, 3)
        self.assertAllClose(views.view(x, _SEED, **_STILL), x, atol=1e-6)

    @parameterized.parameters(1, 3)
    def test_equal_seeds_give_equal_views_and_others_others(self, channels):
        x = testing.images(4, channels)
        seen = views.view(x, _SEED)
        self.assertEqual(seen.shape, x.shape)
        self.assertAllInRange(seen, -1.0, 1.0)
        self.assertAllEqual(seen, views.view(x, _SEED))
        self.assertNotAllClose(seen, views.view(x, _SEED + 1))
        self.assertNotAllClose(seen, x)

    def test_an_image_repeated_gets_views_of_its_own(self):
        seen = views.view(tf.repeat(testing.images(1, 3), 4, axis=0), _SEED)
        for k in range(1, 4):
            self.assertNotAllClose(seen[0], seen[k])

    def test_about_half_are_mirrored_and_none_if_told_so(self):
        x = testing.images(64, 3)
        seen = views.view(x, _SEED, **_STILL | {"mirror": True})
        turned = np.isclose(seen, x[:, :, ::-1], atol=1e-5).all(axis=(1, 2, 3))
        kept = np.isclose(seen, x, atol=1e-5).all(axis=(1, 2, 3))
        self.assertTrue((turned ^ kept).all())
        self.assertBetween(turned.sum(), 20, 44)

    def test_crop_shows_a_part_and_nothing_from_outside(self):
        ramp = tf.broadcast_to(tf.linspace(-0.9, 0.9, 32), (64, 32, 32))[..., tf.newaxis]
        seen = views.view(ramp, _SEED, **_STILL | {"crop": 0.4})
        span = (seen[:, 0, -1, 0] - seen[:, 0, 0, 0]) / 1.8  # what is left of the width
        self.assertAllInRange(seen, -0.9001, 0.9001)
        self.assertAllInRange(span, 0.6 * math.exp(-0.15) - 1e-3, 1.0 + 1e-5)
        self.assertLess(np.min(span), 0.7)

    def test_grey_has_one_value_in_all_channels(self):
        seen = views.view(testing.images(8, 3), _SEED, **_STILL | {"grey": 1.0})
        self.assertAllClose(seen[..., 0], seen[..., 1], atol=1e-6)
        self.assertAllClose(seen[..., 0], seen[..., 2], atol=1e-6)

    def test_blur_keeps_a_flat_image_and_smooths_an_edge(self):
        flat = tf.fill((4, 32, 32, 1), 0.5)
        self.assertAllClose(views.view(flat, _SEED, **_STILL | {"blur": 1.0}), flat)
        edge = tf.concat([tf.fill((4, 32, 16, 1), -0.8), tf.fill((4, 32, 16, 1), 0.8)], axis=2)
        seen = views.view(edge, _SEED, **_STILL | {"blur": 1.0})
        step = seen[:, 0, 16, 0] - seen[:, 0, 15, 0]
        self.assertAllInRange(step, 0.8 - 1e-5, 1.6)  # (1, 2, 1) halves it at most
        self.assertLess(np.min(step), 1.5)


class CodesTest(testing.TestCase):
    def test_rank_1_by_hand(self):
        known = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
        asked = np.array([[0.1, 0.0], [0.9, 0.3], [0.6, 0.1], [4.0, 4.0]])  # the third is astray
        self.assertEqual(codes.rank_1(asked, known), 0.75)
        self.assertEqual(codes.rank_1(known, known), 1.0)

    def test_rank_1_of_a_constant_is_chance(self):
        self.assertEqual(codes.rank_1(np.full((5, 3), 0.3), np.full((5, 3), 0.3)), 0.2)

    def test_rank_1_refuses_other_shapes(self):
        with self.assertRaisesRegex(ValueError, r"\(5, 3\) and \(4, 3\)"):
            codes.rank_1(np.zeros((5, 3)), np.zeros((4, 3)))

    def test_gap_by_hand(self):
        # Means 4 apart: 4 between. Variances 1 and 3: 2 within.
        s = np.array([[-1.0], [1.0]])
        t = 4.0 + math.sqrt(3.0) * np.array([[-1.0], [1.0], [1.0], [-1.0]])
        self.assertAllClose(codes.gap(s, t), 4.0 / 6.0)
        self.assertAllClose(codes.gap(s, s), 0.0)
        self.assertAllClose(codes.gap(np.zeros((3, 2)), np.ones((3, 2))), 1.0)
        self.assertEqual(codes.gap(np.zeros((3, 2)), np.zeros((3, 2))), 0.0)

    def test_effective_dimension_by_hand(self):
        corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        self.assertAllClose(codes.effective_dimension(corners), 2.0)
        self.assertAllClose(codes.effective_dimension(corners * [1.0, 0.0]), 1.0)
        # Variances 4 and 1: 5^2 / (16 + 1).
        self.assertAllClose(codes.effective_dimension(corners * [2.0, 1.0]), 25.0 / 17.0)
        self.assertEqual(codes.effective_dimension(np.ones((4, 2))), 0.0)

    def test_variance_is_that_of_a_feature_on_average(self):
        fx = np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
        self.assertAllClose(codes.variance(fx), (8 / 3 + 0.0) / 2)
        with self.assertRaisesRegex(UserError, "f says the same of every image"):
            codes.variance(np.ones((4, 3)))

    def test_matched_features_by_hand(self):
        s, t = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[5.0, -4.0], [11.0, -3.0]])
        scale, shift = codes.match_features(s, t)
        self.assertAllClose(scale, [3.0, 0.5])  # deviations 1, 1 and 3, 0.5
        self.assertAllClose(shift, [8.0 - 3.0, -3.5 - 1.0])
        self.assertEqual((scale.dtype, shift.dtype), (np.float32, np.float32))

    def test_matched_features_have_the_statistics_of_the_target(self):
        s, t = _normal((50, 4)) * 3.0 + 1.0, _normal((40, 4), seed=1) - 2.0
        scale, shift = codes.match_features(s, t)
        matched = scale * s + shift
        self.assertAllClose(matched.mean(axis=0), t.mean(axis=0), atol=1e-5)
        self.assertAllClose(matched.std(axis=0), t.std(axis=0), atol=1e-5)
        self.assertLess(codes.gap(matched, t), 1e-9)

    def test_a_caricature_is_further_from_the_mean_of_the_target(self):
        s, t = _normal((50, 4)) * 3.0 + 1.0, _normal((40, 4), seed=1) - 2.0
        s[:, 0] = 7.0
        plain, more = (
            scale * s + shift
            for scale, shift in (codes.match_features(s, t, k) for k in (1.0, 1.5))
        )
        mean = t.mean(axis=0)
        self.assertAllClose((more - mean)[:, 1:], 1.5 * (plain - mean)[:, 1:], atol=1e-5)
        self.assertAllEqual(more[:, 0], s[:, 0])  # a feature left alone

    def test_a_near_constant_feature_is_left_alone(self):
        s, t = _normal((50, 4)), _normal((40, 4), seed=1)
        s[:, 0], s[:, 1], t[:, 2] = 7.0, 1e-5 * s[:, 1], 3.0
        scale, shift = codes.match_features(s, t)
        self.assertAllEqual(scale[:3], [1.0, 1.0, 1.0])
        self.assertAllEqual(shift[:3], [0.0, 0.0, 0.0])
        self.assertNotEqual(scale[3], 1.0)


class SizeTest(testing.TestCase):
    @parameterized.parameters(
        (32, 667_008, (64, 128, 256, 128)),
        (64, 684_672, (32, 64, 128, 256, 128)),
        (128, 688_896, (16, 32, 64, 128, 256, 128)),
    )
    def test_trained_weights_by_size(self, size, expected, channels):
        inputs = (3, *channels[:-1])
        by_hand = sum(9 * a * b + b + 2 * b for a, b in zip(inputs, channels, strict=True))
        f = ContentEncoder(size=size)
        self.assertEqual(f.channels, channels)
        self.assertEqual(sum(int(np.prod(v.shape)) for v in f.trainable_variables), by_hand)
        self.assertEqual(by_hand, expected)

    @parameterized.parameters((64, 5), (128, 6))
    def test_codes_and_config_by_size(self, size, blocks):
        f = ContentEncoder((4,) * blocks, size=size)
        self.assertEqual(f(tf.zeros((2, size, size, 3))).shape, (2, 4))
        again = ContentEncoder.from_config(f.get_config())
        self.assertEqual((again.size, again.channels), (size, (4,) * blocks))

    def test_other_sizes_and_numbers_of_blocks_are_refused(self):
        with self.assertRaisesRegex(ValueError, "size=48; expected one of 32, 64, 128"):
            ContentEncoder(size=48)
        with self.assertRaisesRegex(ValueError, "5 numbers at size 64"):
            ContentEncoder((4, 4, 8, 8), size=64)
