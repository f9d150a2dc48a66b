"""The independent net: measures translations, and is not f.

f is what g was trained to please, so f alone would be a partial judge. This net has seen
real images of the target alone, never a translation, and is the same for every run on one
target set. Where the target has labels it is the encoder of the judge; else it learns
without labels that two views of a target image show the same.
"""

import dataclasses

import keras

from dtn_tf import classify
from dtn_tf.content import unlabelled
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.scores import kept_net

RECIPE = 1  # of this file, `content.unlabelled`, its views and the net
SEED = 1801_01401  # not a seed that f would be trained with
STEPS = 300
_BATCH, _RATE = 64, 3e-3
# What a view changes the net is blind to afterwards. Mirror images, colours and sharpness
# are what translations get wrong: they stay as they are.
_VIEWS = {"crop": 0.3, "mirror": False, "colour": 0.2, "grey": 0.0, "blur": 0.0}
_DTYPE = "float32"
# Half as wide as f: it is trained before the first score can be given.
_CHANNELS = {
    32: (32, 64, 128, 128),
    64: (16, 32, 64, 128, 128),
    128: (8, 16, 32, 64, 128, 128),
}
_KIND = "independent"


@dataclasses.dataclass(frozen=True, eq=False)
class Net:
    """A net that measures, and what results call it.

    Attributes:
        net: Function of float images in [-1, 1] `(n, size, size, 1 or 3)`, which gives float32
            `(n, features)`.
        name: For people: "VICReg on emoji train, 300 steps".
        hash: Name of its weights. Two results of nets with one hash compare.
    """

    net: keras.Model
    name: str
    hash: str

    def facts(self):
        """What a result keeps of it: a JSON-able dict."""
        return {"name": self.name, "hash": self.hash}


def of(sets, cache_dir, known=None):
    """Returns the independent net of some sets.

    Args:
        sets: `Sets` of a run.
        cache_dir: Where nets are kept.
        known: The judge of the target, `Classifier` and facts, as `judge.train` returns them;
            None where the target has no labels.

    Returns:
        `Net`: the judge's encoder, or a net that learnt from the target without labels.
    """
    pictures = sets.target_train
    if known is None:
        return train(pictures, cache_dir, STEPS)
    classifier, facts = known
    name = f"judge of {pictures.title}, {facts['steps']:,} steps"
    return Net(classifier.encoder, name, facts["hash"])


def by(yardstick, sets):
    """Returns the independent `Net` that a `Yardstick` measures some `Sets` by."""
    return of(sets, yardstick.cache_dir, yardstick.judge(sets) if is_judge(sets) else None)


def is_judge(sets):
    """Whether the independent net of some `Sets` is the judge's: the target has classes."""
    return len(sets.task.target.classes) > 1


def train(pictures, cache_dir, num_steps, seed=SEED):
    """Trains a net on target images without labels, or finds it trained before.

    Args:
        pictures: `Pictures` of the target, to train on: two or more.
        cache_dir: Where such nets are kept.
        num_steps: Batches of 64.
        seed: Of its weights, batches and views.

    Returns:
        `Net`. It computes in float32, wherever it is trained.
    """
    pictures = pictures.unlabelled()
    net = kept_net.found_or_made(
        cache_dir,
        _KIND,
        lambda folder: _made(pictures, folder, num_steps, seed),
        recipe=RECIPE,
        pictures=pictures,
        steps=num_steps,
        seed=seed,
    )
    name = f"VICReg on {pictures.title}, {num_steps:,} steps"
    return Net(net, name, classify.weights_hash(net))


def _made(pictures, directory, num_steps, seed):
    _, size, _, channels = pictures.pixels.shape
    # Not standardized: whether translations are too dark or too flat is to be seen.
    how = {"image_channels": channels, "size": size, "dtype": _DTYPE}
    encoder = ContentEncoder(_CHANNELS[size], standardize=False, **how)
    # Two halves, so that no batch has an image twice; one domain.
    halves = pictures.pixels[0::2], pictures.pixels[1::2]
    unlabelled.fit(
        encoder,
        *halves,
        directory,
        name="independent net",
        num_steps=num_steps,
        batch_size=_BATCH // 2,
        learning_rate=_RATE,
        weight_decay=0.0,
        seed=seed,
        views=_VIEWS,
        log_every=20,
        is_apart=False,
    )
    return encoder
