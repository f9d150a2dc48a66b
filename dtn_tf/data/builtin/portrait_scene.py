"""What is around a drawn head: the room behind it, neck, shoulders and clothes."""

import numpy as np

from dtn_tf.data.builtin.portrait_head import bump, cover, f32, lay, normal, smooth, some, uniform
from dtn_tf.data.builtin.portrait_texture import clouds

_CLOTHES = np.array(
    [(38, 40, 46), (60, 66, 78), (225, 224, 220), (40, 58, 98), (128, 44, 48), (92, 128, 162)]
    + [(70, 92, 74), (150, 132, 112), (196, 150, 160), (110, 112, 116)]
)


def backdrop(rng, n, side):
    """The room, out of focus: white, plain, or with things in it; float32 `(n, 3, side, side)`."""
    row, column = f32(np.mgrid[:side, :side] * 2 / side - 1)[:, None]
    grey, tint = normal(rng, n, 138, 45)[:, None], f32(rng.normal(0, 10, (n, 3, 1, 1)))
    slope = normal(rng, n, 0, 16) * column + normal(rng, n, -8, 16) * row
    rgb = grey + tint + slope[:, None]
    cluttered = some(rng, n, 0.6)
    for _ in range(4):
        share = _thing(rng, n, row, column) * cluttered
        step = normal(rng, n, 0, 38)[:, None] + f32(rng.normal(0, 11, (n, 3, 1, 1)))
        rgb = rgb + step * share[:, None]
    rgb = rgb + (clouds(rng, n, side) * uniform(rng, n, 1, 9))[:, None]
    white = some(rng, n, 0.25)[:, None]
    return rgb + (normal(rng, n, 246, 4)[:, None] - rgb) * white


def _thing(rng, n, row, column):
    """A blurred bar, edge or disc somewhere."""
    angle = f32(rng.choice([0, np.pi / 2], (n, 1, 1))) + normal(rng, n, 0, 0.15)
    across = column * np.cos(angle) + row * np.sin(angle) - uniform(rng, n, -1, 1)
    away = row * np.cos(angle) - column * np.sin(angle) - uniform(rng, n, -1, 1)
    half, soft = uniform(rng, n, 0.05, 0.6), uniform(rng, n, 0.05, 0.2)
    inside = np.where(some(rng, n, 0.35) > 0, np.hypot(across, away), np.abs(across))
    return 1 - smooth(inside, half - soft, half + soft)


def dress(rng, rgb, head, light, skin):
    """Paints neck, shoulders and clothes.

    Args:
        rng: numpy `Generator`.
        rgb: float32 `(n, 3, side, side)`, what is behind.
        head: `Head`.
        light: `Light`.
        skin: float32 `(n, 3, 1, 1)`, colour of the skin.
    """
    n, u, v = len(rgb), head.body_u, head.body_v
    half = 0.55 * head.width * uniform(rng, n, 0.86, 1.12)
    shoulder = uniform(rng, n, 1.22, 1.36)
    top = shoulder + 0.34 * smooth(np.abs(u), half * 0.9, uniform(rng, n, 1.7, 2.3)) * np.abs(u)
    flare = half + 0.35 * smooth(v, shoulder - 0.3, shoulder + 0.25) ** 2
    shade = _round(u / flare, light)
    # The head keeps light from the neck: most under the chin.
    shadow = 1 - 0.5 * (1 - smooth(v, 0.95, 1.42)) - 0.12 * bump(u / half, 0.8)
    neck = cover(np.maximum(np.abs(u) - flare, 0.3 - v), head, 1.5)
    rgb = lay(rgb, skin * (shade * shadow[:, None]), neck)

    cloth, second = _colours(rng, n), _colours(rng, n)
    folds = 1 + 0.06 * clouds(rng, n, v.shape[1])
    shade = _round(u / 1.9, light) * folds[:, None]
    shade = shade * (1 - 0.35 * bump(v - top, 0.16) * bump(u, half * 1.6))[:, None]
    neckline = _neckline(rng, n, u, v, half, shoulder)
    body = np.maximum(top - v, np.where(np.abs(u) < half + 0.4, neckline, -1))
    stripes = f32(np.sin(v * uniform(rng, n, 18, 34)) > 0.3) * some(rng, n, 0.15)
    colour = cloth + (second - cloth) * stripes[:, None]
    rgb = lay(rgb, colour * shade, cover(body, head, 1.5))
    return _jacket(rng, rgb, head, second, shade, body)


def _colours(rng, n):
    """Colours of clothes: float32 `(n, 3, 1, 1)`."""
    dyed = _CLOTHES[rng.integers(0, len(_CLOTHES), n)] + rng.normal(0, 8, (n, 3))
    return f32(dyed)[:, :, None, None]


def _neckline(rng, n, u, v, half, shoulder):
    """Distance to the opening of a shirt: round, deep or pointed; negative in the cloth."""
    deep = uniform(rng, n, 0.0, 0.32)
    pointed = some(rng, n, 0.35)
    wide = half + uniform(rng, n, 0.02, 0.2)
    round_one = np.sqrt(np.maximum(1 - (u / wide) ** 2, 0))
    peak = np.maximum(1 - np.abs(u) / wide, 0)
    return shoulder + 0.05 + deep * (round_one + (peak * 1.4 - round_one) * pointed) - v


def _jacket(rng, rgb, head, colour, shade, body):
    """An open jacket over the shirt, now and then."""
    n, u, v = len(rgb), np.abs(head.body_u), head.body_v
    lapel = np.maximum(body, 0.34 + 0.45 * (1.9 - v) - u)
    share = cover(lapel, head, 1.5) * some(rng, n, 0.3)
    edge = bump(lapel + 0.03, 0.03) * share
    return lay(rgb, colour * (shade * (1 - 0.3 * edge[:, None])), share)


def _round(across, light):
    """Light on an upright cylinder, as `portrait_head.shade` gives."""
    right = np.clip(across, -0.97, 0.97)
    towards = light.towards[:, :, None, None]
    lit = right * towards[:, 0] + np.sqrt(1 - right**2) * towards[:, 2]
    direct = np.clip((lit + 0.25) / 1.25, 0, 1) * (1 - light.ambient) * 1.1
    around = light.ambient * (0.7 + 0.3 * np.sqrt(1 - right**2))
    return direct[:, None] * light.lamp + around[:, None] * light.room
