"""What a scored run leaves: a table, figures, TensorBoard events."""

import contextlib
import pathlib

import numpy as np
import tensorflow as tf

from dtn_tf import files
from dtn_tf.data import domains
from dtn_tf.scores import face_sheets, figures, sheets


def folder(workdir, split):
    """Returns the folder of a run where tables and figures of a split go."""
    return pathlib.Path(workdir) / f"eval-{split}"


def leave(line, text, translated, workdir):
    """Writes table, figures and TensorBoard events of a result.

    Args:
        line: Result line.
        text: The result as Markdown.
        translated: `scorers.Translated`.
        workdir: Directory of the run.
    """
    where = folder(workdir, line["split"])
    files.save_text(where / "table.md", text)
    drawn = _draw(line, translated, where)
    events = tf.summary.create_file_writer(str(pathlib.Path(workdir) / "tb" / where.name))
    with contextlib.closing(events), events.as_default(step=line["steps"]):
        _write_events(line, text, drawn)


def _draw(line, translated, where):
    """Draws what there is to see of a result; returns the paths of the figures."""
    x, gx = translated.shown.pixels, translated.gx
    count = figures.columns_of(gx.shape[2]) ** 2 // 2  # a square, half of it inputs
    rows = np.arange(len(gx))
    if len(gx) > count:
        rows = np.random.default_rng(0).choice(len(gx), count)
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


def _write_events(line, text, drawn):
    for name in ("accuracy", "original", "frechet", "frechet_floor"):
        if line.get(name) is not None:
            tf.summary.scalar(f"eval/{name}", line[name])
    if line["judge"]:
        tf.summary.scalar("eval/judge", line["judge"]["accuracy"])
    if line.get("distances"):
        _write_distances(line["distances"])
    if line.get("retrieval"):
        part = line["retrieval"]["probes"]["translation"]
        for name in ("median_rank", "rank_1"):
            tf.summary.scalar(f"eval/{name}", part[name])
    tf.summary.text("eval/table", text)
    for path in drawn:
        picture = tf.io.decode_png(path.read_bytes(), channels=3)
        tf.summary.image(f"eval/{path.stem}", picture[tf.newaxis])


def _write_distances(found):
    part = found["under_independent"]
    tf.summary.scalar("eval/kid", part["kid"])
    tf.summary.scalar("eval/kid_floor", part["kid_floor"])
    tf.summary.scalar("eval/constancy", found["constancy"]["rank_1"])
    tf.summary.scalar("eval/reconstruction", found["reconstruction"]["error"])
