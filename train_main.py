"""Trains a Domain Transfer Network: python train_main.py --domain=svhn"""

if __name__ == "__main__":  # before what takes half a second to import
    from dtn_tf import early

    early.handle()

from absl import app
from absl import flags as absl_flags

from dtn_tf import cli
from flags import common_flags, train_flags

for name in {*common_flags.NAMES, *train_flags.NAMES}:
    absl_flags.declare_key_flag(name)  # shown by --help


def main(argv):
    """Flags -> config -> one call into dtn_tf."""
    if argv[1:]:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    common_flags.check()
    config, workdir = train_flags.config_from_flags(), train_flags.workdir()
    cli.load_tensorflow()  # here: --help and a mistyped setting need not wait for it
    from dtn_tf import cluster, train
    from dtn_tf.scores import watch

    cache_dir = common_flags.CACHE_DIR.value
    if train_flags.DRY_RUN.value:
        print(train.describe(config, workdir, cache_dir))
        return
    cluster.join()
    train.train(config, workdir, cache_dir, watch.of(config, workdir, cache_dir))
    print(f"Score it: {cli.command('eval_main.py', workdir=workdir, cache_dir=cache_dir)}")
    print(f"Watch it: {cli.tensorboard(workdir)}")


if __name__ == "__main__":
    cli.run(main)
