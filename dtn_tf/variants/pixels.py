"""Rows of the paper's table whose G reads pixels: "G does not contain f", and the baseline."""

import keras
import tensorflow as tf

from dtn_tf import losses
from dtn_tf.dtn import DTN, SOURCE


@keras.saving.register_keras_serializable("dtn_tf")
class PixelGenerator(keras.Model):
    """G that does not contain f: an encoder of its own, trained with g, before g.

    The paper does not say which layers these were; f's own shapes are the natural
    choice, for then the rows differ in what was learnt and not in what can be.

    Args:
        encoder: `ContentEncoder` with two domains, untrained.
        decoder: `Decoder`.
        dtype: Keras dtype policy; the decoder's unless told otherwise.

    Input shape: `(batch, size, size, 1 or 3)`, float, in [-1, 1].
    Output shape: as the decoder's.
    """

    def __init__(self, encoder, decoder, dtype=None, **kwargs):
        super().__init__(dtype=dtype or decoder.dtype_policy, **kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.built = True

    @property
    def size(self):
        """Side of the image in pixels: the decoder's."""
        return self.decoder.size

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

    def content(self, x):
        """Returns nothing: a translation does not read f(x)."""
        return None

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

    def reconstruct(self, x):
        """Returns G(x) for x of the target domain, by the statistics of s: g has no others."""
        return self.g_ema(self.code(x, None), domain=SOURCE)

    def target_step(self, x, fx=None):  # x in t
        """Updates D on real images; returns L_D, and L_G, of which there is none."""
        with tf.GradientTape() as tape:
            logits_real = self.d(x, training=True)
            l_d = losses.l_gang(logits_real)  # -E log D(x): of real images, to D's gain
            d_scaled = self.d_optimizer.scale_loss(self.gan * l_d)
        self._apply(tape, d_scaled, self.d, self.d_optimizer)
        self._track_d("target", logits_real)
        return l_d, tf.constant(0.0)
