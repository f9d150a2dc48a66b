"""Scores trained networks as in the paper's tables: python eval_main.py"""

import os
import pathlib
import sys

from absl import app
from absl import flags as absl_flags

from flags import common_flags, eval_flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow loads
absl_flags.FLAGS.verbosity = -2  # errors: saving and tracing are chatty; app.run lifts a default
absl_flags.adopt_module_key_flags(common_flags)  # shown by --help
absl_flags.adopt_module_key_flags(eval_flags)


def main(argv):
    """Flags -> one call into dtn_tf."""
    if argv[1:]:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    try:
        eval_flags.check()
    except absl_flags.IllegalFlagValueError as error:
        raise app.UsageError(str(error)) from None
    from dtn_tf import loop  # here: --help need not wait for TensorFlow

    try:
        _tables() if eval_flags.TABLE.value else _one_run()
    except loop.Interrupted as stopped:
        sys.exit(f"{stopped}. The same command goes on from there.")
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"error: {error}")


def _one_run():
    from dtn_tf import evaluate, report

    result, table = evaluate.evaluate(
        eval_flags.WORKDIR.value or evaluate.newest_run(eval_flags.RUNS_DIR.value),
        common_flags.CACHE_DIR.value,
        eval_flags.SPLIT.value,
        common_flags.DATA.value,
        common_flags.DATA_DIR.value,
        eval_flags.JUDGE_STEPS.value,
    )
    print(f"\n{table}\n{report.details(result)}")
    print(f"Tables and figures: {result['workdir']}/eval-{result['split']}")


def _tables():
    from dtn_tf import tables

    folders = (eval_flags.RUNS_DIR, common_flags.CACHE_DIR, eval_flags.RESULTS_DIR)
    name = eval_flags.TABLE.value
    text = tables.make(
        tables.TABLES if name == "all" else (name,),
        tables.Places(*(pathlib.Path(folder.value) for folder in folders)),
        common_flags.DATA.value,
        common_flags.DATA_DIR.value,
        eval_flags.JUDGE_STEPS.value,
        eval_flags.TRAIN_MISSING.value,
        eval_flags.NUM_SEEDS.value,
    )
    print(f"\n{text}")


if __name__ == "__main__":
    app.run(main)
