"""Scores a run: as in the paper by a judge where both domains have the same classes, else by
distances.

The judge, a classifier, is trained on labelled target images alone, with settings that no
translation had a part in. Source labels are used to score, never before.
"""

import pathlib

from dtn_tf import config, files, runs, serving
from dtn_tf.data import domains, stores
from dtn_tf.data import sets as sets_lib
from dtn_tf.errors import UserError
from dtn_tf.scores import (
    control_tables,
    controls,
    distances,
    gallery_page,
    independent,
    layout,
    output,
    report,
    results,
    scorers,
)
from dtn_tf.scores import descriptor as descriptors
from dtn_tf.scores import line as line_lib
from dtn_tf.scores.yardstick import Yardstick

SPLITS = ("test", "validation")


def score(
    workdir,
    cache_dir,
    split="test",
    data=None,
    data_dir=None,
    judge_steps=config.JUDGE_STEPS,
    first_n=0,
    with_distances=False,
    descriptor="auto",
    with_controls=True,
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
        with_distances: Whether distances are measured where a judge suffices, too.
        descriptor: Face net that measures retrieval, see `scores.descriptor.of`.
        with_controls: Whether the controls are measured, too, where a judge scores: a line of
            their own, see `scores.controls`.

    Returns:
        The result line of the run, a dict, as appended to eval.jsonl.

    Raises:
        UserError: If the run is not finished, or the data cannot be had.
    """
    _check(split, first_n)
    run = runs.finished(workdir)
    yardstick = yardstick_of(run, cache_dir, data, data_dir, judge_steps, first_n, descriptor)
    return of_run(run, yardstick, split, with_distances, with_controls)


def yardstick_of(
    run,
    cache_dir,
    data=None,
    data_dir=None,
    judge_steps=config.JUDGE_STEPS,
    first_n=0,
    descriptor=descriptors.AUTO,
):
    """Returns the `Yardstick` of a run; the arguments are those of `score`."""
    net = _descriptor_of(run, descriptor)
    store = store_of(run, data, data_dir, cache_dir)
    print(store.notice, flush=True)
    return Yardstick(store, cache_dir, judge_steps, first_n, net)


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
    if line["row"] == "tiny" and line["judge"]:
        chance = layout.percent(1.0 / len(layout.classes_of(line)))
        print(f"A score near chance ({chance}) is expected of --preset=tiny: it is a first look.")
    where = output.folder(workdir, line["split"])
    print(f"Tables and figures: {where}", flush=True)
    print(f"All of it on one page: {where / gallery_page.NAME}", flush=True)


def store_of(run, data, data_dir, cache_dir):
    """Opens the store of a run's data, or the one that is asked for in its place."""
    return stores.of(run.config, cache_dir, data, data_dir)


def of_run(run, yardstick, split, with_distances=False, with_controls=False):
    """Scores a finished run by a yardstick; returns the line that `score` returns."""
    sets = yardstick.sets(run)
    shown, real = sets_lib.of_split(sets, split), sets.real(split)
    known = yardstick.descriptor is not None, yardstick.has_attributes
    names = scorers.of(sets.task, shown, real, with_distances, *known)
    _check_judge(run, yardstick, names)
    _check_early(run, names, shown, real)
    dtn = serving.load(run.workdir)
    needed = shown.pixels if "judge" in names else shown.pixels[: distances.AT_MOST]
    gx = serving.translate(dtn, needed, label=f"{run.title} translates {shown.title}")
    translated = scorers.Translated(dtn, sets, yardstick, split, shown, real, gx)
    kind = "score" if "judge" in names else results.DISTANCES
    line = {**line_lib.of(run, kind, split, shown, real), "judge": None}
    for name in names:
        line |= scorers.SCORERS[name](translated)
    line = line_lib.append(run, line)
    if with_controls and "judge" in names:  # the score is kept by now
        _measure_controls(run, yardstick, split, dtn)
    text = f"{beside(line, run.workdir)[0]}\n{report.details(line)}"
    output.leave(line, text, translated, run.workdir)
    return line


def _check_early(run, names, shown, real):
    """Refuses, before anything is translated, what would be found out in the end."""
    if "distances" in names:
        distances.require_enough(shown, real)
    why = files.why_unwritable(run.workdir)
    if why:
        raise UserError(f"{run.workdir} keeps its scores itself, and cannot be written: {why}.")


def _measure_controls(run, yardstick, split, dtn):
    """Measures controls; what keeps them from it does not keep the run from its score."""
    try:
        controls.of_run(run, yardstick, split, dtn)
    except UserError as error:
        print(f"Controls are not measured: {error}", flush=True)


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
        lines += [other for other in of_run if control_tables.stands_beside(other, line)]
        left_out += warnings
        of_run = [other for other in of_run if other["kind"] == line["kind"]]
        if of_run and not same:
            why = results.comparable(line, of_run[-1])
            left_out.append(f"{path.parent} is not in the table: {why}.")
    return report.beside(line, lines), left_out


def _check(split, first_n):
    if split not in SPLITS:
        raise UserError(f"split={split!r}; expected one of {', '.join(SPLITS)}.")
    if first_n and split != "test":
        raise UserError(f"first_n={first_n} picks test images; leave it out with split={split}.")


def _descriptor_of(run, descriptor):
    """The face net that measures retrieval; None for what shows no faces."""
    if run.config.domain in domains.FACES:
        return descriptors.of(descriptor, run)
    if descriptor not in (descriptors.AUTO, descriptors.NONE):
        raise UserError(
            f"descriptor={descriptor} would be ignored: {run.workdir} is of"
            f" --domain={run.config.domain}, and faces alone are looked for by a face net."
            " Leave it out."
        )
    return None


def _check_judge(run, yardstick, names):
    """Refuses a judge's setting where no judge is trained, the independent net's neither."""
    if yardstick.judge_steps == config.JUDGE_STEPS or "judge" in names:
        return
    if not independent.is_judge(yardstick.sets(run)):
        raise UserError(
            f"judge_steps={yardstick.judge_steps} would be ignored: the target of {run.workdir}"
            " has no classes, so that there is no judge. Leave it out."
        )
