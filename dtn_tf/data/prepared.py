"""The digits of TensorFlow Datasets, as it prepared them in a folder of its own."""

import os
import pathlib

import numpy as np

from dtn_tf import images as images_lib


def root(data_dir):
    """Folder of TensorFlow Datasets: `data_dir`, or the default of that library."""
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(data_dir or default).expanduser()


def find(folder, domain):
    """Folder of the newest prepared version of a domain, or None.

    Looks at names only: asking the library takes seconds of imports.
    """
    versions = {}
    for info in folder.glob(f"{domain.tfds_name}/*/dataset_info.json"):
        numbers = info.parent.name.split(".")
        if all(number.isdecimal() for number in numbers):  # not "incomplete.AB12_3.1.0"
            versions[tuple(map(int, numbers))] = info.parent
    return versions[max(versions)] if versions else None


def download(folder, domain):
    """Downloads and prepares all splits of a domain, with the library's progress bars.

    Call it when the publisher's server answers: else the library retries for minutes.

    Raises:
        OSError: If it cannot be done. Says why and what else there is.
    """
    import tensorflow_datasets as tfds  # slow to import

    # Without this it may look for a prepared copy in a cloud bucket first.
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        builder = tfds.builder(domain.tfds_name, data_dir=folder)
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # of many types
        raise OSError(
            f"TensorFlow Datasets could not prepare {domain.tfds_name} in {folder}"
            f" ({type(error).__name__}: {error}). Use --data=files with the"
            " publishers' files in --data_dir, or --data=builtin."
        ) from error


def read(folder, split):
    """Reads a prepared split, without the network.

    Args:
        folder: What `find` returned.
        split: Name of the split.

    Returns:
        `(images, labels)`: uint8 `(n, 32, 32, channels)` and uint8 `(n,)`.

    Raises:
        ValueError: If it is damaged. Names the folder and says what to do.
    """
    import tensorflow_datasets as tfds  # slow to import

    try:
        images, labels = _read(tfds.builder_from_directory(folder), split, tfds.as_numpy)
    except Exception as error:  # of many types
        raise ValueError(
            f"{folder}: split {split} cannot be read ({type(error).__name__}: {error})."
            " Delete the folder to have it prepared again, or use --data=builtin."
        ) from error
    return images_lib.resize(images, 32), labels


def _read(builder, split, as_numpy):
    """Fills arrays, in the publisher's order where an `id` tells it.

    The library stores examples in the order of a hash. SVHN's ids end in the row of
    the publisher's file, and neighbours there are often cut from one photo.
    """
    count = builder.info.splits[split].num_examples
    images = np.empty((count, *builder.info.features["image"].shape), np.uint8)
    labels = np.full(count, 255, np.uint8)
    start = 0
    for batch in as_numpy(builder.as_dataset(split=split, shuffle_files=False).batch(1000)):
        rows = np.arange(start, start + len(batch["label"]))
        if "id" in batch:
            rows = np.array([int(name.rpartition(b"_")[2]) for name in batch["id"]])
        images[rows], labels[rows] = batch["image"], batch["label"]
        start += len(rows)
    if start != count or np.any(labels == 255):
        raise ValueError(f"found {start:,} examples, expected {count:,} different ones")
    return images, labels
