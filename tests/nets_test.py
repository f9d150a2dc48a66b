import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import images
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.nets.decoder import Decoder
from dtn_tf.nets.discriminator import Discriminator
from tests import testing

_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def _sizes(net):
    """Numbers of trained and of other weights."""
    return tuple(
        sum(int(np.prod(v.shape)) for v in group)
        for group in (net.trainable_variables, net.non_trainable_variables)
    )


class ParameterCountTest(testing.TestCase):
    def test_paper_f(self):
        convolutions = (27 * 64 + 64) + (576 * 128 + 128) + (1152 * 256 + 256) + (2304 * 128 + 128)
        norms = 2 * (64 + 128 + 256 + 128)
        self.assertEqual(_sizes(ContentEncoder()), (convolutions + norms, norms))
        self.assertEqual(convolutions + norms, 667_008)

    def test_paper_g(self):
        shapes = ((128, 256), (256, 128), (128, 64), (64, 1))  # each with 4x4 kernels
        deconvolutions = sum(16 * a * b + b for a, b in shapes)
        norms = 2 * (256 + 128 + 64)  # statistics twice: per domain
        self.assertEqual(_sizes(Decoder()), (deconvolutions + norms, 2 * norms))
        self.assertEqual(deconvolutions + norms, 1_182_017)

    def test_paper_d(self):
        shapes = ((1, 64), (64, 128), (128, 256), (256, 256))
        convolutions = sum(16 * a * b + b for a, b in shapes)
        norms, head = 2 * (64 + 128 + 256 + 256), 2 * 2 * 256 * 3 + 3
        self.assertEqual(_sizes(Discriminator()), (convolutions + norms + head, norms))
        self.assertEqual(convolutions + norms + head, 1_710_147)

    def test_classifier_adds_a_linear_head(self):
        trained, _ = _sizes(Classifier(ContentEncoder()))
        self.assertEqual(trained, 667_008 + 128 * 10 + 10)


class OutputTest(testing.TestCase):
    @parameterized.product(policy=_POLICIES, channels=(1, 3), training=(False, True))
    def test_shapes_ranges_and_float32_under_every_policy(self, policy, channels, training):
        f, g, d = testing.tiny_nets(policy, channels=channels)
        fx = f(testing.images(5, 3), training=training)
        self.assertEqual((fx.shape, fx.dtype), ((5, 8), tf.float32))
        gx = g(fx, domain=1, training=training)
        self.assertEqual((gx.shape, gx.dtype), ((5, 32, 32, channels), tf.float32))
        self.assertAllInRange(gx, -1.0, 1.0)
        logits = d(gx, training=training)
        self.assertEqual((logits.shape, logits.dtype), ((5, 3), tf.float32))
        for variable in (*f.variables, *g.variables, *d.variables):
            self.assertEqual(variable.dtype, "float32")

    @parameterized.parameters("mixed_bfloat16", "mixed_float16")
    def test_half_formats_compute_nearly_the_same_but_not_the_same(self, policy):
        x = testing.images(4)
        full, half = testing.tiny_nets("float32")[0](x), testing.tiny_nets(policy)[0](x)
        self.assertAllClose(half, full, rtol=0.1, atol=0.1)
        self.assertNotAllEqual(half, full)

    @parameterized.parameters(*_POLICIES)
    def test_classifier_gives_float32_logits(self, policy):
        classifier = testing.tiny_classifier(policy)
        logits = classifier(testing.images(5), training=True)
        self.assertEqual((logits.shape, logits.dtype), ((5, 10), tf.float32))

    def test_g_saturates_within_its_range(self):
        _, g, _ = testing.tiny_nets()
        g.deconvs[-1].bias.assign([50.0])
        self.assertAllEqual(g(tf.zeros((2, 8))), tf.ones((2, 32, 32, 1)))


class ContentEncoderTest(testing.TestCase):
    def test_gray_is_read_as_three_equal_channels(self):
        f, gray = testing.tiny_nets()[0], testing.images(4)
        self.assertAllEqual(f(gray), f(tf.repeat(gray, 3, axis=-1)))

    def test_rgb_is_read_as_luma_by_a_gray_encoder(self):
        f, colour = ContentEncoder((4, 4, 8, 8), image_channels=1), testing.images(4, 3)
        self.assertAllClose(f(colour), f(images.with_channels(colour, 1)))
        self.assertNotAllClose(f(colour), f(colour[..., :1]))

    def test_feature_is_taken_before_the_relu_which_the_classifier_applies(self):
        classifier, x = testing.tiny_classifier(), testing.images(16)
        fx = classifier.encoder(x).numpy()
        self.assertLess(fx.min(), 0.0)
        kernel, bias = classifier.head.get_weights()
        self.assertAllClose(classifier(x), np.maximum(fx, 0.0) @ kernel + bias, atol=1e-4)

    def test_contrast_and_brightness_do_not_reach_a_standardizing_f(self):
        x = testing.images(4)
        keras.utils.set_random_seed(0)
        f, plain = ContentEncoder((4, 4, 8, 8)), ContentEncoder((4, 4, 8, 8), standardize=False)
        plain.set_weights(f.get_weights())
        self.assertAllClose(f(0.5 * x + 0.3), f(x), rtol=0.1, atol=0.1)
        self.assertNotAllClose(plain(0.5 * x + 0.3), plain(x), rtol=0.1, atol=0.1)
        mean, deviation = (m(x, axis=(1, 2, 3), keepdims=True) for m in (np.mean, np.std))
        self.assertAllClose(f(x), plain((x - mean) / np.sqrt(deviation**2 + 0.01)), atol=1e-4)

    def test_blank_images_have_finite_features_and_gradients(self):
        f, blank = testing.tiny_nets()[0], tf.zeros((2, 32, 32, 1))
        with tf.GradientTape() as tape:
            tape.watch(blank)
            loss = tf.reduce_sum(f(blank) ** 2)
        self.assertTrue(np.isfinite(loss))
        self.assertTrue(np.isfinite(tape.gradient(loss, blank)).all())

    def test_inference_sees_images_one_by_one(self):
        f, x = testing.tiny_nets()[0], testing.images(4)
        self.assertAllClose(f(x)[2:3], f(x[2:3]), atol=1e-5)

    def test_classifier_has_the_precision_of_its_encoder(self):
        classifier = testing.tiny_classifier("mixed_float16")
        classifier.compile(keras.optimizers.Adam(), "mse")  # Keras scales losses by that
        self.assertIsInstance(classifier.optimizer, keras.optimizers.LossScaleOptimizer)
        classifier = testing.tiny_classifier("float32")
        classifier.compile(keras.optimizers.Adam(), "mse")
        self.assertIsInstance(classifier.optimizer, keras.optimizers.Adam)

    def test_dropout_is_for_training_alone(self):
        classifier, x = testing.tiny_classifier(), testing.images(8)
        self.assertAllEqual(classifier(x), classifier(x))
        self.assertNotAllClose(classifier(x, training=True), classifier(x, training=True))

    @parameterized.parameters(0.0, 0.6)
    def test_weights_are_saved_with_dropout_and_without(self, dropout):
        first, second = (testing.tiny_classifier(seed=k, dropout=dropout) for k in (0, 1))
        path = self.directory / "of.weights.h5"
        first.save_weights(path)
        second.load_weights(path)
        x = testing.images(4)
        for training in (False, True):
            self.assertAllEqual(second(x, training=training), first(x, training=training))


class DecoderTest(testing.TestCase):
    def test_domains_have_their_own_statistics(self):
        _, g, _ = testing.tiny_nets()
        fx = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
        self.assertAllEqual(g(fx, domain=0), g(fx, domain=1))
        for _ in range(3):
            g(fx, domain=1, training=True)
        self.assertNotAllClose(g(fx, domain=0), g(fx, domain=1))


class ConfigTest(testing.TestCase):
    @parameterized.named_parameters(
        (
            "f",
            ContentEncoder((4, 4, 8, 8), 1, standardize=False, dtype="mixed_bfloat16"),
        ),
        ("g", Decoder((8, 8, 4), image_channels=3, features=16, dtype="mixed_bfloat16")),
        ("d", Discriminator((4, 4, 8, 8), 3, num_classes=2, dtype="mixed_bfloat16")),
        ("classifier", Classifier(ContentEncoder((4, 4, 8, 8), 1, dtype="mixed_float16"), 7, 0.25)),
    )
    def test_config_makes_the_net_again(self, net):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(net))
        self.assertIs(type(again), type(net))
        self.assertEqual(again.get_config(), net.get_config())
        again.set_weights(net.get_weights())
        x = testing.images(2, 3) if not isinstance(net, Decoder) else tf.ones((2, 16))
        self.assertAllEqual(again(x), net(x))

    @parameterized.named_parameters(
        ("f_three", ContentEncoder, (4, 4, 8), "4 numbers"),
        ("f_five", ContentEncoder, (4, 4, 8, 8, 8), "4 numbers"),
        ("g_four", Decoder, (8, 8, 4, 4), "3 numbers"),
        ("d_three", Discriminator, (4, 4, 8), "4 numbers"),
    )
    def test_wrong_number_of_channels_is_refused(self, net, channels, expected):
        with self.assertRaisesRegex(ValueError, expected) as caught:
            net(channels)
        self.assertIn(str(channels), str(caught.exception))
        self.assertIn(net.__name__, str(caught.exception))
