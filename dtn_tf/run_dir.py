"""A run's directory: who may write in it, what was asked, what it was done with."""

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.metadata
import json
import pathlib
import platform
import subprocess

from dtn_tf import loop

# Settings that change what is watched or where data lies, but not what is computed.
_HARMLESS = ("data_dir", "log_every", "grid_every", "checkpoint_every")
_PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "mlxtend")


def check(workdir, config):
    """Refuses a directory that holds a run of other settings.

    Args:
        workdir: The run directory; it need not exist.
        config: `DTNConfig` of the run about to start, data and precision resolved.

    Raises:
        ValueError: If the directory's settings differ, with the fields named, or
            if it has files but no settings.
    """
    workdir = pathlib.Path(workdir)
    path = workdir / "config.json"
    if not path.exists():
        if workdir.is_dir() and any(p.name != "lock" for p in workdir.iterdir()):
            raise ValueError(f"{workdir} has files but no config.json; choose another --workdir.")
        return
    found = differing(read(workdir)["config"], dataclasses.asdict(config))
    if found:
        listed = "; ".join(f"{k}: there {a!r}, now {b!r}" for k, (a, b) in sorted(found.items()))
        raise ValueError(
            f"{workdir} holds a run of other settings ({listed}). Choose another --workdir,"
            " pass the old settings, or delete the directory."
        )


def differing(old, new):
    """Returns the settings that two runs do not share, harmless ones left out.

    Args:
        old: Dict of settings, as `read` gives them.
        new: The same, or of `dataclasses.asdict`.

    Returns:
        Dict: name -> (old value, new value).
    """
    old, new = _comparable(old), _comparable(new)
    pairs = {k: (old.get(k), new.get(k)) for k in old.keys() | new.keys()}
    return {k: (a, b) for k, (a, b) in pairs.items() if a != b}


def read(workdir):
    """Returns what `config.json` of a run holds, as a dict.

    Raises:
        ValueError: If there is none or it cannot be read.
    """
    path = pathlib.Path(workdir) / "config.json"
    try:
        content = json.loads(path.read_text())
        if not isinstance(content["config"], dict):
            raise TypeError("its config is no mapping")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is not the settings of a run: {error!r}.") from error
    return content


def write(workdir, config, **facts):
    """Writes `config.json`: the settings, and facts such as the sizes of the data."""
    content = {
        "config": dataclasses.asdict(config),
        **facts,
        "versions": {p: importlib.metadata.version(p) for p in _PACKAGES},
        "python": platform.python_version(),
        "commit": commit(),
    }
    write_json(pathlib.Path(workdir) / "config.json", content)


def timing(directory):
    """Returns the seconds that each phase of a training took, a dict; empty if unknown."""
    path = pathlib.Path(directory) / "timing.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write_json(path, content):
    """Writes JSON under its name or not at all."""
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    loop.save_atomically(path, lambda temporary: temporary.write_text(text))


def fingerprint(*parts):
    """A short name for anything JSON can hold; equal parts give equal names."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def commit():
    """The checkout's commit, with "-dirty" if files differ; None outside of one.

    Tables and figures in results/ do not count: what measures runs writes them.
    """
    try:
        head = _git("describe", "--always", "--abbrev=12", "--exclude=*")
        pathspec = ("--", ":/", ":(top,exclude)results")
        changed = _git("status", "--porcelain", "--untracked-files=no", *pathspec)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}-dirty" if changed else head


def _git(*command):
    here = pathlib.Path(__file__).resolve().parent
    done = subprocess.run(("git", *command), cwd=here, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextlib.contextmanager
def locked(directory, wait=False):
    """Holds a directory for this process; the lock goes with the process, however it ends.

    Args:
        directory: Made if it does not exist.
        wait: Whether to wait for another process instead of refusing.

    Raises:
        ValueError: If another process holds it, or it cannot be written.
    """
    directory = pathlib.Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = open(directory / "lock", "w")
    except OSError as error:
        raise ValueError(f"{directory} cannot be written: {error}. Choose another.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise ValueError(f"Another process is working in {directory}.") from None
            print(f"Waiting for another process that works in {directory}.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _comparable(settings):
    """Settings as JSON gives them back (tuples are lists), without the harmless ones."""
    kept = {k: v for k, v in settings.items() if k not in _HARMLESS}
    return json.loads(json.dumps(kept))
