"""f first, then g and D on unlabelled pictures: the order of events."""

import contextlib
import dataclasses
import functools
import pathlib
import shutil

import numpy as np
import tensorflow as tf

from dtn_tf import (
    build,
    callbacks,
    cluster,
    devices,
    environment,
    files,
    health,
    hparams,
    images,
    loop,
    paths,
    precision,
    rules,
    runs,
    serving,
    starts,
    warm,
)
from dtn_tf.content import codes, features, make
from dtn_tf.data import pipeline, stores
from dtn_tf.data import sets as sets_lib
from dtn_tf.data.pictures import AT_MOST
from dtn_tf.errors import UserError

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
        UserError: If the data cannot be had, or a folder of pictures would be ignored.
    """
    environment.check_keras()
    data, number_format = (
        config.data,
        precision.resolve(config.precision, max(config.devices, cluster.num_replicas())),
    )
    if runs.is_run(workdir):
        begun = runs.read(workdir).config
        starts.check_folder(workdir, begun, config)
        data = begun.data if data == "auto" else data
        number_format = begun.precision if config.precision == "auto" else number_format
    content = paths.absolute(config.content)  # a run is resumed from other folders, too
    config = dataclasses.replace(config, data=data, precision=number_format, content=content)
    store = stores.of(config, cache_dir)
    sets = sets_lib.of(config, store)
    if make.kind_of(config, sets) == make.UNLABELLED and not sets.task.content.classes:
        config = dataclasses.replace(config, content="auto")  # one name for one f
    data_dir = None if store.name == "builtin" else config.data_dir  # auto found nothing in it
    return dataclasses.replace(config, data=store.name, data_dir=data_dir), store


def describe(config, workdir, cache_dir):
    """What a run would be, as text, without training anything, or loading what is not kept."""
    config, store = resolve(config, workdir, cache_dir)
    sets = sets_lib.of(config, store)
    lines = [f"{k:24} {v}" for k, v in dataclasses.asdict(config).items()]
    lines += ["", f"f: {make.kind_of(config, sets)}", store.notice, *store.warnings()]
    return "\n".join([*lines, *sets.describe()])


def train(config, workdir, cache_dir, watchers=()):
    """Trains a run to its end, or resumes one that was stopped.

    Args:
        config: `DTNConfig`.
        workdir: Where the run leaves everything.
        cache_dir: Where f and drawn digits are kept, shared between runs.
        watchers: More `keras.callbacks.Callback`s for the training of g and D. Each gets the
            attributes `writer`, the `tf.summary` writer of its curves, and `progress`, the
            `callbacks.Progress` of the run.

    Returns:
        The trained `DTN`.

    Raises:
        UserError: If settings, data or directory are wrong: nothing was trained. Or if a loss
            or a weight is not finite, or the disk is full: the last checkpoint is good.
        Interrupted: After Ctrl-C, with a checkpoint written.
    """
    workdir = pathlib.Path(workdir)
    config, store = resolve(config, workdir, cache_dir)
    starts.check(workdir, config)
    if (workdir / "dtn.keras").is_file():
        print(f"{workdir} is finished: there is nothing to train.")
        _tidy_up(workdir)
        return serving.load(workdir)
    print("\n".join([store.notice, *_warned(store)]), flush=True)
    devices.check(config)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    print(f"device: {devices.describe(config.devices)}, {config.precision}", flush=True)
    with files.locked(workdir) if cluster.is_chief() else contextlib.nullcontext():
        if (workdir / "dtn.keras").is_file():  # by a process that had the lock before
            return serving.load(workdir)
        sets = sets_lib.of(config, store)
        if cluster.is_chief():
            _begin(config, sets, store, workdir, cache_dir)
        with cluster.folder(workdir) as own:
            return _train(config, sets, own, cache_dir, watchers)


def _begin(config, sets, store, workdir, cache_dir):
    """Notes a start of the run, and leaves its f in it."""
    data = {"name": store.name, "notice": store.notice, **sets.facts()}
    data["channels"] = sets.task.source.channels
    run = starts.begin(workdir, config, data, build.RECIPE, cache_dir)
    starts.keep_f(run, make.make(config, sets, workdir, cache_dir))


def _train(config, sets, workdir, cache_dir, watchers):
    """Trains g and D of a run that has its f, and writes what it comes to."""
    s, t, validation, task = sets.s, sets.t, sets.validation.unlabelled(), sets.task
    del sets  # from here on no training code can reach a label
    spent = runs.timing(workdir)
    with devices.scope(config.devices):  # f, too: each device has one
        content = make.load(workdir)
        fx_s, fx_t = (_known(config, content, part, cache_dir) for part in (s, t))
        s = balanced(s, content, fx_s, config.seed) if config.balance_s else s
        spent["f_reads"] = sum(features.seconds(fx) for fx in (fx_s, fx_t) if fx is not None)
        matching = None
        if config.match_features:
            matching = _matching(config, fx_s, fx_t)
        variance = codes.variance(fx_t) if config.content_distance == "nmse" else 1.0
        dtn = build.build(config, task, content, matching, variance)
        if config.warm_steps:
            spent["warm_start"] = warm.fit(dtn, config, (t, fx_t), workdir)
        fit_dtn(dtn, config, (s, fx_s), (t, fx_t), validation, workdir, watchers)
    serving.export(dtn, workdir / "export", task.source.channels)
    spent["dtn"] = loop.seconds(workdir / "checkpoints")
    files.save_json(workdir / "timing.json", spent)
    files.save(workdir / "dtn.keras", dtn.save, _num_bytes(dtn))
    _remove(_passing(workdir))
    return dtn


def _matching(config, fx_s, fx_t):
    """What brings f(s) to f(t) in training and in a translation: arguments of `MatchedDTN`."""
    scale, shift = codes.match_features(fx_s, fx_t, config.caricature)
    found = {"scale": scale, "shift": shift}
    if config.test_caricature:
        found["test_matching"] = codes.match_features(fx_s, fx_t, config.test_caricature)
    return found


def _passing(workdir):
    """Folders that a run needs until it is finished."""
    return [workdir / n for n in ("checkpoints", warm.FOLDER) if (workdir / n).exists()]


def _remove(folders):
    for path in folders:
        shutil.rmtree(path, ignore_errors=True)


def _tidy_up(workdir):
    """Removes what a finished run left that was killed in its last second."""
    if not _passing(workdir) or not cluster.is_chief():
        return
    with contextlib.suppress(UserError), files.locked(workdir):  # or another process does it
        _remove(_passing(workdir))


def _known(config, content, pictures, cache_dir):
    """f(x) of a whole set, or None where training reads a part of it or none, or moves f."""
    is_needed = config.balance_s or config.match_features or config.content_distance == "nmse"
    is_read = config.steps * config.batch_size >= len(pictures)
    if config.method in ("yunjey", *rules.PEERS) or not (is_needed or is_read):
        return None
    return features.of(content.f, content.hash, pictures, cache_dir)


def balanced(s, content, fx, seed):
    """Returns s, to be shown with all classes that f sees in it equally often.

    19 % of house-number digits are 1s, 11 % of handwritten ones: shown as they come, "it
    is a 1" tells D something about "it is fake", and g learns to paint 1s as other digits.
    On another machine f may decide some images otherwise, and a run that is resumed there
    shows s in another order.

    Args:
        s: `Pictures`.
        content: `Content` with a head.
        fx: f(x) of all of s.
        seed: See `Pictures.balanced`.
    """
    classes = np.argmax(content.head(content.f.hidden(fx)), axis=1)
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
    return s.balanced(classes, seed)


def fit_dtn(dtn, config, s, t, validation, workdir, watchers):
    """Trains g and D of a compiled DTN, or resumes from the last checkpoint; see `train`.

    Args:
        dtn: `DTN`.
        config: `DTNConfig`, resolved.
        s: `Pictures` of the source, without labels, and f(x) of them all or None.
        t: The same of the target.
        validation: `Pictures` of the source to draw translations of.
        workdir: Run directory, with its config.json.
        watchers: More `keras.callbacks.Callback`s.
    """
    draw = np.random.default_rng(0)  # the same pictures in every run
    x_s = validation.pixels[draw.choice(len(validation.pixels), _NUM_SHOWN)]
    x_t = t[0].pixels[draw.choice(len(t[0]), _NUM_SHOWN)]
    with callbacks.writer(workdir / "tb" / "dtn") as writer:
        with writer.as_default(step=0):
            settings = (workdir / "config.json").read_text()
            tf.summary.text("config", f"```\n{settings}\n```")
        hparams.write(workdir, config)
        speed = config.log_every, 2 * config.batch_size
        told = health.Health(has_gan=config.gan > 0.0)
        name = config.method if config.method in rules.PEERS else "dtn"
        progress = callbacks.Progress(name, *speed, writer, dtn.shown, health=told)
        for watcher in watchers:
            watcher.writer, watcher.progress = writer, progress
        grid = callbacks.TranslationGrid(x_s, x_t, config.grid_every, workdir / "grids", writer)
        loop.fit(
            dtn,
            functools.partial(batches, config, s, t),
            config.steps,
            workdir / "checkpoints",
            [progress, grid, *watchers],
            config.checkpoint_every,
        )


def batches(config, s, t, start, stop):
    """Makes batches of s and t as `DTN.train_step` takes them.

    Args:
        config: `DTNConfig`; its batch size and seed count.
        s: `Pictures` of the source, and f(x) of them all or None.
        t: The same of the target.
        start: First batch.
        stop: One past the last.

    Returns:
        `tf.data.Dataset` of `stop - start` batches: for s and for t a tuple of images and,
        where it is known, f(x).
    """
    parts = tuple(
        (pictures.pixels,) if fx is None else (pictures.pixels, fx) for pictures, fx in (s, t)
    )
    where = (config.batch_size, config.seed, start, stop)
    copied = devices.holds(sum(array.nbytes for part in parts for array in part))
    numbered = pipeline.batches(parts, *where, (s[0].order, t[0].order), copied)
    return numbered.map(_scaled, num_parallel_calls=2).prefetch(4)


def _scaled(s, t, k):
    return tuple((images.to_model(part[0]), *part[1:]) for part in (s, t))


def _warned(store):
    return [f"WARNING: {warning}" for warning in store.warnings()]


def _num_bytes(model):
    """About how large the file of a model and its optimizers' moments is."""
    return 3 * sum(int(np.prod(v.shape)) * 4 for v in model.variables)
