"""How f is got: taught by labels, learnt without any, or brought by the user (`--content`)."""

import dataclasses
import functools
import pathlib
import shutil

import keras

from dtn_tf import classify, files, pretrain, rules, runs
from dtn_tf.content import contract, face, given, kept, learn, student
from dtn_tf.errors import UserError
from dtn_tf.nets.content import Classifier

LABELS, UNLABELLED = "labels", "unlabelled"
_FILE = ".keras"


@dataclasses.dataclass(frozen=True, eq=False)
class Content:
    """The f of a run, frozen.

    Attributes:
        f: Keras model, float images in [-1, 1] -> float32 `(batch, f.features)`.
        head: Layer that makes logits of `f.hidden(fx)`; None where f knows no classes.
        hash: Name of the weights.
    """

    f: keras.Model
    head: keras.layers.Layer | None
    hash: str


def kind_of(config, sets):
    """Returns what `--content` comes to: "labels", "unlabelled", "app:NAME", "face:WHAT" or a path.

    Raises:
        UserError: If it is none of these, or another setting needs classes and f has none.
    """
    kind = config.content
    has_classes = bool(sets.task.content.classes)
    if kind == "auto":
        kind = LABELS if has_classes else UNLABELLED
    is_given = kind.startswith((contract.APP, face.PREFIX)) or _is_file(kind)
    if kind not in (LABELS, UNLABELLED) and not is_given:
        raise UserError(
            f"content={kind!r} is unknown; expected auto, labels, unlabelled, app:NAME for a net"
            " of Keras Applications, face:PATH_OR_PACKAGE for a face net that you installed, or"
            " the path of a .keras file."
        )
    if kind == LABELS and not has_classes:
        raise UserError(
            f"content=labels needs classes, and {sets.task.content.title} has none: put its images"
            " into a folder for each class, or take --content=unlabelled."
        )
    _check_classes(config, kind)
    return kind


def make(config, sets, workdir, cache_dir):
    """Makes f, or finds it made before, and leaves it in a run's directory.

    Args:
        config: `DTNConfig`, resolved.
        sets: `Sets` of the run.
        workdir: Run directory. A whole f that is in it already is taken as it is.
        cache_dir: Where f is kept, shared between runs.

    Returns:
        Dict, what a run notes of its f: "key", all that decides it but the seed; "hash" of its
        weights; "accuracy", title of held-out pictures -> share; "made_by"; and more.
    """
    workdir = pathlib.Path(workdir)
    if not _is_kept(workdir):
        phases = _phases(config, sets, cache_dir)
        for phase, part in phases.items():
            if (part / "tb").exists():  # it was trained
                shutil.copytree(part / "tb", workdir / "tb" / phase, dirs_exist_ok=True)
        last = list(phases.values())[-1]
        files.save_json(workdir / "timing.json", runs.timing(last))
        for name in ("f.keras", "f.json"):  # in this order: f.json says that f is there
            files.save(workdir / name, functools.partial(shutil.copyfile, last / name))
    return kept.known(workdir)


def load(directory):
    """Returns the `Content` of a run.

    Raises:
        UserError: If its file is missing, damaged, or of other weights than the run's f.
    """
    directory = pathlib.Path(directory)
    net, expected = pretrain.load_f(directory), kept.known(directory)["hash"]
    found = classify.weights_hash(net)
    if found != expected:
        raise UserError(
            f"{directory / 'f.keras'} has weights {found}, and the f of this run has {expected}."
            " Delete it: the same command takes f again, from the cache or by training it."
        )
    return content_of(net, found)


def content_of(net, name=""):
    """Returns the `Content` of a `Classifier`, or of an f that knows no classes."""
    if isinstance(net, Classifier):
        return Content(net.encoder, net.head, name)
    return Content(net, None, name)


def _is_kept(workdir):
    """Whether a run directory has its f, whole; says so if it had one that is damaged."""
    if not (workdir / "f.json").exists():
        return False
    try:
        kept.check(workdir)
    except UserError as error:
        print(f"{error} f is taken again, from the cache or by training it.", flush=True)
        return False
    return True


def _phases(config, sets, cache_dir):
    """Folder of each training that f went through, in order."""
    kind = kind_of(config, sets)
    if kind == LABELS:
        return pretrain.phases(config, sets, cache_dir)
    if kind == UNLABELLED:
        return {"learn_f": learn.without_labels(config, sets, cache_dir)}
    if kind.startswith(face.PREFIX) and config.content_student:
        return {"learn_f": student.teach(config, sets, _given(config, kind), cache_dir)}
    return {"given_f": learn.given(config, kind, _given(config, kind), cache_dir)}


def _given(config, kind):
    if kind.startswith(contract.APP):
        return given.from_app(kind.removeprefix(contract.APP), config.size)
    if kind.startswith(face.PREFIX):
        return face.find(kind.removeprefix(face.PREFIX), config.size, config.content_scale)
    return given.from_file(kind, config.size, 3, scale=config.content_scale)


def _is_file(kind):
    return kind.endswith(_FILE)


def _check_classes(config, kind):
    """Refuses settings that need the classes of f where it has none."""
    if kind == LABELS:
        return
    found = {name: off for name, (is_set, off) in _needs_classes(config).items() if is_set}
    if found:
        raise UserError(
            f"{' and '.join(found)} of preset {config.preset} or your command needs an f that was"
            f" taught classes, and this one is {kind}. Add {' '.join(found.values())}, or take"
            " --preset=dtn_folders."
        )


def _needs_classes(config):
    """Returns what needs an f that knows classes: setting -> (whether it is on, flag to end it)."""
    return {
        "balance_s": (config.balance_s, "--nobalance_s"),
        "adapt_steps": (config.adapt_steps > 0, "--adapt_steps=0"),
        "style_size": (config.style_size > 0, "--style_size=0"),
        "tta": (config.tta != "none" and not rules.has_mean_of_views(config), "--tta=none"),
        "d_conditional": (config.d_conditional, "--nod_conditional"),
        "content_distance": (
            config.content_distance == "cross_entropy",
            "--content_distance=mse",
        ),
    }
