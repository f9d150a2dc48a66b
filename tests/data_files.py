"""Writes tiny files as the publishers serve them, right or wrong on purpose."""

import gzip
import struct

import numpy as np
import scipy.io

from dtn_tf.data import publishers

SVHN_DIGITS = {"train": 12, "test": 11, "extra": 13}
MNIST_STEMS = {"train": "train", "test": "t10k"}


def svhn_arrays(split):
    """Random images (n, 32, 32, 3) and labels (n,): every digit at least once."""
    count = SVHN_DIGITS[split]
    random = np.random.default_rng(count)
    images = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)


def mnist_arrays(count=20, seed=0):
    """Random images (n, 28, 28) and labels (n,)."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)


def write_svhn(folder, split="train", compressed=False, **changes):
    """Writes `<split>_32x32.mat`. `changes` replace X or y, or leave them out if None."""
    images, labels = svhn_arrays(split)
    stored = np.where(labels == 0, 10, labels).astype(np.uint8)[:, np.newaxis]
    content = {"X": images.transpose(1, 2, 3, 0), "y": stored} | changes
    content = {name: value for name, value in content.items() if value is not None}
    path = folder / f"{split}_32x32.mat"
    scipy.io.savemat(path, content, do_compression=compressed)
    return path


def assert_equal(found, pixels, labels):
    """Requires `Pictures` of these arrays."""
    np.testing.assert_array_equal(found.pixels, pixels)
    np.testing.assert_array_equal(found.labels, labels)


def idx(array):
    """The bytes of an idx file."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder, split="train", packed=True, infix="-idx", images=None, labels=None):
    """Writes the two files of a split; `images` and `labels` are bytes or arrays."""
    usual = mnist_arrays()
    paths = []
    for kind, given, default in (
        ("images%s3-ubyte", images, usual[0]),
        ("labels%s1-ubyte", labels, usual[1]),
    ):
        content = default if given is None else given
        content = content if isinstance(content, bytes) else idx(content)
        name = f"{MNIST_STEMS[split]}-{kind % infix}"
        path = folder / (name + ".gz" if packed else name)
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
        paths.append(path)
    return paths


def write_tfds(root, domain, splits, version="3.1.0"):
    """Writes what TensorFlow Datasets reads as a prepared dataset.

    Args:
        root: The folder of TensorFlow Datasets.
        domain: `Domain`.
        splits: Dict from split to a list of examples, stored in that order.
        version: Name of the folder.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    tfds_name = publishers.TFDS_NAMES[domain.name]
    first = next(iter(splits.values()))[0]
    features = {
        "image": tfds.features.Image(shape=first["image"].shape),
        "label": tfds.features.ClassLabel(num_classes=len(domain.classes)),
    }
    if "id" in first:
        features["id"] = tfds.features.Text()
    features = tfds.features.FeaturesDict(features)
    folder = root / tfds_name / version
    folder.mkdir(parents=True)
    infos = []
    for split, examples in splits.items():
        path = folder / f"{tfds_name}-{split}.tfrecord-00000-of-00001"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example in examples:
                writer.write(features.serialize_example(example))
        template = tfds.core.ShardedFileTemplate(
            data_dir=folder,
            dataset_name=tfds_name,
            split=split,
            filetype_suffix="tfrecord",
            template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        )
        infos.append(
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=[len(examples)],
                num_bytes=0,
                filename_template=template,
            )
        )
    tfds.folder_dataset.write_metadata(data_dir=folder, features=features, split_infos=infos)
    return folder
