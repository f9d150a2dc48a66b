"""Trains f on labelled digits, then g and D on unlabelled ones."""

import dataclasses
import functools
import pathlib
import shutil
import time

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import callbacks, classify, images, loop, precision, pretrain, run_dir, serving
from dtn_tf.adam import Adam
from dtn_tf.data import domains, pipeline, sources
from dtn_tf.data.digits import AT_MOST, hold_out
from dtn_tf.dtn import DTN
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.nets.decoder import Decoder
from dtn_tf.nets.discriminator import Discriminator
from dtn_tf.nets.strided import StridedDiscriminator
from dtn_tf.variants import (
    Baseline,
    ClassDTN,
    PixelDTN,
    PixelGenerator,
    StyledGenerator,
    YunjeyDTN,
)

_SHOWN_DTN = ("L_D", "L_GANG_source", "L_CONST", "L_TID")
_NUM_SHOWN = 64  # images per grid
_METHODS = {
    "dtn": DTN,
    "pixels": PixelDTN,
    "baseline": Baseline,
    "class": ClassDTN,
    "yunjey": YunjeyDTN,
}


def resolve(config, workdir, cache_dir):
    """Settles what "auto" leaves open, before anything is loaded.

    Args:
        config: `DTNConfig`.
        workdir: The run directory; a run that began on one data source goes on with it.
        cache_dir: Where drawn digits are kept.

    Returns:
        The config with `data` and `precision` decided, the source, and the task.

    Raises:
        ValueError: If the domain is unknown or the data cannot be had.
    """
    if config.domain not in domains.TASKS:
        raise ValueError(f"domain={config.domain!r}; known are {', '.join(domains.TASKS)}.")
    data = config.data
    if data == "auto" and (pathlib.Path(workdir) / "config.json").exists():
        data = run_dir.read(workdir)["config"]["data"]
    source = sources.open_source(data, config.data_dir, cache_dir)
    decided = {"data": source.name, "precision": precision.resolve(config.precision)}
    return dataclasses.replace(config, **decided), source, domains.TASKS[config.domain]


def describe(config, workdir, cache_dir):
    """What a run would be, as text, without loading or training anything."""
    config, source, task = resolve(config, workdir, cache_dir)
    lines = [f"{k:24} {v}" for k, v in dataclasses.asdict(config).items()]
    lines += ["", source.notice]
    same = task.source == task.content
    for domain, split, use in (
        (task.content, config.pretrain_split, "labelled, trains f"),
        (task.source, config.pretrain_split if same else "train", "unlabelled, the set s"),
        (task.target, config.target_split, "unlabelled, the set t"),
    ):
        lines.append(f"{domain.title} {split} ({use}): {source.describe(domain, split)}")
    return "\n".join(lines)


def train(config, workdir, cache_dir, watchers=()):
    """Trains a run to its end, or goes on with one that was stopped.

    Args:
        config: `DTNConfig`.
        workdir: Where the run leaves everything.
        cache_dir: Where f and drawn digits are kept, shared between runs.
        watchers: More `keras.callbacks.Callback`s for the training of g and D.

    Returns:
        The trained `DTN`.

    Raises:
        ValueError: If settings, data or directory are wrong; nothing was trained.
        loop.Interrupted: After Ctrl-C, with a checkpoint written.
        FloatingPointError: If a loss is not finite.
    """
    workdir = pathlib.Path(workdir)
    config, source, task = resolve(config, workdir, cache_dir)
    run_dir.check(workdir, config)
    if (workdir / "dtn.keras").exists():
        print(f"{workdir} is finished: there is nothing to train.")
        return load(workdir)
    print(source.notice, flush=True)
    with run_dir.locked(workdir):
        labelled = source.load(task.content, config.pretrain_split)
        s, validation = load_source(config, source, task, labelled)
        t = load_target(config, source, task)
        facts = {
            "source": {"name": s.title, "images": len(s.images)},
            "target": {"name": t.title, "images": len(t.images)},
            "validation": {"name": validation.title, "images": len(validation.images)},
            "data_notice": source.notice,
        }
        run_dir.write(workdir, config, **facts)
        labelled = labelled.without(config.absent_f)
        f_dir = pretrain.pretrain_f(config, task, labelled, cache_dir)
        shutil.copytree(f_dir / "tb", workdir / "tb" / "pretrain_f", dirs_exist_ok=True)
        if config.adapt_steps:
            unseen = s if task.target == task.content else t  # the domain f never saw
            f_dir = pretrain.adapt_f(config, f_dir, labelled, unseen, cache_dir)
            shutil.copytree(f_dir / "tb", workdir / "tb" / "adapt_f", dirs_exist_ok=True)
        del labelled  # from here on no training code can reach a label
        for name in ("f.keras", "accuracy.json"):
            shutil.copyfile(f_dir / name, workdir / name)
        spent = run_dir.timing(f_dir)
        classifier = keras.models.load_model(f_dir / "f.keras")
        if config.balance_s and task.source == task.content:  # else f is no judge of shares
            begun = time.perf_counter()
            s = balanced(s, classifier, config.seed)
            spent["balance_s"] = time.perf_counter() - begun
        dtn = build(config, task, classifier)
        fit_dtn(dtn, config, s, t, validation, workdir, watchers)
        serving.export(dtn, workdir / "export", task.source.channels)
        spent["dtn"] = loop.seconds(workdir / "checkpoints")
        run_dir.write_json(workdir / "timing.json", spent)
        loop.save_atomically(workdir / "dtn.keras", dtn.save)
        shutil.rmtree(workdir / "checkpoints", ignore_errors=True)
    return dtn


def load(workdir):
    """Returns the trained `DTN` of a finished run: `dtn(x)` translates, see `images.to_model`."""
    return keras.models.load_model(pathlib.Path(workdir) / "dtn.keras")


def build(config, task, classifier):
    """Makes the DTN of a config around the trained f of a `Classifier`, compiled, seeded."""
    keras.utils.set_random_seed(config.seed)
    of_class = {}
    if config.method == "class":
        of_class = {"head": classifier.head, "views": config.views}
    method = _METHODS[config.method]
    dtn = method(
        classifier.encoder,
        _generator(config, task.target.channels),
        _discriminator(config, task.target),
        **of_class,
        alpha=config.alpha,
        beta=config.beta,
        gamma=config.gamma,
        gan=config.gan,
        content_distance=config.content_distance,
        image_distance=config.image_distance,
        ema=config.ema,
    )
    dtn.compile(
        d_optimizer=_adam(config.d_learning_rate, method.d_updates, config),
        g_optimizer=_adam(config.g_learning_rate, method.g_updates, config),
    )
    return dtn


def _generator(config, image_channels):
    policy = config.precision
    decoder = functools.partial(
        Decoder,
        config.g_channels,
        image_channels,
        kernel_size=3 if config.nets == "yunjey" else 4,
        dtype=policy,
    )
    if config.method in ("pixels", "baseline"):
        encoder = ContentEncoder(config.f_channels, num_domains=2, dtype=policy)
        return PixelGenerator(encoder, decoder(config.f_channels[-1]))
    if config.style_size:
        channels = (16, 32, 64, config.style_size)
        encoder = ContentEncoder(channels, num_domains=2, dtype=policy)
        return StyledGenerator(encoder, decoder(config.f_channels[-1] + config.style_size))
    return decoder(config.f_channels[-1])


def _discriminator(config, target):
    sizes = {"image_channels": target.channels, "num_classes": config.d_classes}
    if config.nets == "yunjey":
        return StridedDiscriminator(config.d_channels, **sizes, dtype=config.precision)
    told = target.num_classes if config.d_conditional else 0
    return Discriminator(config.d_channels, **sizes, num_conditions=told, dtype=config.precision)


def _adam(learning_rate, updates_per_step, config):
    """Adam whose rate falls to 0 along a cosine: at a constant rate accuracy keeps swinging."""
    rate = learning_rate
    if config.cosine:
        rate = keras.optimizers.schedules.CosineDecay(
            learning_rate, updates_per_step * config.steps
        )
    return Adam(rate, beta_1=config.beta_1)


def load_source(config, source, task, labelled):
    """Returns the unlabelled set s and the validation tail, both of the source domain.

    `labelled`, what trains f, is not loaded a second time where it holds the same images.
    """
    same = task.source == task.content
    digits = labelled if same else source.load(task.source, "train")
    s, validation = hold_out(digits, config.num_validation)
    return s.without(config.absent_s).without_labels(), validation.without_labels()


def balanced(s, classifier, seed):
    """Returns s, to be shown with all classes that f sees in it equally often.

    19 % of house-number digits are 1s, 11 % of handwritten ones: shown as they come, "it
    is a 1" tells D something about "it is fake", and g learns to paint 1s as other digits.
    f(x), computed for it, stays with s. On another machine f may decide some images
    otherwise, and a run that is resumed there shows s in another order.
    """
    fx = classify.apply(classifier.encoder, s.images)
    classes = np.argmax(classifier.head(classifier.encoder.hidden(fx)), axis=1)
    counts = enumerate(np.bincount(classes))
    shares = ", ".join(f"{c}: {n / len(classes):.1%}" for c, n in counts if n)
    print(
        f"f sees in {s.title}: {shares}. They are shown equally often,"
        f" no image more than {AT_MOST} times an epoch.",
        flush=True,
    )
    return dataclasses.replace(s.balanced(classes, seed), features=fx)


def load_target(config, source, task):
    """Returns the set t. Its labels are left behind here: nothing that trains sees them.

    They serve once, and only in the paper's Table 3, to leave a whole class out.
    """
    return source.load(task.target, config.target_split).without(config.absent_t).without_labels()


def fit_dtn(dtn, config, s, t, validation, workdir, watchers):
    """Trains g and D of a compiled DTN, or goes on from the last checkpoint; see `train`.

    Args:
        dtn: `DTN`.
        config: `DTNConfig`, resolved.
        s: `Unlabelled` source images.
        t: `Unlabelled` target images.
        validation: `Unlabelled` source images to draw translations of.
        workdir: Run directory, with its config.json.
        watchers: More `keras.callbacks.Callback`s.
    """
    remembers = not dtn.f.trainable
    if remembers:
        dtn.remember(len(s.images), len(t.images), s.features)
    draw = np.random.default_rng(0)  # the same pictures in every run
    x_s = validation.images[draw.choice(len(validation.images), _NUM_SHOWN)]
    x_t = t.images[draw.choice(len(t.images), _NUM_SHOWN)]
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
        s: `Unlabelled` source images.
        t: `Unlabelled` target images.
        with_rows: Whether each image comes with its place in its set.
        start: First batch.
        stop: One past the last.

    Returns:
        `tf.data.Dataset` of `stop - start` batches.
    """
    parts = tuple((digits.images, np.arange(len(digits.images))) for digits in (s, t))
    where = (config.batch_size, config.seed, start, stop)
    numbered = pipeline.batches(parts, *where, orders=(s.order, t.order))
    return numbered.map(_with_rows if with_rows else _scaled, num_parallel_calls=2).prefetch(4)


def _scaled(s, t, k):
    """Images alone."""
    return images.to_model(s[0]), images.to_model(t[0])


def _with_rows(s, t, k):
    """Images with their places."""
    return (images.to_model(s[0]), s[1]), (images.to_model(t[0]), t[1])
