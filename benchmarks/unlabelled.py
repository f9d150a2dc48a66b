"""What should teach f when there are no labels? Trains it in several ways and measures each.

    python -m benchmarks.unlabelled --dir=FOLDER --source=face --target=emoji

`FOLDER/face` and `FOLDER/emoji` hold images of any size; `train` and `test` in them are used
where present, else the last `--held_out` images by name are kept back. Prints a line of
Markdown for each setting, measured on images that f never saw:

- rank-1: how often a random view of an image finds another view of it among n, chance 1 / n;
- gap: the share of the codes' variance that lies between the means of the two domains;
- dimensions: in how many the codes vary.

"matched" is after `codes.match_features`, measured on training images.
"""

import pathlib
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from PIL import Image, ImageOps

from dtn_tf import environment, images
from dtn_tf.content import codes, unlabelled, views
from dtn_tf.nets.content import ContentEncoder

_DIR = flags.DEFINE_string("dir", None, "Folder with a folder of images for each domain.")
_SOURCE = flags.DEFINE_string("source", "face", "Name of the source's folder.")
_TARGET = flags.DEFINE_string("target", "emoji", "Name of the target's folder.")
_SIZE = flags.DEFINE_enum("size", "64", ("32", "64", "128"), "Side of the images f reads.")
_CHANNELS = flags.DEFINE_list("channels", None, "Filters of f's blocks; its own by default.")
_STEPS = flags.DEFINE_integer("steps", 600, "Batches, for each setting.", lower_bound=1)
_BATCH = flags.DEFINE_integer("batch_size", 64, "Images a batch, of each domain.", lower_bound=2)
_RATE = flags.DEFINE_float("learning_rate", 3e-3, "Peak of AdamW's.")
_HELD_OUT = flags.DEFINE_integer("held_out", 400, "Images of each domain to measure on.")
_ONLY = flags.DEFINE_list("only", None, "Settings to run; all by default.")
_MIRROR = flags.DEFINE_bool("mirror", True, "Whether a mirrored image shows the same.")
_SEED = flags.DEFINE_integer("seed", 0, "Of weights, batches and views.")

_SETTINGS = {
    "random": None,
    "joint": {"is_apart": False},
    "apart": {},
    "apart + gap 1": {"gap_weight": 1.0},
    "apart + gap 10": {"gap_weight": 10.0},
    "apart + authors' weights": {"weights": (25.0, 25.0, 2.0)},
    "apart + strong views": {"views": {"crop": 0.4, "colour": 1.0, "grey": 0.1}},
}
_MATCHED_ON = 3000  # training images of each domain


def main(argv):
    """Prints one line of Markdown for each setting, two where features are matched."""
    del argv
    s, t = (read(pathlib.Path(_DIR.value) / n.value) for n in (_SOURCE, _TARGET))
    for name, (known, held_out) in (("source", s), ("target", t)):
        print(f"{name}: {len(known)} images to learn from, {len(held_out)} to measure on")
    print(f"{environment.processor()}; {_STEPS.value} steps of {_BATCH.value} of each domain\n")
    print("| f | rank-1 s | rank-1 t | gap | dimensions s | t | seconds | CPU seconds |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in _ONLY.value or _SETTINGS:
        wall, cpu = time.perf_counter(), time.process_time()
        f = _encoder()
        if _SETTINGS[name] is None:
            _settle(f, s[0], t[0])
        else:
            _train(f, s[0], t[0], **_SETTINGS[name])
        took = f"{time.perf_counter() - wall:.0f} | {time.process_time() - cpu:.0f}"
        plain = lambda fx: fx  # noqa: E731
        _print(name, f, s[1], t[1], plain, took)
        scale, shift = codes.match_features(*(_codes(f, part[0][:_MATCHED_ON]) for part in (s, t)))
        _print(f"{name}, matched", f, s[1], t[1], lambda fx: fx * scale + shift, " | ")  # noqa: B023


def read(directory):
    """Images of a folder: uint8 `(n, size, size, 3)`, to learn from and held out."""
    parts = [directory / "train", directory / "test"]
    if all(part.is_dir() for part in parts):
        known, held_out = (sorted(part.rglob("*.*")) for part in parts)
        return _pixels(known), _pixels(held_out[: _HELD_OUT.value])
    paths = sorted(directory.rglob("*.*"))
    return _pixels(paths[: -_HELD_OUT.value]), _pixels(paths[-_HELD_OUT.value :])


def _pixels(paths):
    size = int(_SIZE.value)
    found = np.empty((len(paths), size, size, 3), np.uint8)
    for row, path in zip(found, paths, strict=True):
        with Image.open(path) as image:
            row[:] = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BOX)
    # In no order: files are numbered, and neighbours are often alike.
    return found[np.random.default_rng(0).permutation(len(found))]


def _encoder():
    keras.utils.set_random_seed(_SEED.value)
    channels = _CHANNELS.value and tuple(int(c) for c in _CHANNELS.value)
    return ContentEncoder(channels, size=int(_SIZE.value))


def _settle(f, s, t):
    """Gives an untrained f the statistics of images: without, its codes have any scale."""
    kept = [norm.momentum for norm in f.norms]
    for norm in f.norms:
        norm.momentum = 0.0
    f(images.to_model(np.concatenate([s[:256], t[:256]])), training=True)
    for norm, momentum in zip(f.norms, kept, strict=True):
        norm.momentum = momentum


def _train(f, s, t, **setting):
    setting = {"views": {}, **setting}
    setting["views"] = {"mirror": _MIRROR.value, **setting["views"]}
    with tempfile.TemporaryDirectory() as directory:
        unlabelled.fit(
            f,
            s,
            t,
            directory,
            num_steps=_STEPS.value,
            batch_size=_BATCH.value,
            learning_rate=_RATE.value,
            weight_decay=1e-4,
            seed=_SEED.value,
            log_every=max(_STEPS.value // 4, 1),
            **setting,
        )


def _print(name, f, s, t, matched, took):
    """One line: the views asked about are the same for every setting."""
    cells = [name]
    for x, change in ((s, matched), (t, lambda fx: fx)):
        asked, known = (change(_codes(f, x, view)) for view in (1, 2))
        cells.append(f"{codes.rank_1(asked, known):.1%}")
    fx_s, fx_t = matched(_codes(f, s)), _codes(f, t)
    cells.append(f"{codes.gap(fx_s, fx_t):.3f}")
    cells += [f"{codes.effective_dimension(fx):.1f}" for fx in (fx_s, fx_t)]
    print("|", " | ".join([*cells, took]), "|", flush=True)


def _codes(f, x, view=0):
    """f of images, or of a random view of each: float32 `(n, features)`."""
    found = []
    for k in range(0, len(x), 200):
        batch = images.to_model(x[k : k + 200])
        if view:
            batch = views.view(batch, tf.constant([view, k]), mirror=_MIRROR.value)
        found.append(f(batch).numpy())
    return np.concatenate(found)


if __name__ == "__main__":
    flags.mark_flag_as_required("dir")
    app.run(main)
