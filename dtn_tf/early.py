"""Ctrl-C while a program still loads its modules: one line, and the exit code of a shell."""

import os
import signal


def handle():
    """Takes Ctrl-C and SIGTERM until `cli.run` does. Nothing was begun then, nothing is lost."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(number, frame):
    os.write(2, b"Stopped: nothing was begun. The same command begins it.\n")
    os._exit(128 + number)  # at once: an exception would be shown with its traceback
