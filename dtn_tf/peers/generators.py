"""The peers' generators: CycleGAN's, one a direction, and UNIT's, all four nets together."""

import keras
import tensorflow as tf

from dtn_tf.dtn import SOURCE, TARGET
from dtn_tf.peers import nets


@keras.saving.register_keras_serializable("dtn_tf")
class ResidualGenerator(keras.Model):
    """An image of one domain -> an image of the other: `nets.Down`, then `nets.Up`.

    Args:
        channels: Filters at 4x4 pixels and on, see `nets.Down`.
        channels_in, channels_out: 1 or 3, of the images of the two domains.
        num_blocks: Residual blocks on either side of the middle.
        dtype: Keras dtype policy.

    Input shape: `(batch, size, size, 1 or 3)`, float, in [-1, 1].
    Output shape: `(batch, size, size, channels_out)`, float32, in [-1, 1].
    """

    def __init__(
        self,
        channels=(128, 128, 64),
        channels_in=3,
        channels_out=1,
        num_blocks=2,
        dtype=None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.channels = tuple(channels)
        self.channels_in, self.channels_out = channels_in, channels_out
        self.num_blocks = num_blocks
        self.down = nets.Down(channels, channels_in, num_blocks, dtype=dtype)
        self.up = nets.Up(channels, channels_out, num_blocks, dtype=dtype)
        self.built = True

    @property
    def size(self):
        """Side of the images in pixels."""
        return self.up.size

    def call(self, x):
        """Returns the translation."""
        return self.up(self.down(x))

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "channels_in": self.channels_in,
            "channels_out": self.channels_out,
            "num_blocks": self.num_blocks,
        }


@keras.saving.register_keras_serializable("dtn_tf")
class CoupledAutoencoders(keras.Model):
    """E_1, G_1 of the source and E_2, G_2 of the target; the block next to the code is shared.

    Args:
        channels: Filters at 4x4 pixels and on, see `nets.Down`.
        image_channels: Pair, channels of the images of source and target.
        num_blocks: Residual blocks of each encoder and decoder; one more is shared by both.
        dtype: Keras dtype policy.

    Input shape: `(batch, size, size, 1 or 3)`, float, in [-1, 1]: images of the source.
    Output shape: `(batch, size, size, channels of the target)`, float32, in [-1, 1].
    """

    def __init__(
        self, channels=(128, 128, 64), image_channels=(3, 1), num_blocks=1, dtype=None, **kwargs
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.channels, self.image_channels = tuple(channels), tuple(image_channels)
        self.num_blocks = num_blocks
        of_each = [(channels, depth, num_blocks) for depth in image_channels]
        self.downs = [nets.Down(*shape, dtype=dtype) for shape in of_each]
        self.shared_down = nets.Residual(channels[0], dtype)
        self.shared_up = nets.Residual(channels[0], dtype)
        self.ups = [nets.Up(*shape, dtype=dtype) for shape in of_each]
        self.built = True

    @property
    def size(self):
        """Side of the images in pixels."""
        return self.ups[TARGET].size

    def encode(self, x, domain):
        """Returns the mean of the code of images of a domain: float32 `(batch, 4, 4, filters)`."""
        return tf.cast(self.shared_down(self.downs[domain](x)), tf.float32)

    def decode(self, z, domain):
        """Returns the images of a domain that codes stand for."""
        return self.ups[domain](self.shared_up(z))

    def call(self, x, domain=SOURCE):
        """Returns images of the target: of the source translated, of the target made again.

        The code is its mean: a translation has nothing random in it.
        """
        return self.decode(self.encode(x, domain), TARGET)

    def get_config(self):
        """Returns the arguments that make these nets again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "num_blocks": self.num_blocks,
        }
