"""The best-known port, github.com/yunjey/domain-transfer-network: its updates, its f and D.

For its row of the table only; the paper's nets are in `nets`. Not quite the port: here f is
updated every 15th step to the end, there every 30th after step 1,600; and g is our `Decoder`, with
kernels of 3x3 and as many filters, but weights from N(0, 0.02), and batch statistics per domain
with a momentum of 0.9.
"""

import keras
import tensorflow as tf

from dtn_tf import images, losses
from dtn_tf.dtn import DTN, SOURCE, TARGET
from dtn_tf.nets import convolution, normalization

_MOMENTUM = 0.95  # the port's, of all its batch norms


@keras.saving.register_keras_serializable("dtn_tf")
class StridedEncoder(keras.Model):
    """f: four convolutions of stride 2 with batch norm; f(x) is a tanh, and what is classified.

    Args:
        channels: Filters, at 16x16, 8x8, 4x4 and 1x1 pixels.
        image_channels: 1 or 3, as in `ContentEncoder`.
        dtype: Keras dtype policy.

    Input shape: `(batch, 32, 32, 1 or 3)`, float, in [-1, 1].
    Output shape: `(batch, channels[-1])`, float32, in [-1, 1].
    """

    size = 32  # pixels, a side

    def __init__(self, channels=(64, 128, 256, 128), image_channels=3, dtype=None, **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        if len(channels) != 4:
            raise ValueError(f"StridedEncoder got channels={channels}; it needs 4 numbers.")
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.convs, self.norms = _convolutions(channels, dtype)
        self.build()

    @property
    def features(self):
        """Length of f(x)."""
        return self.channels[-1]

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        _build(self.convs, self.norms, self.image_channels)
        self.built = True

    def call(self, x, domain=0, training=False):
        """Returns f(x); there is one set of statistics, whatever the domain."""
        x = images.with_channels(x, self.image_channels)
        for conv, norm in zip(self.convs[:-1], self.norms[:-1], strict=True):
            x = tf.nn.relu(norm(conv(x), training=training))
        x = self.norms[-1](self.convs[-1](x), training=training)
        return tf.tanh(tf.cast(tf.reshape(x, (-1, self.channels[-1])), tf.float32))

    def hidden(self, fx):
        """Returns what a classifier reads of f(x): f(x)."""
        return fx

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
        }


@keras.saving.register_keras_serializable("dtn_tf")
class StridedDiscriminator(keras.Model):
    """D: three convolutions of stride 2 with batch norm and ReLU, then a 4x4 one to the logits.

    Args:
        channels: Filters of the three, at 16x16, 8x8 and 4x4 pixels.
        image_channels: 1 or 3.
        num_classes: 2, fake and real. The port has one logit and a sigmoid, which is a
            softmax over two of which one is always 0.
        dtype: Keras dtype policy.

    Input shape: `(batch, 32, 32, image_channels)`, float, in [-1, 1].
    Output shape: `(batch, num_classes)`, float32 logits.
    """

    num_conditions = 0
    size = 32  # pixels, a side

    def __init__(
        self, channels=(128, 256, 512), image_channels=1, num_classes=2, dtype=None, **kwargs
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.num_classes = num_classes
        self.convs, self.norms = _convolutions((*channels, num_classes), dtype)
        del self.norms[-1]
        self.build()

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        _build(self.convs, self.norms, self.image_channels)
        self.built = True

    def call(self, x, training=False):
        """Returns logits."""
        for conv, norm in zip(self.convs[:-1], self.norms, strict=True):
            x = tf.nn.relu(norm(conv(x), training=training))
        return tf.cast(tf.reshape(self.convs[-1](x), (-1, self.num_classes)), tf.float32)

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "num_classes": self.num_classes,
        }


def _convolutions(channels, dtype):
    """Three 3x3 convolutions of stride 2 and a 4x4 one over all that is left, and norms."""
    convs = [
        convolution.Conv2D(c, 3, strides=2, padding="same", dtype=dtype) for c in channels[:-1]
    ]
    convs.append(convolution.Conv2D(channels[-1], 4, dtype=dtype))
    return convs, [normalization.DomainBatchNorm(momentum=_MOMENTUM, dtype=dtype) for _ in channels]


def _build(convs, norms, depth):
    size = 32
    for conv in convs:
        conv.build((None, size, size, depth))
        size, depth = size // 2, conv.filters
    for conv, norm in zip(convs[: len(norms)], norms, strict=True):  # D has none at its last
        norm.build((None, None, None, conv.filters))


@keras.saving.register_keras_serializable("dtn_tf")
class YunjeyDTN(DTN):
    """What github.com/yunjey/domain-transfer-network does, the best-known port.

    D is binary. A step is 1 update of D and 6 of g on source images, then 2 of D and 4
    of g on target images, each from forward passes of its own. L_CONST moves f and not
    g, every 15th step; f therefore drifts, and normalises by the batch.
    """

    d_updates, g_updates = 1, 6  # of the optimizers of the source side
    tracked = ("L_D", "L_G", "L_GANG_source", "L_CONST", "L_GANG_target", "L_TID")
    tracked_d = ("G_source", "target")

    def __init__(self, f, g, d, **kwargs):
        super().__init__(f, g, d, **kwargs)
        self.f.trainable = True

    def train_step(self, batch):
        """13 updates, and every 15th step one of f, on one batch of s and one of t."""
        # f moves: its f(x) is never known beforehand, and images come alone.
        x_s, x_t = (part[0] if isinstance(part, tuple) else part for part in batch)
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

    # A step calls these up to six times: as functions they are traced once. Without autograph,
    # for a faster start: no tensor decides what is done.
    @tf.function(autograph=False)
    def update_d_source(self, x):  # x in s
        """D learns that G(x) is no digit; returns its loss."""

        def loss():
            logits = self.d(self._generated(x, SOURCE), training=True)
            self._track_d("G_source", logits)
            return losses.l_d_source(logits)

        return self._update(self.d, self.d_optimizer, loss)

    @tf.function(autograph=False)
    def update_g_source(self, x):  # x in s
        """g learns to have G(x) taken as real; returns its loss."""

        def loss():
            logits = self.d(self._generated(x, SOURCE), training=True)
            l_gang = losses.l_gang(logits)
            self._track(L_GANG_source=l_gang)
            return l_gang

        return self._update(self.g, self.g_optimizer, loss)

    @tf.function(autograph=False)
    def update_f(self, x):  # x in s
        """f, not g, learns to see the same in x and in G(x); returns the loss."""

        def loss():
            fx = self.f(x, training=True)
            gx = self.g(fx, domain=SOURCE, training=True)
            l_const = losses.l_const(fx, self.f(gx, training=True), self.content_distance)
            self._track(L_CONST=l_const)
            return self.alpha * l_const

        return self._update(self.f, self.f_optimizer, loss)

    @tf.function(autograph=False)
    def update_d_target(self, x):  # x in t
        """D learns to tell G(x) from x; returns its loss."""

        def loss():
            logits = self.d(self._generated(x, TARGET), training=True)
            logits_real = self.d(x, training=True)
            self._track_d("target", logits_real)
            return losses.l_d_target(logits, logits_real)

        return self._update(self.d, self.d_target_optimizer, loss)

    @tf.function(autograph=False)
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
