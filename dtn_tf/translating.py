"""Translates image files into image files: any number of them, in bounded memory, resumably."""

import collections
import dataclasses
import errno

import numpy as np
from PIL import Image

from dtn_tf import files, images, jobs, record, serving, threads
from dtn_tf.data import decode, findings
from dtn_tf.errors import UserError

RESIZES = ("native", "input")

_PIXELS = 1 << 18  # a batch: 256 images at 32, 16 at 128
_MOST_PIXELS = 1 << 28  # of an enlarged translation
_COLUMNS, _ROWS = 8, 8  # pairs on a page of a contact sheet


@dataclasses.dataclass(frozen=True)
class Counts:
    """What came of the files of a command: numbers of them."""

    translated: int
    done_before: int
    failed: int


def translate_files(
    dtn, source, output, resize="native", fit=None, grid=False, overwrite=False, found=None
):
    """Translates files; says how far it is, and a line for each file that cannot be read.

    What is there and newer than its image is not made again, so that the same call goes on
    where one was stopped. A folder of translations knows which weights made it.

    Args:
        dtn: `DTN` from `serving.load`.
        source, output: See `jobs.find`.
        resize: "native", the size that G paints; "input", as large as the square that was
            read, by Pillow's LANCZOS.
        fit: "crop" or "pad"; None is as G was trained.
        grid: Whether to write pages of pairs, an image and its translation, too.
        overwrite: Whether to make what is there again, whatever made it.
        found: `jobs.Jobs`, where they are known already.

    Returns:
        `Counts`.

    Raises:
        UserError: If there is nothing to translate, or `output` has translations by other
            weights or settings.
    """
    if resize not in RESIZES:
        raise UserError(f"resize={resize!r}; expected one of {', '.join(RESIZES)}.")
    found = found or jobs.find(source, output)
    terms = serving.contract(dtn)
    how = _How(dtn.g.size, terms.channels, fit or terms.fit, resize)
    decode.check(how.size, how.channels, how.fit)
    for note in found.notes:
        print(note, flush=True)
    since = record.begin(found, record.of(terms, how.fit, resize), overwrite)
    todo = [job for job in found.jobs if overwrite or not record.is_done(job, since)]
    tally = collections.Counter()
    with threads.pool() as pool:
        _translate(pool, todo, serving.translator(dtn), how, tally)
        if grid:
            _sheets(pool, found, how)
    counts = Counts(tally["translated"], len(found.jobs) - len(todo), tally["failed"])
    print(_summary(counts, tally["no image"], output), flush=True)
    return counts


@dataclasses.dataclass(frozen=True)
class _How:
    size: int
    channels: int
    fit: str
    resize: str


def _translate(pool, todo, translator, how, tally):
    """Reads, translates and writes, batch by batch: threads read one ahead and write."""
    progress, writing = threads.Progress("translated", len(todo)), []
    for part, read in _batches(pool, todo, how):
        both = zip(part, read, strict=True)
        kept = [(job, *found) for job, found in both if _was_read(found, job, tally)]
        if kept:
            painted = translator(np.stack([pixels for _, pixels, _ in kept]))
            _finish(writing, tally)
            writing = [
                pool.submit(_write, job, image, full, how)
                for (job, _, full), image in zip(kept, painted, strict=True)
            ]
        progress.step(len(part))
    _finish(writing, tally)


def _batches(pool, todo, how):
    """Yields lists of jobs with what `_read` found; threads are one batch ahead."""
    num = max(8, _PIXELS // how.size**2)
    parts = [todo[k : k + num] for k in range(0, len(todo), num)]
    ahead = []
    for part in [*parts, None]:
        ahead.append(part and [pool.submit(_read, job, how) for job in part])
        if len(ahead) == 2:
            futures = ahead.pop(0)
            yield parts.pop(0), [future.result() for future in futures]


def _read(job, how):
    """Returns the pixels of an image and its size, or the error."""
    try:
        return decode.from_bytes(job.source.read_bytes(), how.size, how.channels, how.fit)
    except (decode.UnreadableError, OSError) as error:
        return error


def _was_read(found, job, tally):
    """Whether an image was read; says so if not."""
    if not isinstance(found, Exception):
        return True
    if not job.source.suffix and isinstance(found.__context__, Image.UnidentifiedImageError):
        tally["no image"] += 1  # README, Makefile
        return False
    reason = getattr(found, "strerror", None) or str(found)
    _fail(job, f"cannot be read: {reason.rstrip('.')}", tally)
    return False


def _fail(job, what, tally):
    tally["failed"] += 1
    print(f"{findings.shown(str(job.source))} {what}.", flush=True)


def _write(job, pixels, full, how):
    """Writes a translation; returns the job and why it could not, or None."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if how.resize == "input":
        side = min(full) if how.fit == "crop" else max(full)
        if side**2 > _MOST_PIXELS:
            return job, f"is {side:,} pixels long: --resize=input would make too large a square"
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    try:
        files.save(job.output, image.save)
    except UserError as error:
        if getattr(error.__cause__, "errno", None) != errno.ENAMETOOLONG:
            raise
        return job, "has too long a name for its translation to be written"
    return job, None


def _finish(writing, tally):
    for future in writing:
        job, reason = future.result()
        if reason:
            _fail(job, reason, tally)
        else:
            tally["translated"] += 1


def _sheets(pool, found, how):
    """Writes pages of pairs of all that is translated: a row of images, a row of translations."""
    done = [job for job in found.jobs if job.output.exists()]
    num = _COLUMNS * _ROWS
    pages = [done[k : k + num] for k in range(0, len(done), num)]
    for k, page in enumerate(pages, 1):
        x, gx = map(np.stack, zip(*pool.map(lambda job: _pair(job, how), page), strict=True))
        columns, path = min(_COLUMNS, len(page)), _page_path(found, k)
        sheet = images.to_grid(images.paired_rows(x, gx, columns), columns)
        images.save_png(path, sheet, max(1, 64 // how.size))
        print(f"contact sheet {k} of {len(pages)}: {path}", flush=True)


def _pair(job, how):
    x = _read(job, how)  # an image that was translated once and is broken now is white
    shape = (how.size, how.size, how.channels)
    x = np.full(shape, 255, np.uint8) if isinstance(x, Exception) else x[0]
    return x, decode.read(job.output, how.size, 3)


def _page_path(found, k):
    if found.folder is None:
        output = found.jobs[0].output
        return output.with_name(f"{output.stem}-grid.png")
    folder = "contact_sheets"
    while any(job.output.is_relative_to(found.folder / folder) for job in found.jobs):
        folder += "_"
    return found.folder / folder / f"page-{k:04}.png"


def _summary(counts, no_images, output):
    parts = [
        f"{counts.translated:,} translated into {output}",
        f"{counts.done_before:,} were done before" if counts.done_before else "",
        f"{no_images:,} files without a suffix are no images" if no_images else "",
        f"{counts.failed:,} failed" if counts.failed else "",
    ]
    return ", ".join(filter(None, parts)) + "."
