"""D, the ternary discriminator on the target domain."""

import itertools

import keras
import tensorflow as tf

from dtn_tf.nets import convolution, normalization, sizes

_CHANNELS = (64, 128, 256, 256)


@keras.saving.register_keras_serializable("dtn_tf")
class Discriminator(keras.Model):
    """D: four convolutions of stride 2 with batch norm and ReLU, then the logits.

    One more for each doubling of the image. One more than that is taken, too: the paper's D for
    faces has six, of images of 152 pixels.

    Args:
        channels: Filters of the convolutions, each of which halves the sides, down to
            2x2 pixels: 4 numbers at 32 pixels, 5 at 64, 6 at 128. None is (64, 128, 256, 256),
            before it half as many per doubling of the size. One number more brings the sides
            down to one pixel. The paper gives neither widths
            nor kernels; 4x4 as in DCGAN.
        image_channels: 1 (gray digits) or 3.
        num_classes: 3 in the paper: G(source), G(target), real target.
        num_conditions: Classes of what an image shows, where D is told: it then has a
            linear layer for each beside the common one. 0, as in the paper, is none.
        size: Side of the images: 32, 64 or 128.
        leak: Slope of the ReLU below 0: 0, or 0.2 as in the paper's D for faces.
        norm: "batch", batch norm as in the paper; or "none". Real and generated images come in
            batches of their own. With batch norm D does not see that one kind has more contrast,
            or more texture, than the other as a whole.
        dtype: Keras dtype policy. Logits are float32 under every policy.

    Input shape: `(batch, size, size, image_channels)`, float, in [-1, 1].
    Output shape: `(batch, num_classes)`, float32 logits.

    Source: Taigman, Polyak and Wolf, ICLR 2017, https://arxiv.org/abs/1611.02200
    """

    def __init__(
        self,
        channels=None,
        image_channels=1,
        num_classes=3,
        num_conditions=0,
        size=32,
        leak=0.0,
        norm="batch",
        dtype=None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        channels = sizes.at_size(_CHANNELS, size, "d") if channels is None else channels
        least = 4 + sizes.doublings(size)
        if len(channels) not in (least, least + 1):
            raise ValueError(
                f"Discriminator got channels={channels}; it needs {least} or {least + 1} numbers"
                f" at size {size}."
            )
        if norm not in ("batch", "none"):
            raise ValueError(f"Discriminator got norm={norm!r}; expected 'batch' or 'none'.")
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.num_classes = num_classes
        self.num_conditions = num_conditions
        self.size = size
        self.leak = leak
        self.norm = norm
        self.convs = [
            convolution.Conv2D(
                c,
                4,
                strides=2,
                padding="same",
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
                dtype=dtype,
            )
            for c in channels
        ]
        normed = channels if norm == "batch" else ()
        self.norms = [normalization.DomainBatchNorm(dtype=dtype) for _ in normed]
        self.head = keras.layers.Dense(num_classes, dtype="float32")
        if num_conditions:
            self.heads = keras.layers.Dense(num_conditions * num_classes, dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        size, depth = self.size, self.image_channels
        for conv in self.convs:
            conv.build((None, size, size, depth))
            size, depth = size // 2, conv.filters
        for conv, norm in zip(self.convs, self.norms, strict=False):
            norm.build((None, None, None, conv.filters))
        self.head.build((None, size * size * depth))
        if self.num_conditions:
            self.heads.build((None, size * size * depth))
        self.built = True

    def call(self, x, condition=None, training=False):
        """Returns the logits of classes 1, 2 and 3.

        Args:
            x: Images.
            condition: int tensor `(batch,)`, what each shows; only, and always, where
                there are `num_conditions`.
            training: Whether batch norm uses (and moves) the batch's statistics.
        """
        for conv, norm in itertools.zip_longest(self.convs, self.norms):
            x = conv(x)
            x = self._rectified(x if norm is None else norm(x, training=training))
        x = tf.reshape(x, (tf.shape(x)[0], self.head.kernel.shape[0]))
        if not self.num_conditions:
            return self.head(x)
        each = tf.reshape(self.heads(x), (-1, self.num_conditions, self.num_classes))
        return self.head(x) + tf.gather(each, condition, axis=1, batch_dims=1)

    def _rectified(self, x):
        # Not tf.nn.leaky_relu: TensorFlow tries to fuse it with the convolution, and prints that
        # it failed.
        return tf.maximum(x, self.leak * x) if self.leak else tf.nn.relu(x)

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "num_classes": self.num_classes,
            "num_conditions": self.num_conditions,
            "size": self.size,
            "leak": self.leak,
            "norm": self.norm,
        }
