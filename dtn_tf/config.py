"""Every setting of a run: one line each, from which its flag, its check and its help are made."""

import dataclasses
import functools
import math
import types
import typing

from dtn_tf import presets
from dtn_tf.data import domains
from dtn_tf.errors import UserError

DATA = ("auto", "tfds", "files", "builtin")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
METHODS = ("dtn", "pixels", "baseline", "yunjey")
TTA = ("none", "mean", "confident")
JUDGE_STEPS = 1500  # batches of 128 that train a judge, unless told otherwise
MOST_FILTERS = 4096  # of a layer
_BIG = 10**9

# What is watched, where data lies, how numbers are stored: not what a run is.
NOT_IDENTITY = ("data_dir", "precision", "log_every", "grid_every", "checkpoint_every")


def setting(default, text, low=None, high=None, choices=None, length=None, expert=False):
    """One setting.

    Args:
        default: Its value unless a preset or a flag has another.
        text: Help, a sentence.
        low, high: Bounds, both allowed; of every number in a tuple.
        choices: Allowed values.
        length: Numbers in a tuple; None for any.
        expert: Whether its flag is under --helpfull alone.
    """
    about = {"text": text, "low": low, "high": high, "choices": choices}
    about |= {"length": length, "expert": expert}
    return dataclasses.field(default=default, metadata=about)


def _filters(default, text, length=4):
    return setting(default, text, 1, MOST_FILTERS, length=length, expert=True)


def _absent(text):
    return setting((), text, 0, 9, expert=True)


@dataclasses.dataclass(frozen=True)
class DTNConfig:
    """Settings of one run, checked on creation; `make` creates them from a preset or a row.

    Raises:
        UserError: If a setting has the wrong type, is out of range, or would be ignored.
    """

    preset: str = setting("dtn", "Preset, or row of a table.", choices=tuple(presets.ROWS))
    domain: str = setting(
        "svhn",
        "Source domain: svhn (SVHN to MNIST) or mnist (MNIST to SVHN).",
        choices=tuple(domains.TASKS),
    )
    data: str = setting(
        "auto",
        "Where pictures come from. tfds: TensorFlow Datasets. files: the publishers' own files in"
        " --data_dir (SVHN .mat, MNIST idx, gzipped or not). builtin: DRAWN house numbers and the"
        " 5,000 real MNIST digits of a package; needs no download. auto: files if --data_dir has"
        " them, else tfds if it can be had, else builtin.",
        choices=DATA,
    )
    data_dir: str | None = setting(
        None, "Folder of the publishers' files, or of TensorFlow Datasets."
    )
    pretrain_split: str = setting(
        "train",
        "Labelled images that train f, and without labels the set s. extra is the paper's: a"
        " download of 1.3 GB.",
        choices=("train", "extra", "train+extra"),
    )
    target_split: str = setting(
        "train",
        "Split of the target domain that is the set t.",
        choices=("train", "test"),
        expert=True,
    )
    num_train: int = setting(
        0, "Use the first so many images of every training split only; 0 is all.", 0, _BIG
    )
    num_validation: int = setting(
        5000, "Images held out at the end of the source's train split.", 1, _BIG, expert=True
    )
    seed: int = setting(0, "Of weights, batches and augmentation.", 0, 2**31 - 1)
    precision: str = setting(
        "auto",
        "Number format of the nets. auto: bfloat16 or float16 where the hardware computes in it.",
        choices=PRECISIONS,
    )
    method: str = setting(
        "dtn",
        "Passes and losses. dtn: the paper's. pixels, baseline: its rows whose G reads pixels."
        " yunjey: updates and nets of the best-known port.",
        choices=METHODS,
        expert=True,
    )
    # f.
    f_channels: tuple[int, ...] = _filters((64, 128, 256, 128), "Filters of f's four blocks.")
    f_depths: tuple[int, ...] = setting(
        (1, 1, 1, 1), "Convolutions in each of f's four blocks.", 1, 16, length=4, expert=True
    )
    pretrain_steps: int = setting(4000, "Batches that train f.", 1, _BIG)
    pretrain_batch_size: int = setting(64, "Images per batch, f's training.", 2, 65536, expert=True)
    pretrain_learning_rate: float = setting(
        2e-3, "Peak of f's warm-up and cosine decay.", 1e-8, 1.0, expert=True
    )
    pretrain_weight_decay: float = setting(
        0.3, "Weight decay of AdamW while f trains.", 0.0, 10.0, expert=True
    )
    pretrain_dropout: float = setting(
        0.6, "Dropout on f(x) while f trains.", 0.0, 0.95, expert=True
    )
    pretrain_geometry: float = setting(
        1.5, "Augmentation while f trains: shift, scale, rotation.", 0.0, 5.0, expert=True
    )
    pretrain_colour: float = setting(
        0.5, "Augmentation while f trains: contrast, brightness.", 0.0, 2.0, expert=True
    )
    pretrain_invert: float = setting(
        0.5, "Probability that f sees the negative of an image.", 0.0, 1.0, expert=True
    )
    adapt_steps: int = setting(
        0,
        "Batches that adapt f to unlabelled images of the domain it never saw; 0 is off.",
        0,
        _BIG,
    )
    adapt_learning_rate: float = setting(
        1e-3, "Peak learning rate of f while it is adapted.", 1e-8, 1.0, expert=True
    )
    # s and t.
    absent_s: tuple[int, ...] = _absent("Classes left out of the set s, for instance 3.")
    absent_t: tuple[int, ...] = _absent("Classes left out of the set t.")
    absent_f: tuple[int, ...] = _absent("Classes left out of what trains f.")
    balance_s: bool = setting(
        True,
        "Class-balanced sampling of s: all classes that f sees in it come equally often."
        " --domain=svhn only.",
    )
    # g and D.
    g_channels: tuple[int, ...] = _filters((256, 128, 64), "Filters of g's first three blocks.", 3)
    d_channels: tuple[int, ...] = _filters(
        (64, 128, 256, 256), "Filters of D's convolutions.", None
    )
    d_classes: int = setting(3, "Classes of D: 3, or 2 for a binary D.", 2, 3, expert=True)
    d_conditional: bool = setting(
        False, "Class-conditional discriminator: D is told the class that f sees.", expert=True
    )
    style_size: int = setting(
        0, "Length of the style code of x that g reads beside f(x); 0 is none.", 0, 4096
    )
    tta: str = setting(
        "none",
        "Test-time augmentation of a translation, over six views of x. mean: g reads the mean of"
        " f. confident: f of the view that f is surest of.",
        choices=TTA,
    )
    steps: int = setting(1500, "Batches of s and of t that train g and D.", 1, _BIG)
    batch_size: int = setting(64, "Images of s, and as many of t, per step.", 2, 65536)
    alpha: float = setting(15.0, "Weight of L_CONST.", 0.0, 1e6)
    beta: float = setting(15.0, "Weight of L_TID.", 0.0, 1e6)
    gamma: float = setting(0.0, "Weight of L_TV.", 0.0, 1e6)
    gan: float = setting(1.0, "Weight of L_D and L_GANG.", 0.0, 1e6)
    content_distance: str = setting(
        "mse",
        "The paper's d, in L_CONST. cross_entropy: of f's decision about G(x), under its decision"
        " about x.",
        choices=("mse", "cosine", "cross_entropy"),
    )
    image_distance: str = setting(
        "mse", "The paper's d_2, in L_TID.", choices=("mse", "cosine"), expert=True
    )
    g_learning_rate: float = setting(1e-3, "Of Adam for g, at the start of its decay.", 1e-8, 1.0)
    d_learning_rate: float = setting(2e-4, "Of Adam for D, at the start of its decay.", 1e-8, 1.0)
    cosine: bool = setting(
        True, "Whether both rates decay to 0 along a cosine; else they are constant.", expert=True
    )
    beta_1: float = setting(0.5, "Adam's first decay, for g and D.", 0.0, 0.9999, expert=True)
    ema: float = setting(
        0.1,
        "Exponential moving average of g, which is what translates: it reaches back over about"
        " this share of the steps so far. Its decay at step t is t / (t + 1/ema - 1). 0: g itself.",
        0.0,
        0.5,
    )
    log_every: int = setting(50, "Steps between progress lines and TensorBoard scalars.", 1, _BIG)
    grid_every: int = setting(250, "Steps between pictures of G.", 1, _BIG)
    checkpoint_every: int = setting(250, "Steps between checkpoints.", 1, _BIG)

    def __post_init__(self):
        """Checks every setting, so that a run never fails late on one."""
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))
        for name, expected, why in _RULES:
            if not _holds(self, expected, name) and why(self):
                raise UserError(
                    f"{name}={getattr(self, name)!r} would be ignored: {why(self)}."
                    f" Leave it at {_said(expected)}."
                )
        length = 3 if self.method == "yunjey" else 4
        if len(self.d_channels) != length:
            raise UserError(
                f"d_channels={self.d_channels} has {len(self.d_channels)} numbers; expected"
                f" {length} with method={self.method}."
            )


_DEFAULTS = {f.name: f.default for f in dataclasses.fields(DTNConfig)}
_OF_F = ("style_size", "tta", "d_conditional")  # they use f's decisions, or read x beside f(x)


def _with_method(*methods):
    return lambda c: f"method={c.method} has none" if c.method in methods else ""


def _when(condition, text):
    return lambda c: text if condition(c) else ""


# What would be ignored: setting, the value it must have, and a function that says why or "".
_RULES = (
    *((name, _DEFAULTS[name], _with_method("pixels", "baseline", "yunjey")) for name in _OF_F),
    (
        "content_distance",
        ("mse", "cosine"),
        _when(lambda c: c.method != "dtn", "only method=dtn has f's decisions"),
    ),
    ("beta", 0.0, _when(lambda c: c.method == "baseline", "method=baseline has no L_TID")),
    ("gamma", 0.0, _when(lambda c: c.method == "yunjey", "method=yunjey has no L_TV")),
    ("gan", 1.0, _when(lambda c: c.method == "yunjey", "method=yunjey has no such weight")),
    (
        "d_classes",
        2,
        _when(lambda c: c.method in ("baseline", "yunjey"), "D of this method is binary"),
    ),
    (
        "cosine",
        False,
        _when(
            lambda c: c.method == "yunjey", "method=yunjey has five optimizers at constant rates"
        ),
    ),
    (
        "f_depths",
        _DEFAULTS["f_depths"],
        _when(lambda c: c.method == "yunjey", "method=yunjey has nets of its own"),
    ),
    (
        "balance_s",
        False,
        _when(
            lambda c: domains.TASKS[c.domain].source != domains.TASKS[c.domain].content,
            "f was taught another domain than the source's and cannot say which classes are in s",
        ),
    ),
    (
        "adapt_learning_rate",
        _DEFAULTS["adapt_learning_rate"],
        _when(lambda c: not c.adapt_steps, "f is not adapted with adapt_steps=0"),
    ),
    ("image_distance", "mse", _when(lambda c: not c.beta, "L_TID has no weight with beta=0")),
    (
        "content_distance",
        ("mse", "cross_entropy"),
        _when(lambda c: not c.alpha, "L_CONST has no weight with alpha=0"),
    ),
)


def make(preset, **given):
    """Returns the `DTNConfig` of a preset or a row of a table, with what is given in its place.

    Args:
        preset: Name in `presets.ROWS`, which has the presets, too.
        **given: Settings.

    Raises:
        UserError: If there is no such preset or setting, or a value cannot be.
    """
    if preset not in presets.ROWS:
        known = ", ".join(presets.ROWS)
        raise UserError(f"preset={preset!r} is unknown; expected one of {known}.")
    unknown = given.keys() - _DEFAULTS.keys()
    if unknown:
        raise UserError(
            f"{', '.join(sorted(unknown))}: no such setting. It may be of another version of"
            " dtn_tf: use that version, or train anew with this one."
        )
    row = presets.ROWS[preset]
    settings = {**presets.PRESETS[row.preset], **row.changes, **given}
    task = domains.TASKS.get(settings.get("domain", "svhn"))
    if "balance_s" not in given and task and task.source != task.content:
        settings["balance_s"] = False  # f is no judge of the source's classes
    return DTNConfig(preset=preset, **settings)


def changes(config):
    """Returns what a config changes of its row: dict, setting -> value.

    Where it has come to be what another row is, `row_of` names that one and nothing is changed.
    """
    return _changes_of(config, row_of(config))


def row_of(config):
    """Returns the name of the row a config is: the one it started from, or one it equals."""
    if not _changes_of(config, config.preset):
        return config.preset
    same = [name for name in presets.ROWS if not _changes_of(config, name)]
    return same[0] if same else config.preset


def title(row, changed):
    """Names a run for tables: "dtn", or with what was changed, "dtn (alpha=1.0)"."""
    said = ", ".join(f"{name}={_said(value)}" for name, value in sorted(changed.items()))
    return f"{row} ({said})" if said else row


@functools.cache
def _settings_of(row, domain):
    return dataclasses.asdict(make(row, domain=domain))


def _changes_of(config, row):
    base = _settings_of(row, config.domain)
    free = {"preset", "domain", "data", "seed", *NOT_IDENTITY}
    found = vars(config)
    return {k: v for k, v in found.items() if k not in free and v != base[k]}


def _checked(field, value):
    """Returns the value as its type has it; raises `UserError` if it is of another one."""
    about, name = field.metadata, field.name
    if about["choices"]:
        expected = f"one of {', '.join(about['choices'])}"
        right = isinstance(value, str) and value in about["choices"]
        return _right(right, name, value, expected)
    if typing.get_origin(field.type) is tuple:
        return _checked_tuple(about, name, value)
    if isinstance(field.type, types.UnionType):  # str | None
        right = value is None or (isinstance(value, str) and value != "")
        return _right(right, name, value, "text, or nothing")
    if field.type is bool:
        return _right(isinstance(value, bool), name, value, "True or False")
    if field.type is float and type(value) is int:
        value = float(value)
    low, high = about["low"], about["high"]
    kind = "a whole number" if field.type is int else "a number"
    right = type(value) is field.type and math.isfinite(value) and low <= value <= high
    return _right(right, name, value, f"{kind} from {low} to {high}")


def _checked_tuple(about, name, value):
    low, high, length = about["low"], about["high"], about["length"]
    is_set = name.startswith("absent_")
    expected = f"{length or 'some'} whole numbers from {low} to {high}"
    right = isinstance(value, tuple | list) and all(type(n) is int for n in value)
    right = right and all(low <= n <= high for n in value)
    if is_set:
        expected = f"at most nine of the classes {low} to {high}"
        value = tuple(sorted(set(value))) if right else value
        right = right and len(value) <= high
    else:
        right = right and len(value) == (length or len(value)) and len(value) > 0
    return tuple(_right(right, name, value, expected))


def _right(right, name, value, expected):
    if not right:
        raise UserError(f"{name}={value!r} is out of range; expected {expected}.")
    return value


def _holds(config, expected, name):
    several = isinstance(expected, tuple) and not isinstance(_DEFAULTS[name], tuple)
    value = getattr(config, name)
    return value in expected if several else value == expected


def _said(value):
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
