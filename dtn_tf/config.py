"""Every setting of a run: one line each, from which its flag, its check and its help are made."""

import dataclasses
import functools

from dtn_tf import presets, rules
from dtn_tf.data import domains
from dtn_tf.errors import UserError
from dtn_tf.nets import sizes
from dtn_tf.settings import checked, said, setting

DATA = ("auto", "tfds", "files", "builtin")
D_NORMS = ("batch", "none")
UPSAMPLINGS = ("transposed", "nearest")
FITS = ("crop", "pad")
SCALES = ("-1,1", "0,1", "0,255")  # of `content.contract`, which loads TensorFlow
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
METHODS = ("dtn", "pixels", "baseline", "yunjey", *rules.PEERS)
TTA = ("none", "mean", "confident")
JUDGE_STEPS = 1500  # batches of 128 that train a judge, unless told otherwise
MOST_FILTERS = 4096  # of a layer
_BIG = 10**9
_MOST_SAID = 6  # changes in a name

# What is watched, where data lies, how numbers are stored: not what a run is.
FOLDERS = ("data_dir", "source_dir", "target_dir")
WATCHED = ("log_every", "grid_every", "eval_every", "checkpoint_every")
# How a machine computes: the same numbers but for the rounding of sums, whatever they are.
MACHINE = ("devices", "steps_per_execution", "jit_compile", "deterministic")
NOT_IDENTITY = (*FOLDERS, "precision", *WATCHED, *MACHINE)


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

    preset: str = setting(
        "dtn",
        "Preset, or row of a table. Unset: dtn; dtn_folders with --domain=folders, dtn_face with"
        " --domain=face and emoji.",
        choices=tuple(presets.ROWS),
    )
    domain: str = setting(
        "svhn",
        "Source domain: svhn (SVHN to MNIST), mnist (MNIST to SVHN), face (photos of faces to"
        " emoji), emoji (the reverse), or folders: your own two folders of images, --source_dir and"
        " --target_dir.",
        choices=(*domains.TASKS, *domains.PAIRS),
    )
    source_dir: str | None = setting(
        None, "Folder of the images to translate, with --domain=folders. Folders in it are classes."
    )
    target_dir: str | None = setting(
        None, "Folder of images of the kind to translate into, with --domain=folders."
    )
    size: int = setting(
        32,
        "Side of the square images, in pixels; 64 and 128 with folders and faces.",
        choices=sizes.SIZES,
    )
    fit: str = setting(
        "crop",
        "How an image becomes a square. crop: its centre. pad: all of it, on white.",
        choices=FITS,
        expert=True,
    )
    data: str = setting(
        "auto",
        "Where pictures come from. tfds: TensorFlow Datasets. files: the publishers' own files in"
        " --data_dir (SVHN .mat, MNIST idx, gzipped or not). builtin: DRAWN house numbers and the"
        " 5,000 real MNIST digits of a package; needs no download. auto: files if --data_dir has"
        " them, else tfds if it can be had, else builtin. Of faces: files are the folders face and"
        " emoji in --data_dir, builtin are DRAWN portraits and avatars. With --domain=folders: auto"
        " alone.",
        choices=(*DATA, domains.FOLDERS),
    )
    data_dir: str | None = setting(
        None,
        "Folder of the publishers' files, of TensorFlow Datasets, or with face and emoji in it.",
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
    seed: int = setting(
        0, "Of weights, batches, and of how f sees images while it learns.", 0, 2**31 - 1
    )
    precision: str = setting(
        "auto",
        "Number format of the nets. auto: bfloat16 or float16 where the hardware computes in it.",
        choices=PRECISIONS,
    )
    devices: int = setting(
        1,
        "GPUs of this machine that train g and D together: each takes an equal part of every"
        " batch.",
        1,
        32,
        expert=True,
    )
    steps_per_execution: int = setting(
        1,
        "Steps of g and D that TensorFlow takes at a time. Progress lines, pictures, checkpoints"
        " and Ctrl-C come between them.",
        1,
        10_000,
        expert=True,
    )
    jit_compile: bool = setting(
        False, "Whether XLA compiles the training step of g and D.", expert=True
    )
    deterministic: bool = setting(
        False,
        "Whether TensorFlow takes deterministic kernels alone, which are slower: a GPU then gives"
        " the same bits again, a resumed run's too.",
        expert=True,
    )
    method: str = setting(
        "dtn",
        "Passes and losses. dtn: the paper's. pixels, baseline: its rows whose G reads pixels."
        " yunjey: updates and nets of the best-known port. cyclegan, unit: methods of other"
        " papers, see docs/peers.md.",
        choices=METHODS,
        expert=True,
    )
    # f.
    content: str = setting(
        "auto",
        "What f is. labels: taught by the source's classes. unlabelled: learnt from both sets"
        " without labels. app:NAME: a net of Keras Applications. PATH.keras: your own net."
        " face:PATH_OR_PACKAGE: a face net that you installed, a frozen graph (.pb) or a tfjs graph"
        " model. auto: labels where there are any, else unlabelled.",
    )
    content_student: bool = setting(
        True,
        "Whether a small net learns what the face net of --content=face:... says, and is f in its"
        " place: a step then takes a fraction of the time.",
        expert=True,
    )
    content_scale: str = setting(
        "-1,1",
        "Pixel range that the net of --content=PATH.keras takes, or a face net that is not known.",
        choices=SCALES,
        expert=True,
    )
    match_features: bool = setting(
        False,
        "Whether each feature of f(s) is brought to the mean and the deviation it has in f(t).",
        expert=True,
    )
    caricature: float = setting(
        1.0,
        "How much g exaggerates: matched f(s) gets so many times the deviation that f(t) has,"
        " in training, and unless --test_caricature says otherwise in translations.",
        0.1,
        10.0,
        expert=True,
    )
    test_caricature: float = setting(
        0.0,
        "How much a translation exaggerates: matched f(s) gets so many times the deviation that"
        " f(t) has when an image is translated. Training is not touched. 0 is as --caricature.",
        0.0,
        10.0,
        expert=True,
    )
    mirror: bool = setting(
        True,
        "Whether a mirrored image shows the same, for --content=unlabelled, the student of a face"
        " net, and --tta=mean: not so for digits.",
        expert=True,
    )
    f_channels: tuple[int, ...] = _filters(
        (64, 128, 256, 128), "Filters of f's blocks, four at 32 pixels."
    )
    f_depths: tuple[int, ...] = setting(
        (1, 1, 1, 1), "Convolutions in each of f's blocks.", 1, 16, length=4, expert=True
    )
    f_residual: bool = setting(
        False,
        "Whether f is a residual net: a convolution that keeps the number of filters is added to"
        " what it reads.",
        expert=True,
    )
    f_dense: bool = setting(
        False,
        "Whether f ends with a dense layer over its last 4x4 places. Else it takes the largest"
        " value of each filter, wherever that is, as the paper's f.",
        expert=True,
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
    pretrain_cutout: float = setting(
        0.0,
        "Cutout while f trains: side of a gray square in each image, a share of the image's; 0 is"
        " none.",
        0.0,
        1.0,
        expert=True,
    )
    pretrain_noise: float = setting(
        0.0,
        "Gaussian noise on what f sees while it trains: the largest deviation, of pixels in"
        " [-1, 1].",
        0.0,
        2.0,
        expert=True,
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
        " --domain=svhn, or folders whose classes teach f.",
    )
    # g and D.
    g_channels: tuple[int, ...] = _filters(
        (256, 128, 64), "Filters of g's blocks but its last, three at 32 pixels.", 3
    )
    g_upsampling: str = setting(
        "transposed",
        "How g doubles the sides. transposed: transposed convolutions, as DCGAN. nearest: it"
        " repeats pixels, then convolves, which paints no checkerboard.",
        choices=UPSAMPLINGS,
        expert=True,
    )
    g_refine: bool = setting(
        False,
        "Whether a 1x1 convolution follows each block of g, as in the paper's g for faces.",
        expert=True,
    )
    g_final_conv: bool = setting(
        False,
        "Whether g paints by a 3x3 convolution at full resolution: its last block then enlarges to"
        " half as many filters as the one before it, not to the image's channels.",
        expert=True,
    )
    d_channels: tuple[int, ...] = _filters(
        (64, 128, 256, 256), "Filters of D's convolutions.", None
    )
    d_leak: float = setting(
        0.0, "Slope of D's ReLU below 0; the paper's D for faces has 0.2.", 0.0, 1.0, expert=True
    )
    d_norm: str = setting(
        "batch",
        "Normalisation in D. none: D then sees how much contrast and texture G(x) has as a whole.",
        choices=D_NORMS,
        expert=True,
    )
    d_augment: bool = setting(
        False,
        "Differentiable augmentation: D sees every image with random changes, for a few thousand"
        " images of t or fewer.",
        expert=True,
    )
    d_classes: int = setting(3, "Classes of D: 3, or 2 for a binary D.", 2, 3, expert=True)
    d_conditional: bool = setting(
        False, "Class-conditional discriminator: D is told the class that f sees.", expert=True
    )
    style_size: int = setting(
        0,
        "Length of the style code of x that g reads beside f(x); 0 is none.",
        0,
        4096,
        expert=True,
    )
    tta: str = setting(
        "none",
        "Test-time augmentation of a translation, over six views of x: moved a little, and its"
        " negative, or with --match_features mirrored. mean: g reads the mean of f. confident: f of"
        " the view that f is surest of.",
        choices=TTA,
        expert=True,
    )
    warm_steps: int = setting(
        0,
        "Batches of t that train g by L_TID alone, before D and L_CONST come in. 0 is off.",
        0,
        _BIG,
        expert=True,
    )
    warm_learning_rate: float = setting(
        1e-3, "Peak of the warm start's warm-up and cosine decay.", 1e-8, 1.0, expert=True
    )
    steps: int = setting(1500, "Batches of s and of t that train g and D.", 1, _BIG)
    batch_size: int = setting(64, "Images of s, and as many of t, per step.", 2, 65536)
    alpha: float = setting(15.0, "Weight of L_CONST.", 0.0, 1e6)
    beta: float = setting(15.0, "Weight of L_TID.", 0.0, 1e6)
    gamma: float = setting(0.0, "Weight of L_TV.", 0.0, 1e6)
    gan: float = setting(1.0, "Weight of L_D and L_GANG.", 0.0, 1e6)
    r1: float = setting(
        0.0,
        "Weight of R1, a penalty on D's gradient at real images; 0 is none.",
        0.0,
        1e6,
        expert=True,
    )
    const_blur: bool = setting(
        False,
        "Whether L_CONST reads G(x) slightly blurred, so that g paints no fine mesh for f alone.",
        expert=True,
    )
    const_views: bool = setting(
        False,
        "Whether L_CONST reads a random view of G(x): cropped, with noise, as f's own training"
        " changed images. What g paints for f then is less for this f alone.",
        expert=True,
    )
    content_distance: str = setting(
        "mse",
        "The paper's d, in L_CONST. nmse: the mean square over the variance of f(t), so that alpha"
        " does not depend on the scale of f. cross_entropy: of f's decision about G(x), under its"
        " decision about x.",
        choices=("mse", "nmse", "cosine", "cross_entropy"),
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
    eval_every: int = setting(
        0,
        "Steps between measurements of translated validation images by the judge, a curve in"
        " TensorBoard; 0 is off. It changes nothing of the training.",
        0,
        _BIG,
    )
    checkpoint_every: int = setting(250, "Steps between checkpoints.", 1, _BIG, expert=True)

    def __post_init__(self):
        """Checks every setting, so that a run never fails late on one."""
        for field in dataclasses.fields(self):
            value = checked(field, getattr(self, field.name), self.size)
            object.__setattr__(self, field.name, value)
        rules.check(self)


_DEFAULTS = {f.name: f.default for f in dataclasses.fields(DTNConfig)}


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
    settings = {**presets.PRESETS[row.preset], **row.changes}
    settings |= _at_size(settings, given.get("size", settings.get("size", 32)))
    if given.get("domain", settings.get("domain")) in domains.PAIRS:
        settings.pop("num_validation", None)  # folders have a validation split
    settings |= given
    task = domains.TASKS.get(settings.get("domain", "svhn"))
    if "balance_s" not in given and (not task or task.source != task.content):
        settings["balance_s"] = False  # f is no judge of the source's classes, or may have none
    return DTNConfig(preset=preset, **settings)


def _at_size(settings, size):
    """The filters of a preset's nets for images of another size than it was made for."""
    if size not in sizes.SIZES:
        return {}  # refused when it is checked
    found = {"size": size}
    for name, of in _NETS.items():
        now = settings.get("size", 32) if name in settings else 32
        found[name] = sizes.at_size(settings.get(name, _DEFAULTS[name]), size, of, now)
    return found


_NETS = {"f_channels": "f", "f_depths": "depths", "g_channels": "g", "d_channels": "d"}


def changes(config):
    """Returns what a config changes of its row: dict, setting -> value.

    Where it has come to be what another row is, `row_of` names that one and nothing is changed.
    """
    return named(vars(config))[1]


def row_of(config):
    """Returns the name of the row a config is: the one it started from, or one it equals."""
    return named(vars(config))[0]


def named(settings):
    """Names settings as the rows of today have them, which may not be those of the day they ran.

    Args:
        settings: Dict of them, with "preset". One that is not in it did not exist yet, and is as
            by default, off. One that exists no more is a change of any row.

    Returns:
        Name of the row that they are, and a dict of what they change of it, setting -> value.
        Another f (`content`) is a change, and does not make another row of it. Where no row
        equals them it is the preset, or if there is none of that name any more, the row of which
        they change the least.

    Raises:
        ValueError: If the size is no whole number, or the domain no text.
    """
    settings = _DEFAULTS | settings
    preset, size, domain = (settings[name] for name in ("preset", "size", "domain"))
    if type(size) is not int or type(domain) is not str:
        raise ValueError(f"size={size!r}, domain={domain!r}; expected a whole number and a text")
    rows = sorted(presets.ROWS, key=lambda row: row != preset)  # its own first, then in order
    for row in rows:
        found = _changes_of(settings, row)
        if not found.keys() - {"content"}:
            return row, found
    if preset not in rows:
        preset = min(rows, key=lambda row: len(_changes_of(settings, row)))
    return preset, _changes_of(settings, preset)


def recorded(settings):
    """Returns the `DTNConfig` of a run. What was no setting yet when it began is off.

    Args:
        settings: Dict of all settings that there were.

    Raises:
        UserError: As `make`.
    """
    return make(**{**_DEFAULTS, **settings})


def title(row, changed):
    """Names a run for tables: "dtn", or with what was changed, "dtn (alpha=1.0)"."""
    said_of = [f"{name}={said(value)}" for name, value in sorted(changed.items())]
    if len(said_of) > _MOST_SAID:  # as of a recipe that a preset had once
        said_of[_MOST_SAID - 1 :] = [f"{len(said_of) - _MOST_SAID + 1} more"]
    return f"{row} ({', '.join(said_of)})" if said_of else row


def usual(config):
    """Returns the settings that a command need not name: dict, as preset and size have them."""
    own = {"preset": config.preset, "domain": "svhn", "source_dir": None, "target_dir": None}
    return {**_settings_of(config.preset, config.domain, config.size), **own}


@functools.cache
def _settings_of(row, domain, size):
    """The settings of a row, as a dict; empty where it cannot be of this domain and size."""
    folders = {"source_dir": "s", "target_dir": "t"} if domain == domains.FOLDERS else {}
    try:
        found = dataclasses.asdict(make(row, domain=domain, size=size, **folders))
    except UserError:  # a row of digits alone
        return {}
    return found | {"size": presets.PRESETS[presets.ROWS[row].preset].get("size", 32)}


def _changes_of(settings, row):
    base = _settings_of(row, settings["domain"], settings["size"])
    free = {"preset", "domain", "data", "seed", *NOT_IDENTITY}
    asked = {name: value for name, value in settings.items() if name not in free}
    return {k: v for k, v in asked.items() if _as_in_json(v) != _as_in_json(base.get(k))}


def _as_in_json(value):
    return list(value) if isinstance(value, tuple) else value
