"""Which devices train g and D: one, or replicas on several of one machine."""

import contextlib
import functools

import tensorflow as tf

from dtn_tf import cluster, environment, rules
from dtn_tf.errors import UserError


def scope(count):
    """Returns a context in which a model is made, and trained, on some devices of this machine.

    Every replica has all weights, takes an equal part of each batch, and moves by the gradients
    of all. In it statistics of batch norm are those of the whole batch.

    Args:
        count: Devices: GPUs, or where there are none, TensorFlow's CPU devices (one, unless
            `tf.config.set_logical_device_configuration` made more). 1 is no strategy at all.

    Raises:
        UserError: If there are fewer.
    """
    if cluster.scope():
        return cluster.scope()
    if count == 1:
        return contextlib.nullcontext()
    return _strategy(tuple(device.name for device in _found()[:count])).scope()


def check(config):
    """Refuses more devices than there are, and what those of a cluster cannot do.

    Args:
        config: `DTNConfig`.

    Raises:
        UserError: Says which there are.
    """
    count, found = config.devices, _found()
    if cluster.scope():
        rules.check_devices(config, cluster.num_replicas())
        if count > 1:
            raise UserError(
                f"devices={count} is for one machine; in a cluster each process takes all the GPUs"
                " it sees. Leave --devices out."
            )
    if count > len(found):
        kind = found[0].device_type if found else "no device"
        raise UserError(
            f"devices={count}, and TensorFlow sees {len(found)} here ({kind})."
            " Leave --devices out for one; CUDA_VISIBLE_DEVICES hides GPUs where it is set."
        )


def describe(count):
    """Returns what trains, for people: "GPU:0 (NVIDIA A100)", or the processor."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        several = f", {count} replicas" if count > 1 else cluster.describe()
        return f"CPU ({environment.processor()})" + several
    details = tf.config.experimental.get_device_details
    names = [f"GPU:{k} ({details(gpu).get('device_name', '?')})" for k, gpu in enumerate(gpus)]
    if cluster.scope():
        return ", ".join(names) + cluster.describe()
    idle = f"; {len(gpus) - count} more are idle, see --devices" if len(gpus) > count else ""
    return ", ".join(names[:count]) + idle


def holds(num_bytes):
    """Whether a GPU trains, and pictures of so many bytes are copied for it: up to 1 GiB.

    TensorFlow then gathers batches without Python. On a CPU a copy gains nothing.
    """
    return bool(tf.config.list_physical_devices("GPU")) and num_bytes <= _MOST_COPIED


_MOST_COPIED = 1 << 30


def _found():
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")


@functools.cache
def _strategy(names):
    """One for all trainings of a process: two would give their exchanges the same numbers."""
    return tf.distribute.MirroredStrategy(names)
