"""Paths as settings and flags name them; that of `--content` may have a word before it."""

import os

FACE = "face:"  # before a path or a package, of --content and --descriptor
APP = "app:"  # before the name of a net of Keras Applications, of --content


def expanded(text):
    """Returns a path with its ~ exchanged: a shell leaves it in --flag=~/x and --flag=face:~/x."""
    prefix, where = _split(text)
    return prefix + os.path.expanduser(where)


def absolute(content):
    """Returns a value of `--content` whose path, if it names one, is absolute."""
    prefix, where = _split(content)
    is_path = os.path.exists(where) if prefix else where.endswith(".keras")
    return prefix + os.path.abspath(where) if is_path else content


def _split(text):
    prefix = FACE if text.startswith(FACE) else ""
    return prefix, text.removeprefix(prefix)
