"""Our weight gradients against those of TensorFlow's own convolutions."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.nets import convolution
from tests import testing

_HALVED = {"strides": 2, "padding": "same"}
_SAME = {"padding": "same"}
_DOWN = (convolution.Conv2D, keras.layers.Conv2D)
_UP = (convolution.Conv2DTranspose, keras.layers.Conv2DTranspose)
# ours and Keras', shape of the input, kernel, filters, more
_CASES = (
    (_DOWN, (3, 8, 12, 16), 4, 7, _HALVED),  # D's
    (_DOWN, (3, 4, 4, 16), 4, 7, _HALVED),  # its last: a matrix product
    (_DOWN, (3, 2, 2, 16), 4, 7, _HALVED),
    (_DOWN, (3, 3, 2, 16), 3, 7, _HALVED),
    (_DOWN, (3, 1, 4, 16), 3, 7, _SAME),
    (_DOWN, (3, 4, 4, 16), 1, 7, _HALVED),  # there are pixels that nothing reads
    (_DOWN, (3, 8, 12, 1), 4, 7, _HALVED),  # its first
    (_DOWN, (3, 7, 5, 1), 4, 7, _HALVED),
    (_DOWN, (3, 4, 6, 17), 3, 7, _SAME),  # f's
    (_DOWN, (3, 4, 6, 3), 3, 7, _SAME),
    (_DOWN, (3, 8, 6, 16), 3, 7, _HALVED),  # padded on one side alone
    (_DOWN, (3, 7, 5, 16), 4, 7, _HALVED),
    (_DOWN, (3, 8, 7, 16), 3, 7, {"strides": 2, "padding": "valid"}),
    (_DOWN, (3, 4, 4, 16), 4, 2, {}),
    (_UP, (3, 4, 6, 5), 4, 16, _HALVED),  # g's
    (_UP, (3, 2, 1, 5), 4, 16, _HALVED),
    (_UP, (3, 4, 6, 5), 4, 1, _HALVED),  # its last
    (_UP, (3, 4, 6, 5), 4, 3, _HALVED),
    (_UP, (3, 4, 6, 5), 3, 16, _HALVED),
    (_UP, (3, 1, 1, 5), 4, 7, {}),
    (_UP, (3, 1, 1, 5), 4, 7, _HALVED),
)


def _pair(layers, shape, kernel_size, filters, kwargs, policy):
    pair = [layer(filters, kernel_size, dtype=policy, **kwargs) for layer in layers]
    for layer in pair:
        layer.build(shape)
    bias = np.random.default_rng(1).normal(size=filters)
    pair[0].bias.assign(bias)
    pair[1].set_weights(pair[0].get_weights())
    return pair


def _value_and_gradients(layer, x):
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cast(layer(x), tf.float32)
        loss = tf.reduce_sum(tf.sin(y))
    return [y, *tape.gradient(loss, [x, layer.kernel, layer.bias])]


class ConvolutionTest(testing.TestCase):
    @parameterized.parameters(*_CASES)
    def test_value_and_gradients_are_those_of_keras(self, layers, shape, *how):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        with mock.patch.object(convolution, "rewritten", lambda dtype: True):
            a, b = (_value_and_gradients(p, x) for p in _pair(layers, shape, *how, None))
        for mine, other in zip(a, b, strict=True):
            self.assertAllClose(mine, other, rtol=1e-5, atol=1e-5)

    @parameterized.parameters(*_CASES)
    def test_it_is_the_same_in_a_graph_that_does_not_know_the_batch(self, layers, shape, *how):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        with mock.patch.object(convolution, "rewritten", lambda dtype: True):
            layer = _pair(layers, shape, *how, None)[0]
            eager = _value_and_gradients(layer, x)
            unknown = tf.TensorSpec((None, *shape[1:]))
            graph = tf.function(_value_and_gradients).get_concrete_function(layer, unknown)
        self.assertEqual(graph.structured_outputs[0].shape[1:], eager[0].shape[1:])
        for a, b in zip(eager, graph(tf.constant(x)), strict=True):
            self.assertAllClose(a, b, rtol=1e-5, atol=1e-5)

    @parameterized.parameters(*_CASES)
    def test_bfloat16_is_near_float32(self, layers, shape, *how):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        half = _pair(layers, shape, *how, "mixed_bfloat16")[0]
        full = _pair(layers, shape, *how, None)[1]
        full.set_weights(half.get_weights())
        pairs = zip(_value_and_gradients(half, x), _value_and_gradients(full, x), strict=True)
        for mine, other in pairs:
            self.assertEqual(mine.dtype, tf.float32)
            scale = np.abs(other).max()
            self.assertAllClose(mine / scale, other / scale, atol=0.03)

    def test_gradient_of_a_bias_is_no_noise(self):
        """TensorFlow's own sums 16,384 numbers in bfloat16 and stays at 256."""
        layer = convolution.Conv2D(1, 4, **_HALVED, dtype="mixed_bfloat16")
        layer.build((64, 32, 32, 1))
        with mock.patch.object(convolution, "rewritten", lambda dtype: True):
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(tf.cast(layer(tf.ones((64, 32, 32, 1))), tf.float32))
        self.assertAllClose(tape.gradient(y, layer.bias), [64.0 * 16 * 16], rtol=0.01)

    def test_few_pixels_are_a_matrix_product(self):
        for shape, operations in (((2, 4, 4, 16), 0), ((2, 4, 6, 16), 2)):
            with mock.patch.object(convolution, "rewritten", lambda dtype: True):
                layer = convolution.Conv2D(7, 4, **_HALVED)
                layer.build(shape)
                graph = tf.function(_value_and_gradients).get_concrete_function(
                    layer, tf.TensorSpec(shape)
                )
            kinds = [o.type for o in graph.graph.get_operations() if o.type.startswith("Conv2D")]
            self.assertLen(kinds, operations)

    @parameterized.parameters({"dilation_rate": 2}, {"groups": 2}, {"activation": "relu"})
    def test_other_kinds_are_left_to_keras(self, **kwargs):
        with mock.patch.object(convolution, "rewritten", lambda dtype: True):
            with mock.patch.object(convolution, "weight_gradient") as ours:
                layer = convolution.Conv2D(4, 4, **kwargs)
                layer.build((2, 8, 8, 16))
                _value_and_gradients(layer, np.ones((2, 8, 8, 16), np.float32))
        ours.assert_not_called()

    @parameterized.parameters(
        {"strides": 2, "padding": "same", "output_padding": 1},
        {"strides": 1, "padding": "same", "dilation_rate": 2},
        {"strides": 2, "padding": "same", "use_bias": False},
        {"strides": 2, "padding": "same", "activation": "relu"},
        {"strides": 5},  # further apart than the kernel is wide
    )
    def test_other_transposed_kinds_are_left_to_keras(self, **kwargs):
        x = tf.constant(np.random.default_rng(0).normal(size=(2, 1, 1, 3)), tf.float32)
        layers = [kind(16, 4, **kwargs) for kind in _UP]
        for layer in layers:
            layer.build(x.shape)
        layers[0].set_weights(layers[1].get_weights())
        with mock.patch.object(convolution, "rewritten", lambda dtype: True):
            self.assertAllClose(layers[0](x), layers[1](x), rtol=1e-5, atol=1e-6)

    def test_only_bfloat16_on_a_processor(self):
        for gpu, expected in ((False, True), (True, False)):
            with mock.patch.object(convolution, "_has_gpu", lambda gpu=gpu: gpu):
                self.assertEqual(convolution.rewritten("bfloat16"), expected)
                self.assertFalse(convolution.rewritten("float32"))
                self.assertFalse(convolution.rewritten("float16"))
