"""What a run is: every setting in one frozen object, and the rows of the paper's table."""

import dataclasses

DATA = ("auto", "tfds", "files", "builtin")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
PRETRAIN_SPLITS = ("train", "extra", "train+extra")
DISTANCES = ("mse", "cosine")
CONTENT_DISTANCES = (*DISTANCES, "class")
VIEWS = ("one", "mean", "surest")
METHODS = ("dtn", "pixels", "baseline", "class", "yunjey")
NETS = ("paper", "yunjey")
JUDGE_STEPS = 1500  # batches of 128 that train a judge, unless told otherwise


@dataclasses.dataclass(frozen=True)
class DTNConfig:
    """Settings of one run, checked on creation. Every field has a flag.

    Attributes:
        preset: Name in `PRESETS` these settings started from.
        domain: Name of the source domain; see `data.domains.TASKS`.
        data: Where digits come from, one of `DATA`.
        data_dir: Folder of the publishers' files, or of TensorFlow Datasets.
        pretrain_split: Labelled images that train f, and the unlabelled set s.
        target_split: Split of the target domain that is the set t.
        num_validation: Images held out at the end of the source's train split.
        seed: Of weights, batches and augmentation.
        precision: Keras dtype policy of the nets, or "auto".
        nets: "paper", or "yunjey" for f, g and D of the best-known port, see `nets`.
        f_channels, g_channels, d_channels: Filters per convolution, see `nets`.
        f_depths: Convolutions in each of f's four blocks.
        pretrain_steps: Batches that train f.
        pretrain_batch_size: Images per batch of f's training.
        pretrain_learning_rate: Peak of f's warm-up and cosine decay.
        pretrain_weight_decay: Of AdamW, while f trains.
        pretrain_dropout: Share of f's features that its head misses, while f trains.
        pretrain_geometry, pretrain_colour, pretrain_invert, pretrain_widen: How f's
            training images are distorted, see `data.augment`.
        method: "dtn", "pixels" (G does not contain f), "baseline" (Sec. 3 of the
            paper), "class" (f's decisions are used) or "yunjey", see `variants`.
        d_conditional: Whether D is told the class that f sees; method "class" only.
        style_size: Numbers that g reads beside f(x); 0 is none; method "class" only.
        views: What of x a translation reads, of `VIEWS`: f(x), the mean of f over six views
            of x, or f of the surest of them; other than "one" with method "class" only.
        d_classes: 3, or 2 for a D that takes both kinds of G(x) as one.
        adapt_steps: Batches that adapt f to unlabelled target images before DTN, see
            `adapt`; 0, as in the paper, is none.
        adapt_learning_rate: Peak of that training's warm-up and cosine decay.
        absent_s, absent_t, absent_f: Classes whose images are left out of s, of t, of
            what trains f.
        balance_s: Whether all classes that f sees in s are shown equally often, no image
            more than four times an epoch. It helps where classes of t are about equally
            frequent; only where f was trained on images of the source domain.
        steps: Batches of s and t that train g and D.
        batch_size: Images of s, and as many of t, per step.
        alpha, beta, gamma, gan: Weights of L_CONST, L_TID, L_TV, and L_D + L_GANG.
        content_distance, image_distance: The paper's d and d_2, of `DISTANCES`. With
            method "class" d may be "class", see `losses.l_class`.
        g_learning_rate, d_learning_rate: Of Adam at the start of a cosine decay to 0.
        cosine: Whether they decay; else they are constant.
        beta_1: Adam's first decay, for g and D.
        ema: Decay of the moving average of g that is scored; 0 switches it off.
        log_every, grid_every, checkpoint_every: Intervals, in steps.

    Raises:
        ValueError: If a setting is outside its range.
    """

    preset: str = "dtn"
    domain: str = "svhn"
    data: str = "auto"
    data_dir: str | None = None
    pretrain_split: str = "train"
    target_split: str = "train"
    num_validation: int = 5000
    seed: int = 0
    precision: str = "auto"
    nets: str = "paper"
    f_channels: tuple[int, ...] = (64, 128, 256, 128)
    f_depths: tuple[int, ...] = (1, 1, 1, 1)
    g_channels: tuple[int, ...] = (256, 128, 64)
    d_channels: tuple[int, ...] = (64, 128, 256, 256)
    pretrain_steps: int = 4000
    pretrain_batch_size: int = 64
    pretrain_learning_rate: float = 2e-3
    pretrain_weight_decay: float = 0.3
    pretrain_dropout: float = 0.6
    pretrain_geometry: float = 1.5
    pretrain_colour: float = 0.5
    pretrain_invert: float = 0.5
    pretrain_widen: float = 0.0
    absent_s: tuple[int, ...] = ()
    absent_t: tuple[int, ...] = ()
    absent_f: tuple[int, ...] = ()
    balance_s: bool = True
    adapt_steps: int = 0
    adapt_learning_rate: float = 1e-3
    method: str = "dtn"
    d_classes: int = 3
    d_conditional: bool = False
    style_size: int = 0
    views: str = "one"
    steps: int = 1500
    batch_size: int = 64
    alpha: float = 15.0
    beta: float = 15.0
    gamma: float = 0.0
    gan: float = 1.0
    content_distance: str = "mse"
    image_distance: str = "mse"
    g_learning_rate: float = 1e-3
    d_learning_rate: float = 2e-4
    cosine: bool = True
    beta_1: float = 0.5
    ema: float = 0.995
    log_every: int = 50
    grid_every: int = 250
    checkpoint_every: int = 250

    def __post_init__(self):
        """Checks every field, so that a run never fails late on a setting."""
        for name, allowed in _CHOICES.items():
            _check(getattr(self, name) in allowed, self, name, f"one of {', '.join(allowed)}")
        for name, (low, high) in _RANGES.items():
            _check(low <= getattr(self, name) <= high, self, name, f"{low} to {high}")
        for name, length in _LENGTHS.items():
            length -= name == "d_channels" and self.nets == "yunjey"
            object.__setattr__(self, name, tuple(getattr(self, name)))
            value = getattr(self, name)
            right = len(value) == length and all(c >= 1 for c in value)
            _check(right, self, name, f"{length} positive numbers")
        for name in ("absent_s", "absent_t", "absent_f"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))
            value = getattr(self, name)
            right = len(value) < 10 and all(c in range(10) for c in value)
            _check(right, self, name, "at most nine of the classes 0 to 9")
        for name, off in (("d_conditional", False), ("style_size", 0), ("views", "one")):
            right = self.method == "class" or getattr(self, name) == off
            _check(right, self, name, f"{off}, or method='class'")
        right = self.method != "yunjey" or not self.cosine
        _check(right, self, "cosine", "False with method='yunjey', which has five optimizers")
        right = self.method == "class" or self.content_distance in DISTANCES
        _check(right, self, "content_distance", "another distance, or method='class'")


_CHOICES = {
    "data": DATA,
    "pretrain_split": PRETRAIN_SPLITS,
    "target_split": ("train", "test"),
    "precision": PRECISIONS,
    "method": METHODS,
    "views": VIEWS,
    "nets": NETS,
    "content_distance": CONTENT_DISTANCES,
    "image_distance": DISTANCES,
}
_LENGTHS = {"f_channels": 4, "f_depths": 4, "g_channels": 3, "d_channels": 4}
_BIG = 10**9
_RANGES = {
    "num_validation": (1, _BIG),
    "seed": (0, 2**31 - 1),
    "pretrain_steps": (1, _BIG),
    "pretrain_batch_size": (2, 65536),
    "pretrain_learning_rate": (1e-8, 1.0),
    "pretrain_weight_decay": (0.0, 10.0),
    "pretrain_dropout": (0.0, 0.95),
    "pretrain_geometry": (0.0, 5.0),
    "pretrain_colour": (0.0, 2.0),
    "pretrain_invert": (0.0, 1.0),
    "pretrain_widen": (0.0, 2.0),
    "adapt_steps": (0, _BIG),
    "adapt_learning_rate": (1e-8, 1.0),
    "d_classes": (2, 3),
    "style_size": (0, 4096),
    "steps": (1, _BIG),
    "batch_size": (2, 65536),
    "alpha": (0.0, 1e6),
    "beta": (0.0, 1e6),
    "gamma": (0.0, 1e6),
    "gan": (0.0, 1e6),
    "g_learning_rate": (1e-8, 1.0),
    "d_learning_rate": (1e-8, 1.0),
    "beta_1": (0.0, 0.9999),
    "ema": (0.0, 0.999999),
    "log_every": (1, _BIG),
    "grid_every": (1, _BIG),
    "checkpoint_every": (1, _BIG),
}


def _check(right, config, name, expected):
    if not right:
        value = getattr(config, name)
        raise ValueError(f"{name}={value!r} is out of range; expected {expected}.")


def _row(preset, **changes):
    return dataclasses.replace(DTNConfig(), preset=preset, **changes)


_DEEP = (1, 1, 2, 2)  # f_depths


def _adapted(preset, **changes):
    settings = {
        "method": "class",
        "f_depths": _DEEP,
        "pretrain_steps": 5000,
        "adapt_steps": 600,
        "steps": 1000,
        "content_distance": "class",
        "alpha": 6.0,
        "beta": 120.0,  # at 15 D wins before g has learnt to use its style
        "d_learning_rate": 5e-4,  # at 2e-4 the 2s came apart near the end
        "d_conditional": True,
        "style_size": 32,
        "views": "surest",
    }
    return _row(preset, **{**settings, **changes})


# The number is the paper's, Table 1: accuracy of the MNIST classifier on G(SVHN test).
PRESETS = {
    config.preset: config
    for config in (
        # R_GAN + alpha R_CONST: a binary D, no L_TID, one kind of G(x).
        _row("baseline", method="baseline", d_classes=2, beta=0.0),  # 13.71 %
        _row("dtn"),  # 90.66 %
        _row("dtn_no_tid", beta=0.0),  # 88.40 %
        _row("dtn_no_const", alpha=0.0),  # 74.55 %
        _row("dtn_pixels", method="pixels"),  # 36.90 %
        _row("dtn_no_gan", gan=0.0),  # 34.70 %
        _row("dtn_no_const_tid", alpha=0.0, beta=0.0),  # 5.28 %
        _row("dtn_binary", d_classes=2),  # not in the paper: how some read its D
        _row("dtn_unbalanced", balance_s=False),  # nor this: s as it comes
        # What github.com/yunjey/domain-transfer-network does; it never measured it.
        _row(
            "yunjey",
            method="yunjey",
            nets="yunjey",
            d_classes=2,
            g_channels=(512, 256, 128),
            d_channels=(128, 256, 512),
            pretrain_steps=20000,
            pretrain_batch_size=100,
            pretrain_learning_rate=3e-4,
            pretrain_weight_decay=0.0,
            pretrain_dropout=0.0,
            pretrain_geometry=0.0,
            pretrain_colour=0.0,
            pretrain_invert=0.0,
            balance_s=False,
            steps=2000,
            batch_size=100,
            g_learning_rate=3e-4,
            d_learning_rate=3e-4,
            beta_1=0.9,
            cosine=False,
            ema=0.0,
        ),
        # Beyond the paper, and that with a piece changed or left out.
        _adapted("dtn_adapted"),
        _adapted("dtn_adapted_mean_view", views="mean"),
        _adapted("dtn_adapted_one_view", views="one"),
        _adapted("dtn_adapted_mse", content_distance="mse", alpha=30.0),
        _adapted("dtn_adapted_plain_d", d_conditional=False),
        _adapted("dtn_adapted_no_style", style_size=0),
        _adapted("dtn_adapted_small_f", f_depths=DTNConfig.f_depths),
        _adapted("dtn_unadapted", adapt_steps=0),
        _adapted("dtn_adapted_no_ema", ema=0.0),
        _adapted("dtn_adapted_unbalanced", balance_s=False),
        _adapted("dtn_adapted_light", alpha=3.0, beta=15.0, views="mean"),
        _adapted(
            "dtn_adapted_plain",
            method="dtn",
            content_distance="mse",
            alpha=DTNConfig.alpha,
            beta=DTNConfig.beta,
            d_conditional=False,
            style_size=0,
            views="one",
            d_learning_rate=DTNConfig.d_learning_rate,
        ),
        # Table 3: accuracy on 3s alone; `dtn` has 94.67 % of them.
        _row("dtn_no3_s", absent_s=(3,)),  # 93.33 %
        _row("dtn_no3_t", absent_t=(3,)),  # 40.13 %
        _row("dtn_no3_st", absent_s=(3,), absent_t=(3,)),  # 60.02 %
        _row("dtn_no3_stf", absent_s=(3,), absent_t=(3,), absent_f=(3,)),  # 4.52 %
    )
}
