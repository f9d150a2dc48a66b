"""Flags of eval_main.py."""

import pathlib

from absl import flags

from dtn_tf import cli, config, presets
from flags import common_flags

WORKDIR = cli.define_path(
    "workdir", None, "Run to score. Unset: the newest finished run in --runs_dir."
)
TABLE = flags.DEFINE_enum(
    "table",
    None,
    (*presets.TABLES, presets.FACES, "all"),
    "Print a table of all results in --results_dir, after scoring the finished runs of --runs_dir"
    " that are not in it yet. 1: translated accuracy. 2: classifiers taught by translations."
    " 3: the digit 3 not shown. pieces: what each piece of dtn_adapted does (on validation, too)."
    " reverse: MNIST to SVHN. all: all of these. faces: faces to emoji. Unset: score one run.",
)
TRAIN_MISSING = flags.DEFINE_bool(
    "train_missing",
    False,
    "With --table: first train every row that has no result and no finished run, one run after"
    " the other. Stop it any time; the same command resumes.",
)
NUM_SEEDS = flags.DEFINE_integer(
    "num_seeds",
    None,
    "With --train_missing: runs per row. Unset: 3 of dtn, dtn_adapted, dtn_best and dtn_face, 1 of"
    " others; in reverse 1 of each.",
    lower_bound=1,
)
RUNS_DIR = cli.define_path("runs_dir", "runs", "Folder of run directories.")
RESULTS_DIR = cli.define_path(
    "results_dir", "results", "With --table: folder of results.jsonl, and of new figures."
)
SPLIT = flags.DEFINE_enum(
    "split",
    "test",
    ("test", "validation"),
    "Source images to translate. validation: the tail of train that training never saw.",
)
FIRST_N = flags.DEFINE_integer(
    "first_n",
    0,
    "Score on the first so many test images; 0 is all. 5000 is what the results in this"
    " repository are of.",
    lower_bound=0,
)
JUDGE_STEPS = flags.DEFINE_integer(
    "judge_steps",
    config.JUDGE_STEPS,
    "Batches that train the judge, which is cached.",
    lower_bound=1,
)
DISTANCES = flags.DEFINE_bool(
    "distances",
    False,
    "Also measure distances (KID and others) and draw nearest neighbours where a judge suffices."
    " Of folders they always are.",
)
DESCRIPTOR = cli.define_path(
    "descriptor",
    "auto",
    "Face net that measures retrieval (the paper's Table 4) of --domain=face and emoji. It is never"
    " f or f's teacher. face:PATH_OR_PACKAGE as --content takes it; none; auto: the first that is"
    " installed.",
)
CONTROLS = flags.DEFINE_bool(
    "controls",
    True,
    "Also measure what stands in for a translation with no g trained: the nearest target image"
    " under f, and others. Where a judge scores. It takes about as long as the score; longer"
    " where f(x) of s and t is no longer in --cache_dir.",
)
NAMES = (
    *("workdir", "runs_dir", "split", "first_n", "judge_steps", "descriptor", "controls"),
    *("table", "results_dir", "train_missing", "num_seeds"),
)


def check():
    """Refuses flags that have no meaning together, before anything is loaded.

    Raises:
        flags.IllegalFlagValueError: If there are such.
        UserError: If a folder is empty text.
    """
    for holder in (WORKDIR, RUNS_DIR, RESULTS_DIR):
        common_flags.folder(holder)
    if TABLE.value and WORKDIR.value:
        raise flags.IllegalFlagValueError(
            f"--workdir={WORKDIR.value} scores one run, --table={TABLE.value} all runs of"
            " --runs_dir: leave out one of the two."
        )
    if TABLE.value and SPLIT.value != "test":
        raise flags.IllegalFlagValueError(
            f"--split={SPLIT.value} is for one run: a table knows its splits. Leave it out."
        )
    if TRAIN_MISSING.value and not TABLE.value:
        raise flags.IllegalFlagValueError(
            "--train_missing without --table: say which table, or --table=all."
        )
    if common_flags.CONTENT.value and not (TRAIN_MISSING.value and TABLE.value == presets.FACES):
        raise flags.IllegalFlagValueError(
            f"--content={common_flags.CONTENT.value} is for --table=faces --train_missing: a run"
            " has its f. Leave it out."
        )
    if TABLE.value not in (None, presets.FACES) and DESCRIPTOR.value != "auto":
        raise flags.IllegalFlagValueError(
            f"--descriptor={DESCRIPTOR.value} compares faces: leave it out with"
            f" --table={TABLE.value}."
        )
    if NUM_SEEDS.value and not TRAIN_MISSING.value:
        raise flags.IllegalFlagValueError("--num_seeds without --train_missing changes nothing.")
    if DISTANCES.value and TABLE.value:
        raise flags.IllegalFlagValueError(
            f"--distances is for one run: leave it out with --table={TABLE.value}."
        )
    if TABLE.value and not CONTROLS.value:
        raise flags.IllegalFlagValueError(
            f"--nocontrols is for one run: leave it out with --table={TABLE.value}."
        )
    if FIRST_N.value and SPLIT.value != "test":
        raise flags.IllegalFlagValueError(
            f"--first_n={FIRST_N.value} picks test images; leave it out with --split={SPLIT.value}."
        )


def one_run():
    """Returns what `scores.score.run_and_print` takes, without the folders both mains know."""
    return {
        "workdir": WORKDIR.value,
        "runs_dir": RUNS_DIR.value,
        "split": SPLIT.value,
        "judge_steps": JUDGE_STEPS.value,
        "first_n": FIRST_N.value,
        "with_distances": DISTANCES.value,
        "descriptor": DESCRIPTOR.value,
        "with_controls": CONTROLS.value,
    }


def tables():
    """Returns what `scores.tables.run_and_print` takes, without the folders both mains know."""
    name = TABLE.value
    return {
        "names": presets.TABLES if name == "all" else (name,),
        "runs_dir": pathlib.Path(RUNS_DIR.value),
        "results_dir": pathlib.Path(RESULTS_DIR.value),
        "judge_steps": JUDGE_STEPS.value,
        "first_n": FIRST_N.value,
        "train_missing": TRAIN_MISSING.value,
        "num_seeds": NUM_SEEDS.value,
        "content": common_flags.CONTENT.value,
        "descriptor": DESCRIPTOR.value,
    }
