"""The Domain Transfer Network: G = g o f, and the two passes that train g and D.

Read with the paper beside it: eq. 3 is `l_d` of the two passes together, eq. 4 to 7
are the terms of `l_g`. `losses.py` has one function per term.
"""

import keras
import tensorflow as tf

from dtn_tf import losses
from dtn_tf.errors import UserError

SOURCE, TARGET = 0, 1  # the domain whose features g reads (its batch-norm statistics)


@keras.saving.register_keras_serializable("dtn_tf")
class DTN(keras.Model):
    """G = g(f(x)), trained by alternating a pass over s and a pass over t.

    Args:
        f: Content encoder, trained beforehand; frozen here.
        g: Decoder. Its moving average, `g_ema`, is what translates.
        d: Discriminator on the target domain: ternary, or binary (two classes),
            which does not tell the two kinds of G(x) apart.
        alpha: Weight of L_CONST.
        beta: Weight of L_TID.
        gamma: Weight of L_TV.
        gan: Weight of L_D and L_GANG: 1, or 0 for the paper's row without them.
        content_distance: The paper's d, "mse" or "cosine".
        image_distance: The paper's d_2, "mse" or "cosine".
        ema: Exponential moving average of g: about which share of the steps so far it reaches
            back over, in [0, 0.5]. Its decay at step t is t / (t + 1/ema - 1), one rule from
            the first step to the last; 0 makes `g_ema` g itself.

    The weights of the terms are part of the compiled step: changed after the first batch they
    change nothing.

    Attributes:
        d_updates, g_updates: How often a step updates D and g; a decay of their learning
            rates goes by updates.
        tracked, tracked_d: The terms whose means a step logs, and the kinds of image of
            which it logs D's mean probabilities.

    Input shape: `(batch, height, width, 1 or 3)`, float32, in [-1, 1], as f takes it.
    Output shape: `(batch, g.size, g.size, channels of T)`, float32, in [-1, 1].

    Source: Taigman, Polyak and Wolf, ICLR 2017, https://arxiv.org/abs/1611.02200
    """

    d_updates = g_updates = 2
    tracked = ("L_D", "L_G", "L_GANG_source", "L_CONST", "L_TV", "L_GANG_target", "L_TID")
    tracked_d = ("G_source", "G_target", "target")

    def __init__(
        self,
        f,
        g,
        d,
        alpha=15.0,
        beta=15.0,
        gamma=0.0,
        gan=1.0,
        content_distance="mse",
        image_distance="mse",
        ema=0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0.0 <= ema <= 0.5:
            raise UserError(f"ema={ema} is out of range; expected a share from 0 to 0.5.")
        self.f, self.g, self.d = f, g, d
        self.alpha, self.beta, self.gamma, self.gan = alpha, beta, gamma, gan
        self.content_distance = content_distance
        self.image_distance = image_distance
        self.ema = ema
        self.f.trainable = False
        self.g_ema = type(g).from_config({**g.get_config(), "name": "g_ema"})
        self.g_ema.set_weights(g.get_weights())
        self.g_ema.trainable = False
        self.step = self.add_weight((), "zeros", dtype="int64", trainable=False, name="step")
        known = (losses.D1, losses.D2, losses.D3) if d.num_classes == 3 else (losses.D3,)
        self._d_columns = {f"D{i + 1}": losses.d_column(i, d.num_classes) for i in known}
        of_d = [f"{name}_{kind}" for kind in self.tracked_d for name in self._d_columns]
        # Here, and not when first needed: what makes a variable while it is traced is traced twice.
        self._means = {name: keras.metrics.Mean(name) for name in (*self.tracked, *of_d)}
        self.built = True

    def call(self, x, training=False):
        """Returns G(x) for x of the source domain: the translation."""
        return self.g_ema(self.code(x, self.content(x)), domain=SOURCE)

    def content(self, x):
        """Returns f(x), x in the source domain, as a translation reads it."""
        return self.f(x, training=False)

    def reconstruct(self, x):
        """Returns G(x) for x of the target domain, which L_TID keeps close to x."""
        return self.g_ema(self.code(x, self.f(x, training=False)), domain=TARGET)

    def code(self, x, fx):
        """Returns what g reads: f(x). In `variants` there are rows where g reads x."""
        return fx

    def logits(self, x, fx):
        """Returns what D says of x, whose f(x) is at hand."""
        return self.d(x, training=True)

    def l_const(self, fx, fgx):
        """Returns L_CONST of f(x) and f(G(x))."""
        return losses.l_const(fx, fgx, self.content_distance)

    def train_step(self, batch):  # fit() wraps it in tf.function
        """One pass over a batch of s, then one over a batch of t.

        Args:
            batch: A pair, of s and of t: images, or images and their f(x), which is known
                beforehand since f is frozen (see `content.features`).
        """
        s, t = (part if isinstance(part, tuple) else (part,) for part in batch)
        d_s, g_s = self.source_step(*s)
        d_t, g_t = self.target_step(*t)
        self._track(L_D=d_s + d_t, L_G=g_s + g_t)
        self._average_g()
        return {m.name: m.result() for m in self.metrics}  # running means

    def source_step(self, x, fx=None):  # x in s
        """Updates D and g on translations of source images; returns L_D and L_G."""
        fx = self.f(x, training=False) if fx is None else fx
        with tf.GradientTape(persistent=True) as tape:
            gx = self.g(self.code(x, fx), domain=SOURCE, training=True)  # G(x)
            logits = self.logits(gx, fx)
            l_d = losses.l_d_source(logits)  # -E log D1(G(x))
            l_gang = losses.l_gang(logits)  # -E log D3(G(x))
            l_const = self.l_const(fx, self.f(gx, training=False))
            l_tv = losses.l_tv(gx if self.gamma else tf.stop_gradient(gx))
            l_g = self.gan * l_gang + self.alpha * l_const + self.gamma * l_tv
            d_scaled = self.d_optimizer.scale_loss(self.gan * l_d)  # in the tape: float16
            g_scaled = self.g_optimizer.scale_loss(l_g)
        self._apply(tape, d_scaled, self.d, self.d_optimizer)  # only D's variables
        self._apply(tape, g_scaled, self.g, self.g_optimizer)  # only g's; f never
        self._track(L_GANG_source=l_gang, L_CONST=l_const, L_TV=l_tv)
        self._track_d("G_source", logits)
        return l_d, l_g

    def target_step(self, x, fx=None):  # x in t
        """Updates D and g on reconstructions, and D on real images; returns L_D and L_G."""
        fx = self.f(x, training=False) if fx is None else fx
        with tf.GradientTape(persistent=True) as tape:
            gx = self.g(self.code(x, fx), domain=TARGET, training=True)  # G(x)
            logits = self.logits(gx, fx)
            logits_real = self.logits(x, fx)
            l_d = losses.l_d_target(logits, logits_real)  # -E log D2(G(x)) - E log D3(x)
            l_gang = losses.l_gang(logits)  # -E log D3(G(x))
            l_tid = losses.l_tid(x, gx, self.image_distance)
            l_g = self.gan * l_gang + self.beta * l_tid
            d_scaled = self.d_optimizer.scale_loss(self.gan * l_d)
            g_scaled = self.g_optimizer.scale_loss(l_g)
        self._apply(tape, d_scaled, self.d, self.d_optimizer)
        self._apply(tape, g_scaled, self.g, self.g_optimizer)
        self._track(L_GANG_target=l_gang, L_TID=l_tid)
        self._track_d("G_target", logits)
        self._track_d("target", logits_real)
        return l_d, l_g

    def _apply(self, tape, loss, net, optimizer):
        variables = net.trainable_variables
        optimizer.apply(tape.gradient(loss, variables, share()), variables)

    def _average_g(self):
        """Moves g_ema towards g, statistics included; early steps move it faster."""
        self.step.assign_add(1)
        t = tf.cast(self.step.value, tf.float32)
        decay = t / (t + (1.0 / self.ema - 1.0)) if self.ema else 0.0
        for average, value in zip(self.g_ema.variables, self.g.variables, strict=True):
            average.assign(value + decay * (average - value))

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

    def _track(self, **values):
        for name, value in values.items():
            self._means[name].update_state(value)

    def _track_d(self, kind, logits):
        """D's mean probability of each class it knows, for one kind of image."""
        p = tf.reduce_mean(tf.exp(tf.nn.log_softmax(logits)), axis=0)  # its log is needed anyway
        self._track(**{f"{name}_{kind}": p[i] for name, i in self._d_columns.items()})

    def evaluate(self, *args, **kwargs):
        """Says what to use instead.

        Raises:
            UserError: Always: a GAN has no loss that says how good it is.
        """
        raise UserError(
            "DTN.evaluate: its losses do not say how good it is. Score a finished run by a judge:"
            " python eval_main.py --workdir=RUN."
        )

    @property
    def metrics(self):
        """The running means of one log interval."""
        return list(self._means.values())

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
        self.d_optimizer.build(self.d.trainable_variables)  # else a resumed run
        self.g_optimizer.build(self.g.trainable_variables)  # restarts Adam from zero

    def get_config(self):
        """Returns the arguments that make this model again."""
        nets = {n: keras.saving.serialize_keras_object(getattr(self, n)) for n in ("f", "g", "d")}
        return {
            **super().get_config(),
            **nets,
            "alpha": self.alpha,
            "beta": self.beta,
            "gamma": self.gamma,
            "gan": self.gan,
            "content_distance": self.content_distance,
            "image_distance": self.image_distance,
            "ema": self.ema,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the model that `get_config` described."""
        nets = {n: keras.saving.deserialize_keras_object(config[n]) for n in ("f", "g", "d")}
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
