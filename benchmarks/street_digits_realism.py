"""Are the drawn house numbers real enough? f learns from them alone and reads real ones.

    python -m benchmarks.street_digits_realism --data_dir=FOLDER

Prints the accuracy of f on SVHN's test digits, on drawn test digits, and their ratio.
About ten minutes on two processors; f is kept in --cache_dir.
"""

import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from dtn_tf import classify, config, precision, pretrain
from dtn_tf.content import make
from dtn_tf.data import domains, stores
from dtn_tf.data.sets import Sets

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of SVHN's files.", required=True)
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Keeps digits and f.")
_STEPS = flags.DEFINE_integer("steps", 4000, "Batches that train f.", lower_bound=1)


def main(_):
    """Trains f on drawn digits, or finds it trained, and scores it twice."""
    cache_dir = pathlib.Path(_CACHE_DIR.value).expanduser()
    drawn = stores.open_store("builtin", None, cache_dir)
    real = stores.open_store("files", _DATA_DIR.value, cache_dir)
    real_test = real.load(domains.SVHN, "test")  # first: a wrong folder costs no training
    settings = config.make(
        "dtn",
        data="builtin",
        precision=precision.resolve("auto"),
        pretrain_steps=_STEPS.value,
    )
    with tempfile.TemporaryDirectory() as folder:
        make.make(settings, Sets(settings, drawn), folder, cache_dir)
        f = pretrain.load_f(folder)
    both = (real_test, drawn.load(domains.SVHN, "test"))
    scores = [classify.accuracy(f, pictures) for pictures in both]
    for pictures, score in zip(both, scores, strict=True):
        print(f"f trained on drawn digits: {score:.2%} of {pictures.title} ({len(pictures):,})")
    print(f"real / drawn: {scores[0] / scores[1]:.3f}")


if __name__ == "__main__":
    app.run(main)
