"""Flags of eval_main.py."""

from absl import flags

from dtn_tf import config

WORKDIR = flags.DEFINE_string(
    "workdir", None, "Run to score. Unset: the newest finished run in --runs_dir."
)
TABLE = flags.DEFINE_enum(
    "table",
    None,
    ("ablation", "adaptation", "unseen", "reverse", "pieces", "all"),
    "Score all finished runs of --runs_dir on test, and write a table with its figures into"
    " --results_dir: the paper's Table 1 (translated accuracy), 2 (classifiers taught by"
    " translations), 3 (the digit 3 not shown), MNIST to SVHN, what each piece of dtn_adapted"
    " does (on validation, too), or all of these. Unset: score one run.",
)
TRAIN_MISSING = flags.DEFINE_bool(
    "train_missing",
    False,
    "With --table: first train every run it needs that is not finished and has no record in"
    " --results_dir, one after the other. Stop it any time; the same command goes on.",
)
NUM_SEEDS = flags.DEFINE_integer(
    "num_seeds",
    None,
    "With --table: runs per row. Unset: 3 of dtn, dtn_adapted and dtn_adapted_light, 1 of others.",
    lower_bound=1,
)
RUNS_DIR = flags.DEFINE_string("runs_dir", "runs", "Folder of run directories.")
RESULTS_DIR = flags.DEFINE_string(
    "results_dir",
    "results",
    "With --table: where it is written, with a record of every scored run in runs/.",
)
SPLIT = flags.DEFINE_enum(
    "split",
    "test",
    ("test", "validation"),
    "Source images to translate. validation: the tail of train that training never saw.",
)
JUDGE_STEPS = flags.DEFINE_integer(
    "judge_steps",
    config.JUDGE_STEPS,
    "Batches that train the judge, which is cached.",
    lower_bound=1,
)


def check():
    """Refuses flags that have no meaning together, before anything is loaded.

    Raises:
        flags.IllegalFlagValueError: If there are such.
    """
    of_tables = [f"--{f.name}" for f in (TRAIN_MISSING, NUM_SEEDS) if f.value]
    if TABLE.value and WORKDIR.value:
        raise flags.IllegalFlagValueError(
            f"--workdir={WORKDIR.value} scores one run, --table={TABLE.value} all runs of"
            " --runs_dir: leave out one of the two."
        )
    if of_tables and not TABLE.value:
        raise flags.IllegalFlagValueError(
            f"{' and '.join(of_tables)} without --table: say which table, or --table=all."
        )
