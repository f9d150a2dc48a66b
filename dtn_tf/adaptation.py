"""Table 2 of the paper: translations with source labels teach a classifier of the target.

Domain adaptation: nobody labelled a target image, the source's labels travel with
the translated pictures. The target's test images are read as they are, as in the paper,
and as G paints them: G takes both domains, and two pictures by the same hand compare better.
"""

import pathlib

import numpy as np
from sklearn import neighbors

from dtn_tf import classify, config, evaluate, judges, run_dir, train
from dtn_tf.data import domains, sources
from dtn_tf.data.digits import Digits, hold_out


def measure(workdir, cache_dir, data=None, data_dir=None, judge_steps=config.JUDGE_STEPS):
    """Measures a run's rows of Table 2, and leaves them in its directory.

    Args:
        workdir: Directory of a finished run.
        cache_dir: Where trained classifiers are kept.
        data: As `DTNConfig.data`; None for the data the run was trained on.
        data_dir: As `DTNConfig.data_dir`; None for the run's.
        judge_steps: Batches that train the judge's architecture on translations.

    Returns:
        The result, a dict as in adaptation.json.

    Raises:
        ValueError: If the run is not finished, or the data cannot be had.
    """
    workdir = pathlib.Path(workdir)
    settings = evaluate.finished(workdir)
    source = sources.open_source(data or settings.data, data_dir or settings.data_dir, cache_dir)
    task = domains.TASKS[settings.domain]
    print(source.notice, flush=True)
    real = source.load(task.target, "test")
    dtn = train.load(workdir)
    painted = Digits(evaluate.reconstruct(dtn, real.images), real.labels, f"G({real.title})")
    result = {
        "preset": settings.preset,
        "domain": settings.domain,
        "seed": settings.seed,
        "target": real.title,
        "n": len(real.images),
        "f": evaluate.f_accuracies(workdir, real)[real.title],  # with no picture in between
        "commit": run_dir.commit(),
        "rows": {},
    }
    # Without the validation tail: what DTN was trained on, the paper's s.
    s = hold_out(source.load(task.source, "train"), settings.num_validation)[0]
    for split, digits in (("train", s), ("test", source.load(task.source, "test"))):
        moved = Digits(evaluate.translate(dtn, digits.images), digits.labels, f"G({digits.title})")
        row = {"reference": moved.title, "images": len(moved.images)}
        classifier, row["classifier"] = judges.fit(moved, task.target, real, cache_dir, judge_steps)
        row["classifier_of_g"] = classify.accuracy(classifier, painted)
        for way, seen in (("nearest_neighbour", real), ("nearest_neighbour_of_g", painted)):
            read = nearest_neighbour(moved.images, moved.labels, seen.images)
            row[way] = float(np.mean(read == seen.labels))
        result["rows"][split] = row
    run_dir.write_json(workdir / "adaptation.json", result)
    return result


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
    model.fit(_rows(reference), labels)
    return model.predict(_rows(x))


def _rows(x):
    return x.reshape(len(x), -1).astype(np.float32) / 255.0
