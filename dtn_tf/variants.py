"""Rows of the tables whose networks or passes are not DTN's.

What differs from `dtn.DTN` is here, so that the algorithm itself reads in one screen.
"""

import keras
import tensorflow as tf

from dtn_tf import losses
from dtn_tf.dtn import DTN, SOURCE, TARGET


@keras.saving.register_keras_serializable("dtn_tf")
class PixelGenerator(keras.Model):
    """G that does not contain f: an encoder of its own, trained with g, before g.

    The paper does not say which layers these were; f's own shapes are the natural
    choice, for then the rows differ in what was learnt and not in what can be.

    Args:
        encoder: `ContentEncoder` with two domains, untrained.
        decoder: `Decoder`.
        dtype: Keras dtype policy; the decoder's unless told otherwise.

    Input shape: `(batch, 32, 32, 1 or 3)`, float, in [-1, 1].
    Output shape: as the decoder's.
    """

    def __init__(self, encoder, decoder, dtype=None, **kwargs):
        super().__init__(dtype=dtype or decoder.dtype_policy, **kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.built = True

    def call(self, x, domain=0, training=False):
        """Returns G(x), x of a domain: 0 is source, 1 is target."""
        hidden = self.encoder(x, domain=domain, training=training)
        return self.decoder(hidden, domain=domain, training=training)

    def get_config(self):
        """Returns the arguments that make this net again."""
        nets = {n: keras.saving.serialize_keras_object(getattr(self, n)) for n in _NETS}
        return {**super().get_config(), **nets}

    @classmethod
    def from_config(cls, config):
        """Makes the net that `get_config` described."""
        nets = {n: keras.saving.deserialize_keras_object(config[n]) for n in _NETS}
        return cls(**{**config, **nets})


_NETS = ("encoder", "decoder")


@keras.saving.register_keras_serializable("dtn_tf")
class PixelDTN(DTN):
    """The row "G does not contain f": all of DTN's losses, and a G that reads pixels."""

    def code(self, x, fx):
        """Returns what G reads: the image. f(x) serves L_CONST alone."""
        return x


@keras.saving.register_keras_serializable("dtn_tf")
class Baseline(PixelDTN):
    """The row "Baseline method", Sec. 3: R_GAN + alpha R_CONST, G from pixels.

    D is binary; only source images go through G, so there is no L_TID, and target
    images are what D takes as real.
    """

    g_updates = 1
    tracked = ("L_D", "L_G", "L_GANG_source", "L_CONST", "L_TV")
    tracked_d = ("G_source", "target")

    @tf.function
    def target_step(self, x, rows=None):  # x in t
        """Updates D on real images; returns L_D, and L_G, of which there is none."""
        with tf.GradientTape() as tape:
            logits_real = self.d(x, training=True)
            l_d = losses.l_gang(logits_real)  # -E log D(x): of real images, to D's gain
            d_scaled = self.d_optimizer.scale_loss(self.gan * l_d)
        self._apply(tape, d_scaled, self.d, self.d_optimizer)
        self._track_d("target", logits_real)
        return l_d, tf.constant(0.0)


@keras.saving.register_keras_serializable("dtn_tf")
class StyledGenerator(PixelGenerator):
    """G that reads f(x) and a few numbers more of x, which an encoder of its own finds.

    An f that knows both domains well says which digit it is and little else. What f(x)
    has left out, the slant and weight of the strokes, comes from here: without it g
    paints one shape per class.

    Args:
        encoder: `ContentEncoder` with two domains, untrained and small.
        decoder: `Decoder` for f(x) and the encoder's features together.
        **kwargs: See `PixelGenerator`.

    Input: pair of images and their f(x), see `PixelGenerator` and `Decoder`.
    Output shape: as the decoder's.
    """

    def call(self, x_fx, domain=0, training=False):
        """Returns G(x), x of a domain: 0 is source, 1 is target."""
        x, fx = x_fx
        style = self.encoder(x, domain=domain, training=training)
        both = tf.concat([tf.cast(fx, style.dtype), style], axis=-1)
        return self.decoder(both, domain=domain, training=training)


@keras.saving.register_keras_serializable("dtn_tf")
class ClassDTN(DTN):
    """DTN that also uses what f decides: the class that f's own classifier sees in x.

    No label has a part in it. Each use can be switched off alone: L_CONST as the
    cross-entropy of f(G(x)) under the decision about x (content distance "class"); a D
    that is told the decision, and so learns what a 2 of the target domain looks like
    and not only what a digit does (D with `num_conditions`); a g that reads more of x
    than f(x) (`StyledGenerator`); a translation that reads f of more than one view of x.

    Args:
        head: The layer that makes logits of f's hidden features, trained with f.
        views: What a translation reads: f(x) ("one"), the mean of f over six views of x
            ("mean"), or f of that view of which f is surest ("surest", see `surest`). More
            than one cost six times as much of f; training is not touched.
        **kwargs: See `DTN`.
    """

    def __init__(self, f, g, d, head, views="one", **kwargs):
        super().__init__(f, g, d, **kwargs)
        self.head = head
        self.head.trainable = False
        self.views = views

    def call(self, x, training=False):
        """Returns G(x) for x of the source domain: the translation."""
        return self.g_ema(self.code(x, self.content(x)), domain=SOURCE)

    def content(self, x):
        """Returns f(x) as a translation reads it, see `views`."""
        if self.views == "one":
            return self.f(x)
        fx = [self.f(view) for view in views(x)]
        if self.views == "mean":
            return tf.add_n(fx) / len(fx)
        return surest(fx, [self.head(self.f.hidden(view)) for view in fx])

    def code(self, x, fx):
        """Returns what g reads: f(x), with the image where g takes style from it."""
        return (x, fx) if isinstance(self.g, StyledGenerator) else fx

    def decision(self, fx):
        """Returns the class that f's classifier sees: int64 `(batch,)`."""
        return tf.argmax(self.head(self.f.hidden(fx)), axis=-1)

    def logits(self, x, fx):
        """Returns what D says of x, told which class its original shows."""
        if not self.d.num_conditions:
            return super().logits(x, fx)
        return self.d(x, condition=self.decision(fx), training=True)

    def l_const(self, fx, fgx):
        """Returns L_CONST: of classes, or of features as in the paper."""
        if self.content_distance != "class":
            return super().l_const(fx, fgx)
        return losses.l_class(self.decision(fx), self.head(self.f.hidden(fgx)))

    def get_config(self):
        """Returns the arguments that make this model again."""
        return {
            **super().get_config(),
            "head": keras.saving.serialize_keras_object(self.head),
            "views": self.views,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the model that `get_config` described."""
        head = keras.saving.deserialize_keras_object(config["head"])
        return super().from_config({**config, "head": head})


def views(x):
    """Returns six views of x: itself, its negative, and four of them moved by a pixel.

    They are what f's training varied, so f should say the same of all; what it says of
    one alone is noise. Each way to move is taken once, the sign changing from one to the
    next: both signs of each, ten views, cost more and read hardly more right.

    Args:
        x: float tensor `(batch, height, width, channels)`, in [-1, 1].

    Returns:
        Six tensors like x.
    """
    height, width = x.shape[1:3]
    wide = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
    corners = ((1, 1, 1.0), (1, 1, -1.0), (0, 1, 1.0), (2, 1, -1.0), (1, 0, 1.0), (1, 2, -1.0))
    return [sign * wide[:, top : top + height, left : left + width] for top, left, sign in corners]


def surest(fx, logits):
    """Picks, of each image, f of the view that most surely is of its class.

    The class is the one that is likeliest on the mean over all views. A mean of f(x)
    would lie between two classes where the views differ, and g paint something between
    two digits.

    Args:
        fx: f of the views: tensors `(batch, ...)`.
        logits: What f's classifier says of each of them: tensors `(batch, classes)`.

    Returns:
        Tensor `(batch, ...)`, of f's dtype.
    """
    probabilities = tf.nn.softmax(tf.cast(tf.stack(logits, axis=1), tf.float32))
    decision = tf.argmax(tf.reduce_mean(probabilities, axis=1), axis=-1)
    of_class = tf.gather(probabilities, decision, axis=2, batch_dims=1)
    return tf.gather(tf.stack(fx, axis=1), tf.argmax(of_class, axis=1), axis=1, batch_dims=1)


@keras.saving.register_keras_serializable("dtn_tf")
class YunjeyDTN(DTN):
    """What github.com/yunjey/domain-transfer-network does, the best-known port.

    D is binary. A step is 1 update of D and 6 of g on source images, then 2 of D and 4
    of g on target images, each from forward passes of its own. L_CONST moves f and not
    g, every 15th step; f therefore drifts, and normalises by the batch.
    """

    tracked = ("L_D", "L_G", "L_GANG_source", "L_CONST", "L_GANG_target", "L_TID")
    tracked_d = ("G_source", "target")

    def __init__(self, f, g, d, **kwargs):
        super().__init__(f, g, d, **kwargs)
        self.f.trainable = True

    def train_step(self, batch):
        """13 updates, and every 15th step one of f, on one batch of s and one of t."""
        x_s, x_t = batch
        d_s = self.update_d_source(x_s)
        for _ in range(6):
            g_s = self.update_g_source(x_s)
        tf.cond(
            tf.equal(self.step % 15, 0),
            lambda: self.update_f(x_s),
            lambda: tf.constant(0.0),
        )
        for _ in range(2):
            d_t = self.update_d_target(x_t)
        for _ in range(4):
            g_t = self.update_g_target(x_t)
        self._track(L_D=d_s + d_t, L_G=g_s + g_t)
        self._average_g()
        return {m.name: m.result() for m in self.metrics}

    def _generated(self, x, domain):
        return self.g(self.f(x, training=True), domain=domain, training=True)

    def _update(self, net, optimizer, loss_of):
        with tf.GradientTape() as tape:
            loss = loss_of()
            scaled = optimizer.scale_loss(loss)
        self._apply(tape, scaled, net, optimizer)
        return loss

    @tf.function
    def update_d_source(self, x):  # x in s
        """D learns that G(x) is no digit; returns its loss."""

        def loss():
            logits = self.d(self._generated(x, SOURCE), training=True)
            self._track_d("G_source", logits)
            return losses.l_d_source(logits)

        return self._update(self.d, self.d_optimizer, loss)

    @tf.function
    def update_g_source(self, x):  # x in s
        """g learns to have G(x) taken as real; returns its loss."""

        def loss():
            logits = self.d(self._generated(x, SOURCE), training=True)
            l_gang = losses.l_gang(logits)
            self._track(L_GANG_source=l_gang)
            return l_gang

        return self._update(self.g, self.g_optimizer, loss)

    @tf.function
    def update_f(self, x):  # x in s
        """f, not g, learns to see the same in x and in G(x); returns the loss."""

        def loss():
            fx = self.f(x, training=True)
            gx = self.g(fx, domain=SOURCE, training=True)
            l_const = losses.l_const(fx, self.f(gx, training=True), self.content_distance)
            self._track(L_CONST=l_const)
            return self.alpha * l_const

        return self._update(self.f, self.f_optimizer, loss)

    @tf.function
    def update_d_target(self, x):  # x in t
        """D learns to tell G(x) from x; returns its loss."""

        def loss():
            logits = self.d(self._generated(x, TARGET), training=True)
            logits_real = self.d(x, training=True)
            self._track_d("target", logits_real)
            return losses.l_d_target(logits, logits_real)

        return self._update(self.d, self.d_target_optimizer, loss)

    @tf.function
    def update_g_target(self, x):  # x in t
        """g learns to have G(x) taken as real, and to give x back; returns its loss."""

        def loss():
            gx = self._generated(x, TARGET)
            l_gang = losses.l_gang(self.d(gx, training=True))
            l_tid = losses.l_tid(x, gx, self.image_distance)
            self._track(L_GANG_target=l_gang, L_TID=l_tid)
            return l_gang + self.beta * l_tid

        return self._update(self.g, self.g_target_optimizer, loss)

    def compile(self, d_optimizer, g_optimizer, **kwargs):
        """Takes the optimizers of the source side; the other three are of the same kind."""
        super().compile(d_optimizer, g_optimizer, **kwargs)
        for name, like, net in (
            ("d_target_optimizer", self.d_optimizer, self.d),
            ("g_target_optimizer", self.g_optimizer, self.g),
            ("f_optimizer", self.g_optimizer, self.f),
        ):
            optimizer = type(like).from_config(like.get_config())
            optimizer.build(net.trainable_variables)
            setattr(self, name, optimizer)
