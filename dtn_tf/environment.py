"""What a program runs on and by: the commit, the versions, the processor, the Keras settings."""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

from dtn_tf.errors import UserError

_PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "mlxtend")
_HERE = pathlib.Path(__file__).resolve()


def provenance():
    """Who makes something now: commit, version, packages, Python, processor, time (UTC)."""
    return {
        "commit": commit(),
        "versions": versions(),
        "processor": processor(),
        "time": now(),
    }


def versions():
    """Versions of Python, of this package and of those that decide numbers."""
    from dtn_tf import __version__

    found = {p: importlib.metadata.version(p) for p in _PACKAGES}
    return {"dtn_tf": __version__, "python": platform.python_version(), **found}


def now():
    """The time, UTC, as in every file of a run."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def commit():
    """The commit of this project's checkout, with "-dirty" if files differ; else None.

    None where the package is installed elsewhere: the folder it lies in may be in a checkout
    of something else. Tables and figures in results/ do not count as changes: what measures
    runs writes them.
    """
    try:
        _git("ls-files", "--error-unmatch", _HERE.name)
        head = _git("describe", "--always", "--abbrev=12", "--exclude=*")
        pathspec = ("--", ":/", ":(top,exclude)results")
        changed = _git("status", "--porcelain", "--untracked-files=no", *pathspec)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}-dirty" if changed else head


def processor():
    """The processor's name and what decides its speed here, for instance "AMD EPYC, AVX2"."""
    name, flags = platform.processor() or platform.machine(), set()
    path = pathlib.Path("/proc/cpuinfo")
    if path.exists():
        facts = dict(_fact(line) for line in path.read_text().splitlines() if ":" in line)
        name = facts.get("model name", name)
        flags = set(facts.get("flags", "").split())
    widest = [n for n in ("avx512_bf16", "avx512f", "avx2") if n in flags]
    return ", ".join([name, *[n.upper() for n in widest[:1]]])


@contextlib.contextmanager
def quiet_start():
    """Leaves out what TensorFlow prints while it loads and that means nothing; shows the rest.

    Before its logging is set up it writes to the standard error whatever the log level is. Where
    there is a GPU, what it says of CUDA is shown.
    """
    noise = _NOISE if _has_nvidia() else (*_NOISE, b"cuda")
    try:
        os.fstat(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as said:
        try:
            with redirected(sys.stderr, 2, said):
                yield
        finally:
            said.seek(0)
            os.write(2, b"".join(line for line in said if not any(part in line for part in noise)))


@contextlib.contextmanager
def redirected(stream, number, file):
    """What everything writes to a standard stream, libraries in C too, goes into a file.

    Args:
        stream: `sys.stdout` or `sys.stderr`.
        number: Its file descriptor, 1 or 2.
        file: Open for writing.
    """
    stream.flush()
    kept = os.dup(number)
    os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        stream.flush()
        os.dup2(kept, number)
        os.close(kept)


_NOISE = (
    b"All log messages before absl::InitializeLog() is called are written to STDERR",
    b"oneDNN custom operations are on",
    b"binary is optimized to use available CPU instructions",
    b"in other operations, rebuild TensorFlow with the appropriate compiler flags",
)


def _has_nvidia():
    paths = ("/proc/driver/nvidia", "/dev/nvidia0", "/dev/dxg")
    return any(pathlib.Path(path).exists() for path in paths)


def check_keras():
    """Refuses settings of Keras under which other numbers, or none, would come out.

    Raises:
        UserError: If the backend is not TensorFlow, images are channels-first, or the default
            float is not float32. Names the setting and where it comes from.
    """
    if "keras" not in sys.modules:
        check_keras_settings()
    import keras

    _check("backend", keras.backend.backend())
    _check("image_data_format", keras.config.image_data_format())
    _check("floatx", keras.config.floatx())


def check_keras_settings():
    """The same of what Keras will read when it is imported: it may fail on it.

    Raises:
        UserError: See `check_keras`; or if keras.json holds no JSON object.
    """
    home = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    try:
        said = json.loads((home / "keras.json").read_text())
    except (OSError, ValueError, RecursionError):
        said = {}  # so does Keras
    if not isinstance(said, dict):
        raise UserError(f"{home / 'keras.json'} holds no JSON object: mend or delete it.")
    backend = os.environ.get("KERAS_BACKEND")
    for name, value in {**said, **({"backend": backend} if backend else {})}.items():
        _check(name, value)


_KERAS = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}


def _check(name, found):
    """Refuses one setting; others than those of `_KERAS` change nothing."""
    expected = _KERAS.get(name, found)
    if found != expected:
        raise UserError(
            f"Keras is set to {name}={found}; dtn_tf needs {expected}. It comes from"
            " ~/.keras/keras.json or the environment (KERAS_BACKEND, KERAS_HOME):"
            " change it there, or run with KERAS_HOME set to an empty folder."
        )


def _fact(line):
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _git(*command):
    done = subprocess.run(
        ("git", *command), cwd=_HERE.parent, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
