"""How much should a translation exaggerate? Reads the weights of a finished run of faces anew.

    python -m benchmarks.exaggeration --workdir=runs/face-dtn_face

`--test_caricature` changes no weight, so one run answers for all. A face net ranks photos of the
validation split, and the independent net compares translations with real emoji of that split.
"""

from absl import app, flags

from benchmarks import finished
from dtn_tf import runs, serving
from dtn_tf.content import codes, features
from dtn_tf.data import domains
from dtn_tf.data import sets as sets_lib
from dtn_tf.scores import descriptor as descriptors
from dtn_tf.scores import distances, independent, retrieval, score

_WORKDIR = flags.DEFINE_string("workdir", "runs/face-dtn_face", "Finished run of faces.")
_DESCRIPTOR = flags.DEFINE_string("descriptor", descriptors.AUTO, "The net that looks.")
_OF = flags.DEFINE_list("of", ["1", "1.5", "2", "2.5", "3"], "Exaggerations to compare.")
flags.adopt_module_key_flags(finished)  # --help shows them, too


def main(argv):
    """Prints one line of Markdown per exaggeration."""
    del argv
    run = runs.finished(_WORKDIR.value)
    if run.config.domain not in domains.FACES or not run.config.match_features:
        raise app.UsageError(f"{run.title} is no run of faces with --match_features.")
    dtn, cache_dir = serving.load(run.workdir), finished.cache_dir()
    sets = sets_lib.of(run.config, score.store_of(run, None, None, cache_dir))
    net, x = descriptors.of(_DESCRIPTOR.value, run), sets.validation.pixels[: distances.AT_MOST]
    if net is None:
        return  # it said so
    known = retrieval.second_view(x[: retrieval.AT_MOST])
    gallery = serving.apply(net, known, batch_size=50, label="the gallery")
    codes_of = [features.of(dtn.f, run.f["hash"], part, cache_dir) for part in (sets.s, sets.t)]
    judge = independent.of(sets, cache_dir)
    print(f"{run.title}: the first {len(gallery):,} photos of {sets.validation.title}\n")
    print("| exaggeration | KID | of reconstructions | floor | Fréchet | median rank | rank-1 |")
    print("|---|---|---|---|---|---|---|")
    for k in map(float, _OF.value):
        dtn.test_matching = [part.tolist() for part in codes.match_features(*codes_of, k)]
        gx = serving.translate(dtn, x)
        found = distances.measure(dtn, sets, "validation", judge, gx)["under_independent"]
        asked = serving.apply(net, gx[: len(gallery)], batch_size=50)
        of_rank = retrieval.summary(retrieval.own_ranks(asked, gallery))
        print(
            f"| {k:g} | {found['kid']:.3f} | {found['kid_reconstructed']:.3f}"
            f" | {found['kid_floor']:.3f} | {found['frechet']:.1f}"
            f" | {of_rank['median_rank']:g} | {of_rank['rank_1']:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
