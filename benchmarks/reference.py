"""How much faster is our step than the same networks written straightforwardly?

    python -m benchmarks.reference

The reference is DTN as public ports run it: Keras' own layers in float32, f evaluated
anew wherever it is needed, a forward pass of its own for each update of D and of g. Our
step is `DTN.train_step` of the preset `dtn`, with f(x) computed, and with f(x) known, as
where it was computed before training. Both are timed in turns in one run, on the
same random images, and the medians are compared. Speed does not depend on the pixels.
"""

import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from dtn_tf import build, config, precision
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.nets.content import ContentEncoder

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images of s, and of t.", lower_bound=2)
_ROUNDS = flags.DEFINE_integer("rounds", 10, "Timed steps of each, in turns.", lower_bound=1)
_SCHEDULES = {"1 D + 1 g per domain": (1, 1, 1, 1), "1/6/2/4 updates": (1, 6, 2, 4)}
_layers = keras.layers


def main(argv):
    """Prints one line of Markdown per step."""
    del argv
    draw = np.random.default_rng(0)
    n = _BATCH_SIZE.value
    x_s = tf.constant(draw.uniform(-1, 1, (n, 32, 32, 3)), tf.float32)
    x_t = tf.constant(draw.uniform(-1, 1, (n, 32, 32, 1)), tf.float32)
    steps = {f"reference, {name}": _reference(*counts) for name, counts in _SCHEDULES.items()}
    for policy in dict.fromkeys(("float32", precision.resolve("auto"))):
        steps[f"ours, {policy}"] = _ours(policy)
        steps[f"ours, {policy}, f(x) known"] = _ours(policy, is_known=True)
    seconds = {name: [] for name in steps}
    for k in range(_ROUNDS.value + 2):  # the first two compile and warm up
        for name, step in steps.items():
            begin = time.perf_counter()
            step(x_s, x_t)
            if k >= 2:
                seconds[name].append(time.perf_counter() - begin)
    medians = {name: np.median(values) for name, values in seconds.items()}
    base = medians["reference, 1 D + 1 g per domain"]
    print(f"Batches of {n} + {n}, median of {_ROUNDS.value} steps, in turns\n")
    print("| step | ms | images/s | times as fast as the reference |\n|---|---|---|---|")
    for name, value in medians.items():
        print(f"| {name} | {1000 * value:.0f} | {2 * n / value:.0f} | {base / value:.2f} |")


def _ours(policy, is_known=False):
    settings = config.make("dtn", precision=policy)
    f = ContentEncoder(settings.f_channels, dtype=policy)
    dtn = build.build(settings, domains.TASKS["svhn"], make.content_of(f))
    step = tf.function(dtn.train_step)
    known = tf.zeros((_BATCH_SIZE.value, f.features))  # speed needs no true f(x)

    def run(x_s, x_t):
        fx = (known,) if is_known else ()
        return float(step(((x_s, *fx), (x_t, *fx)))["L_G"])  # waits for the result

    return run


def _reference(num_d_source, num_g_source, num_d_target, num_g_target):
    f, g, d = _content(), _generator(), _discriminator()
    dtn = config.make("dtn")
    d_optimizer = keras.optimizers.Adam(dtn.d_learning_rate, dtn.beta_1)
    g_optimizer = keras.optimizers.Adam(dtn.g_learning_rate, dtn.beta_1)
    d_optimizer.build(d.trainable_variables)
    g_optimizer.build(g.trainable_variables)

    def rgb(x):
        return tf.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x

    def cross_entropy(logits, column):
        return -tf.reduce_mean(tf.nn.log_softmax(logits)[:, column])

    def update(net, optimizer, loss):
        with tf.GradientTape() as tape:
            value = loss()
        variables = net.trainable_variables
        optimizer.apply(tape.gradient(value, variables), variables)
        return value

    def translated(x):
        return g(f(rgb(x), training=False), training=True)

    @tf.function
    def step(x_s, x_t):
        def d_source():
            return cross_entropy(d(translated(x_s), training=True), 0)

        def g_source():
            gx = translated(x_s)
            gap = f(rgb(x_s), training=False) - f(rgb(gx), training=False)
            return cross_entropy(d(gx, training=True), 2) + 15.0 * tf.reduce_mean(gap**2)

        def d_target():
            fake = cross_entropy(d(translated(x_t), training=True), 1)
            return fake + cross_entropy(d(x_t, training=True), 2)

        def g_target():
            gx = translated(x_t)
            gap = tf.reduce_mean((x_t - gx) ** 2)
            return cross_entropy(d(gx, training=True), 2) + 15.0 * gap

        for _ in range(num_d_source):
            update(d, d_optimizer, d_source)
        for _ in range(num_g_source):
            loss = update(g, g_optimizer, g_source)
        for _ in range(num_d_target):
            update(d, d_optimizer, d_target)
        for _ in range(num_g_target):
            loss += update(g, g_optimizer, g_target)
        return loss

    return lambda x_s, x_t: float(step(x_s, x_t))


def _content():
    """f of the preset `dtn`, its standardisation of the image included."""
    x = inputs = keras.Input((32, 32, 3))
    axes = (1, 2, 3)
    mean = keras.ops.mean(x, axes, keepdims=True)
    x = (x - mean) / keras.ops.sqrt(keras.ops.var(x, axes, keepdims=True) + 0.01)
    for k, (channels, pool) in enumerate(zip((64, 128, 256, 128), (2, 2, 2, 4), strict=True)):
        x = _layers.ReLU()(x) if k else x
        x = _layers.MaxPool2D(pool)(_layers.Conv2D(channels, 3, padding="same")(x))
        x = _layers.BatchNormalization()(x)
    f = keras.Model(inputs, _layers.Flatten()(x))
    f.trainable = False
    return f


def _generator():
    x = inputs = keras.Input((128,))
    x = _layers.Reshape((1, 1, 128))(x)
    for k, channels in enumerate((256, 128, 64)):
        how = {"strides": 2, "padding": "same"} if k else {}
        x = _layers.Conv2DTranspose(channels, 4, **how)(x)
        x = _layers.ReLU()(_layers.BatchNormalization()(x))
    x = _layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh")(x)
    return keras.Model(inputs, x)


def _discriminator():
    x = inputs = keras.Input((32, 32, 1))
    for channels in (64, 128, 256, 256):
        x = _layers.Conv2D(channels, 4, strides=2, padding="same")(x)
        x = _layers.ReLU()(_layers.BatchNormalization()(x))
    return keras.Model(inputs, _layers.Dense(3)(_layers.Flatten()(x)))


if __name__ == "__main__":
    app.run(main)
