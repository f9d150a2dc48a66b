"""What is said of a folder of images: why it is refused, what was found, what to be aware of."""

import os

from dtn_tf.data.pictures import MINIMUM
from dtn_tf.errors import UserError

FEW = 500  # images for training, below which a warning is due
MOST_BROKEN, MOST_BROKEN_SHARE = 3, 0.01  # more than both is refused

_NAMED = 5  # broken files named in a message
_NOT_READ = {".heic", ".heif", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".svg", ".pdf"}


def judge(path, images, found):
    """Judges a folder by what was found in it.

    Args:
        path: The folder, as the user named it.
        images: `folders.FolderSet`.
        found: `listing.Listing`.

    Returns:
        `(notice, warnings)`: a str, and a tuple of sentences.

    Raises:
        UserError: If it has too many broken images, classes that do not fit, or too few images.
    """
    broken, others = _unread(images, found)
    num = sum(images.counts.values()) + images.about["outside"]
    num_train = images.counts["train"]
    _refuse_broken(path, broken, num + len(broken))
    if images.about["problem"]:
        raise UserError(
            f"{path}: {images.about['problem']}. Name them alike, or move what differs away."
        )
    said = left_out(found.hidden, others, broken)
    if num_train < MINIMUM:
        raise UserError(
            f"{path} has {num_train} images for training, {num} in all{said}; at least"
            f" {MINIMUM} for training are needed. Add images."
        )
    return _notice(path, images) + said + ".", tuple(_warnings(images, others))


def left_out(hidden, others, broken=()):
    """Says what was left out, the head of it a separator; "" if nothing was."""
    kinds = ", ".join(f"{n:,} {shown(suffix)}" for suffix, n in others.most_common(5))
    parts = [
        f"{hidden:,} hidden" if hidden else "",
        f"{others.total():,} other files ({kinds})" if others else "",
        f"{len(broken):,} broken ({_first(broken)})" if broken else "",
    ]
    said = "; ".join(filter(None, parts))
    return said and f"; left out: {said}"


def shown(name):
    """A name that any terminal can print."""
    return name if name.isprintable() else ascii(name)


def _unread(images, found):
    """Broken images as "name: reason"; other files by suffix, those without one among them."""
    broken, others = [], found.others.copy()
    for name, _, _, reason in images.about["broken"]:
        if os.path.splitext(name)[1]:
            broken.append(f"{shown(name)}: {reason}")
        else:
            others["no suffix"] += 1
    return broken, others


def _refuse_broken(path, broken, num):
    if len(broken) > max(MOST_BROKEN, MOST_BROKEN_SHARE * num):
        raise UserError(
            f"{path}: {len(broken):,} of {num:,} images are broken, more than {MOST_BROKEN} and"
            f" {MOST_BROKEN_SHARE:.0%}: {_first(broken)}. Repair or remove them."
        )


def _notice(path, images):
    given = images.about["given"]
    shares = "by folder" if len(given) == 3 else "by a hash of their bytes"
    if 0 < len(given) < 3:
        shares = f"{' and '.join(given)} by folder, the rest by a hash of their bytes"
    counts = ", ".join(f"{split} {n:,}" for split, n in images.counts.items())
    text = f"data: {path}: {sum(images.counts.values()):,} images ({counts}; {shares})"
    if images.classes:
        some = ", ".join(map(shown, images.classes[:10]))
        text += f", {len(images.classes)} classes ({some}{', ...' * (len(images.classes) > 10)})"
    return text


def _warnings(images, others):
    num_train = images.counts["train"]
    if num_train < FEW:
        yield f"{images.title}: {num_train} images for training are few; {FEW} or more are better."
    if not images.counts["test"]:
        yield f"{images.title}: no image is for the test, so that no run can be scored on it."
    if images.about["note"]:
        yield f"{images.title}: {images.about['note']}."
    outside = images.about["outside"]
    if outside:
        yield f"{images.title}: {outside:,} images outside of train, val and test are left out."
    small = images.about["small"]
    if small:
        yield f"{images.title}: {small:,} images are smaller than asked for and were enlarged."
    unread = sorted(_NOT_READ & set(others))
    if unread:
        yield f"{images.title}: {', '.join(unread)} are not read; convert them to JPEG or PNG."


def _first(broken):
    more = f", and {len(broken) - _NAMED:,} more" if len(broken) > _NAMED else ""
    return ", ".join(broken[:_NAMED]) + more
