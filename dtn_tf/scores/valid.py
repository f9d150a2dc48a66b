"""What a result line must say, and in which ranges: tables, means and figures rely on it."""

import math

from dtn_tf import presets
from dtn_tf.data import domains
from dtn_tf.scores import bits

KINDS = ("score", "adaptation", "distances", "control")
SPLITS = ("test", "validation")
_CLASSES = 10  # of the digits
_BIG = 2**53  # whole numbers that every reader of JSON keeps


def check(line):
    """Refuses a line of the newest schema that says something no run can have.

    Args:
        line: Dict with the parts that `results` needs.

    Raises:
        ValueError: Names the first such field, and what was expected.
    """
    needed = _NEEDED.get((line["kind"], line["split"]), ())
    for name, is_right, expected in _FIELDS:
        value = _found(line, name.split("."))
        if value is _ABSENT and name in needed:
            raise ValueError(f"it does not say {name}")
        if value is not _ABSENT and not is_right(value, line):
            raise ValueError(f"{name}={value!r:.80}; expected {expected}")


_ABSENT = object()
_NET = ("distances.independent.name", "distances.independent.hash")
_KID = tuple(f"distances.under_independent.{name}" for name in ("kid", "kid_floor"))
_FRECHET = tuple(f"distances.under_independent.{name}" for name in ("frechet", "frechet_floor"))
_SHARES = tuple(f"distances.constancy.{name}" for name in ("rank_1", "chance_rank_1"))
_ERROR = "distances.reconstruction.error"
_OF_DISTANCES = ("distances.n", *_NET, *_KID, *_FRECHET, *_SHARES, _ERROR)
# What tables show of a kind and split. `results` knows what every line has to have.
_NEEDED = {
    ("score", "test"): ("accuracy", "original", "per_digit"),
    ("score", "validation"): ("accuracy",),
    ("adaptation", "test"): ("rows", "f.accuracy"),
    **{("control", split): ("controls", "recipe") for split in SPLITS},
    **{("distances", split): _OF_DISTANCES for split in SPLITS},
}


def _found(part, names):
    for name in names:
        if not isinstance(part, dict) or name not in part:
            return _ABSENT
        part = part[name]
    return part


def _is_number(value):
    return _is_finite(value) and value >= 0


def _is_finite(value):
    return type(value) in (int, float) and math.isfinite(value)


def _is_count(value):
    return type(value) is int and 0 <= value < _BIG


def _is_share(value):
    return _is_number(value) and value <= 1


def _or_none(is_right):
    return lambda value, line: value is None or is_right(value)


def _is(is_right):
    return lambda value, line: is_right(value)


def _is_text(value):
    return isinstance(value, str)


def _are_changes(value):
    plain = (str, int, float, bool, type(None))
    lists = [v if isinstance(v, list | tuple) else [v] for v in value.values()]
    return all(isinstance(part, plain) for parts in lists for part in parts)


def _are_shares(value, or_none=False):
    parts = value if isinstance(value, list) else value.values()
    return all(_is_share(v) or (or_none and v is None) for v in parts)


def _is_known_row(value, line):
    return isinstance(value, str) and (value in presets.ROWS or bool(line.get("retired")))


def _are_per_class(value, line):
    is_right = isinstance(value, list) and len(value) > 0 and _are_shares(value, or_none=True)
    return is_right and (line["domain"] not in domains.TASKS or len(value) == _CLASSES)


def _is_size_of_target(value, line):
    """Scores once did not say it."""
    return _is_count(value) or (value is None and line["kind"] == "score")


def _are_rows(value, line):
    """Table 2: of each reference set its title, its size, and shares."""
    return all(
        isinstance(value.get(split), dict)
        and _is_text(value[split].get("reference"))
        and _is_count(value[split].get("images"))
        and all(v is None or _is_number(v) for k, v in value[split].items() if k != "reference")
        for split in ("train", "test")
    )


def _are_bits(value, line, accuracy=None):
    """As many bits as images, and as many of them set as the accuracy says."""
    n, expected = line["images"]["images"], line["accuracy"] if accuracy is None else accuracy
    return _is_text(value) and abs(bits.unpack(value, n).mean() - expected) < 1e-6


def _are_controls(value, line):
    return isinstance(value, dict) and all(_is_control(part, line) for part in value.values())


def _is_control(part, line):
    """What tables show of a control."""
    return (
        isinstance(part, dict)
        and _is_share(part.get("accuracy"))
        and _are_bits(part.get("right"), line, part["accuracy"])
        and (part.get("frechet") is None or _is_number(part["frechet"]))
        and _is_count(part.get("different"))
    )


def _is_retrieval(value, line):
    """What the table of faces shows; faces without a face net have none."""
    if value is None:
        return True
    net = _found(value, ("descriptor",))
    ranks = [_found(value, ("probes", "translation", k)) for k in ("median_rank", "rank_1")]
    interval = _found(value, ("ahead",))
    return (
        isinstance(net, dict)
        and all(_is_text(net.get(name)) for name in ("name", "hash"))
        and _is_count(_found(value, ("gallery",)))
        and _is_number(ranks[0])
        and _is_share(ranks[1])
        and isinstance(interval, list)
        and len(interval) == 2
        and all(map(_is_finite, interval))
    )


_SHARE, _TEXT, _COUNT = "a share from 0 to 1", "text", "a whole number from 0"
_OR = " or null"
_SETS = ("images", "target", "data.s", "data.t")
_FIELDS = (  # name, check of its value, what is expected
    ("kind", _is(lambda v: v in KINDS), f"one of {', '.join(KINDS)}"),
    ("row", _is_known_row, "a row of this version"),
    ("domain", _is(lambda v: v in (*domains.TASKS, *domains.PAIRS)), "a domain of this version"),
    ("split", _is(lambda v: v in SPLITS), f"one of {', '.join(SPLITS)}"),
    ("seed", _is(_is_count), _COUNT),
    ("changes", _is(_are_changes), "settings"),
    ("data.name", _is(_is_text), _TEXT),
    *((f"{name}.title", _is(_is_text), _TEXT) for name in _SETS),
    *((f"{name}.fingerprint", _or_none(_is_text), _TEXT + _OR) for name in _SETS),
    ("images.images", _is(_is_count), _COUNT),
    ("target.images", _is_size_of_target, _COUNT),
    *((f"data.{name}.images", _or_none(_is_count), _COUNT + _OR) for name in "st"),
    ("judge.hash", _or_none(_is_text), _TEXT + _OR),
    ("judge.accuracy", _or_none(_is_share), _SHARE + _OR),
    ("judge.steps", _or_none(_is_count), _COUNT + _OR),
    ("f.key", _or_none(_is_text), _TEXT + _OR),
    ("f.hash", _or_none(_is_text), _TEXT + _OR),
    ("f.accuracy", _is(lambda v: isinstance(v, dict) and _are_shares(v)), "shares by title"),
    ("trained.recipe", _is(_is_count), _COUNT),
    ("trained.processor", _or_none(_is_text), _TEXT + _OR),
    ("trained.precision", _or_none(_is_text), _TEXT + _OR),
    ("trained.commit", _or_none(_is_text), _TEXT + _OR),
    ("trained.minutes", _or_none(_is_number), "a number from 0" + _OR),
    ("scored.time", _or_none(_is_text), _TEXT + _OR),
    ("accuracy", _is(_is_share), _SHARE),
    ("original", _is(_is_share), _SHARE),
    ("per_digit", _are_per_class, f"a list of {_CLASSES} shares, null for a class without images"),
    ("frechet", _or_none(_is_number), "a number from 0" + _OR),
    ("frechet_floor", _or_none(_is_number), "a number from 0" + _OR),
    ("frechet_n", _is(_is_count), _COUNT),
    ("rows", _are_rows, "what was learnt of train and of test"),
    ("right", _are_bits, "a bit for each image, as many set as the accuracy says"),
    *((f"last_fifth.{name}", _is(_is_share), _SHARE) for name in ("low", "high")),
    ("controls", _are_controls, "accuracy, right, frechet and different of each control"),
    ("recipe", _is(_is_count), _COUNT),
    ("distances.n", _is(_is_count), _COUNT),
    *((name, _is(_is_text), _TEXT) for name in _NET),
    *((name, _is(_is_finite), "a number") for name in _KID),
    *((name, _or_none(_is_number), "a number from 0" + _OR) for name in _FRECHET),
    *((name, _is(_is_share), _SHARE) for name in _SHARES),
    (_ERROR, _is(_is_number), "a number from 0"),
    ("retrieval", _is_retrieval, "descriptor, gallery, ranks of the translation, and ahead"),
)
