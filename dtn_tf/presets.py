"""Full settings by name, and the lines of every table: settings, label, the paper's number.

A preset is what `config.DTNConfig` needs beside its defaults. A row is a preset with changes:
one line of a table. Tables, flags and docs read this registry and nothing else.
"""

import dataclasses

# What CycleGAN and UNIT have in common: nothing that reads f, and residual generators. Rates,
# batches and steps are the DTN's.
_PEER = {
    "d_classes": 2,
    "g_channels": (128, 128, 64),
    "d_leak": 0.2,  # both papers'
    "balance_s": False,
    "alpha": 0.0,
    "beta": 0.0,
}

_ADAPTED = {
    "f_depths": (1, 1, 2, 2),
    "pretrain_steps": 5000,
    "adapt_steps": 600,
    "steps": 1000,
    "content_distance": "cross_entropy",
    "alpha": 6.0,
    "beta": 120.0,  # at 15 D wins before g has learnt to use its style code
    "d_learning_rate": 5e-4,  # at 2e-4 the 2s came apart near the end
    "style_size": 32,
    "tta": "confident",
}

# Pictures of two kinds. alpha times "nmse": an f may have any scale. f(s) is brought to the
# statistics of f(t), and g learns to paint the target from L_TID alone first.
_PICTURES = {
    "balance_s": False,
    "content_distance": "nmse",
    "alpha": 8.0,
    "const_blur": True,  # else g painted a mesh that f sees and nobody else
    "beta": 100.0,  # at 20 D took g away from what it had learnt in the warm start
    "gamma": 0.5,
    "match_features": True,
    "warm_steps": 3000,
    "g_upsampling": "nearest",  # transposed convolutions left a grid of dots
    "d_norm": "none",  # batch norm hides from D how much contrast a batch has
    "d_leak": 0.2,
    "r1": 1.0,  # without it D won, L_TID rose, and G(x) had a mesh of dots
    "g_learning_rate": 2e-4,  # at 1e-3 g lost what the warm start had taught it
    "pretrain_learning_rate": 3e-3,
}

# What rows of `dtn_face` with one piece changed have in common: a quarter of g's time. A
# translation does not exaggerate more than training then: G(x) was further from emoji.
_SHORT = {"steps": 2000, "tta": "none", "test_caricature": 0.0}

# f of faces, the same for every recipe: the paper's (DeepFace) is not public.
_F_OF_FACES = {
    "f_dense": True,
    "pretrain_noise": 0.25,
    "pretrain_weight_decay": 0.05,
    "pretrain_learning_rate": 3e-3,
    "pretrain_steps": 1500,
}

PRESETS = {
    # The paper's losses.
    "dtn": {},
    # f adapted to unlabelled target images, and what builds on it.
    "dtn_adapted": _ADAPTED,
    # The best on digits: the same with an f that learns longer, of more layers. f is the ceiling
    # of `dtn_adapted`: translations are about as accurate as f itself.
    "dtn_best": {
        **_ADAPTED,
        "f_depths": (2, 2, 2, 2),
        "f_residual": True,
        "pretrain_steps": 20000,
        "pretrain_cutout": 0.4,
    },
    # Any two folders of pictures: what was found on faces and emoji.
    "dtn_folders": {
        **_PICTURES,
        "pretrain_geometry": 0.5,
        "pretrain_invert": 0.0,
        "steps": 3000,
    },
    # The paper's second experiment: a 1x1 convolution follows each block of g, as in the paper.
    "dtn_face": {
        **_PICTURES,
        **_F_OF_FACES,
        "domain": "face",
        "size": 64,
        "alpha": 12.0,  # at 8 G(x) is less like the person
        "caricature": 1.5,  # many emoji look alike; at 2 they look less like emoji
        "test_caricature": 2.0,  # at 1.5 KID is twice as large on validation
        "const_views": True,
        "d_augment": True,  # as few emoji as there are, D learns by heart
        "g_refine": True,
        "g_final_conv": True,  # else it wove a texture of two pixels into hair and skin
        "tta": "mean",  # what f says of one view alone is noise
        "batch_size": 32,
        "steps": 8000,
    },
    # Its weights and its nets as they stand; L_TV and d are means here. As many batches as take
    # the time of those of `dtn_face_short` and its warm start.
    "dtn_face_paper": {
        **_F_OF_FACES,
        "domain": "face",
        "size": 64,
        "balance_s": False,
        "alpha": 100.0,
        "beta": 1.0,
        "gamma": 0.05,
        "g_refine": True,
        "d_channels": (32, 64, 128, 256, 256, 256),  # six blocks
        "d_leak": 0.2,
        "batch_size": 32,
        "steps": 2500,
    },
    # A first look, and tests: seconds, and no digit that a person would read.
    "tiny": {
        "f_channels": (8, 16, 32, 16),
        "g_channels": (32, 16, 8),
        "d_channels": (8, 16, 32, 32),
        "num_train": 2000,
        "num_validation": 200,
        "pretrain_steps": 100,
        "steps": 60,
        "batch_size": 32,
        "log_every": 20,
        "grid_every": 20,
        "checkpoint_every": 20,
    },
    # What github.com/yunjey/domain-transfer-network does; it never measured it.
    "yunjey": {
        "method": "yunjey",
        "d_classes": 2,
        "g_channels": (512, 256, 128),
        "d_channels": (128, 256, 512),
        "pretrain_steps": 20000,
        "pretrain_batch_size": 100,
        "pretrain_learning_rate": 3e-4,
        "pretrain_weight_decay": 0.0,
        "pretrain_dropout": 0.0,
        "pretrain_geometry": 0.0,
        "pretrain_colour": 0.0,
        "pretrain_invert": 0.0,
        "balance_s": False,
        "steps": 2000,
        "batch_size": 100,
        "g_learning_rate": 3e-4,
        "d_learning_rate": 3e-4,
        "beta_1": 0.9,
        "cosine": False,
        "ema": 0.0,
    },
    # Its peers: unpaired translation of other papers, of the same year.
    "cyclegan": {"method": "cyclegan", **_PEER},
    "unit": {"method": "unit", **_PEER},
}


_USUAL = {"folders": "dtn_folders", "face": "dtn_face", "emoji": "dtn_face"}


def usual(domain):
    """Returns the preset of a domain, where none is named; `domain` may be None."""
    return _USUAL.get(domain, "dtn")


def domain_of(name):
    """Returns the domain of a preset or row, where none is named."""
    row = ROWS.get(name)
    return PRESETS[row.preset].get("domain", "svhn") if row else "svhn"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        name: As in `--preset` and in results.
        label: As in tables.
        preset: Name in `PRESETS` it starts from.
        changes: Dict of settings, what it changes of that.
        paper: Dict, table -> the paper's number, a share; None where the paper has none. Its
            keys are the tables it is a line of: those of `TABLES`, and `FACES`. In
            Table 2 the number is a pair: translations of the train and of the test split.
        seeds: Runs it is measured by, seeds 0 to `seeds - 1`.
        note: Why its number is what it is, half a sentence, for tables.
    """

    name: str
    label: str
    preset: str = "dtn"
    changes: dict = dataclasses.field(default_factory=dict)
    paper: dict = dataclasses.field(default_factory=dict)
    seeds: int = 1
    note: str = ""


def _piece(name, label, note, tables=("pieces",), **changes):
    paper = {table: (None, None) if table == "2" else None for table in tables}
    return Row(f"dtn_adapted_{name}", label, "dtn_adapted", changes, paper, note=note)


_DTN_IN = {"1": 0.9066, "2": (0.8444, 0.7972), "3": 0.9467, "pieces": None, "reverse": None}

ROWS = {
    row.name: row
    for row in (
        # Table 1: accuracy of the MNIST classifier on G(SVHN test).
        # R_GAN + alpha R_CONST: a binary D, no L_TID, one kind of G(x).
        Row(
            "baseline",
            "Baseline method (Sec. 3)",
            changes={"method": "baseline", "d_classes": 2, "beta": 0.0},
            paper={"1": 0.1371},
            note="D wins early; G draws the same few shapes for every input",
        ),
        Row(
            "dtn",
            "DTN",
            paper=_DTN_IN,
            seeds=3,
            note="the paper's losses, with six differences of ours",
        ),
        Row(
            "dtn_no_tid",
            "DTN w/o L_TID",
            changes={"beta": 0.0},
            paper={"1": 0.8840},
            note="unstable: between 71 and 90 % within one run",
        ),
        Row(
            "dtn_no_const",
            "DTN w/o L_CONST",
            changes={"alpha": 0.0},
            paper={"1": 0.7455},
            note="unstable; our f(x) holds little but the digit, so L_TID alone goes far",
        ),
        Row(
            "dtn_pixels",
            "DTN, G does not contain f",
            changes={"method": "pixels"},
            paper={"1": 0.3690},
            note="the paper does not describe this G; ours has an encoder of f's shape",
        ),
        Row(
            "dtn_no_gan",
            "DTN w/o L_D and L_GANG",
            changes={"gan": 0.0},
            paper={"1": 0.3470},
            note="depends on g's batch statistics, which the paper does not describe",
        ),
        Row(
            "dtn_no_const_tid",
            "DTN w/o L_CONST & L_TID",
            changes={"alpha": 0.0, "beta": 0.0},
            paper={"1": 0.0528},
            note="nothing ties a digit to its class: each turns into another one",
        ),
        # Not the paper's.
        Row(
            "dtn_binary",
            "DTN, binary D",
            changes={"d_classes": 2},
            paper={"1": None},
            note="unstable: D does not tell the two kinds of G(x) apart",
        ),
        Row(
            "dtn_unbalanced",
            "DTN, s not class-balanced",
            changes={"balance_s": False},
            paper={"1": None},
            note="s has more 1s than t, so D takes a 1 for a fake",
        ),
        Row(
            "dtn_adapted",
            "DTN, f adapted to unlabelled T",
            preset="dtn_adapted",
            paper={"1": None, "2": (None, None), "pieces": None, "reverse": None},
            seeds=3,
            note="our extension: f adapted without target labels, a style code, and more",
        ),
        Row(
            "dtn_best",
            "DTN, a deeper f adapted to unlabelled T",
            preset="dtn_best",
            paper={"1": None},
            seeds=3,
            note="f is the ceiling of dtn_adapted; this f is a residual net that learns longer",
        ),
        Row(
            "yunjey",
            "github.com/yunjey's port",
            preset="yunjey",
            paper={"1": None},
            note="L_CONST trains f and not g, so nothing asks g to keep the digit",
        ),
        # Other papers' methods: no f in them, so that nothing ties a digit to its class.
        Row(
            "cyclegan",
            "CycleGAN, Zhu et al. 2017",
            "cyclegan",
            paper={"1": None},
            note="no f, so nothing ties the class: any way there and back will do",
        ),
        Row(
            "unit",
            "UNIT, Liu et al. 2017",
            "unit",
            paper={"1": None},
            note="no f, so nothing ties the class: a shared code need not be one of classes",
        ),
        # `dtn_adapted` with one piece left out, exchanged or added.
        _piece("no_tta", "no test-time augmentation", "f of one view is less certain", tta="none"),
        _piece(
            "mean_tta",
            "test-time augmentation by the mean of f",
            "a mean of views can lie between two classes",
            tta="mean",
        ),
        _piece(
            "mse",
            "L_CONST on features",
            "f(x) holds more than the class, and g has to reproduce it",
            content_distance="mse",
            alpha=30.0,
        ),
        _piece(
            "no_style", "no style code", "one shape per class, and an unstable end", style_size=0
        ),
        _piece("small_f", "f of four convolutions, not six", "a weaker f", f_depths=(1, 1, 1, 1)),
        _piece(
            "no_adapt",
            "f not adapted to T",
            "f misreads some handwriting, and g learns its errors",
            adapt_steps=0,
        ),
        _piece(
            "no_ema",
            "no exponential moving average of g",
            "no effect here: the learning rate falls to 0",
            ema=0.0,
        ),
        _piece(
            "unbalanced",
            "s not class-balanced",
            "a small effect once f is adapted",
            balance_s=False,
        ),
        _piece(
            "conditional_d",
            "DTN, f adapted, class-conditional D",
            "no effect, so it was dropped",
            ("1", "2", "pieces"),  # the best until then, and the one measured with three seeds
            d_conditional=True,
        ),
        # Table 3: accuracy on the 3s of G(SVHN test).
        Row(
            "dtn_no3_s",
            "3 not shown in s",
            changes={"absent_s": (3,)},
            paper={"3": 0.9333},
            note="L_TID has shown g what a 3 looks like",
        ),
        Row(
            "dtn_no3_t",
            "3 not shown in t",
            changes={"absent_t": (3,)},
            paper={"3": 0.4013},
            note="D has never seen a 3, but L_CONST asks for one",
        ),
        Row(
            "dtn_no3_st",
            "3 not shown in both s and t",
            changes={"absent_s": (3,), "absent_t": (3,)},
            paper={"3": 0.6002},
            note="no loss ever asks for a 3; most become 5s",
        ),
        Row(
            "dtn_no3_stf",
            "3 not shown in s, t, and during training of f",
            changes={"absent_s": (3,), "absent_t": (3,), "absent_f": (3,)},
            paper={"3": 0.0452},
            note="f has no class for a 3 either",
        ),
        # Not the paper's: is its 60 % for the line before the last one due to another f?
        Row(
            "dtn_no3_st_shape",
            "3 not shown in both s and t, f with little dropout and weight decay",
            changes={
                "absent_s": (3,),
                "absent_t": (3,),
                "pretrain_dropout": 0.1,
                "pretrain_weight_decay": 0.03,
            },
            paper={"3": None},
            note="such an f keeps more of a digit's shape",
        ),
        Row(
            "dtn_folders",
            "DTN, any two folders of pictures",
            preset="dtn_folders",
            note="our weights where nobody tuned them",
        ),
        # Faces to emoji; and a short run of it, with one piece left out or exchanged.
        Row(
            "dtn_face",
            "DTN, faces to emoji",
            preset="dtn_face",
            paper={"faces": None},
            seeds=3,
            note="our weights",
        ),
        Row(
            "dtn_face_paper",
            "DTN, faces to emoji, the paper's weights",
            preset="dtn_face_paper",
            paper={"faces": None},
            note="an L_TID of 1 is too little to teach g the target in so few steps",
        ),
        *(
            Row(
                f"dtn_face_{name}",
                f"DTN, faces to emoji, {label}",
                "dtn_face",
                {**_SHORT, **changes},
                paper={"faces": None},
                note="a short run" if name == "short" else "a short run, one piece changed",
            )
            for name, label, changes in (
                ("short", "a short run", {}),
                (
                    "no_match",
                    "short, f(s) not matched to f(t)",
                    {"match_features": False, "caricature": 1.0},
                ),
                ("no_warm", "short, no warm start by L_TID", {"warm_steps": 0}),
                (
                    "transposed",
                    "short, g of transposed convolutions",
                    {"g_upsampling": "transposed"},
                ),
                ("no_final_conv", "short, g's last block paints", {"g_final_conv": False}),
                ("no_r1", "short, no R1", {"r1": 0.0}),
                ("no_augment", "short, D sees images as they are", {"d_augment": False}),
                ("no_views", "short, L_CONST of G(x) in one view", {"const_views": False}),
                ("no_caricature", "short, f(s) not exaggerated", {"caricature": 1.0}),
                ("caricature", "short, f(s) exaggerated twice", {"caricature": 2.0}),
                ("alpha", "short, an alpha of 8", {"alpha": 8.0}),
            )
        ),
        Row("tiny", "a first look", preset="tiny", note="too short to learn a digit"),
    )
}
TABLES = ("1", "2", "3", "pieces", "reverse")  # of digits
FACES = "faces"  # a table of its own: it has photos, and no judge
ORIGINAL = 0.4006  # the paper's Table 1, "Original SVHN image": no run
OTHERS = {"SA, Fernando et al. 2013": 0.5932, "DANN, Ganin et al. 2016": 0.7385}  # its Table 2
UNSEEN = 3  # the digit of its Table 3


def rows_of(table):
    """Returns the rows of a table, in its order."""
    return [row for row in ROWS.values() if table in row.paper]
