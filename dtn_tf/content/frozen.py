"""A TensorFlow frozen graph, one .pb file -> `graphdef.Graph`."""

import math
import pathlib

import tensorflow as tf
from google.protobuf import message
from tensorflow.core.framework import graph_pb2

from dtn_tf.content.graphdef import Graph
from dtn_tf.errors import UserError

_OUTPUTS = ("embeddings",)  # FaceNet's, which keeps more of its training in the graph
_VARIABLES = ("VariableV2", "Variable", "VarHandleOp")


def read(path):
    """Reads a frozen graph.

    Args:
        path: The .pb file.

    Returns:
        `graphdef.Graph`.

    Raises:
        UserError: If it cannot be read, is no graph, or its variables are not frozen.
    """
    path, definition = pathlib.Path(path), graph_pb2.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
    except (OSError, message.DecodeError) as error:
        raise UserError(f"{path} is damaged, or no frozen graph ({error}).") from error
    if not definition.node:
        raise UserError(f"{path} has no nodes; expected a frozen graph, not a SavedModel.")
    variable = next((node.name for node in definition.node if node.op in _VARIABLES), None)
    if variable:
        raise UserError(f"{path} is not frozen: {variable} is a variable, and its value elsewhere.")
    most = path.stat().st_size
    constants = {n.name: _array(path, n, most) for n in definition.node if n.op == "Const"}
    outputs = tuple(name for name in _OUTPUTS if any(n.name == name for n in definition.node))
    return Graph(definition, constants, outputs)


def _array(path, node, most):
    """Returns the value of a Const node, no larger than the file it is from."""
    tensor = node.attr["value"].tensor
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if math.prod(max(n, 0) for n in shape) > most or min(shape, default=0) < 0:
        raise UserError(f"{path} is damaged: {node.name} has the shape {shape}.")
    try:
        return tf.make_ndarray(tensor)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged: {node.name} has other bytes ({error}).") from error
