"""Programs in processes of their own, TensorFlow loaded once for all of them.

    python -m tests.forked SOCKET

One process of a run of the tests loads TensorFlow, starts nothing with it, and is forked for each
program: to load it takes longer than most of what they do. None of our modules that need it is
loaded yet: a program sees what it sees in a process that was just started.
"""

import json
import os
import pathlib
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback

from dtn_tf import cli, files
from tests import conftest

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_parents = []  # processes that this one has started to be forked


class Process:
    """A program, as `subprocess.Popen` has it.

    Args:
        words: `-m MODULE ...` or `PATH ...`, as Python takes them. A first word that ends in a
            newline is code to be run before.
        said: Path of a file for what it prints.
        directory: Working directory.
        eager: Whether its functions run eagerly: with two steps of each, tracing them would
            take most of the time.
        **environment: Variables that are added.
    """

    def __init__(self, words, said, directory=_ROOT, eager=False, **environment):
        order = [words, str(said), str(directory), eager, {**os.environ, **environment}]
        self._connection = _connected()
        self._connection.sendall(json.dumps(order).encode() + b"\n")
        self._answers = self._connection.makefile()
        self.pid = int(self._answers.readline())
        self.returncode = None

    def poll(self):
        """Returns its exit code; None while it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0.0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout=600.0):
        """Waits for its end; returns its exit code, minus the signal if one killed it."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def kill(self):
        """Ends it by SIGKILL, which nothing can catch."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def run(commands, directory):
    """Runs programs eagerly, one after the other; returns exit code and words of each."""
    results = []
    for k, words in enumerate(commands):
        said = pathlib.Path(directory) / f"said-{k}"
        code = Process(words, said, directory, eager=True).wait()
        results.append((code, said.read_text()))
    return results


def _connected():
    """A connection to the process that is forked, which is started by the first who asks."""
    path = pathlib.Path(os.environ[conftest.SHARED]) / "forked"
    with files.locked(path.with_name("forking"), wait=True):
        try:
            return _connection_to(path)
        except OSError:  # there is none yet, or the one who started it has ended
            command = (sys.executable, "-m", "tests.forked", str(path))
            _parents.append(subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE))
            if not _parents[-1].stdout.readline():
                raise AssertionError("The process to be forked did not start.") from None
            return _connection_to(path)


def _connection_to(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


def main(path):
    """Forks for everyone who asks, until the one who started this ends."""
    cli.load_tensorflow()  # and starts nothing: a fork has one thread
    pathlib.Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("listens", flush=True)
    parent, running = os.getppid(), {}
    while os.getppid() == parent:
        if select.select([listener], [], [], 0.02 if running else 0.5)[0]:
            connection, _ = listener.accept()
            pid = _forked(*json.loads(connection.makefile().readline()))
            running[pid] = connection
            connection.sendall(b"%d\n" % pid)
        for pid in [*running]:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                with running.pop(pid) as connection:
                    _tell(connection, os.waitstatus_to_exitcode(status))


def _tell(connection, code):
    try:
        connection.sendall(b"%d\n" % code)
    except OSError:  # nobody waits for it
        pass


def _forked(words, said, directory, eager, environment):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(directory)
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        _program(words, eager)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _program(words, eager):
    if eager:
        import tensorflow as tf

        tf.config.run_functions_eagerly(True)
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
    main(sys.argv[1])
