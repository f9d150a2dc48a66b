"""How attributes look in tables: what `attributes.measure` returned, as Markdown."""

from dtn_tf.scores import layout

_SHARES = {  # of `attributes.measure`, and what they are called in tables
    "share": "G(x) shows it",
    "shuffled": "shuffled",
    "chance": "chance",
    "original": "x shows it",
    "judge": "judge on real",
}
_UNSEEN = "not shown"


def table(found):
    """Lays out what `attributes.measure` found, a line an attribute: Markdown.

    Args:
        found: Dict, the value of "attributes".
    """
    rows = [_row(name, part) for name, part in found["of"].items()]
    caption = (
        f"Attributes of {found['n']:,} DRAWN people: how often the {found['judge']['name']} reads"
        " in G(x) what the person x is drawn with. Shuffled: in G of another person. Chance: the"
        " commonest value. x: untranslated. Real: drawn test images of the target, about the best"
        " that G(x) can reach."
    )
    if any(part[key] is None for part in found["of"].values() for key in _SHARES):
        caption += f" {_UNSEEN}: nobody shows it."
    head = ("attribute", "values", *_SHARES.values())
    rule = "|---" * len(head) + "|"
    return "\n".join([caption, "", f"| {' | '.join(head)} |", rule, *rows]) + "\n"


def _row(name, part):
    shares = (_UNSEEN if part[key] is None else layout.percent(part[key]) for key in _SHARES)
    cells = (name.replace("_", " "), ", ".join(part["values"]), *shares)
    return f"| {' | '.join(cells)} |"
