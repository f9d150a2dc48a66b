"""Settings, a task and an f -> a compiled DTN, or one of its peers."""

import functools

import keras

from dtn_tf import rules
from dtn_tf.adam import Adam
from dtn_tf.content import views
from dtn_tf.dtn import DTN
from dtn_tf.nets import sizes
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.nets.decoder import Decoder
from dtn_tf.nets.discriminator import Discriminator
from dtn_tf.peers.cyclegan import CycleGAN
from dtn_tf.peers.generators import CoupledAutoencoders, ResidualGenerator
from dtn_tf.peers.unit import UNIT
from dtn_tf.variants.adapted import AdaptedDTN, StyledGenerator
from dtn_tf.variants.matched import MatchedDTN
from dtn_tf.variants.pixels import Baseline, PixelDTN, PixelGenerator
from dtn_tf.variants.yunjey import StridedDiscriminator, YunjeyDTN

# Part of a run's identity. Raise it with any change of what a run computes: of this file,
# `players`, `dtn`, `seen`, `losses`, `nets`, `variants`, `peers`, `adam`, `warm` and its `adamw`,
# `images`, `content.codes.match_features` and `variance`, `content.views`, `data.pipeline`,
# `Pictures.balanced`.
RECIPE = 2

_METHODS = {"dtn": DTN, "pixels": PixelDTN, "baseline": Baseline, "yunjey": YunjeyDTN}


def build(config, task, content, matching=None, content_variance=1.0):
    """Makes the model of a config, compiled, seeded: a `DTN`, or a `peers.base.Peer`.

    Args:
        config: `DTNConfig`.
        task: `domains.Task`.
        content: What has an `f` and its `head`: `content.make.Content`.
        matching: What brings f(s) to f(t), arguments of `MatchedDTN`; None to leave f(s) as it is.
        content_variance: Of f(t), for content_distance="nmse".
    """
    keras.utils.set_random_seed(config.seed)
    if config.method in rules.PEERS:
        made = _peer(config, task, content.f)
    else:
        made = _dtn(config, task, content, matching, content_variance)
    made.compile(
        d_optimizer=_adam(config.d_learning_rate, made.d_updates, config),
        g_optimizer=_adam(config.g_learning_rate, made.g_updates, config),
        steps_per_execution=config.steps_per_execution,
        jit_compile=config.jit_compile,  # unset, Keras compiles wherever there is a GPU
    )
    return made


def _dtn(config, task, content, matching, content_variance):
    method, of_f = _METHODS[config.method], {}
    if rules.uses_decisions(config):
        method, of_f = AdaptedDTN, {"head": content.head, "tta": config.tta}
    if matching is not None:
        of_f = {**matching, "tta": config.tta, "mirror": config.mirror}
        method = MatchedDTN
    return method(
        content.f,
        _generator(config, content.f.features, task.target.channels),
        _discriminator(config, task.target, config.d_classes, len(task.content.classes)),
        **of_f,
        alpha=config.alpha,
        beta=config.beta,
        gamma=config.gamma,
        gan=config.gan,
        content_distance=config.content_distance,
        image_distance=config.image_distance,
        ema=config.ema,
        content_variance=content_variance,
        r1=config.r1,
        d_augment=config.d_augment,
        const_blur=config.const_blur,
        const_view=_view(config),
    )


def _view(config):
    """How much the views of L_CONST differ: as the images from which f learnt."""
    if not config.const_views:
        return None
    return {"crop": views.CROP, "noise": config.pretrain_noise}


def _peer(config, task, f):
    """Makes a peer of few arguments: its papers' weights, and D as a DTN's but for its one score.

    It reads f nowhere: it has it so that what measures a DTN measures it, too.
    """
    source, target = task.source.channels, task.target.channels
    judges = [_discriminator(config, domain, 1) for domain in (task.target, task.source)]
    given = {"seed": config.seed, "ema": config.ema}
    shape, policy = config.g_channels, config.precision
    if config.method == "unit":
        coupled = CoupledAutoencoders(shape, (source, target), dtype=policy)
        return UNIT(f, coupled, *judges, **given)
    g = ResidualGenerator(shape, source, target, dtype=policy)
    back = ResidualGenerator(shape, target, source, dtype=policy)
    return CycleGAN(f, g, *judges, back, **given)


def _generator(config, features, image_channels):
    policy = config.precision
    decoder = functools.partial(
        Decoder,
        config.g_channels,
        image_channels,
        kernel_size=3 if config.method == "yunjey" else 4,
        upsampling=config.g_upsampling,
        refine=config.g_refine,
        final_conv=config.g_final_conv,
        dtype=policy,
    )
    if config.method in ("pixels", "baseline"):
        encoder = ContentEncoder(
            config.f_channels,
            depths=config.f_depths,
            num_domains=2,
            size=config.size,
            residual=config.f_residual,
            dense=config.f_dense,
            dtype=policy,
        )
        return PixelGenerator(encoder, decoder(config.f_channels[-1]))
    if config.style_size:
        channels = sizes.at_size((16, 32, 64, config.style_size), config.size, "f")
        encoder = ContentEncoder(channels, num_domains=2, size=config.size, dtype=policy)
        return StyledGenerator(encoder, decoder(features + config.style_size))
    return decoder(features)


def _discriminator(config, domain, num_classes, num_decisions=0):
    """Makes D of a domain; a conditional one is told one of `num_decisions` classes of f."""
    shape = {"image_channels": domain.channels, "num_classes": num_classes}
    if config.method == "yunjey":
        return StridedDiscriminator(config.d_channels, **shape, dtype=config.precision)
    return Discriminator(
        config.d_channels,
        **shape,
        num_conditions=num_decisions if config.d_conditional else 0,
        size=config.size,
        leak=config.d_leak,
        norm=config.d_norm,
        dtype=config.precision,
    )


def _adam(learning_rate, updates_per_step, config):
    """Adam whose rate falls to 0 along a cosine: at a constant rate accuracy keeps swinging."""
    rate = learning_rate
    if config.cosine:
        rate = keras.optimizers.schedules.CosineDecay(
            learning_rate, updates_per_step * config.steps
        )
    return Adam(rate, beta_1=config.beta_1)
