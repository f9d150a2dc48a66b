"""A run's directory: what was asked, what it is done with, who worked on it."""

import dataclasses
import functools
import math
import os
import pathlib

from dtn_tf import cli, environment, files, paths, recorded
from dtn_tf import config as config_lib
from dtn_tf.errors import UserError

SCHEMA = 1  # of config.json


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
            return config_lib.recorded(self.content["config"])
        except (UserError, OverflowError) as error:
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
        """Dict, setting -> value: what it changes of its row; `content` as `content_name`."""
        found = config_lib.changes(self.config)
        return {**found, "content": self.content_name} if "content" in found else found

    @property
    def content_name(self):
        """Its `content` for people: of a net that was given its name, and not where it lies."""
        prefix, _, where = self.config.content.rpartition(":")
        if not (where.endswith(".keras") or prefix == "face"):
            return self.config.content
        teacher = (self.f or {}).get("teacher") or {}
        name = teacher.get("title") or pathlib.PurePath(where).name
        return f"{prefix}:{name}" if prefix else name

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
        return (self.workdir / "dtn.keras").is_file()

    @property
    def minutes(self):
        """Minutes of training, f included, which runs may share."""
        return sum(timing(self.workdir).values()) / 60

    @property
    def command(self):
        """The command that resumes it where it lies now, as a shell takes it."""
        return command(self.config, self.workdir, recorded.cache_dir(self.content))


def read(workdir):
    """Reads a run directory.

    Raises:
        UserError: If there is no config.json, it is torn, or of another version.
    """
    workdir = pathlib.Path(workdir)
    path = workdir / "config.json"
    if not path.exists():
        raise UserError(
            f"{workdir} is not the directory of a run: it has no config.json. Name a folder that"
            " train_main.py made, for instance runs/svhn-dtn."
        )
    content = files.read_json(path, "the settings of a run")
    if content.get("schema") != SCHEMA and content:
        raise UserError(
            f"{path} was written by {_version(content)} of dtn_tf (schema"
            f" {content.get('schema')}); this one reads schema {SCHEMA}. Use that version, or"
            " train anew in another --workdir."
        )
    wrong = recorded.faults(content)
    if wrong:
        raise UserError(
            f"{path} is not the settings of a run: what it says of {', '.join(wrong)} is missing"
            " or of another kind. Put a copy of it back, or train anew in another --workdir."
        )
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
    paths = [path for path in pathlib.Path(runs_dir).glob("*/dtn.keras") if path.is_file()]
    paths.sort(key=lambda path: path.stat().st_mtime)
    if not paths:
        raise UserError(
            f"No finished run in {runs_dir}. Train one first: python train_main.py --domain=svhn"
        )
    return paths[-1].parent


def is_run(workdir):
    """Whether a directory holds a run, of whatever settings.

    Raises:
        UserError: If no directory can have that name.
    """
    path = pathlib.Path(workdir) / "config.json"
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{workdir!s:.200} cannot hold a run: {why}. Choose another.") from error
    return True


def command(config, workdir, cache_dir):
    """Returns the command that trains such a run, quoted for a shell."""
    base = config_lib.usual(config)
    asked = dataclasses.asdict(config) | {"content": paths.absolute(config.content)}
    given = {k: v for k, v in asked.items() if v != base[k] and v is not None}
    words = {name: _flag(value) for name, value in given.items()}
    words |= {name: cli.shown(path) for name, path in folders(config).items() if path}
    where = {"workdir": cli.shown(workdir), "cache_dir": cli.shown(cache_dir)}
    return cli.command("train_main.py", preset=config.preset, **words, **where)


def timing(directory):
    """Returns the seconds that each phase of a training took, a dict; empty if unknown."""
    path = pathlib.Path(directory) / "timing.json"
    try:
        found = files.read_json(path, "the times of a training")
    except UserError:  # missing or torn: nobody needs it
        return {}
    return {k: v for k, v in found.items() if isinstance(v, int | float) and 0.0 <= v < math.inf}


def folders(config):
    """The folders that settings name, absolute."""
    named = {name: getattr(config, name) for name in config_lib.FOLDERS}
    return {name: path and os.path.abspath(path) for name, path in named.items()}


def _flag(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _version(content):
    """What is known of the version that wrote a config.json."""
    starts = content.get("starts")
    last = starts[-1] if isinstance(starts, list) and starts else content
    last = last if isinstance(last, dict) else {}
    versions = last.get("versions") if isinstance(last.get("versions"), dict) else {}
    return f"version {versions.get('dtn_tf', '0.1.0')}, commit {last.get('commit')},"
