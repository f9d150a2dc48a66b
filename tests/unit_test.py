"""UNIT: its losses by hand, the codes that its domains share, and what each update moves."""

import math

import keras
import numpy as np
import tensorflow as tf

from dtn_tf.dtn import SOURCE, TARGET
from dtn_tf.peers import generators, unit
from tests import peers, testing
from tests.peers import X_S, X_T


class LossesTest(testing.TestCase):
    def test_kl_of_unit_variance_is_half_the_square_of_the_mean(self):
        self.assertAllClose(unit.kl(tf.zeros((2, 4))), 0.0)
        self.assertAllClose(unit.kl(tf.constant([[2.0, 0.0], [0.0, 4.0]])), 0.5 * 20.0 / 4)

    def test_kl_is_what_samples_say(self):
        # E_q log q(z) - log p(z), of 200,000 draws of q = N(1.5, 1).
        z = 1.5 + np.random.default_rng(0).normal(size=200_000)
        sampled = np.mean(-0.5 * (z - 1.5) ** 2 + 0.5 * z**2)
        self.assertAllClose(unit.kl(tf.constant([[1.5]])), sampled, atol=0.02)

    def test_autoencoder_by_hand(self):
        x, gx = tf.zeros((1, 2, 2, 1)), tf.fill((1, 2, 2, 1), 0.25)
        mu, mu_cycled = tf.fill((1, 3), 2.0), tf.fill((1, 3), 4.0)
        self.assertAllClose(unit.l_vae(x, gx, mu), 0.1 * 2.0 + 100.0 * 0.25)
        self.assertAllClose(unit.l_cc(x, gx, mu, mu_cycled), 0.1 * (2.0 + 8.0) + 100.0 * 0.25)

    def test_weights_are_of_their_terms(self):
        x, gx, mu = X_S, X_S[::-1], tf.ones((6, 5))
        self.assertAllClose(unit.l_vae(x, gx, mu, lambda_2=0.0), 0.05)
        self.assertAllClose(unit.l_cc(x, gx, mu, 2.0 * mu, lambda_4=0.0), 0.25)
        expected = np.mean(np.abs(np.float64(x) - np.float64(gx)))
        self.assertAllClose(unit.l_vae(x, gx, mu, 0.0, 1.0), expected, rtol=1e-5)
        self.assertAllClose(unit.l_cc(x, gx, mu, mu, 0.0, 1.0), expected, rtol=1e-5)

    def test_undecided_discriminator_costs_log_2(self):
        nothing = tf.zeros((5, 1))
        self.assertAllClose(unit.l_gan(nothing), math.log(2.0))
        self.assertAllClose(unit.l_d(nothing, nothing), 2.0 * math.log(2.0))

    def test_logarithms_of_numpy(self):
        real, fake = np.array([[1.0], [-2.0]]), np.array([[0.5], [3.0]])
        p_real, p_fake = (1.0 / (1.0 + np.exp(-v)) for v in (real, fake))
        self.assertAllClose(unit.l_gan(tf.constant(fake)), -np.mean(np.log(p_fake)))
        expected = -np.mean(np.log(p_real)) - np.mean(np.log(1.0 - p_fake))
        self.assertAllClose(unit.l_d(tf.constant(real), tf.constant(fake)), expected)


class UNITTest(peers.Common, testing.EagerTestCase):
    preset, nets = "unit", ("g", "d", "d_back")

    def num_read(self, channels):
        g = generators.CoupledAutoencoders(channels, (3, 1))
        read = (g.downs[SOURCE], g.shared_down, g.shared_up, g.ups[TARGET])
        return sum(net.count_params() for net in read)

    def test_blocks_next_to_the_code_are_shared_and_no_others(self):
        g = peers.tiny("unit").g
        for net, changed in (
            (g.shared_down, (True, True)),
            (g.downs[SOURCE], (True, False)),
            (g.downs[TARGET], (False, True)),
        ):
            before = g.encode(X_S, SOURCE), g.encode(X_T, TARGET)
            net.trainable_variables[0].assign_add(
                0.1 * np.random.default_rng(0).normal(size=net.trainable_variables[0].shape)
            )
            after = g.encode(X_S, SOURCE), g.encode(X_T, TARGET)
            found = [bool(np.any(a != b)) for a, b in zip(before, after, strict=True)]
            self.assertEqual(tuple(found), changed)

    def test_noise_is_of_unit_variance_and_of_its_step_and_place(self):
        peer, mu = peers.tiny("unit"), tf.zeros((64, 4, 4, 8))
        noise = peer._noise(mu, 0).numpy()
        self.assertAllClose((noise.mean(), noise.std()), (0.0, 1.0), atol=0.03)
        self.assertAllEqual(peer._noise(mu, 0), noise)
        self.assertNotAllEqual(peer._noise(mu, 1), noise)
        peer.step.assign_add(1)
        self.assertNotAllEqual(peer._noise(mu, 0), noise)

    def test_translation_decodes_the_mean_of_the_code(self):
        peer, _, _ = peers.stepped("unit")
        g = peer.g_ema
        self.assertAllEqual(peer(X_S), g.decode(g.encode(X_S, SOURCE), TARGET))
        self.assertAllEqual(peer.reconstruct(X_T), g.decode(g.encode(X_T, TARGET), TARGET))

    def test_updates_are_the_papers_gradients(self):
        peer = peers.tiny("unit", lambda: keras.optimizers.SGD(1e-3))
        start = [v.numpy() for v in (*peer.g_variables, *peer.d_variables)]
        with tf.GradientTape(persistent=True) as tape:
            l_g, l_d = _losses(peer)
        gradients = tape.gradient(l_g, peer.g_variables) + tape.gradient(l_d, peer.d_variables)
        values = peers.logged(peer)
        self.assertAllClose(values["L_G"], l_g, rtol=1e-5)
        self.assertAllClose(10.0 * values["L_D"], l_d, rtol=1e-5)
        both = (*peer.g_variables, *peer.d_variables)
        for v, old, gradient in zip(both, start, gradients, strict=True):
            self.assertAllClose(v, old - 1e-3 * gradient, atol=1e-6)


def _losses(peer):
    """All of eq. 1 by TensorFlow's own losses, of the noise that the step will draw."""
    g, l1 = peer.g, lambda a, b: tf.reduce_mean(tf.abs(a - b))
    l_g = l_d = 0.0
    for x, real, here, there, d in (
        (X_S, X_T, SOURCE, TARGET, peer.d),
        (X_T, X_S, TARGET, SOURCE, peer.d_back),
    ):
        mu = g.encode(x, here)
        z = mu + peer._noise(mu, 2 * here)
        fake = g.decode(z, there)
        mu_cycled = g.encode(fake, there)
        cycled = g.decode(mu_cycled + peer._noise(mu, 2 * here + 1), here)
        squares = 2.0 * tf.reduce_mean(mu**2) + tf.reduce_mean(mu_cycled**2)
        l_g += 0.05 * squares + 100.0 * (l1(x, g.decode(z, here)) + l1(x, cycled))
        logits = d(fake, training=True), d(real, training=True)
        of_fake, of_real = (_cross_entropy(1.0, v) for v in logits)
        l_g += 10.0 * of_fake
        l_d += 10.0 * (of_real + _cross_entropy(0.0, logits[0]))
    return l_g, l_d


def _cross_entropy(label, logits):
    labels = tf.fill(tf.shape(logits), label)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


if __name__ == "__main__":
    tf.test.main()
