"""How a program ends: a user's error or a signal is one line and an exit code."""

import pathlib
import shlex
import signal
import sys

from absl import app, flags

from dtn_tf import environment
from dtn_tf.errors import Interrupted, UserError


def run(main):
    """Runs `main(argv)` under absl's flags and exits.

    Exit codes: 0, or 1 after a `UserError`, 130 after Ctrl-C and 143 after SIGTERM, wherever
    they came. A bug keeps its traceback.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    flags.FLAGS.verbosity = -2  # errors: saving and tracing are chatty; absl lifts a default
    try:
        app.run(main)
    except UserError as error:
        _end(f"error: {error}", 1)
    except Interrupted as stopped:
        _end(f"Stopped: {stopped}", 128 + stopped.number)


def load_tensorflow():
    """Imports TensorFlow and looks for devices, without the noise that a newcomer sees first."""
    with environment.quiet_start():
        import tensorflow as tf

        tf.config.list_physical_devices()
    environment.check_keras()  # before a module of ours imports Keras, which may fail on it


def command(program, **given):
    """Returns a command of this checkout as a shell takes it, by the Python in use."""
    words = (f"--{name}={value}" for name, value in given.items())
    return shlex.join([sys.executable, program, *words])


def tensorboard(workdir):
    """Returns the command that shows a run in TensorBoard."""
    beside = pathlib.Path(sys.executable).with_name("tensorboard")
    program = str(beside) if beside.exists() else "tensorboard"
    return shlex.join([program, f"--logdir={pathlib.Path(workdir) / 'tb'}"])


def _interrupt(number, frame):
    raise Interrupted(
        "what was complete is kept, nothing is half-written. The same command resumes.", number
    )


def _end(line, code):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C adds nothing
    print(f"\n{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)
    sys.exit(code)
