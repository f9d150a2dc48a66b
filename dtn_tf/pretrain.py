"""Makes f, once per set of settings: taught by labels, then adapted where asked for."""

import pathlib
import shutil

import keras

from dtn_tf import adapt, classify, environment, files, loop, runs
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.variants.yunjey import StridedEncoder

# Part of the name of every cached f. Raise it with any change of what trains f: of this file,
# `classify`, `adapt`, `data.augment`, `data.pipeline`, `nets.content`, `variants.yunjey`.
RECIPE = 1

_OF_F = (
    *("f_channels", "f_depths", "precision"),
    *("pretrain_steps", "pretrain_batch_size", "pretrain_learning_rate", "pretrain_weight_decay"),
    *("pretrain_dropout", "pretrain_geometry", "pretrain_colour", "pretrain_invert"),
)
_OF_ADAPTATION = ("adapt_steps", "adapt_learning_rate", "batch_size")


def make_f(config, sets, workdir, cache_dir):
    """Trains f, or finds it trained before, and leaves it in a run's directory.

    Args:
        config: `DTNConfig`, resolved.
        sets: `Sets` of the run.
        workdir: Run directory. An f that is in it already is taken as it is.
        cache_dir: Where f is kept, shared between runs.

    Returns:
        Dict, what a run notes of its f: "key", all that decides it but the seed; "hash" of its
        weights; "accuracy", title of held-out pictures -> share; "made_by".
    """
    workdir = pathlib.Path(workdir)
    if not (workdir / "f.json").exists():
        directory = _pretrained(config, sets, cache_dir)
        parts = {"pretrain_f": directory}
        if config.adapt_steps:
            directory = parts["adapt_f"] = _adapted(config, sets, directory, cache_dir)
        for phase, part in parts.items():
            shutil.copytree(part / "tb", workdir / "tb" / phase, dirs_exist_ok=True)
        shutil.copyfile(directory / "timing.json", workdir / "timing.json")
        files.save(workdir / "f.keras", lambda path: shutil.copyfile(directory / "f.keras", path))
        shutil.copyfile(directory / "f.json", workdir / "f.json")
    return files.read_json(workdir / "f.json", "what is known of an f")


def load_f(directory):
    """Returns the `Classifier` whose encoder is f.

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
    }

    def make(directory):
        keras.utils.set_random_seed(config.seed)
        channels, policy = content.channels, config.precision
        if of_yunjey:
            encoder = StridedEncoder(config.f_channels, channels, dtype=policy)
        else:
            encoder = ContentEncoder(config.f_channels, channels, config.f_depths, dtype=policy)
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

    return _found_or_made(cache_dir, identity, make)


def _adapted(config, sets, f_dir, cache_dir):
    identity = {
        "recipe": RECIPE,
        "f": f_dir.name,
        "f_key": files.read_json(f_dir / "f.json", "what is known of an f")["key"],
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

    return _found_or_made(cache_dir, identity, make)


def _found_or_made(cache_dir, identity, make):
    directory, found = files.find_or_make(cache_dir, "f", identity, make, environment.provenance)
    if found:
        print(f"f was trained before by these settings: {directory}", flush=True)
    return directory


def _distortion(config):
    """What f's training images undergo: arguments of `augment.augment`."""
    return {
        "geometry": config.pretrain_geometry,
        "colour": config.pretrain_colour,
        "invert": config.pretrain_invert,
    }


def _keep(directory, classifier, held_out, phase, earlier, identity):
    """Leaves a trained f with its time and what is known of it."""
    accuracy = classify.accuracy(classifier, held_out)
    print(f"f: accuracy {accuracy:.1%} on {held_out.title}", flush=True)
    chance = 1 / len(held_out.classes)
    if accuracy < 2 * chance:
        print(
            f"WARNING: that is near chance ({chance:.0%}). G can show no more than f sees: g and D"
            " will learn little. Train f longer (--pretrain_steps), or look at the pictures.",
            flush=True,
        )
    files.save(directory / "f.keras", classifier.save)
    spent = {**earlier, phase: loop.seconds(directory / "checkpoints")}
    files.save_json(directory / "timing.json", spent)
    key = {k: v for k, v in identity.items() if k not in ("seed", "f")}
    known = {
        "key": files.fingerprint(key),
        "hash": classify.weights_hash(classifier),
        "accuracy": {held_out.title: accuracy},
        "made_by": environment.provenance(),
    }
    files.save_json(directory / "f.json", known)
