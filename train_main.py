"""Trains a Domain Transfer Network: python train_main.py --domain=svhn"""

import os
import sys

from absl import app
from absl import flags as absl_flags

from flags import common_flags, train_flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow loads
absl_flags.FLAGS.verbosity = -2  # errors: saving and tracing are chatty; app.run lifts a default
absl_flags.adopt_module_key_flags(common_flags)  # shown by --help
absl_flags.adopt_module_key_flags(train_flags)


def main(argv):
    """Flags -> config -> one call into dtn_tf."""
    if argv[1:]:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    from dtn_tf import loop, train  # here: --help need not wait for TensorFlow

    workdir, cache_dir = train_flags.workdir(), common_flags.CACHE_DIR.value
    try:
        config = train_flags.config_from_flags()
        if train_flags.DRY_RUN.value:
            print(train.describe(config, workdir, cache_dir))
        else:
            train.train(config, workdir, cache_dir)
            print(f"Score it: python eval_main.py --workdir={workdir}")
            print(f"Watch it: tensorboard --logdir={workdir}/tb")
    except loop.Interrupted as stopped:
        sys.exit(f"{stopped}. The same command goes on from there.")
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
