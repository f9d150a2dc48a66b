"""Would translations teach a classifier of the target? Asked without a target label.

    python -m benchmarks.agreement --workdirs=runs/A,runs/B

Table 2 in small, and with f in the place of the labels: a classifier of the judge's shape
and a nearest neighbour are taught by translations of the first 10,000 digits of s, and the
share of unlabelled target images about which each agrees with f is printed. It says how
varied translations are, so that settings can be chosen by it. The images are the last of
the target's train split.
"""

import pathlib

import keras
import numpy as np
from absl import app, flags

from dtn_tf import adaptation, classify, evaluate, judges, train
from dtn_tf.data import domains, sources
from dtn_tf.data.digits import Digits, hold_out

_WORKDIRS = flags.DEFINE_list("workdirs", None, "Finished runs.", required=True)
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where classifiers are kept.")
_STEPS = flags.DEFINE_integer("steps", 300, "Batches that teach the classifier.", lower_bound=1)
_NUM_REFERENCE = 10_000
_NUM_ASKED = 5000


def main(argv):
    """Prints one line of Markdown per run."""
    del argv
    runs = {pathlib.Path(w): evaluate.finished(pathlib.Path(w)) for w in _WORKDIRS.value}
    print("| run | classifier agrees with f | nearest neighbour agrees with f |\n|---|---|---|")
    for workdir, settings in runs.items():
        task = domains.TASKS[settings.domain]
        source = sources.open_source(settings.data, settings.data_dir, _CACHE_DIR.value)
        s, _ = hold_out(source.load(task.source, "train"), settings.num_validation)
        x, labels = s.images[:_NUM_REFERENCE], s.labels[:_NUM_REFERENCE]
        moved = Digits(evaluate.translate(train.load(workdir), x), labels, f"G({s.title})")
        _, tail = hold_out(source.load(task.target, "train"), _NUM_ASKED)
        f = keras.models.load_model(workdir / "f.keras")
        decisions = classify.predict(f, tail.images).astype(np.uint8)
        asked = Digits(tail.images, decisions, "what f takes the target for")
        _, taught = judges.fit(moved, task.target, asked, _CACHE_DIR.value, _STEPS.value)
        read = adaptation.nearest_neighbour(moved.images, moved.labels, asked.images)
        nearest = np.mean(read == asked.labels)
        print(f"| {workdir} | {taught:.2%} | {nearest:.2%} |", flush=True)


if __name__ == "__main__":
    app.run(main)
