"""tfjs graph models written by hand: what they compute, their gradients, and damaged ones."""

import json

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.content import graphdef, tfjs
from dtn_tf.errors import UserError
from tests import graphs, testing

_TINY = graphs.tiny_weights()


def _expected(w, x):
    """`graphs.face_nodes` in TensorFlow's own words."""
    y = tf.nn.relu(tf.nn.conv2d(x, w["k1"], 2, "SAME") + w["b1"])
    y = tf.nn.relu(tf.nn.depthwise_conv2d(y, w["k2"], (1, 1, 1, 1), "SAME") + w["b2"])
    return tf.reduce_mean(y, axis=(1, 2)) @ w["k3"] + w["b3"]


def _quantized(arrays, kind):
    """Manifest entries and bytes; and what the bytes say."""
    entries, decoded = [], {}
    for name, array in arrays.items():
        about = {"name": name, "shape": array.shape, "dtype": array.dtype.name}
        if array.dtype == np.int32:
            entries.append((about, array.tobytes()))
            decoded[name] = array
            continue
        if kind == "float16":
            stored, about["quantization"] = array.astype("<f2"), {"dtype": kind}
            decoded[name] = stored.astype(np.float32)
        else:
            low, levels = float(array.min()), np.iinfo(kind).max
            scale = float(np.ptp(array)) / levels
            stored = np.round((array - low) / scale).astype(kind)
            about["quantization"] = {"dtype": kind, "scale": scale, "min": low}
            decoded[name] = (stored * scale + low).astype(np.float32)
        entries.append((about, stored.tobytes()))
    return entries, decoded


def _x(n=3, side=8):
    return tf.random.stateless_uniform((n, side, side, 3), (0, 1), -1.0, 1.0)


class _TestCase(testing.TestCase):
    def _write(self, nodes=None, entries=None, num_shards=1, **more):
        nodes = graphs.face_nodes() if nodes is None else nodes
        entries = graphs.plain(_TINY) if entries is None else entries
        path = self.directory / "model.json"
        return graphs.write_tfjs(path, nodes, entries, num_shards, **more)

    def _net(self, *args, **kwargs):
        path = self._write(*args, **kwargs)
        return graphdef.net(tfjs.read(path), path)[0]


class ValueTest(_TestCase):
    @parameterized.parameters(1, 3)
    def test_it_computes_what_tensorflow_does_whole_or_cut_into_shards(self, num_shards):
        net = self._net(num_shards=num_shards)
        self.assertAllClose(net(_x()), _expected(_TINY, _x()), atol=1e-5)

    @parameterized.parameters("float16", "uint8", "uint16")
    def test_quantised_weights_are_decoded(self, kind):
        entries, decoded = _quantized(_TINY, kind)
        self.assertNotAllClose(decoded["k1"], _TINY["k1"], atol=1e-7)
        self.assertAllClose(decoded["k1"], _TINY["k1"], atol=1e-2)
        net = self._net(entries=entries)
        self.assertAllClose(net(_x()), _expected(decoded, _x()), atol=1e-5)

    def test_quantised_whole_numbers_stay_whole(self):
        how = {"dtype": "uint8", "scale": 1.0, "min": 1.0}
        entries = [e for e in graphs.plain(_TINY) if e[0]["name"] != "axes"]
        about = {"name": "axes", "shape": [2], "dtype": "int32", "quantization": how}
        net = self._net(entries=[*entries, (about, bytes([0, 1]))])
        self.assertAllClose(net(_x()), _expected(_TINY, _x()), atol=1e-5)

    @parameterized.parameters(False, True)
    def test_its_gradient_is_tensorflows(self, is_traced):
        net, x = self._net(), _x()

        def gradient(function):
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(function(x) ** 2)
            return tape.gradient(total, x)

        found = (tf.function(gradient) if is_traced else gradient)(net)
        self.assertAllClose(found, gradient(lambda x: _expected(_TINY, x)), atol=1e-5)

    @parameterized.parameters(
        ("Relu6", tf.nn.relu6), ("Elu", tf.nn.elu), ("LeakyRelu", lambda y: tf.maximum(0.3 * y, y)),
        ("Prelu", lambda y: tf.where(y > 0, y, y * tf.constant([0.1, 0.2, 0.3, 0.4, 0.5]))),
    )  # fmt: skip
    def test_fused_activations(self, name, expected):
        slopes = {"slopes": np.float32([0.1, 0.2, 0.3, 0.4, 0.5])} if name == "Prelu" else {}
        nodes = [*graphs.face_nodes()[:-1], *(graphs.node(n, "Const") for n in slopes)]
        fused = {"fused_ops": graphs.words("BiasAdd", name), "leakyrelu_alpha": {"f": 0.3}}
        nodes.append(graphs.node("d", "_FusedMatMul", "c", "k3", "b3", *slopes, **fused))
        net = self._net(nodes, graphs.plain(_TINY | slopes))
        self.assertAllClose(net(_x()), expected(_expected(_TINY, _x())), atol=1e-5)

    def test_of_several_outputs_it_is_the_longest_code(self):
        named = {"a:0": {"name": "b"}, "e": {"name": "c"}, "d:0": {"name": "d:0"}}
        net = self._net(signature={"outputs": named})
        self.assertAllClose(net(_x()), _mean(_x()), atol=1e-5)

    def test_what_images_do_not_decide_is_computed_once(self):
        nodes = [*graphs.face_nodes(), graphs.node("twice", "Add", "b3", "b3")]
        nodes += [
            graphs.node("thrice", "Add", "twice", "b3"),
            graphs.node("e", "Add", "d", "thrice"),
        ]
        net = self._net(nodes)
        self.assertAllClose(net(_x()), _expected(_TINY, _x()) + 3 * _TINY["b3"], atol=1e-5)
        self.assertEqual([n["op"] for n in net.nodes].count("Add"), 1)


def _mean(x):
    w = _TINY | {"k3": np.eye(6, dtype=np.float32), "b3": np.zeros(6, np.float32)}
    return _expected(w, x)


class RefusalTest(_TestCase):
    @parameterized.named_parameters(
        ("no_json", lambda p: p.write_text("{"), "is not a tfjs graph model"),
        ("layers", lambda p: p.write_text('{"format": "layers-model"}'), "is layers-model; exp"),
        ("missing", lambda p: (p.parent / "model-1.bin").unlink(), "model-1.bin is missing, a"),
        ("short", lambda p: _cut(p.parent / "model-1.bin", -1), r"bytes; model.json expects [\d,]"),
        ("long", lambda p: _cut(p.parent / "model-1.bin", 1), r"bytes; model.json expects [\d,]"),
    )
    def test_damaged_files(self, spoil, expected):
        path = self._write(num_shards=2)
        spoil(path)
        with self.assertRaisesRegex(UserError, expected) as caught:
            tfjs.read(path)
        self.assertIn(str(path.parent), str(caught.exception))

    @parameterized.named_parameters(
        ("shape", {"shape": [-1, 6]}, "k1 has the shape"),
        ("huge", {"shape": [10**9, 10**9]}, "model.json expects 4,000,000,000,000,000,4"),
        ("no_number", {"shape": ["3"]}, "k1 has the shape"),
        ("text", {"dtype": "string"}, "stores k1 as string; expected float32"),
        ("kind", {"quantization": {"dtype": "int4", "scale": 1, "min": 0}}, "k1 as int4; expected"),
        ("no_scale", {"quantization": {"dtype": "uint8"}}, "is damaged.*scale"),
        ("no_name", {"name": None}, "k1 has no values"),
    )
    def test_manifests_that_cannot_be(self, changes, expected):
        entries = graphs.plain(_TINY)
        entries[0] = ({**entries[0][0], **changes}, entries[0][1])
        with self.assertRaisesRegex(UserError, expected):
            self._net(entries=entries)

    def test_shards_outside_of_the_folder_are_not_read(self):
        path = self._write()
        model = json.loads(path.read_text())
        model["weightsManifest"][0]["paths"] = ["../secret"]
        path.write_text(json.dumps(model))
        with self.assertRaisesRegex(UserError, "outside of its folder: ../secret"):
            tfjs.read(path)

    @parameterized.named_parameters(
        ("unknown", graphs.node("e", "ReadFile", "d"), r"has the op ReadFile \(e\), which is not"),
        (
            "nowhere",
            graphs.node("e", "Add", "d", "gone"),
            "reads output 0 of gone, which is not there",
        ),
        ("ring", graphs.node("e", "Add", "d", "e"), "reads output 0 of e, which is not"),
        ("output", graphs.node("e", "Add", "d", "d:9"), "reads output 9 of d, which is not"),
        ("inputs", graphs.node("e", "Add", "d"), "cannot be run: .*Add has 1 inputs; expected 2"),
        ("shape", graphs.node("e", "MatMul", "d", "k2"), "cannot be run"),
        ("second", graphs.images("z"), "has 2 inputs for images: x, z"),
        ("place", graphs.node("e", "Split", "axes", "d"), "cannot be run"),
    )
    def test_graphs_that_cannot_be_run(self, more, expected):
        with self.assertRaisesRegex(UserError, expected):
            self._net([*graphs.face_nodes(), more], signature={"outputs": {"e": {}}})

    def test_a_graph_without_images(self):
        with self.assertRaisesRegex(UserError, "has 0 inputs for images; expected one"):
            self._net([n for n in graphs.face_nodes() if n["op"] != "Placeholder"])


def _cut(path, change):
    content = path.read_bytes()
    path.write_bytes(content[:change] if change < 0 else content + b"x" * change)
