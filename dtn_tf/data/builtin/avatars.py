"""Drawn avatars: the built-in target of `--domain=face`, from the parts of `python_avatars`.

That package (MIT) writes an avatar as SVG, `resvg_py` makes pixels of it; both come with the
extra `[faces]`. Left out: orange and yellow skin, hats, masks, sunglasses, moustaches without
a beard, coloured hair, and hair that is neither clearly short nor clearly long.
"""

import colorsys
import importlib.util
import io

import numpy as np
from PIL import Image

from dtn_tf.data.builtin import attributes
from dtn_tf.errors import UserError

_HAIRS = (  # shades of `attributes.VALUES["hair_colour"]`
    ("#2C1B18", "#1D1718"),
    ("#724133", "#64432F"),
    ("#D6B370", "#E2C793", "#C79A55"),
    ("#C93305", "#A9441F", "#B8501F"),
    ("#E8E1E1", "#B9B4B4"),
)
_SKINS = (("#FFDBB4", "#F9D2B0"), ("#EDB98A", "#E3AC7C"), ("#D08B5B", "#B8754A"), ("#614335",))
_TOPS = (  # kinds of hair, by length
    ("no_hair",),
    ("caesar", "caesar_side_part", "short_flat", "short_round", "short_waved", "short_curly")
    + ("buzzcut", "short_dreads_1", "pixie", "pompadour", "quiff"),
    ("bob", "straight_1", "straight_strand", "long_not_too_long", "mia_wallace")
    + ("curvy", "big_hair", "curly"),
)
_BEARDS = ("beard_light", "beard_medium", "beard_magestic")
_GLASSES = ("prescription_01", "prescription_02", "round")
_EYES = ("default", "default", "default", "squint", "happy")
_BROWS = ("default", "default_natural", "flat_natural", "raised_excited_natural", "up_down")
_MOUTHS = ("default", "serious", "smile", "smile", "twinkle", "big_smile")
_NOSES = ("default", "small", "wide")
_CLOTHES = ("blazer_shirt", "blazer_sweater", "collar_sweater", "hoodie", "shirt_crew_neck")
_CLOTHES += ("shirt_scoop_neck", "shirt_v_neck")
_CANVAS = 'width="264px" height="280px" viewBox="0 0 264 280"'
_CLOSER = 'width="200px" height="200px" viewBox="32 5 200 200"'  # the head and shoulders
_REINSTALL = "Install it again: pip install --force-reinstall 'python_avatars==1.4.1'."


def draw(num, seed, size, tick=lambda count: None):
    """Draws avatars on white, see `attributes.draw`.

    Raises:
        UserError: If the extra `[faces]` is not installed.
    """
    require()
    return attributes.draw(paint, num, seed, size, tick)


def require():
    """Raises `UserError` if what draws avatars is not installed."""
    missing = [m for m in ("python_avatars", "resvg_py") if importlib.util.find_spec(m) is None]
    if missing:
        raise UserError(
            f"Drawing avatars needs {' and '.join(missing)}, not installed here. From a checkout:"
            " pip install -e '.[faces]'"
        )


def paint(rng, people, size):
    """Paints people as avatars: uint8 `(n, size, size, 3)`.

    Args:
        rng: numpy `Generator` of everything else than the attributes.
        people: Dict, as `attributes.sample` gives.
        size: Side in pixels.
    """
    rows = [dict(zip(people, row, strict=True)) for row in zip(*people.values(), strict=True)]
    return np.stack([_pixels(_svg(rng, person), size) for person in rows])


def _svg(rng, person):
    """One avatar: a string. People who differ in one attribute differ in nothing else."""
    import python_avatars as parts

    def one_of(names):
        return names[int(rng.random() * len(names))]

    def some(kind, names):
        return kind(one_of(names))

    hair = one_of(_HAIRS[person["hair_colour"]])
    rest = ("",)
    return parts.Avatar(
        style=parts.AvatarStyle.TRANSPARENT,
        top=some(parts.HairType, _TOPS[person["hair_length"]]),
        hair_color=hair,
        facial_hair=some(parts.FacialHairType, _BEARDS if person["beard"] else rest),
        facial_hair_color=hair,
        accessory=some(parts.AccessoryType, _GLASSES if person["glasses"] else rest),
        skin_color=one_of(_SKINS[person["skin"]]),
        eyes=some(parts.EyeType, _EYES),
        eyebrows=some(parts.EyebrowType, _BROWS),
        mouth=some(parts.MouthType, _MOUTHS),
        nose=some(parts.NoseType, _NOSES),
        clothing=some(parts.ClothingType, _CLOTHES),
        clothing_color=_cloth(rng),
    ).render()


def _cloth(rng):
    """Any colour that clothes have: so many that no two avatars are alike."""
    hue, saturation, value = rng.random(), rng.uniform(0, 0.6), rng.uniform(0.2, 0.95)
    red, green, blue = (round(255 * c) for c in colorsys.hsv_to_rgb(hue, saturation, value))
    return f"#{red:02X}{green:02X}{blue:02X}"


def _pixels(svg, size):
    """uint8 `(size, size, 3)` of the head and shoulders, on white."""
    import resvg_py

    if _CANVAS not in svg:
        raise UserError(f"python_avatars draws on another canvas than {_CANVAS}. {_REINSTALL}")
    png = resvg_py.svg_to_bytes(
        svg_string=svg.replace(_CANVAS, _CLOSER, 1),
        width=size,
        background="#FFFFFF",
        skip_system_fonts=True,
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))
