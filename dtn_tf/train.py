"""Trains f on labelled pictures, then g and D on unlabelled ones: the order of events."""

import dataclasses
import functools
import pathlib
import shutil
import time

import numpy as np
import tensorflow as tf

from dtn_tf import (
    build,
    callbacks,
    environment,
    files,
    images,
    loop,
    precision,
    pretrain,
    runs,
    serving,
)
from dtn_tf.data import domains, pipeline, stores
from dtn_tf.data.pictures import AT_MOST
from dtn_tf.data.sets import Sets

_SHOWN_DTN = ("L_D", "L_GANG_source", "L_CONST", "L_TID")
_NUM_SHOWN = 64  # images per grid
_NEARLY_ALL = 0.9  # of what f sees in s being one class: f knows nothing of s


def resolve(config, workdir, cache_dir):
    """Settles what "auto" leaves open, before anything is loaded.

    Args:
        config: `DTNConfig`.
        workdir: The run directory; a run that began on one data source resumes with it.
        cache_dir: Where drawn digits are kept.

    Returns:
        The config with `data` and `precision` decided, and the store of its pictures.

    Raises:
        UserError: If the data cannot be had.
    """
    environment.check_keras()
    data, number_format = config.data, precision.resolve(config.precision)
    if (pathlib.Path(workdir) / "config.json").exists():
        begun = runs.read(workdir).config
        data = begun.data if data == "auto" else data
        number_format = begun.precision if config.precision == "auto" else number_format
    store = stores.open_store(data, config.data_dir, cache_dir)
    return dataclasses.replace(config, data=store.name, precision=number_format), store


def describe(config, workdir, cache_dir):
    """What a run would be, as text, without loading or training anything."""
    config, store = resolve(config, workdir, cache_dir)
    task = domains.TASKS[config.domain]
    lines = [f"{k:24} {v}" for k, v in dataclasses.asdict(config).items()]
    lines += ["", store.notice]
    same = task.source == task.content
    for domain, split, use in (
        (task.content, config.pretrain_split, "labelled, trains f"),
        (task.source, config.pretrain_split if same else "train", "unlabelled, the set s"),
        (task.target, config.target_split, "unlabelled, the set t"),
    ):
        lines.append(f"{domain.title} {split} ({use}): {store.describe(domain, split)}")
    return "\n".join(lines)


def train(config, workdir, cache_dir, watchers=()):
    """Trains a run to its end, or resumes one that was stopped.

    Args:
        config: `DTNConfig`.
        workdir: Where the run leaves everything.
        cache_dir: Where f and drawn digits are kept, shared between runs.
        watchers: More `keras.callbacks.Callback`s for the training of g and D.

    Returns:
        The trained `DTN`.

    Raises:
        UserError: If settings, data or directory are wrong: nothing was trained. Or if a loss
            or a weight is not finite, or the disk is full: the last checkpoint is good.
        Interrupted: After Ctrl-C, with a checkpoint written.
    """
    workdir = pathlib.Path(workdir)
    config, store = resolve(config, workdir, cache_dir)
    runs.check(workdir, config)
    if (workdir / "dtn.keras").exists():
        print(f"{workdir} is finished: there is nothing to train.")
        return serving.load(workdir)
    print(store.notice, flush=True)
    print(f"device: {_device()}, {config.precision}", flush=True)
    with files.locked(workdir):
        sets = Sets(config, store)
        data = {"name": store.name, "notice": store.notice, **sets.facts()}
        run = runs.begin(workdir, config, data, build.RECIPE, cache_dir)
        runs.keep_f(run, pretrain.make_f(config, sets, workdir, cache_dir))
        classifier = pretrain.load_f(workdir)
        s, t, validation = sets.s, sets.t, sets.validation.unlabelled()
        spent = runs.timing(workdir)
        if config.balance_s:
            begun = time.perf_counter()
            s = balanced(s, classifier, config.seed)
            spent["balance_s"] = time.perf_counter() - begun
        del sets, store  # from here on no training code can reach a label
        dtn = build.build(config, domains.TASKS[config.domain], classifier)
        fit_dtn(dtn, config, s, t, validation, workdir, watchers)
        serving.export(dtn, workdir / "export", domains.TASKS[config.domain].source.channels)
        spent["dtn"] = loop.seconds(workdir / "checkpoints")
        files.save_json(workdir / "timing.json", spent)
        files.save(workdir / "dtn.keras", dtn.save, _num_bytes(dtn))
        shutil.rmtree(workdir / "checkpoints", ignore_errors=True)
    return dtn


def balanced(s, classifier, seed):
    """Returns s, to be shown with all classes that f sees in it equally often.

    19 % of house-number digits are 1s, 11 % of handwritten ones: shown as they come, "it
    is a 1" tells D something about "it is fake", and g learns to paint 1s as other digits.
    f(x), computed for it, stays with s. On another machine f may decide some images
    otherwise, and a run that is resumed there shows s in another order.
    """
    fx = serving.apply(classifier.encoder, s.pixels, label=f"f reads {s.title}")
    classes = np.argmax(classifier.head(classifier.encoder.hidden(fx)), axis=1)
    counts = np.bincount(classes)
    shares = ", ".join(f"{c}: {n / len(classes):.1%}" for c, n in enumerate(counts) if n)
    print(
        f"f sees in {s.title}: {shares}. They are shown equally often,"
        f" no image more than {AT_MOST} times an epoch.",
        flush=True,
    )
    if counts.max() > _NEARLY_ALL * len(classes):
        print(
            f"WARNING: nearly all of {s.title} is one class to f. It tells these pictures apart"
            " badly, and so will G. Train f longer (--pretrain_steps), or look at the pictures.",
            flush=True,
        )
    return dataclasses.replace(s.balanced(classes, seed), features=fx)


def fit_dtn(dtn, config, s, t, validation, workdir, watchers):
    """Trains g and D of a compiled DTN, or resumes from the last checkpoint; see `train`.

    Args:
        dtn: `DTN`.
        config: `DTNConfig`, resolved.
        s: `Pictures` of the source, without labels.
        t: `Pictures` of the target, without labels.
        validation: `Pictures` of the source to draw translations of.
        workdir: Run directory, with its config.json.
        watchers: More `keras.callbacks.Callback`s.
    """
    remembers = not dtn.f.trainable
    if remembers:
        dtn.remember(len(s.pixels), len(t.pixels), s.features)
    draw = np.random.default_rng(0)  # the same pictures in every run
    x_s = validation.pixels[draw.choice(len(validation.pixels), _NUM_SHOWN)]
    x_t = t.pixels[draw.choice(len(t.pixels), _NUM_SHOWN)]
    with callbacks.writer(workdir / "tb" / "dtn") as writer:
        with writer.as_default(step=0):
            settings = (workdir / "config.json").read_text()
            tf.summary.text("config", f"```\n{settings}\n```")
        progress = callbacks.Progress(
            "dtn", config.log_every, 2 * config.batch_size, writer, _SHOWN_DTN
        )
        grid = callbacks.TranslationGrid(x_s, x_t, config.grid_every, workdir / "grids", writer)
        loop.fit(
            dtn,
            functools.partial(batches, config, s, t, remembers),
            config.steps,
            workdir / "checkpoints",
            [progress, grid, *watchers],
            config.checkpoint_every,
        )


def batches(config, s, t, with_rows, start, stop):
    """Makes batches of s and t as `DTN.train_step` takes them.

    Args:
        config: `DTNConfig`; its batch size and seed count.
        s: `Pictures` of the source.
        t: `Pictures` of the target.
        with_rows: Whether each image comes with its place in its set.
        start: First batch.
        stop: One past the last.

    Returns:
        `tf.data.Dataset` of `stop - start` batches.
    """
    parts = tuple((part.pixels, np.arange(len(part.pixels))) for part in (s, t))
    where = (config.batch_size, config.seed, start, stop)
    numbered = pipeline.batches(parts, *where, orders=(s.order, t.order))
    return numbered.map(_with_rows if with_rows else _scaled, num_parallel_calls=2).prefetch(4)


def _scaled(s, t, k):
    """Images alone."""
    return images.to_model(s[0]), images.to_model(t[0])


def _with_rows(s, t, k):
    """Images with their places."""
    return (images.to_model(s[0]), s[1]), (images.to_model(t[0]), t[1])


def _device():
    gpus = [gpu.name for gpu in tf.config.list_logical_devices("GPU")]
    return ", ".join(gpus) or f"CPU ({environment.processor()})"


def _num_bytes(model):
    """About how large the file of a model and its optimizers' moments is."""
    return 3 * sum(int(np.prod(v.shape)) * 4 for v in model.variables)
