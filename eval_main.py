"""Scores a trained network as in the paper's table: python eval_main.py"""

import os
import sys

from absl import app
from absl import flags as absl_flags

from flags import common_flags, eval_flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow loads
absl_flags.FLAGS.set_default("verbosity", -1)  # warnings: saving is chatty
absl_flags.adopt_module_key_flags(common_flags)  # shown by --help
absl_flags.adopt_module_key_flags(eval_flags)


def main(argv):
    """Flags -> one call into dtn_tf."""
    if argv[1:]:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    from dtn_tf import adaptation, evaluate, report  # here: --help need not wait for these

    try:
        workdir = eval_flags.WORKDIR.value or evaluate.newest_run("runs")
        if eval_flags.TABLE.value == "adaptation":
            _, table = adaptation.measure(
                workdir,
                common_flags.CACHE_DIR.value,
                common_flags.DATA.value,
                common_flags.DATA_DIR.value,
                eval_flags.JUDGE_STEPS.value,
            )
            print(f"\n{table}\nAlso in {workdir}/adaptation.md")
            return
        result, table = evaluate.evaluate(
            workdir,
            common_flags.CACHE_DIR.value,
            eval_flags.SPLIT.value,
            common_flags.DATA.value,
            common_flags.DATA_DIR.value,
            eval_flags.JUDGE_STEPS.value,
            report.unseen_table if eval_flags.TABLE.value == "unseen" else report.table,
        )
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    print(f"\n{table}\n{report.details(result)}")
    print(f"Tables and figures: {workdir}/eval-{result['split']}")


if __name__ == "__main__":
    app.run(main)
