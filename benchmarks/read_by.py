"""How does a judge of another run read the translations of this one?

    python -m benchmarks.read_by --workdir=RUN --judge=CACHE/judge-NAME/judge.keras

Two runs can be compared only where one judge read both. `eval_main.py` trains a judge of its own
for every set of target images, also where two sets are the same images in another order.
"""

import keras
import numpy as np
from absl import app, flags

from dtn_tf import classify, runs, serving
from dtn_tf.data import sets, stores
from dtn_tf.nets.content import Classifier

_WORKDIR = flags.DEFINE_string("workdir", None, "A finished run.", required=True)
_JUDGE = flags.DEFINE_string("judge", None, "File of the judge.", required=True)
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "As in train_main.py.")


def main(argv):
    """Prints accuracy on the source's test images, in all and by class."""
    del argv
    config = runs.read(_WORKDIR.value).config
    of_run = sets.of(config, stores.of(config, _CACHE_DIR.value))
    shown = of_run.test
    gx = serving.translate(serving.load(_WORKDIR.value), shown.pixels)
    judge = keras.models.load_model(_JUDGE.value, {"Classifier": Classifier})
    read = classify.predict(judge, gx)
    right = read == shown.labels
    print(f"judge {classify.weights_hash(judge)}: {len(shown):,} translations of {shown.title}\n")
    print("| class | accuracy |\n|---|---|")
    for k, name in enumerate(shown.classes):
        print(f"| {name} | {np.mean(right[shown.labels == k]):.1%} |")
    print(f"| all | {np.mean(right):.2%} |")


if __name__ == "__main__":
    app.run(main)
