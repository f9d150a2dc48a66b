"""f as the student of a net that is too large for every step: its codes, learnt at f's own size.

The teacher reads every image once, at its best size. Its codes are brought to as many numbers
as f has (`lessons.Lesson`), and a small net learns to say the same of the image at its own size.
"""

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import adamw, images, serving
from dtn_tf.content import codes, features, kept, learn, lessons, views
from dtn_tf.errors import UserError

# Part of the name of every student. Raise it with any change of what comes out: of this file,
# `lessons`, `views`, `features`, `adamw`, `images`, `data.augment`, `data.pipeline`,
# `nets.content`, `nets.convolution`, `nets.normalization`.
RECIPE = 2
_HELD_OUT = (
    400  # at most: images of t that the student never sees, and of the source that measure it
)


@keras.saving.register_keras_serializable("dtn_tf")
class Student(keras.Model):
    """What is compiled in place of f, so that f is saved without its optimizer."""

    def __init__(self, encoder, **kwargs):
        super().__init__(dtype=encoder.dtype_policy, **kwargs)
        self.encoder = encoder
        self.built = True

    def call(self, x, training=False):
        """Returns f(x)."""
        return self.encoder(x, training=training)


def teach(config, sets, teacher, cache_dir):
    """Teaches f what a teacher says of s and t; returns its folder in the cache.

    Args:
        config: `DTNConfig`, resolved.
        sets: `Sets` of the run. The teacher reads those of `sets.at_size(teacher.side)`.
        teacher: Frozen, as `face.find` makes it: `side`, `hash`, `title`, `licence`.
        cache_dir: Where f and the teacher's codes are kept, shared between runs.

    Raises:
        UserError: If the teacher's sets have other images, or f has more features than it.
    """
    lessons.check_width(config.f_channels[-1], teacher.features)  # before it reads every image
    large = sets.at_size(teacher.side)
    _check_same(sets, large)
    parts = {"s": large.s, "t": large.t, "validation": _first(large.validation)}
    identity = {
        "recipe": RECIPE,
        "content": "student",
        "teacher": teacher.hash,
        "seed": config.seed,
        "s": sets.s.fingerprint(),
        "t": sets.t.fingerprint(),
        "read": {name: part.fingerprint() for name, part in parts.items() if name != "validation"},
        **learn.settings_of_f(config),
    }

    def make(directory):
        known = {k: features.of(teacher, teacher.hash, p, cache_dir) for k, p in parts.items()}
        spent = {f"teacher_{k}": features.seconds(fx) for k, fx in known.items()}
        f, measured = _taught(config, sets, teacher, known, directory)
        kept.keep(directory, f, "learn_f", spent, identity, measured)

    return kept.found_or_made(cache_dir, identity, make)


def _first(pictures):
    return pictures.head(min(_HELD_OUT, len(pictures)))


def _check_same(sets, large):
    for name in ("s", "t", "validation"):
        one, other = (getattr(of, name) for of in (sets, large))
        if len(one) != len(other):
            raise UserError(
                f"{one.title} has {len(one):,} images, and {len(other):,} at the teacher's size:"
                " the folder was changed meanwhile. Start again."
            )


def _taught(config, sets, teacher, known, directory):
    """Returns f and what is known of it."""
    f = learn.encoder(config, sets.task)
    t, held_out = sets.t.hold_out(_HELD_OUT)  # at the end: codes are in the same order
    made = lessons.lesson(known["s"], known["t"][: len(t)], f.features)
    fit(
        f,
        (sets.s.pixels, made.of(0, known["s"])),
        (t.pixels, made.of(1, known["t"][: len(t)])),
        directory,
        config,
    )
    asked = _first(sets.validation).pixels, held_out.pixels
    expected = made.of(0, known["validation"]), made.of(1, known["t"][len(t) :])
    titles = sets.validation.title, held_out.title
    return f, _measure(f, asked, expected, titles, made, teacher)


def fit(f, s, t, directory, config, name="learn f"):
    """Trains f on lessons, in place, by `adamw.fit`.

    The loss is the mean square, not a cosine: what cannot be told from an image at f's size
    then gets a small share of f(x), by itself, and counts as little in L_CONST.

    Args:
        f: `ContentEncoder`.
        s: uint8 array `(n, size, size, 1 or 3)` and float32 array `(n, features)`, its lessons.
        t: The same of the target.
        directory: Checkpoints and TensorBoard events go here.
        config: `DTNConfig`: `pretrain_*`, `mirror`, `seed`, `log_every`.
        name: Shown in the progress line.
    """
    # A mirrored, slightly moved or noisy image is the same one. Colour is not changed: the
    # teacher may see it.
    view = {"crop": views.CROP, "colour": 0.0, "blur": 0.0}
    view |= {"mirror": config.mirror, "noise": config.pretrain_noise}

    def prepare(part_s, part_t, k):
        x = [images.to_model(part[0]) for part in (part_s, part_t)]
        x = tf.concat([images.with_channels(each, f.image_channels) for each in x], axis=0)
        seed = tf.stack([tf.constant(config.seed, tf.int64), k])
        return views.view(x, seed, **view), tf.concat([part_s[1], part_t[1]], axis=0)

    adamw.fit(
        Student(f),
        (s, t),
        prepare,
        directory,
        name=name,
        shown=("loss", "cosine"),
        views=2,
        num_steps=config.pretrain_steps,
        batch_size=config.pretrain_batch_size,
        learning_rate=config.pretrain_learning_rate,
        weight_decay=config.pretrain_weight_decay,
        seed=config.seed,
        log_every=config.log_every,
        loss="mse",
        metrics=[keras.metrics.CosineSimilarity("cosine")],
    )


def _measure(f, asked, expected, titles, made, teacher):
    """Says how far a student agrees with its teacher on images it never saw; returns it."""
    found = [serving.apply(f, pixels) for pixels in asked]
    units = [[_unit(fx) for fx in side] for side in (found, expected)]
    cosines = [float(np.mean(np.sum(a * b, axis=1))) for a, b in zip(*units, strict=True)]
    ranks = [codes.rank_1(a, b) for a, b in zip(*units, strict=True)]
    gap = codes.gap(*found)
    said = "; ".join(
        f"{title}: cosine to its teacher {c:.2f}, of {len(x)} images it finds the teacher's code of"
        f" {r:.0%} (chance {1 / len(x):.1%})"
        for title, c, r, x in zip(titles, cosines, ranks, asked, strict=True)
    )
    print(
        f"f: a student of {teacher.title}, {f.features} features with {made.share:.0%} of its"
        f" variance on the target. {said}. {gap:.0%} of its variance tells the domains apart.",
        flush=True,
    )
    return {
        "teacher": {"title": teacher.title, "licence": teacher.licence, "net": teacher.net_hash},
        "variance_kept": made.share,
        "cosine": dict(zip(titles, cosines, strict=True)),
        "found": dict(zip(titles, ranks, strict=True)),
        "gap": gap,
        "dimensions": codes.effective_dimension(found[0]),
    }


def _unit(fx):
    return fx / np.maximum(np.linalg.norm(fx, axis=1, keepdims=True), 1e-12)
