"""Paints wall, plate, clutter and digits, many pictures at a time.

What `street_writing` says lies where is given colours, worn surfaces and daylight.
"""

import functools

import numpy as np

from dtn_tf.data.builtin.street_writing import SIZE, f32, some

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Paint of real plates: enamel blue first, then brick, wood, green, red, yellow.
_PAINTS = np.array(
    [[-34, -6, 42], [-22, -4, 30], [44, -14, -30], [24, -4, -26], [-22, 12, -2], [60, -26, -20],
     [26, 12, -62]], np.float32)  # fmt: skip
_PAINT_SHARES = (0.3, 0.3, 0.12, 0.12, 0.06, 0.06, 0.04)


def paint(rng, wall, ink):
    """Colours wall, plate, clutter and digits: float32 `(n, 32, 32, 3)`, 0 to 255."""
    ground, step = _colours(rng, len(wall.u))
    rgb = _paint_ground(rng, wall, ink, ground, ground + step)
    rgb = _paint_digits(rng, wall, ink, rgb, ground, step)
    return rgb * _light(rng, wall)[..., np.newaxis]


def _paint_ground(rng, wall, ink, ground, figure):
    """A wall, or a plate whose edge shows: often with a line along it."""
    n = len(wall.u)
    one = (n, 1, 1)
    left, right, top, bottom = f32(np.exp(rng.normal(-1.7, 0.6, (4, *one))))  # margins
    dx = np.maximum(ink.left - left - wall.u, wall.u - ink.right - right)
    dy = np.maximum(-0.5 - top - wall.v, wall.v - 0.5 - bottom)
    oval = np.hypot(wall.u - (ink.left + ink.right) / 2, wall.v) - 0.6 - left
    is_oval = some(rng, n, 0.12) & (ink.right - ink.left < 1.5)
    edge = np.where(is_oval, oval, np.maximum(dx, dy))
    beyond = ground + rng.normal(0, 45, (n, 1, 1, 1)) + rng.normal(0, 12, (n, 1, 1, 3))
    line = np.abs(edge + rng.uniform(0.0, 0.15, one)) - rng.uniform(0.015, 0.05, one)
    line_colour = np.where(some(rng, n, 0.6)[..., np.newaxis], figure, beyond)
    plate = some(rng, n, 0.5)
    rgb = _lay(ground, beyond, _cover(-edge, wall) * plate)
    rgb = _lay(rgb, line_colour, _cover(line, wall) * plate * some(rng, n, 0.5))
    return rgb + _clutter(rng, wall)[..., np.newaxis] + _texture(rng, n)


def _paint_digits(rng, wall, ink, rgb, ground, step):
    """A cast shadow, an outline, the digit itself, now and then hollow."""
    n = len(wall.u)
    one = (n, 1, 1)
    shade = ground + step + rng.normal(-20, 60, (n, 1, 1, 1))
    shadow = _cover(ink.shadow, wall, soft=rng.uniform(1, 3, one))
    rgb = _lay(rgb, shade, shadow * rng.uniform(0.4, 1, one))
    rim = _cover(ink.distance - rng.uniform(0.02, 0.08, one), wall)
    rim_colour = ground - step * rng.uniform(-0.5, 0.8, (n, 1, 1, 1))
    rgb = _lay(rgb, rim_colour, rim * some(rng, n, 0.12))
    rgb = _lay(rgb, ground + step + _texture(rng, n), _cover(ink.distance, wall))
    hollow = _cover(ink.distance + rng.uniform(0.03, 0.06, one), wall)
    return _lay(rgb, ground, hollow * some(rng, n, 0.04))


def _colours(rng, n):
    """Ground and the step from ground to figure, `(n, 1, 1, 3)` each."""
    one = (n, 1, 1, 1)
    step = np.clip(np.exp(rng.normal(4.45, 0.45, one)), 26, 215)
    step = step * np.where(rng.random(one) < 0.5, -1, 1)
    middle = np.clip(rng.normal(116, 32, one), 45, 215)
    ground = middle - step * rng.uniform(0.2, 0.6, one)
    cast = rng.normal(0, 1, one) * [-7, -1, 8] + rng.normal(0, 1, one) * [3, -2, 2] + [-3, 0, 5]
    tints = [_tint(rng, n) * (rng.random(one) < often) for often in (0.35, 0.2)]
    lit = rng.normal(0, 1, one) * [-5, -1, 7]  # sky or sun, in the paint's gloss
    return f32(ground + cast + tints[0]), f32(step + lit + tints[1] - tints[0])


def _tint(rng, n):
    """A paint's colour, without its brightness."""
    paints = _PAINTS[rng.choice(len(_PAINTS), n, p=_PAINT_SHARES)]
    tint = paints - (paints @ _LUMA)[:, np.newaxis]
    return tint[:, None, None] * rng.uniform(0.2, 1, (n, 1, 1, 1))


def _clutter(rng, wall):
    """Door frames, ledges and siding: straight edges and stripes that are no digit."""
    n = len(wall.u)
    one = (n, 1, 1)
    turn = rng.integers(0, 2, one) * np.pi / 2 + rng.normal(0, 0.12, one)
    across = wall.u * np.cos(turn) + wall.v * np.sin(turn)
    side = np.where(rng.random(one) < 0.5, -1, 1)
    ledge = _cover(rng.uniform(0.45, 0.9, one) - side * across, wall)
    total = ledge * rng.normal(0, 30, one) * some(rng, n, 0.45)
    period = rng.uniform(0.15, 0.9, one)
    phase = np.abs((across / period + rng.random(one)) % 1 - 0.5)
    stripe = _cover((phase - rng.uniform(0.05, 0.3, one)) * period, wall)
    return f32(total + stripe * rng.normal(0, 16, one) * some(rng, n, 0.12))


@functools.cache
def _sheets():
    """Eight sheets of texture, from cloudy (1/f^2) to grainy (1/f^0.5), unit spread."""
    rng = np.random.default_rng(2016_1107)
    side = 256
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    f[0, 0] = 1
    sheets = []
    for slope in np.linspace(0.5, 2.0, 8):
        waves = np.fft.fft2(rng.normal(size=(3, side, side))) / np.maximum(f, 0.02) ** slope
        sheet = np.fft.ifft2(waves).real
        sheet = sheet[:1] + 0.15 * sheet  # colours vary less than brightness does
        sheets.append((sheet / sheet.std()).transpose(1, 2, 0))
    return np.array(sheets, np.float32)


def _texture(rng, n):
    """Windows of those sheets, `(n, 32, 32, 3)`, mostly faint."""
    sheets = np.lib.stride_tricks.sliding_window_view(_sheets(), (SIZE, SIZE), axis=(1, 2))
    y, x = rng.integers(0, sheets.shape[1], (2, n))
    windows = sheets[rng.integers(0, len(sheets), n), y, x].transpose(0, 2, 3, 1)
    return windows * f32(np.exp(rng.normal(0.9, 0.8, (n, 1, 1, 1))))


def _light(rng, wall):
    """Uneven daylight: a slope over the picture and, now and then, a shadow's edge."""
    n = len(wall.u)
    one = (n, 1, 1)
    slope = 1 + wall.u * rng.normal(0, 0.12, one) + wall.v * rng.normal(0, 0.12, one)
    turn = rng.uniform(0, 2 * np.pi, one)
    across = wall.u * np.cos(turn) + wall.v * np.sin(turn) - rng.normal(0, 0.4, one)
    dark = _cover(across, wall, rng.uniform(1, 8, one)) * rng.uniform(0.15, 0.6, one)
    return f32(np.clip(slope, 0.4, 1.8) * (1 - dark * some(rng, n, 0.12)))


def _cover(distance, wall, soft=1.0):
    """Share of each pixel that lies inside `distance` < 0."""
    return np.clip(0.5 - distance * (wall.height / soft), 0, 1)


def _lay(rgb, colour, cover):
    """Lays a colour over a picture where `cover` says so."""
    return rgb + (f32(colour) - rgb) * f32(cover)[..., np.newaxis]
