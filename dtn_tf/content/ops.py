"""The TensorFlow ops that a net read from a graph may have, each applied as it is written there.

What is not in the list is refused: a graph comes out of a file, and TensorFlow has ops that
read and write files.
"""

import functools
import inspect

import tensorflow as tf

# Names of the inputs in TensorFlow's order; one with a star takes all that are left over.
_INPUTS = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative"), "input filter"),
    **dict.fromkeys(("Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Softplus"), "features"),
    **dict.fromkeys(("Sigmoid", "Tanh", "Abs", "Neg", "Exp", "Square", "Sqrt", "Rsqrt"), "x"),
    **dict.fromkeys(("Cast", "Erf"), "x"),
    **dict.fromkeys(("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Pow"), "x y"),
    **dict.fromkeys(("SquaredDifference", "BatchMatMulV2", "BatchMatMul"), "x y"),
    **dict.fromkeys(("FloorDiv", "Greater", "GreaterEqual", "Less", "LessEqual"), "x y"),
    "LogicalNot": "x",
    "LogicalAnd": "x y",
    "SelectV2": "condition t e",
    **dict.fromkeys(("Mean", "Sum", "Max", "Min", "Prod"), "input axis"),
    **dict.fromkeys(
        ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), "x scale offset mean variance"
    ),
    "MatMul": "a b",
    "BiasAdd": "value bias",
    "AddN": "*inputs",
    "Softmax": "logits",
    "MaxPool": "input",
    "AvgPool": "value",
    "Pad": "input paddings",
    "PadV2": "input paddings constant_values",
    "MirrorPad": "input paddings",
    "ConcatV2": "*values axis",
    "Pack": "*values",
    "Split": "axis value",
    "SplitV": "value size_splits axis",
    "Reshape": "tensor shape",
    "Transpose": "x perm",
    "Squeeze": "input",
    "ExpandDims": "input axis",
    "Shape": "input",
    "StridedSlice": "input begin end strides",
    "Slice": "input begin size",
    "GatherV2": "params indices axis",
    "Fill": "dims value",
    "Tile": "input multiples",
    "ResizeBilinear": "images size",
    "ResizeNearestNeighbor": "images size",
}
_INFERENCE = {"is_training": False}
_SAVED_AS = {("Squeeze", "axis"): "squeeze_dims"}  # where Python's name of an attribute is another
_PRELU = "Prelu"  # tfjs' own


def is_known(op):
    """Whether `apply` knows an op."""
    return op in _INPUTS or op == _PRELU


@functools.cache
def attributes(op):
    """Names of an op's attributes in a graph: a tuple, without the types of its tensors."""
    if op == _PRELU:
        return ()
    inputs = _INPUTS[op].replace("*", "").split()
    taken = inspect.signature(getattr(tf.raw_ops, op)).parameters
    names = (name for name in taken if name not in (*inputs, "name"))
    return tuple(_SAVED_AS.get((op, name), name) for name in names)


def apply(op, inputs, attrs):
    """Returns what an op gives, in inference: a list of tensors.

    Args:
        op: Name, of which `is_known` is true.
        inputs: List of tensors.
        attrs: Dict, attribute -> value, by the names of `attributes`.

    Raises:
        ValueError: If the number of inputs is another one.
    """
    if op == _PRELU:
        x, alpha = inputs
        return [tf.nn.relu(x) - alpha * tf.nn.relu(-x)]
    python = {saved: name for (of, name), saved in _SAVED_AS.items() if of == op}
    attrs = {python.get(k, k): _INFERENCE.get(k, v) for k, v in attrs.items()}
    if op.startswith("FusedBatchNorm"):
        attrs["is_training"] = False  # TensorFlow's default is True
    found = getattr(tf.raw_ops, op)(**_named(op, inputs), **attrs)
    return list(found) if isinstance(found, list | tuple) else [found]


def _named(op, inputs):
    """Inputs by name; a starred name takes what the others leave."""
    names, given = _INPUTS[op].split(), list(inputs)
    star = names[0].startswith("*")
    if len(given) < len(names) or (len(given) > len(names) and not star):
        raise ValueError(f"{op} has {len(given)} inputs; expected {len(names)}: {_INPUTS[op]}.")
    if star:
        cut = len(given) - len(names) + 1
        given = [given[:cut], *given[cut:]]
        names = [names[0][1:], *names[1:]]
    return dict(zip(names, given, strict=True))
