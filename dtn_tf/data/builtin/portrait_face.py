"""Paints a face on a drawn head: skin, eyes, brows, nose, mouth, beard, glasses."""

import numpy as np

from dtn_tf.data.builtin.portrait_head import (
    bump,
    cover,
    f32,
    lay,
    normal,
    smooth,
    some,
    spot,
    uniform,
)
from dtn_tf.data.builtin.portrait_texture import clouds, curls

_IRISES = np.array([(70, 44, 28), (52, 34, 24), (84, 98, 70), (84, 116, 146), (104, 82, 50)])
_FRAMES = np.array([(24, 22, 24), (52, 34, 24), (96, 60, 36), (120, 118, 116), (40, 44, 70)])
_EYE_X, _EYE_Y = 0.28, 0.02
_MOUTH_Y = 0.60


def skin(rng, head, tone):
    """Colour of the skin, without light: redder where it is thin, with blotches.

    Args:
        rng: numpy `Generator`.
        head: `Head`.
        tone: float32 `(n, 3, 1, 1)`.
    """
    n, x, y = len(tone), head.x, head.y
    red = spot(np.abs(x) - 0.36, y - 0.3, 0.17, 0.14) + spot(x, y - 0.36, 0.12, 0.1)
    red = red * uniform(rng, n, 0.0, 0.12)
    rgb = tone * (1 + red[:, None] * f32(np.reshape([0.25, -0.9, -0.7], (3, 1, 1))))
    bags = spot(np.abs(x) - _EYE_X + 0.02, y - 0.15, 0.12, 0.035) * uniform(rng, n, 0, 0.16)
    folds = np.abs(np.abs(x) - (0.14 + 0.42 * (y - 0.34)))
    folds = bump(folds, 0.022) * smooth(y, 0.34, 0.42) * (1 - smooth(y, 0.55, 0.68))
    lines = bump(np.sin(y * 26), 0.25) * (1 - smooth(y, -0.4, -0.24)) * bump(x, 0.35)
    age = uniform(rng, n, 0, 1)
    dark = bags + folds * 0.24 * age + lines * 0.08 * age**2
    blotches = 0.022 * clouds(rng, n, x.shape[1], 3)
    return rgb * (1 - dark + blotches)[:, None]


def features(rng, rgb, head, hair):
    """Lays eyes, brows, nostrils and mouth over a skin without light, in the hair's colour."""
    smile = np.clip(normal(rng, len(rgb), 0.45, 0.5), 0, 1)
    rgb = _eyes(rng, rgb, head, smile)
    rgb = _brows(rng, rgb, head, hair)
    rgb = _nostrils(rng, rgb, head)
    return _mouth(rng, rgb, head, smile)


def _eyes(rng, rgb, head, smile):
    n = len(rgb)
    side = np.sign(head.x)
    wide, slant = uniform(rng, n, 0.125, 0.15), normal(rng, n, 0.03, 0.05)
    x = np.abs(head.x) - _EYE_X + normal(rng, n, 0, 0.012)
    y = head.y - _EYE_Y + slant * x
    tall = uniform(rng, n, 0.045, 0.075) * (1 - 0.25 * smile)
    arch = np.maximum(1 - (x / wide) ** 2, 0)
    upper, lower = -tall * arch**0.8, 0.75 * tall * arch
    hollow = spot(x, y + 0.07, 0.17, 0.055) * uniform(rng, n, 0.1, 0.35)
    rgb = rgb * (1 - hollow)[:, None]
    opening = np.maximum(np.maximum(upper - y, y - lower), np.abs(x) - wide)
    share = cover(opening, head, 1.3)
    white = normal(rng, n, 205, 12)[:, None] * f32(np.reshape([1.0, 0.96, 0.93], (3, 1, 1)))
    white = white * (1 - 0.35 * bump(y - upper, 0.03))[:, None]
    rgb = lay(rgb, white, share)

    gaze = x - side * (normal(rng, n, 0, 0.012) + 0.02 * head.turn)
    away = np.hypot(gaze, y + 0.012)
    iris = f32(_IRISES[rng.choice(5, n, p=[0.4, 0.25, 0.1, 0.15, 0.1])])[:, :, None, None]
    iris = iris * (1 - 0.5 * smooth(away, 0.04, 0.062))[:, None]
    rgb = lay(rgb, iris, share * cover(away - 0.064, head, 1.3))
    rgb = lay(rgb, f32(14), share * cover(away - 0.028, head, 1.3))
    glint = np.hypot(gaze * side - normal(rng, n, 0, 0.012), y + 0.032)
    rgb = lay(rgb, f32(245), share * cover(glint - 0.014, head, 1.5) * 0.85)

    lash = bump(y - upper, 0.02) * smooth(wide * 1.12 - np.abs(x), 0, 0.03)
    rgb = rgb * (1 - lash * uniform(rng, n, 0.5, 0.85))[:, None]
    crease = bump(y - upper + 0.045, 0.014) * smooth(wide * 1.2 - np.abs(x), 0, 0.05)
    under = bump(y - lower, 0.012) * smooth(wide - np.abs(x), 0, 0.03)
    return rgb * (1 - crease * 0.28 - under * 0.25)[:, None]


def _brows(rng, rgb, head, hair):
    n = len(rgb)
    x = np.abs(head.x) - 0.28
    rise = uniform(rng, n, 0.02, 0.06)
    middle = -0.15 + normal(rng, n, 0, 0.018) - rise * (1 - (x / 0.17 - 0.25) ** 2)
    thick = uniform(rng, n, 0.02, 0.04) * (1 - 0.5 * smooth(x, 0, 0.2))
    share = bump(head.y - middle, thick) * smooth(0.2 - np.abs(x), 0, 0.06)
    hairs = 1 + 0.2 * clouds(rng, n, x.shape[1], 5)
    share = np.clip(share * hairs * uniform(rng, n, 0.55, 0.95), 0, 1)
    return lay(rgb, hair * f32(0.62), share)


def _nostrils(rng, rgb, head):
    n = len(rgb)
    x, y = head.x - 0.14 * head.turn, head.y
    holes = spot(np.abs(x) - uniform(rng, n, 0.05, 0.07), y - 0.43, 0.03, 0.018)
    wings = bump(np.hypot((np.abs(x) - 0.1) / 1.1, y - 0.38) - 0.055, 0.018)
    wings = wings * smooth(np.abs(x), 0.1, 0.14)
    beneath = spot(x, y - 0.46, 0.11, 0.03)
    return rgb * (1 - 0.62 * holes - 0.2 * wings - 0.22 * beneath)[:, None]


def _mouth(rng, rgb, head, smile):
    n = len(rgb)
    x, half = head.x - 0.06 * head.turn, uniform(rng, n, 0.19, 0.24) + 0.05 * smile
    y = head.y - _MOUTH_Y - 0.01 + smile * 0.09 * ((x / half) ** 2 - 0.5)
    arch = np.maximum(1 - (x / half) ** 2, 0)
    opened = some(rng, n, 0.55) * smooth(smile, 0.35, 0.7) * uniform(rng, n, 0.025, 0.065) * arch
    bow = arch - 0.35 * bump(x, 0.045) * arch
    upper = -opened * 0.6 - uniform(rng, n, 0.03, 0.055) * bow
    lower = opened + uniform(rng, n, 0.045, 0.08) * np.sqrt(arch) * arch**0.3
    lips = np.maximum(np.maximum(upper - y, y - lower), np.abs(x) - half)
    red = f32(rng.uniform([0.0, 0.35, 0.3], [0.12, 0.62, 0.55], (n, 3)))[:, :, None, None]
    red = 1 - red * uniform(rng, n, 0.55, 1.1)[:, None]
    shine = 1 - 0.14 * smooth(-y, -0.01, 0.02) + 0.12 * spot(x, y - 0.5 * lower, 0.1, 0.02)
    rgb = lay(rgb, rgb * red * shine[:, None], cover(lips, head, 2.0))

    gap = np.maximum(np.maximum(-opened * 0.6 - y, y - opened), np.abs(x) - half * 0.9)
    inside = cover(gap, head, 1.5) * smooth(opened, 0.003, 0.012)
    rgb = lay(rgb, f32(np.reshape([58, 24, 24], (3, 1, 1))), inside)
    teeth = inside * cover(y - opened * 0.55, head, 1.5) * smooth(half * 0.85 - np.abs(x), 0, 0.06)
    rgb = lay(rgb, f32(np.reshape([226, 218, 206], (3, 1, 1))), teeth * 0.92)
    line = bump(y, 0.014) * smooth(half * 1.05 - np.abs(x), 0, 0.04) * (1 - inside)
    corners = spot(np.abs(x) - half, y, 0.035, 0.03)
    return rgb * (1 - 0.5 * line - 0.3 * corners)[:, None]


def beard(rng, rgb, head, hair, has):
    """Lays a beard over faces without light: stubble to full, along the jaw and over the lip.

    Args:
        rng: numpy `Generator`.
        rgb: float32 `(n, 3, side, side)`.
        head: `Head`.
        hair: float32 `(n, 3, 1, 1)`, its colour.
        has: float32 `(n, 1, 1)`, 1 for a beard, else 0.
    """
    n, x, y = len(rgb), head.x, head.y
    ragged = 0.03 * clouds(rng, n, x.shape[1], 4)
    cheek = 0.42 + 0.16 * smooth(0.5 - np.abs(x), 0, 0.3) + normal(rng, n, 0, 0.03)
    cheek = cheek - 0.5 * smooth(np.abs(x), 0.5, 0.7)  # up to the ears
    jaw = smooth(y + ragged, cheek - 0.02, cheek + 0.07)
    lip = spot(x, y - 0.525, 0.24, 0.055) * 2.2
    bare = spot(x, y - _MOUTH_Y - 0.035, 0.2, 0.065) * 1.3
    bare = bare + spot(np.abs(x) - 0.13, y - 0.74, 0.05, 0.05) * uniform(rng, n, 0, 0.7)
    share = np.clip(jaw - bare, 0, 1)
    share = np.clip(np.maximum(share, lip), 0, 1)
    grain = curls(rng, head.x * 0.7, head.y * 0.5)
    share = share * uniform(rng, n, 0.72, 0.98) * np.clip(1 + 0.05 * grain, 0, 1)
    return lay(rgb, hair * (0.8 + 0.09 * grain)[:, None], share * has)


def glasses(rng, rgb, head, light, has):
    """Lays glasses over lit faces: two rims, a bridge, sides, a gleam on the glass.

    Args:
        rng: numpy `Generator`.
        rgb: float32 `(n, 3, side, side)`.
        head: `Head`.
        light: `Light`.
        has: float32 `(n, 1, 1)`, 1 for glasses, else 0.
    """
    n = len(rgb)
    x, y = head.x - 0.08 * head.turn, head.y - _EYE_Y - 0.02
    inner = np.abs(x) - uniform(rng, n, 0.285, 0.31)
    wide, tall = uniform(rng, n, 0.19, 0.225), uniform(rng, n, 0.14, 0.19)
    power = f32(rng.choice([2.0, 2.0, 3.0, 5.0], (n, 1, 1)))
    away = np.abs(inner / wide) ** power + np.abs(y / tall) ** power
    ring = (away ** (1 / power) - 1) * tall
    thick = uniform(rng, n, 0.016, 0.036)
    bridge = np.maximum(np.abs(y + 0.03 + 0.15 * x**2) - thick, np.abs(x) - 0.12)
    arm = np.maximum(np.abs(y + 0.05) - thick * 0.9, 0.48 - np.abs(x))
    rim = np.minimum(np.minimum(np.abs(ring) - thick, np.maximum(bridge, -ring)), arm)
    seen = has * smooth(-head.rim, -0.03, 0.01)
    glass = cover(ring, head) * seen
    rgb = rgb * (1 - glass * uniform(rng, n, 0.02, 0.12))[:, None]
    streak = bump(inner * 0.7 + y - normal(rng, n, -0.06, 0.06), uniform(rng, n, 0.02, 0.06))
    rgb = lay(rgb, f32(240), glass * streak * uniform(rng, n, 0.0, 0.4))
    shadow = cover(rim - 0.02, head, 4.0) * seen * 0.25
    rgb = rgb * (1 - shadow)[:, None]
    colour = f32(_FRAMES[rng.integers(0, len(_FRAMES), n)])[:, :, None, None]
    colour = colour * (0.75 + 0.5 * light.ambient[:, None])
    return lay(rgb, colour, cover(rim, head, 1.3) * seen * 0.95)
