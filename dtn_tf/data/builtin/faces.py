"""The built-in domains of `--domain=face`: DRAWN portraits and DRAWN avatars, `open_faces`.

Nothing is downloaded. Training sees pictures alone; what the people look like is kept beside
them for scores. Each split is drawn the first time it is asked for, and kept.
"""

import hashlib
import importlib.metadata
import pathlib
import types

import numpy as np
import PIL

from dtn_tf import environment, files
from dtn_tf.data.builtin import (
    archive,
    attributes,
    avatars,
    portrait_camera,
    portrait_face,
    portrait_hair,
    portrait_head,
    portrait_scene,
    portrait_texture,
    portraits,
)
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError

SPLITS = ("train", "validation", "test")
_SEEDS = {"drawn portraits": 0, "drawn avatars": len(SPLITS)}  # and the place of the split
_CODE = {
    "drawn portraits": (
        *(attributes, portraits, portrait_head, portrait_texture, portrait_scene),
        *(portrait_face, portrait_hair, portrait_camera),
    ),
    "drawn avatars": (attributes, avatars),
}
_PACKAGES = {"drawn portraits": (), "drawn avatars": ("python_avatars", "resvg-py")}


def open_faces(
    size, cache_dir, num_train=4_000, num_avatars=3_000, num_validation=400, num_test=1_000
):
    """Opens the drawn domains; draws nothing yet.

    Args:
        size: Side of the pictures in pixels.
        cache_dir: Folder that keeps what is drawn.
        num_train: Portraits for training.
        num_avatars: Avatars for training.
        num_validation: Portraits, and avatars, for validation.
        num_test: The same for test.

    Returns:
        `(portraits, avatars)`, two `Drawn`.

    Raises:
        UserError: If the extra `[faces]` is not installed.
    """
    avatars.require()
    rest = {"validation": num_validation, "test": num_test}
    of_s, of_t = {"train": num_train, **rest}, {"train": num_avatars, **rest}
    return (
        Drawn("drawn portraits", portraits.draw, of_s, size, cache_dir),
        Drawn("drawn avatars", avatars.draw, of_t, size, cache_dir),
    )


class Drawn:
    """Drawn people, with what `folders.FolderSet` has for `pair.Pair`; and their attributes.

    Attributes:
        title: "drawn portraits" or "drawn avatars".
        channels: 3.
        classes: Empty: training gets no label.
        counts: Dict: number of pictures of every split.
        notice: What this is, for people.
        warnings: Tuple of sentences that people should read before they train.
    """

    name = "builtin"
    channels = 3
    classes = ()
    warnings = ()

    def __init__(self, title, draw, counts, size, cache_dir):
        self.title = title
        self.counts = counts
        self._draw = draw
        self._size = size
        self._cache_dir = pathlib.Path(cache_dir).expanduser()

    @property
    def notice(self):
        """How many there are of which split, and that they are drawn."""
        counts = ", ".join(f"{num:,} {split}" for split, num in self.counts.items())
        return f"{self.title.upper()}, not photos and not anybody: {counts}."

    def load(self, split, num=0):
        """Returns the pictures of a split; the first time they are drawn.

        Args:
            split: One of `SPLITS`.
            num: Only the first so many; 0 is all.

        Returns:
            `Pictures` without labels, their pixels a read-only `np.memmap`.

        Raises:
            UserError: If there is no such split, or the cache cannot be written.
        """
        pixels = files.load_array(*self._file(split, "pixels"))
        pictures = Pictures(pixels, f"{self.title} {split}")
        return pictures.head(num) if 0 < num < len(pictures) else pictures

    def attributes(self, split):
        """Returns what the pictures of a split show: for scores, never for training.

        Args:
            split: One of `SPLITS`.

        Returns:
            Dict: for every name of `attributes.VALUES` an int64 array `(n,)`, places in its
            values, or `attributes.UNSEEN`.

        Raises:
            UserError: As `load`.
        """
        table = np.array(files.load_array(*self._file(split, "people")))
        return attributes.seen(attributes.from_table(table))

    def describe(self, split):
        """Says what `load` would read, and raises what it would raise about the split."""
        self._require(split)
        return f"{self.counts[split]:,} {self.title}, kept in {self._cache_dir}"

    def _file(self, split, name):
        """A file of a split, and the folder it is in; the split is drawn if it is not there."""
        self._require(split)
        directory, _ = files.find_or_make(
            self._cache_dir,
            self.title.replace(" ", "-"),
            self._identity(split),
            lambda folder: self._make(folder, split),
            environment.provenance,
            check=lambda folder: self._check(folder, split),
        )
        return directory / f"{name}.npy", directory

    def _identity(self, split):
        return {
            "recipe": _hash_of_code(_CODE[self.title]),
            "versions": _versions(_PACKAGES[self.title]),
            "seed": _SEEDS[self.title] + SPLITS.index(split),
            "size": self._size,
            "num": self.counts[split],
        }

    def _make(self, folder, split):
        num, seed = self.counts[split], self._identity(split)["seed"]
        print(f"Drawing {num:,} {self.title.removeprefix('drawn ')} ({split}), once.", flush=True)
        tick = archive.Progress(num, what=self.title.removeprefix("drawn "))
        pixels, people = self._draw(num, seed, self._size, tick)
        arrays = {"pixels": pixels, "people": attributes.to_table(people)}
        for name, array in arrays.items():
            files.save(
                folder / f"{name}.npy",
                lambda path, array=array: np.save(path, array),
                array.nbytes,
            )

    def _check(self, folder, split):
        """Raises `UserError` if a kept file is torn or of another shape."""
        num, size = self.counts[split], self._size
        expected = {"pixels": (num, size, size, 3), "people": (num, len(attributes.VALUES))}
        for name, shape in expected.items():
            path = folder / f"{name}.npy"
            found = files.load_array(path, folder)
            if found.shape != shape:
                raise UserError(f"{path} is damaged: found {found.shape}, expected {shape}.")

    def _require(self, split):
        if split not in SPLITS or not self.counts[split]:
            raise UserError(f"{self.title} have no split {split!r}; expected one of {SPLITS}.")


def _hash_of_code(modules: tuple[types.ModuleType, ...]):
    """Names the version of the drawing: a changed painter paints other pictures."""
    content = hashlib.blake2b(digest_size=8)
    for module in modules:
        content.update(pathlib.Path(module.__file__).read_bytes())
    return content.hexdigest()


def _versions(packages):
    """Versions of what draws: `np.random` and Pillow, and these packages."""
    found = {name: importlib.metadata.version(name) for name in packages}
    return {"numpy": np.__version__, "pillow": PIL.__version__, **found}
