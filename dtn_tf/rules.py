"""Which settings go together: what would be ignored is refused by name."""

import dataclasses

from dtn_tf import paths, settings
from dtn_tf.data import domains
from dtn_tf.errors import UserError
from dtn_tf.nets import sizes

DEFAULT = object()  # the setting's default
PEERS = ("cyclegan", "unit")  # methods of other papers, see `peers`
_OF_F = ("style_size", "tta", "d_conditional")  # they use f's decisions, or read x beside f(x)


def uses_decisions(config):
    """Whether something of a config uses what f's own classifier decides, or reads more of x."""
    by_class = config.content_distance == "cross_entropy" or config.d_conditional
    by_views = config.tta != "none" and not has_mean_of_views(config)
    return by_class or by_views or config.style_size > 0


def has_mean_of_views(config):
    """Whether a translation reads the mean of views of x that need no classes: matched codes."""
    return config.match_features and config.tta == "mean"


def _is_pair(config):
    return config.domain in domains.PAIRS


def _is_of_folders(config):
    return config.domain == domains.FOLDERS


def _is_of_faces(config):
    return config.domain in domains.FACES


def _is_face(config):
    return config.content.startswith(paths.FACE)


def _with_method(*methods, text="method={} has none"):
    return lambda c: text.format(c.method) if c.method in methods else ""


def _when(condition, text):
    return lambda c: text if condition(c) else ""


_OF_DIGITS = ("pretrain_split", "target_split", "num_validation")
_ABSENT = ("absent_s", "absent_t", "absent_f")

# What would be ignored: setting, the value it must have, and a function that says why or "".
_RULES = (
    *((name, DEFAULT, _with_method("pixels", "baseline", "yunjey", *PEERS)) for name in _OF_F),
    ("alpha", 0.0, _with_method(*PEERS, text="method={} has no L_CONST")),
    ("beta", 0.0, _with_method(*PEERS, text="method={} has no L_TID")),
    ("gamma", 0.0, _with_method(*PEERS, text="method={} has no L_TV")),
    ("gan", 1.0, _with_method(*PEERS, text="the weights of method={} are its paper's")),
    ("content_distance", "mse", _with_method(*PEERS, text="method={} has no L_CONST")),
    (
        "balance_s",
        False,
        _with_method(*PEERS, text="it takes f's decisions, and method={} does without f"),
    ),
    (
        "content_distance",
        ("mse", "nmse", "cosine"),
        _when(lambda c: c.method != "dtn", "only method=dtn has f's decisions"),
    ),
    ("content_distance", ("mse", "cosine"), _with_method("yunjey", text="f of {} moves")),
    ("beta", 0.0, _when(lambda c: c.method == "baseline", "method=baseline has no L_TID")),
    ("gamma", 0.0, _when(lambda c: c.method == "yunjey", "method=yunjey has no L_TV")),
    ("gan", 1.0, _when(lambda c: c.method == "yunjey", "method=yunjey has no such weight")),
    (
        "d_classes",
        2,
        _when(lambda c: c.method in ("baseline", "yunjey", *PEERS), "D of this method is binary"),
    ),
    *(
        (name, DEFAULT, rule)
        for name in ("r1", "d_augment")
        for rule in (
            _with_method("baseline", "yunjey", *PEERS),
            _when(lambda c: not c.gan, "D does not train with gan=0"),
        )
    ),
    (
        "cosine",
        False,
        _when(
            lambda c: c.method == "yunjey", "method=yunjey has five optimizers at constant rates"
        ),
    ),
    *(
        (name, DEFAULT, _with_method("yunjey", text="method={} has nets of its own"))
        for name in ("f_depths", "f_residual", "f_dense", "d_leak", "d_norm", "size")
    ),
    *(
        (name, DEFAULT, _when(lambda c: c.method in ("yunjey", *PEERS), "its g has none"))
        for name in ("g_upsampling", "g_refine", "g_final_conv")
    ),
    (
        "warm_steps",
        0,
        _when(
            lambda c: c.method in ("baseline", "yunjey", *PEERS) or not c.beta,
            "g has no L_TID to start with",
        ),
    ),
    (
        "warm_learning_rate",
        DEFAULT,
        _when(lambda c: not c.warm_steps, "there is no warm start with warm_steps=0"),
    ),
    (
        "balance_s",
        False,
        _when(
            lambda c: c.domain == "mnist",
            "f was taught another domain than the source's and cannot say which classes are in s",
        ),
    ),
    (
        "adapt_learning_rate",
        DEFAULT,
        _when(lambda c: not c.adapt_steps, "f is not adapted with adapt_steps=0"),
    ),
    *(
        (name, DEFAULT, _when(_is_pair, "folders have splits and classes of their own"))
        for name in (*_OF_DIGITS, *_ABSENT)
    ),
    ("data_dir", None, _when(_is_of_folders, "domain=folders reads the two folders")),
    ("data", ("auto", "folders"), _when(_is_of_folders, "domain=folders reads the two folders")),
    ("data", ("auto", "files", "builtin"), _when(_is_of_faces, "no catalogue has these faces")),
    *(
        (name, DEFAULT, _when(lambda c: not _is_of_folders(c), "it is for --domain=folders"))
        for name in ("source_dir", "target_dir")
    ),
    *(
        (name, DEFAULT, _when(lambda c: not _is_pair(c), "it is for folders and faces"))
        for name in ("size", "fit")
    ),
    (
        "data",
        ("auto", "tfds", "files", "builtin"),
        _when(lambda c: not _is_of_folders(c), "it is for --domain=folders"),
    ),
    (
        "content_scale",
        DEFAULT,
        _when(
            lambda c: not c.content.endswith(".keras") and not _is_face(c),
            "only --content=PATH.keras asks for it",
        ),
    ),
    (
        "content_student",
        DEFAULT,
        _when(lambda c: not _is_face(c), "only a net of --content=face:... has a student"),
    ),
    (
        "mirror",
        DEFAULT,
        _when(
            lambda c: (
                c.content not in ("auto", "unlabelled")
                and not (_is_face(c) and c.content_student)
                and not has_mean_of_views(c)
            ),
            "only --content=unlabelled, the student of a face net and --tta=mean mirror images",
        ),
    ),
    (
        "match_features",
        False,
        _when(
            lambda c: c.method != "dtn" or uses_decisions(c),
            "it is for the paper's G and L_CONST, without f's decisions or a style code",
        ),
    ),
    *(
        (name, DEFAULT, _when(lambda c: not c.match_features, "it is a part of --match_features"))
        for name in ("caricature", "test_caricature")
    ),
    *(
        (name, DEFAULT, rule)
        for name in ("const_blur", "const_views")
        for rule in (
            _with_method("yunjey", text="f of {} moves"),
            _when(lambda c: not c.alpha, "L_CONST has no weight with alpha=0"),
        )
    ),
    ("image_distance", "mse", _when(lambda c: not c.beta, "L_TID has no weight with beta=0")),
    (
        "content_distance",
        ("mse", "nmse", "cross_entropy"),  # presets have these
        _when(lambda c: not c.alpha, "L_CONST has no weight with alpha=0"),
    ),
)


_OF_LABELLED_F = (
    *("pretrain_dropout", "pretrain_geometry", "pretrain_colour"),
    *("pretrain_invert", "pretrain_cutout"),
)
_OF_TRAINED_F = (
    *("pretrain_steps", "pretrain_batch_size"),
    *("pretrain_learning_rate", "pretrain_weight_decay", "pretrain_noise"),
)
_OF_NET_F = ("f_channels", "f_depths", "f_residual", "f_dense")


def ignored_by_content(config):
    """Returns the settings of f that its kind has no use for: a tuple of names."""
    if config.content in ("auto", "labels"):
        return ()
    if config.content == "unlabelled" or (_is_face(config) and config.content_student):
        return _OF_LABELLED_F
    of_net = () if config.method in ("pixels", "baseline") else _OF_NET_F  # their G has it
    read = ("pretrain_noise",) if config.const_views else ()  # by L_CONST's views of G(x)
    return tuple(k for k in (*_OF_LABELLED_F, *_OF_TRAINED_F, *of_net) if k not in read)


def check(config):
    """Refuses a `DTNConfig` with a setting that would be ignored, or that lacks one.

    Raises:
        UserError: Names the setting, why it would be ignored, and what to leave it at.
    """
    for name in ("source_dir", "target_dir") if _is_of_folders(config) else ():
        if getattr(config, name) is None:
            raise UserError(f"domain=folders needs --{name}=FOLDER, a folder of images.")
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for name, allowed, why in _RULES:
        expected = defaults[name] if allowed is DEFAULT else allowed
        if not _holds(config, name, expected, defaults[name]) and why(config):
            raise UserError(
                f"{name}={getattr(config, name)!r} would be ignored: {why(config)}."
                f" Leave it at {settings.said(expected)}."
            )
    _check_d(config)
    check_devices(config, config.devices)


def check_devices(config, count):
    """Refuses what several devices, of one machine or of many, cannot do; and what XLA cannot.

    Raises:
        UserError: Names the setting and why.
    """
    if config.batch_size % count:
        raise UserError(
            f"batch_size={config.batch_size} cannot be shared equally by devices={count}; expected"
            " a multiple."
        )
    for is_asked, what, why in (
        (count > 1 and config.batch_size == count, "batch_size", "each device needs two images"),
        (
            count > 1 and config.precision == "mixed_float16",
            "precision=mixed_float16",
            "Keras' loss scaling looks for overflow on the first device alone, and NaN of another"
            " one comes through. Take float32, or mixed_bfloat16",
        ),
        (count > 1 and config.method == "yunjey", "method=yunjey", "its steps are functions"),
        (
            count > 1 and config.method in PEERS,
            f"method={config.method}",
            "what a step draws, each device would draw alike",
        ),
        (
            count > 1 and config.steps_per_execution > 1,
            f"steps_per_execution={config.steps_per_execution}",
            "TensorFlow fails on a loop of such steps",
        ),
        (count > 1 and config.jit_compile, "jit_compile", "XLA compiles a step of one device"),
    ):
        if is_asked:
            raise UserError(f"{what} does not go with devices={count}: {why}.")
    if config.jit_compile and config.deterministic:
        raise UserError("jit_compile does not go with deterministic: Keras leaves XLA off there.")


def _check_d(config):
    least = 4 + sizes.doublings(config.size)
    allowed = (3,) if config.method == "yunjey" else (least, least + 1)
    if len(config.d_channels) not in allowed:
        raise UserError(
            f"d_channels={config.d_channels} has {len(config.d_channels)} numbers; expected"
            f" {' or '.join(map(str, allowed))} with method={config.method}."
        )


def _holds(config, name, expected, default):
    several = isinstance(expected, tuple) and not isinstance(default, tuple)
    value = getattr(config, name)
    return value in expected if several else value == expected
