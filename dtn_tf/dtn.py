"""The Domain Transfer Network: G = g o f, and the two passes that train g and D.

Read with the paper beside it: eq. 3 is `l_d` of the two passes together, eq. 4 to 7
are the terms of `l_g`. `losses.py` has one function per term.
"""

import keras
import tensorflow as tf

from dtn_tf import losses, seen
from dtn_tf.players import TwoPlayers, share

SOURCE, TARGET = 0, 1  # the domain whose features g reads (its batch-norm statistics)


@keras.saving.register_keras_serializable("dtn_tf")
class DTN(TwoPlayers):
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
        content_distance: The paper's d, "mse", "nmse" or "cosine", see `losses.l_const`.
        image_distance: The paper's d_2, "mse" or "cosine".
        ema: Exponential moving average of g: about which share of the steps so far it reaches
            back over, in [0, 0.5]. Its decay at step t is t / (t + 1/ema - 1), one rule from
            the first step to the last; 0 makes `g_ema` g itself.
        content_variance: Of f(t), a mean over features: what "nmse" divides by.
        r1: Weight of R1, a gradient penalty on D; 0, as in the paper, is none.
        const_blur: Whether L_CONST reads G(x) blurred: g then gains nothing by a texture of
            single pixels that f sees and nobody else.
        d_augment: Whether D sees images with random changes, see `seen.augmented`.
        const_view: What a random view of G(x) changes that L_CONST reads in place of G(x): a
            dict of `views.view`'s `crop` and `noise`; None is nothing. What g paints then has
            to say f(x) in every such view.

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
    shown = ("L_D", "L_GANG_source", "L_CONST", "L_TID")

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
        content_variance=1.0,
        r1=0.0,
        d_augment=False,
        const_blur=False,
        const_view=None,
        **kwargs,
    ):
        super().__init__(f, g, d, ema, **kwargs)
        self.alpha, self.beta, self.gamma, self.gan = alpha, beta, gamma, gan
        self.content_distance, self.content_variance = content_distance, content_variance
        self.image_distance, self.r1, self.d_augment = image_distance, r1, d_augment
        self.const_blur, self.const_view = const_blur, const_view
        known = (losses.D1, losses.D2, losses.D3) if d.num_classes == 3 else (losses.D3,)
        self._d_columns = {f"D{i + 1}": losses.d_column(i, d.num_classes) for i in known}
        of_d = [f"{name}_{kind}" for kind in self.tracked_d for name in self._d_columns]
        self._begin_means((*self.tracked, *of_d))
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

    def seen(self, x, d_class):
        """Returns x as D sees it: `d_augment` changes it, for each class and update otherwise."""
        if not self.d_augment:
            return x
        return seen.augmented(x, (tf.cast(self.d_optimizer.iterations, tf.int32), d_class))

    def shown_to_f(self, gx):
        """Returns G(x) as L_CONST's f reads it: blurred, as a random view, or as it is."""
        return seen.by_f(gx, self.g_optimizer.iterations, self.const_blur, self.const_view)

    def logits_real(self, x, fx):
        """Returns what D says of what it sees of real images, and R1: 0.0 without a weight."""
        x = self.seen(x, losses.D3)
        if not self.r1:
            return self.logits(x, fx), 0.0
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = self.logits(x, fx)
            odds = losses.log_odds(logits)
        return logits, losses.r1(tape.gradient(odds, x))

    def l_const(self, fx, fgx):
        """Returns L_CONST of f(x) and f(G(x))."""
        return losses.l_const(fx, fgx, self.content_distance, self.content_variance)

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
            logits = self.logits(self.seen(gx, losses.D1), fx)
            l_d = losses.l_d_source(logits)  # -E log D1(G(x))
            l_gang = losses.l_gang(logits)  # -E log D3(G(x))
            l_const = self.l_const(fx, self.f(self.shown_to_f(gx), training=False))
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
            logits = self.logits(self.seen(gx, losses.D2), fx)
            logits_real, r1 = self.logits_real(x, fx)
            l_d = losses.l_d_target(logits, logits_real)  # -E log D2(G(x)) - E log D3(x)
            l_gang = losses.l_gang(logits)  # -E log D3(G(x))
            l_tid = losses.l_tid(x, gx, self.image_distance)
            l_g = self.gan * l_gang + self.beta * l_tid
            d_scaled = self.d_optimizer.scale_loss(self.gan * (l_d + self.r1 * r1))
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

    def _track_d(self, kind, logits):
        """D's mean probability of each class it knows, for one kind of image."""
        p = tf.exp(tf.nn.log_softmax(logits))  # its log is needed anyway
        p = tf.unstack(tf.reduce_mean(p, axis=0))
        self._track(**{f"{name}_{kind}": p[i] for name, i in self._d_columns.items()})

    def get_config(self):
        """Returns the arguments that make this model again."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
            "gamma": self.gamma,
            "gan": self.gan,
            "content_distance": self.content_distance,
            "image_distance": self.image_distance,
            "content_variance": self.content_variance,
            "r1": self.r1,
            "d_augment": self.d_augment,
            "const_blur": self.const_blur,
            "const_view": self.const_view,
        }
