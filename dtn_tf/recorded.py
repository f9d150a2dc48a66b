"""What every reader of a run's config.json relies on, checked once."""

import shlex


def faults(content):
    """Returns the fields that are missing or of another kind than they should be: a list.

    Args:
        content: Dict, what a config.json holds.
    """
    return [name for name, is_right in _FIELDS.items() if not _passes(is_right, content)]


def cache_dir(content):
    """Returns the cache that a run was last trained with; once it was in its command alone."""
    if "cache_dir" in content:
        return content["cache_dir"]
    words = shlex.split(str(content.get("command", "")))
    named = [word for word in words if word.startswith("--cache_dir=")]
    return named[-1].partition("=")[2] if named else "runs/cache"


def _passes(is_right, content):
    """Whether a check passes; what it asks of may not be there at all."""
    try:
        return is_right(content)
    except (LookupError, TypeError, AttributeError):
        return False


def _is_settings(config):
    """Whether settings can be looked up at all; each is checked by `DTNConfig`."""
    return all(isinstance(config[name], str) for name in ("preset", "domain"))


def _is_start(start):
    return {"commit", "versions", "processor", "time"} <= start.keys()


def _is_set(facts):
    is_named = all(isinstance(facts[name], str) for name in ("title", "fingerprint"))
    return is_named and type(facts["images"]) is int


_FIELDS = {  # field -> check of the content
    "config": lambda content: _is_settings(content["config"]),
    "recipe": lambda content: type(content.get("recipe", 1)) is int,
    "data": lambda content: isinstance(content["data"]["name"], str),
    "data.s": lambda content: _is_set(content["data"]["s"]),
    "data.t": lambda content: _is_set(content["data"]["t"]),
    "starts": lambda content: content["starts"] and all(map(_is_start, content["starts"])),
    "f": lambda content: "f" not in content or isinstance(content["f"]["hash"], str),
    "cache_dir": lambda content: isinstance(content.get("cache_dir", ""), str),
}
