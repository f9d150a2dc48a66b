"""CycleGAN: its losses by hand, its image pool against NumPy, and what each update moves."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.errors import UserError
from dtn_tf.peers import cyclegan, generators, nets
from tests import peers, testing
from tests.peers import X_S, X_T


class LossesTest(testing.TestCase):
    def test_least_squares_by_hand(self):
        fake, real = tf.constant([[1.0], [-1.0]]), tf.constant([[0.0], [3.0]])
        self.assertAllClose(cyclegan.l_gan(fake), 2.0)  # (0 + 4) / 2
        self.assertAllClose(cyclegan.l_d(real, fake), 0.5 * (2.5 + 1.0))

    def test_a_d_that_is_right_pays_nothing(self):
        self.assertAllClose(cyclegan.l_d(tf.ones((4, 1)), tf.zeros((4, 1))), 0.0)

    @parameterized.parameters(cyclegan.l_cyc, cyclegan.l_identity)
    def test_absolute_difference_is_a_mean_over_pixels(self, loss):
        expected = np.mean(np.abs(np.float64(X_S) - np.float64(X_S[::-1])))
        self.assertAllClose(loss(X_S, X_S[::-1]), expected, rtol=1e-5)
        self.assertAllClose(loss(X_S, X_S), 0.0)

    def test_float32_scalars_of_half_precision(self):
        half = tf.ones((4, 1), tf.bfloat16)
        for value in (cyclegan.l_gan(half), cyclegan.l_d(half, half), cyclegan.l_cyc(half, half)):
            self.assertEqual((value.dtype, value.shape), (tf.float32, ()))


class NormalizedTest(testing.TestCase):
    def test_each_channel_of_each_image_for_itself(self):
        x = np.random.default_rng(0).normal(3.0, 2.0, (3, 5, 5, 2)).astype(np.float32)
        deviation = np.sqrt(x.var(axis=(1, 2), keepdims=True) + 1e-5)
        expected = (x - x.mean(axis=(1, 2), keepdims=True)) / deviation
        self.assertAllClose(nets.normalized(tf.constant(x)), expected, atol=1e-5)


class PoolTest(testing.TestCase):
    """Images that are all one number: which is which can be read off."""

    def swap(self, size, batch, number=0):
        pool = tf.reshape(tf.range(size, dtype=tf.float32), (size, 1, 1, 1))
        fake = tf.reshape(100.0 + tf.range(batch, dtype=tf.float32), (batch, 1, 1, 1))
        found = cyclegan.swapped(pool, fake, tf.constant([3, number], tf.int64))
        return [np.ravel(part) for part in found]

    @parameterized.parameters((50, 8), (50, 64), (4, 4))
    def test_no_image_is_lost_and_none_comes_twice(self, size, batch):
        shown, kept = self.swap(size, batch)
        self.assertEqual((len(shown), len(kept)), (batch, size))
        self.assertCountEqual([*shown, *kept], [*range(size), *(100.0 + np.arange(batch))])

    def test_about_half_are_old_ones_and_the_rest_are_where_they_were(self):
        olds = []
        for number in range(40):
            shown, _ = self.swap(50, 20, number)
            is_new = shown >= 100.0
            self.assertAllEqual(shown[is_new], 100.0 + np.arange(20)[is_new])
            olds.append(np.mean(~is_new))
        self.assertBetween(np.mean(olds), 0.45, 0.55)

    def test_images_beyond_the_pool_are_shown_as_they_are(self):
        shown, _ = self.swap(4, 10)
        self.assertAllEqual(shown[4:], 100.0 + np.arange(4, 10))

    def test_a_seed_draws_the_same_again_and_another_one_does_not(self):
        self.assertAllEqual(self.swap(50, 20)[0], self.swap(50, 20)[0])
        self.assertNotAllEqual(self.swap(50, 20)[0], self.swap(50, 20, 1)[0])


class CycleGANTest(peers.Common, testing.EagerTestCase):
    preset, nets = "cyclegan", ("g", "back", "d", "d_back")

    def test_generators_move_alone_and_by_the_papers_gradient(self):
        gan = peers.tiny("cyclegan", lambda: keras.optimizers.SGD(0.1))
        before = peers.weights(gan)
        with tf.GradientTape() as tape:
            fake_t, fake_s = gan.g(X_S), gan.back(X_T)
            square = [(gan.d(fake_t, training=True) - 1) ** 2]
            square += [(gan.d_back(fake_s, training=True) - 1) ** 2]
            cycles = (X_S - gan.back(fake_t), X_T - gan.g(fake_s))
            loss = tf.add_n([tf.reduce_mean(v) for v in square])
            loss += 10.0 * tf.add_n([tf.reduce_mean(tf.abs(v)) for v in cycles])
            loss += 5.0 * tf.reduce_mean(tf.abs(X_T - gan.g(X_T)))
        gradients = tape.gradient(loss, gan.g_variables)
        gan.generators_step(X_S, X_T)
        self.assertEqual(peers.moved(gan, before), {"g", "back"})
        old = before["g"] + before["back"]
        for v, start, gradient in zip(gan.g_variables, old, gradients, strict=True):
            self.assertAllClose(v, start - 0.1 * gradient, atol=1e-6)

    def test_discriminators_move_alone_and_by_the_papers_gradient(self):
        gan = peers.tiny("cyclegan", lambda: keras.optimizers.SGD(0.1))
        for net in (gan.d, gan.d_back):
            net.head.kernel.assign(tf.zeros_like(net.head.kernel))
        before = peers.weights(gan)
        gan.discriminators_step(X_S, X_T, gan.g(X_S), gan.back(X_T))
        self.assertEqual(peers.moved(gan, before), {"d", "d_back"})
        # Scores are all 0: half of d/db (b - 1)^2 + b^2 is -1.
        self.assertAllClose(gan.d.head.bias, [0.1])
        self.assertAllClose(gan.d_back.head.bias, [0.1])

    def test_identity_is_asked_of_generators_that_can_have_it(self):
        gan, (_, values, _) = peers.tiny("cyclegan"), peers.stepped("cyclegan")
        expected = np.mean(np.abs(X_T - gan.g(X_T)))  # F cannot give a gray image its colours
        self.assertAllClose(values["L_identity"], expected, rtol=1e-5)
        terms = values["L_GAN_source"] + values["L_GAN_target"]
        terms += 10.0 * values["L_cyc"] + 5.0 * values["L_identity"]
        self.assertAllClose(values["L_G"], terms, rtol=1e-5)

    def test_first_batch_fills_the_pool_and_later_ones_mix_with_it(self):
        gan = peers.tiny("cyclegan")
        gan._swap(gan.pool, X_T, 0)
        sums, expected = (np.asarray(x).sum((1, 2, 3)) for x in (gan.pool, X_T))
        counts = [np.isclose(sums, value, rtol=1e-4).sum() for value in expected]
        self.assertEqual(sum(counts), 50)
        self.assertBetween(min(counts), 7, 9)
        self.assertAllEqual(gan.pool_back, np.zeros_like(gan.pool_back))
        gan.step.assign(2)
        shown = gan._swap(gan.pool, tf.fill(X_T.shape, 0.5), 0)
        is_new = np.all(np.asarray(gan.pool) == 0.5, axis=(1, 2, 3))
        is_shown = np.all(np.asarray(shown) == 0.5, axis=(1, 2, 3))
        self.assertEqual(np.sum(is_new) + np.sum(is_shown), 6)  # each in one place
        self.assertBetween(np.sum(is_new), 1, 5)

    def num_read(self, channels):
        return generators.ResidualGenerator(channels, 3, 1).count_params()


class RefusalTest(testing.TestCase):
    @parameterized.product(
        preset=("cyclegan", "unit"),
        change=(
            {"alpha": 15.0},
            {"beta": 15.0},
            {"gamma": 0.05},
            {"gan": 0.5},
            {"d_classes": 3},
            {"balance_s": True},
            {"style_size": 32},
            {"tta": "mean"},
            {"d_conditional": True},
            {"content_distance": "cosine"},
            {"content_distance": "cross_entropy"},
            {"image_distance": "cosine"},
            {"match_features": True},
            {"warm_steps": 5},
            {"g_upsampling": "nearest"},
            {"g_refine": True},
        ),
    )
    def test_what_would_be_ignored_is_refused_by_name(self, preset, change):
        name = next(iter(change))
        with self.assertRaisesRegex(UserError, f"^{name}=.* would be ignored: .*Leave it at"):
            peers.settings(preset, **change)

    @parameterized.parameters("cyclegan", "unit")
    def test_several_devices_are_refused(self, preset):
        with self.assertRaisesRegex(UserError, f"method={preset} does not go with devices=2"):
            peers.settings(preset, devices=2)

    @parameterized.parameters("cyclegan", "unit")
    def test_same_images_and_rates_as_a_dtn(self, preset):
        peer, dtn = (peers.config.make(name) for name in (preset, "dtn"))
        for name in ("steps", "batch_size", "g_learning_rate", "d_learning_rate", "beta_1", "ema"):
            self.assertEqual(getattr(peer, name), getattr(dtn, name))


if __name__ == "__main__":
    tf.test.main()
