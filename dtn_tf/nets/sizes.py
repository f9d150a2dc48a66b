"""How many filters a net has for images of another size: one block more for each doubling."""

SIZES = (32, 64, 128)  # pixels, a side

_FEWEST = 4  # filters of a block that was added


def doublings(size):
    """Returns how often 32 pixels are doubled to `size`: 0, 1 or 2.

    Raises:
        ValueError: If no net is made for that size.
    """
    if size not in SIZES:
        raise ValueError(f"Got size={size}; expected one of {', '.join(map(str, SIZES))} pixels.")
    return SIZES.index(size)


def at_size(channels, size, of, now=32):
    """Returns the filters of a net for another size.

    A doubling adds a block where the image is, half as wide as its neighbour: before the first
    of f and D, after the last of g. A halving takes one away there.

    Args:
        channels: ints, filters of each block; of "depths" the convolutions of f's blocks.
        size: Side of the images, in pixels: 32, 64 or 128.
        of: "f", "d", "g" or "depths".
        now: Side of the images that these are for.

    Returns:
        Tuple of ints.

    Raises:
        ValueError: If the size or the net is unknown.
    """
    if of not in ("f", "d", "g", "depths"):
        raise ValueError(f"at_size got of={of!r}; expected f, d, g or depths.")
    found = tuple(channels)
    more = doublings(size) - doublings(now)
    for _ in range(more):
        if of == "g":
            found = (*found, max(found[-1] // 2, _FEWEST))
        elif of == "depths":
            found = (1, *found)
        else:
            found = (max(found[0] // 2, _FEWEST), *found)
    fewer = max(-more, 0)
    return found[: len(found) - fewer] if of == "g" else found[fewer:]
