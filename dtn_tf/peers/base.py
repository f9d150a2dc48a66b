"""What CycleGAN and UNIT share: two discriminators, and f beside them that they never read."""

import tensorflow as tf

from dtn_tf.players import TwoPlayers


class Peer(TwoPlayers):
    """A translation from s to t and one from t to s, trained together.

    f plays no part in this. It is the run's own, trained as for a DTN and kept beside it, to
    measure f-constancy of the translations afterwards.

    Args:
        f: Content encoder, frozen. Never read in training.
        g: What translates, see the subclass.
        d: Discriminator of t, with one score an image.
        d_back: Discriminator of s, the same.
        seed: Of what is drawn in a step.
        ema: See `TwoPlayers`. Neither paper has an average: 0 is g itself.

    Input shape: `(batch, size, size, 1 or 3)`, float32, in [-1, 1].
    Output shape: `(batch, size, size, channels of T)`, float32, in [-1, 1].
    """

    nets = ("f", "g", "d", "d_back")
    tracked_d = ("D_fake_t", "D_real_t", "D_fake_s", "D_real_s")

    def __init__(self, f, g, d, d_back, seed=0, **kwargs):
        super().__init__(f, g, d, **kwargs)
        self.d_back = d_back
        self.seed = seed

    @property
    def d_variables(self):
        """Of both discriminators, which one optimizer moves."""
        return [*self.d.trainable_variables, *self.d_back.trainable_variables]

    def content(self, x):
        """Returns f(x), which a translation does not read."""
        return self.f(x, training=False)

    def drawn_by(self, number):
        """Returns a seed of this step alone, so that a resumed run draws what another one did.

        Args:
            number: int, 0 to 7, which draw of the step it is for.
        """
        return tf.stack([tf.constant(self.seed, tf.int64), 8 * self.step.value + number])

    def get_config(self):
        """Returns the arguments that make this model again."""
        return {**super().get_config(), "seed": self.seed}


def images_of(batch):
    """Returns the images of s and of t; f(x), where it is known, is left out."""
    return tuple(part[0] if isinstance(part, tuple) else part for part in batch)
