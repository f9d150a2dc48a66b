"""How real the built-in digits are: f learns from them alone and reads real ones.

    python benchmarks/street_digits_realism.py --data_dir=<folder of test_32x32.mat>

Prints the accuracy of f on SVHN's test digits, on drawn test digits, and their ratio.
About ten minutes on two processors; f is kept in --cache_dir.
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

import keras
from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from dtn_tf import classify, config, precision, pretrain
from dtn_tf.data import domains, sources

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of SVHN's files.", required=True)
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Keeps digits and f.")
_STEPS = flags.DEFINE_integer("steps", 4000, "Batches that train f.", lower_bound=1)


def main(_):
    """Trains f on drawn digits, or finds it trained, and scores it twice."""
    task = domains.TASKS["svhn"]
    cache_dir = pathlib.Path(_CACHE_DIR.value).expanduser()
    drawn = sources.BuiltinSource(cache_dir)
    real = sources.FilesSource(_DATA_DIR.value)
    real_test = real.load(task.content, "test")  # first: a wrong folder costs no training
    settings = config.DTNConfig(
        data="builtin", precision=precision.resolve("auto"), pretrain_steps=_STEPS.value
    )
    folder = pretrain.pretrain_f(settings, task, drawn.load(task.content, "train"), cache_dir)
    f = keras.models.load_model(folder / "f.keras")
    drawn_test = drawn.load(task.content, "test")
    scores = [classify.accuracy(f, digits) for digits in (real_test, drawn_test)]
    for digits, score in zip((real_test, drawn_test), scores, strict=True):
        print(f"f trained on drawn digits: {score:.2%} of {digits.title} ({len(digits.labels):,})")
    print(f"real / drawn: {scores[0] / scores[1]:.3f}")


if __name__ == "__main__":
    app.run(main)
