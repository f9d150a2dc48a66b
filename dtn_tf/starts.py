"""Starts of a run: what is noted in its config.json, and which starts are refused."""

import dataclasses
import os
import pathlib
import re

from dtn_tf import config as config_lib
from dtn_tf import environment, files, paths, runs
from dtn_tf.data import stores
from dtn_tf.errors import UserError

# Settings that change what is watched or where data lies, or how, but not what is computed.
_HARMLESS = ("preset", *config_lib.FOLDERS, *config_lib.WATCHED, *config_lib.MACHINE)
_FOLDER_OF = {"s": "source_dir", "t": "target_dir"}  # the sets that a run may not change


def check(workdir, config):
    """Refuses a directory that holds a run of other settings, before anything is loaded.

    Args:
        workdir: The run directory; it need not exist.
        config: `DTNConfig` of the run about to start, data and precision resolved.

    Returns:
        `runs.Run`, or None for a new one.

    Raises:
        UserError: If the directory's settings differ, with the fields named, or
            if it has files but no settings.
    """
    workdir = pathlib.Path(workdir)
    if not runs.is_run(workdir):
        if workdir.is_dir() and any(_is_foreign(path) for path in workdir.iterdir()):
            raise UserError(f"{workdir} has files but no config.json; choose another --workdir.")
        return None
    run = runs.read(workdir)
    found = _differing(run.config, config)
    if found:
        listed = "; ".join(f"{k}: there {a!r}, now {b!r}" for k, (a, b) in sorted(found.items()))
        longer = set(found) == {"steps"}
        raise UserError(
            f"{workdir} holds a run of other settings ({listed}). Choose another --workdir,"
            " pass the old settings, or delete the directory."
            + (f" {_WHY_NOT_LONGER}" if longer else "")
            + f" What resumes it as it was: {run.command}"
        )
    return run


def check_folder(workdir, begun, config):
    """Refuses a folder of pictures that a run would ignore because it began on drawn ones.

    A folder in which there were none, and are none, is no obstacle: `auto` fell back then.

    Args:
        workdir: The run directory.
        begun: `DTNConfig` that it began with.
        config: `DTNConfig` as given, nothing resolved.

    Raises:
        UserError: Names the folder.
    """
    if begun.data != "builtin" or config.data != "auto" or not config.data_dir:
        return
    is_same = runs.folders(config)["data_dir"] == runs.folders(begun)["data_dir"]
    if not is_same and stores.holds_pictures(config.domain, config.data_dir):
        raise UserError(
            f"{workdir} began on builtin data: --data_dir={config.data_dir} would be ignored."
            " Leave it out, or train on these files in another --workdir."
        )


_WHY_NOT_LONGER = (
    "A run cannot be made longer afterwards: its learning rates fall to 0 at its last step."
)


def begin(workdir, config, data, recipe, cache_dir):
    """Notes a start in `config.json`, and refuses other data or code than the run began with.

    Args:
        workdir: The run directory, locked.
        config: `DTNConfig`, checked by `check`.
        data: Dict of facts: "name", "notice", "s", "t", "validation".
        recipe: Number of the code that trains g and D, see `build.RECIPE`.
        cache_dir: As the run was given it, for the command that resumes it.

    Returns:
        `runs.Run`.
    """
    workdir = pathlib.Path(workdir)
    run = check(workdir, config)
    start = {**environment.provenance(), "step": 0}
    if run is None:
        content = {
            "schema": runs.SCHEMA,
            "row": config_lib.row_of(config),
            "changes": config_lib.changes(config),
            "config": dataclasses.asdict(config),
            "data": data,
            "recipe": recipe,
            "starts": [start],
        }
    else:
        _check_data(run, data, config)
        if run.content.get("recipe") != recipe:
            raise UserError(
                f"{workdir} was begun by code of recipe {run.content.get('recipe')}, this is"
                f" recipe {recipe}: it would go on with other numbers. Check out commit"
                f" {run.starts[-1]['commit']}, or train anew in another --workdir."
            )
        start["step"] = _newest_step(workdir)
        content = {**run.content, "starts": [*run.starts, start]}
    content["cache_dir"] = os.path.abspath(cache_dir)  # it is resumed from other places, too
    content["config"] = {**content["config"], **runs.folders(config)}
    files.save_json(workdir / "config.json", content)
    return runs.Run(workdir, content)


def keep_f(run, f):
    """Notes the f that a run stands on; returns the `runs.Run`.

    Raises:
        UserError: If it began with another one.
    """
    if run.f and run.f["hash"] != f["hash"]:
        raise UserError(
            f"{run.workdir} was begun with an f of weights {run.f['hash']}, this one has"
            f" {f['hash']}. Train anew in another --workdir."
        )
    content = {**run.content, "f": f}
    files.save_json(run.workdir / "config.json", content)
    return runs.Run(run.workdir, content)


def _differing(old, new):
    """Settings that two configs do not share, harmless ones left out: name -> (old, new)."""
    old, new = (
        dataclasses.asdict(of) | {"content": paths.absolute(of.content)} for of in (old, new)
    )
    return {k: (v, new[k]) for k, v in old.items() if k not in _HARMLESS and v != new[k]}


def _check_data(run, data, config):
    for name in _FOLDER_OF:
        then, now = run.data[name], data[name]
        if then["fingerprint"] != now["fingerprint"]:
            flag = "data_dir" if config.source_dir is None else _FOLDER_OF[name]
            old_dir, new_dir = run.content["config"].get(flag), getattr(config, flag)
            raise UserError(
                f"{run.workdir} was begun on other pictures. The set {name} was {_said(then)},"
                f" from --{flag}={old_dir}; now it is {_said(now)}, from --{flag}={new_dir}."
                " Pass the old pictures, or train in another --workdir."
            )


def _said(facts):
    return f"{facts['title']} ({facts['images']:,} images, fingerprint {facts['fingerprint']})"


def _newest_step(workdir):
    names = (path.name for path in (workdir / "checkpoints").glob("step-*.weights.h5"))
    found = (re.fullmatch(r"step-(\d+)\.weights\.h5", name) for name in names)
    return max((int(match.group(1)) for match in found if match), default=0)


def _is_foreign(path):
    return path.name != "lock" and not files.is_partial(path)
