"""Tiny graphs for tests: a tfjs graph model written by hand, a frozen graph made by TensorFlow."""

import base64
import json

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
_TYPE = {"type": "DT_FLOAT"}


def weights(shape, seed, scale=0.4):
    """Returns float32 weights."""
    return np.random.default_rng(seed).normal(0.0, scale, shape).astype(np.float32)


def text(word):
    """Bytes, as protobuf's JSON has them."""
    return {"s": base64.b64encode(word.encode()).decode()}


def numbers(*found):
    """A list of whole numbers, as protobuf's JSON has them."""
    return {"list": {"i": [str(n) for n in found]}}


def words(*found):
    """A list of bytes."""
    return {"list": {"s": [text(word)["s"] for word in found]}}


def node(name, op, *inputs, **attrs):
    """A node of a topology."""
    return {"name": name, "op": op, "input": list(inputs), "attr": {"T": _TYPE, **attrs}}


def images(name="x", side=8, channels=3):
    """A placeholder of images, any number of them."""
    dims = [{"size": str(n)} for n in (-1, side, side, channels)]
    return node(name, "Placeholder", dtype=_TYPE, shape={"shape": {"dim": dims}})


def convolution(strides=2, padding="SAME", **attrs):
    """Attributes of a convolution."""
    return {
        "strides": numbers(1, strides, strides, 1),
        "padding": text(padding),
        "data_format": text("NHWC"),
        "dilations": numbers(1, 1, 1, 1),
        **attrs,
    }


def face_nodes():
    """Topology of a tiny net: fused convolutions, a mean, a fused product; 5 features."""
    fused = {"fused_ops": words("BiasAdd", "Relu"), "num_args": {"i": "1"}}
    return [
        *(node(name, "Const") for name in tiny_weights()),
        images(),
        node("a", "_FusedConv2D", "x", "k1", "b1", **convolution(**fused)),
        node("b", "FusedDepthwiseConv2dNative", "a", "k2", "b2", **convolution(1, **fused)),
        node("c", "Mean", "b", "axes", keep_dims={"b": False}),
        node("d", "_FusedMatMul", "c", "k3", "b3", fused_ops=words("BiasAdd")),
    ]


def tiny_weights():
    """Weights of `face_nodes`: dict, name -> array."""
    return {
        "k1": weights((3, 3, 3, 6), 1),
        "b1": weights((6,), 2),
        "k2": weights((3, 3, 6, 1), 3),
        "b2": weights((6,), 4) + 1.0,
        "k3": weights((6, 5), 5),
        "b3": weights((5,), 6),
        "axes": np.array([1, 2], np.int32),
    }


def write_tfjs(path, nodes, entries, num_shards=1, **more):
    """Writes a graph model.

    Args:
        path: Of the JSON.
        nodes: Topology.
        entries: List of (manifest entry, bytes).
        num_shards: Files, cut anywhere.
        **more: Further keys of the JSON.
    """
    content = b"".join(stored for _, stored in entries)
    cuts = np.linspace(0, len(content), num_shards + 1).astype(int)
    names = [f"{path.stem}-{k}.bin" for k in range(num_shards)]
    path.parent.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        (path.parent / name).write_bytes(content[cuts[k] : cuts[k + 1]])
    manifest = [{"paths": names, "weights": [about for about, _ in entries]}]
    topology = {"node": nodes, "versions": {"producer": 1}}
    model = {"format": "graph-model", "modelTopology": topology, "weightsManifest": manifest}
    path.write_text(json.dumps(model | more))
    return path


def plain(arrays):
    """Manifest entries and bytes of arrays as they are."""
    return [
        ({"name": k, "shape": v.shape, "dtype": v.dtype.name}, v.tobytes())
        for k, v in arrays.items()
    ]


def freeze(path, make):
    """Writes what `make()` builds in a v1 graph as a frozen graph; returns its path.

    Control flow is that of TensorFlow 1: Switch and Merge.
    """
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            make()
            definition = graph.as_graph_def()
    finally:
        v1.enable_control_flow_v2()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(definition.SerializeToString())
    return path


def run(path, feeds, output, gradient_of=None):
    """Runs a frozen graph in a v1 session, as its publisher does."""
    definition = v1.GraphDef()
    definition.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        v1.import_graph_def(definition, name="")
        tensor = graph.get_tensor_by_name(f"{output}:0")
        if gradient_of:
            tensor = v1.gradients(tensor, graph.get_tensor_by_name(f"{gradient_of}:0"))[0]
        with v1.Session(graph=graph) as session:
            return session.run(tensor, {f"{k}:0": v for k, v in feeds.items()})


def facenet(side=8, features=5):
    """What FaceNet has, tiny: a training switch, a batch size of 1 built in, a code of length 1."""
    x = v1.placeholder(tf.float32, (1, side, side, 3), "input")
    training = v1.placeholder(tf.bool, (), "phase_train")
    y = tf.nn.conv2d(x, weights((3, 3, 3, 6), 1), 2, "VALID", name="InceptionResnetV1/Conv2D")
    y = tf.nn.bias_add(y, weights((6,), 2))
    scale, offset, mean = weights((6,), 3) + 1.0, weights((6,), 4), weights((6,), 5)

    def norm(is_training):
        of = {} if is_training else {"mean": mean, "variance": np.full(6, 0.3, np.float32)}
        found = v1.nn.fused_batch_norm(y, scale, offset, is_training=is_training, **of)
        return found[0]

    y = v1.cond(training, lambda: norm(True), lambda: norm(False))
    y = tf.nn.relu(y)
    y = tf.reshape(y, (1, y.shape[1] * y.shape[2] * 6))
    y = v1.cond(training, lambda: tf.nn.dropout(y, 0.5), lambda: y)
    y = tf.matmul(y, weights((int(y.shape[-1]), features), 6))
    tf.nn.l2_normalize(y, 1, 1e-10, name="embeddings")
