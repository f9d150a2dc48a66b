"""Holds the camera to a wall and writes a house number on it, many at a time.

Where each pixel falls on the wall (`place`), then which ink it meets there
(`write`). Lengths on the wall are in heights of a digit, with zero at the middle of
the label; arrays of one value a picture are `(n, 1, 1)`.
"""

import typing

import numpy as np

from dtn_tf.data.builtin import street_glyphs

SIZE = 32
_SLOTS = 5  # digits of a number that can show: two before and two after the label
_NOWHERE = np.float32(1e3)


class Wall(typing.NamedTuple):
    """Where the pixels fall: float32 `(n, 32, 32)`, zero at the label's middle."""

    u: np.ndarray  # along the number
    v: np.ndarray  # down
    height: np.ndarray  # (n, 1, 1): of the digits, in pixels


class Ink(typing.NamedTuple):
    """What is written there."""

    distance: np.ndarray  # (n, 32, 32) to the ink's outline, negative inside
    shadow: np.ndarray  # the same, of the number moved a little
    left: np.ndarray  # (n, 1, 1): where the number begins
    right: np.ndarray  # and ends


class _Number(typing.NamedTuple):
    """What is written on the walls: `(n, slots)`, or `(n, 1)` where slots share it."""

    tile: np.ndarray  # row of the glyphs' tiles, -1 where nothing is written
    middle: np.ndarray  # of each slot, along the wall
    right_end: np.ndarray  # where the next slot begins
    height: np.ndarray  # of a digit over or under its neighbours
    stretch: np.ndarray
    waist: np.ndarray  # moves the middle of a digit up or down, not its ends
    left: np.ndarray
    right: np.ndarray


def place(rng, n):
    """Holds the camera: size, position, rotation, slant and perspective."""
    height = np.clip(rng.normal(24.0, 2.7, (n, 1, 1)), 15, 31)
    spread = np.where(rng.random((n, 1, 1)) < 0.85, 4.0, 11.0)
    angle = np.radians(rng.normal(0, 1, (n, 1, 1)) * spread)
    slant = rng.normal(0, 0.11, (n, 1, 1))
    tilt_x, tilt_y = rng.normal(0, 0.004, (2, n, 1, 1))
    shift_u, shift_v = rng.normal(0, 1, (2, n, 1, 1)) * np.reshape([0.075, 0.05], (2, 1, 1, 1))
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    depth = height * (1 + tilt_x * x + tilt_y * y)
    u = (x * np.cos(angle) + y * np.sin(angle)) / depth
    v = (y * np.cos(angle) - x * np.sin(angle)) / depth
    return Wall(f32(u + slant * v + shift_u), f32(v + shift_v), f32(height))


def write(rng, labels, wall):
    """Writes a number around each label in one alphabet, its ends cut by the frame."""
    one = (len(labels), 1, 1)
    number = _spell(rng, labels)
    weight = f32(np.clip(rng.normal(0.005, 0.02, one), -0.015, 0.05))
    moved_u, moved_v = f32(rng.normal(0, 0.05, (2, *one)))
    casts = some(rng, len(labels), 0.25)
    return Ink(
        distance=_look(number, wall.u, wall.v) - weight,
        shadow=np.where(casts, _look(number, wall.u - moved_u, wall.v - moved_v), _NOWHERE),
        left=number.left[..., np.newaxis],
        right=number.right[..., np.newaxis],
    )


def _spell(rng, labels):
    """Chooses alphabets, neighbours and spacing; the label stands in the middle slot."""
    n = len(labels)
    digits = rng.integers(0, 10, (n, _SLOTS))
    digits[:, _SLOTS // 2] = labels
    widths = street_glyphs.glyphs().width
    alphabet = rng.integers(0, len(widths), (n, 1))
    stretch = np.exp(rng.normal(-0.1, 0.17, (n, 1)))
    width = widths[alphabet, digits] * stretch
    even = rng.random((n, 1)) < 0.25
    pitch = np.where(even, width.max(1, keepdims=True), width)
    pitch = pitch + np.clip(rng.normal(0.12, 0.07, (n, 1)), 0.02, 0.4)
    middle = np.cumsum(pitch, axis=1) - pitch / 2
    middle -= middle[:, [_SLOTS // 2]]

    length = rng.choice([1, 2, 3, 4], (n, 1), p=[0.1, 0.5, 0.32, 0.08])
    slot = np.arange(_SLOTS) - _SLOTS // 2 + np.floor(rng.random((n, 1)) * length)
    written = (slot >= 0) & (slot < length)
    sway = rng.choice([0.01, 0.05], (n, 1), p=[0.8, 0.2])
    height = rng.normal(0, 1, (n, _SLOTS)) * sway
    return _Number(
        tile=np.where(written, alphabet * 10 + digits, -1).astype(np.int32),
        middle=f32(middle),
        right_end=f32(middle + pitch / 2),
        height=f32(height - height[:, [_SLOTS // 2]]),
        stretch=f32(stretch),
        waist=f32(rng.normal(0, 0.045, (n, 1))),
        left=f32(np.where(written, middle - width / 2, np.inf).min(1, keepdims=True)),
        right=f32(np.where(written, middle + width / 2, -np.inf).max(1, keepdims=True)),
    )


def _look(number, u, v):
    """Distance to the nearest outline of the slot that each point lies in."""
    first = np.arange(0, number.tile.size, _SLOTS, dtype=np.int32)[:, None, None]
    ends = number.right_end[:, :-1, None, None]
    at = first + sum((u > ends[:, k]).astype(np.int32) for k in range(_SLOTS - 1))
    along = (u - number.middle.ravel()[at]) / number.stretch[..., None]
    down = v - number.height.ravel()[at]
    down += number.waist[..., None] * np.cos(np.pi * np.clip(down, -0.5, 0.5))
    return _sample(street_glyphs.glyphs().distance, number.tile.ravel()[at], along, down)


def _sample(tiles, tile, along, down):
    """Bilinear look-up of `tiles` in glyph units; tile -1 is blank wall."""
    side, scale = street_glyphs.TILE, street_glyphs.HEIGHT
    x = np.clip(along * scale + (side - 1) / 2, 0, side - 1.001)
    y = np.clip(down * scale + (side - 1) / 2, 0, side - 1.001)
    col, row = x.astype(np.int32), y.astype(np.int32)
    x, y = x - col, y - row
    at = np.maximum(tile, 0) * (side * side) + row * side + col
    flat = tiles.reshape(-1)
    top = flat[at] * (1 - x) + flat[at + 1] * x
    bottom = flat[at + side] * (1 - x) + flat[at + side + 1] * x
    return np.where(tile < 0, _NOWHERE, top * (1 - y) + bottom * y)


def some(rng, n, often):
    """True for a share of the pictures."""
    return rng.random((n, 1, 1)) < often


def f32(x):
    """Numbers drawn by numpy are float64; pixels need half of that."""
    return np.asarray(x, np.float32)
