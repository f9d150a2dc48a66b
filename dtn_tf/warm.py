"""The warm start: g learns to paint the target by L_TID alone, before D and L_CONST come in."""

import shutil

import keras
import tensorflow as tf

from dtn_tf import adamw, images, loop, losses
from dtn_tf.dtn import TARGET
from dtn_tf.players import share

_SHOWN = ("L_TID",)
FOLDER = "warm_start"


class WarmStart(keras.Model):
    """g of a DTN, trained by L_TID alone.

    Args:
        dtn: `DTN`. Its f is frozen, its D is not used.
    """

    def __init__(self, dtn, **kwargs):
        super().__init__(dtype=dtn.g.dtype_policy, **kwargs)
        self.g = dtn.g
        # Functions, not the nets: a checkpoint is of g alone.
        self._f, self._code = lambda x: dtn.f(x, training=False), dtn.code
        self._distance = dtn.image_distance
        self._mean = keras.metrics.Mean(_SHOWN[0])
        self.built = True

    def train_step(self, batch):
        """One update of g on images of t, and their f(x) where it is known."""
        x, *known = batch
        fx = known[0] if known else self._f(x)
        with tf.GradientTape() as tape:
            gx = self.g(self._code(x, fx), domain=TARGET, training=True)
            l_tid = losses.l_tid(x, gx, self._distance)
            scaled = self.optimizer.scale_loss(l_tid)  # in the tape: float16
        variables = self.g.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables, share()), variables)
        self._mean.update_state(l_tid)
        return {m.name: m.result() for m in self.metrics}

    @property
    def metrics(self):
        """The running mean of one log interval."""
        return [self._mean]


def fit(dtn, config, t, workdir):
    """Trains g of a DTN in place, for `warm_steps` of a config (1 or more), and can be resumed.

    Nothing is done where D and g have begun to train: their checkpoint has this in it.

    Args:
        dtn: Compiled `DTN`.
        config: `DTNConfig`, resolved.
        t: `Pictures` of the target, and f(x) of them all or None.
        workdir: Run directory.

    Returns:
        Seconds that it took, earlier starts included.
    """
    directory = workdir / FOLDER
    if not loop.has_begun(workdir / "checkpoints"):
        pictures, fx = t
        part = (pictures.pixels,) if fx is None else (pictures.pixels, fx)
        adamw.fit(
            WarmStart(dtn),
            (part,),
            lambda part, k: (images.to_model(part[0]), *part[1:]),
            directory,
            name="g by L_TID",
            shown=_SHOWN,
            views=1,
            num_steps=config.warm_steps,
            batch_size=config.batch_size,
            learning_rate=config.warm_learning_rate,
            weight_decay=0.0,
            seed=config.seed,
            log_every=config.log_every,
        )
        shutil.copytree(directory / "tb", workdir / "tb" / FOLDER, dirs_exist_ok=True)
        for statistic in dtn.g.non_trainable_variables:  # g has read no image of s yet
            statistic.assign(tf.repeat(statistic[TARGET : TARGET + 1], statistic.shape[0], axis=0))
        dtn.g_ema.set_weights(dtn.g.get_weights())
    return loop.seconds(directory / "checkpoints")
