"""Flags of eval_main.py."""

from absl import flags

WORKDIR = flags.DEFINE_string(
    "workdir", None, "Run to score. Unset: the newest finished run in runs/."
)
TABLE = flags.DEFINE_enum(
    "table",
    "ablation",
    ("ablation", "adaptation", "unseen"),
    "The paper's Table 1 (translated accuracy), 2 (classifiers taught by translations) or 3"
    " (the digit 3 not shown).",
)
SPLIT = flags.DEFINE_enum(
    "split",
    "test",
    ("test", "validation"),
    "Source images to translate. validation: the tail of train that training never saw.",
)
JUDGE_STEPS = flags.DEFINE_integer(
    "judge_steps", 2000, "Batches that train the judge, which is cached.", lower_bound=1
)
