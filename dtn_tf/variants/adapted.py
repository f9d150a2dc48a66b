"""DTN beyond the paper: what uses f's decisions, and a style code beside f(x).

What differs from `dtn.DTN` is here, so that the algorithm itself reads in one screen.
"""

import keras
import tensorflow as tf

from dtn_tf import losses
from dtn_tf.content import views
from dtn_tf.dtn import DTN
from dtn_tf.variants.pixels import PixelGenerator


@keras.saving.register_keras_serializable("dtn_tf")
class StyledGenerator(PixelGenerator):
    """G that reads f(x) and a style code of x, which an encoder of its own finds.

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
class AdaptedDTN(DTN):
    """DTN that also uses what f decides: the class that f's own classifier sees in x.

    No target label has a part in it. Each use can be switched off alone: L_CONST as the
    cross-entropy of f(G(x)) under the decision about x (content distance "cross_entropy");
    a class-conditional discriminator, which is told the decision (D with `num_conditions`);
    a style code of x that g reads beside f(x) (`StyledGenerator`); test-time augmentation of
    the translation.

    Args:
        head: The layer that makes logits of f's hidden features, trained with f.
        tta: Test-time augmentation of a translation. "none": g reads f(x). "mean": the mean
            of f over six views of x: it and its negative, moved by a pixel. "confident": f of
            the view that f is surest of, see `most_confident`. Six views cost six times as much
            of f; training is not touched.
        **kwargs: See `DTN`.
    """

    def __init__(self, f, g, d, head, tta="none", **kwargs):
        super().__init__(f, g, d, **kwargs)
        self.head = head
        self.head.trainable = False
        self.tta = tta

    def content(self, x):
        """Returns f(x) as a translation reads it, see `tta`."""
        if self.tta == "none":
            return self.f(x, training=False)
        fx = [self.f(view, training=False) for view in views.around(x, tf.negative)]
        if self.tta == "mean":
            return tf.add_n(fx) / len(fx)
        return most_confident(fx, [self.head(self.f.hidden(view)) for view in fx])

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
        if self.content_distance != "cross_entropy":
            return super().l_const(fx, fgx)
        return losses.l_class(self.decision(fx), self.head(self.f.hidden(fgx)))

    def get_config(self):
        """Returns the arguments that make this model again."""
        return {
            **super().get_config(),
            "head": keras.saving.serialize_keras_object(self.head),
            "tta": self.tta,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the model that `get_config` described."""
        head = keras.saving.deserialize_keras_object(config["head"])
        return super().from_config({**config, "head": head})


def most_confident(fx, logits):
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
