"""An f that no label taught: learnt from both sets of a run, or brought by the user."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import files, images
from dtn_tf.content import codes, contract, kept, unlabelled, views
from dtn_tf.nets.content import ContentEncoder

# Part of the name of every such f. Raise it with any change of what comes out: of this file,
# `unlabelled`, `views`, `given`, `contract`, `adamw`, `images`, `data.augment`, `data.pipeline`,
# `nets.content`, `nets.convolution`, `nets.normalization`.
RECIPE = 1
_MEASURED = 400  # images
_LATER = ("f_residual", "f_dense", "pretrain_noise")  # named where used: an f of before is found
_OF_F = (
    *("f_channels", "f_depths", "size", "precision", "mirror"),
    *("pretrain_steps", "pretrain_batch_size", "pretrain_learning_rate", "pretrain_weight_decay"),
)


def settings_of_f(config):
    """Returns what of a `DTNConfig` decides such an f: dict, setting -> value."""
    later = {name: getattr(config, name) for name in _LATER if getattr(config, name)}
    return {**{name: getattr(config, name) for name in _OF_F}, **later}


def without_labels(config, sets, cache_dir):
    """Learns f from s and t, see `unlabelled`; returns its folder in the cache.

    Args:
        config: `DTNConfig`, resolved.
        sets: `Sets` of the run.
        cache_dir: Where f is kept, shared between runs.
    """
    identity = {
        "recipe": RECIPE,
        "content": "unlabelled",
        "s": sets.s.fingerprint(),
        "t": sets.t.fingerprint(),
        "seed": config.seed,
        **settings_of_f(config),
    }

    def make(directory):
        f = encoder(config, sets.task)
        unlabelled.fit(
            f,
            sets.s.pixels,
            sets.t.pixels,
            directory,
            num_steps=config.pretrain_steps,
            batch_size=config.pretrain_batch_size,
            learning_rate=config.pretrain_learning_rate,
            weight_decay=config.pretrain_weight_decay,
            seed=config.seed,
            views={"mirror": config.mirror, "noise": config.pretrain_noise},
            log_every=config.log_every,
        )
        measured = measure(f, sets.validation, sets.t, config)
        kept.keep(directory, f, "learn_f", {}, identity, measured)

    return kept.found_or_made(cache_dir, identity, make)


def encoder(config, task):
    """Returns an untrained f of a config, seeded, that reads both domains of a task."""
    keras.utils.set_random_seed(config.seed)
    return ContentEncoder(
        config.f_channels,
        max(task.source.channels, task.target.channels),
        config.f_depths,
        size=task.source.size,
        residual=config.f_residual,
        dense=config.f_dense,
        dtype=config.precision,
    )


def given(config, kind, f, cache_dir):
    """Keeps an f that the user brought; returns its folder in the cache."""
    identity = {
        "recipe": RECIPE,
        "content": kind if kind.startswith(contract.APP) else "file",
        "contract": f.describe(),
        "net": f.hash,
        "size": config.size,
        "seed": 0,
        **_origin(kind),
    }
    known = {"contract": f.describe(), "given": f.net_hash, **_origin(kind)}
    return kept.found_or_made(
        cache_dir,
        identity,
        lambda directory: kept.keep(directory, f, "given_f", {}, identity, known),
    )


def _origin(kind):
    """Which net taught an f that another run left, as the f.json beside it says: a dict."""
    path = pathlib.Path(kind)
    if path.name != "f.keras" or not path.with_name("f.json").is_file():
        return {}
    known = files.read_json(path.with_name("f.json"), "what is known of an f")
    return {name: known[name] for name in ("teacher", "given") if known.get(name)}


def measure(f, held_out, t, config):
    """Says what an f that knows no classes is worth: prints it, and returns it.

    Args:
        f: Trained.
        held_out: `Pictures` of the source that it never saw.
        t: `Pictures` of the target.
        config: `DTNConfig`: its seed and `mirror`.

    Returns:
        Dict: "found", title -> how often another view of an image is nearest to a view of it;
        "gap" between the domains, see `codes.gap`; "dimensions" in which its codes vary.
    """
    x = held_out.pixels[:_MEASURED]
    one, other = (_codes(f, _view(x, (config.seed, k), config)) for k in (1, 2))
    fx_s, fx_t = (_codes(f, images.to_model(part)) for part in (x, t.pixels[:_MEASURED]))
    found = codes.rank_1(one, other)
    gap, dimensions = codes.gap(fx_s, fx_t), codes.effective_dimension(fx_s)
    print(
        f"f: of {len(x)} images of {held_out.title} it finds another view of {found:.0%} (chance"
        f" {1 / len(x):.1%}); {gap:.0%} of its variance tells the domains apart;"
        f" it varies in {dimensions:.0f} dimensions.",
        flush=True,
    )
    return {"found": {held_out.title: found}, "gap": gap, "dimensions": dimensions}


def _view(x, seed, config):
    return views.view(images.to_model(x), tf.constant(seed), mirror=config.mirror)


def _codes(f, x):
    parts = np.array_split(np.arange(len(x)), max(len(x) // 100, 1))
    return np.concatenate([f(tf.gather(x, rows)).numpy() for rows in parts])
