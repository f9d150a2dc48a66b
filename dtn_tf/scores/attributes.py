"""Whether a translation shows the person: hair, skin, beard and glasses, read by a judge.

For drawn people alone, whose attributes are known. The judge is a small net with a head for
each attribute. Drawn images of the target and their attributes teach it, never a translation.
"""

import numpy as np
import tensorflow as tf

from dtn_tf import adamw, classify, files, images, serving
from dtn_tf.data import augment
from dtn_tf.data.builtin.attributes import UNSEEN, VALUES
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier, ContentEncoder
from dtn_tf.scores import kept_net, measures

RECIPE = 1  # of this file and the nets: another number trains another judge
SEED = 1712_00001  # not a seed that f would be trained with
STEPS = 400
_BATCH, _RATE = 32, 3e-3
_CHANNELS = {
    32: (16, 32, 64, 128),
    64: (16, 16, 32, 64, 128),
    128: (8, 16, 16, 32, 64, 128),
}
_DROPOUT = 0.2
_MOMENTUM = 0.95  # of batch norm: there are few steps to learn the statistics in
_DTYPE = "float32"


def measure(translated):
    """Measures how often a translation shows what the drawn person is like.

    Args:
        translated: `scorers.Translated`, of drawn domains: its yardstick's store has
            `attributes(domain, split)`, see `data.builtin.faces.Drawn`.

    Returns:
        Dict with the one key "attributes", a dict of plain numbers and dicts, for JSON:

        - "judge": "name", "hash" of its weights, "steps".
        - "n": translations that were read.
        - "of": for each name of `VALUES` a dict of "values", the names; "share" of
            translations where the judge reads the portrait's true value; "shuffled", the
            share to be expected if they were dealt to the portraits at random, and "chance",
            the share of the commonest value: G that does not look at x has no more than
            these; "original", as share, of the portraits themselves;
            "judge", as share, of the target's test images; "n", portraits that show the
            attribute; "confusion", counts `[true][read]` of translations. A share of nobody,
            where no portrait or no test image shows the attribute, is None.

    Raises:
        UserError: If nobody knows what the people look like: they are not drawn.
    """
    sets, store = translated.sets, translated.yardstick.store
    known = getattr(store, "attributes", None)
    if known is None:
        raise UserError(f"{store.name} does not know attributes: they are those of drawn faces.")
    source, target = sets.task.source, sets.task.target
    judge, facts = train(sets.target_train, known(target, "train"), translated.yardstick.cache_dir)
    gx, shown, real = translated.gx, translated.shown.pixels, sets.target_test.pixels
    n = len(gx)
    true = {name: value[:n] for name, value in known(source, translated.split).items()}
    of_real = {name: value[: len(real)] for name, value in known(target, "test").items()}
    read = {key: predict(judge, x) for key, x in (("G", gx), ("x", shown[:n]), ("real", real))}
    found = {name: _one(name, true[name], of_real[name], read) for name in VALUES}
    return {"attributes": {"judge": facts, "n": n, "of": found}}


def train(pictures, people, cache_dir, num_steps=None, seed=SEED):
    """Trains the judge, or finds it trained before.

    Args:
        pictures: `Pictures` of drawn people, which teach it.
        people: What they show: dict of int arrays, see `data.builtin.attributes`.
        cache_dir: Where judges are kept.
        num_steps: Batches; None is `STEPS`.
        seed: Of its weights and batches.

    Returns:
        `Classifier` whose logits are those of all attributes, one after another; and a dict of
        "name", "hash" and "steps".
    """
    num_steps = STEPS if num_steps is None else num_steps
    table = np.stack([people[name][: len(pictures)] for name in VALUES], axis=1).astype(np.int32)
    judge = kept_net.found_or_made(
        cache_dir,
        "attribute-judge",
        lambda folder: _made(pictures, table, folder, num_steps, seed),
        recipe=RECIPE,
        pictures=pictures.unlabelled(),
        steps=num_steps,
        seed=seed,
        people=files.fingerprint(table.tolist()),
    )
    name = f"attribute judge of {pictures.title}, {num_steps:,} steps"
    return judge, {"name": name, "hash": classify.weights_hash(judge), "steps": num_steps}


def predict(judge, pixels):
    """Reads attributes of uint8 images `(n, size, size, channels)`: dict of int arrays `(n,)`."""
    logits = serving.apply(judge, pixels)
    parts = np.split(logits, np.cumsum(_WIDTHS)[:-1], axis=1)
    return {name: part.argmax(axis=1) for name, part in zip(VALUES, parts, strict=True)}


_WIDTHS = [len(values) for values in VALUES.values()]


def _one(name, true, of_real, read):
    """What is measured of one attribute; people who do not show it do not count."""
    seen, seen_real = true != UNSEEN, of_real != UNSEEN
    true, of_real = true[seen], of_real[seen_real]
    by = {key: part[name][seen_real if key == "real" else seen] for key, part in read.items()}
    confusion = measures.confusion_matrix(true, by["G"], len(VALUES[name]))
    n = len(true)
    of_true, of_read = (confusion.sum(axis=axis) / max(n, 1) for axis in (1, 0))
    return {
        "values": list(VALUES[name]),
        "share": _equal(by["G"], true),
        "shuffled": float(of_true @ of_read) if n else None,
        "chance": float(of_true.max()) if n else None,
        "original": _equal(by["x"], true),
        "judge": _equal(by["real"], of_real),
        "n": n,
        "confusion": confusion.tolist(),
    }


def _equal(read, true):
    """The share that is read right; None of nobody."""
    return float(np.mean(read == true)) if len(true) else None


def _made(pictures, table, directory, num_steps, seed):
    _, size, _, channels = pictures.pixels.shape
    # Not standardized: skin and hair are colours, and dark ones are no bright ones.
    how = {"image_channels": channels, "size": size, "standardize": False, "dtype": _DTYPE}
    encoder = ContentEncoder(_CHANNELS[size], **how)
    for norm in encoder.norms:
        norm.momentum = _MOMENTUM
    judge = Classifier(encoder, sum(_WIDTHS), dropout=_DROPOUT, dtype=_DTYPE)

    def prepare(part, k):
        x, y = part
        salt = tf.stack([tf.constant(seed, tf.int64), k])
        return augment.augment(images.to_model(x), salt, geometry=0.5, colour=0.0), y

    adamw.fit(
        judge,
        ((pictures.pixels, table),),
        prepare,
        directory,
        name="attribute judge",
        shown=("loss",),
        views=1,
        num_steps=num_steps,
        batch_size=_BATCH,
        learning_rate=_RATE,
        weight_decay=0.0,
        seed=seed,
        log_every=50,
        loss=_loss,
    )
    judge.compile()  # the loss is not the file's
    return judge


def _loss(people, logits):
    """Cross-entropy, summed over attributes; of those that an image does not show it is 0."""
    total = 0.0
    for k, part in enumerate(tf.split(logits, _WIDTHS, axis=1)):
        values = tf.cast(people[:, k], tf.int32)
        is_seen = tf.cast(values != UNSEEN, logits.dtype)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(values, 0), part)
        total += tf.reduce_sum(each * is_seen) / tf.maximum(tf.reduce_sum(is_seen), 1.0)
    return total
