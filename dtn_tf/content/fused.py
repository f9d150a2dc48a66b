"""Ops that grappler fused, opened again: fused ones have no gradient."""

from tensorflow.core.framework import attr_value_pb2, node_def_pb2

_FUSED = {
    "_FusedConv2D": "Conv2D",
    "_FusedMatMul": "MatMul",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
}
_MORE_INPUTS = {"BiasAdd": 1, "FusedBatchNorm": 4, "Prelu": 1}  # than what comes from before


def opened(nodes):
    """Yields `NodeDef`s: of a fused one those that it was made of; the last has its name."""
    for node in nodes:
        if node.op not in _FUSED:
            yield node
            continue
        inputs, taken = list(node.input), 2
        steps = [(_FUSED[node.op], inputs[:taken])]
        for op in (s.decode() for s in node.attr["fused_ops"].list.s):
            after = taken + _MORE_INPUTS.get(op, 0)
            steps.append((op, inputs[taken:after]))
            taken = after
        yield from _chain(node, steps)


def _chain(node, steps):
    before = []
    for k, (op, inputs) in enumerate(steps):
        name = node.name if k == len(steps) - 1 else f"{node.name}/fused_{k}"
        made = node_def_pb2.NodeDef(name=name, op=op, input=before + inputs)
        for key, value in node.attr.items():
            made.attr[key].CopyFrom(value)
        if op == "LeakyRelu":
            alpha = node.attr["leakyrelu_alpha"].f if "leakyrelu_alpha" in node.attr else 0.2
            made.attr["alpha"].CopyFrom(attr_value_pb2.AttrValue(f=alpha))
        yield made
        before = [name]
