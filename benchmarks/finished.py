"""What benchmarks of a finished run begin with: its validation pictures and their judge."""

from absl import flags

from dtn_tf import config, runs
from dtn_tf.scores import score

_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where the judge is kept.")
_JUDGE_STEPS = flags.DEFINE_integer(
    "judge_steps", config.JUDGE_STEPS, "As in eval_main.py.", lower_bound=1
)


def cache_dir():
    """Returns where the command line says that runs share nets and codes."""
    return _CACHE_DIR.value


def read(workdir):
    """Returns the `Run` of a directory, its `Sets`, and the judge of its target domain."""
    run = runs.finished(workdir)
    store = score.store_of(run, None, None, _CACHE_DIR.value)
    yardstick = score.Yardstick(store, _CACHE_DIR.value, _JUDGE_STEPS.value)
    sets = yardstick.sets(run)
    return run, sets, yardstick.judge(sets)[0]
