"""Real target images of a run, and which of them are nearest to an image under f.

f that knows no classes says nothing that people can read. What it finds alike can be seen. And
a translation that equals one of these images was looked up, not painted.
"""

import dataclasses
import os

import numpy as np

from dtn_tf import recorded, runs
from dtn_tf.content import features
from dtn_tf.data import domains, stores, tfds
from dtn_tf.data import sets as sets_lib
from dtn_tf.errors import UserError

AT_MOST = 2000  # target images that are asked, the first ones
SHOWN = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Bank:
    """Target images and f of each.

    Attributes:
        pixels: uint8 array `(n, size, size, 1 or 3)`; may be memory-mapped.
        codes: float32 array `(n, features)`.
    """

    pixels: np.ndarray
    codes: np.ndarray

    def nearest(self, fx):
        """Returns the images whose f is nearest by Euclidean distance, the nearest first.

        Args:
            fx: float array `(features,)`, f(x) as a translation reads it.

        Returns:
            uint8 array `(SHOWN, size, size, channels)`, fewer where there are fewer; of equally
            near ones the first.
        """
        away = np.asarray(self.codes, np.float64) - np.asarray(fx, np.float64)
        order = np.argsort(np.sum(away**2, axis=1), kind="stable")
        return np.asarray(self.pixels[order[:SHOWN]])


def attached(model, run):
    """Gives a model the bank of its run, where f knows no classes.

    Args:
        model: `model.Model`.
        run: `runs.Run`, or None where only the weights are known.

    Returns:
        `model.Model`; as it was where f knows classes or the run's data is not at hand. The
        second prints a line that says why.
    """
    if run is None or model.head is not None:
        return model
    try:
        return dataclasses.replace(model, bank=of(model.dtn, run))
    except (UserError, OSError) as error:
        why = " ".join(str(error).split())
        print(f"The page shows no nearest real images: {why}", flush=True)
        return model


def of(dtn, run):
    """Reads the first target images of a run, and f of them from the run's cache.

    What is not in the cache any more is computed and kept there, as training does. Nothing is
    downloaded.

    Args:
        dtn: The trained `DTN` of the run.
        run: `runs.Run`.

    Returns:
        `Bank` of `AT_MOST` images or fewer.

    Raises:
        UserError: If the cache or the images are gone, or are others than the run was
            trained on.
        OSError: If they may not be read.
    """
    if run.config.method == "yunjey":
        raise UserError(
            "f of this method moves while it trains: the cache has the codes of before."
        )
    cache_dir = recorded.cache_dir(run.content)
    _require_at_hand(run.config, cache_dir)
    print("Reading the run's real target images, to show the nearest ones ...", flush=True)
    t = sets_lib.of(run.config, stores.of(run.config, cache_dir)).t
    if t.fingerprint() != run.data["t"]["fingerprint"]:
        raise UserError(f"{t.title} is not what the run was trained on: its images changed since.")
    codes = features.first(dtn.f, run.f["hash"], t, AT_MOST, cache_dir)
    return Bank(t.pixels[:AT_MOST], codes)


def _require_at_hand(config, cache_dir):
    """Refuses what would be made or downloaded anew: a page should open soon."""
    named = [cache_dir]
    if config.data != "builtin":
        named += [path for path in runs.folders(config).values() if path]
    for path in named:
        if not os.path.isdir(path):
            raise UserError(f"the run was trained from {path}, which is not there any more.")
    if config.data == "tfds" and not _is_downloaded(config):
        raise UserError("the target's images would have to be downloaded again.")


def _is_downloaded(config):
    target, reader = domains.TASKS[config.domain].target, tfds.Tfds(config.data_dir)
    return all(reader.has(target, part) for part in config.target_split.split("+"))
