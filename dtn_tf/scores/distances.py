"""How near translations are to the target and how true to their source, without a label.

Every distance stands beside a floor, what real images have among each other, and every share
beside chance: without them the numbers mean nothing.
"""

import numpy as np
import tensorflow as tf

from dtn_tf import images, losses, serving
from dtn_tf.data import sets as sets_lib
from dtn_tf.errors import UserError
from dtn_tf.scores import measures

RECIPE = 1  # raise it when the same images have other distances: they are then measured anew
AT_MOST = 5000  # images of a kind: as many give KID and Fréchet distance three digits
_MINIMUM = 4  # real images: two halves of two
_SUBSETS, _SUBSET_SIZE = 100, 1000  # of KID, the authors'
_KIDS = {
    "kid": "G(x)",
    "kid_floor": "other half",
    "kid_original": "x",
    "kid_reconstructed": "G(other half)",
    "kid_nearest": "nearest",
}


def measure(dtn, sets, split, independent, gx=None, nearest=None):
    """Measures the translations of any pair of domains.

    "n" images of each kind are compared, as many translations as real images in each of two
    halves of the target's images of the split, so that all numbers and their floors have the
    bias of equally many images. They are the first ones, 5,000 at most.

    Args:
        dtn: A trained `DTN`.
        sets: `Sets` of the run. Its `test` or `validation` is translated, and compared with what
            `real` gives for the split.
        split: "test" or "validation", of the source.
        independent: `independent.Net`, which f is not.
        gx: uint8 array, the translations of the first 5,000 images of the split, or of more
            of them, where they are known already.
        nearest: uint8 array, of each of the first images the real target image that is nearest
            under f; None to leave it out.

    Returns:
        Dict of plain numbers and dicts, for JSON:

        - "recipe": `RECIPE`.
        - "n": images on each side of a distance.
        - "independent": "name" and "hash" of the independent net.
        - "under_independent", "under_f": distances of features of these nets, each a dict of
            "frechet", "frechet_floor": Fréchet distance of G(x) to real images, and of real
            to real ones, in squared units of the features; None where n is not above the
            number of features.
            "kid", "kid_floor", "kid_original": Kernel Inception Distance to real images of
            G(x), of other real images, and of x itself, untranslated. The features are
            first divided by the root mean square that they have on real images: the scale
            of a net's features is an accident, and the kernel is not blind to it.
            "kid_reconstructed": of G(x), x the other real images: what g's painting alone costs.
            "kid_nearest", where it is asked for: of `nearest`. They are real, and yet a set of
            their own, as whom the source shows is no random choice of whom the target does.
            "kid_deviation", "kid_floor_deviation", and so on: standard deviations over the random
            subsets.
        - "constancy": how often x is the nearest of all translated images to G(x) under f,
            see `measures.constancy`.
        - "reconstruction": of G(x), x in the target's images of the split: "error", mean absolute
            difference of stored pixels in grey levels, 0 to 255; "l_tid", the loss L_TID in
            the run's own distance; "n" images.

    Raises:
        UserError: If there are fewer than four such target images or two source images.
    """
    shown = sets_lib.of_split(sets, split)
    real = sets.real(split)
    require_enough(shown, real)
    x, real = shown.pixels[:AT_MOST], real.head(min(len(real), 2 * AT_MOST))
    if gx is None:
        gx = serving.translate(dtn, x, label=f"G translates {shown.title}")
    gx = gx[:AT_MOST]
    n = measures.compared(x, real)
    halves = [half[:n] for half in measures.halves(real)]
    compared = {"G(x)": gx[:n], "half": halves[0], "other half": halves[1], "x": x[:n]}
    compared["G(other half)"] = serving.apply(
        lambda v: images.to_uint8(dtn.reconstruct(v)), halves[1], label="G reconstructs real ones"
    )
    if nearest is not None:
        compared["nearest"] = nearest[:n]
    return {
        "recipe": RECIPE,
        "n": n,
        "independent": independent.facts(),
        "under_independent": _distances(independent.net, "the independent net", compared),
        "under_f": _distances(dtn.f, "f", compared),
        "constancy": _constancy(dtn, x, gx, shown.title),
        "reconstruction": _reconstruction(dtn, real),
    }


def _distances(net, name, compared):
    """Distances under a net; `compared` are pixels of each kind, equally many."""
    features = {
        kind: serving.apply(net, pixels, label=f"{name} reads {kind}")
        for kind, pixels in compared.items()
    }
    half = features["half"]
    found = {
        "frechet": measures.frechet_distance(features["G(x)"], half),
        "frechet_floor": measures.frechet_distance(features["other half"], half),
    }
    scale = np.sqrt(np.mean(np.square(half, dtype=np.float64))) or 1.0
    for key, kind in _KIDS.items():
        if kind not in features:
            continue
        part = features[kind] / scale
        # Half of a small set: subsets that are the whole set would not differ.
        size = min(_SUBSET_SIZE, max(min(len(part), len(half)) // 2, 2))
        found[key], found[f"{key}_deviation"] = measures.kid(part, half / scale, _SUBSETS, size)
    return found


def _constancy(dtn, x, gx, title):
    fx = serving.apply(lambda v: content(dtn, v), x, label=f"f reads {title}")
    fgx = serving.apply(lambda v: dtn.f(v, training=False), gx, label="f reads G(x)")
    return measures.constancy(fx, fgx)


def content(dtn, x):
    """f(x) as a translation reads it; where none is read, f(x) as L_CONST takes it."""
    fx = dtn.content(x) if hasattr(dtn, "content") else None
    return dtn.f(x, training=False) if fx is None else fx


def _reconstruction(dtn, real):
    """How far G(x) is from x, x in the target."""

    def compare(x):
        gx = dtn.reconstruct(x)
        levels = [tf.cast(images.to_uint8(v), tf.float32) for v in (x, gx)]
        error = tf.reduce_mean(tf.abs(levels[0] - levels[1]), axis=(1, 2, 3))
        l_tid = losses.l_tid(x, gx, dtn.image_distance)
        return tf.stack([error, tf.fill(tf.shape(error), l_tid)], axis=1)

    pixels = real.pixels[:AT_MOST]
    of_each = serving.apply(compare, pixels, label=f"G reconstructs {real.title}")
    error, l_tid = np.mean(of_each, axis=0, dtype=np.float64)
    return {"error": float(error), "l_tid": float(l_tid), "n": len(pixels)}


def require_enough(shown, real):
    """Refuses fewer than four images of the target or two of the source; see `measure`."""
    if len(real) < _MINIMUM or len(shown) < _MINIMUM // 2:
        raise UserError(
            f"{shown.title} has {len(shown)} images and {real.title} {len(real)}: distances"
            f" need {_MINIMUM // 2} of the source and {_MINIMUM} of the target. Add images."
        )
