"""f that the user brings: a Keras file, or a net of Keras Applications; not trained here."""

import http.client
import os
import pathlib
import re
import urllib.error

import keras
import tensorflow as tf

from dtn_tf import classify, files
from dtn_tf.content import contract
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier, ContentEncoder

SCALES = tuple(contract.SCALES)  # of the pixels that a given net reads

_APP_SIDE = 96  # pixels: at 32 pixels a net that halves five times would see one place
_PAGE = "https://keras.io/api/applications/"
_NO_DOWNLOAD = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)
# NASNet's files have other names in Keras' folder than on their page, so that we could not say
# where to put them.
_LEFT_OUT = ("NASNet",)


@keras.saving.register_keras_serializable("dtn_tf")
class GivenEncoder(keras.Model):
    """f around a net made elsewhere: it brings images to what the net reads.

    Resized (bilinear, antialiased when it shrinks), turned gray or RGB, scaled; a map that
    comes out is averaged over its places. Gradients flow to x. The net is frozen: it is always
    called with `training=False`, and has no trainable variables. It is saved with f.

    Args:
        net: Keras model of one input and one output.
        size: Side of the images that f takes, in pixels.
        reads: (height, width, channels) that the net reads.
        features: Length of f(x).
        scale: One of `SCALES`, or "app:NAME" for that application's own preprocessing.
        title: Says which net it is.

    Input shape: `(batch, size, size, 1 or 3)`, float, in [-1, 1].
    Output shape: `(batch, features)`, float32 under every policy.
    """

    def __init__(self, net, size, reads, features, scale="-1,1", title="given", **kwargs):
        kwargs = {k: v for k, v in kwargs.items() if k != "trainable"}
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.net = net
        self.net.trainable = False
        self.size, self.reads, self.features = size, tuple(reads), features
        self.scale, self.title = scale, title
        self.built = True

    @property
    def trainable(self):
        """False, whatever it is set to."""
        return False

    @trainable.setter
    def trainable(self, value):
        pass

    @property
    def image_channels(self):
        """1 or 3, what the net reads."""
        return self.reads[-1]

    @property
    def net_hash(self):
        """A short name for the net: its weights, and what is done with them."""
        return files.fingerprint(classify.weights_hash(self), contract.architecture(self.net))

    @property
    def hash(self):
        """A short name for what it makes of images: the net, and the pixels that it reads."""
        return files.fingerprint(self.net_hash, list(self.reads), self.scale)

    def call(self, x, training=False):
        """Returns f(x); `training` changes nothing."""
        y = contract.run(self.net, x, self.reads, self.scale)
        y = tf.cast(y, tf.float32)
        y = tf.reduce_mean(y, axis=(1, 2)) if y.shape.rank == 4 else y
        return tf.ensure_shape(y, (None, self.features))

    def describe(self):
        """Returns a line: which net, what it reads, how many features it gives."""
        height, width, channels = self.reads
        colour = "gray" if channels == 1 else "RGB"
        own = self.scale.startswith(contract.APP)
        scale = "scaled by its own preprocess_input" if own else f"in [{self.scale}]"
        return f"{self.title}: reads {height} x {width} {colour} {scale}, {self.features} features"

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "net": keras.saving.serialize_keras_object(self.net),
            "size": self.size,
            "reads": self.reads,
            "features": self.features,
            "scale": self.scale,
            "title": self.title,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the net that `get_config` described."""
        return cls(**{**config, "net": keras.saving.deserialize_keras_object(config["net"])})


def from_file(path, size, channels, scale="-1,1"):
    """Makes f of a `.keras` file: any net of one image input and one output.

    Of a classifier of this project its encoder is taken.

    Args:
        path: The file.
        size: Side of the images that f will take, in pixels.
        channels: 1 or 3: what the net is given if its own input leaves the channels open.
        scale: One of `SCALES`: the range of the pixels that the net was trained on.

    Returns:
        `GivenEncoder`.

    Raises:
        UserError: If the file cannot be read, or the net cannot serve as f: what it reads is no
            image, what it gives is not one vector or map for each, says nothing of the image,
            is not finite, or has no gradient.
    """
    if scale not in SCALES:
        raise UserError(f"content_scale={scale!r}; expected one of {', '.join(SCALES)}.")
    path = pathlib.Path(path)
    net = _loaded(path)
    net = net.encoder if isinstance(net, Classifier) else net
    if not isinstance(net, ContentEncoder | GivenEncoder):
        reads = contract.reads(net, path, size, channels)
    elif scale == "-1,1":
        reads = (net.size, net.size, net.image_channels)
    else:
        raise UserError(f"{path} is an f of dtn_tf, which reads -1,1; got content_scale={scale}.")
    return _made(net, size, reads, scale, path.name, channels)


def from_app(name, size, _make=None):
    """Makes f of a net of Keras Applications, without its top, averaged over its last map.

    It reads images of 96 x 96 pixels, or of `size` if that is more. Keras downloads its ImageNet
    weights, once.

    Args:
        name: As Keras has it, e.g. "MobileNetV2".
        size: Side of the images that f will take, in pixels.
        _make: For tests: what makes the net in place of Keras.

    Returns:
        `GivenEncoder`.

    Raises:
        UserError: If there is no such net, or its weights are not there and cannot be had.
    """
    if name not in apps():
        raise UserError(f"{contract.APP}{name} is unknown; expected one of {', '.join(apps())}.")
    side = max(size, _APP_SIDE)
    make = _make or getattr(keras.applications, name)
    settings = {"include_top": False, "weights": "imagenet", "pooling": "avg"}
    try:
        net = make(**settings, input_shape=(side, side, 3))
    except Exception as error:
        _explain_weights(name, error)
        raise
    return _made(net, size, (side, side, 3), contract.APP + name, f"{name} (ImageNet)", 3)


def _made(net, size, reads, scale, title, channels):
    features = contract.features(net, title, size, reads, scale, channels)
    f = GivenEncoder(net, size, reads, features, scale, title)
    contract.check(f, title, channels)
    return f


def apps():
    """Returns the names that `from_app` knows, sorted."""
    found = (n for n, of in vars(keras.applications).items() if n[0].isupper() and callable(of))
    return sorted(name for name in found if not name.startswith(_LEFT_OUT))


def _explain_weights(name, error):
    """Raises a `UserError` if it is the weights that could not be had or read."""
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    folder, of = pathlib.Path(home) / "models", f"The weights of {contract.APP}{name}"
    instead = "Or take --content=unlabelled, which needs no file."
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, _NO_DOWNLOAD) or "URL fetch failure" in said:
        address = next((word for word in said.split() if word.startswith("https://")), "")
        address = address.rstrip(":")
        file = address.rpartition("/")[-1] or "its file of ImageNet weights without top"
        raise UserError(
            f"{of} are not on this machine and cannot be downloaded: {said}. Where there is a"
            f" network, get {file} from {address or _PAGE} (Keras Applications, {_PAGE}) and put"
            f" it into {folder}. {instead}"
        ) from error
    if isinstance(error, OSError) or "Incomplete or corrupted" in said:
        raise UserError(
            f"{of} in {folder} cannot be used: {said}. A download that was cut off leaves a part"
            f" of the file. Delete it there and start again. {instead}"
        ) from error


def _loaded(path):
    """Returns the model of a file, or says why there is none."""
    if path.suffix != ".keras" or not path.is_file():
        raise UserError(
            f"--content={path}: expected a .keras file that is there. Keras writes one with"
            " model.save('NAME.keras')."
        )
    try:
        files.check_archive(path)
    except UserError as error:
        raise UserError(f"{path} is damaged. Copy it again, or save the net anew.") from error
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many types on what it cannot make
        raise UserError(f"{path} cannot be loaded. {_why_not_loaded(error)}") from error


def _why_not_loaded(error):
    said = str(error)
    unknown = re.search(r"Could not locate (\w+ '\w+')", said)
    if unknown:
        return (
            f"Keras does not know its {unknown[1]}. Register it with"
            " @keras.saving.register_keras_serializable() in a module that is imported before,"
            " or save a net of Keras' own layers."
        )
    if "safe_mode" in said:
        return (
            "It has Python code in it, as a Lambda layer has, and code out of a file is not run."
            " Put a registered layer in its place and save the net anew."
        )
    innermost = said.rpartition("Exception encountered: ")[-1].splitlines()
    return f"Keras says: {innermost[0][:300] if innermost else type(error).__name__}"
