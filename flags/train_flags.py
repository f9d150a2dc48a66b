"""Flags of train_main.py: one for every setting of `DTNConfig`. Unset means: as in the preset."""

import dataclasses
import pathlib

from absl import flags

from dtn_tf import cli, config, presets, rules
from dtn_tf.data import domains
from dtn_tf.errors import UserError
from flags import common_flags

WORKDIR = cli.define_path(
    "workdir",
    None,
    "Run directory. Unset: runs/DOMAIN-PRESET, or runs/A-to-B-PRESET of two folders A and B."
    " A second start resumes it.",
)
DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print the resolved settings and what would be loaded, then stop."
)
_FIELDS = dataclasses.fields(config.DTNConfig)
_SETTINGS = {
    field.name: common_flags.define(
        field, "" if field.name == "preset" else f"In preset dtn: {field.default!r}."
    )
    for field in _FIELDS
    if field.name not in common_flags.NAMES
}
# What --help shows; --helpfull has the others, too.
NAMES = ("workdir", "dry_run", *(f.name for f in _FIELDS if not f.metadata["expert"]))


def config_from_flags():
    """Returns the `DTNConfig` of the command line: the preset, with what was given.

    Raises:
        UserError: If a value is out of range or would be ignored, or a list is not one of whole
            numbers.
    """
    shared = ("data", "data_dir", "content")
    holders = {**_SETTINGS, **{name: getattr(common_flags, name.upper()) for name in shared}}
    given = {name: holder.value for name, holder in holders.items() if holder.value is not None}
    given |= {name: _numbers(name, v) for name, v in given.items() if isinstance(v, list)}
    made = config.make(given.pop("preset", _preset()), **given)
    _refuse_ignored(made, given)
    return made


def _refuse_ignored(made, given):
    """Refuses what a command names of f where this f is made without it; presets may have it."""
    ignored = set(rules.ignored_by_content(made)) & given.keys()
    if ignored:
        raise UserError(
            f"{', '.join(sorted(ignored))} would be ignored with content={made.content}: this f is"
            " made without. Leave it out."
        )


def workdir():
    """Returns the run directory of the command line.

    Raises:
        UserError: If it is given and empty.
    """
    if common_flags.folder(WORKDIR):
        return WORKDIR.value
    name = _SETTINGS["domain"].value or presets.domain_of(_preset())
    if name == domains.FOLDERS:
        folders = (_SETTINGS[side].value or "" for side in ("source_dir", "target_dir"))
        name = "-to-".join(pathlib.Path(folder).resolve().name for folder in folders)
    return f"runs/{name}-{_preset()}"


def _preset():
    return _SETTINGS["preset"].value or presets.usual(_SETTINGS["domain"].value)


def _numbers(name, words):
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        received = ",".join(words)
        raise UserError(
            f"--{name}={received} is not a list of whole numbers like 64,128."
        ) from None
