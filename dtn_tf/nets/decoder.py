"""g, which paints an image of the target domain from f's features."""

import keras
import tensorflow as tf

from dtn_tf.nets import convolution, normalization, upsampling

_UPSAMPLINGS = ("transposed", "nearest")


@keras.saving.register_keras_serializable("dtn_tf")
class Decoder(keras.Model):
    """g: four transposed convolutions, batch norm and ReLU between them, tanh last.

    One more for each doubling of the image.

    Args:
        channels: Filters of all blocks but the last, at 4x4, 8x8 and 16x16 pixels, and on.
            How many there are says how large g paints: 3 at 32 pixels, 4 at 64, 5 at 128.
            The paper says DCGAN-inspired and no more; kernels are 4x4 as there.
        image_channels: 1 (gray digits, as in the paper) or 3.
        features: Size of f(x).
        kernel_size: Of the transposed convolutions of stride 2.
        upsampling: "transposed", or "nearest": nearest-neighbour upsampling and a 3x3
            convolution in place of each transposed convolution of stride 2. It cannot paint
            a checkerboard, see `upsampling.UpsampledConv2D`.
        refine: Whether a 1x1 convolution with batch norm and ReLU follows each block but the
            last. The paper has them for faces: with five blocks g is nine layers deep.
        final_conv: Whether the last block, too, enlarges to filters, with batch norm and ReLU: half
            as many as the block before it. A 3x3 convolution then paints at full resolution.
            Without it one map makes a pixel and its three neighbours by different weights.
        dtype: Keras dtype policy. The tanh is float32 under every policy.

    Input shape: `(batch, features)`, float32.
    Output shape: `(batch, size, size, image_channels)`, float32, in [-1, 1].

    Source: Taigman, Polyak and Wolf, ICLR 2017, https://arxiv.org/abs/1611.02200
    """

    def __init__(
        self,
        channels=(256, 128, 64),
        image_channels=1,
        features=128,
        kernel_size=4,
        upsampling="transposed",
        refine=False,
        final_conv=False,
        dtype=None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        if not 3 <= len(channels) <= 5:
            raise ValueError(
                f"Decoder got channels={channels}; it needs 3 numbers for images of 32 pixels,"
                " 4 for 64 or 5 for 128."
            )
        if upsampling not in _UPSAMPLINGS:
            raise ValueError(
                f"Decoder got upsampling={upsampling!r}; it needs one of {', '.join(_UPSAMPLINGS)}."
            )
        self.channels = tuple(channels)
        self.image_channels = image_channels
        self.features = features
        self.kernel_size = kernel_size
        self.upsampling = upsampling
        self.refine = refine
        self.final_conv = final_conv
        self.deconvs = [_deconv(channels[0], 4, strides=1, padding="valid", dtype=dtype)]
        last = max(channels[-1] // 2, 1) if final_conv else image_channels
        self.deconvs += [self._enlarging(c, dtype) for c in (*channels[1:], last)]
        self.norms = [_norm(dtype) for _ in channels]
        if final_conv:
            self.norms.append(_norm(dtype))
            self.painter = _conv(image_channels, 3, dtype)
        if refine:
            self.refinements = [_conv(c, 1, dtype) for c in channels]
            self.refinement_norms = [_norm(dtype) for _ in channels]
        self.build()

    @property
    def size(self):
        """Side of the image in pixels: 32, 64 or 128."""
        return 4 * 2 ** len(self.channels)

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        size, depth = 1, self.features
        for deconv in self.deconvs:
            deconv.build((None, size, size, depth))
            size, depth = (4 if size == 1 else 2 * size), deconv.filters
        for conv, norm in self._layers_in_order():
            if not conv.built:  # it refines: no more channels, no fewer
                conv.build((None, None, None, conv.filters))
            norm.build((None, None, None, conv.filters))
        if self.final_conv:
            self.painter.build((None, size, size, depth))
        self.built = True

    def call(self, fx, domain=0, training=False):
        """Returns g(fx).

        Args:
            fx: What f made of a batch of images of one domain.
            domain: 0 for source, 1 for target: whose features these are, and so whose
                batch-norm statistics apply.
            training: Whether batch norm uses (and moves) the batch's statistics.
        """
        z = tf.reshape(fx, (-1, 1, 1, self.features))
        for conv, norm in self._layers_in_order():
            z = tf.nn.relu(norm(conv(z), domain=domain, training=training))
        paint = self.painter if self.final_conv else self.deconvs[-1]
        return tf.tanh(tf.cast(paint(z), tf.float32))

    def _enlarging(self, filters, dtype):
        """Makes a layer that doubles the sides."""
        if self.upsampling == "transposed":
            return _deconv(filters, self.kernel_size, dtype=dtype)
        kernel = {"kernel_initializer": _initializer()}
        return upsampling.UpsampledConv2D(filters, **kernel, dtype=dtype)

    def _layers_in_order(self):
        """Convolutions and the norms that follow them: all but the one that paints."""
        blocks = list(zip(self.deconvs, self.norms, strict=False))
        if not self.refine:
            return blocks
        refinements = zip(self.refinements, self.refinement_norms, strict=True)
        refined = [pair for both in zip(blocks, refinements, strict=False) for pair in both]
        return refined + blocks[len(self.refinements) :]

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "features": self.features,
            "kernel_size": self.kernel_size,
            "upsampling": self.upsampling,
            "refine": self.refine,
            "final_conv": self.final_conv,
        }


def _norm(dtype):
    return normalization.DomainBatchNorm(num_domains=2, dtype=dtype)


def _initializer():
    """DCGAN's initial weights."""
    return keras.initializers.RandomNormal(stddev=0.02)


def _deconv(filters, kernel_size, strides=2, padding="same", dtype=None):
    return convolution.Conv2DTranspose(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        kernel_initializer=_initializer(),
        dtype=dtype,
    )


def _conv(filters, side, dtype):
    kernel = {"kernel_initializer": _initializer(), "padding": "same"}
    return convolution.Conv2D(filters, side, **kernel, dtype=dtype)
