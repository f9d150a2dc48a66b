"""Textures of drawn portraits: clouds, strands of hair, curls."""

import functools

import numpy as np

from dtn_tf.data.builtin.portrait_head import f32

_SIDE = 256  # pixels of a sheet, which tiles; a power of two


def clouds(rng, n, side, step=1):
    """Windows of soft noise: float32 `(n, side, side)`, unit spread; `step` makes it finer."""
    sheet, reach = _tiled(), (side - 1) * step + 1
    windows = [
        sheet[top : top + reach : step, left : left + reach : step]
        for top, left in rng.integers(0, _SIDE, (n, 2))
    ]
    return np.stack(windows)


def strands(rng, across, along):
    """Hair that runs along one coordinate.

    Args:
        rng: numpy `Generator`.
        across: Field, in widths of a sheet.
        along: Field, in lengths of a sheet.

    Returns:
        float32 field of unit spread.
    """
    return _look(rng, 1, across, along)


def curls(rng, across, along):
    """Tufts of curly hair, as `strands`."""
    return _look(rng, 2, across, along)


def _look(rng, sheet, across, along):
    shift = rng.integers(0, _SIDE, (2, len(across), 1, 1), np.int32)
    column = ((across * _SIDE).astype(np.int32) + shift[0]) & (_SIDE - 1)
    row = ((along * _SIDE).astype(np.int32) + shift[1]) & (_SIDE - 1)
    return np.take(_sheets()[sheet], row * _SIDE + column)


@functools.cache
def _tiled():
    """The cloudy sheet, repeated so that no window ends before its end."""
    return np.tile(_sheets()[0], (5, 5))


@functools.cache
def _sheets():
    """Noise shaped in frequency: cloudy; drawn out downwards; of one size of tuft."""
    rng = np.random.default_rng(1611_02200)
    fy, fx = np.meshgrid(*[np.fft.fftfreq(_SIDE) * _SIDE] * 2, indexing="ij")
    f = np.hypot(fy, fx)
    cloudy = 1 / np.maximum(f, 1) ** 1.4
    drawn_out = 1 / (1 + np.abs(fx) / 12) * np.exp(-((fy / 5) ** 2))
    tufted = np.exp(-(((f - 22) / 9) ** 2)) + 0.2 / np.maximum(f, 2)
    sheets = []
    for gain in (cloudy, drawn_out, tufted):
        gain[0, 0] = 0
        sheet = np.fft.ifft2(np.fft.fft2(rng.normal(size=(_SIDE, _SIDE))) * gain).real
        sheets.append(f32(sheet / sheet.std()))
    return sheets
