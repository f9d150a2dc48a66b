"""Controls: images that stand in for translations, with no g, no D and no training.

They say whether a translation GAN is needed for the number in a table at all. A control looks
at x through the run's f and picks a picture for it: a real image of t, or the mean of some. Then
the same judge reads it. f and t are those of the run; no label of t is used, and of s only what
f has learnt from.

- "nearest": the image of t whose f is nearest to f(x), by Euclidean distance: L_CONST's.
- "mean": the mean of those images of t which f takes for the class that it sees in x. f is a
  look-up then. A class that f sees in no image of t has the mean of all of t.
- "map": a map between two latent spaces, f(s) and f(t), in the spirit of latent-space
  exploration, https://arxiv.org/abs/1805.10130, which learns one between two generative models
  from pairs of classes. Here it is linear, by ridge regression: f(x), x in s, goes to the mean
  f of those images of t that f takes for the same class. The image of t nearest to where f(x)
  lands is the picture.

"mean" and "map" need an f that knows classes.
"""

import dataclasses

import numpy as np

from dtn_tf import serving
from dtn_tf.content import features
from dtn_tf.data import sets as sets_lib
from dtn_tf.nets.content import Classifier
from dtn_tf.scores import agreement, bits, distances, measures, results
from dtn_tf.scores import line as line_lib

RECIPE = 1  # raise it when a control gives other numbers: it is then measured anew


@dataclasses.dataclass(frozen=True, eq=False)
class Picked:
    """Pictures that stand in for translations.

    Attributes:
        bank: uint8 array `(m, height, width, channels)`.
        rows: int array `(n,)`, for each x its picture in the bank.
    """

    bank: np.ndarray
    rows: np.ndarray


def applies(run, dtn):
    """Whether a run has an f that its controls can look through: one that stayed as it was taught.

    The port's f moves while g trains. f(x) is kept under the hash of an f that nothing moved.
    """
    return bool(run.f) and hasattr(dtn, "f") and run.config.method != "yunjey"


def of_run(run, yardstick, split="test", dtn=None):
    """Measures the controls of a finished run, or finds them measured before.

    Args:
        run: `runs.Run`.
        yardstick: `Yardstick`; the target has a judge.
        split: "test" or "validation", of the source.
        dtn: The run's `DTN`, where it is loaded already.

    Returns:
        The result line, a dict, as appended to eval.jsonl; None where none `applies`.
    """
    dtn = serving.load(run.workdir) if dtn is None else dtn
    if not applies(run, dtn):
        return None
    sets = yardstick.sets(run)
    shown, (classifier, judge) = sets_lib.of_split(sets, split), yardstick.judge(sets)
    lines, _ = results.read(run.workdir / "eval.jsonl")
    known = [line for line in lines if line["split"] == split and is_by(line, shown, judge)]
    if known:
        return known[-1]
    print(f"Controls of {run.title}: pictures of the target that f picks.", flush=True)
    line = line_lib.of(run, results.CONTROL, split, shown, sets.real(split))
    picked = pick(dtn, _head(run), run.f["hash"], sets, shown, yardstick.cache_dir)
    line |= {"judge": judge, "recipe": RECIPE}
    line["frechet_n"] = measures.compared(shown, sets.real(split))
    line["controls"] = read(picked, classifier, shown, sets.real(split))
    return line_lib.append(run, line)


def is_by(line, shown, judge):
    """Whether a line is of controls, of these pictures, read by this judge, as they are now."""
    return (
        line["kind"] == results.CONTROL
        and line["recipe"] == RECIPE
        and line["images"]["fingerprint"] == shown.fingerprint()
        and line["judge"]["hash"] == judge["hash"]
        and agreement.frechet_images(line) is not None
    )


def pick(dtn, head, f_hash, sets, shown, cache_dir):
    """Picks pictures of t for source images.

    Args:
        dtn: A trained `DTN`.
        head: Layer that makes logits of `dtn.f.hidden(fx)`; None where f knows no classes.
        f_hash: Name of the weights of f, and of what taught it, as training knew it.
        sets: `Sets` of the run.
        shown: `Pictures` of the source.
        cache_dir: Where f(x) of whole sets is kept, of s and t mostly since training.

    Returns:
        Dict, name of the control -> `Picked`.
    """
    t = sets.t.pixels
    ft = features.of(dtn.f, f_hash, sets.t, cache_dir)
    fx = serving.apply(
        lambda v: distances.content(dtn, v), shown.pixels, label=f"f reads {shown.title}"
    )
    picked = {"nearest": Picked(t, measures.nearest(fx, ft))}
    if head is None:
        return picked
    seen_x, seen_t = (classes_of(dtn.f, head, codes) for codes in (fx, ft))
    picked["mean"] = Picked(class_means(t, seen_t, head.units), seen_x)
    fs = features.of(dtn.f, f_hash, sets.s, cache_dir)
    seen_s = classes_of(dtn.f, head, fs)
    fs = dtn.matched(fs) if hasattr(dtn, "matched") else fs  # as `content` gives f(x)
    moved = latent_map(np.asarray(fs), seen_s, np.asarray(ft), seen_t)(fx)
    return {**picked, "map": Picked(t, measures.nearest(moved, ft))}


def classes_of(f, head, codes):
    """The classes that f sees, of codes `(n, features)`: int array `(n,)`."""
    return np.argmax(head(f.hidden(np.asarray(codes))), axis=1)


def class_means(t, seen, num_classes):
    """Mean images of classes.

    Args:
        t: uint8 array `(n, height, width, channels)`.
        seen: int array `(n,)`, the class that f sees in each.
        num_classes: Classes.

    Returns:
        uint8 array `(num_classes, height, width, channels)`, rounded; of a class that is seen
        nowhere the mean of all images.
    """
    parts = [t[seen == k] if np.any(seen == k) else t for k in range(num_classes)]
    means = [np.mean(part, axis=0, dtype=np.float64) for part in parts]
    return np.round(means).astype(np.uint8)


def latent_map(fs, seen_s, ft, seen_t):
    """Learns the linear map from f(s) to the mean f of t's images of the same class.

    Args:
        fs: float array `(n, features)`, codes of source images.
        seen_s: int array `(n,)`, the classes that f sees in them.
        ft, seen_t: The same of target images. A class that is seen in s alone teaches nothing.

    Returns:
        Function of codes `(m, features)`: float array `(m, features)`.
    """
    both = np.intersect1d(seen_s, seen_t)
    if not len(both):
        return lambda codes: codes
    known = np.isin(seen_s, both)
    means = np.stack([np.mean(ft[seen_t == k], axis=0, dtype=np.float64) for k in both])
    return measures.ridge(fs[known], means[np.searchsorted(both, seen_s[known])])


def read(picked, classifier, shown, real):
    """Has the judge read what was picked.

    Args:
        picked: Dict, name -> `Picked`.
        classifier: The judge, a `Classifier` of the target.
        shown: Labelled source `Pictures` that it was picked for.
        real: `Pictures` of the target, for the Fréchet distance.

    Returns:
        Dict, name -> dict: "accuracy", "per_digit", "right" (see `bits`), "frechet" (of the
        first to one half of `real`, as many of each, as of translations), and "different",
        how many pictures there are.
    """
    half = measures.halves(real)[0][: measures.compared(shown, real)]
    half = serving.apply(classifier.encoder, half)
    distinct = [np.unique(part.rows, return_inverse=True) for part in picked.values()]
    banks = [part.bank[used] for part, (used, _) in zip(picked.values(), distinct, strict=True)]
    codes = serving.apply(classifier.encoder, np.concatenate(banks))  # each picture once
    found, begin = {}, 0
    for name, (used, places) in zip(picked, distinct, strict=True):
        found[name] = _numbers(codes[begin + places], classifier, shown.labels, half)
        found[name]["different"] = len(used)
        begin += len(used)
    return found


def _numbers(codes, classifier, labels, half):
    """What a line says of pictures, of which the judge's codes are known."""
    said = classes_of(classifier.encoder, classifier.head, codes)
    confusion = measures.confusion_matrix(labels, said, classifier.num_classes)
    return {
        "accuracy": float(np.mean(said == labels)),
        "per_digit": measures.per_class(confusion),
        "right": bits.pack(said == labels),
        "frechet": measures.frechet_distance(codes[: len(half)], half),
    }


def _head(run):
    """The layer by which f knows classes; None where it knows none."""
    net = line_lib.load_f(run)
    return net.head if isinstance(net, Classifier) else None
