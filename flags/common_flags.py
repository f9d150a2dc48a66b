"""Flags that both mains have: where pictures, runs and shared results are."""

import dataclasses
import difflib
import os

from absl import flags

from dtn_tf import cli, config
from dtn_tf.errors import UserError

_FIELDS = {field.name: field for field in dataclasses.fields(config.DTNConfig)}


def define(field, more=""):
    """Defines the flag of one setting, unset by default; returns its holder."""
    about, name = field.metadata, field.name
    text = " ".join(filter(None, (about["text"], more)))
    bounds = {"lower_bound": about["low"], "upper_bound": about["high"]}
    if about["choices"] and field.type is str:
        return _define_choice(name, about["choices"], text)
    if field.type is bool:
        return flags.DEFINE_bool(name, None, text)
    if field.type is int:
        if about["choices"]:
            bounds = {"lower_bound": min(about["choices"]), "upper_bound": max(about["choices"])}
        return flags.DEFINE_integer(name, None, text, **bounds)
    if field.type is float:
        return flags.DEFINE_float(name, None, text, **bounds)
    if name in (*config.FOLDERS, "content"):
        return cli.define_path(name, None, text)
    if field.type in (str, str | None):
        return flags.DEFINE_string(name, None, text)
    return flags.DEFINE_list(name, None, text)


def _define_choice(name, choices, text):
    flag = flags.EnumFlag(name, None, text, choices)
    flag.parser = _Choice(choices)
    return flags.DEFINE_flag(flag)


class _Choice(flags.EnumParser):
    """Suggests the nearest word where there is one."""

    def parse(self, argument):
        """Returns the word; raises `ValueError` if it is none of them."""
        try:
            return super().parse(argument)
        except ValueError as error:
            near = difflib.get_close_matches(argument, self.enum_values, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"{error}.{hint}") from None


DATA = define(_FIELDS["data"], "Unset: auto when training, the run's own when scoring.")
DATA_DIR = define(_FIELDS["data_dir"])
CONTENT = define(
    _FIELDS["content"], "When scoring: of rows that --table=faces --train_missing trains."
)
CACHE_DIR = cli.define_path(
    "cache_dir",
    "runs/cache",
    "Folder for what runs share: trained f and f(x), trained judges, decoded images, drawn digits.",
)
NAMES = ("data", "data_dir", "content", "cache_dir")


def check():
    """Refuses folders that cannot be meant, before anything is loaded.

    Raises:
        UserError: If `--data_dir` is not there or would be ignored, or a folder is empty text.
    """
    folder(CACHE_DIR)
    given = DATA_DIR.value
    if given is not None and not os.path.isdir(given):
        raise UserError(f"--data_dir={given} is no folder. Make it, or mend its name.")
    if given is not None and DATA.value == "builtin":
        raise UserError(
            f"--data_dir={given} would be ignored: it is for --data=auto, tfds and files."
        )


def folder(holder):
    """Returns the value of a flag that names a folder, None if unset.

    Raises:
        UserError: If it was given no name: `--workdir=$RUN` of a variable that is not set.
    """
    if holder.value is not None and not holder.value.strip():
        raise UserError(f"--{holder.name}={holder.value} names no folder. Leave it out, or do.")
    return holder.value
