"""How much of this machine's speed does a step of a preset reach?

    python -m benchmarks.peak [--step_of=dtn_face]

Counts the multiplications and additions of all convolutions and matrix products in the graph of
one step, f(x) known, and times the step. Beside it, in turns, one large matrix product and one
large convolution. The step's rate over theirs is its share of the peak.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does

import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import step
from dtn_tf import build, cli, config, precision
from dtn_tf.content import make
from dtn_tf.data import domains
from dtn_tf.nets.content import ContentEncoder

_PRESET = flags.DEFINE_string("step_of", "dtn_face", "A preset of faces.")


def main(argv):
    """Prints one table of Markdown."""
    del argv
    policy = precision.resolve("auto")
    settings = config.make(_PRESET.value, precision=policy)
    work, call = _step_of(settings)
    peaks = step.peaks(policy.removeprefix("mixed_"))
    seconds = step.in_turns({"step": call, **{name: one for name, (one, _) in peaks.items()}})
    rate = work / seconds["step"]
    print(f"{_PRESET.value}, {policy}, {settings.batch_size} + {settings.batch_size} images\n")
    print("| what | GFLOP | ms | GFLOP/s | share that the step reaches |\n|---|---|---|---|---|")
    print(f"| step | {work / 1e9:.1f} | {1000 * seconds['step']:.0f} | {rate / 1e9:.0f} | |")
    for name, (_, of_peak) in peaks.items():
        peak = of_peak / seconds[name]
        print(
            f"| {name} | {of_peak / 1e9:.1f} | {1000 * seconds[name]:.0f} | {peak / 1e9:.0f}"
            f" | {rate / peak:.0%} |"
        )


def _step_of(settings):
    """Floating-point operations of a step, and a call that takes it and waits."""
    n, policy = settings.batch_size, settings.precision
    f = ContentEncoder(
        settings.f_channels,
        depths=settings.f_depths,
        size=settings.size,
        dense=settings.f_dense,
        dtype=policy,
    )
    picture = domains.Domain("picture", "picture", settings.size, 3)
    task = domains.Task(settings.domain, source=picture, target=picture, content=picture)
    dtn = build.build(
        settings, task, make.content_of(f), (np.ones(f.features), np.zeros(f.features))
    )
    draw = np.random.default_rng(0)
    shape = (n, settings.size, settings.size, 3)
    part = tf.constant(draw.uniform(-1, 1, shape), tf.float32), tf.zeros((n, f.features))
    stepped = tf.function(dtn.train_step)
    graph = stepped.get_concrete_function((part, part)).graph
    return work_of(graph), lambda: float(stepped((part, part))["L_G"])


def work_of(graph):
    """Floating-point operations of a graph's convolutions and matrix products: float."""
    return sum(_work(graph, op) for op in graph.get_operations())


def _work(graph, op):
    called = [op.get_attr(k).name for k in ("f", "then_branch") if k in op.node_def.attr]
    if called:
        return sum(work_of(graph._get_function(name).graph) for name in called)
    if op.type == "Conv2D":
        return _convolution(op.inputs[1].shape, op.outputs[0].shape)
    if op.type == "Conv2DBackpropInput":
        return _convolution(op.inputs[1].shape, op.inputs[2].shape)
    if op.type == "Conv2DBackpropFilter":
        return _convolution(op.outputs[0].shape, op.inputs[2].shape)
    if op.type in ("MatMul", "BatchMatMulV2"):
        of_left = "transpose_a" if op.type == "MatMul" else "adj_x"
        left = op.inputs[0].shape
        inner = left[-2] if op.get_attr(of_left) else left[-1]
        return 2.0 * op.outputs[0].shape.num_elements() * inner
    return 0.0


def _convolution(kernel, output):
    """Every place of the output reads the whole kernel for each filter; no border is left out."""
    return 2.0 * kernel.num_elements() * output[0] * output[1] * output[2]


if __name__ == "__main__":
    cli.run(main)
