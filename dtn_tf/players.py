"""What a DTN and its peers share: two optimizers, running means, a moving average of G.

No loss is in here: each method has its own, beside its paper.
"""

import keras
import tensorflow as tf

from dtn_tf.errors import UserError


class TwoPlayers(keras.Model):
    """G against D: the base of every method that trains a translation.

    Args:
        f: Content encoder, trained beforehand; frozen here.
        g: What translates. Its exponential moving average is `g_ema`.
        d: Discriminator on the target domain.
        ema: About which share of the steps so far the average of g reaches back over, in
            [0, 0.5]. Its decay at step t is t / (t + 1/ema - 1), one rule from the first step to
            the last; 0 makes `g_ema` g itself.

    Attributes:
        nets: Names of the attributes that are nets, arguments of the constructor.
        d_updates, g_updates: How often a step updates D and g; a decay of their learning
            rates goes by updates.
        tracked: The terms whose means a step logs.
        shown: Those of them on the progress line.
        image_distance: In which distance reconstructions are measured, see `losses.l_tid`.

    Raises:
        UserError: If `ema` is out of range.
    """

    nets = ("f", "g", "d")
    d_updates = g_updates = 1
    tracked = shown = ()
    image_distance = "mse"

    def __init__(self, f, g, d, ema=0.1, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= ema <= 0.5:
            raise UserError(f"ema={ema} is out of range; expected a share from 0 to 0.5.")
        self.f, self.g, self.d = f, g, d
        self.ema = ema
        self.f.trainable = False
        self.g_ema = type(g).from_config({**g.get_config(), "name": "g_ema"})
        self.g_ema.set_weights(g.get_weights())
        self.g_ema.trainable = False
        self.step = self.add_weight((), "zeros", dtype="int64", trainable=False, name="step")

    @property
    def g_variables(self):
        """What the optimizer of g moves."""
        return self.g.trainable_variables

    @property
    def d_variables(self):
        """What the optimizer of D moves."""
        return self.d.trainable_variables

    def _begin_means(self, names):
        # In `__init__`, not when first needed: what makes a variable while it is traced is traced
        # twice.
        self._means = {name: keras.metrics.Mean(name) for name in names}

    def _track(self, **values):
        for name, value in values.items():
            self._means[name].update_state(value)

    @property
    def metrics(self):
        """The running means of one log interval."""
        return list(self._means.values())

    def _average_g(self):
        """Moves g_ema towards g, statistics included; early steps move it faster."""
        self.step.assign_add(1)
        t = tf.cast(self.step.value, tf.float32)
        decay = t / (t + (1.0 / self.ema - 1.0)) if self.ema else 0.0
        for average, variable in zip(self.g_ema.variables, self.g.variables, strict=True):
            old, value = tf.convert_to_tensor(average), tf.convert_to_tensor(variable)
            average.assign(value + decay * (old - value))

    @property
    def skipped_updates(self):
        """Dict, net -> updates so far that overflowed in float16 and were left out."""
        found = {}
        for net, optimizer, per_step in (
            ("g", self.g_optimizer, self.g_updates),
            ("D", self.d_optimizer, self.d_updates),
        ):
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                done = int(optimizer.inner_optimizer.iterations)
                found[net] = per_step * int(self.step) - done
        return found

    def evaluate(self, *args, **kwargs):
        """Says what to use instead.

        Raises:
            UserError: Always: a GAN has no loss that says how good it is.
        """
        raise UserError(
            f"{type(self).__name__}.evaluate: its losses do not say how good it is. Score a"
            " finished run by a judge: python eval_main.py --workdir=RUN."
        )

    def compile(self, d_optimizer, g_optimizer, **kwargs):
        """Takes one optimizer for D and one for g; the losses are the paper's.

        Args:
            d_optimizer: `keras.optimizers.Optimizer` of D. Wrapped for dynamic loss
                scaling if D computes in float16.
            g_optimizer: The same for g.
            **kwargs: For `keras.Model.compile`, e.g. `run_eagerly`.
        """
        super().compile(optimizer=None, **kwargs)  # else Keras adds an RMSprop
        self.d_optimizer = _loss_scaled(d_optimizer, self.d)
        self.g_optimizer = _loss_scaled(g_optimizer, self.g)
        self.d_optimizer.build(self.d_variables)  # else a resumed run
        self.g_optimizer.build(self.g_variables)  # restarts Adam from zero

    def get_config(self):
        """Returns the arguments that make this model again."""
        nets = {n: keras.saving.serialize_keras_object(getattr(self, n)) for n in self.nets}
        return {**super().get_config(), **nets, "ema": self.ema}

    @classmethod
    def from_config(cls, config):
        """Makes the model that `get_config` described."""
        nets = {n: keras.saving.deserialize_keras_object(config[n]) for n in cls.nets}
        return cls(**{**config, **nets})

    def get_compile_config(self):
        """Returns the optimizers, so that `.keras` files go on training."""
        return {
            "d_optimizer": keras.saving.serialize_keras_object(self.d_optimizer),
            "g_optimizer": keras.saving.serialize_keras_object(self.g_optimizer),
        }

    def compile_from_config(self, config):
        """Compiles with what `get_compile_config` returned."""
        self.compile(**{k: keras.saving.deserialize_keras_object(v) for k, v in config.items()})


def share():
    """Returns what the loss of one device counts: Keras adds up the gradients of all of them.

    Each loss is a mean over an equal part of the batch. None, on one device, counts 1.
    """
    count = tf.distribute.get_strategy().num_replicas_in_sync
    return None if count == 1 else tf.constant(1.0 / count)


def _loss_scaled(optimizer, net):
    """Wraps once, where gradients would vanish in float16."""
    needed = net.dtype_policy.compute_dtype == "float16"
    wrapped = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return keras.optimizers.LossScaleOptimizer(optimizer) if needed and not wrapped else optimizer
