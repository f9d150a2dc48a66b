"""Results -> the paper's tables as Markdown."""

import numpy as np

# Table 1 of the paper: (row, preset that trains it, accuracy of the MNIST classifier on
# G(SVHN test), None where it has none). No preset is the untranslated input.
TABLE_1 = (
    ("Baseline method (Sec. 3)", "baseline", 0.1371),
    ("DTN", "dtn", 0.9066),
    ("DTN w/o L_TID", "dtn_no_tid", 0.8840),
    ("DTN w/o L_CONST", "dtn_no_const", 0.7455),
    ("DTN, G does not contain f", "dtn_pixels", 0.3690),
    ("DTN w/o L_D and L_GANG", "dtn_no_gan", 0.3470),
    ("DTN w/o L_CONST & L_TID", "dtn_no_const_tid", 0.0528),
    ("DTN, binary D", "dtn_binary", None),
    ("DTN, digits of s as frequent as they come", "dtn_unbalanced", None),
    ("DTN, f adapted to unlabelled T", "dtn_adapted", None),
    ("DTN as github.com/yunjey has it", "yunjey", None),
    ("Original SVHN image", None, 0.4006),
)

REVERSE = tuple(row for row in TABLE_1 if row[1] in ("dtn", None))  # of MNIST to SVHN

# `dtn_adapted`, and with a piece of it left out or changed at a time; with less of L_CONST and
# L_TID and the mean of views, the light one; and that with a piece left out or changed.
PIECES = (
    ("all of it", "dtn_adapted"),
    ("mean of f over the views, not f of the surest", "dtn_adapted_mean_view"),
    ("f of x alone, no views", "dtn_adapted_one_view"),
    ("L_CONST on features, not on classes", "dtn_adapted_mse"),
    ("D not told the class", "dtn_adapted_plain_d"),
    ("g reads f(x) alone", "dtn_adapted_no_style"),
    ("f of four convolutions, not six", "dtn_adapted_small_f"),
    ("f not adapted to unlabelled T", "dtn_unadapted"),
    ("g itself translates, not its average", "dtn_adapted_no_ema"),
    ("digits of s as frequent as they come", "dtn_adapted_unbalanced"),
    ("light: mean of views, L_CONST half, L_TID an eighth as heavy", "dtn_adapted_light"),
    ("DTN as in the paper on the adapted f", "dtn_adapted_plain"),
    ("DTN", "dtn"),
)


_MINUTES = "Minutes: training of one run, f included, which rows of one seed share."


def table(results, domain, split, rows=TABLE_1):
    """Lays the measured rows beside the paper's.

    Args:
        results: Result dicts of `evaluate.evaluate`, any number per preset; runs of
            different seeds become mean and sample standard deviation.
        domain: Source domain. The paper has numbers for svhn alone.
        split: Of the source domain, for the caption.
        rows: `TABLE_1` or `REVERSE`.

    Returns:
        Markdown.
    """
    lines = [
        f"Accuracy of the judge on translated images, source {domain}, split {split}. {_MINUTES}",
        "",
        "| method | paper | this project | runs | n | source data | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, preset, paper in rows:
        number = f"{paper:.2%}" if domain == "svhn" and paper is not None else "none"
        name = name.replace("SVHN", domain.upper())
        if preset is None:  # one judge, one set of images: it does not depend on the run
            runs, values = results, [r["original"] for r in results[:1]]
        else:
            runs = [r for r in results if r["preset"] == preset]
            values = [r["accuracy"] for r in runs]
        if values:
            counts = f"{len(values)} | {runs[0]['n']} | {runs[0]['source']}"
            spent = _minutes(runs) if preset else ""
            lines.append(f"| {name} | {number} | **{spread(values)}** | {counts} | {spent} |")
        else:
            command = f"`python train_main.py --domain={domain} --preset={preset}`"
            lines.append(f"| {name} | {number} | not trained: {command} | 0 | | | |")
    return "\n".join(lines) + "\n"


def pieces_table(results):
    """Lays out what `dtn_adapted` is worth with each of its pieces left out or changed.

    Args:
        results: Result dicts of `evaluate.evaluate` on the test split, at least one, all of one
            domain, and "validation", the accuracy on that split, None where unknown.

    Returns:
        Markdown.
    """
    first = results[0]
    lines = [
        f"Accuracy of the judge on translated images, source {first['domain']}: on the validation"
        f" split, where settings are chosen, and on {first['source']}, {first['n']} images."
        f" {_MINUTES}",
        "",
        "| method | preset | validation | test | runs | minutes |",
        "|---|---|---|---|---|---|",
    ]
    for name, preset in PIECES:
        runs = [r for r in results if r["preset"] == preset]
        if not runs:
            command = f"`python train_main.py --domain={first['domain']} --preset={preset}`"
            lines.append(f"| {name} | `{preset}` | not trained: {command} | | 0 | |")
            continue
        known = [r["validation"] for r in runs if r["validation"] is not None]
        validation = spread(known) if known else "not measured"
        if 0 < len(known) < len(runs):
            validation += f", {len(known)} of {len(runs)} runs"
        test = spread([r["accuracy"] for r in runs])
        counts = f"{len(runs)} | {_minutes(runs)}"
        lines.append(f"| {name} | `{preset}` | {validation} | **{test}** | {counts} |")
    return "\n".join(lines) + "\n"


# Table 3: (condition, preset, accuracy on the 3s of SVHN test).
TABLE_3 = (
    ("DTN", "dtn", 0.9467),
    ("3 not shown in s", "dtn_no3_s", 0.9333),
    ("3 not shown in t", "dtn_no3_t", 0.4013),
    ("3 not shown in both s and t", "dtn_no3_st", 0.6002),
    ("3 not shown in s, t, and during training of f", "dtn_no3_stf", 0.0452),
)
UNSEEN = 3  # the digit of Table 3


def unseen_table(results, domain, split):
    """Lays what became of the digit 3 beside the paper's Table 3.

    Args:
        results: Result dicts of `evaluate.evaluate`, any number per preset.
        domain: Source domain. The paper has numbers for svhn alone.
        split: Of the source domain, for the caption.

    Returns:
        Markdown.
    """
    lines = [
        f"Accuracy of the judge on translated images of the digit {UNSEEN}, and on those of the"
        f" other digits, source {domain}, split {split}. n: images of the digit. {_MINUTES}",
        "",
        f"| condition | paper | {UNSEEN} | other digits, mean per digit | runs | n | source data"
        " | minutes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, preset, paper in TABLE_3:
        number = f"{paper:.2%}" if domain == "svhn" else "none"
        rows = [r for r in results if r["preset"] == preset]
        if rows:
            unseen = spread([r["per_digit"][UNSEEN] for r in rows])
            others = spread([_mean_of_others(r["per_digit"]) for r in rows])
            counts = f"{len(rows)} | {sum(rows[0]['confusion'][UNSEEN])} | {rows[0]['source']}"
            values = f"**{unseen}** | {others} | {counts} | {_minutes(rows)}"
            lines.append(f"| {name} | {number} | {values} |")
        else:
            command = f"`python train_main.py --domain={domain} --preset={preset}`"
            lines.append(f"| {name} | {number} | not trained: {command} | | 0 | | | |")
    return "\n".join(lines) + "\n"


def _mean_of_others(per_digit):
    return np.mean([v for k, v in enumerate(per_digit) if k != UNSEEN and v is not None])


# Table 2: (method, split whose translations are the reference, accuracy on the target).
TABLE_2 = (
    ("DTN", "train", "dtn", 0.8444),
    ("DTN", "test", "dtn", 0.7972),
    ("DTN, f adapted to unlabelled T", "train", "dtn_adapted", None),
    ("DTN, f adapted to unlabelled T", "test", "dtn_adapted", None),
    ("mean of f over the views", "train", "dtn_adapted_mean_view", None),
    ("mean of f over the views", "test", "dtn_adapted_mean_view", None),
    ("light: L_CONST half, L_TID an eighth as heavy", "train", "dtn_adapted_light", None),
    ("light: L_CONST half, L_TID an eighth as heavy", "test", "dtn_adapted_light", None),
)
_WAYS = ("nearest_neighbour", "classifier", "nearest_neighbour_of_g", "classifier_of_g")
_OTHERS = (("SA, Fernando et al. 2013", 0.5932), ("DANN, Ganin et al. 2016", 0.7385))


def adaptation_table(results):
    """Lays measured rows of Table 2 beside the paper's.

    Args:
        results: Result dicts of `adaptation.measure`, at least one, all of one domain, and
            "minutes", how long the run was trained, where that is known.

    Returns:
        Markdown.
    """
    first = results[0]
    svhn = first["domain"] == "svhn"
    lines = [
        f"Accuracy on {first['target']}, learnt from translations and their source labels alone."
        " G(x): each of these images is read as G paints it. f: what f itself takes the images"
        f" for, with no picture in between. {_MINUTES}",
        "",
        "| method | reference set | paper, nearest neighbour | nearest neighbour"
        " | classifier of the judge's shape | nearest neighbour, G(x) | classifier, G(x) | f"
        " | runs | n | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    if svhn:
        lines += [f"| {name} | | {paper:.2%} | | | | | | | | |" for name, paper in _OTHERS]
    for name, split, preset, paper in TABLE_2:
        runs = [r for r in results if r["preset"] == preset]
        rows = [r["rows"][split] for r in runs]
        number = f"{paper:.2%}" if svhn and paper else "none"
        if rows:
            values = " | ".join(spread([r[way] for r in rows]) for way in _WAYS)
            head = f"| {name} | {rows[0]['reference']}, {rows[0]['images']:,}"
            of_f = spread([r["f"] for r in runs])
            counts = f"{len(rows)} | {first['n']} | {_minutes(runs)}"
            lines.append(f"{head} | {number} | {values} | {of_f} | {counts} |")
        else:
            command = f"`python train_main.py --domain={first['domain']} --preset={preset}`"
            why = f"not trained: {command}"
            lines.append(f"| {name} | {split} | {number} | {why} | | | | | 0 | | |")
    return "\n".join(lines) + "\n"


def _minutes(rows):
    """Mean training time of the runs that know theirs."""
    known = [r["minutes"] for r in rows if r.get("minutes")]
    return f"{np.mean(known):.1f}" if known else ""


def spread(values):
    """Formats shares as percent: the value, or mean and sample standard deviation."""
    if len(values) == 1:
        return f"{values[0]:.2%}"
    return f"{np.mean(values):.2%} ± {100 * np.std(values, ddof=1):.2f}"


def details(result):
    """What stands behind one run's row, as Markdown."""
    digits = " | ".join(str(k) for k in range(len(result["per_digit"])))
    shares = " | ".join("none" if v is None else f"{v:.1%}" for v in result["per_digit"])
    f_lines = [f"| f on {title} | {value:.2%} |" for title, value in result["f"].items()]
    lines = [
        f"Run `{result['preset']}`, seed {result['seed']}, {result['n']} images of"
        f" {result['source']}, judged by a classifier of {result['target']}"
        f" ({result['judge']:.2%} on its own test split).",
        "",
        "| measured | value |",
        "|---|---|",
        f"| translated accuracy | {result['accuracy']:.2%} |",
        f"| untranslated accuracy | {result['original']:.2%} |",
        *f_lines,
        f"| Fréchet distance, translated to real | {result['frechet']:.2f} |",
        f"| the same, real to real (floor) | {result['frechet_floor']:.2f} |",
        "",
        f"| digit | {digits} |",
        "|---" * (len(result["per_digit"]) + 1) + "|",
        f"| translated accuracy | {shares} |",
    ]
    return "\n".join(lines) + "\n"
