"""A frozen net that was read from a graph, as a Keras layer: it is saved with f, and has gradients.

A graph that TensorFlow imports inside a `tf.function` hides its ops from a `GradientTape`. Here
each op is called in turn, so that tapes, `tf.function` and exports see ordinary TensorFlow.
"""

import functools
import json

import keras
import tensorflow as tf

from dtn_tf.content import ops

IMAGES, WEIGHTS, VALUE = "images", "weights", "value"  # nodes that are no op


@keras.saving.register_keras_serializable("dtn_tf")
class GraphNet(keras.layers.Layer):
    """A net given as a list of ops; `graphdef.net` makes it of a graph that was read.

    Its float constants are its weights, none of them trainable.

    Args:
        graph: JSON text: a list of nodes, each a dict, in an order in which they can run; the
            last one is what comes out. "op" is an op of `ops`, or one of these: "images", what
            is read; "weights", with their "shape"; "value", with its "dtype". "in" lists
            [node, output] of its inputs, "attrs" has its attributes. A Reshape with
            "per_image" has the number of images in place of its first number.
        output: Which output of the last node.

    Input shape: `(batch, height, width, channels)`, float32, as the graph reads it.
    Output shape: as the graph gives it.
    """

    def __init__(self, graph, output=0, **kwargs):
        kwargs = {k: v for k, v in kwargs.items() if k not in ("trainable", "dtype")}
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.graph, self.output_number = graph, output
        shapes = [node["shape"] for node in self.nodes if node["op"] == WEIGHTS]
        self.constants = [
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=f"weights_{k}")
            for k, shape in enumerate(shapes)
        ]
        self.built = True

    @functools.cached_property  # an attribute that is set, Keras would wrap and search for layers
    def nodes(self):
        """The nodes of `graph`: a list of dicts."""
        return json.loads(self.graph)

    def call(self, images, training=False):
        """Returns what the graph gives; `training` changes nothing."""
        constants, made = iter(self.constants), []
        for node in self.nodes:
            op = node["op"]
            if op == IMAGES:
                made.append([images])
            elif op == WEIGHTS:
                made.append([tf.convert_to_tensor(next(constants))])
            elif op == VALUE:
                made.append([tf.constant(node["value"], node["dtype"], node["shape"])])
            else:
                inputs = [made[k][output] for k, output in node["in"]]
                if node.get("per_image"):
                    inputs[1] = tf.concat([tf.shape(images)[:1], inputs[1][1:]], axis=0)
                made.append(ops.apply(op, inputs, node["attrs"]))
        return made[-1][self.output_number]

    def get_config(self):
        """Returns the arguments that make this layer again."""
        return {**super().get_config(), "graph": self.graph, "output": self.output_number}
