"""The parts of a gallery page, as HTML: what is looked at, and what chooses it."""

import base64
import io

import numpy as np
from PIL import Image

from dtn_tf.scores import layout
from dtn_tf.scores.hypertext import curve, escaped

COLUMNS = 16  # pairs of images in a row of the sheet

_FIGURE_WIDTH, _FIGURE_QUALITY = 1500, 80
_OF_PEERS = {kind: (f"D/D_fake_{kind}", f"D/D_real_{kind}") for kind in "ts"}  # see `peers.base`
_MOST_CELLS = 30  # classes, to which a matrix can be clicked
FIGURES = {
    "neighbours": "Does G copy? Translations beside the nearest training images of the target",
    "faces": "Photos, translations, and the nearest real images under f",
    "people": "One photo of each person, and its translation",
}


def encoded(image, kind, **how):
    """A PIL image as the bytes of a file; `how` goes to its `save`."""
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def uri(content, kind):
    """Bytes of an image as an address that needs no other file."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def chosen(title, shown):
    """Says which of the images a page shows, and that nobody selected them."""
    if len(shown.rows) == shown.total:
        return f"All {shown.total:,} images of {escaped(title)}."
    return (
        f"{len(shown.rows):,} of {shown.total:,} images of {escaped(title)}, drawn at random with"
        " a fixed seed: none was selected or left out by hand."
    )


def legend(shown):
    """Says what stands under a pair."""
    words = "its number" + ("" if shown.labels is None else ", its true class")
    if shown.read is not None:
        words += "; ✓ where the judge reads that class, else ✗ and the class it reads"
    return f"Under a pair: {words}."


def filters(shown):
    """Controls: right or wrong, true class, what was read; only those that there is data for."""
    found = []
    if shown.read is not None:
        radios = "".join(
            f'<label><input type="radio" name="verdict" value="{value}"{checked}> {word}</label>'
            for value, word, checked in (
                ("", "all", " checked"),
                ("right", "read right", ""),
                ("wrong", "read wrong", ""),
            )
        )
        found.append(f"<fieldset><legend>Translations</legend>{radios}</fieldset>")
    if shown.labels is not None:
        found.append(_select("true", "true class", shown.classes, shown.labels))
    if shown.read is not None:
        found.append(_select("read", "read as", shown.classes, shown.read))
    return "".join(found)


def _select(name, label, names, places):
    counts = np.bincount(places, minlength=len(names))
    options = "".join(
        f'<option value="{k}">{escaped(names[k])} ({counts[k]})</option>' for k in range(len(names))
    )
    return (
        f'<label>{escaped(label)} <select name="{name}"><option value="">any</option>{options}'
        "</select></label>"
    )


def items(shown):
    """The pairs of images, each an <li>."""
    return "".join(_item(shown, k) for k in range(len(shown.rows)))


def _item(shown, k):
    """One pair of images; what filters ask of it is in its data attributes."""
    names, number, about, said_of = shown.classes, int(shown.rows[k]), "", ""
    if shown.labels is not None:
        true = int(shown.labels[k])
        about, said_of = f' data-true="{true}"', f" {escaped(names[true])}"
    if shown.read is not None:
        read = int(shown.read[k])
        verdict = "right" if read == true else "wrong"
        about += f' data-read="{read}" data-verdict="{verdict}" class="{verdict}"'
        said_of += " ✓" if read == true else f" ✗ {escaped(names[read])}"
    places = f"--c:{k % COLUMNS};--r:{k // COLUMNS}"
    return (
        f'<li{about} style="{places}"><span class="pair"><i role="img"'
        f' aria-label="input {number}"></i><i role="img" class="g"'
        f' aria-label="its translation"></i></span><small>#{number}{said_of}</small></li>\n'
    )


def confusion(line, names, drawn):
    """The matrix, of all images. A cell is a button: it shows the images of the page in it."""
    if not line["judge"]:
        return ""
    if len(names) > _MOST_CELLS:
        body = _figure(drawn, "confusion", "Confusion matrix")
    else:
        body = _matrix(np.array(line["confusion"]), names, layout.class_word(line))
    count = line["images"]["images"]
    return (
        f'<section id="confusion"><h2>Confusion</h2><p>Down: true {layout.class_word(line)};'
        f" across: what the judge read. Of all {count:,} images. Choose a cell to see those of it"
        f" that are on this page.</p>{body}</section>"
    )


def _matrix(counts, names, word):
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    head = "".join(f"<th scope=col>{escaped(name)}</th>" for name in names)
    rows = []
    for j, name in enumerate(names):
        cells = "".join(
            f'<td style="--p:{shares[j, k]:.3f}"><button type="button" data-true="{j}"'
            f' data-read="{k}" aria-label="true {escaped(name)} read {escaped(other)}:'
            f' {counts[j, k]}">{counts[j, k] or "·"}</button></td>'
            for k, other in enumerate(names)
        )
        rows.append(f"<tr><th scope=row>{escaped(name)}</th>{cells}</tr>")
    return (
        f'<div class="wide" tabindex="0"><table class="matrix"><thead><tr><td>{word}</td>{head}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def curves(known):
    """A panel for each loss term and each number that was watched, and one for D.

    Args:
        known: tag -> (steps, values).
    """
    drawn = [
        curve(tag.partition("/")[2], {tag.partition("/")[2]: pair})
        for tag, pair in sorted(known.items())
        if tag.startswith(("eval/", "loss/"))
    ]
    of_d = {tag[5:]: pair for tag, pair in sorted(known.items()) if tag.startswith("D/D3_")}
    drawn.append(curve("D3, the probability that D gives to real", of_d))
    for kind in "ts":  # of CycleGAN and UNIT, which have a D for each domain
        of_d = {tag[2:]: known[tag] for tag in sorted(known) if tag in _OF_PEERS[kind]}
        drawn.append(curve(f"What D of {kind} says of real images and of translations", of_d))
    return "".join(drawn) or "<p>This run has no curves.</p>"


def figures(drawn):
    """The section of the figures that were drawn, see `FIGURES`; "" without any."""
    found = "".join(_figure(drawn, stem, title) for stem, title in FIGURES.items())
    if not found:
        return ""
    return f'<section id="nearest"><h2>Nearest images of the target</h2>{found}</section>'


def _figure(drawn, stem, title):
    """A figure that was drawn, made small enough for a page; "" if it was not drawn."""
    for path in drawn:
        if path.stem == stem:
            with Image.open(path) as image:
                image = image.convert("RGB")
            image.thumbnail((_FIGURE_WIDTH, 10 * _FIGURE_WIDTH))
            content = uri(encoded(image, "WEBP", quality=_FIGURE_QUALITY), "webp")
            return (
                f'<figure class="wide" tabindex="0"><img src="{content}" alt="{escaped(title)}"'
                f' width="{image.width}" height="{image.height}"><figcaption>{escaped(title)}'
                "</figcaption></figure>"
            )
    return ""
