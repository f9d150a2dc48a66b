"""Is a translation recognisable? The paper's Table 4: it asks a gallery for its own photo.

A descriptor that is neither f nor f's teacher compares. Each kind of picture is centred on its
own mean: emoji lie far from photos, and what is asked is who is shown, not how it is drawn.
Beside the translations stand controls: the source image itself, the real target image that is
nearest under f, and one picked at random. G that is no better than the nearest is a look-up.
"""

import numpy as np
import tensorflow as tf

from dtn_tf import images, serving
from dtn_tf.content import features, views
from dtn_tf.data import sets as sets_lib
from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import distances, measures

_BLOCK = 500  # photos of people that are ranked at a time
RECIPE = 2  # raise it when the same images have other ranks: they are then measured anew
AT_MOST = 1000  # images that ask, the first ones
DISTRACTORS = 10_000  # training images of the source that join the large gallery, the first ones
_SEED = 4
_RESAMPLES = 1000
_VIEW = {"crop": 0.15, "mirror": True, "colour": 0.3, "grey": 0.0, "blur": 0.0}
PROBES = ("source", "translation", "nearest", "unrelated")


def measure(dtn, sets, split, descriptor, cache_dir, gx, nearest, people=None):
    """Measures how well translations find their source images.

    Args:
        dtn: A trained `DTN`.
        sets: `Sets` of the run.
        split: "test" or "validation", of the source.
        descriptor: What compares: a Keras model with `features`, `title` and `hash`, float images
            in [-1, 1] -> float32 `(n, features)`.
        cache_dir: Where its codes of all but translations are kept, shared between runs.
        gx: uint8 array, the translations of the first images of the split.
        nearest: uint8 array, the real target images nearest to these under f, `nearest_of`.
        people: `Pictures` whose labels are people, several photos of each; or None.

    Returns:
        Dict of plain numbers and dicts, for JSON:

        - "descriptor": "name" and "hash".
        - "n": images that ask.
        - "gallery", "large_gallery": how many images are asked: another view of each of
            these, and with other views of training images of the source as distractors.
        - "recipe": `RECIPE`.
        - "probes": for each of `PROBES` what `summary` gives, among "gallery"; and the same
            among the large one under "large".
        - "ahead": 95 % interval of how much more often than the nearest real image the
            translation is of rank 1, in shares; the same images are drawn for both.
        - "people": the same as "probes" where a photo of the same person is looked for among
            all other photos, and intervals are over people; with "n" and the number of
            "people". None without any.
    """
    shown = sets_lib.of_split(sets, split)
    x, t = shown.pixels[:AT_MOST], sets.target_train.pixels
    probes = _probes(x, gx[: len(x)], nearest, t)
    codes = _codes(descriptor, probes, shown.title, cache_dir)
    gallery = _kept(descriptor, second_view(x), f"another view of {shown.title}", cache_dir)
    others = _distractors(descriptor, sets, cache_dir)
    ranks = {k: own_ranks(v, gallery) for k, v in codes.items()}
    large = {k: own_ranks(v, gallery, others) for k, v in codes.items()}
    return {
        "descriptor": {"name": descriptor.title, "hash": descriptor.hash},
        "n": len(x),
        "recipe": RECIPE,
        "gallery": len(gallery),
        "large_gallery": len(gallery) + len(others),
        "probes": {k: {**summary(ranks[k]), "large": summary(large[k])} for k in PROBES},
        "ahead": ahead(ranks["translation"], ranks["nearest"]),
        "people": people and _of_people(dtn, people, t, descriptor, cache_dir),
    }


def own_ranks(asked, gallery, others=None):
    """Ranks of each image's own entry in a gallery, by cosine of centred codes; 1 is the best.

    Equal ones share their places, so that a descriptor that says the same of all is chance.

    Args:
        asked: float array `(n, features)`, codes of what asks: of one kind of picture.
        gallery: float array `(n, features)`, codes of the photos, in the same order.
        others: float array `(m, features)`, codes of more photos; or None.

    Returns:
        float array `(n,)`.
    """
    own = np.arange(len(asked))
    known = gallery if others is None else np.concatenate([gallery, others])
    return _ranks(similarities(asked, known), own[:, None] == np.arange(len(known)))


def person_ranks(asked, gallery, who):
    """Ranks of the first photo of the same person among all photos but the one asked with.

    Args:
        asked: float array `(n, features)`, codes of what asks, one for each photo.
        gallery: float array `(n, features)`, codes of the photos themselves.
        who: int array `(n,)`, the person of each photo.

    Returns:
        float array `(m,)`, of the photos whose person has another one; and int array `(m,)`,
        who these are.
    """
    asked, known = _directions(asked), _directions(gallery)
    rows = np.flatnonzero(np.bincount(who)[who] > 1)
    ranks = []
    for part in np.array_split(rows, -(-len(rows) // _BLOCK) or 1):
        found, same = asked[part] @ known.T, who[part, None] == who[None, :]
        own = np.arange(len(part)), part
        found[own], same[own] = -np.inf, False  # never the photo itself
        ranks.append(_ranks(found, same))
    return np.concatenate(ranks), who[rows]


def similarities(asked, known):
    """Cosines of codes, each side centred on its own mean: float array `(n, m)`."""
    return _directions(asked) @ _directions(known).T


def summary(ranks, seed=0, who=None):
    """Median and mean rank, and shares of rank 1 and of the first five, with 95 % intervals.

    Of rank 1 is what is first alone: a tie is a descriptor that cannot tell.

    Args:
        ranks: float array `(n,)`.
        seed: Of the resampling.
        who: int array `(n,)`: whose image each is. People are drawn then, each with all of
            their images, for these hang together; without it images are.

    Returns:
        Dict: "median_rank", "mean_rank", "rank_1", "rank_5"; and "median_rank_interval",
        "rank_1_interval", lists of two.
    """
    drawn = [ranks[rows] for rows in _resampled(len(ranks), seed, who)]
    return {
        "median_rank": float(np.median(ranks)),
        "mean_rank": float(np.mean(ranks)),
        "rank_1": float(np.mean(ranks <= 1.0)),
        "rank_5": float(np.mean(ranks <= 5.0)),
        "median_rank_interval": _interval([np.median(part) for part in drawn]),
        "rank_1_interval": _interval([np.mean(part <= 1.0) for part in drawn]),
    }


def ahead(ranks, other, seed=0, who=None):
    """95 % interval of how much more often `ranks` are 1 than `other` are, of the same images.

    `seed` and `who` are those of `summary`.
    """
    differences = (ranks <= 1.0).astype(float) - (other <= 1.0)
    return _interval([differences[r].mean() for r in _resampled(len(ranks), seed, who)])


def nearest_of(dtn, x, t):
    """Returns the real target images that are nearest to source images under f: uint8 array.

    Args:
        dtn: A trained `DTN`.
        x: uint8 array, source images.
        t: uint8 array, images of the target; may be memory-mapped.
    """
    fx = serving.apply(lambda v: distances.content(dtn, v), x, label="f reads the source")
    ft = serving.apply(lambda v: dtn.f(v, training=False), t, label="f reads the target")
    return t[measures.nearest(fx, ft)]


def _probes(x, gx, nearest, t):
    rows = np.random.default_rng(_SEED).choice(len(t), len(x))
    return {
        "source": x,
        "translation": gx,
        "nearest": nearest,
        "unrelated": t[rows],
    }


def _of_people(dtn, people, t, descriptor, cache_dir):
    if np.bincount(people.labels).max() < 2:
        print(f"{people.title}: nobody has two photos, so that nobody is looked for.", flush=True)
        return None
    gx = serving.translate(dtn, people.pixels, label=f"G translates {people.title}")
    probes = _probes(people.pixels, gx, nearest_of(dtn, people.pixels, t), t)
    codes = _codes(descriptor, probes, people.title, cache_dir)
    found = {k: person_ranks(v, codes["source"], people.labels) for k, v in codes.items()}
    ranks, who = {k: part[0] for k, part in found.items()}, found["source"][1]
    return {
        "title": people.title,
        "n": len(ranks["source"]),
        "people": len(np.unique(who)),  # of two photos or more
        "probes": {k: summary(ranks[k], who=who) for k in PROBES},
        "ahead": ahead(ranks["translation"], ranks["nearest"], who=who),
    }


def _distractors(descriptor, sets, cache_dir):
    """Codes of training images, in another view each as the gallery: a photo as it is would be
    told from a changed one, whoever it shows.
    """
    s = sets.s if len(sets.s) <= DISTRACTORS else sets.s.head(DISTRACTORS)
    views_of_s = second_view(s.pixels, seed=_SEED + 1)
    return _kept(descriptor, views_of_s, f"another view of {s.title}", cache_dir)


def _codes(descriptor, probes, title, cache_dir):
    """Codes of each kind of picture. Only translations are of one run: the others are kept."""
    found = {}
    for kind, pixels in probes.items():
        label = f"{kind}, {title}"
        if kind == "translation":
            label = f"the descriptor reads {label}"
            found[kind] = serving.apply(descriptor, pixels, batch_size=50, label=label)
        else:
            found[kind] = _kept(descriptor, pixels, label, cache_dir)
    return found


def _kept(descriptor, pixels, title, cache_dir):
    pictures = Pictures(pixels, title)
    return np.asarray(features.of(descriptor, descriptor.hash, pictures, cache_dir))


def second_view(x, seed=_SEED):
    """Returns another photo of each image, as far as one can be made of it: uint8 array.

    Args:
        x: uint8 array `(n, size, size, 3)`.
        seed: Of the crops, mirrors and lights.
    """
    parts = [
        images.to_uint8(views.view(images.to_model(part), tf.constant((seed, k)), **_VIEW))
        for k, part in enumerate(np.array_split(x, -(-len(x) // 100)))
    ]
    return np.concatenate([part.numpy() for part in parts])


def _ranks(found, is_own):
    """Place of the best own entry in each row; equal ones share their places."""
    best = np.where(is_own, found, -np.inf).max(axis=1, keepdims=True)
    others = np.where(is_own, -np.inf, found)
    rounding = 1e-6  # of float32 cosines
    higher = np.sum(others > best + rounding, axis=1)
    equal = np.sum(np.abs(others - best) <= rounding, axis=1)
    return 1.0 + higher + equal / 2.0


def _directions(codes):
    centred = codes - np.mean(codes, axis=0, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.maximum(length, 1e-12)


def _resampled(n, seed, who=None):
    """Rows of images, drawn anew so many times; with `who` all images of people drawn anew."""
    draw = np.random.default_rng(seed)
    if who is None:
        return draw.integers(0, n, (_RESAMPLES, n))
    images_of = [np.flatnonzero(who == k) for k in np.unique(who)]
    drawn = draw.integers(0, len(images_of), (_RESAMPLES, len(images_of)))
    return [np.concatenate([images_of[k] for k in people]) for people in drawn]


def _interval(values):
    return [float(v) for v in np.percentile(values, (2.5, 97.5))]
