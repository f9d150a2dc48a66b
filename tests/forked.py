"""Programs run one after the other, each in a process of its own, TensorFlow loaded once.

    python -m tests.forked < commands.json

A process that has only loaded TensorFlow is forked for each. Its functions run eagerly: with
two steps of each, tracing them would take most of the time.
"""

import json
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import traceback

_ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(commands, directory):
    """Runs programs; returns the exit code of each and what it said.

    Args:
        commands: List of lists of words: `-m MODULE ...` or `PATH ...`, as Python takes them.
            A first word that ends in a newline is code to be run before.
        directory: Working directory.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.forked"],
        input=json.dumps(commands),
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return [tuple(result) for result in json.loads(done.stdout.splitlines()[-1])]


def main():
    """Reads commands, writes what came of them."""
    commands = json.load(sys.stdin)
    import tensorflow as tf  # and starts nothing: a fork has one thread

    tf.config.run_functions_eagerly(True)
    print(json.dumps([_forked(words) for words in commands]))


def _forked(words):
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            _end(words)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode()


def _end(words):
    """Is a program to its end."""
    code = 1
    try:
        _program(words)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _program(words):
    if words[0].endswith("\n"):
        exec(words[0], {})
        words = words[1:]
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(words)
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main()
