"""The frame in which f and the judge learn: AdamW, numbered batches, a progress line."""

import pathlib

import keras
import tensorflow as tf

from dtn_tf import callbacks, loop
from dtn_tf.data import pipeline


def fit(
    model,
    parts,
    prepare,
    directory,
    *,
    name,
    shown,
    views,
    num_steps,
    batch_size,
    learning_rate,
    weight_decay,
    seed,
    log_every,
    **compiled,
):
    """Trains a model in place; can be killed and goes on as `loop.fit` does.

    The learning rate is warmed up over a twentieth of the steps, then decays to 0 along a cosine.

    Args:
        model: `keras.Model`, built, not compiled.
        parts: Arrays to draw batches of, see `pipeline.batches`.
        prepare: Function `(part, ..., k)` of the tensors of batch `k` -> what the model's
            training step takes. Not read by autograph: no tensor may decide what it does.
        directory: Checkpoints and TensorBoard events go here.
        name: Shown in the progress line.
        shown: Names of logs on that line.
        views: Images per step are so many times `batch_size`.
        num_steps: Batches.
        batch_size: Images per batch, of each part.
        learning_rate: At the end of the warm-up.
        weight_decay: Decoupled, times the learning rate per step; of all weights, the
            scales of batch norm too.
        seed: Of batches; `prepare` has its own.
        log_every: Steps between progress lines.
        **compiled: Loss and metrics, if the model has no training step of its own.
    """
    warmup = max(num_steps // 20, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(num_steps - warmup, 1), warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(keras.optimizers.AdamW(rate, weight_decay=weight_decay), **compiled)
    model.optimizer.build(model.trainable_variables)
    as_it_is = tf.autograph.experimental.do_not_convert(prepare)  # a faster start

    def batches(start, stop):
        numbered = pipeline.batches(parts, batch_size, seed, start, stop)
        return numbered.map(as_it_is, num_parallel_calls=2).prefetch(4)

    directory = pathlib.Path(directory)
    with callbacks.writer(directory / "tb") as writer:
        progress = callbacks.Progress(name, log_every, views * batch_size, writer, shown)
        loop.fit(model, batches, num_steps, directory / "checkpoints", [progress])
