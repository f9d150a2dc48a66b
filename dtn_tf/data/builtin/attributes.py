"""What drawn people look like: one vocabulary for portraits and avatars, drawn by one rule.

Training never reads it. It is known because the pictures are drawn, and scores read it.
"""

import numpy as np

UNSEEN = -1  # a bald head's hair has no colour
VALUES = {
    "hair_colour": ("black", "brown", "blond", "red", "gray"),
    "hair_length": ("bald", "short", "long"),
    "skin": ("light", "tan", "brown", "dark"),
    "beard": ("none", "beard"),
    "glasses": ("none", "glasses"),
}
BALD, SHORT, LONG = range(3)
_LENGTHS = (0.12, 0.46, 0.42)
_BEARDED = (0.5, 0.4, 0.06)  # by length of the hair
_GLASSES = 0.3
_CHUNK = 16  # people painted at once; each chunk has its own random stream


def draw(paint, num, seed, size, tick=lambda count: None):
    """Draws people; the first ones are the same for every `num`.

    Args:
        paint: Function `(rng, people, size)` -> uint8 `(n, size, size, 3)`.
        num: How many.
        seed: Non-negative int; person k depends on the seed and k alone.
        size: Side of a picture in pixels.
        tick: Function that is told of every few pictures how many they are.

    Returns:
        uint8 array `(num, size, size, 3)`, and the people as `sample` gives them.

    Raises:
        ValueError: If `num` or `size` is not positive or `seed` is negative.
    """
    if num < 1 or seed < 0 or size < 1:
        raise ValueError(f"draw got num={num}, seed={seed}, size={size}; it needs positive ones.")
    pixels = np.empty((num, size, size, 3), np.uint8)
    table = np.empty((num, len(VALUES)), np.int8)
    for start in range(0, num, _CHUNK):
        rng = np.random.default_rng((seed, start // _CHUNK))
        people = sample(rng, _CHUNK)
        part = slice(start, min(start + _CHUNK, num))
        count = part.stop - start
        pixels[part] = paint(rng, people, size)[:count]
        table[part] = to_table(people)[:count]
        tick(count)
    return pixels, from_table(table)


def sample(rng, n):
    """Draws people; hair colour and skin are independent, so that neither tells of the other.

    Args:
        rng: numpy `Generator`.
        n: How many.

    Returns:
        Dict: for each name of `VALUES` an int64 array `(n,)`, places in its values. The hair
        colour of a bald head is that of brows and beard; see `seen`.
    """
    length = rng.choice(len(_LENGTHS), n, p=_LENGTHS)
    return {
        "hair_colour": rng.integers(0, len(VALUES["hair_colour"]), n),
        "hair_length": length,
        "skin": rng.integers(0, len(VALUES["skin"]), n),
        "beard": (rng.random(n) < np.take(_BEARDED, length)).astype(np.int64),
        "glasses": (rng.random(n) < _GLASSES).astype(np.int64),
    }


def seen(people):
    """Returns what a picture shows of them: without the hair colour of bald heads, `UNSEEN`."""
    hidden = people["hair_length"] == BALD
    return {**people, "hair_colour": np.where(hidden, UNSEEN, people["hair_colour"])}


def to_table(people):
    """Packs people as they are kept: int8 array `(n, len(VALUES))`."""
    return np.stack([people[name] for name in VALUES], axis=1).astype(np.int8)


def from_table(table):
    """Unpacks what `to_table` packed: dict of int64 arrays `(n,)`."""
    return {name: table[:, k].astype(np.int64) for k, name in enumerate(VALUES)}
