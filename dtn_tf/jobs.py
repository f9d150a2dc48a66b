"""Which files a command translates, and what each translation is called. Opens none of them."""

import collections
import dataclasses
import functools
import glob
import os
import pathlib

from dtn_tf.data import decode, findings, listing
from dtn_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Job:
    """One file to translate.

    Attributes:
        source: `pathlib.Path` of the image.
        output: `pathlib.Path` of its translation, a PNG.
    """

    source: pathlib.Path
    output: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Jobs:
    """All files of a command.

    Attributes:
        jobs: List of `Job`, sorted by name.
        folder: `pathlib.Path` that the translations go to; None if OUTPUT is a file.
        notes: Sentences for people: what is left out, what is named otherwise.
    """

    jobs: list
    folder: pathlib.Path | None
    notes: list


def find(source, output):
    """Finds what is to be translated, and names the results.

    Sub-folders and names are kept, the suffix becomes .png. Two files that would share a name
    (a.jpg, a.gif) keep their suffix before it (a.jpg.png, a.gif.png).

    Args:
        source: A file, a folder (walked as `listing.walk` does it), or a pattern as `glob` has
            it; ** stands for any folders.
        output: A folder, or for one image a file whose name ends in .png.

    Returns:
        `Jobs`.

    Raises:
        UserError: If there is nothing to translate, or a result would take the place of an
            image that is translated.
    """
    root, names, notes = _inputs(str(source))
    if str(output).strip() == "":
        raise UserError("OUTPUT is empty; expected a folder, or a file that ends in .png.")
    output = pathlib.Path(output).expanduser()
    names, own = _without_results(root, names, output)
    if own:
        notes.append(f"{own:,} files in {output} are results, not inputs.")
    if not names:
        raise UserError(" ".join([f"{source}: there is no image to translate.", *notes]))
    if _is_file(output, len(names), pathlib.Path(source).expanduser().is_file()):
        jobs, folder = [Job(root / names[0], output)], None
    else:
        outputs, renamed = output_names(names)
        jobs = [Job(root / a, output / b) for a, b in zip(names, outputs, strict=True)]
        folder, notes = output, notes + renamed
    _refuse_inputs_as_outputs(jobs)
    return Jobs(jobs, folder, notes)


def output_names(names):
    """Names the translations of files.

    Args:
        names: List of str, paths below the folder.

    Returns:
        List of str, no two equal; and a list of at most one sentence: what is named otherwise.
    """
    short = [_png(name) for name in names]
    counts, taken, found = collections.Counter(short), set(), {}
    alone = [k for k, name in enumerate(short) if counts[name] == 1 or name == names[k]]
    for k in alone:
        found[k] = short[k]
        taken.add(short[k])
    others = [k for k in range(len(names)) if k not in found]
    for k in others:
        found[k] = names[k] + ".png"
        while found[k] in taken:
            found[k] += ".png"
        taken.add(found[k])
    return [found[k] for k in range(len(names))], _renamed(names, found, others)


def _renamed(names, found, others):
    if not others:
        return []
    first = others[0]
    return [
        f"{len(others):,} images share a name with another but for the suffix, which is kept:"
        f" {names[first]} becomes {found[first]}."
    ]


def _png(name):
    stem, suffix = os.path.splitext(name)
    return (stem if suffix.lower() in decode.suffixes() else name) + ".png"


def _inputs(text):
    """Returns a folder, sorted names below it, and notes."""
    path = pathlib.Path(text).expanduser()
    if path.is_file():
        return path.parent, [path.name], []
    if path.is_dir():
        found = listing.walk(path)
        return path, [name for name, *_ in found.files], _left_out(found.hidden, found.others)
    if glob.has_magic(text):
        return _matching(path)
    raise UserError(
        f"{text} does not exist; expected an image, a folder of images, or a pattern such as"
        " 'photos/**/*.jpg', in quotes."
    )


def _matching(pattern):
    """What `_inputs` returns of a pattern."""
    parts = pattern.parts
    fixed = next(k for k, part in enumerate(parts) if glob.has_magic(part))
    root, rest = pathlib.Path(*parts[:fixed]), os.path.join(*parts[fixed:])
    names, hidden, others = [], 0, collections.Counter()
    for name in sorted(set(glob.glob(rest, root_dir=root, recursive=True))):
        if not (root / name).is_file():
            continue
        if any(listing.is_hidden(part) for part in pathlib.PurePath(name).parts):
            hidden += 1
        elif listing.is_image(os.path.basename(name)):
            names.append(name)
        else:
            others[os.path.splitext(name)[1].lower()] += 1
    return root, names, _left_out(hidden, others)


def _left_out(hidden, others):
    said = findings.left_out(hidden, others).removeprefix("; left out: ")
    return [f"Left out: {said}."] if said else []


def _without_results(root, names, output):
    """Leaves out files in OUTPUT, where that is a folder in INPUT: they are no inputs."""
    top, result = os.path.realpath(root), os.path.realpath(output)
    if not output.is_dir() or not result.startswith(os.path.join(top, "")):
        return names, 0
    below = os.path.relpath(result, top) + os.sep
    kept = [name for name in names if not name.startswith(below)]
    return kept, len(names) - len(kept)


def _is_file(output, num, one_named):
    """Whether OUTPUT is to be a file; raises if it cannot be what it should."""
    suffix = output.suffix.lower()
    if output.is_dir():
        return False
    if suffix == ".png" and num == 1:
        return True
    if num > 1 and (output.exists() or suffix == ".png"):
        raise UserError(f"{output} is a file; {num:,} images need a folder to go to.")
    if output.exists():
        raise UserError(f"{output} is no PNG; name a folder, or a file that ends in .png.")
    if one_named and suffix in decode.suffixes():
        raise UserError(
            f"{output} is no PNG, and translations are; name it {output.with_suffix('.png')}."
        )
    return False


def _refuse_inputs_as_outputs(jobs):
    """A folder is translated into another one: a second start would take results for inputs."""
    real = functools.cache(os.path.realpath)  # of folders: there are far fewer
    sources = {(real(job.source.parent), job.source.name) for job in jobs}
    parents = {parent for parent, _ in sources} if len(jobs) > 1 else ()
    for job in jobs:
        output = (real(job.output.parent), job.output.name)
        if output in sources or output[0] in parents:
            raise UserError(
                f"{job.output} would lie among the images that are translated. Choose another"
                " folder for OUTPUT."
            )
