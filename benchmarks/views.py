"""Which test-time augmentation translates best? Scores a finished run with each of them.

    python -m benchmarks.views --workdir=runs/svhn-dtn_adapted
    python -m benchmarks.views --workdir=runs/face-dtn_face [--descriptor=face:PATH_OR_PACKAGE]

Test-time augmentation changes no weight, so one run answers for all. All is on the validation
split of the source: accuracy of digits, of faces how well a face net finds the photo.
"""

import numpy as np
from absl import app, flags

from benchmarks import finished
from dtn_tf import classify, config, runs, serving
from dtn_tf.data import domains
from dtn_tf.data import sets as sets_lib
from dtn_tf.scores import descriptor as descriptors
from dtn_tf.scores import retrieval, score

_WORKDIR = flags.DEFINE_string("workdir", "runs/svhn-dtn_adapted", "Finished run.")
_DESCRIPTOR = flags.DEFINE_string("descriptor", descriptors.AUTO, "Of faces: the net that looks.")
flags.adopt_module_key_flags(finished)  # --help shows them, too


def main(argv):
    """Prints one line of Markdown per choice."""
    del argv
    run = runs.finished(_WORKDIR.value)
    dtn = serving.load(run.workdir)
    if not hasattr(dtn, "tta"):
        raise app.UsageError(f"{run.title} has no test-time augmentation; try dtn_adapted.")
    if run.config.domain in domains.FACES:
        _find_people(run, dtn)
    else:
        _read_digits(dtn)


def _read_digits(dtn):
    _, sets, judge = finished.read(_WORKDIR.value)
    validation = sets.validation
    print(f"{_WORKDIR.value}: accuracy on {validation.title}\n")
    print("| a translation reads | translated |\n|---|---|")
    for dtn.tta in config.TTA:
        read = classify.predict(judge, serving.translate(dtn, validation.pixels))
        print(f"| tta={dtn.tta} | {np.mean(read == validation.labels):.2%} |", flush=True)


def _find_people(run, dtn):
    sets = sets_lib.of(run.config, score.store_of(run, None, None, finished.cache_dir()))
    net, x = descriptors.of(_DESCRIPTOR.value, run), sets.validation.pixels[: retrieval.AT_MOST]
    if net is None:
        return  # it said so
    gallery = serving.apply(net, retrieval.second_view(x), batch_size=50, label="the gallery")
    print(f"{_WORKDIR.value}: ranks of {len(x):,} photos of {sets.validation.title}\n")
    print("| a translation reads | median rank | mean rank | rank-1 |\n|---|---|---|---|")
    for dtn.tta in ("none", "mean"):
        codes = serving.apply(net, serving.translate(dtn, x), batch_size=50)
        found = retrieval.summary(retrieval.own_ranks(codes, gallery))
        print(
            f"| tta={dtn.tta} | {found['median_rank']:g} | {found['mean_rank']:.1f}"
            f" | {found['rank_1']:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
