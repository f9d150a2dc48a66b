"""A frozen TensorFlow graph, wherever it was read from -> a `graph.GraphNet`.

Fused ops, which have no gradient, are opened; what does not depend on the images is computed
now; a training switch is off; a batch size of 1 that is built in is mended.
"""

import dataclasses

import tensorflow as tf
from tensorflow.core.framework import graph_pb2, types_pb2

from dtn_tf.content import fused
from dtn_tf.content.live import FAILED, FLOW, Live, reference, said
from dtn_tf.errors import UserError

_INPUTS = ("input", "image_batch", "images")  # what inputs are called that are no placeholder


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """A graph that was read.

    Attributes:
        definition: `GraphDef` of simple and fused ops.
        constants: Dict, name of a Const node -> array.
        outputs: Names of the nodes whose values are given, as its publisher says; may be empty.
        maker: What its file says of who made it, or "".
    """

    definition: graph_pb2.GraphDef
    constants: dict
    outputs: tuple = ()
    maker: str = ""


def net(read, name):
    """Makes a Keras layer of a graph: of its one input, and of the longest code that it gives.

    Args:
        read: `Graph`.
        name: Of the file, for messages.

    Returns:
        `graph.GraphNet`, and what it reads: (height, width, channels), None for what is open.

    Raises:
        UserError: If it has no image input or several, no output, or an op that is not known.
    """
    nodes = {node.name: node for node in fused.opened(read.definition.node)}
    source = _source(nodes, name)
    outputs = [o for o in map(reference, read.outputs) if o[0] in nodes]
    live, nets, refused = Live(nodes, source, read.constants, name), [], []
    for output in outputs or _ends(nodes, source):
        try:
            nets += live.nets(output)
        except UserError as error:  # a graph may keep more of its training than the net
            refused.append(error)
    if not nets and refused:
        raise refused[0]
    if not nets:
        raise UserError(f"{name} gives nothing that depends on its images.")
    reads = _shape(nodes[source])
    return max(nets, key=lambda found: _width(found, reads, name)), reads


def _width(found, reads, name):
    """How many numbers a net gives for an image; 0 for what is no code: a map, or no floats."""
    side = [n or 64 for n in reads[:2]]
    images = tf.TensorSpec((None, *side, reads[2] or 3), tf.float32)
    try:  # the call alone: Keras would put words of its own before the error
        y = tf.function(found.call, autograph=False).get_concrete_function(images)
    except FAILED as error:
        raise said(name, error) from error
    y = y.structured_outputs
    return (y.shape[-1] or 0) if y.shape.rank == 2 and y.dtype.is_floating else 0


def _source(nodes, name):
    """Returns the name of the node that is fed images."""
    found = [n.name for n in nodes.values() if n.op == "Placeholder" and _is_image(n)]
    if len(found) > 1:
        found = [n for n in found if n in _INPUTS] or found
    found = found or [n for n in _INPUTS if n in nodes][:1]
    if len(found) != 1:
        raise UserError(
            f"{name} has {len(found)} inputs for images{': ' * bool(found)}{', '.join(found)};"
            " expected one, a float Placeholder."
        )
    return found[0]


def _is_image(node):
    rank_open = node.attr["shape"].shape.unknown_rank or "shape" not in node.attr
    is_float = node.attr["dtype"].type == types_pb2.DT_FLOAT
    return is_float and (rank_open or len(node.attr["shape"].shape.dim) == 4)


def _shape(node):
    dims = [d.size for d in node.attr["shape"].shape.dim]
    dims = dims[1:] if len(dims) == 4 else [-1, -1, -1]
    return tuple(n if n > 0 else None for n in dims)


def _ends(nodes, source):
    """Outputs that nobody reads: of a graph whose publisher names none."""
    read = {reference(i)[0] for node in nodes.values() for i in node.input}
    skipped = ("Const", "Placeholder", "NoOp", "Assert", *FLOW)
    ends = (n for n in nodes.values() if n.name not in read and n.op not in skipped)
    return [(node.name, 0) for node in ends if node.name != source]
