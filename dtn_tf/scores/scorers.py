"""What translations are measured by: functions, and which of them suits a pair of domains."""

import dataclasses
import functools

import keras
import numpy as np

from dtn_tf import classify, serving
from dtn_tf.data import domains
from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import attributes, bits, colours, distances, independent, measures, retrieval
from dtn_tf.scores.yardstick import Yardstick

_DIGITS = tuple("0123456789")
_TEACH_RIDGE = 4000  # source images that teach the ridge from codes to colours


@dataclasses.dataclass(frozen=True, eq=False)
class Translated:
    """What a scorer measures: a trained DTN and its translations.

    Attributes:
        dtn: The `DTN`.
        sets: `Sets` of its run.
        yardstick: `Yardstick`.
        split: "test" or "validation".
        shown: The source `Pictures` of the split; labelled where a judge scores.
        real: The target's test `Pictures`.
        gx: uint8 array, the translations of `shown`, or of the first of them.
    """

    dtn: keras.Model
    sets: object
    yardstick: Yardstick
    split: str
    shown: Pictures
    real: Pictures
    gx: np.ndarray

    @functools.cached_property
    def nearest(self):
        """The real target images nearest to the first images of `shown` under f."""
        x = self.shown.pixels[: retrieval.AT_MOST]
        return retrieval.nearest_of(self.dtn, x, self.sets.target_train.pixels)

    @functools.cached_property
    def independent(self):
        """The independent net: the judge's encoder where the target has labels."""
        return independent.by(self.yardstick, self.sets)


def of(task, shown, real, with_distances=False, with_retrieval=False, with_attributes=False):
    """Says which of `SCORERS` measure a pair of domains: a list of names.

    The judge needs the same two or more classes on both sides, and labels. Distances are
    measured of folders and faces, where there is no judge, and where they are asked for.
    Retrieval is of faces, and needs a face net that is not f.

    Args:
        task: `Task` of the pair.
        shown: Source `Pictures`.
        real: Target `Pictures`.
        with_distances: Whether distances are asked for.
        with_retrieval: Whether there is a face net that compares.
        with_attributes: Whether it is known what the people look like, as of drawn ones.
    """
    classes = task.source.classes
    has_labels = shown.labels is not None and real.labels is not None
    by_judge = has_labels and len(classes) > 1 and classes == task.target.classes
    by_distances = with_distances or not by_judge or task.name not in domains.TASKS
    is_of_faces = task.name in domains.FACES
    names = {
        "judge": by_judge,
        "distances": by_distances,
        "retrieval": is_of_faces and with_retrieval,
        "colours": is_of_faces and task.source.channels == task.target.channels == 3,
        "attributes": is_of_faces and with_attributes,
    }
    return [name for name, is_used in names.items() if is_used]


def _by_judge(translated):
    classifier, facts = translated.yardstick.judge(translated.sets)
    shown = translated.shown
    found = {"judge": facts, **numbers(translated.gx, classifier, shown, translated.real)}
    return found if shown.classes == _DIGITS else {**found, "classes": list(shown.classes)}


def _by_distances(translated):
    dtn, sets, split = translated.dtn, translated.sets, translated.split
    net = translated.independent
    nearest = translated.nearest if sets.task.name in domains.FACES else None
    return {"distances": distances.measure(dtn, sets, split, net, translated.gx, nearest)}


def _by_retrieval(translated):
    of_run, split, yardstick = translated.sets, translated.split, translated.yardstick
    found = retrieval.measure(
        translated.dtn,
        of_run,
        split,
        yardstick.descriptor,
        yardstick.cache_dir,
        translated.gx,
        translated.nearest,
        yardstick.people,
    )
    return {"retrieval": found}


def _by_colours(translated):
    """Hair and skin of faces: what f holds of them, and what translations show."""
    dtn, s = translated.dtn, translated.sets.s.pixels[:_TEACH_RIDGE]
    x = translated.shown.pixels[: retrieval.AT_MOST]
    fx, fx_new = (
        serving.apply(lambda v: distances.content(dtn, v), part, label="f reads faces")
        for part in (s, x)
    )
    kinds = {"translation": translated.gx[: len(x)], "nearest": translated.nearest}
    found = {"f": colours.held(fx, s, fx_new, x), "followed": colours.followed(x, kinds)}
    return {"colours": {"n": len(x), **found}}


# Functions of `Translated`, which return what they add to a result line.
SCORERS = {
    "judge": _by_judge,
    "distances": _by_distances,
    "retrieval": _by_retrieval,
    "colours": _by_colours,
    "attributes": attributes.measure,
}


def numbers(gx, classifier, shown, real):
    """Measures translations of labelled source images.

    Args:
        gx: uint8 array, the translations of `shown`.
        classifier: The judge, a `Classifier` of the target domain.
        shown: Labelled source `Pictures`.
        real: `Pictures` of the target domain, for the Fréchet distance.

    Returns:
        Dict: accuracy, original (the judge on untranslated images), per_digit,
        confusion (true digit, read digit), frechet, frechet_floor, frechet_n: images on each
        side of these two; and right: which images were read right, see `bits`.
    """
    read = classify.predict(classifier, gx)
    confusion = measures.confusion_matrix(shown.labels, read, classifier.num_classes)
    features = functools.partial(serving.apply, classifier.encoder)
    n = measures.compared(gx, real)
    of_g, half_a, half_b = (features(part[:n]) for part in (gx, *measures.halves(real)))
    return {
        "accuracy": float(np.mean(read == shown.labels)),
        "right": bits.pack(read == shown.labels),
        "original": classify.accuracy(classifier, shown),
        "per_digit": measures.per_class(confusion),
        "confusion": confusion.tolist(),
        "frechet": measures.frechet_distance(of_g, half_a),
        "frechet_floor": measures.frechet_distance(half_b, half_a),
        "frechet_n": n,
    }
