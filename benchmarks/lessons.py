"""What should a student be taught? How much of hair and skin its teacher's codes carry across.

    python -m benchmarks.lessons --workdir=RUN

RUN is a run of faces whose f is the student of a face net. Of each photo the emoji is taken that
is nearest under the codes, of the training images of both. The correlation of its colours with
those of the photo is 1 at best and 0 by chance: of codes in which it is 0, g can learn nothing.
"""

import numpy as np
from absl import flags

from dtn_tf import cli, runs, serving
from dtn_tf.content import codes, face, features, lessons, make
from dtn_tf.data import sets as sets_lib
from dtn_tf.scores import colours, measures, score

_WORKDIR = flags.DEFINE_string("workdir", "runs/face-dtn_face", "A run that has its f.")
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where codes are kept.")
_PHOTOS = flags.DEFINE_integer("photos", 1500, "The first so many are asked for.", lower_bound=2)


def main(argv):
    """Prints a line of Markdown for each kind of codes."""
    del argv
    run = runs.read(_WORKDIR.value)
    config, cache_dir = run.config, _CACHE_DIR.value
    sets = sets_lib.of(config, score.store_of(run, None, None, cache_dir))
    net = face.find(config.content.removeprefix(face.PREFIX), config.size, config.content_scale)
    large = sets.at_size(net.side)
    known = [features.of(net, net.hash, part, cache_dir) for part in (large.s, large.t)]
    f = make.load(run.workdir).f
    own = [serving.apply(f, part.pixels) for part in (sets.s, sets.t)]
    scale, shift = codes.match_features(*own)
    x, t = sets.s.pixels[: _PHOTOS.value], sets.t.pixels[:]
    print("| codes | hair | skin | emoji that are nearest to a photo |\n|---|---|---|---|")
    for name, (fx_s, fx_t) in {
        **_taught(known, f.features),
        "f of this run, matched": (own[0] * scale + shift, own[1]),
    }.items():
        nearest = measures.nearest(fx_s[: len(x)], fx_t)
        found = colours.followed(x, {"nearest": t[nearest]})
        shares = [f"{found[region]['nearest']:.2f}" for region in ("hair", "skin")]
        print(f"| {name} | {' | '.join(shares)} | {len(np.unique(nearest)):,} |", flush=True)


def _taught(known, width):
    """The teacher's codes in several ways: dict, name -> codes of s and of t."""
    made = lessons.lesson(*known, width)
    both = np.linalg.eigh(sum(np.cov(fx, rowvar=False) for fx in known))[1][:, ::-1][:, :width]
    found = {"components of both, each with a deviation of 1": [_unit(fx, both) for fx in known]}
    of_t = np.std(_centred(known[1]) @ both, axis=0)
    found["the same, with the deviations in t"] = [_unit(fx, both) * of_t for fx in known]
    found["components of t, each with a deviation of 1"] = [_unit(fx, made.basis) for fx in known]
    taught = [made.of(domain, fx) for domain, fx in enumerate(known)]
    return {**found, "the same, with the deviations in t: what a student is taught": taught}


def _centred(fx):
    return np.asarray(fx, np.float64) - np.mean(fx, axis=0)


def _unit(fx, basis):
    part = _centred(fx) @ basis
    return part / np.std(part, axis=0)


if __name__ == "__main__":
    cli.run(main)
