"""How recognisable can a real emoji be? Nearest emoji under several codes, asked by another net.

    python -m benchmarks.lookups --workdir=RUN [--descriptor=face:PATH_OR_PACKAGE]

RUN is a run of faces whose f is the student of a face net. Of each photo an emoji is taken, and the
descriptor looks for the photo with it, as `scores.retrieval` does for translations. The photos
are training photos. The descriptor's own choice is a bound of what emoji can show it; the other
lines say how far two face nets agree on who an emoji looks like.
"""

import numpy as np
from absl import flags

from dtn_tf import cli, runs, serving
from dtn_tf.content import codes, face, features, lessons, make
from dtn_tf.data import sets as sets_lib
from dtn_tf.scores import descriptor as descriptors
from dtn_tf.scores import measures, retrieval, score

_WORKDIR = flags.DEFINE_string("workdir", "runs/face-dtn_face", "A run that has its f.")
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where codes are kept.")
_DESCRIPTOR = flags.DEFINE_string("descriptor", descriptors.AUTO, "The net that is asked.")
_PHOTOS = flags.DEFINE_integer("photos", 1000, "The first so many ask.", lower_bound=2)


def main(argv):
    """Prints a line of Markdown for each way to choose an emoji."""
    del argv
    run = runs.read(_WORKDIR.value)
    config, cache_dir = run.config, _CACHE_DIR.value
    sets = sets_lib.of(config, score.store_of(run, None, None, cache_dir))
    asked = descriptors.of(_DESCRIPTOR.value, run)
    x, t = sets.s.pixels[: _PHOTOS.value], sets.target_train
    gallery = serving.apply(asked, retrieval.second_view(x), batch_size=50, label="the gallery")
    of_emoji = np.asarray(features.of(asked, asked.hash, t, cache_dir))
    print(
        f"| emoji nearest to {len(x):,} training photos under | median rank | rank-1 | emoji |\n"
        "|---|---|---|---|"
    )
    for name, chosen in _choices(config, run, sets, gallery, of_emoji, cache_dir):
        found = retrieval.summary(retrieval.own_ranks(of_emoji[chosen], gallery))
        print(
            f"| {name} | {found['median_rank']:g} | {found['rank_1']:.1%}"
            f" | {len(np.unique(chosen)):,} |",
            flush=True,
        )


def _choices(config, run, sets, gallery, of_emoji, cache_dir):
    """Yields names, and for each photo the number of an emoji."""
    count = len(gallery)
    yield "the descriptor itself", retrieval.similarities(gallery, of_emoji).argmax(axis=1)
    net = face.find(config.content.removeprefix(face.PREFIX), config.size, config.content_scale)
    large = sets.at_size(net.side)
    fx_s, fx_t = (features.of(net, net.hash, part, cache_dir) for part in (large.s, large.t))
    cosines = retrieval.similarities(np.asarray(fx_s[:count]), np.asarray(fx_t))
    yield f"{net.title}, by cosine", cosines.argmax(axis=1)
    f = make.load(run.workdir).f
    lesson = lessons.lesson(fx_s, fx_t, f.features)
    taught = lesson.of(0, fx_s[:count]), lesson.of(1, fx_t)
    yield "what its student is taught", measures.nearest(*taught)
    own = [serving.apply(f, part.pixels) for part in (sets.s, sets.t)]
    scale, shift = codes.match_features(*own)
    yield "f of this run, matched", measures.nearest(own[0][:count] * scale + shift, own[1])
    yield "none, at random", np.random.default_rng(0).integers(0, len(of_emoji), count)


if __name__ == "__main__":
    cli.run(main)
