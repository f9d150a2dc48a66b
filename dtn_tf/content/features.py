"""f(x) of a whole set of pictures: f is frozen, so it is computed once and kept."""

import pathlib
import time

import numpy as np

from dtn_tf import environment, files, runs, serving

RECIPE = 1  # raise it when the same f gives other numbers
_FILE = "features.npy"
_PART = 20_000  # images that are read before their f(x) is on the disk


def of(f, f_hash, pictures, cache_dir):
    """Returns f(x) of every image of a set: computed now, or found.

    Args:
        f: A frozen f, float images in [-1, 1] -> float32 `(batch, f.features)`.
        f_hash: Name of its weights.
        pictures: `Pictures`. Their order, if they have one, has no part in it.
        cache_dir: Where it is kept, shared between runs. 512 bytes an image for 128 features.

    Returns:
        float32 `np.memmap` `(len(pictures), f.features)`, read-only.

    Raises:
        UserError: If there is no room, or the kept file is damaged.
    """
    identity = {
        "recipe": RECIPE,
        "f": f_hash,
        "policy": f.dtype_policy.name,
        "pictures": pictures.fingerprint(),
    }

    def make(directory):
        shape = (len(pictures), f.features)
        begun = time.monotonic()
        files.save(directory / _FILE, lambda p: _write(p, f, pictures, shape), 4 * np.prod(shape))
        files.save_json(directory / "timing.json", {"features": time.monotonic() - begun})

    directory, _ = files.find_or_make(cache_dir, "fx", identity, make, environment.provenance)
    return files.load_array(directory / _FILE, directory)


def seconds(fx):
    """How long it took to compute what `of` returns, whenever that was; 0.0 if unknown."""
    return runs.timing(pathlib.Path(fx.filename).parent).get("features", 0.0)


def _write(path, f, pictures, shape):
    kept = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    for start in range(0, len(pictures), _PART):
        part = slice(start, start + _PART)
        label = f"f reads {pictures.title}, from image {start:,}"
        kept[part] = serving.apply(f, pictures.pixels[part], label=label)
    kept.flush()
