"""Puts hair on a drawn head: bald, short or long, straight to curly, parted or with a fringe."""

import typing

import numpy as np

from dtn_tf.data.builtin import attributes, portrait_head
from dtn_tf.data.builtin.portrait_head import (
    bump,
    cover,
    f32,
    lay,
    normal,
    smooth,
    some,
    uniform,
)
from dtn_tf.data.builtin.portrait_texture import clouds, curls, strands


class Hair(typing.NamedTuple):
    """Where hair is and what it looks like under the light."""

    behind: np.ndarray  # share of each pixel, (n, side, side): what hangs behind the neck
    front: np.ndarray  # what lies over the head
    shadow: np.ndarray  # what it takes from the light on the face
    colour: np.ndarray  # (n, 3, side, side), lit


def grow(rng, head, light, colour, length):
    """Makes the hair of n heads.

    Args:
        rng: numpy `Generator`.
        head: `Head`.
        light: `Light`.
        colour: float32 `(n, 3, 1, 1)`, without light.
        length: int array `(n,)`, of `attributes`.
    """
    n, side = head.u.shape[:2]
    length = length[:, None, None]
    is_long, is_bald = f32(length == attributes.LONG), f32(length == attributes.BALD)
    curly = some(rng, n, 0.3) * uniform(rng, n, 0.4, 1)
    texture, fine = _texture(rng, head, curly, is_long)
    ragged = texture * (0.012 + 0.014 * curly) + 0.02 * clouds(rng, n, side, 3)
    outline, across, down = _outline(rng, head, curly, is_long)
    outline = outline + ragged
    window = _window(rng, head, is_long) + 0.8 * ragged
    front = _front(rng, head, outline, window, is_long) * (1 - is_bald * 0.94)
    depth = 0.8 * np.sqrt(np.maximum(1 - across**2 - down**2, 0) + 0.04)
    depth = depth + (0.014 - 0.006 * curly) * texture
    shade, gloss = portrait_head.shade(light, depth, head.pixel)
    tone = 0.94 + 0.1 * fine + (0.06 - 0.02 * curly) * texture
    tone = tone * (1 - 0.4 * bump(window, 0.09)) * (1 - 0.25 * bump(outline, 0.05))
    under = smooth(head.v, 0.1, 0.8) * smooth(0.95 - np.abs(across), 0, 0.7) * is_long
    tone = tone * (1 - 0.55 * under)
    shine = gloss * np.clip(0.6 + 0.5 * fine, 0, 2) * uniform(rng, n, 4, 28) * (1 - 0.6 * under)
    return Hair(
        behind=cover(outline, head, 2.0) * is_long,
        front=front,
        shadow=0.3 * bump(np.minimum(window, 0), 0.1) * (1 - is_bald),
        colour=colour * (tone[:, None] * shade) + shine[:, None],
    )


def comb(rgb, hair):
    """Lays the hair in front over heads."""
    return lay(rgb, hair.colour, hair.front)


def _texture(rng, head, curly, is_long):
    """Two fields: coarse, strands or tufts, and fine strands."""
    n = len(head.u)
    part = normal(rng, n, 0, 0.25)
    u, v = head.u - part, head.v + 1.35
    angle = np.arctan2(u, np.maximum(v, 0.12)) / np.maximum(1, np.abs(v) * 0.5)
    wave = 0.02 * np.sin(head.v * uniform(rng, n, 4, 9) + part * 20) * is_long
    across, along = angle * 0.55 + wave, np.hypot(u, v) * 0.25
    straight = strands(rng, across * 0.6, along)
    tufts = curls(rng, head.u * 0.34, head.v * 0.3)
    coarse = straight + (1.2 * tufts - straight) * curly
    return coarse, strands(rng, across * 1.6, along * 1.7) * (1 - 0.6 * curly) + 0.5 * tufts * curly


def _outline(rng, head, curly, is_long):
    """Distance to the outline, and where each pixel is in it: -1 to 1 across, -1 at the crown."""
    n, u, v = len(head.u), head.u, head.v
    thick = uniform(rng, n, 0.03, 0.1) + is_long * uniform(rng, n, 0.04, 0.14)
    thick = thick + curly * uniform(rng, n, 0.02, 0.16)
    crown = 1 + 0.7 * thick + uniform(rng, n, 0.02, 0.14) * (1 - 0.5 * is_long)
    flare = uniform(rng, n, -0.06, 0.16) * is_long
    half = head.width + thick + flare * smooth(v, -0.2, 1.2)
    end = 2 + is_long * (uniform(rng, n, 0.85, 1.9) - 2)
    end = end - 0.12 * (u / half) ** 2 * is_long  # rounded below
    across, down = u / half, np.minimum(v, 0) / crown
    # Square above, as hair is: the power of the curve at the crown.
    power = uniform(rng, n, 2.0, 2.5)
    reach = (np.abs(across) ** power + np.abs(down) ** power) ** (1 / power)
    return np.maximum((reach - 1) * half, v - end), across, down


def _window(rng, head, is_long):
    """Distance to the opening that shows the face; negative in the face."""
    n = len(head.x)
    fringe = some(rng, n, 0.25)
    line = -0.58 + normal(rng, n, 0, 0.05) + fringe * uniform(rng, n, 0.2, 0.32)
    y = head.y - normal(rng, n, 0, 0.14) * head.x * (1 - fringe)
    x = head.x - normal(rng, n, 0, 0.03)
    open_wide = uniform(rng, n, 0.50, 0.66)
    half = (0.93 + (open_wide / 0.74 - 0.93) * is_long) * head.width
    half = half - 0.03 * fringe + 0.10 * smooth(head.v, 0.4, 1.3) * is_long
    middle = 0.1
    power = uniform(rng, n, 2.0, 2.8) + 1.2 * fringe
    up = np.minimum(y - middle, 0) / (middle - line)
    return ((np.abs(x / half) ** power + np.abs(up) ** power) ** (1 / power) - 1) * half


def _front(rng, head, outline, window, is_long):
    """Share of hair over the head: short hair ends at the ears, long hair falls."""
    n = len(head.x)
    burns = uniform(rng, n, -0.12, 0.22)
    falls = some(rng, n, 0.65) * is_long  # over the shoulders, else behind them
    ends = burns + is_long * (0.75 - burns) + falls * 3
    tapered = head.v - ends
    soft = 2.0 + 2.0 * (1 - is_long)
    share = cover(np.maximum(outline, -window), head, 2.0)
    return share * cover(tapered, head, soft * 2)
