"""Shapes of digits: every font at hand, and digits bent from wire, as distance fields.

A glyph is kept as the signed distance to its outline, not as pixels: one lookup
then draws it at any size, slant and weight, hollow or outlined, without jaggies.
"""

import functools
import os
import typing

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

TILE = 64  # pixels of a glyph's square
HEIGHT = 40  # pixels of a digit's height inside it; the rest is room for thick strokes
_FINE = 3  # fonts are rasterised this much finer, then measured
_SANS, _SANS_BOLD, _MONO = 0x1D7E2, 0x1D7EC, 0x1D7F6  # Unicode's mathematical digits
# (file, code point of "0"). cmmi10 is left out: its old-style figures hang low.
_FONTS = (
    *((f"DejaVuSans{style}", 48) for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *((f"DejaVuSansMono{style}", 48) for style in ("", "-Bold", "-Oblique")),
    *((f"DejaVuSerif{style}", 48) for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *((f"STIXGeneral{style}", 48) for style in ("", "Bol", "Italic", "BolIta")),
    *(("STIXGeneral", _SANS), ("STIXGeneralBol", _SANS_BOLD), ("STIXGeneral", _MONO)),
    *((f"cm{style}10", 48) for style in ("r", "b", "ss", "ti", "tt")),
    *((("Pillow", 48),) * 3),  # Aileron, the one modern grotesque: as on most new houses
)
_NUM_WIRE = 60  # alphabets of bent wire


class Glyphs(typing.NamedTuple):
    """The shapes, one row per alphabet; lengths are in heights of a digit."""

    distance: np.ndarray  # float32 (alphabets, 10, TILE, TILE), negative inside the ink
    width: np.ndarray  # float32 (alphabets, 10), of the ink


@functools.cache
def glyphs():
    """Builds the shapes, once a process: about two seconds.

    Returns:
        `Glyphs`: the fonts first, then the wire alphabets.
    """
    rng = np.random.default_rng(1611_02200)
    alphabets = [[_font_glyph(*font, k) for k in range(10)] for font in _FONTS]
    alphabets += [_wire_alphabet(rng) for _ in range(_NUM_WIRE)]
    distance = np.array(alphabets, np.float32)
    inked = (distance < 0).any(axis=2)  # columns that hold ink
    return Glyphs(distance, (inked.sum(axis=-1) / HEIGHT).astype(np.float32))


@functools.cache
def _font(name):
    """Opens a font and finds the size at which its digits are `HEIGHT` tall."""
    if name == "Pillow":
        return ImageFont.load_default(HEIGHT * _FINE * 1.41)
    path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", name + ".ttf")
    return ImageFont.truetype(path, 100)


def _font_glyph(name, zero, digit):
    font = _font(name)
    top, bottom = font.getbbox(chr(zero), anchor="ls")[1::2]
    if name != "Pillow":
        font = font.font_variant(size=100 * HEIGHT * _FINE / (bottom - top))
        top, bottom = font.getbbox(chr(zero), anchor="ls")[1::2]
    side = TILE * _FINE
    text = chr(zero + digit)
    left, _, right, _ = font.getbbox(text, anchor="ls")
    at = (side / 2 - (left + right) / 2, side / 2 - (top + bottom) / 2)
    tile = Image.new("L", (side, side))
    ImageDraw.Draw(tile).text(at, text, fill=255, font=font, anchor="ls")
    ink = np.asarray(tile) > 127
    signed = ndimage.distance_transform_edt(~ink) - ndimage.distance_transform_edt(ink)
    signed = signed.reshape(TILE, _FINE, TILE, _FINE).mean(axis=(1, 3))
    return signed / (_FINE * HEIGHT)


def _wire_alphabet(rng):
    """Ten digits of one wire: its thickness, nib, roundness and habits drawn once."""
    nib = rng.choice(["round", "square", "broad"], p=[0.35, 0.3, 0.35])
    radius = rng.uniform(0.06, 0.11) if nib == "broad" else rng.uniform(0.045, 0.09)
    width = max(rng.uniform(0.36, 0.66) - 2 * radius, 3 * radius)  # open counters
    boxy = rng.choice([1.0, 1.0, 0.85, 0.65])  # exponent of the bowls' superellipse
    grid = ((np.arange(TILE) + 0.5 - TILE / 2) / HEIGHT).astype(np.float32)
    habits = rng.random(11)
    scale = np.array([width, 1 - 2 * radius])
    wires = [[wire * scale for wire in _wires(k, boxy, habits)] for k in range(10)]
    for digit in wires:  # ink is centred, as fonts are
        xs = np.concatenate(digit)[:, 0]
        for wire in digit:
            wire[:, 0] -= (xs.min() + xs.max()) / 2
    return [_distance_to(grid, digit, nib) - radius for digit in wires]


def _distance_to(grid, wires, nib):
    """Distance from every point to the nearest wire, in the norm of the nib."""
    starts = np.concatenate([wire[:-1] for wire in wires]).astype(np.float32)
    steps = np.concatenate([np.diff(wire, axis=0) for wire in wires]).astype(np.float32)
    (x0, y0), (dx, dy) = starts.T[..., None, None], steps.T[..., None, None]
    x, y = grid - x0, grid[:, None] - y0  # (wires, 1, TILE), (wires, TILE, 1)
    along = np.clip((x * dx + y * dy) / np.maximum(dx * dx + dy * dy, 1e-9), 0, 1)
    x, y = np.abs(x - along * dx), np.abs(y - along * dy)
    if nib == "square":  # mitred corners and flat ends, as cut from sheet metal
        return np.maximum(x, y).min(0)
    y *= 2.4 if nib == "broad" else 1  # thin horizontals
    return np.sqrt((x * x + y * y).min(0))


def _wires(digit, boxy, habits):
    """Polylines of a digit in a box of [-0.5, 0.5] squared, y down.

    `habits`, uniform numbers, pick between the ways people write: how long the 1's
    flag is and whether it has a foot, a zigzag 3, an open 4, a barred 7, straight
    tails on 6 and 9, and the drops that end the strokes of enamel plates.
    """
    flag, foot, zigzag, opened, straight, barred, dropped, wavy, ticked, curl, bow = habits
    drops = dropped < 0.4
    curl = 30 * curl  # degrees that open strokes bend back

    def arc(x, y, rx, ry, start, stop):
        angle = np.radians(np.linspace(start, stop, 20))
        cos, sin = np.cos(angle), np.sin(angle)
        bent = [np.sign(a) * np.abs(a) ** boxy for a in (cos, sin)]
        return np.stack([x + rx * bent[0], y + ry * bent[1]], axis=1)

    def line(*points):
        return np.array(points, float)

    def ended(stroke, *ends):
        """The stroke, with a drop at its start (0) or end (-1)."""
        ball = [stroke[k] + 0.05 * arc(0, 0, 1, 1, 0, 360) for k in ends if drops]
        return [stroke, *ball]

    tick = [line((-0.44, -0.5), (-0.44, -0.36))] if ticked < 0.4 else []
    if digit == 0:
        return [arc(0, 0, 0.5, 0.5, 0, 360)]
    if digit == 1:
        tip = line((0, -0.5), (-1.1 * flag, -0.5 + 0.55 * flag))
        foot = [line((-0.42, 0.5), (0.42, 0.5))] if foot < 0.35 else []
        return [line((0, -0.5), (0, 0.5)), *([tip] if flag > 0.25 else []), *foot]
    if digit == 2:
        bowl = arc(0, -0.22, 0.48, 0.28, 190 - 1.6 * curl, 385)
        base = [(-0.48, 0.5), (0.5, 0.5)]
        if wavy < 0.3:
            base = [(-0.5, 0.48), (-0.25, 0.4), (0.15, 0.5), (0.38, 0.48), (0.5, 0.34)]
        return ended(np.concatenate([bowl, line(*base)]), 0)
    if digit == 3:
        lower = arc(0, 0.2, 0.48, 0.3, -90, 160 + curl)
        if zigzag < 0.5:
            top = line((-0.44, -0.5), (0.42, -0.5), (-0.08, -0.1))
            return ended(np.concatenate([top, lower]), -1) + tick
        return ended(np.concatenate([arc(0, -0.28, 0.43, 0.22, 200 - curl, 450), lower]), 0, -1)
    if digit == 4:
        if opened < 0.25:
            corner = line((-0.25, -0.5), (-0.46, 0.14), (0.5, 0.14))
            return [corner, line((0.2, -0.2), (0.2, 0.5))]
        return [line((0.22, 0.5), (0.22, -0.5), (-0.5, 0.2), (0.5, 0.2))]
    if digit == 5:
        lower = arc(-0.02, 0.16, 0.48, 0.34, 220, 505 + curl)
        top = line((0.42, -0.5), (-0.34, -0.5), (-0.4, -0.05))
        return ended(np.concatenate([top, lower]), -1)
    if digit in (6, 9):
        loop = arc(0, 0.19, 0.48, 0.31, 0, 360)
        over, side = arc(0.06, -0.2, 0.46, 0.3, -30, -90), arc(0.06, 0.16, 0.54, 0.66, 270, 180)
        tail = ended(np.concatenate([over, side]), 0)
        if straight < 0.2:
            tail = [line((0.15, -0.5), (-0.4, 0.04))]
        return [wire * (1 if digit == 6 else -1) for wire in (loop, *tail)]
    if digit == 7:
        bar = [line((-0.25, 0.02), (0.3, 0.02))] if barred < 0.2 else []
        leg = [(0.48, -0.5), (-0.12, 0.5)]
        if bow < 0.4:
            leg = [(0.48, -0.5), (0.16, -0.1), (0.0, 0.15), (-0.08, 0.5)]
        return [line((-0.48, -0.5), *leg), *bar, *tick]
    return [arc(0, -0.26, 0.41, 0.24, 0, 360), arc(0, 0.24, 0.49, 0.26, 0, 360)]
