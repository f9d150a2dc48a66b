"""f that the user brings, against the same net called by hand."""

import contextlib
import io
import urllib.error
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from keras import layers

from dtn_tf import config, pretrain
from dtn_tf.content import contract, features, given, learn
from dtn_tf.data.pictures import Pictures
from dtn_tf.dtn import DTN
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier, ContentEncoder
from tests import testing

_PIXELS = {"-1,1": lambda x: x, "0,1": lambda x: (x + 1) / 2, "0,255": lambda x: (x + 1) * 127.5}
_URL = "https://storage.example/models/tiny_notop.h5"


@keras.saving.register_keras_serializable("given_test")
class _Apply(layers.Layer):
    """A layer that does what its name says."""

    def __init__(self, what, **kwargs):
        super().__init__(**kwargs)
        self.what = what

    def call(self, x):
        if self.what == "noise":
            return x + tf.random.normal(tf.shape(x))
        return {
            "constant": tf.zeros_like,
            "infinite": lambda x: x / tf.zeros_like(x),
            "round": tf.round,
            "tokens": lambda x: x[:, None],
            "all": lambda x: tf.reduce_sum(x, axis=0, keepdims=True),
            "whole": lambda x: tf.cast(100.0 * x, tf.int32),
            "fail": lambda x: tf.reshape(x, (-1, 7)),
        }[self.what](x)

    def get_config(self):
        return {**super().get_config(), "what": self.what}


@keras.saving.register_keras_serializable("given_test")
class _Hidden(layers.Layer):
    """Dropout inside a layer that does not pass `training` on."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.drop = layers.Dropout(0.5)

    def call(self, x):
        return self.drop(x)


def _net(reads=(16, 16, 3), what=None, is_map=False, dtype="float32", **kwargs):
    """A small net with batch norm of some statistics."""
    keras.utils.set_random_seed(0)
    x = keras.Input(reads, dtype=dtype, **kwargs)
    y = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    y = layers.BatchNormalization()(y)
    y = y if is_map else layers.Dense(5)(layers.GlobalAveragePooling2D()(y))
    net = keras.Model(x, _Apply(what)(y) if what else y)
    norm = net.layers[2]
    norm.set_weights([w + 0.1 * (k + 1) for k, w in enumerate(norm.get_weights())])
    return net


def _shared(inputs, outputs):
    """A net of several inputs or outputs."""
    x = [keras.Input((16, 16, 3)) for _ in range(inputs)]
    y = [layers.GlobalMaxPooling2D()(sum(x) * (k + 1.0)) for k in range(outputs)]
    return keras.Model(x, y)


def _resized(x, size):
    """Bilinear by matrices: a triangle over each new pixel, as wide as it must be."""
    old = x.shape[1]
    centres = (np.arange(size)[:, None] + 0.5) * old / size
    weights = 1.0 - np.abs(np.arange(old) + 0.5 - centres) / max(1.0, old / size)
    weights = np.maximum(weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ij,njkc,lk->nilc", weights, np.asarray(x), weights).astype(np.float32)


class _TestCase(testing.TestCase):
    def _saved(self, net, name="net.keras"):
        path = self.directory / name
        net.save(path)
        return path

    def _f(self, net, size=32, channels=3, scale="-1,1"):
        return given.from_file(self._saved(net), size, channels, scale)


class ValueTest(_TestCase):
    @parameterized.product(side=(16, 32, 48), scale=tuple(_PIXELS))
    def test_f_is_the_net_on_pixels_resized_and_scaled_by_hand(self, side, scale):
        net, x = _net((side, side, 3)), testing.images(3, 3)
        by_hand = net(_PIXELS[scale](_resized(x, side)), training=False)
        f = self._f(net, scale=scale)
        self.assertEqual((f.features, f.size, f.reads), (5, 32, (side, side, 3)))
        self.assertAllClose(f(x), by_hand, rtol=1e-4, atol=1e-4)

    def test_scales_are_told_apart(self):
        x = testing.images(3, 3)
        one, other = (self._f(_net(), scale=scale)(x) for scale in ("-1,1", "0,1"))
        self.assertNotAllClose(one, other, atol=1e-2)

    def test_a_map_is_averaged_over_its_places(self):
        net, x = _net((32, 32, 3), is_map=True), testing.images(3, 3)
        self.assertAllClose(self._f(net)(x), np.mean(net(x), axis=(1, 2)), atol=1e-5)

    def test_gray_and_rgb_are_turned_into_each_other(self):
        gray, colour = testing.images(3, 1), testing.images(3, 3)
        of_rgb, of_gray = _net((32, 32, 3)), _net((32, 32, 1))
        expected = of_rgb(np.repeat(gray, 3, axis=-1))
        self.assertAllClose(self._f(of_rgb)(gray), expected, atol=1e-5)
        luma = colour.numpy() @ np.array([[0.299], [0.587], [0.114]], np.float32)
        self.assertAllClose(self._f(of_gray)(colour), of_gray(luma), atol=1e-5)

    @parameterized.parameters((1, (None, None, None)), (3, (None, None, 3)))
    def test_what_the_net_leaves_open_is_the_tasks(self, channels, reads):
        convolution = layers.Conv2D(4, 3)
        convolution.build((None, None, None, channels))
        x = keras.Input(reads)
        net = keras.Model(
            x, layers.GlobalMaxPooling2D()(x if reads[-1] is None else convolution(x))
        )
        self.assertEqual(self._f(net, 64, channels).reads, (64, 64, channels))

    @parameterized.named_parameters(
        ("list", lambda x, y: keras.Model([x], [y])),
        ("dict", lambda x, y: keras.Model({"image": x}, {"code": y})),
    )
    def test_a_net_may_pack_its_input_and_output(self, pack):
        plain = _net(name="image")
        f, x = self._f(pack(plain.input, plain.output)), testing.images(3, 3)
        self.assertAllClose(f(x), plain(_resized(x, 16)), atol=1e-4)

    def test_sequential_nets_and_other_ratios_serve(self):
        net = keras.Sequential([keras.Input((8, 20, 3)), layers.Conv2D(3, 3), layers.Flatten()])
        f = self._f(net)
        self.assertEqual((f.reads, f(testing.images(2)).shape), ((8, 20, 3), (2, 6 * 18 * 3)))

    @parameterized.parameters(32, 64)
    def test_of_a_classifier_of_this_project_the_encoder_is_taken(self, size):
        keras.utils.set_random_seed(0)
        encoder = ContentEncoder(testing.F_CHANNELS)
        f, x = self._f(Classifier(encoder), size), testing.images(3, 3)
        self.assertEqual((f.features, f.size, f.reads), (8, size, (32, 32, 3)))
        x = _resized(x, size)
        self.assertAllClose(f(x), encoder(_resized(x, 32)), rtol=1e-3, atol=1e-3)

    def test_describe_says_net_input_scale_and_features(self):
        f = self._f(_net((16, 20, 1)), scale="0,255")
        self.assertEqual(f.describe(), "net.keras: reads 16 x 20 gray in [0,255], 5 features")

    def test_a_net_that_fails_on_images_of_one_colour_is_refused(self):
        x = keras.Input((16, 16, 3))
        y = layers.Flatten()(x)
        centred = y - keras.ops.mean(y, axis=1, keepdims=True)
        net = keras.Model(x, centred / keras.ops.std(y, axis=1, keepdims=True))
        with self.assertRaisesRegex(UserError, "not finite for images of one colour"):
            self._f(net)


class FrozenTest(_TestCase):
    def _restless(self):
        """Batch norm and dropout: plain, in a nested net, hidden in a layer, told to train."""
        x = keras.Input((16, 16, 3))
        y = layers.Conv2D(4, 3)(layers.RandomFlip()(x))
        y = layers.BatchNormalization()(layers.Dropout(0.5)(y), training=True)
        y = layers.Dropout(0.5)(layers.GaussianNoise(1.0)(y), training=True)
        inner = keras.Input((14, 14, 4))
        nested = layers.Dropout(0.5)(layers.BatchNormalization()(inner))
        y = keras.Model(inner, _Hidden()(nested))(y, training=True)
        return keras.Model(x, layers.GlobalAveragePooling2D()(y))

    def test_nothing_moves_whatever_the_caller_says(self):
        f, x = self._f(self._restless()), testing.images(4, 3)
        f.trainable = True
        before, fx = [v.numpy() for v in f.variables], f(x)
        outer = keras.Sequential([f, layers.Dropout(0.0)])
        outer.trainable = True
        traced = tf.function(lambda x: f(x, training=True))
        for again in (f(x, training=True), outer(x, training=True), traced(x)):
            self.assertAllClose(again, fx, atol=1e-5)
        for v, value in zip(f.variables, before, strict=True):
            self.assertAllEqual(v, value)
        self.assertEmpty(f.trainable_variables)

    @parameterized.parameters(16, 48)
    def test_gradients_flow_to_the_image(self, side):
        f = self._f(keras.Sequential([keras.Input((side, side, 3)), layers.Flatten()]))
        x, direction = testing.images(2, 3), testing.images(2, 3, seed=5)
        weights = np.random.default_rng(0).normal(size=(2, side, side, 3)).astype(np.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(f(x) * weights.reshape(2, -1))
        slope = np.sum(tape.gradient(loss, x) * direction)
        self.assertAllClose(slope, np.sum(weights * _resized(direction, side)), rtol=1e-3)

    @parameterized.parameters("float32", "mixed_bfloat16", "mixed_float16")
    def test_float32_comes_out_under_every_policy(self, policy):
        x, usual = testing.images(3, 3), keras.config.dtype_policy()
        expected = self._f(_net())(x)
        self.addCleanup(keras.config.set_dtype_policy, usual)
        keras.config.set_dtype_policy(policy)
        f = self._f(_net())
        for images in (x, tf.cast(x, tf.bfloat16)):
            self.assertEqual(f(images).dtype, tf.float32)
            self.assertAllClose(f(images), expected, rtol=0.1, atol=0.1)

    def test_integers_are_refused(self):
        with self.assertRaisesRegex(ValueError, "uint8 images; expected floats"):
            self._f(_net())(testing.pixels(2, 3))


class HashTest(_TestCase):
    """Nets of the same weights that give something else must not be taken for each other."""

    def _tanh(self):
        """The same weights as `_net`, and another activation."""
        net = _net()
        net.layers[1].activation = keras.activations.tanh
        return net

    def test_it_is_of_scale_and_architecture_and_not_of_the_names_of_layers(self):
        usual = self._f(_net()).hash
        self.assertEqual(self._f(_net()).hash, usual)  # Keras numbers names on
        self.assertNotEqual(self._f(_net(), scale="0,1").hash, usual)
        self.assertNotEqual(self._f(self._tanh()).hash, usual)

    def test_a_saved_one_keeps_it(self):
        f = self._f(_net())
        self.assertEqual(keras.models.load_model(self._saved(f, "f.keras")).hash, f.hash)

    def test_features_of_another_scale_are_computed_anew(self):
        pictures = Pictures(testing.pixels(10, 3), "blobs")
        for scale in ("-1,1", "0,1"):
            f = self._f(_net(), scale=scale)
            with contextlib.redirect_stdout(io.StringIO()):
                fx = features.of(f, "the same weights", pictures, self.directory)
            self.assertAllClose(fx, f(testing.images(10, 3)), atol=1e-4)

    def test_a_net_of_the_same_name_and_weights_is_not_taken_for_the_old_one(self):
        settings, x = config.make("tiny"), testing.images(3, 3)
        for net in (_net(), self._tanh()):
            f = self._f(net)
            kept = learn.given(settings, "net.keras", f, self.directory)
            self.assertAllClose(pretrain.load_f(kept)(x), f(x), atol=1e-5)


class FileTest(_TestCase):
    def test_f_loads_again_without_the_file_it_came_from(self):
        f, x = self._f(_net(), scale="0,1"), testing.images(3, 3)
        (self.directory / "net.keras").unlink()
        path = self._saved(f, "f.keras")
        again = keras.models.load_model(path)
        self.assertAllEqual(again(x), f(x))
        self.assertEqual((again.describe(), again.size), (f.describe(), f.size))
        self.assertEmpty(again.trainable_variables)
        self.assertAllEqual(given.from_file(path, 32, 3)(x), f(x))

    def test_a_dtn_keeps_it(self):
        _, g, d = testing.tiny_nets()
        g = type(g)(testing.G_CHANNELS, 1, 5)
        dtn, x = DTN(self._f(_net()), g, d), testing.images(3, 3)
        dtn.compile(keras.optimizers.SGD(), keras.optimizers.SGD())
        again = keras.models.load_model(self._saved(dtn, "dtn.keras"))
        self.assertAllEqual(again(x), dtn(x))

    @parameterized.named_parameters(
        ("missing", lambda path: path.unlink(), "expected a .keras file that is there"),
        ("torn", lambda path: path.write_bytes(path.read_bytes()[:-500]), "is damaged"),
        ("no_zip", lambda path: path.write_text("hello"), "is damaged"),
        ("other_zip", lambda path: np.savez(path.open("wb"), a=1), "cannot be loaded. Keras says"),
    )
    def test_files_that_are_no_net(self, spoil, expected):
        path = self._saved(_net())
        spoil(path)
        with self.assertRaisesRegex(UserError, expected) as caught:
            given.from_file(path, 32, 3)
        self.assertIn(str(path), str(caught.exception))

    def test_other_suffixes_are_refused(self):
        with self.assertRaisesRegex(UserError, "expected a .keras file"):
            given.from_file(self.directory, 32, 3)

    @parameterized.named_parameters(
        ("inputs", lambda: _shared(2, 1), "has 2 inputs; expected one"),
        ("outputs", lambda: _shared(1, 2), "has 2 outputs; expected one"),
        ("vector", lambda: keras.Sequential([keras.Input((7,)), layers.Dense(3)]), "channels last"),
        ("five_channels", lambda: _net((16, 16, 5)), r"\(None, 16, 16, 5\).*1 or 3"),
        ("channels_first", lambda: _net((3, 16, 16)), r"\(None, 3, 16, 16\).*channels last"),
        ("one_image", lambda: _net(batch_size=1), "Save it without a batch size"),
        ("integers", lambda: _net(dtype="uint8"), "reads uint8, which has no gradient"),
        ("tokens", lambda: _net(what="tokens"), r"\(4, 1, 5\) for 4 images; expected"),
        ("all_in_one", lambda: _net(what="all"), r"\(1, 5\) for 4 images"),
        ("integers_out", lambda: _net(what="whole"), "gives int32"),
        ("failing", lambda: _net(what="fail"), r"fails on images of \(16, 16, 3\)"),
        ("infinite", lambda: _net(what="infinite"), "not finite"),
        ("constant", lambda: _net(what="constant"), "gives the same for all images"),
        ("random", lambda: _net(what="noise"), "something else each time"),
        ("flat", lambda: _net((32, 32, 3), what="round", is_map=True), "no finite gradient"),
    )
    def test_nets_that_cannot_be_f(self, make, expected):
        with self.assertRaisesRegex(UserError, expected) as caught:
            self._f(make())
        self.assertIn("net.keras", str(caught.exception))

    def test_classes_that_keras_does_not_know_must_be_registered(self):
        @keras.saving.register_keras_serializable("given_test")
        class Gone(layers.Layer):
            def call(self, x):
                return x

        x = keras.Input((16, 16, 3))
        path = self._saved(keras.Model(x, layers.GlobalMaxPooling2D()(Gone()(x))))
        keras.saving.get_custom_objects().pop("given_test>Gone")
        with self.assertRaisesRegex(UserError, "does not know its class 'Gone'. Register it"):
            given.from_file(path, 32, 3)

    def test_code_is_not_run_out_of_a_file(self):
        x = keras.Input((16, 16, 3))
        net = keras.Model(x, layers.GlobalMaxPooling2D()(layers.Lambda(lambda x: 2 * x)(x)))
        with self.assertRaisesRegex(UserError, "as a Lambda layer has"):
            self._f(net)

    def test_a_net_of_a_class_of_its_own_says_what_it_reads_or_is_refused(self):
        @keras.saving.register_keras_serializable("given_test")
        class Own(keras.Model):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.conv = layers.Conv2D(4, 3)

            def call(self, x):
                return self.conv(x)

        net = Own()
        net(tf.zeros((1, 24, 24, 3)))
        saved = net.get_build_config()["input_shape"]
        net.get_build_config = lambda: {"input_shape": (None, *saved[1:])}
        self.assertEqual(self._f(net).reads, (24, 24, 3))
        net.get_build_config = lambda: None
        with mock.patch.object(Own, "get_build_config", lambda self: None):
            with self.assertRaisesRegex(UserError, "does not say what it reads"):
                self._f(net)

    def test_scales_that_cannot_be_are_refused(self):
        with self.assertRaisesRegex(UserError, "content_scale='0,2'; expected one of -1,1, 0,1, 0"):
            self._f(_net(), scale="0,2")
        with self.assertRaisesRegex(UserError, "an f of dtn_tf, which reads -1,1"):
            self._f(ContentEncoder(testing.F_CHANNELS), scale="0,1")

    def test_a_net_that_divides_by_255_itself_must_be_given_0_to_255(self):
        x = keras.Input((16, 16, 3))
        net = keras.Model(x, layers.Conv2D(4, 3)(layers.Rescaling(1 / 127.5, -1)(x)))
        with self.assertRaisesRegex(UserError, "--content_scale=0,255"):
            self._f(net, scale="0,1")
        self.assertEqual(self._f(net, scale="0,255").features, 4)


def _mean_colour(weights=None, include_top=None, pooling=None, input_shape=None):
    """In place of an application: what it gives is the mean of what it reads."""
    x = keras.Input(input_shape)
    return keras.Model(x, layers.GlobalAveragePooling2D()(x))


class AppTest(_TestCase):
    @parameterized.parameters(
        ("VGG16", (255 - 103.939, 0 - 116.779, 127.5 - 123.68)),  # blue, green, red
        ("MobileNetV2", (0.0, -1.0, 1.0)),
        ("DenseNet121", ((0.5 - 0.485) / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225)),
        ("MobileNetV3Small", (127.5, 0.0, 255.0)),  # has its own
    )
    def test_pixels_are_what_its_own_preprocessing_makes_of_0_to_255(self, name, expected):
        f = given.from_app(name, 32, _make=_mean_colour)
        x = np.tile(np.array([0.0, -1.0, 1.0], np.float32), (2, 32, 32, 1))
        self.assertAllClose(f(x), np.tile(expected, (2, 1)), rtol=1e-3, atol=1e-3)

    @parameterized.parameters((32, 96), (64, 96), (128, 128))
    def test_it_reads_96_pixels_or_more(self, size, side):
        made = mock.Mock(side_effect=_mean_colour)
        f = given.from_app("VGG16", size, _make=made)
        self.assertEqual((f.size, f.reads, f.features), (size, (side, side, 3), 3))
        asked = {"include_top": False, "weights": "imagenet", "pooling": "avg"}
        made.assert_called_once_with(**asked, input_shape=(side, side, 3))
        self.assertStartsWith(f.describe(), f"VGG16 (ImageNet): reads {side} x {side} RGB")

    def test_it_loads_again_with_its_preprocessing(self):
        f, x = given.from_app("VGG16", 32, _make=_mean_colour), testing.images(2, 1)
        self.assertAllEqual(keras.models.load_model(self._saved(f))(x), f(x))

    def test_every_known_name_has_preprocessing(self):
        self.assertContainsSubset(
            {"VGG16", "ResNet50", "MobileNetV2", "ConvNeXtTiny"}, given.apps()
        )
        for name in given.apps():
            x = contract.scaled(tf.zeros((1, 2, 2, 3)), f"app:{name}")
            self.assertEqual(x.shape, (1, 2, 2, 3))

    def test_unknown_names_are_refused(self):
        with self.assertRaisesRegex(UserError, "app:VGG17 is unknown; expected one of .*VGG16"):
            given.from_app("VGG17", 32)

    def test_offline_keras_says_which_file_is_missing_and_leaves_none(self):
        fails = mock.Mock(side_effect=urllib.error.URLError("Name or service not known"))
        with (
            mock.patch("keras.src.utils.file_utils.urlretrieve", fails),
            mock.patch("keras.src.utils.file_utils.config.keras_home", lambda: self.directory),
            self.assertRaises(UserError) as caught,
        ):
            given.from_app("MobileNet", 128)
        for part in ("mobilenet_1_0_128_tf_no_top.h5", "keras.io/api/applications", "models"):
            self.assertIn(part, str(caught.exception))
        self.assertIn("--content=unlabelled", str(caught.exception))
        self.assertEmpty([path for path in self.directory.rglob("*") if path.is_file()])

    @parameterized.named_parameters(
        ("url", Exception(f"URL fetch failure on {_URL}: None -- unknown host"), f"{_URL} "),
        ("reset", ConnectionResetError("Connection reset by peer"), "file of ImageNet weights"),
        ("timeout", TimeoutError(), "cannot be downloaded: TimeoutError"),
        ("hash", ValueError("Incomplete or corrupted file detected."), "Delete it"),
    )
    def test_other_failures_of_a_download(self, error, expected):
        with self.assertRaisesRegex(UserError, expected) as caught:
            given.from_app("VGG16", 32, _make=mock.Mock(side_effect=error))
        self.assertNotIn("h5:", str(caught.exception).split("get ")[-1])

    def test_a_part_of_a_file_of_weights_is_not_taken_as_whole(self):
        path, net = self.directory / "part.weights.h5", _net()
        net.save_weights(path)
        path.write_bytes(path.read_bytes()[:-100])

        def make(**kwargs):
            net.load_weights(path)

        with self.assertRaisesRegex(UserError, "cut off.*Delete it"):
            given.from_app("VGG16", 32, _make=make)

    def test_bugs_keep_their_traceback(self):
        with self.assertRaises(ZeroDivisionError):
            given.from_app("VGG16", 32, _make=lambda **kwargs: 1 / 0)
