"""How a program ends: a user's error or a signal is one line and an exit code."""

import pathlib
import shlex
import signal
import sys

from absl import app, flags

from dtn_tf import environment, paths
from dtn_tf.errors import Interrupted, UserError

_CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
flags.disclaim_key_flags()  # what `define_path` defines is its caller's


def run(main, argv=None):
    """Runs `main(argv)` under absl's flags and exits; `argv` is `sys.argv` unless given.

    Exit codes: 0, or 1 after a `UserError`, 130 after Ctrl-C and 143 after SIGTERM, wherever
    they came. A bug keeps its traceback.
    """
    try:
        for number in (signal.SIGINT, signal.SIGTERM):  # until now `early` had them
            signal.signal(number, _interrupt)
        flags.FLAGS.verbosity = -2  # errors: saving and tracing are chatty; absl lifts a default
        app.run(main, argv)
    except UserError as error:
        _end(f"error: {error}", 1)
    except Interrupted as stopped:
        _end(f"Stopped: {stopped}", 128 + stopped.number)


class _Path(flags.ArgumentParser):
    def parse(self, argument):
        return paths.expanded(argument)

    def flag_type(self):
        return "string"


def define_path(name, default, text, **kwargs):
    """Defines a flag of a path, whose ~ is the home of who starts the program."""
    return flags.DEFINE(
        _Path(), name, default, text, serializer=flags.ArgumentSerializer(), **kwargs
    )


def load_tensorflow():
    """Imports TensorFlow and looks for devices, without the noise that a newcomer sees first."""
    if "tensorflow" in sys.modules:
        environment.check_keras()
        return
    with environment.quiet_start():
        environment.check_keras()  # before a module of ours imports Keras, which may fail on it
        import tensorflow as tf

        tf.config.list_physical_devices()


def command(program, **given):
    """Returns a command of this checkout as a shell takes it, by the Python in use.

    Its program is found from every working directory, if there is a checkout.
    """
    path = _CHECKOUT / program
    words = (f"--{name}={value}" for name, value in given.items())
    return shlex.join([sys.executable, shown(path) if path.exists() else program, *words])


def shown(path):
    """A path as a command names it: absolute, or as seen from the checkout if we are there."""
    path, here = pathlib.Path(path).absolute(), pathlib.Path.cwd()
    is_near = here == _CHECKOUT and path.is_relative_to(here)
    return str(path.relative_to(here)) if is_near else str(path)


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
