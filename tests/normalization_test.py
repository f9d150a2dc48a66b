import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.nets.normalization import DomainBatchNorm
from tests import testing


def _activations(seed=0, shift=0.0, shape=(6, 4, 4, 3)):
    return (np.random.default_rng(seed).normal(size=shape) * 2.0 + shift).astype(np.float32)


def _layer(num_domains=2, **kwargs):
    layer = DomainBatchNorm(num_domains, **kwargs)
    layer.build((None, 4, 4, 3))
    layer.gamma.assign([0.5, 1.0, 2.0])
    layer.beta.assign([-1.0, 0.0, 1.0])
    return layer


def _moments(x):
    x = x.reshape(-1, x.shape[-1]).astype(np.float64)
    return x.mean(axis=0), x.var(axis=0)


class DomainBatchNormTest(testing.TestCase):
    def test_training_agrees_with_numpy(self):
        x = _activations(shift=3.0)
        mean, variance = _moments(x)
        expected = (x - mean) / np.sqrt(variance + 1e-3) * [0.5, 1.0, 2.0] + [-1.0, 0.0, 1.0]
        self.assertAllClose(_layer()(x, training=True), expected, atol=1e-5)

    def test_training_moves_the_statistics_by_one_tenth(self):
        x, layer = _activations(shift=3.0), _layer()
        mean, variance = _moments(x)
        layer(x, domain=1, training=True)
        self.assertAllClose(layer.moving_mean[1], 0.1 * mean)
        unbiased = variance * 96 / 95  # TensorFlow's kernel: the batch is a sample
        self.assertAllClose(layer.moving_variance[1], 0.9 + 0.1 * unbiased)

    def test_momentum_is_what_is_kept(self):
        layer = _layer(momentum=0.75)
        for x in (_activations(), _activations(seed=1, shift=5.0)):
            before = layer.moving_mean.numpy()
            layer(x, domain=0, training=True)
            expected = 0.75 * before[0] + 0.25 * _moments(x)[0]
            self.assertAllClose(layer.moving_mean[0], expected)

    @parameterized.parameters(0, 1)
    def test_statistics_of_the_other_domain_stay(self, domain):
        layer = _layer()
        for own in (0, 1):
            layer(_activations(seed=own), domain=own, training=True)
        mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
        layer(_activations(seed=2), domain=domain, training=True)
        self.assertAllEqual(layer.moving_mean[1 - domain], mean[1 - domain])
        self.assertAllEqual(layer.moving_variance[1 - domain], variance[1 - domain])
        self.assertNotAllClose(layer.moving_mean[domain], mean[domain])
        self.assertNotAllClose(layer.moving_variance[domain], variance[domain])

    def test_inference_reads_the_row_of_its_domain_and_moves_nothing(self):
        x, layer = _activations(), _layer()
        layer.moving_mean.assign([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
        layer.moving_variance.assign([[1.0, 1.0, 1.0], [4.0, 9.0, 16.0]])
        for domain, mean, variance in ((0, 0.0, 1.0), (1, [1.0, 2.0, 3.0], [4.0, 9.0, 16.0])):
            expected = (x - mean) / np.sqrt(np.array(variance) + 1e-3)
            expected = expected * [0.5, 1.0, 2.0] + [-1.0, 0.0, 1.0]
            self.assertAllClose(layer(x, domain=domain), expected, atol=1e-5)
        self.assertAllEqual(layer.moving_mean, [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
        self.assertAllEqual(layer.moving_variance, [[1.0, 1.0, 1.0], [4.0, 9.0, 16.0]])

    @parameterized.parameters(True, False)
    def test_values_and_gradients_agree_with_keras(self, training):
        x, weights = tf.constant(_activations(shift=1.0)), _activations(seed=1)
        ours, theirs = _layer(1), keras.layers.BatchNormalization(epsilon=1e-3)
        theirs.build((None, 4, 4, 3))
        values = [[0.5, 1.0, 2.0], [-1.0, 0.0, 1.0], [0.5, 1.0, 1.5], [1.0, 2.0, 3.0]]
        theirs.set_weights(np.array(values))
        ours.moving_mean.assign(values[2:3])
        ours.moving_variance.assign(values[3:4])
        results = []
        for layer in (ours, theirs):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=training)
                loss = tf.reduce_sum(y * weights)
            inputs = (x, layer.gamma.value, layer.beta.value)
            results.append((y, *tape.gradient(loss, inputs)))
        for a, b in zip(*results, strict=True):
            self.assertAllClose(a, b, rtol=1e-4, atol=1e-4)

    @parameterized.parameters("mixed_bfloat16", "mixed_float16")
    def test_half_activations_keep_their_dtype_and_float32_statistics(self, policy):
        layer = _layer(dtype=policy)
        x = tf.cast(_activations(shift=3.0), layer.compute_dtype)
        y = layer(x, domain=0, training=True)
        self.assertEqual(y.dtype, x.dtype)
        for variable in layer.variables:
            self.assertEqual(variable.dtype, "float32")
        mean, _ = _moments(tf.cast(x, tf.float32).numpy())
        self.assertAllClose(layer.moving_mean[0], 0.1 * mean, rtol=1e-4)
        self.assertEqual(layer(x, domain=0).dtype, x.dtype)

    def test_config_makes_it_again(self):
        layer = DomainBatchNorm(3, momentum=0.7, epsilon=1e-5, dtype="mixed_bfloat16")
        again = DomainBatchNorm.from_config(layer.get_config())
        self.assertEqual((again.num_domains, again.momentum, again.epsilon), (3, 0.7, 1e-5))
        self.assertEqual(again.compute_dtype, "bfloat16")
