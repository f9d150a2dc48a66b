"""What two result lines must have in common for their numbers to be compared or averaged."""

DISTANCES = "distances"  # kind of a line whose run has no judge
CONTROL = "control"  # kind of a line of what stands in for translations, see `controls`
JUDGE = ("hash", "accuracy", "steps")
_JUDGED = ("score", CONTROL)  # kinds of lines that a judge measured


def frechet_images(line):
    """Images on each side of a line's Fréchet distance and of its floor.

    None where they were not as many, or are not known to be: once all images were compared
    with half of the target's.
    """
    if "frechet_n" in line:
        return line["frechet_n"]
    n, half = line["images"]["images"], (line["target"]["images"] or 0) // 2
    return n if n == half else None


def pictures(line, facts):
    """The name of a set of pictures: of every byte where it is known, else by its title."""
    if facts["fingerprint"]:
        return facts["fingerprint"]
    return line["data"]["name"], facts["title"], facts["images"]


def _said_pictures(facts):
    number = "" if facts["images"] is None else f"{facts['images']:,}, "
    return f"{facts['title']} ({number}{facts['fingerprint'] or 'fingerprint unknown'})"


def measured_by(line):
    """What is known of the judge, or of a pair without one of the independent net: a dict."""
    if line["kind"] == DISTANCES and line.get("judge") is None:
        return (line.get("distances") or {}).get("independent")
    return line.get("judge")


def _said_judge(line):
    judge = measured_by(line)
    if not line["judge"]:
        return f"{judge['name']}, hash {judge['hash']}"
    steps = "steps unknown" if judge["steps"] is None else f"{judge['steps']} steps"
    accuracy = "unknown" if judge["accuracy"] is None else f"{100 * judge['accuracy']:.2f} %"
    return f"accuracy {accuracy}, {steps}, hash {judge['hash'] or 'unknown'}"


def _descriptor(line):
    """What is known of the face net that measured retrieval: a dict, empty where none did."""
    return (line.get("retrieval") or {}).get("descriptor") or {}


def _recipes(line):
    """Numbers of the code that measured: a tuple; empty for a score, whose judge is named."""
    if line["kind"] == "score":
        return ()
    parts = (line, line.get("distances"), line.get("retrieval"))
    return tuple(part.get("recipe", 1) for part in parts if part)


def _said_descriptor(line):
    found = _descriptor(line)
    return f"{found['name']}, hash {found['hash']}" if found else "none"


# What must be equal for numbers to be compared: what it is called where it is not, what is
# compared, and how a line says it.
MEASURES = (
    ("another kind of result", lambda line: line["kind"], lambda line: line["kind"]),
    ("another domain", lambda line: line["domain"], lambda line: line["domain"]),
    ("another split", lambda line: line["split"], lambda line: line["split"]),
    (
        "other images",
        lambda line: pictures(line, line["images"]),
        lambda line: _said_pictures(line["images"]),
    ),
    (
        "another target",  # where a judge reads, it says which
        lambda line: None if line["kind"] in _JUDGED else pictures(line, line["target"]),
        lambda line: _said_pictures(line["target"]),
    ),
    (
        "another judge",
        lambda line: tuple(measured_by(line).get(part) for part in JUDGE),
        _said_judge,
    ),
    (
        "another number of images in the Fréchet distance",
        lambda line: frechet_images(line) if line["kind"] in _JUDGED else None,
        lambda line: str(frechet_images(line) or "unknown"),
    ),
    (
        "another recipe of what measures",
        lambda line: _recipes(line),
        lambda line: ", ".join(map(str, _recipes(line))),
    ),
    ("another face net", lambda line: _descriptor(line).get("hash"), _said_descriptor),
)
