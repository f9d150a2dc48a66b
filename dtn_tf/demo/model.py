"""What the page asks of a DTN: a translation, what f sees in it, or what f finds near it."""

import dataclasses
import pathlib
import typing

import tensorflow as tf

from dtn_tf import images, runs, serving, weights
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.errors import UserError
from dtn_tf.scores import distances

# What `answer` gives.
TRANSLATIONS, SEEN, PAINTED, CODES = "translations", "seen", "painted", "codes"


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A DTN, and the classifier of its f.

    Attributes:
        dtn: `DTN` from `serving.load`.
        head: Layer that makes logits of `f.hidden(fx)`; None where f knows no classes.
        classes: Their names, tuple of str; empty where there is no head.
        bank: `bank.Bank` of real target images; None where none are shown.
    """

    dtn: tf.keras.Model
    head: typing.Any = None
    classes: tuple[str, ...] = ()
    bank: typing.Any = None

    @property
    def size(self):
        """Side of images, in pixels."""
        return self.dtn.g.size

    @property
    def terms(self):
        """The `serving.Contract`."""
        return serving.contract(self.dtn)

    def in_float32(self):
        """Returns a copy that computes in float32, as exports do; it has no bank of images."""
        dtn = serving.in_float32(self.dtn)
        dtn.contract = self.terms
        head = getattr(dtn, "head", None) or self.head
        return dataclasses.replace(self, dtn=dtn, head=head, bank=None)

    def answer(self, pixels):
        """Translates, as a graph can.

        Args:
            pixels: uint8 tensor `(n, size, size, channels)`.

        Returns:
            Dict of tensors: "translations", uint8 `(n, size, size, channels of the target)`;
            with a head also the probabilities of the classes that f sees in the image, "seen",
            and in its translation, "painted", both float32 `(n, classes)`; with a bank also
            f(x) as a translation reads it, "codes", float32 `(n, features)`.
        """
        x = images.to_model(pixels)
        gx = self.dtn(x)
        found = {TRANSLATIONS: images.to_uint8(gx)}
        if self.head is not None:
            found |= {SEEN: self._classified(self._read(x)), PAINTED: self._classified(self._f(gx))}
        if self.bank is not None:
            found[CODES] = distances.content(self.dtn, x)
        return found

    def _read(self, x):
        """f(x), in the view that the translation was made from where it chooses one."""
        return self.dtn.content(x) if hasattr(self.dtn, "head") else self._f(x)

    def _f(self, x):
        return self.dtn.f(x, training=False)

    def _classified(self, fx):
        return tf.nn.softmax(tf.cast(self.head(self.dtn.f.hidden(fx)), tf.float32))


def load(name):
    """Loads what the page shows.

    Args:
        name: As in `serving.load`.

    Returns:
        `Model`, and the `runs.Run` that it is from; None for weights that come with the package,
        and for a directory without config.json.

    Raises:
        UserError: If there is no trained DTN of that name.
    """
    dtn = serving.load(name)
    run = None if str(name) in weights.names() else _run_of(pathlib.Path(name))
    head = getattr(dtn, "head", None) or (run and _head_of(run.workdir))
    return Model(dtn, head, _classes(run, head) if head else ()), run


def _run_of(workdir):
    return runs.read(workdir) if (workdir / "config.json").exists() else None


def _head_of(workdir):
    """The classifier that taught f, or None; the page does without it."""
    if not (workdir / "f.keras").exists():
        return None
    try:
        return make.load(workdir).head
    except UserError as error:
        print(f"The page shows no class probabilities: {error}", flush=True)
        return None


def _classes(run, head):
    """Names of the classes, or their numbers where no name is known."""
    task = domains.TASKS.get(run.content["config"]["domain"]) if run else None
    names = task.content.classes if task else ()
    return names if len(names) == head.units else tuple(map(str, range(head.units)))
