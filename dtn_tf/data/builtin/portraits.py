"""Drawn portraits: the built-in source of `--domain=face`. No photo, and nobody's face.

A head is placed (`portrait_head`), with a room, clothes (`portrait_scene`), a face
(`portrait_face`) and hair (`portrait_hair`), lit as a whole and photographed
(`portrait_camera`). All ranges were set by eye; no pixel of a photo is used.
"""

import numpy as np

from dtn_tf.data.builtin import (
    attributes,
    portrait_camera,
    portrait_face,
    portrait_hair,
    portrait_head,
    portrait_scene,
)
from dtn_tf.data.builtin.portrait_head import f32, lay, normal

_CANVAS = 80  # pixels on a side that are painted, for smaller portraits too
_SKINS = np.array([(228, 182, 156), (198, 150, 114), (148, 102, 73), (90, 62, 48)])
_HAIRS = np.array([(30, 25, 25), (88, 58, 38), (198, 158, 102), (138, 66, 36), (172, 169, 167)])


def draw(num, seed, size, tick=lambda count: None):
    """Draws portraits, see `attributes.draw`."""
    return attributes.draw(paint, num, seed, size, tick)


def paint(rng, people, size):
    """Paints people: uint8 `(n, size, size, 3)`.

    Args:
        rng: numpy `Generator` of everything else than the attributes.
        people: Dict, as `attributes.sample` gives.
        size: Side in pixels.
    """
    n, side = len(people["skin"]), max(size, _CANVAS)
    has = {k: f32(people[k])[:, None, None] for k in ("beard", "glasses")}
    tone = _near(rng, _SKINS, people["skin"], 0.05)
    colour = _near(rng, _HAIRS, people["hair_colour"], 0.09)
    head = portrait_head.place(rng, n, side)
    light = portrait_head.illuminate(rng, n)
    hair = portrait_hair.grow(rng, head, light, colour, people["hair_length"])

    rgb = portrait_scene.backdrop(rng, n, side)
    rgb = lay(rgb, hair.colour * f32(0.72), hair.behind)
    rgb = portrait_scene.dress(rng, rgb, head, light, tone)
    face = portrait_face.skin(rng, head, tone)
    face = portrait_face.features(rng, face, head, colour)
    face = portrait_face.beard(rng, face, head, colour, has["beard"])
    shade, gloss = portrait_head.shade(light, portrait_head.relief(rng, head), head.pixel)
    oil = gloss * normal(rng, n, 22, 9) * (1 - 0.7 * has["beard"] * (head.y > 0.4))
    face = face * shade * (1 - hair.shadow)[:, None] + oil[:, None]
    rgb = lay(rgb, face, _skull(head))
    rgb = portrait_hair.comb(rgb, hair)
    rgb = portrait_face.glasses(rng, rgb, head, light, has["glasses"])
    return portrait_camera.photograph(rng, rgb, size)


def _near(rng, colours, chosen, spread):
    """Colours near the named ones, brighter or darker, a little towards another hue."""
    n = len(chosen)
    grey, hue = normal(rng, n, 1, spread)[:, None], f32(rng.normal(1, 0.025, (n, 3, 1, 1)))
    return f32(colours[chosen])[:, :, None, None] * grey * hue


def _skull(head):
    """Share of each pixel that the head takes, with its ears."""
    ears = np.hypot((np.abs(head.u) - head.width * 0.99) / 0.09, (head.v - 0.08) / 0.2) - 1
    return portrait_head.cover(np.minimum(head.rim, ears * 0.1), head, 1.5)
