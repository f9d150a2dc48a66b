"""How high can a nearest neighbour of Table 2 reach? As with real target digits.

    python -m benchmarks.nearest_neighbour --data=files --data_dir=FOLDER

Reads the target's test images by their nearest neighbour among its own labelled training
images, all of them and as many as the rows of SVHN test have. For scale alone: no label
of a target image has a part in anything that is trained.
"""

import numpy as np
from absl import app, flags

from dtn_tf import config
from dtn_tf.data import domains, stores
from dtn_tf.scores import adaptation

_DATA = flags.DEFINE_enum("data", "auto", config.DATA, "As in train_main.py.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "As in train_main.py.")
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where drawn digits are kept.")
_FEW = 5000


def main(argv):
    """Prints one line of Markdown per number of references."""
    del argv
    store = stores.open_store(_DATA.value, _DATA_DIR.value, _CACHE_DIR.value)
    known, asked = (store.load(domains.MNIST, split) for split in ("train", "test"))
    print(f"| references, {known.title} | nearest neighbour, {asked.title} |\n|---|---|")
    for count in (len(known.pixels), _FEW):
        read = adaptation.nearest_neighbour(
            known.pixels[:count], known.labels[:count], asked.pixels
        )
        print(f"| {count:,} | {np.mean(read == asked.labels):.2%} |", flush=True)


if __name__ == "__main__":
    app.run(main)
