"""The judge: a classifier of the target domain, taught by labelled target images alone.

The paper's: f's architecture on the target's labelled train split. It computes in float32
wherever it is trained, and its weights have a name, so that two results can be told to be
read by one judge.
"""

from dtn_tf import classify
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.scores import kept_net

RECIPE = 1  # of this file, `classify` and the nets: another number trains another judge
SEED = 1611_02200  # not a seed that f would be trained with
_BATCH, _RATE = 128, 2e-3
_DTYPE = "float32"


def train(pictures, test, cache_dir, num_steps, seed=SEED):
    """Trains a classifier of the judge's shape, or finds it, whole, trained before.

    On real images of the target it is the judge. On labelled translations it is the
    classifier of Table 2.

    Args:
        pictures: Labelled `Pictures` that teach it.
        test: Labelled `Pictures` of the target, to measure it.
        cache_dir: Where classifiers are kept.
        num_steps: Batches.
        seed: Of its weights and batches.

    Returns:
        The `Classifier`, and what a result says of it: dict with "hash" of its weights,
        "accuracy" on `test` and "steps".

    Raises:
        UserError: If the pictures have no labels.
    """
    if pictures.labels is None:
        raise UserError(f"{pictures.title} has no labels: it cannot teach a classifier.")
    classifier = kept_net.found_or_made(
        cache_dir,
        "judge",
        lambda folder: _made(pictures, folder, num_steps, seed),
        recipe=RECIPE,
        pictures=pictures,
        steps=num_steps,
        seed=seed,
    )
    facts = {
        "hash": classify.weights_hash(classifier),
        "accuracy": classify.accuracy(classifier, test),
        "steps": num_steps,
    }
    return classifier, facts


def _made(pictures, directory, num_steps, seed):
    _, size, _, channels = pictures.pixels.shape
    encoder = ContentEncoder(image_channels=channels, size=size, dtype=_DTYPE)
    return classify.fit(
        Classifier(encoder, len(pictures.classes), dtype=_DTYPE),
        pictures,
        directory,
        name="judge",
        num_steps=num_steps,
        batch_size=_BATCH,
        learning_rate=_RATE,
        weight_decay=0.0,
        seed=seed,
        distort={"colour": 0.0},
        log_every=20,
    )
