"""Files of one JSON object a line, which processes add to at the same time."""

import fcntl
import os
import pathlib

from dtn_tf import files
from dtn_tf.errors import UserError

# What parsing raises on lines that something else wrote.
_NO_LINE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def read(path, parse):
    """Reads the lines of a file; what cannot be parsed is left out, and said.

    Args:
        path: File; one that is not there has no lines.
        parse: Function of a line, bytes: what it is, a list.

    Returns:
        List of all that `parse` returned, in the file's order; and a list of warnings, which
        name the file, the line and what is wrong with it.

    Raises:
        UserError: If the file is there and cannot be read.
    """
    path = pathlib.Path(path)
    try:
        written = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    found, warnings = [], []
    for number, text in enumerate(written, 1):
        try:
            found += parse(text) if text.strip() else []
        except _NO_LINE as error:
            warnings.append(f"{path}, line {number}, is left out: {_why(error)}.")
    return found, warnings


def append(path, text):
    """Adds a line to a file, whole or not at all, and waits until it is on the disk.

    A torn line at the end of the file, as a power cut leaves it, stays a line of its own. A line
    that is there already, to the byte, is not added again.

    Args:
        path: File; it and its folders are made.
        text: str without a line break.

    Raises:
        UserError: If the file cannot be written; it is as it was then.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed
            file.seek(0)
            if text.encode() not in file.read().splitlines():
                _add(file, text.encode() + b"\n")
        files.sync(path.parent)  # the name, if the file is new
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from error


def _add(file, text):
    """Writes at the end of a locked file; what cannot be finished is taken back."""
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        text = text if file.read(1) == b"\n" else b"\n" + text
    try:
        while text:
            text = text[file.write(text) :]
        os.fsync(file.fileno())
    except BaseException:
        os.ftruncate(file.fileno(), end)
        raise


def _why(error):
    """The error as the end of a sentence."""
    return f"it has no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
