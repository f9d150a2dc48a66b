import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import losses
from tests import testing


def _softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _gradient(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


def _total_variation(z):
    """Equation 7 as a mean, loop by loop, for one image (height, width, channels)."""
    total = 0.0
    for i in range(z.shape[0] - 1):
        for j in range(z.shape[1] - 1):
            for c in range(z.shape[2]):
                right, down = z[i, j + 1, c] - z[i, j, c], z[i + 1, j, c] - z[i, j, c]
                total += math.sqrt(right**2 + down**2)
    return total / ((z.shape[0] - 1) * (z.shape[1] - 1) * z.shape[2])


class TernaryTest(testing.TestCase):
    def test_undecided_discriminator_costs_log_3_a_term(self):
        undecided = tf.zeros((5, 3))
        self.assertAllClose(losses.l_gang(undecided), math.log(3.0))
        self.assertAllClose(losses.l_d_source(undecided), math.log(3.0))
        self.assertAllClose(losses.l_d_target(undecided, undecided), 2.0 * math.log(3.0))

    def test_each_term_reads_its_own_column(self):
        logits = tf.math.log([[0.2, 0.3, 0.5]])
        other = tf.math.log([[0.6, 0.3, 0.1]])
        self.assertAllClose(losses.l_d_source(logits), -math.log(0.2))
        self.assertAllClose(losses.l_gang(logits), -math.log(0.5))
        self.assertAllClose(losses.l_d_target(logits, other), -math.log(0.3) - math.log(0.1))

    def test_batch_is_averaged(self):
        logits = tf.math.log([[0.2, 0.3, 0.5], [0.8, 0.1, 0.1]])
        self.assertAllClose(losses.l_d_source(logits), -(math.log(0.2) + math.log(0.8)) / 2)
        twice = tf.repeat(logits, 2, axis=0)
        self.assertAllClose(losses.l_gang(twice), losses.l_gang(logits))

    def test_values_agree_with_numpy(self):
        a, b = _random(7, 3), _random(9, 3, seed=1)
        p, q = _softmax(a.astype(np.float64)), _softmax(b.astype(np.float64))
        self.assertAllClose(losses.l_d_source(a), -np.log(p[:, 0]).mean())
        self.assertAllClose(losses.l_gang(a), -np.log(p[:, 2]).mean())
        expected = -np.log(p[:, 1]).mean() - np.log(q[:, 2]).mean()
        self.assertAllClose(losses.l_d_target(a, b), expected)

    @parameterized.named_parameters(
        ("D_on_G_source_wants_class_1", losses.l_d_source, 0),
        ("D_on_G_target_wants_class_2", lambda z: losses.l_d_target(z, _random(4, 3, seed=1)), 1),
        ("D_on_target_wants_class_3", lambda z: losses.l_d_target(_random(4, 3, seed=1), z), 2),
        ("g_wants_class_3", losses.l_gang, 2),
    )
    def test_gradient_is_softmax_minus_the_wanted_class(self, term, wanted):
        logits = _random(6, 3)
        expected = (_softmax(logits) - np.eye(3)[wanted]) / 6
        self.assertAllClose(_gradient(term, logits), expected)

    def test_confident_logits_stay_finite(self):
        sure = tf.constant([[1e4, 0.0, -1e4]])
        self.assertAllClose(losses.l_d_source(sure), 0.0)
        self.assertAllClose(losses.l_gang(sure), 2e4)
        self.assertAllEqual(_gradient(losses.l_gang, [[1e4, 0.0, -1e4]]), [[1.0, 0.0, -1.0]])

    @parameterized.parameters(((5, 1),), ((5, 4),), ((3,),), ((2, 5, 3),))
    def test_wrong_columns_are_refused(self, shape):
        for term in (losses.l_d_source, losses.l_gang):
            with self.assertRaisesRegex(ValueError, r"logits have shape .*expected \(batch, 3\)"):
                term(tf.zeros(shape))
        with self.assertRaisesRegex(ValueError, "one column each for"):
            losses.l_d_target(tf.zeros((5, 3)), tf.zeros(shape))


class LogOddsTest(testing.TestCase):
    @parameterized.parameters(2, 3)
    def test_agree_with_numpy(self, columns):
        logits = 3.0 * _random(5, columns)
        p = _softmax(logits)[:, -1]
        self.assertAllClose(losses.log_odds(logits), np.log(p / (1.0 - p)), rtol=1e-4)


class BinaryTest(testing.TestCase):
    """Two columns, fake and real: both kinds of G(x) are fake."""

    def test_terms_by_hand(self):
        fake, real = tf.constant([[math.log(3.0), 0.0]]), tf.constant([[0.0, math.log(4.0)]])
        self.assertAllClose(losses.l_d_source(fake), -math.log(3 / 4))
        self.assertAllClose(losses.l_d_target(fake, real), -math.log(3 / 4) - math.log(4 / 5))
        self.assertAllClose(losses.l_gang(fake), -math.log(1 / 4))

    @parameterized.parameters((3, (0, 1, 2)), (2, (0, 0, 1)))
    def test_columns_of_the_paper_s_classes(self, num_classes, expected):
        classes = (losses.D1, losses.D2, losses.D3)
        self.assertEqual(tuple(losses.d_column(c, num_classes) for c in classes), expected)


class DistanceTest(testing.TestCase):
    def test_mse_by_hand(self):
        fx, fgx = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[1.0, 0.0], [0.0, 0.0]])
        self.assertAllClose(losses.l_const(fx, fgx), (0 + 4 + 9 + 16) / 4)

    def test_nmse_is_1_for_the_mean_of_f_at_any_scale(self):
        for scale in (1.0, 100.0):
            fx = scale * _random(50, 4)
            variance = float(np.mean(np.var(fx, axis=0)))
            mean = tf.repeat(fx.mean(axis=0, keepdims=True), 50, axis=0)
            found = losses.l_const(tf.constant(fx), mean, "nmse", variance)
            self.assertAllClose(found, 1.0)

    def test_identity_loss_by_hand(self):
        white, gray = tf.ones((2, 4, 4, 1)), tf.zeros((2, 4, 4, 1))
        self.assertAllClose(losses.l_tid(white, white), 0.0)
        self.assertAllClose(losses.l_tid(white, gray), 1.0)
        self.assertAllClose(losses.l_tid(white, -white), 4.0)

    @parameterized.named_parameters(("const", losses.l_const), ("tid", losses.l_tid))
    def test_mse_agrees_with_numpy(self, term):
        a, b = _random(3, 4, 4, 2), _random(3, 4, 4, 2, seed=1)
        expected = np.mean((a.astype(np.float64) - b) ** 2)
        self.assertAllClose(term(tf.constant(a), tf.constant(b)), expected)

    @parameterized.named_parameters(("const", losses.l_const), ("tid", losses.l_tid))
    def test_gradient_of_mse_points_back(self, term):
        a, b = _random(3, 4), _random(3, 4, seed=1)
        gradient = _gradient(lambda z: term(tf.constant(a), z), b)
        self.assertAllClose(gradient, 2.0 * (b - a) / a.size)

    def test_identity_gradient_at_a_point(self):
        x, gx = tf.fill((1, 2, 2, 1), 0.5), tf.fill((1, 2, 2, 1), -0.25)
        gradient = _gradient(lambda z: losses.l_tid(x, z), gx)  # 2 (gx - x) / 4 pixels
        self.assertAllClose(gradient, tf.fill((1, 2, 2, 1), -0.375))

    @parameterized.parameters(
        ([[1.0, 0.0]], [[0.0, 2.0]], 1.0),
        ([[1.0, 1.0]], [[3.0, 3.0]], 0.0),
        ([[1.0, 2.0]], [[-2.0, -4.0]], 2.0),
        ([[1.0, 0.0]], [[1.0, 1.0]], 1.0 - math.sqrt(0.5)),
    )
    def test_cosine_by_hand(self, a, b, expected):
        a, b = tf.constant(a), tf.constant(b)
        self.assertAllClose(losses.l_const(a, b, "cosine"), expected)
        self.assertAllClose(losses.l_tid(a, b, "cosine"), expected)

    def test_cosine_of_images_agrees_with_numpy(self):
        a, b = _random(5, 4, 4, 2), _random(5, 4, 4, 2, seed=1)
        u, v = a.reshape(5, -1).astype(np.float64), b.reshape(5, -1)
        norms = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
        expected = np.mean(1.0 - (u * v).sum(axis=1) / norms)
        self.assertAllClose(losses.l_tid(tf.constant(a), tf.constant(b), "cosine"), expected)

    def test_cosine_of_a_zero_feature_has_finite_gradient(self):
        ones, zeros = tf.ones((2, 3)), np.zeros((2, 3), np.float32)
        gradient = _gradient(lambda z: losses.l_const(ones, z, "cosine"), zeros)
        self.assertTrue(np.isfinite(gradient).all())

    @parameterized.named_parameters(("const", losses.l_const), ("tid", losses.l_tid))
    def test_bad_arguments_are_refused(self, term):
        with self.assertRaisesRegex(ValueError, r"equal shapes; got \(2, 3\) and \(2, 4\)"):
            term(tf.zeros((2, 3)), tf.zeros((2, 4)))
        with self.assertRaisesRegex(ValueError, "'l1'; expected 'mse' or 'cosine'"):
            term(tf.zeros((2, 3)), tf.zeros((2, 3)), "l1")


class TotalVariationTest(testing.TestCase):
    def test_three_four_five(self):
        z = tf.reshape(tf.constant([[0.0, 3.0], [4.0, 9.0]]), (1, 2, 2, 1))
        self.assertAllClose(losses.l_tv(z), 5.0)

    def test_values_agree_with_loops(self):
        z = _random(3, 5, 6, 2)
        expected = np.mean([_total_variation(image.astype(np.float64)) for image in z])
        self.assertAllClose(losses.l_tv(z), expected)

    def test_gradient_agrees_with_finite_differences(self):
        z = _random(1, 4, 4, 1)
        expected = np.zeros_like(z)
        for place in np.ndindex(z.shape):
            nudge = np.zeros(z.shape)
            nudge[place] = 1e-5
            high, low = _total_variation((z + nudge)[0]), _total_variation((z - nudge)[0])
            expected[place] = (high - low) / 2e-5
        self.assertAllClose(_gradient(losses.l_tv, z), expected, rtol=1e-3, atol=1e-3)

    @parameterized.parameters((32, 0.09422), (64, 0.04636), (128, 0.02300))
    def test_does_not_grow_with_the_size_of_a_picture(self, size, expected):
        # Slopes of 1 and 2 from edge to edge in one channel, of 3 and 2 in the other.
        at = (np.arange(size) / (size - 1)).astype(np.float32)
        one, two = at[None, :] + 2 * at[:, None], 3 * at[None, :] + 2 * at[:, None]
        z = tf.constant(np.stack([one, two], axis=-1)[None] - 1.5)
        by_hand = (math.sqrt(5.0) + math.sqrt(13.0)) / 2 / (size - 1)
        self.assertAllClose(losses.l_tv(z), by_hand, rtol=1e-4)
        self.assertAllClose(losses.l_tv(z), expected, rtol=1e-3)
        as_sum = float(losses.l_tv(z)) * 2 * (size - 1) ** 2
        self.assertGreater(as_sum, 180 * size / 32)  # what it was as a sum
        l_tid = losses.l_tid(z, tf.zeros_like(z))
        self.assertBetween(float(l_tid), 1.26, 1.30)  # a mean, too: the same at every size

    @parameterized.parameters(-1.0, 0.0, 1.0)
    def test_flat_images_cost_next_to_nothing_and_have_zero_gradient(self, level):
        flat = np.full((2, 32, 32, 1), level, np.float32)
        self.assertAllClose(losses.l_tv(flat), 1e-4)  # a root of eps
        self.assertAllEqual(_gradient(losses.l_tv, flat), np.zeros_like(flat))

    def test_without_eps_flat_images_would_break_training(self):
        gradient = _gradient(lambda z: losses.l_tv(z, eps=0.0), np.zeros((1, 4, 4, 1), np.float32))
        self.assertTrue(np.isnan(gradient).any())

    def test_not_images_are_refused(self):
        with self.assertRaisesRegex(ValueError, r"\(4, 4, 1\); it needs \(batch, height, width"):
            losses.l_tv(tf.zeros((4, 4, 1)))


class PrecisionTest(testing.TestCase):
    @parameterized.product(dtype=(tf.float16, tf.bfloat16), distance=("mse", "cosine"))
    def test_half_inputs_are_summed_in_float32(self, dtype, distance):
        logits, z = tf.cast(_random(4, 3), dtype), tf.cast(_random(4, 8, 8, 1), dtype)
        other = tf.cast(_random(4, 8, 8, 1, seed=1), dtype)
        for term, arguments in (
            (losses.l_d_source, (logits,)),
            (losses.l_d_target, (logits, logits)),
            (losses.l_gang, (logits,)),
            (lambda a, b: losses.l_const(a, b, distance), (z, other)),
            (lambda a, b: losses.l_tid(a, b, distance), (z, other)),
            (losses.l_tv, (z,)),
        ):
            loss = term(*arguments)
            self.assertEqual(loss.dtype, tf.float32)
            self.assertEqual(loss.shape, ())
            full = term(*(tf.cast(a, tf.float32) for a in arguments))
            self.assertAllEqual(loss, full)  # the cast comes first, nothing is lost after it

    def test_float16_sums_that_overflow_in_float16_do_not(self):
        loud = tf.fill((1, 8, 8, 1), tf.constant(300.0, tf.float16))
        self.assertAllClose(losses.l_tid(loud, -loud), 360000.0)
