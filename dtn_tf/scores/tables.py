"""All runs of a table: what is missing is trained, what is not scored is scored, then laid out.

The tables are made of result lines alone, old and new ones in results/results.jsonl: they can
be printed, and grow, where neither the runs nor the pictures are at hand.
"""

import dataclasses
import pathlib

from dtn_tf import config, files, presets, runs
from dtn_tf.data import domains, stores
from dtn_tf.data import sets as sets_lib
from dtn_tf.errors import UserError
from dtn_tf.scores import (
    adaptation,
    agreement,
    controls,
    distances,
    gallery,
    independent,
    needed,
    paper_tables,
    report,
    results,
    retrieval,
)
from dtn_tf.scores import descriptor as descriptors
from dtn_tf.scores import score as score_lib
from dtn_tf.scores import yardstick as yardstick_lib

_FILE = "results.jsonl"
_DRAWN = ("score", results.DISTANCES)  # kinds of results whose translations a figure shows


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are.

    Attributes:
        runs_dir: Folder of run directories.
        cache_dir: Where f, judges and drawn digits are kept.
        results_dir: Folder of results.jsonl, and for figures.
    """

    runs_dir: pathlib.Path
    cache_dir: pathlib.Path
    results_dir: pathlib.Path


def make(
    names,
    places,
    data=None,
    data_dir=None,
    judge_steps=config.JUDGE_STEPS,
    first_n=0,
    train_missing=False,
    num_seeds=None,
    descriptor="auto",
    content=None,
):
    """Brings some tables up to date with the finished runs at hand.

    Args:
        names: Tables, of `presets.TABLES`, or `presets.FACES`.
        places: `Places`.
        data: As `DTNConfig.data`, runs of other data are passed over; None for all runs, each
            scored on its own.
        data_dir: As `DTNConfig.data_dir`; None for each run's own.
        judge_steps: Batches that train the judge.
        first_n: Score on the first so many test images; 0 is all.
        train_missing: Whether rows with no finished run, and without a result that the table
            shows, are trained first, one by one. Results of code of another recipe do not
            count. A second start resumes where the first one was stopped.
        num_seeds: Runs per row to train; None for what the row asks for, one in reverse.
        descriptor: Face net that measures retrieval, see `scores.descriptor.of`.
        content: As `DTNConfig.content`, of the rows of faces to train; None for the default.

    Returns:
        The tables as Markdown.

    Raises:
        UserError: If the results cannot be written, or data to train on cannot be had.
    """
    if presets.FACES in names:
        descriptors.check(descriptor)
    book = places.results_dir / _FILE
    lines = _read(book)
    if train_missing:
        needed.train_missing(names, places, data, data_dir, num_seeds, lines, content)
    at_hand = _find(names, places.runs_dir, data)
    measured = _Measured(places, data, data_dir, judge_steps, first_n, descriptor)
    shown = {name: [] for name in names}
    for run in at_hand:
        for name in _tables_of(run, names):
            needs = needed.of(name, run.row, run.changes, run.config.method)
            found = [line for need in needs if (line := measured.line(run, *need))]
            shown[name] += [(run, line) for line in found if line["kind"] in _DRAWN]
            for line in found:
                if line not in lines:
                    results.append(book, line)
                    lines.append(line)
    for name in names:
        try:
            gallery.draw(name, shown[name], measured.pictures, places.results_dir)
        except UserError as error:  # its pictures are not at hand: the table needs none
            print(f"Table {name}: no figures. {error}", flush=True)
    texts = [f"Table {name}\n\n{report.table(name, lines)}" for name in names]
    return "\n".join([*texts, report.retired(lines)])


def run_and_print(names, runs_dir, cache_dir, results_dir, **how):
    """Prints some tables; the arguments are those of `Places` and of `make`."""
    places = Places(*map(pathlib.Path, (runs_dir, cache_dir, results_dir)))
    print(f"\n{make(names, places, **how)}", flush=True)


class _Measured:
    """Result lines of runs: found in their folders, or measured now."""

    def __init__(self, places, data, data_dir, judge_steps, first_n, descriptor):
        self._places, self._data, self._data_dir = places, data, data_dir
        self._how, self._descriptor = (judge_steps, first_n), descriptor
        self._yardsticks = {}

    def line(self, run, kind, split):
        """Returns a run's newest line of some kind by this yardstick; None if there is none.

        What keeps one run from being scored is said, and does not keep the others from it.
        """
        known = self._known(run, kind, split)
        try:
            yardstick = self._yardstick(run)
            if not any(_is_by(line, run, yardstick) for line in known):
                with files.locked(run.workdir, wait=True):  # two processes would both measure it
                    known = self._known(run, kind, split)
                    if not any(_is_by(line, run, yardstick) for line in known):
                        return _measure(run, yardstick, kind, split)
            return [line for line in known if _is_by(line, run, yardstick)][-1]
        except UserError as error:
            print(f"{run.workdir} is not scored: {error}", flush=True)
            return known[-1] if known else None

    def _known(self, run, kind, split):
        lines = _read(run.workdir / "eval.jsonl")
        return [line for line in lines if (line["kind"], line["split"]) == (kind, split)]

    def pictures(self, run):
        """Returns the labelled test `Pictures` of a run's source."""
        return self._yardstick(run).sets(run).test

    def _yardstick(self, run):
        is_pair = run.config.domain in domains.PAIRS  # its sets are of the run's own settings
        where = (self._data or run.config.data, self._data_dir or run.config.data_dir)
        key = run.workdir if is_pair else where
        if key not in self._yardsticks:
            made = self._of_pair(run) if is_pair else self._of_store(*where)
            self._yardsticks[key] = made
        return self._yardsticks[key]

    def _of_pair(self, run):
        where = self._places.cache_dir, self._data, self._data_dir
        return score_lib.yardstick_of(run, *where, *self._how, self._descriptor)

    def _of_store(self, data, data_dir):
        store = stores.open_store(data, data_dir, self._places.cache_dir)
        print(store.notice, flush=True)
        return yardstick_lib.Yardstick(store, self._places.cache_dir, *self._how)


def _is_by(line, run, yardstick):
    """Whether a line was measured on the yardstick's pictures and by its judge."""
    sets = yardstick.sets(run)
    shown = sets_lib.of_split(sets, line["split"])
    if line["images"]["fingerprint"] != shown.fingerprint():
        return False
    if line["kind"] == results.DISTANCES:
        return _is_by_nets(line, sets, yardstick)
    if line["kind"] == adaptation.KIND:
        return adaptation.is_by(line, sets.target_test, yardstick.judge_steps)
    if line["kind"] == results.CONTROL:
        return controls.is_by(line, shown, yardstick.judge(sets)[1])
    same_judge = line["judge"]["hash"] == yardstick.judge(sets)[1]["hash"]
    return same_judge and agreement.frechet_images(line) is not None


def _is_by_nets(line, sets, yardstick):
    """Whether distances are to the same real images, and by the same nets.

    Where no face net is at hand, what one measured before stays.
    """
    known = line.get("retrieval") or {}
    recipe, net = known.get("recipe", 1), known.get("descriptor", {}).get("hash")
    asked = yardstick.descriptor
    return (
        line["target"]["fingerprint"] == sets.real(line["split"]).fingerprint()
        and line["distances"].get("recipe", 1) == distances.RECIPE
        and line["distances"]["independent"]["hash"] == independent.by(yardstick, sets).hash
        and (asked is None or (recipe, net) == (retrieval.RECIPE, asked.hash))
    )


def _measure(run, yardstick, kind, split):
    if kind == adaptation.KIND:
        print(f"Teaching classifiers by translations of {run.workdir}.", flush=True)
        return adaptation.of_run(run, yardstick)
    if kind == results.CONTROL:
        return controls.of_run(run, yardstick, split)
    print(f"Scoring {run.workdir} on {split}.", flush=True)
    return score_lib.of_run(run, yardstick, split)


def _find(names, runs_dir, data):
    """The finished runs that the tables are about; says which it passes over and why."""
    found, left_out = runs.all_finished(runs_dir)
    kept = []
    for run in found:
        if data not in (None, "auto", run.config.data):
            left_out.append(f"{run.workdir} is passed over: of data {run.config.data}, not {data}.")
        elif not _tables_of(run, names):
            left_out.append(
                f"{run.workdir} is passed over: {run.title}, --domain={run.config.domain}, is in"
                f" no table of {', '.join(names)}."
            )
        else:
            kept.append(run)
    for why in left_out:
        print(why, flush=True)
    return kept


def _tables_of(run, names):
    """The tables, of some, that have a row for a run."""
    row = presets.ROWS[run.row]
    domain = run.config.domain
    return [name for name in names if name in row.paper and domain in paper_tables.domains_of(name)]


def _read(path):
    """The lines of a file; says which are torn."""
    lines, warnings = results.read(path)
    for warning in warnings:
        print(warning, flush=True)
    return lines
