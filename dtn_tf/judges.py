"""Classifiers that score: the judge of translations, and its architecture on any digits."""

import pathlib
import shutil

import keras

from dtn_tf import classify, loop, precision, run_dir
from dtn_tf.nets.content import Classifier, ContentEncoder

_SEED = 1611_02200  # not a seed that f would be trained with
_BATCH, _RATE = 128, 2e-3


def train_judge(source, target, real, cache_dir, num_steps):
    """Trains the classifier that judges translations, or finds it trained before.

    The paper's: f's architecture on the target's labelled train split. It reads
    images as g paints them, gray for MNIST; an RGB image is turned gray for it.

    Args:
        source: Where digits come from.
        target: The domain to classify.
        real: `Digits`, the target's test split, to measure the judge.
        cache_dir: Where judges are kept.
        num_steps: Batches.

    Returns:
        The `Classifier`, and its accuracy on `real`.
    """
    return fit(source.load(target, "train"), target, real, cache_dir, num_steps)


def fit(digits, target, real, cache_dir, num_steps):
    """Trains the judge's architecture on some digits, or finds it trained before.

    Args:
        digits: Labelled `Digits` that look like the target domain.
        target: That domain.
        real: `Digits` to measure the classifier on.
        cache_dir: Where classifiers are kept.
        num_steps: Batches.

    Returns:
        The `Classifier`, and its accuracy on `real`.
    """
    policy = precision.resolve("auto")
    settings = ["judge", digits.title, digits.fingerprint(), num_steps, policy]
    directory = pathlib.Path(cache_dir) / f"judge-{run_dir.fingerprint(*settings)}"
    with run_dir.locked(directory, wait=True):
        if not (directory / "judge.keras").exists():
            keras.utils.set_random_seed(_SEED)
            encoder = ContentEncoder(image_channels=target.channels, dtype=policy)
            judge = classify.fit(
                Classifier(encoder, target.num_classes),
                digits,
                directory,
                name="judge",
                num_steps=num_steps,
                batch_size=_BATCH,
                learning_rate=_RATE,
                weight_decay=0.0,
                seed=_SEED,
                distort={"colour": 0.0},
                log_every=100,
            )
            loop.save_atomically(directory / "judge.keras", judge.save)
            shutil.rmtree(directory / "checkpoints", ignore_errors=True)
    judge = keras.models.load_model(directory / "judge.keras")
    return judge, classify.accuracy(judge, real)
