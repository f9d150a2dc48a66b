"""Which test-time augmentation translates best? Scores a finished run with each of them.

    python -m benchmarks.views --workdir=runs/svhn-dtn_adapted

Test-time augmentation changes no weight, so one run answers for all. Accuracy is on the
validation tail of the source.
"""

import numpy as np
from absl import app, flags

from benchmarks import finished
from dtn_tf import classify, config, serving

_WORKDIR = flags.DEFINE_string("workdir", "runs/svhn-dtn_adapted", "Finished run.")
flags.adopt_module_key_flags(finished)  # --help shows them, too


def main(argv):
    """Prints one line of Markdown per choice."""
    del argv
    run, sets, judge = finished.read(_WORKDIR.value)
    validation = sets.validation
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
