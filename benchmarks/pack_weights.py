"""Makes the weights that come with the package from a finished and scored run.

    python -m benchmarks.pack_weights runs/svhn-dtn_adapted svhn

Writes NAME.npz and NAME.json to dtn_tf/weights/. What they say of the net is what the run's
config.json and the newest score in its eval.jsonl say, of 5,000 test images or of all that there
are. The run must be of code that is in a commit. Then name it in `dtn_tf.weights.NAMES`.
"""

import re
import shlex

import numpy as np
from absl import app, flags

from dtn_tf import cli, images, runs, serving, weights
from dtn_tf.data.builtin import handwriting, street_digits
from dtn_tf.errors import UserError
from dtn_tf.scores import results

_OUT = flags.DEFINE_string("out", None, "Folder for the two files; unset: dtn_tf/weights/.")
_LICENCE = flags.DEFINE_string(
    "licence", None, "Note on the terms of the images; unset: what is known of SVHN and MNIST."
)
_TERMS = {
    "SVHN": "SVHN's publishers give it for non-commercial use.",
    "MNIST": "Those who pass MNIST on name its licence as CC BY-SA 3.0 or MIT.",
}
_DRAWN, _SEED = 400, 24  # house numbers that are drawn; a seed that no set is drawn by
_ENOUGH = 5000  # test images that a score is of; fewer only where there are no more
_OF_THIS_MACHINE = ("--workdir=", "--cache_dir=", "--data_dir=")


def facts(run, licence=None):
    """Returns what NAME.json says of a run, a JSON-able dict.

    Raises:
        UserError: If it was not scored on enough images, or is of code that is in no commit.
    """
    lines, _ = results.read(run.workdir / "eval.jsonl")
    scores = [line for line in lines if _is_score(line)]
    if not scores:
        raise UserError(
            f"{run.workdir} was not scored on {_ENOUGH:,} test images, or all that there are."
            f" Score it first: {cli.command('eval_main.py', workdir=run.workdir)}"
        )
    line, start = scores[-1], run.starts[-1]
    for commit in (*(part["commit"] for part in run.starts), line["scored"]["commit"]):
        if not commit or commit.endswith("-dirty"):
            raise UserError(
                f"{run.workdir} was trained or scored by commit {commit}: nobody can get that"
                " code. Train and score a run from a checkout without changes."
            )
    titles = [run.data[name]["title"] for name in ("s", "t")]
    return {
        "title": run.title,
        "seed": run.seed,
        "accuracy": line["accuracy"],
        "n": line["images"]["images"],
        "scored_on": line["images"]["title"],
        "judge": {name: line["judge"][name] for name in ("hash", "accuracy")},
        "command": _command(run),
        "commit": start["commit"],
        "trained": start["time"],
        "scored_by_commit": line["scored"]["commit"],
        "data": titles,
        "licence": licence or _licence(titles),
    }


def _is_score(line):
    """Whether a line is a score of enough test images."""
    if line["kind"] != "score" or line["split"] != "test":
        return False
    is_part = re.search(r"\[:\d+\]", line["images"]["title"])  # of --first_n
    return not is_part or line["images"]["images"] >= _ENOUGH


def drawn_accuracy(dtn):
    """Returns how many drawn house numbers are read right once they are translated.

    A quick check that weights are whole, offline: the reader is the nearest of 4,000 real MNIST
    digits, by pixels, and no judge of the tables.
    """
    x, labels = street_digits.draw(_DRAWN, _SEED)
    return float(np.mean(nearest(serving.translate(dtn, x)) == labels))


def nearest(digits):
    """Returns the class of the MNIST digit whose pixels are nearest: uint8 `(n,)`.

    Args:
        digits: uint8 array `(n, 32, 32, 1)`.
    """
    known, labels = handwriting.load("train")
    a, b = (v.reshape(len(v), -1).astype(np.float32) for v in (digits, images.resize(known, 32)))
    squared = (b**2).sum(axis=1) - 2.0 * a @ b.T  # and a**2, the same for all of a row
    return labels[squared.argmin(axis=1)]


def pack(workdir, name, out=None, licence=None):
    """Writes the two files; returns the path of the weights and the facts."""
    run = runs.finished(workdir)
    known, dtn = facts(run, licence), serving.load(workdir)
    terms = serving.contract(dtn)
    about = {**known, "channels": terms.channels, "fit": terms.fit, "size": dtn.g.size}
    if run.config.domain == "svhn":
        about["drawn_accuracy"] = drawn_accuracy(dtn)
    return weights.save(serving.in_float32(dtn), name, about, out), about


def _command(run):
    """The command that trains it, as anybody's shell takes it."""
    words = shlex.split(run.command)[1:]
    return shlex.join(["python", *(w for w in words if not w.startswith(_OF_THIS_MACHINE))])


def _licence(titles):
    known = [text for name, text in _TERMS.items() if any(name in title for title in titles)]
    return " ".join([*known, "These terms are those of the weights, too."])


def main(argv):
    """Packs one run and says how large it is."""
    if len(argv) != 3:
        raise app.UsageError("Expected a run directory and a name.")
    path, about = pack(argv[1], argv[2], _OUT.value, _LICENCE.value)
    with np.load(path) as stored:
        num = sum(stored[key].size for key in stored.files)
    print(f"{path}: {num:,} weights, {path.stat().st_size / 1e6:.2f} MB, {about['accuracy']:.2%}")
    if argv[2] not in weights.NAMES:
        print(f"Add {argv[2]!r} to NAMES in dtn_tf/weights/__init__.py.")


if __name__ == "__main__":
    cli.run(main)
