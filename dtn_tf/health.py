"""Says in words when D or g goes wrong, from the means of an interval.

Healthy runs stay far from these thresholds: on digits D gives translations 0.1 to 0.5 of being
real and real images 0.5 to 0.6, L_GANG is 1 to 2.5, and L_TV of translations is 0.2. The signs of
CycleGAN and UNIT are those of a D that is as sure or as undecided; their healthy ranges were not
measured yet. They log no L_TV: a flat image is not seen.
"""

import dataclasses
from collections.abc import Callable

LINES = 3  # in a row: one interval may be an accident

# exp(-4) is 0.018: D gives a translation less than 2 % of being real, and nearly all images of
# the interval look so to it. There its slope for g is that of a saturated softmax.
_SURE, _L_GAN = 0.02, 4.0
_UNDECIDED = 0.01  # between the greatest and the least D3: no kind of image differs to D
_FLAT = 0.005  # L_TV: less than a grey level from pixel to pixel. Real digits have 0.2


@dataclasses.dataclass(frozen=True)
class Sign:
    """Something that goes wrong.

    Attributes:
        needs: Names of the values that it is seen in.
        shows: Function of these values: whether they show it.
        text: A sentence; values are filled in by their names.
        of_gan: Whether it means nothing in a run without L_GANG or L_GAN.
    """

    needs: tuple[str, ...]
    shows: Callable[..., bool]
    text: str
    of_gan: bool = True


SIGNS = (
    Sign(
        ("D3_G_source", "L_GANG_source"),
        lambda d3, l_gang: d3 < _SURE and l_gang > _L_GAN,
        "D wins: D3 on G(s) {D3_G_source:.2f}, L_GANG {L_GANG_source:.1f} for {lines} lines. g"
        " learns nothing from a D that is sure. Try a lower --d_learning_rate, or a higher"
        " --g_learning_rate.",
    ),
    Sign(
        ("D3_G_source", "D3_G_target", "D3_target"),
        lambda *d3: max(d3) - min(d3) < _UNDECIDED,
        "D says nothing: D3 {D3_G_source:.2f} on G(s), {D3_G_target:.2f} on G(t),"
        " {D3_target:.2f} on real images for {lines} lines. Try a higher --d_learning_rate, or"
        " look whether the grids show G(x) that is real to you, too.",
    ),
    Sign(
        ("L_TV",),
        lambda l_tv: l_tv < _FLAT,
        "g paints flat images: L_TV {L_TV:.4f} for {lines} lines. Look at the grids. Try a lower"
        " --g_learning_rate, a lower --gamma, or a higher --beta.",
        of_gan=False,
    ),
    # Of CycleGAN and UNIT. A least-squares L_GAN above 4 is a D that is more than sure: it gives
    # translations less than -1, where 0 is all that is asked of it.
    Sign(
        ("D_fake_t", "L_GAN_source"),
        lambda fake, l_gan: fake < _SURE and l_gan > _L_GAN,
        "D wins: D on translations of s {D_fake_t:.2f}, L_GAN {L_GAN_source:.1f} for {lines}"
        " lines. Try a lower --d_learning_rate, or a higher --g_learning_rate.",
    ),
    Sign(
        ("D_fake_t", "D_real_t"),
        lambda *d: max(d) - min(d) < _UNDECIDED,
        "D says nothing: {D_fake_t:.2f} on translations of s, {D_real_t:.2f} on real images for"
        " {lines} lines. Try a higher --d_learning_rate, or look whether the grids show"
        " translations that are real to you, too.",
    ),
)


class Health:
    """Counts for how many lines each sign has shown.

    Args:
        has_gan: Whether the run has L_GANG: without it D is not trained.
    """

    def __init__(self, has_gan=True):
        self._signs = [sign for sign in SIGNS if has_gan or not sign.of_gan]
        self._lines = dict.fromkeys(self._signs, 0)

    def told(self, values):
        """Takes the means of the next interval.

        Args:
            values: Dict, name -> float; a sign whose values are not all there never shows.

        Returns:
            List of sentences, each said once until its sign has gone away.
        """
        found = []
        for sign in self._signs:
            known = [values[name] for name in sign.needs if name in values]
            shows = len(known) == len(sign.needs) and sign.shows(*known)
            self._lines[sign] = self._lines[sign] + 1 if shows else 0
            if self._lines[sign] == LINES:
                found.append(sign.text.format(lines=LINES, **values))
        return found
