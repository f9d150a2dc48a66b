"""Processes that make arrays: they leave Ctrl-C to their parent, and die when it does."""

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import threading

_ROOT = pathlib.Path(__file__).resolve().parents[3]


def run(calls, arrays, num_rows, tick):
    """Has each call made by a process of its own, which sends arrays with `send`.

    Not `multiprocessing`: a fork of a process that runs TensorFlow can hang, and a
    spawn runs the user's script again unless it has a `__main__` guard.

    Args:
        calls: Python statements, one a process.
        arrays: For each call the arrays to fill, C-contiguous and of equal length.
        num_rows: Rows that a process sends of every array at a time.
        tick: Function of how many rows came; it is called from several threads.

    Raises:
        RuntimeError: If a process fails.
    """
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        workers = []
        try:
            for call in calls:
                workers.append(_start(call))
            filled = [
                pool.submit(_receive, worker, parts, num_rows, tick)
                for worker, parts in zip(workers, arrays, strict=True)
            ]
            for result in concurrent.futures.as_completed(filled):
                result.result()
        finally:
            for worker in workers:  # then the threads come to an end, too
                worker.kill()
                worker.wait()
                worker.stdin.close()
    for worker in workers:
        worker.stdout.close()


def begin():
    """What a worker does first: Ctrl-C is the parent's, and so is its own life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def send(*arrays):
    """Sends rows to the parent."""
    for array in arrays:
        sys.stdout.buffer.write(array.tobytes())
    sys.stdout.buffer.flush()


def _die_with_parent():
    """The parent holds the other end of this pipe until it ends, however it does."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _start(call):
    code = f"from dtn_tf.data.builtin import workers; workers.begin(); {call}"
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | one_thread | {"PYTHONPATH": path},
        start_new_session=True,  # the terminal sends Ctrl-C to the parent alone
    )


def _receive(worker, arrays, num_rows, tick):
    for start in range(0, len(arrays[0]), num_rows):
        for array in arrays:
            rows = array[start : start + num_rows]
            if worker.stdout.readinto(memoryview(rows).cast("B")) != rows.nbytes:
                raise RuntimeError(
                    f"A process that draws digits ended with status {worker.wait()}; its message"
                    " is above. draw(..., num_workers=0) draws without other processes."
                )
        tick(num_rows)
