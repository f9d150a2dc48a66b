"""f(x) of a whole set of pictures: f is frozen, so it is computed once and kept."""

import functools
import pathlib
import time

import numpy as np

from dtn_tf import environment, files, runs, serving
from dtn_tf.errors import UserError

RECIPE = 1  # raise it when the same f gives other numbers
_KIND, _FILE, _FACTS = "fx", "features.npy", "features.json"
_PART = 2000  # images that are read before their f(x) is on the disk: what a kill costs
_BATCH = 500  # images at a time; a divisor of the above


def of(f, f_hash, pictures, cache_dir):
    """Returns f(x) of every image of a set: computed now, or found.

    Args:
        f: A frozen f, float images in [-1, 1] -> float32 `(batch, f.features)`.
        f_hash: Name of its weights. A net made elsewhere has a `hash` of its own, of all that
            decides what it gives; that one counts then.
        pictures: `Pictures`. Their order, if they have one, has no part in it.
        cache_dir: Where it is kept, shared between runs. 512 bytes an image for 128 features.

    Returns:
        float32 `np.memmap` `(len(pictures), f.features)`, read-only.

    Raises:
        UserError: If there is no room. A kept file that is damaged is made again.
    """
    identity = _identity(f, f_hash, pictures)

    def make(directory):
        parts = _read(directory, f, pictures)
        shape = (len(pictures), f.features)
        num_bytes = 4 * int(np.prod(shape))
        files.save(directory / _FILE, lambda p: _gather(p, parts, shape), num_bytes)
        files.save_json(directory / _FACTS, {"hash": files.hash_of(directory / _FILE)})

    directory, _ = files.find_or_make(
        cache_dir, _KIND, identity, make, environment.provenance, _check
    )
    return files.load_array(directory / _FILE, directory)


def first(f, f_hash, pictures, num, cache_dir):
    """Returns f(x) of the first images: of the whole set's where it is kept, else computed now.

    Args:
        f, f_hash, pictures, cache_dir: As in `of`.
        num: Images, 1 or more.

    Returns:
        float32 array `(min(num, len(pictures)), f.features)`, read-only.

    Raises:
        UserError: As `of`.
    """
    is_kept = files.is_made(cache_dir, _KIND, _identity(f, f_hash, pictures))
    part = pictures if is_kept or len(pictures) <= num else pictures.head(num)
    return of(f, f_hash, part, cache_dir)[:num]


def seconds(fx):
    """How long it took to compute what `of` returns, whenever that was; 0.0 if unknown."""
    return runs.timing(pathlib.Path(fx.filename).parent).get("features", 0.0)


def _check(directory):
    """Raises `UserError` if what is kept is torn, or not what was written."""
    path = directory / _FILE
    files.load_array(path)
    if not (directory / _FACTS).exists():  # of a version that noted no hash
        return
    noted = files.read_json(directory / _FACTS, "the hash of f(x)").get("hash")
    if files.hash_of(path) != noted:
        raise UserError(f"{path} is damaged: it is not what was written.")


def _identity(f, f_hash, pictures):
    return {
        "recipe": RECIPE,
        "f": getattr(f, "hash", f_hash),
        "policy": f.dtype_policy.name,
        "pictures": pictures.fingerprint(),
    }


def _read(directory, f, pictures):
    """f(x) in files of some thousand images; those of a process that was killed are kept.

    Returns:
        List of paths, in order.
    """
    who = getattr(f, "title", "f")  # a face net, or a descriptor, has a name
    paths = [directory / "checkpoints" / f"{k}.npy" for k in range(0, len(pictures), _PART)]
    done = next((k for k, path in enumerate(paths) if not path.exists()), len(paths))
    if done:
        print(f"{who} reads {pictures.title}: resumed, {done} of {len(paths)} parts are read.")
    spent, begun = runs.timing(directory).get("features", 0.0), time.monotonic()
    label, held = f"{who} reads {pictures.title}", []
    for k, fx in serving.results(f, pictures.pixels, _BATCH, label, done * _PART):
        held.append(fx)
        end = k + len(fx)
        if end % _PART == 0 or end == len(pictures):
            part, held = np.concatenate(held), []
            files.save(paths[(end - 1) // _PART], functools.partial(_save_array, part))
            seconds_so_far = spent + time.monotonic() - begun
            files.save_json(directory / "timing.json", {"features": seconds_so_far})
    return paths


def _save_array(array, path):
    np.save(path, array)


def _gather(path, parts, shape):
    kept = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    for k, part in enumerate(parts):
        kept[k * _PART : (k + 1) * _PART] = files.load_array(part, part)
    kept.flush()
