"""What of a graph depends on the images: those ops become a net, all else is computed now."""

import json

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from dtn_tf.content import graph, ops
from dtn_tf.errors import UserError

FLOW = ("Switch", "Merge")
_SAME = ("Identity", "StopGradient", "PreventGradient", "CheckNumerics", "PlaceholderWithDefault")
FAILED = (ValueError, TypeError, IndexError, tf.errors.OpError)  # how an op refuses its inputs
_DEAD = "dead"  # what a switch does not give
_MOST_OUTPUTS = 8  # of one op


class Live:
    """Makes nets of a graph's outputs.

    Args:
        nodes: Dict, name -> `NodeDef`.
        source: Name of the node that is fed images.
        constants: Dict, name of a Const node -> array.
        name: Of the file, for messages.
    """

    def __init__(self, nodes, source, constants, name):
        self.of, self.source, self.name = nodes, source, name
        self.constants = constants
        self.values = {}  # (node, output) -> array, (place in `nodes`, output), _DEAD, or an error
        self.nodes = []

    def nets(self, output):
        """Returns a list of the net of an output; an empty one if no image decides about it.

        Args:
            output: (name of a node, number of its output).

        Raises:
            UserError: If an op is not known, a value is missing, or there is another input.
        """
        for name in self._order(output[0]):
            self._make(name)
        found = self.values.get(output)
        if isinstance(found, UserError):
            raise found
        return [self._net(*found)] if isinstance(found, tuple) else []

    def _net(self, last, number):
        needed, open_ends = set(), [last]
        while open_ends:
            k = open_ends.pop()
            if k not in needed:
                needed.add(k)
                open_ends += [j for j, _ in self.nodes[k].get("in", ())]
        place = {k: new for new, k in enumerate(sorted(needed))}
        kept = [self._moved(self.nodes[k], place) for k in sorted(needed)]
        # What comes out is the last node: all others are before what reads them.
        # Sorted: protobuf gives attributes in another order each time, and this has a hash.
        found = graph.GraphNet(json.dumps(kept, sort_keys=True), number)
        found.set_weights([self.nodes[k]["array"] for k in sorted(needed) if self._is_weight(k)])
        return found

    def _is_weight(self, k):
        return self.nodes[k]["op"] == graph.WEIGHTS

    def _moved(self, node, place):
        rest = {k: v for k, v in node.items() if k != "array"}
        return rest | {"in": [[place[k], o] for k, o in node["in"]]} if "in" in node else rest

    def _order(self, last):
        """Names of the nodes that a node needs, each after those that it needs itself."""
        order, seen, todo = [], set(), [(last, False)]
        while todo:
            name, is_done = todo.pop()
            if is_done:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                todo.append((name, True))
                todo += [(i, False) for i in self._needs(name)]
        return order

    def _needs(self, name):
        """Names of the nodes that a node reads, or waits for."""
        if name not in self.of or name == self.source:
            return []
        return [reference(i)[0] for i in self.of[name].input]

    def _make(self, name):
        """Finds out what a node gives; an error is kept until something live reads it."""
        if (name, 0) in self.values or (name, 1) in self.values or name not in self.of:
            return
        node = self.of[name]
        try:
            self._make_now(node)
        except UserError as error:
            self.values[name, 0] = self.values[name, 1] = error
        except FAILED as error:  # while a constant was computed
            self.values[name, 0] = said(self.name, error)

    def _make_now(self, node):
        key, read = (node.name, 0), [reference(i) for i in node.input if not i.startswith("^")]
        waits_for = [reference(i) for i in node.input if i.startswith("^")]
        found = [self.values.get(k) for k in (*read, *waits_for)]
        if node.name == self.source:
            self._add(node.name, {"op": graph.IMAGES})
        elif node.op == "Merge":
            live = [k for k in read if self.values.get(k) is not _DEAD]
            self.values[key] = self._value(node, live[0]) if live else _DEAD
        elif any(v is _DEAD for v in found):  # TensorFlow 1 has dead constants wait for a switch
            self.values[key] = self.values[node.name, 1] = _DEAD
        elif node.op in ("Const", "Placeholder") or _is_switch(node):
            self.values[key] = self._constant(node)
        else:
            self._make_op(node, [self._value(node, k) for k in read])

    def _value(self, node, key):
        """Returns what a node reads: an array, or a place."""
        found = self.values.get(key)
        if isinstance(found, UserError):
            raise found
        if found is None:  # there is no such output, or nodes read each other in a ring
            read = f"output {key[1]} of {key[0]}"
            raise UserError(
                f"{self.name} is damaged: {node.name} reads {read}, which is not there."
            )
        return found

    def _constant(self, node):
        if _is_switch(node):
            return np.array(False)  # phase_train and the like: inference
        if node.op == "Placeholder":
            raise UserError(f"{self.name} has a second input, {node.name}; expected one.")
        if node.name not in self.constants:
            raise UserError(f"{self.name} is damaged: {node.name} has no values.")
        return self.constants[node.name]

    def _make_op(self, node, inputs):
        if node.op == "Switch":
            chosen = self._decided(node, inputs[1])
            self.values[node.name, 1 - chosen] = _DEAD
            self.values[node.name, chosen] = inputs[0]
        elif node.op in _SAME:
            self.values[node.name, 0] = inputs[0]
        elif not ops.is_known(node.op):
            raise UserError(
                f"{self.name} has the op {node.op} ({node.name}), which is not known here. A frozen"
                " graph of convolutions and the like is expected."
            )
        elif any(isinstance(v, tuple) for v in inputs):
            self._add_op(node, inputs)
        else:
            made = ops.apply(node.op, [tf.constant(v) for v in inputs], _attributes(node))
            self.values.update({(node.name, k): v.numpy() for k, v in enumerate(made)})

    def _decided(self, node, predicate):
        if not isinstance(predicate, np.ndarray | np.generic):
            raise UserError(f"{self.name}: {node.name} decides by what is in the image.")
        return int(bool(predicate))

    def _add_op(self, node, inputs):
        made = {"op": node.op, "attrs": _attributes(node)}
        if node.op == "Reshape" and isinstance(inputs[1], np.ndarray):
            # A batch size of 1 was built in when the graph was made for one image.
            made |= {"per_image": True} if inputs[1].size and inputs[1].flat[0] == 1 else {}
        made["in"] = [list(v if isinstance(v, tuple) else self._kept(v)) for v in inputs]
        self._add(node.name, made)

    def _add(self, name, made):
        self.nodes.append(made)
        for output in range(_MOST_OUTPUTS):
            self.values[name, output] = (len(self.nodes) - 1, output)

    def _kept(self, array):
        """Returns the place of a constant that an op reads: weights if floats, else a value."""
        array = np.asarray(array)
        if array.dtype.kind == "f":
            self.nodes.append({"op": graph.WEIGHTS, "shape": array.shape, "array": array})
        else:
            value = {"value": array.tolist(), "dtype": array.dtype.name, "shape": array.shape}
            self.nodes.append({"op": graph.VALUE, **value})
        return len(self.nodes) - 1, 0


def said(name, error):
    """Returns the `UserError` of what an op had against its inputs."""
    return UserError(f"{name} cannot be run: {str(error).strip().splitlines()[0][:300]}")


def _is_switch(node):
    is_input = node.op in ("Placeholder", "PlaceholderWithDefault")
    return is_input and node.attr["dtype"].type == types_pb2.DT_BOOL


def reference(text):
    """Returns (name, output): "name:1" -> ("name", 1)."""
    name, _, output = text.removeprefix("^").partition(":")
    return name, int(output or 0)


def _attributes(node):
    """The attributes of a node that its op takes, as Python has them."""
    taken = ops.attributes(node.op)
    return {k: _plain(v) for k, v in node.attr.items() if k in taken and v.WhichOneof("value")}


def _plain(value):
    kind = value.WhichOneof("value")
    if kind == "s":
        return value.s.decode()
    if kind == "type":
        return tf.as_dtype(value.type).name
    if kind == "list":
        of = value.list
        return [*of.i, *of.f, *of.b, *(s.decode() for s in of.s)]
    if kind in ("i", "f", "b"):
        return getattr(value, kind)
    raise ValueError(f"An attribute of a graph's op is a {kind}.")
