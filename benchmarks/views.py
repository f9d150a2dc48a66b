"""What should a translation read of x? Scores a finished run with each choice.

    python -m benchmarks.views --workdir=runs/svhn-dtn_adapted

f says one thing of x and another of x moved by a pixel, or of its negative. A translation
can read f of x alone, the mean over such views, or f of one that is sure of the digit;
training is the same for all. "f decides" is how often the class is right that is
likeliest on the mean over the views (of f(x), for a mean of f(x)). Accuracy is on the
validation tail of the source.
"""

import numpy as np
import tensorflow as tf
from absl import app, flags

from dtn_tf import classify, config, evaluate, images, judges, train, variants
from dtn_tf.data import domains, sources

_WORKDIR = flags.DEFINE_string("workdir", "runs/svhn-dtn_adapted", "Finished run.")
_CACHE_DIR = flags.DEFINE_string("cache_dir", "runs/cache", "Where the judge is kept.")
_BATCH = 250


def main(argv):
    """Prints one line of Markdown per choice."""
    del argv
    settings = evaluate.finished(_WORKDIR.value)
    if settings.method != "class":
        raise ValueError(f"{_WORKDIR.value} has method {settings.method!r}; expected 'class'.")
    task = domains.TASKS[settings.domain]
    source = sources.open_source(settings.data, settings.data_dir, _CACHE_DIR.value)
    validation = evaluate.source_digits(settings, source, "validation")
    real = source.load(task.target, "test")
    judge, _ = judges.train_judge(source, task.target, real, _CACHE_DIR.value, config.JUDGE_STEPS)
    dtn = train.load(_WORKDIR.value)
    fx = classify.apply(lambda x: _views(dtn, x), validation.images, _BATCH)
    logits = np.stack([_logits(dtn, fx[:, view]) for view in range(fx.shape[1])], axis=1)
    print(f"{_WORKDIR.value}: accuracy on {validation.title}\n")
    print("| a translation reads | f decides | translated | judge and f agree |\n|---|---|---|---|")
    for name, read, decided in _choices(dtn, fx, logits):
        seen = _judged(dtn, judge, validation.images, read)
        right, moved = (np.mean(value == validation.labels) for value in (decided, seen))
        print(
            f"| {name} | {right:.2%} | {moved:.2%} | {np.mean(seen == decided):.2%} |", flush=True
        )


def _views(dtn, x):
    """f of ten views of x, those that the model takes first: `(batch, 10, features)`."""
    views = [*variants.views(x), *variants.views(-x)[2:]]
    return tf.stack([tf.cast(dtn.f(view), tf.float32) for view in views], axis=1)


def _choices(dtn, fx, logits):
    """Yields name, what is read `(n, features)`, and the class that f decides on `(n,)`."""
    yield "f of x", fx[:, 0], np.argmax(logits[:, 0], axis=1)
    for number, name in ((6, "six"), (10, "ten")):
        of, said = fx[:, :number], logits[:, :number]
        mean = of.mean(axis=1)
        yield f"the mean of f over {name} views", mean, np.argmax(_logits(dtn, mean), axis=1)
        p = tf.nn.softmax(said).numpy()
        decided = np.argmax(p.mean(axis=1), axis=1)
        sure = np.take_along_axis(p, decided[:, None, None], axis=2)
        weighted = np.sum(of * sure, axis=1) / np.sum(sure, axis=1)
        yield "that mean, weighted by how sure f is of the class", weighted, decided
        views = [list(np.moveaxis(part, 1, 0)) for part in (of, said)]
        yield f"f of the surest of {name}", variants.surest(*views).numpy(), decided


def _logits(dtn, fx):
    """What f's classifier says of f(x): float32 `(n, classes)`."""
    return tf.cast(dtn.head(dtn.f.hidden(tf.constant(fx))), tf.float32).numpy()


def _judged(dtn, judge, x, fx):
    """The class that the judge sees in g of fx, style from x: `(n,)`."""
    seen = []
    for k in range(0, len(x), _BATCH):
        batch = images.to_model(x[k : k + _BATCH])
        gx = dtn.g_ema(dtn.code(batch, tf.constant(fx[k : k + _BATCH])), domain=0)
        seen.append(np.argmax(judge(images.to_model(images.to_uint8(gx))), axis=1))
    return np.concatenate(seen)


if __name__ == "__main__":
    app.run(main)
