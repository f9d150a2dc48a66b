"""f taught by labels, then adapted where asked for; once per set of settings."""

import pathlib

import keras

from dtn_tf import adapt, classify, files, runs
from dtn_tf.content import kept
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.variants.yunjey import StridedEncoder

# Part of the name of every cached f. Raise it with any change of what trains f: of this file,
# `classify`, `adapt`, `adamw`, `images`, `data.augment`, `data.pipeline`, `nets.content`,
# `nets.convolution`, `nets.normalization`, `variants.yunjey`.
RECIPE = 1

_OF_F = (
    *("f_channels", "f_depths", "precision"),
    *("pretrain_steps", "pretrain_batch_size", "pretrain_learning_rate", "pretrain_weight_decay"),
    *("pretrain_dropout", "pretrain_geometry", "pretrain_colour", "pretrain_invert"),
)
# Named where used: an f of before them stays found.
_LATER = ("f_residual", "f_dense", "pretrain_cutout", "pretrain_noise")
_OF_ADAPTATION = ("adapt_steps", "adapt_learning_rate", "batch_size")


def phases(config, sets, cache_dir):
    """Trains f, or finds it trained before.

    Args:
        config: `DTNConfig`, resolved.
        sets: `Sets` of the run.
        cache_dir: Where f is kept, shared between runs.

    Returns:
        Dict, name of each training it went through -> its folder in the cache, in order.
    """
    found = {"pretrain_f": _pretrained(config, sets, cache_dir)}
    if config.adapt_steps:
        found["adapt_f"] = _adapted(config, sets, found["pretrain_f"], cache_dir)
    return found


def load_f(directory):
    """Returns the net in a folder's f.keras: a `Classifier` whose encoder is f, or f itself.

    Raises:
        UserError: If its file is missing or damaged.
    """
    path = pathlib.Path(directory) / "f.keras"
    files.check_archive(path)
    return keras.models.load_model(path)


def _pretrained(config, sets, cache_dir):
    content = sets.task.content
    of_yunjey = config.method == "yunjey"
    identity = {
        "recipe": RECIPE,
        "nets": "yunjey" if of_yunjey else "paper",
        "domain": content.name,
        "labelled": sets.labelled.fingerprint(),
        "seed": config.seed,
        **{name: getattr(config, name) for name in _OF_F},
        **{name: getattr(config, name) for name in _LATER if getattr(config, name)},
    }

    def make(directory):
        keras.utils.set_random_seed(config.seed)
        channels, policy = content.channels, config.precision
        if of_yunjey:
            encoder = StridedEncoder(config.f_channels, channels, dtype=policy)
        else:
            encoder = ContentEncoder(
                config.f_channels,
                channels,
                config.f_depths,
                size=content.size,
                residual=config.f_residual,
                dense=config.f_dense,
                dtype=policy,
            )
        classifier = classify.fit(
            Classifier(encoder, len(content.classes), config.pretrain_dropout),
            sets.labelled,
            directory,
            name="f",
            num_steps=config.pretrain_steps,
            batch_size=config.pretrain_batch_size,
            learning_rate=config.pretrain_learning_rate,
            weight_decay=config.pretrain_weight_decay,
            seed=config.seed,
            distort=_distortion(config),
            log_every=config.log_every,
        )
        _keep(directory, classifier, sets.held_out, "pretrain_f", {}, identity)

    return kept.found_or_made(cache_dir, identity, make)


def _adapted(config, sets, f_dir, cache_dir):
    identity = {
        "recipe": RECIPE,
        "f": f_dir.name,
        "f_key": kept.known(f_dir)["key"],
        "unseen": sets.unseen.fingerprint(),
        "seed": config.seed,
        **{name: getattr(config, name) for name in _OF_ADAPTATION},
    }

    def make(directory):
        classifier = adapt.fit(
            load_f(f_dir),
            sets.labelled,
            sets.unseen,
            directory,
            num_steps=config.adapt_steps,
            batch_size=config.batch_size,
            learning_rate=config.adapt_learning_rate,
            weight_decay=config.pretrain_weight_decay,
            seed=config.seed,
            distort=_distortion(config),
            log_every=config.log_every,
        )
        _keep(directory, classifier, sets.held_out, "adapt_f", runs.timing(f_dir), identity)

    return kept.found_or_made(cache_dir, identity, make)


def _distortion(config):
    """What f's training images undergo: arguments of `augment.augment`."""
    return {
        "geometry": config.pretrain_geometry,
        "colour": config.pretrain_colour,
        "invert": config.pretrain_invert,
        "cutout": config.pretrain_cutout,
        "noise": config.pretrain_noise,
    }


def _keep(directory, classifier, held_out, phase, earlier, identity):
    """Leaves a trained f with its time and what is known of it."""
    if held_out.labels is None:  # a folder whose validation images have no classes
        kept.keep(directory, classifier, phase, earlier, identity, {})
        return
    accuracy = classify.accuracy(classifier, held_out)
    print(f"f: accuracy {accuracy:.1%} on {held_out.title}", flush=True)
    chance = 1 / len(held_out.classes)
    if accuracy < 2 * chance:
        print(
            f"WARNING: that is near chance ({chance:.0%}). G can show no more than f sees: g and D"
            " will learn little. Train f longer (--pretrain_steps), or look at the pictures.",
            flush=True,
        )
    measured = {"accuracy": {held_out.title: accuracy}}
    kept.keep(directory, classifier, phase, earlier, identity, measured)
