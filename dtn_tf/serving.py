"""A trained DTN for other programs: load it, translate with it, export it."""

import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import environment, files, images
from dtn_tf.errors import UserError

_TELL_EVERY = 10.0  # seconds between progress lines
_SIZE = 32  # pixels, a side
_DTYPES = (tf.uint8, tf.uint16, tf.float32)  # that an export takes, see `images.to_stored`


def load(workdir):
    """Returns the trained `DTN` of a finished run.

    Args:
        workdir: Its directory.

    Raises:
        UserError: If there is no trained DTN, or its file is damaged.
    """
    environment.check_keras()
    path = pathlib.Path(workdir) / "dtn.keras"
    if not path.exists():
        raise UserError(f"{path} does not exist: the run is not finished, or there is none.")
    files.check_archive(path)
    from dtn_tf import build  # noqa: F401 - its imports are the classes that a file names

    return keras.models.load_model(path)


def translate(dtn, pictures, batch_size=500, label=None):
    """Translates images of the source domain.

    Args:
        dtn: A trained `DTN`.
        pictures: array or tensor `(n, 32, 32, 1 or 3)`: uint8, uint16, or float in [0, 1].
            Gray and RGB are turned into each other as f needs.
        batch_size: Images at a time.
        label: Name of the progress line; None for no line.

    Returns:
        uint8 array `(n, 32, 32, channels of the target)`.

    Raises:
        UserError: If dtype, range or shape is another one, see `images.to_stored`.
    """
    x = images.to_stored(pictures)
    if x.shape[1:3] != (_SIZE, _SIZE):
        raise UserError(
            f"Got images of {x.shape[1]} x {x.shape[2]} pixels; expected {_SIZE} x {_SIZE}."
            " Resize them first, see dtn_tf.images.resize."
        )
    return apply(_translation(dtn), x, batch_size, label)


def apply(function, pixels, batch_size=500, label=None):
    """Applies a net to stored pixels batch by batch, remainder included.

    Args:
        function: Of float32 images in [-1, 1], `(batch, height, width, channels)`.
        pixels: uint8 array `(n, height, width, channels)`.
        batch_size: Images at a time.
        label: Name of the progress line, which comes every ten seconds; None for no line.

    Returns:
        NumPy array of what the function gives for all of them.
    """
    compiled = tf.function(lambda batch: function(images.to_model(batch)), reduce_retracing=True)
    parts, begun, told = [], time.monotonic(), time.monotonic()
    for k in range(0, len(pixels), batch_size):
        parts.append(compiled(pixels[k : k + batch_size]).numpy())
        now, done = time.monotonic(), min(k + batch_size, len(pixels))
        if label and now - told > _TELL_EVERY and done < len(pixels):
            told, left = now, int((now - begun) / done * (len(pixels) - done))
            eta = f"ETA {left // 60}:{left % 60:02d}"
            print(f"{label}: {done:,} of {len(pixels):,}  {eta}", flush=True)
    if not parts:
        raise UserError("There is no image to work on; expected at least one.")
    return np.concatenate(parts)


def export(dtn, directory, channels):
    """Writes a SavedModel that needs TensorFlow alone, none of this project's code.

        exported = tf.saved_model.load(directory)  # keep it: it owns the weights
        digits = exported.translate(house_numbers)  # uint8 out

    It takes what `translate` takes, uint8, uint16 or float32 in [0, 1], and refuses the rest:
    another dtype finds no signature, another range fails an assertion. Always float32: a
    copy of what translates, whatever it was trained in.

    Args:
        dtn: A trained `DTN`.
        directory: Where the SavedModel goes; one that is there is replaced.
        channels: Channels of source images, 1 or 3.
    """
    module = tf.Module()
    module.dtn = in_float32(dtn)
    run = _translation(module.dtn)
    module.translate = tf.function(lambda x: run(images.to_model(_stored(x))))
    traced = [
        module.translate.get_concrete_function(
            tf.TensorSpec((None, 32, 32, channels), dtype, name="images")
        )
        for dtype in _DTYPES
    ]
    # What a translation reads, whichever nets that are: not D, not the training step.
    module.read = traced[0].variables
    del module.dtn
    with files.replaced_folder(directory) as temporary:
        tf.saved_model.save(module, str(temporary), signatures=traced[0])


def in_float32(dtn):
    """Returns a copy of a DTN that computes in float32, with its weights."""
    copy = type(dtn).from_config(_with_dtype(dtn.get_config(), "float32"))
    copy.set_weights(dtn.get_weights())
    return copy


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
