"""What made the translations in a folder: a small file beside them says so.

With it a second start knows what is done, and does not mix the translations of two nets.
"""

import time

import dtn_tf
from dtn_tf import files
from dtn_tf.errors import UserError

NAME = ".dtn_tf.json"

_TICK = 10_000_000  # ns by which the time of a file may be behind the clock
_SETTINGS = ("weights", "fit", "resize")  # a translation by others is another one


def of(terms, fit, resize):
    """Returns what makes translations: a JSON-able dict.

    Args:
        terms: `serving.Contract`.
        fit, resize: See `translating.translate_files`.
    """
    settings = {"weights": terms.weights, "fit": fit, "resize": resize}
    return {**settings, "net": terms.name, "dtn_tf": dtn_tf.__version__}


def begin(found, record, overwrite):
    """Notes what makes the translations.

    Args:
        found: `jobs.Jobs`.
        record: From `of`.
        overwrite: Whether what is there may be replaced.

    Returns:
        Time in ns: translations that are older were made otherwise.

    Raises:
        UserError: If there are such, and they may not be replaced.
    """
    there = next((job.output for job in found.jobs if job.output.exists()), None)
    if found.folder is None:
        if there and not overwrite:
            raise UserError(f"{there} is there already; --overwrite makes it again.")
        return time.time_ns()
    path = found.folder / NAME
    if not overwrite and path.exists():
        known = files.read_json(path, "the record of translations")
        differing = [name for name in _SETTINGS if known.get(name) != record[name]]
        if not differing:
            if not any(job.output.name.startswith("partial-") for job in found.jobs):
                files.sweep(found.folder)
            return int(known.get("since_ns", 0))
        raise UserError(f"{found.folder} has {_made_otherwise(known, record, differing)}")
    if not overwrite and there:
        raise UserError(
            f"{there} is there, and nothing says what made it: there is no {path}. Choose"
            " another folder for OUTPUT, or --overwrite what has the name of a translation."
        )
    begun = time.time_ns() - _TICK
    files.save_json(path, {**record, "since_ns": begun})
    return begun


def _made_otherwise(known, record, differing):
    said = ", ".join(
        f"{name}: there {known.get(name)!r}, now {record[name]!r}" for name in differing
    )
    return (
        f"translations by {known.get('net')!r}, and not as it is asked for now ({said}). Choose"
        " another folder for OUTPUT, or --overwrite them."
    )


def is_done(job, since):
    """Whether a `Job` was done, after a time from `begin` and after its image was changed."""
    try:
        made = job.output.stat().st_mtime_ns
        return made >= since and made > job.source.stat().st_mtime_ns
    except OSError:  # not there; or the image is not, which is said when it is read
        return False
