"""Table 2 of the paper: translations with source labels teach a classifier of the target.

Domain adaptation: nobody labelled a target image, the source's labels travel with
the translated pictures. The target's test images are read as they are, as in the paper,
and as G paints them: G takes both domains, and two pictures by the same hand compare better.
"""

import dataclasses

import numpy as np
from sklearn import neighbors

from dtn_tf import config, images, runs, serving
from dtn_tf.scores import judge
from dtn_tf.scores import line as line_lib
from dtn_tf.scores import score as score_lib
from dtn_tf.scores import yardstick as yardstick_lib

KIND = "adaptation"


def measure(workdir, cache_dir, data=None, data_dir=None, judge_steps=config.JUDGE_STEPS):
    """Measures a run's rows of Table 2.

    Args:
        workdir: Directory of a finished run.
        cache_dir: Where trained classifiers are kept.
        data: As `DTNConfig.data`; None for the data the run was trained on.
        data_dir: As `DTNConfig.data_dir`; None for the run's.
        judge_steps: Batches that train the judge's architecture on translations.

    Returns:
        The result line, a dict, as appended to eval.jsonl.

    Raises:
        UserError: If the run is not finished, or the data cannot be had.
    """
    run = runs.finished(workdir)
    store = score_lib.store_of(run, data, data_dir, cache_dir)
    print(store.notice, flush=True)
    return of_run(run, yardstick_lib.Yardstick(store, cache_dir, judge_steps))


def of_run(run, yardstick):
    """Measures a finished run by a yardstick; returns the line that `measure` returns."""
    sets = yardstick.sets(run)
    real, dtn = sets.target_test, serving.load(run.workdir)
    painted = serving.apply(lambda x: images.to_uint8(dtn.reconstruct(x)), real.pixels)
    seen = {"": real, "_of_g": _moved(real, painted)}
    # Not the validation tail: `s_labelled` is what DTN was trained on, the paper's s.
    references = {"train": sets.s_labelled, "test": sets.test}
    rows = {
        split: _row(run, dtn, pictures, seen, yardstick) for split, pictures in references.items()
    }
    line = line_lib.of(run, KIND, "test", sets.test, real, accuracies_of=(real,))
    # No judge reads here. What it has in common with these classifiers is its training.
    line |= {"judge": {"hash": None, "accuracy": None, "steps": yardstick.judge_steps}}
    return line_lib.append(run, {**line, "recipe": judge.RECIPE, "rows": rows})


def is_by(line, real, judge_steps):
    """Whether a line is of classifiers that are trained as now, on these test images."""
    return (
        line["judge"]["steps"] == judge_steps
        and line.get("recipe", 1) == judge.RECIPE
        and line["target"]["fingerprint"] == real.fingerprint()
    )


def nearest_neighbour(reference, labels, x):
    """Gives each image the label of the nearest reference image, in pixel space.

    The paper's "simple nearest neighbour": taken to be the first, Euclidean, exact.

    Args:
        reference: uint8 array `(n, height, width, channels)`.
        labels: int array `(n,)`.
        x: uint8 array `(m, height, width, channels)`.

    Returns:
        int array `(m,)`.
    """
    model = neighbors.KNeighborsClassifier(1, algorithm="brute")
    model.fit(_vectors(reference), labels)
    return model.predict(_vectors(x))


def _row(run, dtn, pictures, seen, yardstick):
    """Learns from the translations of one set; returns what it reads right."""
    label = f"{run.title} translates {pictures.title}"
    gx = serving.translate(dtn, pictures.pixels, label=label)
    reference = _moved(pictures, gx)
    row = {"reference": reference.title, "images": len(gx)}
    where = (yardstick.cache_dir, yardstick.judge_steps)
    for name, part in seen.items():  # the second time the classifier is found
        row[f"classifier{name}"] = judge.train(reference, part, *where)[1]["accuracy"]
        read = nearest_neighbour(gx, reference.labels, part.pixels)
        row[f"nearest_neighbour{name}"] = float(np.mean(read == part.labels))
    return row


def _moved(pictures, pixels):
    """The same pictures and labels, as G paints them."""
    title = f"G({pictures.title})"
    return dataclasses.replace(pictures, pixels=pixels, title=title, published=None, order=None)


def _vectors(x):
    return x.reshape(len(x), -1).astype(np.float32) / 255.0
