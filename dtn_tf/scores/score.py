"""Scores a run as in the paper: a classifier of the target domain reads translations.

The classifier, the judge, is trained on labelled target images alone, with settings
that no translation had a part in. Source labels are used to score, never before.
"""

import contextlib
import functools
import pathlib

import numpy as np
import tensorflow as tf

from dtn_tf import classify, config, files, runs, serving
from dtn_tf.data import stores
from dtn_tf.errors import UserError
from dtn_tf.scores import figures, measures, report, results
from dtn_tf.scores import line as line_lib
from dtn_tf.scores.yardstick import Yardstick

SPLITS = ("test", "validation")
_NUM_SHOWN = 128  # translations in the figure


def score(
    workdir,
    cache_dir,
    split="test",
    data=None,
    data_dir=None,
    judge_steps=config.JUDGE_STEPS,
    first_n=0,
):
    """Scores one run, and leaves numbers, tables and figures in its directory.

    Args:
        workdir: Directory of a finished run.
        cache_dir: Where trained judges are kept.
        split: "test", or "validation", the tail of train that training never saw.
        data: As `DTNConfig.data`; None for the data the run was trained on.
        data_dir: As `DTNConfig.data_dir`; None for the run's.
        judge_steps: Batches that train the judge.
        first_n: Score on the first so many test images; 0 is all.

    Returns:
        The result line, a dict, as appended to eval.jsonl.

    Raises:
        UserError: If the run is not finished, or the data cannot be had.
    """
    _check(split, first_n)
    run = runs.finished(workdir)
    store = store_of(run, data, data_dir, cache_dir)
    print(store.notice, flush=True)
    return of_run(run, Yardstick(store, cache_dir, judge_steps, first_n), split)


def run_and_print(workdir, runs_dir, cache_dir, **how):
    """Scores one run and prints it, beside the runs in its folder that compare.

    Args:
        workdir: Directory of a finished run; None for the one in `runs_dir` finished last.
        runs_dir: Folder of run directories.
        cache_dir: Where trained judges are kept.
        **how: More arguments of `score`.
    """
    workdir = pathlib.Path(workdir or runs.newest(runs_dir))
    print(f"Scoring {workdir}.", flush=True)
    line = score(workdir, cache_dir, **how)
    table, left_out = beside(line, workdir)
    print("\n".join(["", *left_out, table, report.details(line)]))
    print(f"Tables and figures: {_folder(workdir, line['split'])}", flush=True)


def store_of(run, data, data_dir, cache_dir):
    """Opens the store of a run's data, or the one that is asked for in its place."""
    return stores.open_store(data or run.config.data, data_dir or run.config.data_dir, cache_dir)


def of_run(run, yardstick, split):
    """Scores a finished run by a yardstick; returns the line that `score` returns."""
    sets = yardstick.sets(run)
    shown, real = images_of(sets, split), sets.target_test
    classifier, facts = yardstick.judge(sets)
    dtn = serving.load(run.workdir)
    gx = serving.translate(dtn, shown.pixels, label=f"{run.title} translates {shown.title}")
    line = {
        **line_lib.of(run, "score", split, shown, real),
        "judge": facts,
        **numbers(gx, classifier, shown, real),
    }
    line = line_lib.append(run, line)
    _leave(run, line, shown, gx)
    return line


def images_of(sets, split):
    """Returns the labelled source `Pictures` of a split, on which runs are scored."""
    return sets.test if split == "test" else sets.validation


def numbers(gx, classifier, shown, real):
    """Measures translations of labelled source images.

    Args:
        gx: uint8 array, the translations of `shown`.
        classifier: The judge, a `Classifier` of the target domain.
        shown: Labelled source `Pictures`.
        real: `Pictures` of the target domain, for the Fréchet distance.

    Returns:
        Dict: accuracy, original (the judge on untranslated images), per_digit,
        confusion (true digit, read digit), frechet, frechet_floor.
    """
    read = classify.predict(classifier, gx)
    confusion = measures.confusion_matrix(shown.labels, read, classifier.num_classes)
    features = functools.partial(serving.apply, classifier.encoder)
    half_a, half_b = map(features, measures.halves(real))
    return {
        "accuracy": float(np.mean(read == shown.labels)),
        "original": classify.accuracy(classifier, shown),
        "per_digit": measures.per_class(confusion),
        "confusion": confusion.tolist(),
        "frechet": measures.frechet_distance(features(gx), half_a),
        "frechet_floor": measures.frechet_distance(half_b, half_a),
    }


def beside(line, workdir):
    """Lays a result out with those of the runs beside its own that compare.

    Args:
        line: Result line.
        workdir: Directory of its run.

    Returns:
        Markdown, and a list of sentences: what was left out, and why.
    """
    lines, left_out = [], []
    for path in sorted(pathlib.Path(workdir).resolve().parent.glob("*/eval.jsonl")):
        of_run, warnings = results.read(path)
        same = [other for other in of_run if not results.comparable(line, other)]
        lines += same
        left_out += warnings
        if of_run and not same:
            why = results.comparable(line, of_run[-1])
            left_out.append(f"{path.parent} is not in the table: {why}.")
    return report.table(report.table_of(line), lines, line["split"]), left_out


def _check(split, first_n):
    if split not in SPLITS:
        raise UserError(f"split={split!r}; expected one of {', '.join(SPLITS)}.")
    if first_n and split != "test":
        raise UserError(f"first_n={first_n} picks test images; leave it out with split={split}.")


def _folder(workdir, split):
    return pathlib.Path(workdir) / f"eval-{split}"


def _leave(run, line, shown, gx):
    """Writes table, figures and TensorBoard events of a result."""
    folder = _folder(run.workdir, line["split"])
    text = f"{beside(line, run.workdir)[0]}\n{report.details(line)}"
    files.save_text(folder / "table.md", text)
    rows = np.random.default_rng(0).choice(len(gx), _NUM_SHOWN)
    figures.draw_translations(line, shown.pixels[rows], gx[rows], folder / "translations.png")
    figures.draw_confusion(line, folder / "confusion.png")
    events = tf.summary.create_file_writer(str(run.workdir / "tb" / folder.name))
    with contextlib.closing(events), events.as_default(step=line["steps"]):
        _write_events(line, text, folder)


def _write_events(line, text, folder):
    for name in ("accuracy", "original", "frechet", "frechet_floor"):
        tf.summary.scalar(f"eval/{name}", line[name])
    tf.summary.scalar("eval/judge", line["judge"]["accuracy"])
    tf.summary.text("eval/table", text)
    for name in ("translations", "confusion"):
        picture = tf.io.decode_png((folder / f"{name}.png").read_bytes(), channels=3)
        tf.summary.image(f"eval/{name}", picture[tf.newaxis])
