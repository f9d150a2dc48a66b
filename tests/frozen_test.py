"""Frozen graphs made by TensorFlow 1, compared with a session that runs them as they are."""

import json

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.content import frozen, graphdef
from dtn_tf.errors import UserError
from tests import graphs, testing

v1 = tf.compat.v1


def _x(n=3):
    return np.random.default_rng(0).uniform(-1.0, 1.0, (n, 8, 8, 3)).astype(np.float32)


def _batchless():
    return v1.placeholder(tf.float32, (None, 8, 8, 3), "x")


def _split_and_joined():
    x = _batchless()
    a, b, c = tf.split(x, 3, axis=3)
    y = tf.concat([c, tf.identity(a)], axis=3) + tf.stack([0.1, 0.2])
    y = (
        tf.pad(y, [[0, 0], [1, 1], [0, 0], [0, 0]])
        * tf.reduce_max(b, axis=(1, 2, 3))[:, None, None, None]
    )
    y = tf.nn.avg_pool2d(tf.transpose(y, (0, 2, 1, 3)), 2, 2, "VALID")
    y = tf.reshape(y, (tf.shape(y)[0], 4 * 5 * 2))
    tf.nn.softmax(y[:, 3:], name="code")


def _with_a_queue():
    """As a graph keeps it that was frozen with more of its training than the net."""
    labels = v1.placeholder(tf.string, (None,), "files")
    tf.identity(tf.io.read_file(labels[0]), "contents")
    graphs.facenet()


def _squeezed():
    y = tf.reduce_mean(_batchless(), axis=(1, 2), keepdims=True)
    tf.squeeze(y, axis=(1, 2), name="code")


class ValueTest(testing.TestCase):
    def _read(self, make):
        path = graphs.freeze(self.directory / "net.pb", make)
        return path, graphdef.net(frozen.read(path), path)

    @parameterized.parameters(graphs.facenet, _with_a_queue)
    def test_a_facenet_of_one_image_takes_many_and_is_in_inference(self, make):
        path, (net, reads) = self._read(make)
        self.assertEqual(reads, (8, 8, 3))
        each = [{"input": _x()[k : k + 1], "phase_train": False} for k in range(3)]
        expected = np.concatenate([graphs.run(path, feeds, "embeddings") for feeds in each])
        for _ in range(2):  # its dropout is off
            self.assertAllClose(net(_x()), expected, atol=1e-5)
        self.assertAllClose(tf.function(net)(_x()), expected, atol=1e-5)

    @parameterized.parameters(False, True)
    def test_its_gradient_is_tensorflows(self, is_traced):
        path, (net, _) = self._read(graphs.facenet)

        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(net(x))
            return tape.gradient(total, x)

        found = (tf.function(gradient) if is_traced else gradient)(tf.constant(_x()))
        for k in range(3):
            feeds = {"input": _x()[k : k + 1], "phase_train": False}
            expected = graphs.run(path, feeds, "embeddings", "input")
            self.assertAllClose(found[k : k + 1], expected, atol=1e-5)

    def test_a_graph_is_written_one_way(self):
        _, (net, _) = self._read(graphs.facenet)
        self.assertEqual(net.graph, json.dumps(json.loads(net.graph), sort_keys=True))

    def test_other_ops_and_a_shape_that_is_computed(self):
        path, (net, _) = self._read(_split_and_joined)
        self.assertAllClose(net(_x()), graphs.run(path, {"x": _x()}, "code"), atol=1e-6)

    def test_squeeze_leaves_a_batch_of_one_image(self):
        path, (net, _) = self._read(_squeezed)
        self.assertEqual(net(_x(1)).shape, (1, 3))
        self.assertAllClose(net(_x(1)), graphs.run(path, {"x": _x(1)}, "code"), atol=1e-6)


class RefusalTest(testing.TestCase):
    @parameterized.named_parameters(
        ("empty", b"", "has no nodes; expected a frozen graph"),
        ("no_graph", b"hello, this is no graph", "is damaged, or no frozen graph"),
    )
    def test_files_that_are_no_graph(self, content, expected):
        path = self.directory / "net.pb"
        path.write_bytes(content)
        with self.assertRaisesRegex(UserError, expected):
            frozen.read(path)

    def test_a_missing_file(self):
        with self.assertRaisesRegex(UserError, "gone.pb is damaged, or no.*No such file"):
            frozen.read(self.directory / "gone.pb")

    def test_variables_must_be_frozen(self):
        make = lambda: v1.get_variable("w", (3,), use_resource=False) + 1.0  # noqa: E731
        path = graphs.freeze(self.directory / "net.pb", make)
        with self.assertRaisesRegex(UserError, "is not frozen: w is a variable"):
            frozen.read(path)

    @parameterized.named_parameters(
        ("size", lambda tensor: tensor.tensor_shape.dim.add(size=10**12), "w has the shape"),
        ("bytes", lambda tensor: tensor.tensor_shape.dim.add(size=2), "w has other bytes"),
    )
    def test_constants_that_cannot_be(self, spoil, expected):
        definition = v1.GraphDef()
        node = definition.node.add(name="w", op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.arange(9, dtype=np.float32)))
        spoil(node.attr["value"].tensor)
        path = self.directory / "net.pb"
        path.write_bytes(definition.SerializeToString())
        with self.assertRaisesRegex(UserError, expected):
            frozen.read(path)

    @parameterized.named_parameters(
        ("unknown", lambda x: tf.py_function(lambda y: y, [x], tf.float32), "has the op Eager"),
        (
            "loop",
            lambda x: tf.while_loop(lambda y: tf.reduce_sum(y) < 9, lambda y: y + 1, [x]),
            "the op Enter",
        ),
        (
            "decides",
            lambda x: v1.cond(tf.reduce_sum(x) > 0, lambda: x + 1, lambda: x),
            "by what is in the im",
        ),
        ("second", lambda x: x * v1.placeholder(tf.float32, (), "k"), "has a second input, k; exp"),
        ("nothing", lambda x: tf.constant(1.0) + 1.0, "gives nothing that depends"),
    )
    def test_graphs_that_cannot_be_f(self, make, expected):
        def made():
            x = v1.placeholder(tf.float32, (None, 8, 8, 3), "x")
            make(x)

        path = graphs.freeze(self.directory / "net.pb", made)
        with self.assertRaisesRegex(UserError, expected):
            graphdef.net(frozen.read(path), path)
