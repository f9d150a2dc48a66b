"""Small DTNs that paint more than gray: what an export or a file of weights is tested with.

Each is made once per process: nobody changes its weights.
"""

import dataclasses
import functools

import numpy as np

from dtn_tf import build, config, images, serving
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.nets import sizes
from dtn_tf.nets.content import Classifier, ContentEncoder
from tests import testing

TERMS = serving.Contract("tiny", "0123456789abcdef", 3, "crop", "Trained on blobs by nobody.")


def row(preset="dtn"):
    """Returns the DTN of a preset, of few filters, that was trained for a step."""
    return _with_terms(_row(preset))


def folders():
    """Returns a DTN of two folders: RGB at 64 pixels, matched codes of views, g that upsamples."""
    return _with_terms(_folders())


@functools.cache
def _row(preset):
    content = make.content_of(Classifier(testing.tiny_nets()[0]))
    settings = config.make(preset, **_SMALL, precision="float32", ema=0.0)
    return paint(build.build(settings, domains.TASKS["svhn"], content))


@functools.cache
def _folders():
    folders = {"domain": "folders", "source_dir": "a", "target_dir": "b", "size": 64}
    nets = {name: sizes.at_size(_SMALL[name], 64, name[0]) for name in _SMALL}
    settings = config.make(
        "dtn_folders", **folders, **nets, tta="mean", precision="float32", ema=0.0
    )
    of_s, of_t = (domains.Domain(name, name, 64, 3) for name in ("source", "target"))
    task = domains.Task("folders", source=of_s, target=of_t, content=of_s)
    f = ContentEncoder(nets["f_channels"], size=64)
    draw = np.random.default_rng(0)
    scale, shift = (draw.uniform(low, 2.0, f.features).astype(np.float32) for low in (0.5, -2.0))
    matching = {"scale": scale, "shift": shift, "test_matching": (1.5 * scale, shift)}
    return paint(build.build(settings, task, make.content_of(f), matching))


def _with_terms(dtn):
    dtn.contract = TERMS
    return dtn


def paint(dtn):
    """Gives a DTN's translations contrast; returns it."""
    decoder, side = getattr(dtn.g, "decoder", dtn.g), dtn.g.size
    decoder.deconvs[-1].kernel.assign(50.0 * decoder.deconvs[-1].kernel)
    for norm in [*decoder.norms, *getattr(getattr(dtn.g, "encoder", None), "norms", ())]:
        norm.momentum = 0.0  # statistics fit after one step
    x_s, x_t = pixels(8, 3, 0, side), pixels(8, decoder.image_channels, 1, side)
    with testing.eagerly():
        dtn.train_step((images.to_model(x_s), images.to_model(x_t)))
    return dtn


def pixels(n, channels, seed, side=32):
    """Returns uint8 `(n, side, side, channels)`, blobs."""
    return images.resize(testing.pixels(n, channels, seed), side)


_SMALL = {
    "f_channels": testing.F_CHANNELS,
    "g_channels": testing.G_CHANNELS,
    "d_channels": testing.D_CHANNELS,
}


def levels_apart(a, b):
    """Returns by how many gray levels two uint8 arrays differ at most."""
    return int(np.abs(a.astype(int) - np.asarray(b).astype(int)).max())


def with_channels(dtn, channels):
    """Returns the DTN with a contract of so many channels."""
    dtn.contract = dataclasses.replace(TERMS, channels=channels)
    return dtn
