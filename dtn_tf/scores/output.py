"""What a scored run leaves: a table, figures, a page to look through, TensorBoard events."""

import contextlib
import pathlib

import numpy as np
import tensorflow as tf

from dtn_tf import files, hparams, runs
from dtn_tf.data import domains
from dtn_tf.scores import face_sheets, figures, gallery_page, sheets


def folder(workdir, split):
    """Returns the folder of a run where tables and figures of a split go."""
    return pathlib.Path(workdir) / f"eval-{split}"


def leave(line, text, translated, workdir):
    """Writes table, figures, page and TensorBoard events of a result.

    Args:
        line: Result line.
        text: The result as Markdown.
        translated: `scorers.Translated`.
        workdir: Directory of the run.
    """
    where = folder(workdir, line["split"])
    files.save_text(where / "table.md", text)
    drawn = _draw(line, translated, where)
    gallery_page.write(line, text, translated, drawn, workdir, where)
    hparams.write(workdir, runs.read(workdir).config)  # of a run from before there was this
    hparams.write_numbers(workdir, line["split"], numbers(line), line["steps"])
    events = tf.summary.create_file_writer(str(pathlib.Path(workdir) / "tb" / where.name))
    with contextlib.closing(events), events.as_default(step=line["steps"]):
        _write_events(line, text, drawn)


def _draw(line, translated, where):
    """Draws what there is to see of a result; returns the paths of the figures."""
    x, gx = translated.shown.pixels, translated.gx
    count = figures.columns_of(gx.shape[2]) ** 2 // 2  # a square, half of it inputs
    rows = np.arange(len(gx))
    if len(gx) > count:
        rows = np.random.default_rng(0).choice(len(gx), count, replace=False)
    figures.draw_translations(line, x[rows], gx[rows], where / "translations.png")
    drawn = [where / "translations.png"]
    if line["judge"]:
        drawn.append(where / "confusion.png")
        figures.draw_confusion(line, drawn[-1])
    if line.get("distances"):
        drawn.append(where / "neighbours.png")
        pictures = translated.sets.target_train, translated.real
        sheets.draw_neighbours(line, x, gx, *pictures, translated.independent, drawn[-1])
    if line["domain"] in domains.FACES:
        drawn += _draw_faces(line, translated, where)
    return drawn


def _draw_faces(line, translated, where):
    """The paper's figures of faces."""
    drawn = [where / "faces.png"]
    pictures = translated.shown.pixels, translated.gx, translated.nearest
    face_sheets.draw_triples(line, *pictures, drawn[0])
    people = translated.yardstick.people
    if people is not None:
        drawn.append(where / "people.png")
        face_sheets.draw_people(line, translated.dtn, people, drawn[-1])
    return drawn


def numbers(line):
    """The numbers that TensorBoard shows of a result: dict, name -> float."""
    found = {name: line.get(name) for name in ("accuracy", "original", "frechet", "frechet_floor")}
    if line["judge"]:
        found["judge"] = line["judge"]["accuracy"]
    if line.get("distances"):
        found |= _of_distances(line["distances"])
    if line.get("retrieval"):
        part = line["retrieval"]["probes"]["translation"]
        found |= {name: part[name] for name in ("median_rank", "rank_1")}
    return {name: value for name, value in found.items() if value is not None}


def _write_events(line, text, drawn):
    for name, value in numbers(line).items():
        tf.summary.scalar(f"eval/{name}", value)
    tf.summary.text("eval/table", text)
    for path in drawn:
        picture = tf.io.decode_png(path.read_bytes(), channels=3)
        tf.summary.image(f"eval/{path.stem}", picture[tf.newaxis])


def _of_distances(found):
    part = found["under_independent"]
    return {
        "kid": part["kid"],
        "kid_floor": part["kid_floor"],
        "constancy": found["constancy"]["rank_1"],
        "reconstruction": found["reconstruction"]["error"],
    }
