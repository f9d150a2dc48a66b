"""How fast is a training step, and where does its time go?

    python -m benchmarks.step

Prints images per second of the full step of preset `dtn` by number format and batch
size, with its work (multiplications and additions of all convolutions, counted from the
layers) over its time, as a share of what this machine reaches on one large matrix
product and on one large convolution in the same run.
Then every layer alone: its forward pass, its gradient with respect to its input and to
its weights, and what share of the step's time that would be. The shares add up to more
than the step: alone, a small layer keeps two processors badly busy, while the step has
two at work side by side. All in turns, medians.
"""

import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

import numpy as np
import tensorflow as tf
from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from dtn_tf import build, config, precision
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.nets.content import ContentEncoder

_BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["32", "64", "128", "256"], "Of s, and of t.")
_LAYERS_AT = flags.DEFINE_integer("layers_at", 64, "Batch size of the layers alone.")
_ROUNDS = flags.DEFINE_integer("rounds", 10, "Timed calls of each, in turns.", lower_bound=1)

# How often a layer computes (y, gradient of its input, gradient of its weights) in a step, as in
# `DTN.train_step`: f on x_s, x_t and G(x_s); g on both; D on both G(x), for its own update and
# for g's, and on x_t. The first layer of D and g has no input to move in the updates of the net
# itself, of f none at all but through G(x_s).
_CALLS = {"f": (3, 1, 0), "g": (2, 2, 2), "D": (3, 5, 3)}
_FIRST = {"f": (3, 1, 0), "g": (2, 0, 2), "D": (3, 2, 3)}
_KNOWN = {"f": (1, 1, 0)}  # f(x_s) and f(x_t) were computed before training
_DOMAIN = domains.TASKS["svhn"]


def main(argv):
    """Prints three tables of Markdown."""
    del argv
    best = precision.resolve("auto")
    print(f"{os.cpu_count()} processors, TensorFlow {tf.__version__}, medians of {_ROUNDS.value}\n")
    for policy in dict.fromkeys(("float32", best)):
        _print_steps(policy, [int(n) for n in _BATCH_SIZES.value])
    _print_layers(best, _LAYERS_AT.value)


def _print_steps(policy, sizes):
    best = peaks(policy.removeprefix("mixed_"))
    steps = {n: (dtn_step(policy, n, False), dtn_step(policy, n, True)) for n in sizes}
    timed = {name: call for name, (call, _) in best.items()}
    for n, (fresh, known) in steps.items():
        timed |= {(n, "f computed"): fresh, (n, "f known"): known}
    seconds = in_turns(timed)
    reached = {name: work / seconds[name] for name, (_, work) in best.items()}
    print(f"## {policy}\n")
    print(", ".join(f"{name}: {rate / 1e9:.0f} GFLOP/s" for name, rate in reached.items()), "\n")
    print(
        "| images | f(x) | ms | images/s | GFLOP/s | of the matrix product | of the convolution |"
    )
    print("|---|---|---|---|---|---|---|")
    layers = _layers(*_nets(policy))
    for (n, how), spent in ((k, v) for k, v in seconds.items() if isinstance(k, tuple)):
        work = sum(layer["work"] * sum(_calls(layer, how == "f known")) for layer in layers)
        rate = n * work / spent
        shares = " | ".join(f"{rate / peak:.0%}" for peak in reached.values())
        print(
            f"| {n} + {n} | {how[2:]} | {1000 * spent:.0f} | {2 * n / spent:.0f}"
            f" | {rate / 1e9:.0f} | {shares} |",
            flush=True,
        )
    print()


def _print_layers(policy, n):
    nets = _nets(policy)
    layers = _layers(*nets)
    timed = {"step": dtn_step(policy, n, False)}
    for k, layer in enumerate(layers):
        for kind, call in _alone(layer, n).items():
            timed[k, kind] = call
    seconds = in_turns(timed)
    step = seconds.pop("step")
    print(f"## Layer by layer, {policy}, {n} + {n} images, step {1000 * step:.0f} ms\n")
    print("| layer | output | MFLOP | forward | of its input | of its weights | share of step |")
    print("|---|---|---|---|---|---|---|")
    total = 0.0
    for k, layer in enumerate(layers):
        calls = _calls(layer, False)
        spent = [seconds.get((k, kind), 0.0) for kind in ("y", "dx", "dw")]
        share = sum(c * s for c, s in zip(calls, spent, strict=True)) / step
        total += share
        rates = " | ".join(
            f"{n * layer['work'] / s / 1e9:.0f} GFLOP/s x {c}" if c else ""
            for c, s in zip(calls, spent, strict=True)
        )
        shape = "x".join(map(str, layer["output"]))
        print(f"| {layer['name']} | {shape} | {layer['work'] / 1e6:.1f} | {rates} | {share:.0%} |")
    print(f"| all of them, one at a time | | | | | | {total:.0%} |")


def _nets(policy):
    settings = config.make("dtn", precision=policy)
    dtn = build.build(settings, _DOMAIN, make.content_of(_f(settings)))
    return dtn.f, dtn.g, dtn.d


def _f(settings):
    return ContentEncoder(settings.f_channels, dtype=settings.precision)


def dtn_step(policy, n, is_known):
    """Returns a call that takes one step of preset `dtn` on a fixed batch of n + n images."""
    settings = config.make("dtn", precision=precision.resolve(policy))
    dtn = build.build(settings, _DOMAIN, make.content_of(_f(settings)))
    draw = np.random.default_rng(0)
    x_s, x_t = (tf.constant(draw.uniform(-1, 1, (n, 32, 32, c)), tf.float32) for c in (3, 1))
    fx = (tf.zeros((n, dtn.f.features)),) if is_known else ()  # speed needs no true f(x)
    step = tf.function(dtn.train_step)
    return lambda: float(step(((x_s, *fx), (x_t, *fx)))["L_G"])  # waits for the result


def _layers(f, g, d):
    """Every convolution of the three nets: what it reads, and its work for one image."""
    found = []
    for name, net, layers, x in (
        ("f", f, f.convs, tf.zeros((1, 32, 32, 3))),
        ("g", g, g.deconvs, tf.zeros((1, g.features))),
        ("D", d, d.convs, tf.zeros((1, 32, 32, 1))),
    ):
        inputs = _inputs_of(layers, lambda net=net, x=x: net(x))
        for k, (layer, shape) in enumerate(zip(layers, inputs, strict=True)):
            output = layer.compute_output_shape(shape)[1:]
            pixels = shape if name == "g" else (None, *output)  # each meets the whole kernel
            found.append(
                {
                    "name": f"{name} {k + 1}",
                    "net": name,
                    "first": k == 0,
                    "layer": layer,
                    "input": shape[1:],
                    "output": output,
                    "work": 2.0 * np.prod(layer.kernel.shape) * pixels[1] * pixels[2],
                }
            )
    return found


def _inputs_of(layers, call):
    """Shapes that layers read during a call."""
    shapes = []
    for layer in layers:

        def watched(x, original=layer.call):
            shapes.append(tuple(x.shape))
            return original(x)

        layer.call = watched
    call()
    for layer in layers:
        del layer.call
    return shapes


def _calls(layer, is_known):
    counts = _FIRST if layer["first"] else _CALLS
    return (_KNOWN if is_known else counts).get(layer["net"], counts[layer["net"]])


def _alone(layer, n):
    """One layer's three computations; the graph holds nothing that is not asked for."""
    net = layer["layer"]
    dtype = net.compute_dtype
    x = tf.cast(tf.random.normal((n, *layer["input"])), dtype)
    dy = tf.cast(tf.random.normal((n, *layer["output"])), dtype)

    def gradient_of(what):
        @tf.function
        def run():
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = net(x)
            return tf.reduce_sum(tape.gradient(y, what, dy)[..., :1, :1])

        return run

    calls = {
        "y": tf.function(lambda: tf.reduce_sum(net(x)[:, :1, :1])),
        "dx": gradient_of(x),
        "dw": gradient_of(net.kernel.value),
    }
    wanted = dict(zip(("y", "dx", "dw"), _calls(layer, False), strict=True))
    return {kind: lambda call=call: float(call()) for kind, call in calls.items() if wanted[kind]}


def peaks(dtype):
    """What to compare with: name -> (call, its floating-point operations)."""
    a = tf.cast(tf.random.normal((4096, 4096)), dtype)
    x = tf.cast(tf.random.normal((64, 32, 32, 256)), dtype)
    kernel = tf.cast(tf.random.normal((3, 3, 256, 256)), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)[:1]))
    convolution = tf.function(lambda: tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, "SAME")[:1]))
    return {
        "matrix product 4096^3": (lambda: float(product()), 2.0 * 4096**3),
        "convolution 3x3, 256 to 256 channels, 64x32x32": (
            lambda: float(convolution()),
            2.0 * 64 * 32 * 32 * 9 * 256 * 256,
        ),
    }


def in_turns(timed):
    """Median seconds of each call, all called in turns; the first two rounds warm up."""
    seconds = {name: [] for name in timed}
    for k in range(_ROUNDS.value + 2):
        for name, call in timed.items():
            begin = time.perf_counter()
            call()
            if k >= 2:
                seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values)) for name, values in seconds.items()}


if __name__ == "__main__":
    app.run(main)
