"""Flags of train_main.py. Unset means: as in the preset."""

import dataclasses

from absl import flags

from dtn_tf import config
from flags import common_flags

PRESET = flags.DEFINE_enum("preset", "dtn", sorted(config.PRESETS), "Row of the paper's table.")
DOMAIN = flags.DEFINE_string(
    "domain", "svhn", "Source domain: svhn (SVHN to MNIST) or mnist (MNIST to SVHN)."
)
WORKDIR = flags.DEFINE_string(
    "workdir", None, "Run directory. Unset: runs/DOMAIN-PRESET. A second start goes on from it."
)
DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print the resolved configuration and what would be loaded, then stop."
)


def _integer(name, help_text, low):
    return flags.DEFINE_integer(name, None, help_text, lower_bound=low)


def _float(name, help_text, high=None):
    return flags.DEFINE_float(name, None, help_text, lower_bound=0.0, upper_bound=high)


def _switch(name, help_text):
    return flags.DEFINE_bool(name, None, help_text)


def _enum(name, values, help_text):
    return flags.DEFINE_enum(name, None, values, help_text)


def _numbers_of(name, help_text):
    return flags.DEFINE_list(name, None, help_text)


_OVERRIDES = (
    _enum(
        "pretrain_split",
        config.PRETRAIN_SPLITS,
        "Labelled images that train f, and without labels the set s.",
    ),
    _enum("target_split", ("train", "test"), "Split of the target domain that is the set t."),
    _integer("num_validation", "Images held out at the end of the source's train split.", 1),
    _integer("pretrain_steps", "Batches that train f.", 1),
    _integer("pretrain_batch_size", "Images per batch while f trains.", 2),
    _float("pretrain_learning_rate", "Peak learning rate of f, after warm-up."),
    _float("pretrain_geometry", "Strength of shift, scale and rotation while f trains.", 5.0),
    _float("pretrain_colour", "Strength of contrast and brightness while f trains.", 2.0),
    _float("pretrain_weight_decay", "Weight decay of AdamW while f trains.", 10.0),
    _float("pretrain_dropout", "Share of f's features its head misses while f trains.", 0.95),
    _float("pretrain_invert", "Probability that f sees an image as its negative.", 1.0),
    _float("pretrain_widen", "Random width of f's training images: e^-this to e^this times.", 2.0),
    _integer("adapt_steps", "Batches that adapt f to unlabelled target images; 0 is off.", 0),
    _float("adapt_learning_rate", "Peak learning rate of f while it is adapted.", 1.0),
    _numbers_of("absent_s", "Classes left out of the set s, e.g. 3."),
    _numbers_of("absent_t", "Classes left out of the set t, e.g. 3."),
    _numbers_of("absent_f", "Classes left out of what trains f, e.g. 3."),
    _switch(
        "balance_s",
        "Whether all classes that f sees in s are shown equally often; --domain=svhn only.",
    ),
    _integer("steps", "Batches of s and of t that train g and D.", 1),
    _integer("batch_size", "Images of s, and as many of t, per step.", 2),
    _integer("seed", "Of weights, batches and augmentation.", 0),
    _enum(
        "precision",
        config.PRECISIONS,
        "Number format of the nets. auto: bfloat16 or float16 where the hardware computes in it.",
    ),
    _enum(
        "method",
        config.METHODS,
        "Passes and losses. dtn: the paper's. pixels, baseline: its rows whose G reads pixels."
        " class: f's decisions are used, see the next two. yunjey: the best-known port's updates.",
    ),
    _switch("d_conditional", "Whether D is told the class that f sees. Needs --method=class."),
    _integer("style_size", "Numbers of x that g reads beside f(x). Needs --method=class.", 0),
    _enum(
        "views",
        config.VIEWS,
        "What of x a translation reads. one: f(x). mean: the mean of f over six views of x. surest:"
        " f of the view of which f is surest. The last two need --method=class.",
    ),
    _enum(
        "nets", config.NETS, "Layers of f, g and D: as in the paper, or as in the best-known port."
    ),
    _integer("d_classes", "Classes of D: 3, or 2 for one that takes both kinds of G(x) as one.", 2),
    _float("alpha", "Weight of L_CONST."),
    _float("beta", "Weight of L_TID."),
    _float("gamma", "Weight of L_TV."),
    _float("gan", "Weight of L_D and L_GANG."),
    _enum(
        "content_distance",
        config.CONTENT_DISTANCES,
        "The paper's d, between f(x) and f(G(x)). class: cross-entropy of G(x) under the class f"
        " sees in x; needs --method=class.",
    ),
    _enum("image_distance", config.DISTANCES, "The paper's d_2, between x and G(x)."),
    _float("g_learning_rate", "Adam's learning rate for g at the start of its cosine decay.", 1.0),
    _float("d_learning_rate", "Adam's learning rate for D at the start of its cosine decay.", 1.0),
    _switch("cosine", "Whether both rates decay to 0; else they are constant."),
    _float("beta_1", "Adam's first decay, for g and D.", 0.9999),
    _float("ema", "Decay per step of the average of g that is scored; 0 is off.", 0.999999),
    _numbers_of("f_channels", "Filters of f's four convolutions, e.g. 64,128,256,128."),
    _numbers_of("f_depths", "Convolutions in each of f's four blocks, e.g. 1,1,2,2."),
    _numbers_of("g_channels", "Filters of g's first three blocks, e.g. 256,128,64."),
    _numbers_of("d_channels", "Filters of D's four convolutions, e.g. 64,128,256,256."),
    _integer("log_every", "Steps between progress lines and TensorBoard scalars.", 1),
    _integer("grid_every", "Steps between pictures of G.", 1),
    _integer("checkpoint_every", "Steps between checkpoints.", 1),
)


def config_from_flags():
    """Returns the `DTNConfig` of the command line: the preset, with what was given.

    Raises:
        ValueError: If a value is out of range, or a list is not one of numbers.
    """
    given = {holder.name: holder.value for holder in _OVERRIDES if holder.value is not None}
    lists = {holder.name for holder in _OVERRIDES if isinstance(holder.value, list)}
    given |= {name: _numbers(name, given[name]) for name in lists}
    given |= {"domain": DOMAIN.value, "data_dir": common_flags.DATA_DIR.value}
    given |= {"data": common_flags.DATA.value or "auto"}
    return dataclasses.replace(config.PRESETS[PRESET.value], **given)


def workdir():
    """Returns the run directory of the command line."""
    return WORKDIR.value or f"runs/{DOMAIN.value}-{PRESET.value}"


def _numbers(name, words):
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        received = ",".join(words)
        raise ValueError(f"--{name}={received} is not a list of whole numbers.") from None
