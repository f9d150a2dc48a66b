import subprocess
import sys
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import images
from dtn_tf.nets import convolution, sizes, upsampling
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


def _tiny_of_size(size, policy, **of_g):
    """f, g and D of a few filters for images of a size."""
    keras.utils.set_random_seed(0)
    f, g, d = (
        sizes.at_size(channels, size, of)
        for channels, of in zip(
            (testing.F_CHANNELS, testing.G_CHANNELS, testing.D_CHANNELS), "fgd", strict=True
        )
    )
    return (
        ContentEncoder(f, size=size, dtype=policy),
        Decoder(g, 3, f[-1], dtype=policy, **of_g),
        Discriminator(d, 3, size=size, dtype=policy),
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

    @parameterized.parameters(
        (64, ((3, 32), (32, 64), (64, 128), (128, 256), (256, 128))),
        (128, ((3, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 128))),
    )
    def test_f_of_larger_images_has_a_block_more_per_doubling(self, size, shapes):
        convolutions = sum(9 * a * b + b for a, b in shapes)
        norms = 2 * sum(b for _, b in shapes)
        f = ContentEncoder(size=size)
        self.assertEqual(_sizes(f), (convolutions + norms, norms))
        self.assertEqual(convolutions + norms, {64: 684_672, 128: 688_896}[size])
        self.assertEqual((f.size, f.features), (size, 128))

    @parameterized.parameters(
        (64, ((128, 256), (256, 128), (128, 64), (64, 32), (32, 3))),
        (128, ((128, 256), (256, 128), (128, 64), (64, 32), (32, 16), (16, 3))),
    )
    def test_g_of_larger_images_has_a_block_more_per_doubling(self, size, shapes):
        deconvolutions = sum(16 * a * b + b for a, b in shapes)
        norms = 2 * sum(b for _, b in shapes[:-1])
        g = Decoder(sizes.at_size((256, 128, 64), size, "g"), 3)
        self.assertEqual(_sizes(g), (deconvolutions + norms, 2 * norms))
        self.assertEqual(deconvolutions + norms, {64: 1_215_395, 128: 1_222_867}[size])
        self.assertEqual(g.size, size)

    @parameterized.parameters(
        (64, ((3, 32), (32, 64), (64, 128), (128, 256), (256, 256))),
        (128, ((3, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 256))),
    )
    def test_d_of_larger_images_has_a_block_more_per_doubling(self, size, shapes):
        convolutions = sum(16 * a * b + b for a, b in shapes)
        norms, head = 2 * sum(b for _, b in shapes), 2 * 2 * 256 * 3 + 3
        d = Discriminator(image_channels=3, size=size)
        self.assertEqual(_sizes(d), (convolutions + norms + head, norms))
        self.assertEqual(convolutions + norms + head, {64: 1_743_523, 128: 1_750_995}[size])

    def test_refined_g_of_64_pixels_is_nine_layers_deep(self):
        channels = (256, 128, 64, 32)
        plain, refined = Decoder(channels, 3), Decoder(channels, 3, refine=True)
        more = sum(c * c + c + 2 * c for c in channels)  # kernel, bias, norm
        trained, rest = _sizes(plain)
        self.assertEqual(_sizes(refined), (trained + more, rest + 4 * sum(channels)))
        kernels = [v for v in refined.trainable_variables if v.name == "kernel"]
        self.assertLen(kernels, 9)

    @parameterized.parameters(False, True)
    def test_final_convolution_paints_at_full_resolution(self, refine):
        plain, final = (Decoder((256, 128, 64, 32), 3, refine=refine, final_conv=k) for k in (0, 1))
        paints, enlarges = (16 * 32 * out + out for out in (3, 16))  # 4x4 kernels and biases
        more = enlarges + 2 * 16 + (9 * 16 * 3 + 3) - paints
        trained, rest = _sizes(plain)
        self.assertEqual(_sizes(final), (trained + more, rest + 4 * 16))
        self.assertEqual(final.painter.kernel.shape, (3, 3, 16, 3))

    def test_final_convolution_reads_what_the_last_block_gives(self):
        keras.utils.set_random_seed(0)
        plain, final = (Decoder((8, 8, 4), 1, 8, final_conv=k) for k in (False, True))
        for ours, theirs in zip(final.deconvs[:-1], plain.deconvs[:-1], strict=True):
            ours.set_weights(theirs.get_weights())
        kernel, one = plain.deconvs[-1].kernel.numpy(), np.zeros((3, 3, 2, 1))
        # Its two filters are the image and its negative: what both ReLUs leave is the image.
        final.deconvs[-1].kernel.assign(np.concatenate([kernel, -kernel], axis=2))
        final.norms[-1].moving_variance.assign(np.full((2, 2), 1.0 - final.norms[-1].epsilon))
        one[1, 1] = [[1.0], [-1.0]]
        final.painter.kernel.assign(one)
        fx = 2e4 * np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
        self.assertGreater(np.abs(plain(fx)).mean(), 0.1)
        self.assertAllClose(final(fx), plain(fx), atol=1e-5)

    def test_nearest_has_3x3_kernels_in_place_of_4x4(self):
        shapes = ((256, 128), (128, 64), (64, 1))
        fewer = sum((16 - 9) * a * b for a, b in shapes)
        (trained, rest), nearest = _sizes(Decoder()), _sizes(Decoder(upsampling="nearest"))
        self.assertEqual(nearest, (trained - fewer, rest))


class ResidualTest(testing.TestCase):
    def test_has_the_weights_of_a_plain_f(self):
        plain, residual = (ContentEncoder(depths=(2, 2, 2, 2), residual=r) for r in (False, True))
        self.assertEqual(_sizes(residual), _sizes(plain))

    def test_a_convolution_that_says_nothing_passes_on_what_it_reads(self):
        x = testing.images(4, 3)
        one = ContentEncoder((4, 4, 4, 4), residual=True)
        two = ContentEncoder((4, 4, 4, 4), depths=(2, 1, 1, 1), residual=True)
        first, silent, *rest = two.convs
        silent.kernel.assign(tf.zeros_like(silent.kernel))
        for conv, like in zip((first, *rest), one.convs, strict=True):
            conv.kernel.assign(like.kernel)
        # One norm more: at mean 0 and variance 1 it divides by sqrt(1 + epsilon).
        self.assertAllClose(one(x), two(x), rtol=0.01, atol=0.01)
        two.residual = False
        self.assertNotAllClose(one(x), two(x), rtol=0.01, atol=0.01)

    def test_is_brought_back_from_its_config(self):
        net = ContentEncoder((4, 8, 8, 4), depths=(1, 2, 1, 1), residual=True)
        again = ContentEncoder.from_config(net.get_config())
        again.set_weights(net.get_weights())
        x = testing.images(2, 3)
        self.assertAllEqual(again(x), net(x))


class DenseTest(testing.TestCase):
    def test_a_dense_layer_reads_sixteen_places(self):
        pooled, dense = (ContentEncoder((4, 8, 8, 6), dense=d) for d in (False, True))
        (trained, rest), found = _sizes(pooled), _sizes(dense)
        self.assertEqual(found, (trained + 16 * 6 * 6 + 6, rest))
        self.assertEqual(dense(testing.images(3, 3)).shape, (3, 6))

    def test_it_knows_where_something_is(self):
        x = np.zeros((2, 32, 32, 3), np.float32)
        x[0, 3:6, 3:6] = x[1, 27:30, 27:30] = 1.0
        net = ContentEncoder((4, 4, 4, 4), dense=True, standardize=False)
        kernel = np.zeros(net.head.kernel.shape, np.float32)
        kernel[:4] = np.eye(4)  # the place at the top left, and no other
        net.head.kernel.assign(kernel)
        nothing = net(np.zeros_like(x))
        first, second = np.max(np.abs(net(x) - nothing), axis=1)
        self.assertGreater(first, 1e-3)
        self.assertAllClose(second, 0.0)

    def test_is_brought_back_from_its_config(self):
        net = ContentEncoder((4, 8, 8, 4), dense=True)
        again = ContentEncoder.from_config(net.get_config())
        again.set_weights(net.get_weights())
        x = testing.images(2, 3)
        self.assertAllEqual(again(x), net(x))


class InitialWeightsTest(testing.TestCase):
    @parameterized.parameters(
        (ContentEncoder, (0.331855, 0.095108, 0.021273, -0.048643)),
        (Decoder, (0.021451, 0.028395, 0.008982, -0.029045)),
        (Discriminator, (0.021451, 0.028395, 0.008982, -0.029045, -0.007130)),
    )
    def test_a_seed_gives_what_it_gave_before_there_were_sizes(self, net, expected):
        keras.utils.set_random_seed(0)
        kernels = [v for v in net().trainable_variables if v.name == "kernel"]
        self.assertAllClose([v.numpy().flat[0] for v in kernels], expected, atol=1e-6)

    def test_order_of_variables_is_that_of_older_files(self):
        norm = ["gamma", "beta"]
        expected = ["kernel", "bias"] * 4 + norm * 3
        self.assertEqual([v.name for v in Decoder().trainable_variables], expected)
        expected = ["kernel", "bias"] * 4 + norm * 4 + ["kernel", "bias"]
        self.assertEqual([v.name for v in Discriminator().trainable_variables], expected)


class SizesTest(testing.TestCase):
    @parameterized.parameters(
        ("f", (64, 128, 256, 128), 32, (64, 128, 256, 128)),
        ("f", (64, 128, 256, 128), 64, (32, 64, 128, 256, 128)),
        ("f", (64, 128, 256, 128), 128, (16, 32, 64, 128, 256, 128)),
        ("d", (64, 128, 256, 256), 64, (32, 64, 128, 256, 256)),
        ("d", [10, 20, 40, 40], 128, (4, 5, 10, 20, 40, 40)),
        ("g", (256, 128, 64), 32, (256, 128, 64)),
        ("g", (256, 128, 64), 64, (256, 128, 64, 32)),
        ("g", (256, 128, 64), 128, (256, 128, 64, 32, 16)),
        ("g", (8, 8, 4), 128, (8, 8, 4, 4, 4)),
    )
    def test_blocks_are_added_at_the_images_end(self, of, channels, size, expected):
        self.assertEqual(sizes.at_size(channels, size, of), expected)

    def test_unknown_sizes_and_nets_are_refused(self):
        with self.assertRaisesRegex(ValueError, "size=48; expected one of 32, 64, 128"):
            sizes.at_size((8, 8, 4), 48, "g")
        with self.assertRaisesRegex(ValueError, "of='h'; expected f, d, g or depths"):
            sizes.at_size((8, 8, 4), 64, "h")

    def test_settings_can_be_checked_without_tensorflow(self):
        program = "import sys, dtn_tf.nets.sizes; sys.exit('tensorflow' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", program]).returncode, 0)


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

    @parameterized.product(
        size=(64, 128), policy=("float32", "mixed_bfloat16"), upsampling=("transposed", "nearest")
    )
    def test_larger_nets_paint_and_read_their_size_and_have_gradients(
        self, size, policy, upsampling
    ):
        f, g, d = _tiny_of_size(size, policy, upsampling=upsampling, refine=True, final_conv=True)
        x = tf.random.stateless_uniform((2, size, size, 3), (1, 2), -1.0, 1.0)
        with tf.GradientTape() as tape:
            gx = g(f(x), training=True)
            loss = tf.reduce_sum(d(gx, training=True) ** 2) + tf.reduce_sum(f(gx) ** 2)
        self.assertEqual((gx.shape, gx.dtype), ((2, size, size, 3), tf.float32))
        self.assertEqual((g.size, d.size, f.size), (size,) * 3)
        for gradient in tape.gradient(loss, g.trainable_variables):
            self.assertTrue(np.isfinite(gradient).all())
            self.assertGreater(np.abs(gradient).max(), 0.0)

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

    def test_refinements_that_change_nothing_leave_what_g_paints(self):
        keras.utils.set_random_seed(0)
        plain, refined = (Decoder((8, 8, 4), features=8, refine=k) for k in (False, True))
        for ours, theirs in zip(refined.deconvs, plain.deconvs, strict=True):
            ours.set_weights(theirs.get_weights())
        for conv, norm in zip(refined.refinements, refined.refinement_norms, strict=True):
            conv.kernel.assign(np.eye(conv.filters)[None, None])
            norm.moving_variance.assign(np.full((2, conv.filters), 1.0 - norm.epsilon))
        fx = 2e4 * np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
        self.assertGreater(np.abs(plain(fx)).mean(), 0.1)
        self.assertAllClose(refined(fx), plain(fx), atol=1e-5)
        refined.refinements[1].kernel.assign(-refined.refinements[1].kernel)
        self.assertNotAllClose(refined(fx), plain(fx), atol=1e-3)

    @parameterized.parameters(("transposed", False), ("nearest", True))
    def test_nearest_upsampling_paints_no_checkerboard(self, how, is_even):
        keras.utils.set_random_seed(0)
        g = Decoder((8, 8, 4), features=8, upsampling=how)
        for norm in g.norms[1:]:  # beside the border, that is: nothing after the first block
            norm.gamma.assign(0.0 * norm.gamma)
            norm.beta.assign(0.5 + norm.beta)
        inner = g(tf.ones((1, 8)))[0, 4:-4, 4:-4, 0].numpy()
        self.assertEqual(np.ptp(inner) < 1e-6, is_even)


class UpsampledConv2DTest(testing.TestCase):
    def _layer(self, policy="float32", filters=20):
        keras.utils.set_random_seed(0)
        layer = upsampling.UpsampledConv2D(filters, dtype=policy)
        layer.build((None, 6, 4, 17))
        layer.bias.assign(np.linspace(-1.0, 1.0, filters))
        return layer, np.random.default_rng(0).normal(size=(2, 6, 4, 17)).astype(np.float32)

    def _literally(self, layer, x):
        """Pixels repeated, then convolved: values, and gradients as below."""
        x = tf.constant(x)
        kernel, bias = (tf.constant(v.numpy()) for v in (layer.kernel, layer.bias))
        with tf.GradientTape() as tape:
            tape.watch([x, kernel, bias])
            enlarged = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
            y = tf.nn.conv2d(enlarged, kernel, 1, "SAME") + bias
            loss = tf.reduce_sum(tf.sin(y))
        return [y, *tape.gradient(loss, [x, kernel, bias])]

    def _ours(self, layer, x):
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cast(layer(x), tf.float32)
            loss = tf.reduce_sum(tf.sin(y))
        return [y, *tape.gradient(loss, [x, layer.kernel, layer.bias])]

    @parameterized.parameters(1, 20)
    def test_is_upsampling_and_a_convolution(self, filters):
        layer, x = self._layer(filters=filters)
        expected, found = self._literally(layer, x), self._ours(layer, x)
        self.assertEqual(found[0].shape, layer.compute_output_shape((2, 6, 4, 17)))
        for theirs, ours in zip(expected, found, strict=True):
            self.assertAllClose(ours, theirs, rtol=1e-4, atol=1e-4)

    @parameterized.product(filters=(1, 20), is_rewritten=(False, True))
    def test_bfloat16_is_the_same_within_its_precision(self, filters, is_rewritten):
        layer, x = self._layer("mixed_bfloat16", filters)
        with mock.patch.object(convolution, "rewritten", lambda dtype: is_rewritten):
            found = self._ours(layer, x)
        for theirs, ours in zip(self._literally(layer, x), found, strict=True):
            error = np.abs(tf.cast(ours, tf.float32) - theirs).max()
            self.assertLess(error, 0.05 * np.abs(theirs).max())

    def test_summed_weights_by_hand(self):
        kernel = tf.reshape(tf.range(1.0, 10.0), (3, 3, 1, 1))
        turned = ((9, 8, 7), (6, 5, 4), (3, 2, 1))
        expected = np.zeros((4, 4))
        for a in (0, 1):
            for b in (0, 1):
                expected[a : a + 3, b : b + 3] += turned
        self.assertAllEqual(upsampling.summed(kernel)[..., 0, 0], expected)


class ConfigTest(testing.TestCase):
    @parameterized.named_parameters(
        (
            "f",
            ContentEncoder((4, 4, 8, 8), 1, standardize=False, dtype="mixed_bfloat16"),
        ),
        ("g", Decoder((8, 8, 4), image_channels=3, features=16, dtype="mixed_bfloat16")),
        ("d", Discriminator((4, 4, 8, 8), 3, num_classes=2, dtype="mixed_bfloat16")),
        ("f_of_64", ContentEncoder((4, 4, 4, 8, 8), 1, size=64)),
        ("g_of_64", Decoder((8, 8, 4, 4), 3, 16, upsampling="nearest", refine=True)),
        ("g_final_conv", Decoder((8, 8, 4), 3, 16, final_conv=True)),
        ("d_of_64", Discriminator((4, 4, 4, 8, 8), 3, size=64)),
        ("d_without_norm", Discriminator((4, 4, 8, 8), 3, norm="none")),
        ("classifier", Classifier(ContentEncoder((4, 4, 8, 8), 1, dtype="mixed_float16"), 7, 0.25)),
    )
    def test_config_makes_the_net_again(self, net):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(net))
        self.assertIs(type(again), type(net))
        self.assertEqual(again.get_config(), net.get_config())
        again.set_weights(net.get_weights())
        side = getattr(net, "size", 32)
        x = tf.zeros((2, side, side, 3)) if not isinstance(net, Decoder) else tf.ones((2, 16))
        self.assertAllEqual(again(x), net(x))

    def test_d_may_have_one_block_more_and_a_leak(self):
        x = tf.random.stateless_normal((4, 64, 64, 3), (0, 0))
        nets = [Discriminator((4,) * 6, 3, size=64, leak=leak) for leak in (0.0, 0.2)]
        self.assertEqual(nets[0].head.kernel.shape, (4, 3))  # down to one place
        nets[1].set_weights(nets[0].get_weights())
        plain, leaky = (net(x).numpy() for net in nets)
        self.assertEqual(plain.shape, (4, 3))
        self.assertGreater(np.abs(plain - leaky).max(), 0.0)
        again = Discriminator.from_config(nets[1].get_config())
        again.set_weights(nets[0].get_weights())
        self.assertAllEqual(again(x), leaky)

    def test_d_without_batch_norm_sees_how_much_contrast_a_batch_has(self):
        x = tf.random.stateless_normal((8, 32, 32, 3), (0, 0))
        for norm, is_seen in (("batch", False), ("none", True)):
            d = Discriminator((4, 4, 8, 8), 3, norm=norm)
            for conv in d.convs:
                conv.kernel.assign(10.0 * conv.kernel)  # beside which batch norm's epsilon is small
            logits = [d(k * x, training=True) for k in (1.0, 2.0)]
            change = float(tf.norm(logits[1] - logits[0]) / tf.norm(logits[0]))
            self.assertEqual(change > 0.1, is_seen)
            self.assertEqual(len(d.non_trainable_variables), 8 * (not is_seen))
        with self.assertRaisesRegex(ValueError, "norm='layer'; expected 'batch' or 'none'"):
            Discriminator(norm="layer")

    def test_config_of_before_there_were_sizes_makes_the_same_net(self):
        for net, later in (
            (Decoder((8, 8, 4)), ("upsampling", "refine", "final_conv")),
            (Discriminator((4, 4, 8, 8)), ("size", "leak", "norm")),
        ):
            old = {k: v for k, v in net.get_config().items() if k not in later}
            self.assertEqual(type(net).from_config(old).get_config(), net.get_config())

    @parameterized.named_parameters(
        ("f_three", ContentEncoder, (4, 4, 8), {}, "4 numbers"),
        ("f_five", ContentEncoder, (4, 4, 8, 8, 8), {}, "4 numbers"),
        ("f_four_of_64", ContentEncoder, (4, 4, 8, 8), {"size": 64}, "5 numbers at size 64"),
        ("g_two", Decoder, (8, 8), {}, "3 numbers for images of 32 pixels, 4 for 64 or 5 for 128"),
        ("g_six", Decoder, (8, 8, 4, 4, 4, 4), {}, "3 numbers"),
        ("d_three", Discriminator, (4, 4, 8), {}, "4 or 5 numbers"),
        ("d_four_of_128", Discriminator, (4, 4, 8, 8), {"size": 128}, "6 or 7 numbers at size 128"),
    )
    def test_wrong_number_of_channels_is_refused(self, net, channels, more, expected):
        with self.assertRaisesRegex(ValueError, expected) as caught:
            net(channels, **more)
        self.assertIn(str(channels), str(caught.exception))
        self.assertIn(net.__name__, str(caught.exception))

    def test_unknown_upsampling_is_refused(self):
        with self.assertRaisesRegex(ValueError, "upsampling='bilinear'.*transposed, nearest"):
            Decoder(upsampling="bilinear")
