"""Weights that come with the package: G alone, in half the bytes, and what is known of it.

`NAME.npz` has the weights that a translation reads: f, the moving average of g, and f's
classifier where there is one. Large arrays are float16. Small ones, biases and batch-norm
statistics, stay float32: they are a hundredth of the bytes, and a variance need not fit into
float16. `NAME.json` says what they are; `benchmarks/pack_weights.py` makes both.
"""

import difflib
import json
import pathlib

import numpy as np

from dtn_tf import cli, files
from dtn_tf.errors import UserError

NAMES = ("svhn",)  # of the nets in this folder, as released; the tests hold the folder to it
FOLDER = pathlib.Path(__file__).resolve().parent
SCHEMA = 1  # of NAME.json

_PARTS = ("f", "g_ema", "head")
_OWN = ("scale", "shift")  # of `MatchedDTN` itself
_SMALL = 4096  # numbers; from here on float16


def names():
    """Returns the sorted names of the nets that are there."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def unknown(name):
    """Returns what to say of a name that is neither shipped weights nor a run."""
    near = difflib.get_close_matches(str(name), names(), 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    known = ", ".join(names()) or "none in this version"
    return (
        f"{name} is neither the directory of a run nor the name of weights that come with dtn_tf"
        f" ({known}).{meant} To train a run: {cli.command('train_main.py', domain='svhn')}"
    )


def require(name):
    """Refuses what is neither a name nor a directory; TensorFlow is not loaded for it.

    Raises:
        UserError: Says which names there are.
    """
    if str(name) not in names() and not pathlib.Path(name).is_dir():
        raise UserError(unknown(name))


def save(dtn, name, about, folder=None):
    """Writes the weights of a translation, and what is known of them.

    Args:
        dtn: `DTN` that computes in float32, see `serving.in_float32`.
        name: What it will be loaded by.
        about: JSON-able dict: "channels" of source images and "fit" at least; facts for people.
        folder: Where to; None is the package's own.

    Returns:
        `pathlib.Path` of the .npz file.

    Raises:
        UserError: If a weight is not finite, or beyond float16.
    """
    import keras  # not above: a wrong name is found without it

    folder = pathlib.Path(folder or FOLDER)
    arrays = {key: _halved(key, v.numpy()) for key, v in _variables(dtn).items()}
    path = folder / f"{name}.npz"
    files.save(path, lambda temporary: np.savez_compressed(temporary, **arrays))
    known = {
        "schema": SCHEMA,
        "weights": files.hash_of(path),
        "class": keras.saving.get_registered_name(type(dtn)),
        "config": dtn.get_config(),
    }
    files.save_json(folder / f"{name}.json", json.loads(json.dumps({**about, **known})))
    return path


def about(name):
    """Returns what is known of shipped weights, a dict.

    Raises:
        UserError: If the file is damaged, or of another version.
    """
    path = FOLDER / f"{name}.json"
    content = files.read_json(path, "the description of weights")
    missing = {"weights", "class", "config", "channels", "fit"} - content.keys()
    if missing or content.get("schema") != SCHEMA:
        raise UserError(
            f"{path} is not the description of weights that this version reads. Install dtn_tf"
            " again."
        )
    return content


def load(name):
    """Returns the net of shipped weights.

    Args:
        name: One of `names()`.

    Returns:
        `DTN` that translates, in float32, its D untrained; and the dict of `about`.

    Raises:
        UserError: If a file is missing or damaged.
    """
    import keras

    known, path = about(name), FOLDER / f"{name}.npz"
    if not path.exists() or files.hash_of(path) != known["weights"]:
        raise UserError(
            f"{path} is missing or damaged: its hash is not {known['weights']}, which"
            f" {name}.json says. Install dtn_tf again."
        )
    dtn = keras.saving.get_registered_object(known["class"]).from_config(known["config"])
    with np.load(path, allow_pickle=False) as stored:
        for key, variable in _variables(dtn).items():
            variable.assign(stored[key].astype(variable.dtype))
    dtn.g.set_weights(dtn.g_ema.get_weights())
    return dtn, known


def origin(about):
    """Says in a sentence or two what shipped weights are, from the dict of `about`."""
    titles = " and ".join(about.get("data", ())) or "unnamed images"
    accuracy = f", {about['accuracy']:.2%} of {about['n']:,} read right" if "n" in about else ""
    by = f"commit {about.get('commit')} of dtn_tf"
    return f"Trained on {titles} by {by}{accuracy}. {about.get('licence', '')}".strip()


def _variables(dtn):
    """What a translation reads, by its name in the file."""
    nets = {part: net for part in _PARTS if (net := getattr(dtn, part, None)) is not None}
    found = {f"{part}/{k}": v for part, net in nets.items() for k, v in enumerate(net.weights)}
    return found | {name: getattr(dtn, name) for name in _OWN if hasattr(dtn, name)}


def _halved(key, value):
    if not np.issubdtype(value.dtype, np.floating):
        return value
    with np.errstate(over="ignore"):  # it is refused below
        small = value.astype(np.float32 if value.size < _SMALL else np.float16)
    if not np.isfinite(small).all():
        raise UserError(f"The weights {key} are not finite, or beyond the range of float16.")
    return small
