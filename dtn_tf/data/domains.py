"""The domains of digits, and the pairs that `--domain` names."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Domain:
    """One kind of picture.

    Attributes:
        name: As in `--domain` and in file names.
        title: As in tables and figures.
        channels: 1 (gray) or 3 (RGB).
        num_classes: Labels are 0 to `num_classes - 1`.
        tfds_name: Name in TensorFlow Datasets.
        url: Folder where the publisher's files are served, the one TensorFlow
            Datasets downloads from.
        splits: What the publisher offers.
    """

    name: str
    title: str
    channels: int
    num_classes: int
    tfds_name: str
    url: str
    splits: tuple[str, ...] = ("train", "test")


SVHN = Domain(
    name="svhn",
    title="SVHN",
    channels=3,
    num_classes=10,
    tfds_name="svhn_cropped",
    url="http://ufldl.stanford.edu/housenumbers/",
    splits=("train", "test", "extra"),
)
MNIST = Domain(
    name="mnist",
    title="MNIST",
    channels=1,
    num_classes=10,
    tfds_name="mnist",
    url="https://storage.googleapis.com/cvdf-datasets/mnist/",
)


@dataclasses.dataclass(frozen=True)
class Task:
    """A direction of transfer.

    Attributes:
        source: The paper's S.
        target: The paper's T.
        content: The domain whose labels train f.
    """

    source: Domain
    target: Domain
    content: Domain


TASKS = {
    task.source.name: task
    for task in (
        Task(source=SVHN, target=MNIST, content=SVHN),
        # "Same f with S and T swapped": here f learned from labels of the target.
        Task(source=MNIST, target=SVHN, content=SVHN),
    )
}
