"""Which operations and kernels does a training step spend its time in?

    python -m benchmarks.kernels

Two tables of the step of preset `dtn` on random images, f(x) known or computed. First by kind
of operation, from TensorFlow's profiler: milliseconds a step on the threads that run
operations, of which there is one per processor, and their share of what these have. Then by
kernel, from oneDNN's verbose log: which implementation did what. `backward_data` is the
gradient of an input, or a transposed convolution forward; a reorder lays out a kernel for a
convolution. Both write while they measure: the step is slower than `benchmarks.step` finds it.
"""

import collections
import os
import pathlib
import re
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as importing dtn_tf first does
os.environ["ONEDNN_VERBOSE"] = "profile_exec"

import tensorflow as tf
from absl import app, flags
from tensorflow.tsl.profiler.protobuf import xplane_pb2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from benchmarks.step import dtn_step
from dtn_tf import environment

_BATCH_SIZE = flags.DEFINE_integer("images", 64, "Of s, and of t.", lower_bound=2)
_PRECISION = flags.DEFINE_string("precision", "auto", "As in train_main.py.")
_KNOWN = flags.DEFINE_bool("known", True, "Whether f(x) is known.")
_STEPS = flags.DEFINE_integer("steps", 10, "Measured steps.", lower_bound=1)
_TOP = flags.DEFINE_integer("top", 30, "Lines of each table.", lower_bound=1)
_CONVOLUTION = re.compile(r"ic(\d+)oc(\d+)_ih(\d+)oh(\d+)kh(\d+)")


def main(argv):
    """Prints two tables of Markdown."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "onednn.txt"
        with log.open("w") as file, environment.redirected(sys.stdout, 1, file):
            step = dtn_step(_PRECISION.value, _BATCH_SIZE.value, _KNOWN.value)
            for _ in range(3):  # compiles, warms up
                step()
            before = log.stat().st_size
            tf.profiler.experimental.start(folder)
            begun = time.perf_counter()
            for _ in range(_STEPS.value):
                step()
            spent = 1000 * (time.perf_counter() - begun) / _STEPS.value
            tf.profiler.experimental.stop()
        lines = log.read_bytes()[before:].decode().splitlines()
        (profile,) = pathlib.Path(folder).rglob("*.xplane.pb")
        operations = _operations(profile)
    known = "known" if _KNOWN.value else "computed"
    size, processors = _BATCH_SIZE.value, os.cpu_count()
    print(f"{size} + {size} images, f(x) {known}, {processors} processors, step {spent:.1f} ms\n")
    _print("operation", operations, processors * spent)
    _print("kernel | implementation | what", _kernels(lines), processors * spent)


def _operations(path):
    """Kind of operation -> (calls, milliseconds), by TensorFlow's profiler."""
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    found = collections.defaultdict(lambda: [0, 0.0])
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events if line.name.startswith("tf_Compute") else ():
                name = plane.event_metadata[event.metadata_id].name
                if name != "ExecutorState::Process":  # holds the others
                    entry = found[name.rpartition(":")[2]]
                    entry[0] += 1
                    entry[1] += event.duration_ps / 1e9
    return found


def _kernels(lines):
    """Kernel, implementation and problem -> (calls, milliseconds), by oneDNN's log."""
    found = collections.defaultdict(lambda: [0, 0.0])
    for line in lines:
        fields = line.split(",")
        if fields[0] != "onednn_verbose" or fields[3] != "exec":
            continue
        kind, implementation, direction, problem, spent = *fields[5:8], fields[-2], fields[-1]
        if kind == "convolution":
            channels, filters, size, smaller, kernel = _CONVOLUTION.search(problem).groups()
            problem = (
                f"{kernel}x{kernel}, {channels} at {size}x{size} - {filters} at {smaller}x{smaller}"
            )
        name = kind if direction == "undef" else f"{kind} {direction}"
        entry = found[f"{name} | {implementation} | {problem}"]
        entry[0] += 1
        entry[1] += float(spent)
    return found


def _print(head, found, whole):
    """One line per name, what takes longest first, and sums of the others and of all."""
    if not found:
        sys.exit(f"error: nothing was found for the table of {head!r}; is oneDNN on?")
    columns = head.count("|") + 1
    print(f"| {head} | calls a step | ms a step | share |")
    print("|---" * (columns + 3) + "|")
    in_order = sorted(found.items(), key=lambda item: -item[1][1])
    rest = in_order[_TOP.value :]
    rows = in_order[: _TOP.value]
    empty = " |" * (columns - 1)
    for name, entries in ((f"{len(rest)} others{empty}", rest), (f"all{empty}", in_order)):
        rows.append((name, [sum(column) for column in zip(*(v for _, v in entries), strict=True)]))
    for name, (calls, milliseconds) in ((n, v) for n, v in rows if v):
        calls, milliseconds = calls / _STEPS.value, milliseconds / _STEPS.value
        print(f"| {name} | {calls:.0f} | {milliseconds:.2f} | {milliseconds / whole:.1%} |")
    print()


if __name__ == "__main__":
    app.run(main)
