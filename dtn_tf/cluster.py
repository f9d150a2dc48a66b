"""Training on many machines: each runs the same command, and one of them, the chief, writes.

Keras' `fit` fails on `MultiWorkerMirroredStrategy`: it averages logs along an axis they do not
have. The loop here takes its place.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile

import tensorflow as tf

from dtn_tf.errors import UserError

_AGREE_EVERY = 10  # steps; a signal stops all machines after the same one
_joined = []  # the strategy of this process, if it is one of a cluster
_OF_PEERS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.DeadlineExceededError,
)


def join():
    """Joins the cluster that the environment describes; without one nothing happens.

    Called before TensorFlow's first operation. The environment is TF_CONFIG with several workers,
    or that of a Slurm step with several tasks.

    Returns:
        Whether there is one.

    Raises:
        UserError: If TF_CONFIG is not what TensorFlow understands.
    """
    resolver = _resolver()
    if resolver is None or _joined:
        return bool(_joined)
    _joined.append(tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver))
    return True


def num_replicas():
    """Devices of all machines together; 1 without a cluster, whatever `devices` says."""
    return _joined[0].num_replicas_in_sync if _joined else 1


def is_chief():
    """Whether this process writes: the chief, else worker 0, else the only one."""
    if not _joined:
        return True
    resolver = _joined[0].cluster_resolver
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" if has_chief else resolver.task_id == 0


def scope():
    """Returns the context in which models of the cluster are made; None without a cluster."""
    return _joined[0].scope() if _joined else None


def trains(model):
    """Whether a model was made in `scope()`."""
    return bool(_joined) and model.distribute_strategy is _joined[0]


def describe():
    """Returns a few words for people; "" without a cluster."""
    return f", {num_replicas()} devices of {_num_workers()} processes" if _joined else ""


def wait():
    """Waits until every machine is here. One that has ended is an error in all others."""
    if _joined:
        _any(False)


@contextlib.contextmanager
def folder(workdir):
    """Gives the folder to write to: a run's own, where this is the chief.

    Other machines compute what the chief computes, for a weight cannot be read by one alone.
    They write into a folder that is deleted in the end; what the run has so far is copied to it.
    """
    wait()  # until the chief has made f
    own = pathlib.Path(workdir if is_chief() else tempfile.mkdtemp(prefix="dtn_tf-"))
    try:
        if not is_chief():
            ignored = shutil.ignore_patterns("tb", "grids", "lock", "partial-*")
            shutil.copytree(workdir, own, dirs_exist_ok=True, ignore=ignored)
        wait()  # until all have it
        yield own
        wait()  # a machine that leaves stops the others
    finally:
        if not is_chief():
            shutil.rmtree(own, ignore_errors=True)


def fit(model, data, callbacks):
    """Trains a model of the cluster by its `train_step`: what `model.fit` does elsewhere.

    Args:
        model: Compiled `keras.Model`, made in `scope()`.
        data: `tf.data.Dataset` of whole batches, the same on every machine.
        callbacks: `keras.callbacks.CallbackList` with the model set.

    Returns:
        Number of the signal that stopped all of them, SIGTERM, if one of them got any; else 0.

    Raises:
        UserError: If another machine has ended.
    """
    strategy = _joined[0]

    def on_replica(batch):
        logs = model.train_step(batch)
        means = tf.distribute.get_replica_context().all_reduce("MEAN", tf.stack([*logs.values()]))
        return dict(zip(logs, tf.unstack(means), strict=True))

    @tf.function
    def step(batch):
        logs = strategy.run(on_replica, args=(batch,))
        return {name: strategy.experimental_local_results(v)[0] for name, v in logs.items()}

    number = 0
    model.stop_training = False
    model.reset_metrics()
    callbacks.on_train_begin()
    try:
        for k, batch in enumerate(_shared(data, strategy)):
            callbacks.on_train_batch_end(k, step(batch))
            if (k + 1) % _AGREE_EVERY == 0 and _any(model.stop_training):
                number = signal.SIGTERM
                break
    except _OF_PEERS as error:
        raise UserError(
            "Another machine of the cluster has ended, or cannot be reached:"
            f" {str(error).splitlines()[0]:.200} Start all of them again: the run resumes from its"
            " last checkpoint."
        ) from error
    callbacks.on_train_end()  # after a stop, too: the last losses are looked at
    return number


def _any(asked):
    """Whether any machine asks for something; waits for all of them."""
    strategy = _joined[0]
    own = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(float(asked))
    )
    found = _sum(own)
    return float(strategy.experimental_local_results(found)[0]) > 0.0


@tf.function
def _sum(values):
    def on_replica(value):
        own = tf.identity(value)  # on this device; an argument is on none
        return tf.distribute.get_replica_context().all_reduce("SUM", own)

    return _joined[0].run(on_replica, (values,))


def _shared(data, strategy):
    """Each device's part of every batch: rows in the order of the devices, as of one with all."""
    count, local = strategy.num_replicas_in_sync, strategy.num_replicas_in_sync // _num_workers()

    def of_machine(context):
        first = context.input_pipeline_id * local

        def parts(*batch):
            split = tf.nest.map_structure(
                lambda x: tf.reshape(x, (count, x.shape[0] // count, *x.shape[1:])), batch
            )
            own = tf.nest.map_structure(lambda x: x[first : first + local], split)
            return tf.data.Dataset.from_tensor_slices(own)

        return data.flat_map(parts).prefetch(2 * local)

    return strategy.distribute_datasets_from_function(of_machine)


def _num_workers():
    spec = _joined[0].cluster_resolver.cluster_spec()
    return sum(spec.num_tasks(job) for job in spec.jobs if job in ("chief", "worker"))


def _resolver():
    resolvers = tf.distribute.cluster_resolver
    if os.environ.get("TF_CONFIG"):
        try:
            resolver = resolvers.TFConfigClusterResolver()
            jobs = resolver.cluster_spec().as_dict()
            known = resolver.task_type in jobs
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"TF_CONFIG is not what TensorFlow takes: {error}") from error
        if jobs and not known:
            raise UserError(f"TF_CONFIG: task type {resolver.task_type!r} is none of {list(jobs)}.")
        num_tasks = sum(len(addresses) for addresses in jobs.values())
        return resolver if num_tasks > 1 else None
    if int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1:
        resolver = resolvers.SlurmClusterResolver()
        resolver.cluster_spec()  # it finds its own number here
        return resolver
    return None
