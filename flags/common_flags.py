"""Flags that both mains have: where pictures, runs and shared results are."""

import dataclasses

from absl import flags

from dtn_tf import config

_FIELDS = {field.name: field for field in dataclasses.fields(config.DTNConfig)}


def define(field, more=""):
    """Defines the flag of one setting, unset by default; returns its holder."""
    about, name = field.metadata, field.name
    text = " ".join(filter(None, (about["text"], more)))
    bounds = {"lower_bound": about["low"], "upper_bound": about["high"]}
    if about["choices"]:
        return flags.DEFINE_enum(name, None, about["choices"], text)
    if field.type is bool:
        return flags.DEFINE_bool(name, None, text)
    if field.type is int:
        return flags.DEFINE_integer(name, None, text, **bounds)
    if field.type is float:
        return flags.DEFINE_float(name, None, text, **bounds)
    if field.type == str | None:
        return flags.DEFINE_string(name, None, text)
    return flags.DEFINE_list(name, None, text)


DATA = define(_FIELDS["data"], "Unset: auto when training, the run's own when scoring.")
DATA_DIR = define(_FIELDS["data_dir"])
CACHE_DIR = flags.DEFINE_string(
    "cache_dir",
    "runs/cache",
    "Folder for what runs share: trained f, trained judges, drawn digits.",
)
NAMES = ("data", "data_dir", "cache_dir")
