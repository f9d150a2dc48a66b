"""Which curves of a training the page shows, and what it says of them."""

DTN, F = "dtn", "pretrain_f"  # folders in a run's tb/: of g and D, and of f
FOLDERS = (DTN, F)
_OF_PEERS = "loss/L_GAN_source"  # which CycleGAN and UNIT log, and no DTN

_HOW_F_READS = (
    "How well f reads",
    "Share of training images that f reads right while it is taught.",
    ((F, "loss/accuracy", "accuracy of f"),),
)
# A title, what it says, and the scalars of it: folder, tag, name on the page. Three of these at
# the most: so many colours has the page.
_DTN = (
    (
        "g against D",
        "L_GANG falls where D takes g's images for real, L_D where D tells them apart.",
        (
            (DTN, "loss/L_GANG_source", "L_GANG of G(s)"),
            (DTN, "loss/L_GANG_target", "L_GANG of G(t)"),
            (DTN, "loss/L_D", "L_D"),
        ),
    ),
    (
        "What ties x to G(x)",
        "L_CONST: f sees the same in both. L_TID: images of the target stay as they are.",
        ((DTN, "loss/L_CONST", "L_CONST"), (DTN, "loss/L_TID", "L_TID")),
    ),
    (
        "How real D finds them",
        "D's mean probability of “real”, of real images and of g's.",
        (
            (DTN, "D/D3_target", "real t"),
            (DTN, "D/D3_G_target", "G(t)"),
            (DTN, "D/D3_G_source", "G(s)"),
        ),
    ),
    _HOW_F_READS,
)


def _answers(kind, translated):
    return (
        f"How real D of {kind} finds them",
        "D's mean answer: scores around 0 and 1 of CycleGAN, probabilities of UNIT.",
        ((DTN, f"D/D_real_{kind}", f"real {kind}"), (DTN, f"D/D_fake_{kind}", translated)),
    )


_PEERS = (
    (
        "G against D",
        "L_GAN falls where D takes translations for real, L_D where D tells them apart.",
        (
            (DTN, _OF_PEERS, "L_GAN, s to t"),
            (DTN, "loss/L_GAN_target", "L_GAN, t to s"),
            (DTN, "loss/L_D", "L_D"),
        ),
    ),
    (
        "What ties x to G(x)",
        "L_cyc: x comes home from there and back. L_identity: images of the target stay as they"
        " are.",
        ((DTN, "loss/L_cyc", "L_cyc"), (DTN, "loss/L_identity", "L_identity")),
    ),
    (
        "What ties x to its translation",
        "L_CC: x comes home from there and back.",
        ((DTN, "loss/L_CC_source", "L_CC of s"), (DTN, "loss/L_CC_target", "L_CC of t")),
    ),
    (
        "How well codes keep x",
        "L_VAE: what an image loses on its way through a code.",
        ((DTN, "loss/L_VAE_source", "L_VAE of s"), (DTN, "loss/L_VAE_target", "L_VAE of t")),
    ),
    _answers("t", "s, translated"),
    _answers("s", "t, translated"),
    _HOW_F_READS,
)


def of(scalars):
    """Returns the panels of a run: those of a DTN, or of CycleGAN and UNIT.

    Args:
        scalars: Dict, each of `FOLDERS` -> what it has by tags.
    """
    return _PEERS if _OF_PEERS in scalars[DTN] else _DTN
