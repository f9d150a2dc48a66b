"""A trained DTN for other programs: load it, translate with it, export it."""

import concurrent.futures
import dataclasses
import os
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from dtn_tf import environment, files, images, runs, weights
from dtn_tf.data import decode, domains
from dtn_tf.errors import UserError

_TELL_EVERY = 10.0  # seconds between progress lines
_DTYPES = (tf.uint8, tf.uint16, tf.float32)  # that an export takes, see `images.to_stored`


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a loaded DTN takes, and where its weights are from.

    Attributes:
        name: Of shipped weights, or of the run's directory.
        weights: Hash of the file of its weights.
        channels: Of source images, 1 or 3.
        fit: How training made squares of images: "crop" or "pad", see `data.decode`.
        origin: A sentence: what it was trained on, by which commit.
    """

    name: str = "a DTN"
    weights: str = ""
    channels: int = 3
    fit: str = "crop"
    origin: str = "A DTN of this process."


def load(name):
    """Returns a trained `DTN`, its `Contract` in the attribute `contract`.

    Args:
        name: Of weights that come with the package, see `dtn_tf.weights`; else the directory
            of a finished run. A directory of such a name: `./svhn`. By name D is untrained,
            for a translation does not read it.

    Raises:
        UserError: If there is no trained DTN, or its file is damaged.
    """
    environment.check_keras()
    from dtn_tf import build  # noqa: F401 - its imports are the classes that a file names
    from dtn_tf.content import face  # noqa: F401 - and those of an f that was brought

    if str(name) in weights.names():
        dtn, about = weights.load(str(name))
        dtn.contract = Contract(
            str(name), about["weights"], about["channels"], about["fit"], weights.origin(about)
        )
        return dtn
    weights.require(name)
    workdir = pathlib.Path(name)
    path = workdir / "dtn.keras"
    if not path.exists():
        raise UserError(f"{path} does not exist: the run is not finished, or there is none.")
    files.check_archive(path)
    dtn = keras.models.load_model(path)
    dtn.contract = _contract_of_run(workdir, files.hash_of(path))
    return dtn


def contract(dtn):
    """Returns the `Contract` of a DTN; of one that was not loaded, the usual one."""
    return getattr(dtn, "contract", Contract())


def translate(dtn, pictures, batch_size=500, label=None, fit=None):
    """Translates images of the source domain.

    Args:
        dtn: A trained `DTN`.
        pictures: Array or tensor `(n, size, size, 1 or 3)`: uint8, uint16, or float in [0, 1];
            gray and RGB are turned into each other as f needs. Or a path, a `PIL.Image.Image`,
            or a list of these, of any sizes: `data.decode` makes them square.
        batch_size: Images at a time.
        label: Name of the progress line; None for no line.
        fit: "crop" or "pad", of paths and PIL images; None is as it was trained.

    Returns:
        uint8 array `(n, size, size, channels of the target)`.

    Raises:
        UserError: If dtype, range or shape is another one, see `images.to_stored`; if a file
            cannot be read.
    """
    x, side = images.to_stored(_pixels(dtn, pictures, fit)), dtn.g.size
    if x.shape[1:3] != (side, side):
        raise UserError(
            f"Got images of {x.shape[1]} x {x.shape[2]} pixels; expected {side} x {side}."
            " Resize them first, see dtn_tf.images.resize, or pass paths or PIL images."
        )
    return apply(_translation(dtn), x, batch_size, label)


def translator(dtn):
    """Returns a function of uint8 arrays as `translate` takes them, compiled for many calls."""
    run = _compiled(_translation(dtn))
    return lambda pixels: run(pixels).numpy()


def _pixels(dtn, pictures, fit):
    """Returns the array that was given, or that of the paths or PIL images that were given."""
    items = list(pictures) if isinstance(pictures, list | tuple) else [pictures]
    kinds = [isinstance(item, str | os.PathLike | Image.Image) for item in items]
    if not any(kinds):
        return pictures
    if not all(kinds):
        raise UserError("Got a list of paths or PIL images with something else in it.")
    terms = contract(dtn)
    shape = (dtn.g.size, terms.channels, fit or terms.fit)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda item: _square(item, *shape), items)))


def _square(item, *shape):
    if isinstance(item, Image.Image):
        return decode.fit(item, *shape)
    return decode.read(item, *shape)


def _contract_of_run(workdir, weights_hash):
    """What is known of a run; of a directory without config.json, little."""
    if not (workdir / "config.json").exists():
        return Contract(workdir.name, weights_hash, origin=f"The run {workdir.name}.")
    content = runs.read(workdir).content
    config = content["config"]
    task = domains.TASKS.get(config["domain"])
    channels = task.source.channels if task else content["data"].get("channels", 3)
    titles = " and ".join(content["data"][name]["title"] for name in ("s", "t"))
    origin = f"Trained on {titles} by commit {content['starts'][-1]['commit']} of dtn_tf."
    return Contract(workdir.name, weights_hash, channels, config.get("fit", "crop"), origin)


def apply(function, pixels, batch_size=500, label=None):
    """Applies a net to stored pixels batch by batch, remainder included.

    Args:
        function: Of float32 images in [-1, 1], `(batch, height, width, channels)`.
        pixels: uint8 array `(n, height, width, channels)`.
        batch_size: Images at a time.
        label: Name of the progress line, which comes every ten seconds; None for no line.

    Returns:
        NumPy array of what the function gives for all of them.

    Raises:
        UserError: If there is no image, or `batch_size` is not positive.
    """
    if batch_size < 1:
        raise UserError(f"batch_size={batch_size}; expected 1 or more images at a time.")
    parts = [part for _, part in results(function, pixels, batch_size, label)]
    if not parts:
        raise UserError("There is no image to work on; expected at least one.")
    return np.concatenate(parts)


def results(function, pixels, batch_size=500, label=None, start=0):
    """Applies a net as `apply` does, and yields what it gives as it comes.

    Args:
        function: As in `apply`, like the other arguments.
        pixels: The same.
        batch_size: The same.
        label: The same.
        start: First image.

    Yields:
        Index of the first image of a batch, and NumPy array of what the function gives for it.
    """
    compiled = _compiled(function)
    begun = told = time.monotonic()
    for k in range(start, len(pixels), batch_size):
        yield k, compiled(pixels[k : k + batch_size]).numpy()
        now, done = time.monotonic(), min(k + batch_size, len(pixels))
        if label and now - told > _TELL_EVERY and done < len(pixels):
            told, left = now, int((now - begun) / (done - start) * (len(pixels) - done))
            eta = f"ETA {left // 60}:{left % 60:02d}"
            print(f"{label}: {done:,} of {len(pixels):,}  {eta}", flush=True)


def export(dtn, directory, channels):
    """Writes a SavedModel that needs TensorFlow alone, none of this project's code.

        exported = tf.saved_model.load(directory)  # keep it: it owns the weights
        digits = exported.translate(house_numbers)  # uint8 out

    It takes what `translate` takes, uint8, uint16 or float32 in [0, 1], and refuses the rest:
    another dtype finds no signature, another range fails an assertion. The signature
    "serving_default" takes float32 in [0, 1]: TensorFlow casts to what a signature takes without
    a word, and cast to uint8 a picture in [0, 1] would be black. Always float32 inside: a copy
    of what translates, whatever it was trained in.

    Args:
        dtn: A trained `DTN`.
        directory: Where the SavedModel goes; one that is there is replaced.
        channels: Channels of source images, 1 or 3.
    """
    module = tf.Module()
    module.dtn = in_float32(dtn)
    run, spec = _translation(module.dtn), input_spec(dtn, channels)
    plain = {"autograph": False}  # a faster start: no tensor decides what is done
    translate_stored = tf.function(lambda x: run(images.to_model(x)), [spec], **plain)
    module.translate = tf.function(lambda x: translate_stored(_stored(x)), **plain)
    traced = [
        module.translate.get_concrete_function(tf.TensorSpec(spec.shape, dtype, "images"))
        for dtype in _DTYPES
    ]
    # What a translation reads, whichever nets that are: not D, not the training step.
    module.read = traced[0].variables
    del module.dtn
    with files.replaced_folder(directory) as temporary:
        tf.saved_model.save(module, str(temporary), signatures=traced[-1])


def input_spec(dtn, channels):
    """Returns what an export takes: uint8 images, any number of them."""
    side = dtn.g.size
    return tf.TensorSpec((None, side, side, channels), tf.uint8, "images")


def in_float32(dtn):
    """Returns a copy of a DTN that computes in float32, with its weights."""
    copy = type(dtn).from_config(_with_dtype(dtn.get_config(), "float32"))
    copy.set_weights(dtn.get_weights())
    return copy


def _compiled(function):
    return tf.function(
        lambda batch: function(images.to_model(batch)), reduce_retracing=True, autograph=False
    )


def _translation(dtn):
    return lambda x: images.to_uint8(dtn(x))


def _stored(x):
    """`images.to_stored` inside TensorFlow, for an export."""
    if x.dtype == tf.uint8:
        return x
    if x.dtype == tf.uint16:
        return tf.cast(tf.round(tf.cast(x, tf.float32) / 257.0), tf.uint8)
    inside = tf.reduce_all((x >= 0.0) & (x <= 1.0))
    check = tf.debugging.Assert(
        inside, ["translate got floats outside of [0, 1]; from [-1, 1] pass (x + 1) / 2"]
    )
    with tf.control_dependencies([check]):
        return tf.cast(tf.round(x * 255.0), tf.uint8)


def _with_dtype(config, dtype):
    """A serialized net with every dtype policy in it replaced."""
    if isinstance(config, dict):
        if config.get("class_name") in ("DTypePolicy", "Policy"):
            return dtype
        return {k: dtype if k == "dtype" else _with_dtype(v, dtype) for k, v in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_with_dtype(v, dtype) for v in config)
    return config
