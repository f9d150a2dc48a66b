"""Writes SVHN and MNIST as folders of PNG images: do they train alike through the folder door?

    python -m benchmarks.digits_as_folders --data=files --data_dir=FOLDER --out=FOLDER
    python train_main.py --domain=folders --preset=dtn --balance_s --nomirror \
        --source_dir=OUT/svhn --target_dir=OUT/mnist

`OUT/svhn` and `OUT/mnist` have `train`, `val` and `test`, and in each a folder for every class.
The validation images are those that `--domain=svhn` holds out. MNIST is written at 32 pixels,
as `images.resize` makes it. Research use only: do not pass the images on.
"""

import pathlib

from absl import app, flags
from PIL import Image

from dtn_tf import config, environment
from dtn_tf.data import domains, sets, stores

_DATA = flags.DEFINE_string("data", "files", "As in train_main.py.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "As in train_main.py.")
_OUT = flags.DEFINE_string("out", None, "Folder to write to.", required=True)
_NUM = flags.DEFINE_integer("num", 0, "The first so many training images only; 0 is all.")
_TOLD_EVERY = 10_000  # images


def main(argv):
    """Writes both domains, split by split; files that are there are left alone."""
    del argv
    environment.check_keras()
    settings = config.make("dtn", num_train=_NUM.value)
    store = stores.open_store(_DATA.value, _DATA_DIR.value, pathlib.Path(_OUT.value) / "cache")
    print(store.notice)
    found = sets.of(settings, store)
    for domain, splits in (
        (domains.SVHN, {"train": found.s_labelled, "val": found.validation, "test": found.test}),
        (domains.MNIST, _of_mnist(found, settings)),
    ):
        for split, pictures in splits.items():
            _write(pathlib.Path(_OUT.value) / domain.name / split, pictures)


def _of_mnist(found, settings):
    """All of train is t, as with --domain=svhn; a few of the test images serve as validation."""
    train = found.target_train
    train = train.head(settings.num_train) if settings.num_train else train
    return {"train": train, "val": found.target_test.head(100), "test": found.target_test}


def _write(folder, pictures):
    for name in pictures.classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for k, (image, label) in enumerate(zip(pictures.pixels, pictures.labels, strict=True)):
        path = folder / pictures.classes[label] / f"{k:06d}.png"
        if not path.exists():
            Image.fromarray(image.squeeze()).save(path)
        if (k + 1) % _TOLD_EVERY == 0:
            print(f"{folder}: {k + 1:,} of {len(pictures):,}", flush=True)


if __name__ == "__main__":
    app.run(main)
