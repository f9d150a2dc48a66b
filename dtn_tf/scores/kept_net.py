"""Nets that measure are kept in the cache that runs share: judges, independent nets."""

import keras

from dtn_tf import environment, files


def found_or_made(cache_dir, kind, make, *, recipe, pictures, steps, seed, **more):
    """Returns a net that was made before and is whole, or makes it now.

    Args:
        cache_dir: Where such nets are kept.
        kind: What it is, the head of its names: "judge".
        make: Function of the folder, for checkpoints, which returns the trained Keras model.
        recipe: Number of the code that makes it.
        pictures: `Pictures` that teach it, labels included where they teach.
        steps: Batches.
        seed: Of its weights and batches.
        **more: What else decides it, for JSON.

    Returns:
        The Keras model, as it is loaded from its file.
    """
    name = f"{kind}.keras"
    identity = {
        "recipe": recipe,
        "pictures": pictures.fingerprint(),
        "steps": steps,
        "seed": seed,
        **more,
    }

    def train(folder):
        keras.utils.set_random_seed(seed)
        files.save(folder / name, make(folder).save)

    def check(folder):
        files.check_archive(folder / name, advice="")

    directory, _ = files.find_or_make(
        cache_dir, kind, identity, train, environment.provenance, check=check
    )
    return keras.models.load_model(directory / name, compile=False)
