"""A trained f in the cache that runs share: its net, its time, and what is known of it."""

from dtn_tf import classify, environment, files, loop
from dtn_tf.errors import UserError


def found_or_made(cache_dir, identity, make):
    """Returns the folder of an f: found, or filled now by `make(directory)`."""
    directory, found = files.find_or_make(
        cache_dir, "f", identity, make, environment.provenance, check
    )
    if found:
        print(f"f was made before by these settings: {directory}", flush=True)
    return directory


def check(directory):
    """Refuses a folder whose f is missing or damaged, or of which nothing is known.

    Raises:
        UserError: Names the file.
    """
    files.check_archive(directory / "f.keras", advice="")
    known(directory)


def known(directory):
    """Returns what is known of the f in a folder: dict with "key", "hash" and more.

    Raises:
        UserError: If its file is missing, torn, or says neither.
    """
    path = directory / "f.json"
    found = files.read_json(path, "what is known of an f")
    missing = [name for name in ("key", "hash") if not isinstance(found.get(name), str)]
    if missing:
        raise UserError(
            f"{path} is not what is known of an f: it has no {' and no '.join(missing)}."
        )
    return found


def keep(directory, net, phase, earlier, identity, measured):
    """Leaves a trained f in its folder.

    Args:
        directory: Folder, with the checkpoints of its training if it was trained.
        net: Keras model: `nets.content.Classifier`, or f itself where it has no classes.
        phase: Name of the training, as in timing.json.
        earlier: Dict, seconds of the phases before.
        identity: Dict, all that decides f.
        measured: Dict, what is known of it: "accuracy", title -> share; and more.
    """
    files.save(directory / "f.keras", net.save)
    spent = {**earlier, phase: loop.seconds(directory / "checkpoints")}
    files.save_json(directory / "timing.json", spent)
    key = {k: v for k, v in identity.items() if k not in ("seed", "f")}
    known = {
        "key": files.fingerprint(key),
        "hash": classify.weights_hash(net),
        "accuracy": {},
        **measured,
        "made_by": environment.provenance(),
    }
    files.save_json(directory / "f.json", known)
