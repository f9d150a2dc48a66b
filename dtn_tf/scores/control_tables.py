"""How controls look in tables: lines under the rows of a table, and a table of their own."""

from dtn_tf.scores import layout, paired, results

NAMES = {  # in a result line, and for people
    "nearest": "control: nearest target image under f",
    "mean": "control: mean target image of f's class",
    "map": "control: linear map from f(s) to f(t), nearest target image",
}
_CAPTION = (
    "What stands in for translations with no g and no training, read by the same judge. f of:"
    " the row whose f picks it. Fréchet: distance to real target images under the judge."
    " Pictures: how many different ones are shown."
)
_HEAD = ("what is shown for x", "f of", "accuracy", "Fréchet", "pictures", *layout.COLUMNS[:3])


def stands_beside(line, score):
    """Whether a line is of controls on the same images and by the same judge as a score."""
    if line["kind"] != results.CONTROL or score["kind"] != "score":
        return False
    return not results.comparable({**line, "kind": "score"}, score)


def rows(lines, references, name=None):
    """The lines of controls under a table of accuracies.

    Args:
        lines: Result lines of controls, of one domain and split.
        references: Groups that they are compared with, see `paired.references`.
        name: The table, of `presets.TABLES`: what was never measured has a line, too. With
            None only what was.

    Returns:
        List of tuples: method, row, paper, ours, difference, swing, and `layout.COLUMNS`.
    """
    body = []
    for key, label in NAMES.items():
        found = _groups(lines, key)
        for group in found:
            shares = layout.spread([line["accuracy"] for line in group])
            *facts, _, trained_on = layout.facts(group)
            differs = paired.said(group, references)
            of = f"f of {results.name(group[0])}"
            body.append((label, of, "none", shares, differs, "", *facts, "", trained_on))
        if name and not found:
            command = f"{layout.PYTHON} eval_main.py --table={name}"
            body.append((label, "", "none", f"not measured: `{command}`"))
    return body


def table(lines):
    """Lays out controls, and the translations of the same runs; "" if there are no controls.

    Args:
        lines: Result lines, of anything.

    Returns:
        Markdown.
    """
    known = [line for line in lines if line["kind"] == results.CONTROL]
    body = []
    for controls in results.groups(known):
        runs = [group for group in _scores(lines) if _is_of(group[0], controls[0])]
        body += [_cells("translation G(x)", group, "any") for group in runs]
        for key, label in NAMES.items():
            group = [_as_score(line, key) for line in controls if key in line["controls"]]
            body += [_cells(label, group, None)] if group else []
    return layout.markdown(_CAPTION, _HEAD, body, known) if body else ""


def _cells(label, group, pictures):
    frechets = [line["frechet"] for line in group if line.get("frechet") is not None]
    number = pictures or ", ".join(f"{line['different']:,}" for line in group)
    return (
        label,
        results.name(group[0]),
        layout.spread([line["accuracy"] for line in group]),
        f"{sum(frechets) / len(frechets):.1f}" if frechets else "not measured",
        number,
        *layout.facts(group)[:3],
    )


def _groups(lines, key):
    """Groups of lines that know a control, each as if it were the score of a run."""
    groups = results.groups(line for line in lines if key in line["controls"])
    return [[_as_score(line, key) for line in group] for group in groups]


def _as_score(line, key):
    return {**line, **line["controls"][key], "kind": "score"}


def _scores(lines):
    return results.groups(line for line in lines if line["kind"] == "score")


def _is_of(score, control):
    """Whether a score is of the row whose f a control looks through."""
    return stands_beside(control, score) and results.identity(score) == results.identity(control)
