"""Files that are whole or not there, and folders that one process works in at a time."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import zipfile

import numpy as np

from dtn_tf.errors import UserError


class Busy(UserError):  # noqa: N818 - what happened
    """Another process holds a folder."""


_PARTIAL = "partial-"  # files that are being written; their process is in the name
_OLD = ".old-"  # what a folder that is being replaced is called meanwhile, before its name
_IS_PARTIAL = re.compile(rf"{_PARTIAL}(\d{{1,9}})-.+", re.DOTALL)
_OF_THE_DISK = ("ResourceExhaustedError", "PermissionDeniedError")  # as TensorFlow names them
_MARGIN = 1 << 20  # bytes beyond what is asked for: names, folders, other writers


def save(path, write, num_bytes=0):
    """Calls `write(temporary_path)`, then renames: a reader sees all of it or none.

    The bytes are on the disk, not in a cache, before the name is: a power cut leaves the old
    file or the new one.

    Args:
        path: File to write; folders are made. A file that is there is replaced.
        write: Function of the temporary path, which has the same suffix.
        num_bytes: About how many are to be written, where they are many. Room for them is
            made sure of before: HDF5 crashes the process on a full disk.

    Raises:
        UserError: If there is no room, or the folder cannot be written.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_PARTIAL}{os.getpid()}-{path.name}")
        try:
            _require_room(temporary, num_bytes)
            write(temporary)
            sync(temporary)
            os.replace(temporary, path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}."
            f" {_free(path.parent)} Nothing that was there is lost."
        ) from error


def save_text(path, text):
    """Writes text under its name or not at all."""
    save(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def save_json(path, content):
    """Writes JSON under its name or not at all."""
    save_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def read_json(path, what):
    """Reads a JSON object.

    Args:
        path: File.
        what: What it should be, for the message: "the settings of a run".

    Returns:
        Dict.

    Raises:
        UserError: If it is not there, torn, or no object; names the file.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict):
            raise TypeError(f"a JSON {type(content).__name__}, not an object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is not {what}: {error}.") from error
    return content


def check_archive(path, advice=None):
    """Reads a .keras or .npz file to its end: both are zip files, with a checksum per part.

    Args:
        path: File.
        advice: What to do if it is missing or damaged, a sentence, or ""; None to delete a
            damaged one.

    Raises:
        UserError: If it is missing, torn, or a byte of it has changed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"the checksum of {damaged} does not match")
    except FileNotFoundError:
        raise UserError(f"{path} is missing. {advice or ''}".rstrip()) from None
    except Exception as error:  # zipfile and zlib raise many types on damaged bytes
        if advice is None:
            advice = "Delete it to have it made again."
        raise UserError(f"{path} is damaged ({error}). {advice}".rstrip()) from error


def load_array(path, directory=None):
    """Maps a .npy file into memory, read-only; numbers are read from the disk when used.

    Args:
        path: File that `numpy.save` wrote.
        directory: What to delete if it is damaged; None where it mends itself.

    Returns:
        `np.memmap`.

    Raises:
        UserError: If it is missing or damaged.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        advice = f" Delete {directory} to have it made again." if directory else ""
        raise UserError(f"{path} is damaged ({error}).{advice}") from error


def hash_of(path):
    """A short name for a file's bytes: 16 hexadecimal digits of BLAKE2b."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, _blake2).hexdigest()


def fingerprint(*parts):
    """A short name for anything JSON can hold; equal parts give equal names."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def sweep(directory, is_deep=True):
    """Removes what killed processes left half-written. Call it with the folder locked.

    A whole folder that was to be replaced, and was not, gets its name again.

    Args:
        directory: The folder.
        is_deep: Whether the folders in it, which may have locks of their own, are swept, too.
    """
    find = pathlib.Path(directory).rglob if is_deep else pathlib.Path(directory).glob
    for path in list(find(f"{_PARTIAL}*")):
        if not is_partial(path) or _is_being_written(path):
            continue
        name = path.with_name(path.name.partition(_OLD)[2] or path.name)
        if path.is_dir() and not name.exists():  # killed between two renames
            path.rename(name)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_partial(path):
    """Whether a file or folder has the name of one that is being written, or was by the dead."""
    return _IS_PARTIAL.fullmatch(pathlib.Path(path).name) is not None


@contextlib.contextmanager
def replaced_folder(path):
    """Gives a temporary folder that takes the place of another one when all went well.

    Raises:
        UserError: If it cannot be written, or there is no room; the old one is there then.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f"{_PARTIAL}{os.getpid()}-{path.name}")
    old = path.with_name(f"{_PARTIAL}{os.getpid()}-{_OLD}{path.name}")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    except Exception as error:
        why = _why_not_written(error)
        if why is None:
            raise
        raise UserError(f"{path} cannot be written: {why}. {_free(path.parent)}") from error
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked(directory, wait=False):
    """Holds a folder for this process; the lock goes with the process, however it ends.

    Args:
        directory: Made if it does not exist.
        wait: Whether to wait for another process instead of refusing.

    Raises:
        Busy: If another process holds it.
        UserError: If it cannot be written.
    """
    directory = pathlib.Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = open(directory / "lock", "w")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UserError(f"{directory} cannot be written: {error}. Choose another.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise Busy(f"Another process is working in {directory}.") from None
            print(f"Waiting for another process that works in {directory}.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        sweep(directory)
        yield


def why_unwritable(folder):
    """Why no file can be made in a folder that may not exist yet, or None."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        return f"{there} is a file"
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} is read-only"


def find_or_make(root, kind, identity, make, provenance, check=None):
    """Returns a folder of things that are costly to make: found, or made now.

    Only one process makes it; others wait for it. `made.json`, written last, says that it is
    complete, what it was made of, and by what.

    Args:
        root: Folder of such folders.
        kind: What it is, the head of its name: "f", "judge".
        identity: JSON-able dict, all that decides what is in it; its code as a number under
            "recipe".
        make: Function of the folder. What it leaves in `checkpoints/` is removed afterwards.
        provenance: Function without arguments: a dict of who makes it, kept in `made.json`.
        check: Function of a folder that was found; None to take it as it is. If it raises
            `UserError`, the folder is emptied, and made again.

    Returns:
        `pathlib.Path`, and whether it was found.
    """
    directory = _place(root, kind, identity)
    with locked(directory, wait=True):
        if (directory / "made.json").exists() and _is_whole(directory, check):
            return directory, True
        make(directory)
        save_json(directory / "made.json", {"identity": identity, "made_by": provenance()})
        shutil.rmtree(directory / "checkpoints", ignore_errors=True)
    return directory, False


def is_made(root, kind, identity):
    """Whether `find_or_make` would find such a folder; makes nothing."""
    return (_place(root, kind, identity) / "made.json").exists()


def _place(root, kind, identity):
    return pathlib.Path(root) / f"{kind}-{fingerprint(identity)}"


def _is_whole(directory, check):
    """Whether what was made passes a check; if not, the folder is emptied, and that is said."""
    try:
        if check:
            check(directory)
    except UserError as error:
        print(f"{error} Making {directory} again.", flush=True)
        (directory / "made.json").unlink()  # first: what is half emptied is not complete
        for path in directory.iterdir():
            if path.name != "lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return False
    return True


def _is_being_written(path):
    """Whether the process in the name is another one, alive, and of a program like this one."""
    number = int(_IS_PARTIAL.fullmatch(path.name).group(1))
    if number in (0, os.getpid()):
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:  # alive, and somebody else's
        pass
    try:  # numbers are given again, small ones after each start of a machine
        return b"python" in pathlib.Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:  # there is no /proc, or it does not say
        return True


def _why_not_written(error):
    """What the disk had against it, of an error of Python or TensorFlow; None for a bug."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if type(error).__name__ in _OF_THE_DISK and hasattr(error, "error_code"):  # TensorFlow's
        return str(error).splitlines()[0].rstrip(".")
    return None


def _blake2():
    return hashlib.blake2b(digest_size=8)


def _require_room(path, num_bytes):
    """Takes the room on the disk and gives it back: quotas count, too."""
    if not num_bytes:
        return
    try:
        with open(path, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, num_bytes + _MARGIN)
            elif shutil.disk_usage(path.parent).free < num_bytes + _MARGIN:
                raise OSError(28, "No space left on device")
    finally:
        path.unlink(missing_ok=True)


def _free(directory):
    try:
        free = shutil.disk_usage(directory).free
    except OSError:
        return ""
    return f"{free / 1e6:,.0f} MB are free there."


def sync(path):
    """Waits until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
