"""Trains f, once per set of settings: on labels, and where asked for on unlabelled t too."""

import dataclasses
import pathlib
import shutil

import keras

from dtn_tf import adapt, classify, loop, run_dir
from dtn_tf.data.digits import hold_out
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.nets.strided import StridedEncoder


def pretrain_f(config, task, digits, cache_dir):
    """Trains f on labelled digits, or finds it trained before by the same settings.

    Args:
        config: `DTNConfig`, resolved.
        task: Its `content` domain is what f learns.
        digits: Labelled `Digits` of that domain, the validation tail at their end.
        cache_dir: Where f is kept.

    Returns:
        Path of a folder with f.keras (a `Classifier`), accuracy.json, timing.json and tb/.
    """
    settings = {
        k: v for k, v in dataclasses.asdict(config).items() if k.startswith(("pretrain_", "f_"))
    }
    others = ("data", "seed", "precision", "num_validation", "nets")
    settings |= {k: getattr(config, k) for k in others}
    settings |= {"domain": task.content.name, "digits": digits.fingerprint()}
    directory = pathlib.Path(cache_dir) / f"f-{run_dir.fingerprint(settings)}"
    with run_dir.locked(directory, wait=True):
        if (directory / "accuracy.json").exists():
            print(f"f was trained before by these settings: {directory}")
            return directory
        run_dir.write_json(directory / "settings.json", settings)
        digits, held_out = hold_out(digits, config.num_validation)
        keras.utils.set_random_seed(config.seed)
        channels, policy = task.content.channels, config.precision
        if config.nets == "yunjey":
            encoder = StridedEncoder(config.f_channels, channels, dtype=policy)
        else:
            encoder = ContentEncoder(config.f_channels, channels, config.f_depths, dtype=policy)
        classifier = classify.fit(
            Classifier(encoder, task.content.num_classes, config.pretrain_dropout),
            digits,
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
        _keep_f(directory, classifier, held_out, "pretrain_f", {})
    return directory


def adapt_f(config, f_dir, labelled, unseen, cache_dir):
    """Adapts f to a domain it never saw, or finds it adapted before by the same settings.

    Args:
        config: `DTNConfig`, resolved.
        f_dir: What `pretrain_f` returned.
        labelled: What it was given.
        unseen: `Unlabelled` images of the other domain; see `adapt`.
        cache_dir: Where f is kept.

    Returns:
        Path of a folder like `f_dir`.
    """
    settings = {k: v for k, v in dataclasses.asdict(config).items() if k.startswith("adapt_")}
    settings |= {"f": f_dir.name, "unseen": unseen.fingerprint(), "batch_size": config.batch_size}
    directory = pathlib.Path(cache_dir) / f"f-{run_dir.fingerprint(settings)}"
    with run_dir.locked(directory, wait=True):
        if (directory / "accuracy.json").exists():
            print(f"f was adapted before by these settings: {directory}")
            return directory
        run_dir.write_json(directory / "settings.json", settings)
        digits, held_out = hold_out(labelled, config.num_validation)
        classifier = adapt.fit(
            keras.models.load_model(f_dir / "f.keras"),
            digits,
            unseen,
            directory,
            num_steps=config.adapt_steps,
            batch_size=config.batch_size,
            learning_rate=config.adapt_learning_rate,
            weight_decay=config.pretrain_weight_decay,
            seed=config.seed,
            distort=_distortion(config),
            log_every=config.log_every,
        )
        _keep_f(directory, classifier, held_out, "adapt_f", run_dir.timing(f_dir))
    return directory


def _distortion(config):
    """What f's training images undergo: arguments of `augment.augment`."""
    return {
        "geometry": config.pretrain_geometry,
        "colour": config.pretrain_colour,
        "invert": config.pretrain_invert,
        "widen": config.pretrain_widen,
    }


def _keep_f(directory, classifier, held_out, phase, earlier):
    """Leaves a trained f with its accuracy; the last file says that it is complete."""
    measured = {held_out.title: classify.accuracy(classifier, held_out)}
    print(f"f: accuracy {measured[held_out.title]:.2%} on {held_out.title}", flush=True)
    loop.save_atomically(directory / "f.keras", classifier.save)
    spent = {**earlier, phase: loop.seconds(directory / "checkpoints")}
    run_dir.write_json(directory / "timing.json", spent)
    run_dir.write_json(directory / "accuracy.json", measured)
    shutil.rmtree(directory / "checkpoints", ignore_errors=True)
