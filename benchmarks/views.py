"""Which test-time augmentation translates best? Scores a finished run with each of them.

    python -m benchmarks.views --workdir=runs/svhn-dtn_adapted

Test-time augmentation changes no weight, so one run answers for all. Accuracy is on the
validation tail of the source.
"""

import numpy as np
from absl import app, flags

from dtn_tf import classify, config, runs, serving
from dtn_tf.scores import score

_WORKDIR = flags.DEFINE_string("workdir", "runs/svhn-dtn_adapted", "Finished run.")
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where the judge is kept.")
_JUDGE_STEPS = flags.DEFINE_integer(
    "judge_steps", config.JUDGE_STEPS, "As in eval_main.py.", lower_bound=1
)


def main(argv):
    """Prints one line of Markdown per choice."""
    del argv
    run = runs.finished(_WORKDIR.value)
    store = score.store_of(run, None, None, _CACHE_DIR.value)
    yardstick = score.Yardstick(store, _CACHE_DIR.value, _JUDGE_STEPS.value)
    sets = yardstick.sets(run)
    validation, (judge, _) = sets.validation, yardstick.judge(sets)
    dtn = serving.load(run.workdir)
    if not hasattr(dtn, "tta"):
        raise app.UsageError(f"{run.title} has no test-time augmentation; try dtn_adapted.")
    print(f"{_WORKDIR.value}: accuracy on {validation.title}\n")
    print("| a translation reads | translated |\n|---|---|")
    for dtn.tta in config.TTA:
        read = classify.predict(judge, serving.translate(dtn, validation.pixels))
        print(f"| tta={dtn.tta} | {np.mean(read == validation.labels):.2%} |", flush=True)


if __name__ == "__main__":
    app.run(main)
