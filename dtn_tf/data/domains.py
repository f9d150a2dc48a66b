"""The kinds of pictures, and the pairs that `--domain` names. Nothing here loads anything."""

import dataclasses

_DIGITS = tuple("0123456789")


@dataclasses.dataclass(frozen=True)
class Domain:
    """One kind of picture.

    Attributes:
        name: As in file names.
        title: As in tables and figures.
        size: Side of its square pictures, in pixels.
        channels: 1 (gray) or 3 (RGB).
        classes: Names of what a picture can show, label 0 first; empty if nobody labelled it.
    """

    name: str
    title: str
    size: int
    channels: int
    classes: tuple[str, ...] = ()


SVHN = Domain("svhn", "SVHN", size=32, channels=3, classes=_DIGITS)
MNIST = Domain("mnist", "MNIST", size=32, channels=1, classes=_DIGITS)


@dataclasses.dataclass(frozen=True)
class Task:
    """A direction of transfer.

    Attributes:
        name: As in `--domain`.
        source: The paper's S.
        target: The paper's T.
        content: The domain whose labels train f.
    """

    name: str
    source: Domain
    target: Domain
    content: Domain


# Of `--domain`, where both domains are folders of images: see `data.pair`.
FOLDERS = "folders"  # any two
FACE, EMOJI = "face", "emoji"  # photos of faces to emoji, and the reverse: see `data.faces`
PAIRS = (FOLDERS, FACE, EMOJI)
FACES = (FACE, EMOJI)

TASKS = {
    task.name: task
    for task in (
        Task("svhn", source=SVHN, target=MNIST, content=SVHN),
        # "Same f with S and T swapped": here f learned from labels of the target.
        Task("mnist", source=MNIST, target=SVHN, content=SVHN),
    )
}
