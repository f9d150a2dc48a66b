"""Holds the camera to a drawn head: where each pixel falls on it, how the light falls there.

The head is an ellipsoid with a narrower jaw; brows, nose, cheeks, lips and chin are bumps on
it. A turned head is this ellipsoid turned: what is painted on it moves as on a real one.

Lengths are in halves of a head's height: crown at v = -1, chin at v = 1. Fields are float32
`(n, side, side)`, values of one picture `(n, 1, 1)`.
"""

import typing

import numpy as np


class Head(typing.NamedTuple):
    """Where the pixels fall, and what a person's head is like."""

    u: np.ndarray  # across the head as the camera sees it
    v: np.ndarray  # down
    x: np.ndarray  # across the face itself: 0 is the bridge of the nose, turned or not
    y: np.ndarray  # down the face
    rim: np.ndarray  # distance to the head's outline, negative inside
    body_u: np.ndarray  # as u and v, of the shoulders, which do not turn
    body_v: np.ndarray
    turn: np.ndarray  # (n, 1, 1): sine of the angle, positive to the right
    width: np.ndarray  # (n, 1, 1): half of the head's
    pixel: np.ndarray  # (n, 1, 1): side of a pixel


class Light(typing.NamedTuple):
    """A lamp or window, and what the room throws back."""

    towards: np.ndarray  # (n, 3): unit vector to the lamp; right, down, to the camera
    ambient: np.ndarray  # (n, 1, 1): share of light from everywhere
    lamp: np.ndarray  # (n, 3, 1, 1): colours
    room: np.ndarray


def place(rng, n, side):
    """Holds the camera: size, position, tilt, turn and nod of n heads, `side` pixels wide."""
    scale = normal(rng, n, 0.67, 0.04)
    right, down = normal(rng, n, 0, 0.045), normal(rng, n, -0.03, 0.035)
    tilt, turn, nod = (normal(rng, n, 0, spread) for spread in (0.07, 0.22, 0.08))
    width = normal(rng, n, 0.715, 0.03)
    jaw, squareness = uniform(rng, n, 0.16, 0.36), uniform(rng, n, 2.1, 2.7)

    row, column = np.mgrid[:side, :side].astype(np.float32)
    across = ((column + 0.5) * 2 / side - 1 - right) / scale
    along = ((row + 0.5) * 2 / side - 1 - down) / scale
    u = across * np.cos(tilt) + along * np.sin(tilt)
    v = along * np.cos(tilt) - across * np.sin(tilt)
    narrow = width * (1 - jaw * smooth(v, 0.1, 1.0))
    power = np.where(v > 0, squareness, 2.3)
    reach = (u / narrow) ** 2 + np.abs(v) ** power
    x, y = _turned(u / narrow, v, reach, turn, nod)
    fields = (u, v, x * width, y, (np.sqrt(reach) - 1) * 0.8)
    body = across + 0.6 * np.sin(tilt), along
    values = np.sin(turn), width, 2 / side / scale
    return Head(*map(f32, (*fields, *body, *values)))


def _turned(u, v, reach, turn, nod):
    """From what the camera sees of a unit ball to where that is on its face."""
    depth = np.sqrt(np.maximum(1 - reach, 0))
    x = u * np.cos(turn) - depth * np.sin(turn)
    front = depth * np.cos(turn) + u * np.sin(turn)
    return x, v * np.cos(nod) - front * np.sin(nod)


def illuminate(rng, n):
    """Chooses a light for each picture: mostly from above, often from one side."""
    side = np.clip(rng.normal(0, 0.65, n), -1.3, 1.3)
    towards = np.stack([side, rng.normal(-0.45, 0.25, n), np.full(n, 0.9)], axis=1)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    warm = rng.normal(0, 0.035, (2, n, 1, 1, 1)) * np.reshape([1, 0.1, -1.2], (1, 1, 3, 1, 1))
    bright = normal(rng, n, 1.12, 0.08)[:, None]
    ambient = rng.uniform(0.3, 0.62, (n, 1, 1))
    return Light(f32(towards), f32(ambient), f32((1 + warm[0]) * bright), f32(1 + warm[1]))


def relief(rng, head):
    """Returns how far the face stands out to the camera: the ellipsoid and its bumps."""
    n, y = len(head.x), head.y
    x, side = head.x, np.abs(head.x)
    nose_x = x - 0.16 * head.turn  # it stands out: it moves more than the face does
    nose = smooth(y, -0.25, 0.36) * (1 - smooth(y, 0.36, 0.46))
    nose *= bump(nose_x, uniform(rng, n, 0.075, 0.11)) * uniform(rng, n, 0.15, 0.24)
    wings = spot(np.abs(nose_x) - 0.09, y - 0.37, 0.055, 0.05) * uniform(rng, n, 0.03, 0.06)
    sockets = spot(side - 0.29, y - 0.02, 0.15, 0.1) * uniform(rng, n, 0.04, 0.09)
    brows = spot(side - 0.28, y + 0.16, 0.2, 0.06) * uniform(rng, n, 0.01, 0.045)
    cheeks = spot(side - 0.38, y - 0.3, 0.16, 0.16) * uniform(rng, n, 0.02, 0.07)
    hollows = spot(side - 0.45, y - 0.62, 0.14, 0.16) * uniform(rng, n, 0.0, 0.05)
    chin = spot(x, y - 0.88, 0.14, 0.1) * uniform(rng, n, 0.02, 0.06)
    groove = spot(x, y - 0.75, 0.14, 0.035) * uniform(rng, n, 0.01, 0.03)
    mouth = spot(x, y - 0.6, 0.2, 0.13) * uniform(rng, n, 0.01, 0.05)
    bumps = nose + wings - sockets + brows + cheeks - hollows + chin - groove + mouth
    ball = 0.8 * np.sqrt(np.maximum(1 - (1 + head.rim / 0.8) ** 2, 0) + 0.03)
    return f32(ball + bumps)


def shade(light, depth, pixel):
    """How much light a surface gives back.

    Args:
        light: `Light`.
        depth: Field, how far it stands out to the camera.
        pixel: `(n, 1, 1)`, side of a pixel in the same lengths.

    Returns:
        float32 `(n, 3, side, side)`, about 0.3 to 1.2; and the field of how much it mirrors,
        0 to 1.
    """
    down, right = (slope / pixel for slope in np.gradient(depth, axis=(1, 2)))
    towards = light.towards[:, :, None, None]
    length = 1 / np.sqrt(1 + right**2 + down**2)
    lit = (towards[:, 2] - right * towards[:, 0] - down * towards[:, 1]) * length
    half = towards + f32(np.reshape([0, 0, 1], (3, 1, 1)))
    half = half / np.linalg.norm(half, axis=1, keepdims=True)
    gloss = np.clip((half[:, 2] - right * half[:, 0] - down * half[:, 1]) * length, 0, 1)
    direct = np.clip((lit + 0.25) / 1.25, 0, 1) * (1 - light.ambient) * 1.15
    around = light.ambient * (0.62 + 0.38 * length)  # what turns away sees less of the room
    return direct[:, None] * light.lamp + around[:, None] * light.room, f32(gloss**16)


def smooth(x, low, high):
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bump(x, width):
    """A soft hill of height 1."""
    return np.exp(-((x / width) ** 2))


def spot(x, y, width, height):
    """A soft round hill of height 1."""
    return np.exp(-((x / width) ** 2) - (y / height) ** 2)


def normal(rng, n, mean, spread):
    """A normal value for each picture, never beyond 2.5 spreads: float32 `(n, 1, 1)`."""
    return f32(mean + spread * np.clip(rng.standard_normal((n, 1, 1)), -2.5, 2.5))


def uniform(rng, n, low, high):
    """A uniform value for each picture: float32 `(n, 1, 1)`."""
    return f32(rng.uniform(low, high, (n, 1, 1)))


def some(rng, n, often):
    """1 for a share of the pictures, else 0: float32 `(n, 1, 1)`."""
    return f32(rng.random((n, 1, 1)) < often)


def f32(x):
    """Numbers drawn by numpy are float64; pixels need half of that."""
    return np.asarray(x, np.float32)


def cover(distance, head, soft=1.0):
    """Share of each pixel that lies inside `distance` < 0; `soft` pixels are the edge."""
    return np.clip(0.5 - distance / (head.pixel * soft), 0, 1)


def lay(rgb, colour, share):
    """Lays a colour over pictures `(n, 3, side, side)` where the field `share` says so."""
    return rgb + (colour - rgb) * share[:, None]
