"""What a net made elsewhere reads and gives, found from the net and tried on a few images."""

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import images, paths
from dtn_tf.errors import UserError

SCALES = {"-1,1": (-1.0, 1.0), "0,1": (0.0, 1.0), "0,255": (0.0, 255.0)}  # lowest, highest pixel
APP = paths.APP  # its scale is its own

_FEWEST_LEVELS = 0.1  # pixels must span more than that after a net's own rescaling
_PROBES = 4
_NAMES = ("name", "keras_history", "input_layers", "output_layers")  # where layers are named


def reads(net, name, size, channels):
    """Returns what a net reads: (height, width, channels); what it leaves open is the task's.

    Args:
        net: Keras model.
        name: Of the net, for messages.
        size: Side of the task's images.
        channels: Of the task's images, 1 or 3.

    Raises:
        UserError: If it does not read one batch of images.
    """
    tensor_shape, dtype = _input(net, name)
    about = f"{name} reads {tensor_shape}; expected (None, height, width, 1 or 3), channels last"
    if len(tensor_shape) != 4 or tensor_shape[-1] not in (None, 1, 3):
        raise UserError(f"{about}.")
    if tensor_shape[0] is not None:
        raise UserError(f"{about}: any number of images. Save it without a batch size.")
    if not tf.as_dtype(dtype).is_floating:
        raise UserError(f"{name} reads {dtype}, which has no gradient; expected float images.")
    height, width, depth = tensor_shape[1:]
    return (height or size, width or size, depth or channels)


def _input(net, name):
    """Returns shape, with the batch, and dtype of a net's one input."""
    try:
        inputs = net.inputs
    except AttributeError:  # a class of its own
        found = (net.get_build_config() or {}).get("input_shape")
        if not isinstance(found, tuple | list) or isinstance(found[0], tuple | list):
            raise UserError(
                f"{name} does not say what it reads. Say it with Keras' own classes: x ="
                " keras.Input((HEIGHT, WIDTH, 3)); keras.Model(x, net(x)).save('NAME.keras')."
            ) from None
        return tuple(found), "float32"
    if len(inputs) != 1:
        raise UserError(f"{name} has {len(inputs)} inputs; expected one: images.")
    return tuple(inputs[0].shape), inputs[0].dtype


def architecture(net):
    """Returns what a net does with its weights, as JSON holds it; names of layers are left out.

    Keras numbers the names of layers in the order in which a process makes them: they would tell
    equal nets apart.
    """
    named = [layer for layer in net._flatten_layers() if hasattr(layer, "name")]
    numbers = {name: f"#{k}" for k, name in enumerate(dict.fromkeys(v.name for v in named))}
    return _numbered(keras.saving.serialize_keras_object(net), numbers)


def _numbered(part, numbers, is_name=False):
    """A part of a serialized net, its layers' names in the places of names exchanged."""
    if isinstance(part, dict):
        return {k: _numbered(v, numbers, is_name=k in _NAMES) for k, v in part.items()}
    if isinstance(part, list | tuple):
        return [_numbered(v, numbers, is_name) for v in part]
    return numbers.get(part, part) if is_name and isinstance(part, str) else part


def run(net, x, reads, scale):
    """Returns what a net gives for images, in inference.

    Args:
        net: Keras model.
        x: float tensor `(batch, height, width, 1 or 3)`, in [-1, 1].
        reads: (height, width, channels) that the net reads.
        scale: See `scaled`.

    Returns:
        Its output: a tensor, or a list where it gives several.
    """
    x = scaled(fitted(x, reads), scale)
    structure = x
    if hasattr(net, "inputs") and not isinstance(net, keras.Sequential):
        structure = net.input  # a net may want [x] or {"image": x}
    outputs = tf.nest.flatten(net(tf.nest.pack_sequence_as(structure, [x]), training=False))
    return outputs[0] if len(outputs) == 1 else outputs


def fitted(x, reads):
    """Brings images to a size and a number of channels, so that gradients flow.

    Bilinear, antialiased when it shrinks, as `images.resize`. Images of another ratio are
    stretched.

    Args:
        x: float tensor `(batch, height, width, 1 or 3)`.
        reads: (height, width, channels).

    Returns:
        float32 tensor `(batch, *reads)`.
    """
    if not x.dtype.is_floating:
        raise ValueError(f"f got {x.dtype.name} images; expected floats in [-1, 1].")
    x, side = tf.cast(x, tf.float32), reads[:2]
    if x.shape[1:3] != side:
        shrinks = any(new < old for new, old in zip(side, x.shape[1:3], strict=True))
        x = tf.image.resize(x, side, antialias=shrinks)
    return images.with_channels(x, reads[-1])


def scaled(x, scale):
    """Brings pixels from [-1, 1] to what a net was trained on.

    Args:
        x: float32 tensor, in [-1, 1].
        scale: One of `SCALES`, or "app:NAME": that application's own preprocess_input.
    """
    if scale.startswith(APP):
        make = getattr(keras.applications, scale.removeprefix(APP))
        home = getattr(keras.applications, make.__module__.rpartition(".")[-1])
        return home.preprocess_input((x + 1.0) * 127.5)
    low, high = SCALES[scale]
    return x if scale == "-1,1" else (x + 1.0) * (0.5 * (high - low)) + low


def features(net, name, size, reads, scale, channels):
    """Returns the length of f(x), found by a trial.

    Raises:
        UserError: If the net does not run on such images, or gives anything but one vector or
            map of numbers for each.
    """
    _check_rescaling(net, name, scale)
    x = probe(size, channels)
    try:
        y = run(net, x, reads, scale)
    except Exception as error:  # its own layers' words for images they cannot read
        said = str(error).splitlines()[0][:300]
        raise UserError(f"{name} fails on images of {reads}: {said}") from error
    if isinstance(y, list):
        raise UserError(f"{name} has {len(y)} outputs; expected one. Save a net of one of them.")
    if y.shape.rank not in (2, 4) or y.shape[0] != len(x) or not y.dtype.is_floating:
        raise UserError(
            f"{name} gives {y.dtype.name} {tuple(y.shape)} for {len(x)} images; expected floats"
            " (n, features), or a map (n, height, width, features)."
        )
    return int(y.shape[-1])


def check(f, name, channels):
    """Tries f on a few images.

    Raises:
        UserError: If f(x) is not finite, also of images of one colour, has no gradient, or is
            the same for all images, or another each time.
    """
    x = probe(f.size, channels)
    with tf.GradientTape() as tape:
        tape.watch(x)
        fx = f(x)
        total = tf.reduce_sum(fx)
    gradient = tape.gradient(total, x)
    if not np.isfinite(fx).all():
        raise UserError(f"{name} gives values that are not finite. Is its content_scale right?")
    flat = tf.constant((-1.0, 0.0, 1.0))[:, None, None, None] * tf.ones_like(x[:1])
    if not np.isfinite(f(flat)).all():  # NaN is near to nothing, and would count as found
        raise UserError(
            f"{name} gives values that are not finite for images of one colour, which G may paint."
            " Does it divide by an image's deviation? Add a small number to that."
        )
    if np.ptp(fx, axis=0).max() <= 1e-6 * np.abs(fx).max():
        raise UserError(
            f"{name} gives the same for all images, so it is no f. Is its content_scale right?"
        )
    if not np.allclose(f(x), fx, rtol=1e-3, atol=1e-3 * np.abs(fx).max()):
        raise UserError(
            f"{name} gives something else each time, even with training=False. Take its dropout"
            " or noise out and save it anew."
        )
    if gradient is None or not np.isfinite(gradient).all() or not np.any(gradient):
        raise UserError(f"{name} has no finite gradient for its images; L_CONST needs one.")


def probe(size, channels):
    """Returns a few images, no two alike: float32 `(4, size, size, channels)`, in [-1, 1]."""
    draw = np.random.default_rng(0)
    coarse, fine = (draw.uniform(size=(_PROBES, n, n, channels)) for n in (4, size))
    blocks = coarse.repeat(size // 4, axis=1).repeat(size // 4, axis=2)
    return tf.constant(2.0 * (0.75 * blocks + 0.25 * fine) - 1.0, tf.float32)


def _check_rescaling(net, name, scale):
    """A net that divides by 255 itself reads 0 to 255, and of less sees nothing."""
    first = [v for v in getattr(net, "layers", [])[:2] if isinstance(v, keras.layers.Rescaling)]
    if not first or scale.startswith(APP):
        return
    low, high = SCALES[scale]
    spanned = (high - low) * np.abs(np.max(first[0].scale))
    if spanned < _FEWEST_LEVELS:
        raise UserError(
            f"{name} multiplies pixels by {np.max(first[0].scale):g} itself; in [{scale}] nothing"
            " would be left of them. Set --content_scale=0,255."
        )
