"""A tfjs graph model, model.json and its weight shards -> `graphdef.Graph`.

The topology in the JSON is a GraphDef as protobuf writes it in JSON. The weights lie one after
the other in the shards, in the order of the manifest, which says how each is to be decoded.

Source: the format as @tensorflow/tfjs-core, io/types.ts and io/io_utils.ts, reads it.
"""

import math
import pathlib

import numpy as np
from google.protobuf import json_format
from tensorflow.core.framework import graph_pb2

from dtn_tf import files
from dtn_tf.content.graphdef import Graph
from dtn_tf.errors import UserError

_STORED = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "bool": "u1", "uint8": "u1"}
_QUANTIZED = {"float16": "<f2", "uint8": "u1", "uint16": "<u2"}
_WHAT = "a tfjs graph model"
_ADVICE = "Install the package again, or copy the folder again."


def read(path):
    """Reads a model.json, by whatever name, and the shards beside it.

    Args:
        path: The JSON file.

    Returns:
        `graphdef.Graph`.

    Raises:
        UserError: If it is no graph model, or a shard is missing, or not as long as the
            manifest says.
    """
    path = pathlib.Path(path)
    model = files.read_json(path, _WHAT)
    topology, groups = model.get("modelTopology"), model.get("weightsManifest")
    if not isinstance(topology, dict) or "node" not in topology or not isinstance(groups, list):
        kind = model.get("format", "another format")
        raise UserError(
            f"{path} is {kind}; expected {_WHAT}, with its nodes in modelTopology and its"
            " weights in weightsManifest."
        )
    try:
        definition = json_format.ParseDict(
            topology, graph_pb2.GraphDef(), ignore_unknown_fields=True
        )
        constants = {}
        for group in groups:
            constants.update(_weights(path, group))
    except (json_format.ParseError, KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is damaged ({error}). {_ADVICE}") from error
    return Graph(definition, constants, _outputs(model), str(model.get("generatedBy") or ""))


def _outputs(model):
    """Names of the values that the model gives: the keys are those of the program that used it."""
    signature = model.get("signature") or (model.get("userDefinedMetadata") or {}).get("signature")
    outputs = (signature or {}).get("outputs") or {}
    return tuple(about.get("name") or key for key, about in outputs.items())


def _weights(path, group):
    """Returns the weights of a group: dict, name -> array."""
    wanted = [(about["name"], *_kind(path, about)) for about in group["weights"]]
    sizes = [math.prod(shape) * dtype.itemsize for _, shape, dtype, _ in wanted]
    content, found, start = _shards(path, group["paths"], sum(sizes)), {}, 0
    for (name, shape, dtype, decode), size in zip(wanted, sizes, strict=True):
        stored = np.frombuffer(content, dtype, math.prod(shape), start).reshape(shape)
        found[name], start = decode(stored), start + size
    return found


def _kind(path, about):
    """Returns the shape of a weight, the dtype it is stored in, and what decodes it."""
    shape, dtype = tuple(about["shape"]), about["dtype"]
    if not all(type(n) is int and n >= 0 for n in shape):
        raise UserError(f"{path} is damaged: {about['name']} has the shape {shape}. {_ADVICE}")
    how = about.get("quantization")
    stored = how["dtype"] if how else dtype
    known = _QUANTIZED if how else _STORED
    if stored not in known or dtype not in _STORED:
        raise UserError(f"{path} stores {about['name']} as {stored}; expected {', '.join(known)}.")
    scale, low = (how["scale"], how["min"]) if how and stored != "float16" else (None, None)

    def decode(array):
        if scale is not None:
            array = array * np.float32(scale) + np.float32(low)
            array = np.round(array) if dtype == "int32" else array
        return array.astype({"float16": "float32"}.get(dtype, dtype))

    return shape, np.dtype(known[stored]), decode


def _shards(path, names, num_bytes):
    """Returns the bytes of a group's shards, which must be as many as its weights take."""
    shards = [_shard(path, name) for name in names]
    found = sum(shard.stat().st_size for shard in shards)
    if found != num_bytes:
        raise UserError(
            f"{', '.join(map(str, shards))}: {found:,} bytes; {path.name} expects {num_bytes:,}."
            f" {_ADVICE}"
        )
    return b"".join(shard.read_bytes() for shard in shards)


def _shard(path, name):
    shard = path.parent / name
    if not shard.resolve().is_relative_to(path.parent.resolve()):
        raise UserError(f"{path} names a shard outside of its folder: {name}.")
    if not shard.is_file():
        raise UserError(f"{shard} is missing, a weight shard of {path}. {_ADVICE}")
    return shard
