"""What a setting is: its type, default, bounds and help in one line, and the check of a value."""

import dataclasses
import math
import types
import typing

from dtn_tf.errors import UserError
from dtn_tf.nets import sizes


def setting(default, text, low=None, high=None, choices=None, length=None, expert=False):
    """One setting.

    Args:
        default: Its value unless a preset or a flag has another.
        text: Help, a sentence.
        low, high: Bounds, both allowed; of every number in a tuple.
        choices: Allowed values.
        length: Numbers in a tuple; None for any.
        expert: Whether its flag is under --helpfull alone.
    """
    about = {"text": text, "low": low, "high": high, "choices": choices}
    about |= {"length": length, "expert": expert}
    return dataclasses.field(default=default, metadata=about)


def checked(field, value, size):
    """Returns a value as its type has it.

    Args:
        field: `dataclasses.Field` made by `setting`.
        value: What was given.
        size: Side of the images in pixels, on which lengths of some tuples depend.

    Raises:
        UserError: If it is of another type, or out of range.
    """
    about, name = field.metadata, field.name
    if about["choices"]:
        expected = f"one of {', '.join(map(str, about['choices']))}"
        right = type(value) is field.type and value in about["choices"]
        return _right(right, name, value, expected)
    if typing.get_origin(field.type) is tuple:
        return _checked_tuple(about, name, value, size)
    if isinstance(field.type, types.UnionType):  # str | None
        right = value is None or (isinstance(value, str) and value != "")
        return _right(right, name, value, "text, or nothing")
    if field.type is str:
        return _right(isinstance(value, str) and value != "", name, value, "text")
    if field.type is bool:
        return _right(isinstance(value, bool), name, value, "True or False")
    if field.type is float and type(value) is int:
        value = float(value)
    low, high = about["low"], about["high"]
    kind = "a whole number" if field.type is int else "a number"
    right = type(value) is field.type and math.isfinite(value) and low <= value <= high
    return _right(right, name, value, f"{kind} from {low} to {high}")


def _checked_tuple(about, name, value, size):
    low, high, length = about["low"], about["high"], about["length"]
    length = length and length + sizes.doublings(size)
    is_set = name.startswith("absent_")
    expected = f"{length or 'some'} whole numbers from {low} to {high}"
    right = isinstance(value, tuple | list) and all(type(n) is int for n in value)
    right = right and all(low <= n <= high for n in value)
    if is_set:
        expected = f"at most nine of the classes {low} to {high}"
        value = tuple(sorted(set(value))) if right else value
        right = right and len(value) <= high
    else:
        right = right and len(value) == (length or len(value)) and len(value) > 0
    return tuple(_right(right, name, value, expected))


def _right(right, name, value, expected):
    if not right:
        raise UserError(f"{name}={value!r} is out of range; expected {expected}.")
    return value


def said(value):
    """Returns a value as a flag takes it."""
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
