"""Scores trained networks as in the paper's tables: python eval_main.py"""

if __name__ == "__main__":  # before what takes half a second to import
    from dtn_tf import early

    early.handle()

from absl import app
from absl import flags as absl_flags

from dtn_tf import cli
from dtn_tf.errors import UserError
from flags import common_flags, eval_flags

for name in {*common_flags.NAMES, *eval_flags.NAMES}:
    absl_flags.declare_key_flag(name)  # shown by --help


def main(argv):
    """Flags -> one call into dtn_tf."""
    if argv[1:]:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    try:
        common_flags.check()
        eval_flags.check()
    except absl_flags.IllegalFlagValueError as error:
        raise UserError(str(error)) from None
    cli.load_tensorflow()  # here: --help need not wait for it
    from dtn_tf.scores import score, tables

    where = {
        "cache_dir": common_flags.CACHE_DIR.value,
        "data": common_flags.DATA.value,
        "data_dir": common_flags.DATA_DIR.value,
    }
    if eval_flags.TABLE.value:
        tables.run_and_print(**eval_flags.tables(), **where)
    else:
        score.run_and_print(**eval_flags.one_run(), **where)


if __name__ == "__main__":
    cli.run(main)
