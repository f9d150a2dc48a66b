"""Flags that both mains have: where data, runs and shared results are."""

from absl import flags

from dtn_tf import config

DATA = flags.DEFINE_enum(
    "data",
    None,
    config.DATA,
    "Where digits come from. tfds: TensorFlow Datasets. files: the publishers' own files in"
    " --data_dir (SVHN .mat, MNIST idx, gzipped or not). builtin: drawn house numbers and the"
    " 5,000 real MNIST digits of a package; needs no download. auto: tfds if it can be had,"
    " else builtin. Unset: auto when training, the run's own when scoring.",
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the publishers' files, or of TensorFlow Datasets."
)
CACHE_DIR = flags.DEFINE_string(
    "cache_dir",
    "runs/cache",
    "Folder for what runs share: trained f, trained judges, drawn digits.",
)
