"""A run's directory: what was asked, what it is done with, who worked on it."""

import dataclasses
import functools
import pathlib

from dtn_tf import cli, environment, files
from dtn_tf import config as config_lib
from dtn_tf.errors import UserError

SCHEMA = 1  # of config.json
# Settings that change what is watched or where data lies, but not what is computed.
_HARMLESS = ("preset", "data_dir", "log_every", "grid_every", "checkpoint_every")
_SETS = ("s", "t")  # what a run may not change of its data


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A run directory that was read.

    Attributes:
        workdir: `pathlib.Path`.
        content: What its config.json holds.
    """

    workdir: pathlib.Path
    content: dict

    @functools.cached_property
    def config(self):
        """The `DTNConfig`, data and precision resolved."""
        try:
            return config_lib.make(**self.content["config"])
        except UserError as error:
            raise UserError(
                f"{self.workdir / 'config.json'} was written by {_version(self.content)} of"
                f" dtn_tf, this is {environment.versions()['dtn_tf']}: {error}"
            ) from error

    @property
    def row(self):
        """Name of the row of a table that it is, or started from."""
        return config_lib.row_of(self.config)

    @property
    def changes(self):
        """Dict, setting -> value: what it changes of its row."""
        return config_lib.changes(self.config)

    @property
    def title(self):
        """Its name in tables: "dtn", or "dtn (alpha=1.0)"."""
        return config_lib.title(self.row, self.changes)

    @property
    def seed(self):
        """Its seed."""
        return self.config.seed

    @property
    def data(self):
        """Dict with "name", "notice" and the facts of "s", "t" and "validation"."""
        return self.content["data"]

    @property
    def f(self):
        """Dict, what is known of its f: "key", "hash", "accuracy", "made_by"; or None."""
        return self.content.get("f")

    @property
    def starts(self):
        """List of dicts: commit, versions, processor, time and step of every start."""
        return self.content["starts"]

    @property
    def is_finished(self):
        """Whether it was trained to its end."""
        return (self.workdir / "dtn.keras").exists()

    @property
    def minutes(self):
        """Minutes of training, f included, which runs may share."""
        return sum(timing(self.workdir).values()) / 60

    @property
    def command(self):
        """The command that resumes it, as a shell takes it."""
        return self.content["command"]


def read(workdir):
    """Reads a run directory.

    Raises:
        UserError: If there is no config.json, it is torn, or of another version.
    """
    workdir = pathlib.Path(workdir)
    path = workdir / "config.json"
    content = files.read_json(path, "the settings of a run")
    if content.get("schema") != SCHEMA:
        raise UserError(
            f"{path} was written by {_version(content)} of dtn_tf (schema"
            f" {content.get('schema')}); this one reads schema {SCHEMA}. Use that version, or"
            " train anew in another --workdir."
        )
    missing = {"config", "data", "starts", "command"} - content.keys()
    if missing or not isinstance(content["config"], dict):
        raise UserError(f"{path} is not the settings of a run: it has no {', '.join(missing)}.")
    return Run(workdir, content)


def finished(workdir):
    """Reads the directory of a finished run.

    Raises:
        UserError: If it is not finished; names the command that resumes it.
    """
    run = read(workdir)
    if not run.is_finished:
        raise UserError(f"{workdir} is not finished. Resume it: {run.command}")
    return run


def all_finished(runs_dir):
    """Finds the finished runs of a folder.

    Returns:
        List of `Run`, and a list of sentences: which were left out and why.
    """
    found, left_out = [], []
    for path in sorted(pathlib.Path(runs_dir).glob("*/config.json")):
        try:
            run = finished(path.parent)
            run.config  # noqa: B018 - raises for settings of another version
            found.append(run)
        except UserError as error:
            left_out.append(f"{path.parent} is left out: {error}")
    return found, left_out


def newest(runs_dir):
    """Returns the directory of the run that was finished last.

    Raises:
        UserError: If there is none.
    """
    paths = sorted(pathlib.Path(runs_dir).glob("*/dtn.keras"), key=lambda p: p.stat().st_mtime)
    if not paths:
        raise UserError(
            f"No finished run in {runs_dir}. Train one first: python train_main.py --domain=svhn"
        )
    return paths[-1].parent


def check(workdir, config):
    """Refuses a directory that holds a run of other settings, before anything is loaded.

    Args:
        workdir: The run directory; it need not exist.
        config: `DTNConfig` of the run about to start, data and precision resolved.

    Returns:
        `Run`, or None for a new one.

    Raises:
        UserError: If the directory's settings differ, with the fields named, or
            if it has files but no settings.
    """
    workdir = pathlib.Path(workdir)
    if not (workdir / "config.json").exists():
        if workdir.is_dir() and any(_is_foreign(path) for path in workdir.iterdir()):
            raise UserError(f"{workdir} has files but no config.json; choose another --workdir.")
        return None
    run = read(workdir)
    found = _differing(run.config, config)
    if found:
        listed = "; ".join(f"{k}: there {a!r}, now {b!r}" for k, (a, b) in sorted(found.items()))
        longer = set(found) == {"steps"}
        raise UserError(
            f"{workdir} holds a run of other settings ({listed}). Choose another --workdir,"
            " pass the old settings, or delete the directory."
            + (f" {_WHY_NOT_LONGER}" if longer else "")
        )
    return run


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
        `Run`.
    """
    workdir = pathlib.Path(workdir)
    run = check(workdir, config)
    start = {**environment.provenance(), "step": 0}
    if run is None:
        content = {
            "schema": SCHEMA,
            "row": config_lib.row_of(config),
            "changes": config_lib.changes(config),
            "config": dataclasses.asdict(config),
            "command": command(config, workdir, cache_dir),
            "data": data,
            "recipe": recipe,
            "starts": [start],
        }
    else:
        _check_data(run, data, config.data_dir)
        if run.content.get("recipe") != recipe:
            raise UserError(
                f"{workdir} was begun by code of recipe {run.content.get('recipe')}, this is"
                f" recipe {recipe}: it would go on with other numbers. Check out commit"
                f" {run.starts[-1]['commit']}, or train anew in another --workdir."
            )
        start["step"] = _newest_step(workdir)
        content = {**run.content, "starts": [*run.starts, start]}
    files.save_json(workdir / "config.json", content)
    return Run(workdir, content)


def keep_f(run, f):
    """Notes the f that a run stands on; returns the `Run`.

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
    return Run(run.workdir, content)


def command(config, workdir, cache_dir):
    """Returns the command that trains such a run, quoted for a shell."""
    base = dataclasses.asdict(config_lib.make(config.preset))
    given = {k: v for k, v in dataclasses.asdict(config).items() if v != base[k] and v is not None}
    words = {name: _flag(value) for name, value in given.items()}
    where = {"workdir": workdir, "cache_dir": cache_dir}
    return cli.command("train_main.py", preset=config.preset, **words, **where)


def timing(directory):
    """Returns the seconds that each phase of a training took, a dict; empty if unknown."""
    path = pathlib.Path(directory) / "timing.json"
    return files.read_json(path, "the times of a training") if path.exists() else {}


def _flag(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _differing(old, new):
    """Settings that two configs do not share, harmless ones left out: name -> (old, new)."""
    old, new = dataclasses.asdict(old), dataclasses.asdict(new)
    return {k: (v, new[k]) for k, v in old.items() if k not in _HARMLESS and v != new[k]}


def _check_data(run, data, data_dir):
    for name in _SETS:
        then, now = run.data[name], data[name]
        if then["fingerprint"] != now["fingerprint"]:
            old_dir = run.content["config"]["data_dir"]
            raise UserError(
                f"{run.workdir} was begun on other pictures. The set {name} was {_said(then)},"
                f" from --data_dir={old_dir}; now it is {_said(now)}, from --data_dir={data_dir}."
                " Pass the old folder, or train in another --workdir."
            )


def _said(facts):
    return f"{facts['title']} ({facts['images']:,} images, fingerprint {facts['fingerprint']})"


def _newest_step(workdir):
    steps = (workdir / "checkpoints").glob("step-*.weights.h5")
    return max((int(path.name[5:13]) for path in steps), default=0)


def _is_foreign(path):
    return path.name != "lock" and not path.name.startswith("partial-")


def _version(content):
    """What is known of the version that wrote a config.json."""
    of_last = (content.get("starts") or [content])[-1]
    versions = of_last.get("versions") or {}
    return f"version {versions.get('dtn_tf', '0.1.0')}, commit {of_last.get('commit')},"
