"""Scores a run as in the paper: a classifier of the target domain reads translations.

The classifier, the judge, is trained on labelled target images alone, with settings
that no translation had a part in. Source labels are used to score, never before.
"""

import json
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import (
    callbacks,
    classify,
    config,
    figures,
    images,
    judges,
    loop,
    report,
    run_dir,
    serving,
    train,
)
from dtn_tf.data import domains, sources
from dtn_tf.data.digits import hold_out

SPLITS = ("test", "validation")
_NUM_SHOWN = 128  # translations in the figure


def newest_run(root):
    """Returns the finished run under `root` that was finished last.

    Raises:
        ValueError: If there is none.
    """
    finished = sorted(pathlib.Path(root).glob("*/dtn.keras"), key=lambda p: p.stat().st_mtime)
    if not finished:
        raise ValueError(
            f"No finished run in {root}. Train one first: python train_main.py --domain=svhn"
        )
    return finished[-1].parent


def evaluate(
    workdir,
    cache_dir,
    split="test",
    data=None,
    data_dir=None,
    judge_steps=config.JUDGE_STEPS,
):
    """Scores one run, and leaves numbers, tables and figures in its directory.

    Args:
        workdir: Directory of a finished run.
        cache_dir: Where trained judges are kept.
        split: "test", or "validation", the tail of train that training never saw.
        data: As `DTNConfig.data`; None for the data the run was trained on.
        data_dir: As `DTNConfig.data_dir`; None for the run's.
        judge_steps: Batches that train the judge.

    Returns:
        The result, a dict as in eval.jsonl, and the paper's table as Markdown.

    Raises:
        ValueError: If the run is not finished, or the data cannot be had.
    """
    workdir = pathlib.Path(workdir)
    if split not in SPLITS:
        raise ValueError(f"split={split!r}; expected one of {', '.join(SPLITS)}.")
    settings = finished(workdir)
    source = sources.open_source(data or settings.data, data_dir or settings.data_dir, cache_dir)
    task = domains.TASKS[settings.domain]
    print(source.notice, flush=True)
    digits = source_digits(settings, source, split)
    real = source.load(task.target, "test")
    judge, judge_accuracy = judges.train_judge(source, task.target, real, cache_dir, judge_steps)
    dtn = train.load(workdir)
    result = {
        "workdir": str(workdir),
        "preset": settings.preset,
        "domain": settings.domain,
        "seed": settings.seed,
        "steps": settings.steps,
        "split": split,
        "data": source.name,
        "source": digits.title,
        "target": real.title,
        "n": len(digits.images),
        "images": digits.fingerprint(),
        "judge": judge_accuracy,
        "judge_steps": judge_steps,
        "f": f_accuracies(workdir, digits, real),
        "minutes": sum(run_dir.timing(workdir).values()) / 60,
        "commit": run_dir.commit(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **score(dtn, judge, digits, real),
    }
    _leave(workdir, dtn, digits, result)
    return result, report.table(_rows_like(result, workdir), settings.domain, split)


def source_digits(settings, source, split):
    """Returns the labelled `Digits` of the source domain that a run is scored on.

    Args:
        settings: `DTNConfig` of the run.
        source: What `sources.open_source` returned.
        split: "test", or "validation", the tail of train that training never saw.
    """
    name = domains.TASKS[settings.domain].source
    if split == "test":
        return source.load(name, "test")
    return hold_out(source.load(name, "train"), settings.num_validation)[1]


def finished(workdir):
    """Returns the `DTNConfig` of a finished run.

    Raises:
        ValueError: If the run is not finished.
    """
    settings = config.DTNConfig(**run_dir.read(workdir)["config"])
    if not (pathlib.Path(workdir) / "dtn.keras").exists():
        raise ValueError(
            f"{workdir} is not finished. Go on: python train_main.py --workdir={workdir}"
            f" --domain={settings.domain} --preset={settings.preset}"
        )
    return settings


def score(dtn, judge, digits, real):
    """Measures translations of labelled source images.

    Args:
        dtn: Trained `DTN`.
        judge: `Classifier` of the target domain.
        digits: Labelled source `Digits`.
        real: `Digits` of the target domain, for the Fréchet distance.

    Returns:
        Dict: accuracy, original (the judge on untranslated images), per_digit,
        confusion (true digit, read digit), frechet, frechet_floor.
    """
    gx = translate(dtn, digits.images)
    read = classify.predict(judge, gx)
    confusion = confusion_matrix(digits.labels, read, judge.num_classes)
    counts = confusion.sum(axis=1)
    order = np.random.default_rng(0).permutation(len(real.images))
    halves = np.array_split(order, 2)
    half_a, half_b = (_features(judge, real.images[rows]) for rows in halves)
    return {
        "accuracy": float(np.mean(read == digits.labels)),
        "original": classify.accuracy(judge, digits),
        "per_digit": [
            float(confusion[k, k] / counts[k]) if counts[k] else None for k in range(len(counts))
        ],
        "confusion": confusion.tolist(),
        "frechet": frechet_distance(_features(judge, gx), half_a),
        "frechet_floor": frechet_distance(half_b, half_a),
    }


def translate(dtn, x, batch_size=500):
    """Translates uint8 images `(n, 32, 32, channels)` through the door that serving uses."""
    compiled = tf.function(lambda batch: serving.translate(dtn, batch), reduce_retracing=True)
    parts = [compiled(x[k : k + batch_size]).numpy() for k in range(0, len(x), batch_size)]
    return np.concatenate(parts)


def reconstruct(dtn, x):
    """Returns G(x) of the target domain's uint8 images, uint8 and of the same shape."""
    return classify.apply(lambda batch: images.to_uint8(dtn.reconstruct(batch)), x)


def confusion_matrix(labels, read, num_classes):
    """Counts `(true class, read class)` pairs: int array `(num_classes, num_classes)`."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (labels, read), 1)
    return counts


def frechet_distance(a, b):
    """Distance between two sets of features, each seen as a Gaussian.

        |mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2))

    Args:
        a: float array `(n, features)`.
        b: float array `(m, features)`.

    Returns:
        float, 0 for equal means and covariances.

    Source: Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500, which
    takes the features of Inception; these are of the judge.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # C_a C_b is similar to a positive semi-definite matrix: real eigenvalues >= 0.
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real
    root_trace = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    between = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return float(between + np.trace(cov_a) + np.trace(cov_b) - 2.0 * root_trace)


def _features(judge, x):
    return classify.apply(judge.encoder, x)


def f_accuracies(workdir, *digits):
    """Measures the f of a run on labelled `Digits`: dict, title -> share read right."""
    f = keras.models.load_model(workdir / "f.keras")
    return {part.title: classify.accuracy(f, part) for part in digits}


def _rows_like(result, workdir):
    """The newest result of every run beside `workdir` that is comparable to `result`."""
    rows = []
    for path in sorted(workdir.parent.glob("*/eval.jsonl")):
        same = [
            row
            for row in map(json.loads, path.read_text().splitlines())
            if all(row[k] == result[k] for k in ("domain", "split", "data", "n"))
        ]
        rows += same[-1:]
    return rows


def _leave(workdir, dtn, digits, result):
    """Writes eval.jsonl, eval.md, figures and TensorBoard events."""
    path = workdir / "eval.jsonl"
    lines = path.read_text() if path.exists() else ""
    lines += json.dumps(result) + "\n"
    loop.save_atomically(path, lambda temporary: temporary.write_text(lines))
    text = report.table(_rows_like(result, workdir), result["domain"], result["split"])
    text += "\n" + report.details(result)
    folder = workdir / f"eval-{result['split']}"
    loop.save_atomically(folder / "table.md", lambda temporary: temporary.write_text(text))
    rows = np.random.default_rng(0).choice(len(digits.images), _NUM_SHOWN)
    x = digits.images[rows]
    figures.draw_translations(result, x, translate(dtn, x), folder / "translations.png")
    figures.draw_confusion(result, folder / "confusion.png")
    with callbacks.writer(workdir / "tb" / f"eval-{result['split']}") as writer:
        with writer.as_default(step=result["steps"]):
            for name in ("accuracy", "original", "frechet", "frechet_floor", "judge"):
                tf.summary.scalar(f"eval/{name}", result[name])
            tf.summary.text("eval/table", text)
            for name in ("translations", "confusion"):
                picture = tf.io.decode_png((folder / f"{name}.png").read_bytes(), channels=3)
                tf.summary.image(f"eval/{name}", picture[tf.newaxis])
