"""f, the fixed feature function of the paper, and the classifier that trains it."""

import keras
import tensorflow as tf

from dtn_tf import images
from dtn_tf.nets import convolution, normalization, sizes

_CHANNELS = (64, 128, 256, 128)


@keras.saving.register_keras_serializable("dtn_tf")
class ContentEncoder(keras.Model):
    """f: four blocks of convolution, max pooling, batch norm and ReLU; more for larger images.

    The representation is what the last block gives before its ReLU; the ReLU
    belongs to whoever classifies it (see `Classifier`). Batch norm is not in the
    paper's text: with it f learns faster, and together with weight decay it makes
    features small that do not help to tell digits apart, so that L_CONST asks g for
    the digit and not for the photo's background. Pooling comes first in a block, for
    a pooled map has a quarter of the elements.

    Args:
        channels: Filters of the 3x3 convolutions, one number a block; the last is the
            size of f(x). None is the paper's (64, 128, 256, 128), before it half as
            many per doubling of the size. Kernel size is our choice.
        depths: Convolutions per block; None is the paper's one. Those before a block's last
            have batch norm and ReLU of their own and no pooling.
        residual: Whether a convolution that keeps the number of filters is added to what it
            reads (He et al. 2016, https://arxiv.org/abs/1512.03385): f may then be deep.
        image_channels: 1 or 3, what the first convolution reads. Gray is
            repeated to RGB and RGB turned gray as needed.
        standardize: Whether each image is first brought to mean 0 and variance 1.
            A handwritten digit has several times the contrast of a photographed
            one; without it f's features tell the domains apart by their scale, and
            L_CONST asks g for grey images.
        num_domains: Sets of batch-norm statistics, see `normalization`.
        dense: Whether a dense layer reads ReLU of the last 4x4 places and makes f(x). Else
            f(x) is the largest value of each filter over them, as in the paper: what is where
            in an image is lost.
        size: Side of the images: 32, 64 or 128. Each doubling takes a block more.
        dtype: Keras dtype policy, e.g. "mixed_bfloat16".

    Input shape: `(batch, size, size, 1 or 3)`, float, in [-1, 1].
    Output shape: `(batch, channels[-1])`, float32 under every policy.

    Source: Taigman, Polyak and Wolf, ICLR 2017, https://arxiv.org/abs/1611.02200
    """

    def __init__(
        self,
        channels=None,
        image_channels=3,
        depths=None,
        standardize=True,
        num_domains=1,
        size=32,
        residual=False,
        dense=False,
        dtype=None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        channels = sizes.at_size(_CHANNELS, size, "f") if channels is None else channels
        num_blocks = 4 + sizes.doublings(size)
        depths = (1,) * num_blocks if depths is None else depths
        for name, value in (("channels", channels), ("depths", depths)):
            if len(value) != num_blocks:
                raise ValueError(
                    f"ContentEncoder got {name}={value}; it needs {num_blocks} numbers"
                    f" at size {size}."
                )
        self.channels = tuple(channels)
        self.depths = tuple(depths)
        self.image_channels = image_channels
        self.standardize = standardize
        self.num_domains = num_domains
        self.size = size
        self.residual = residual
        self.dense = dense
        self.convs = [
            convolution.Conv2D(c, 3, padding="same", kernel_initializer="he_normal", dtype=dtype)
            for c, depth in zip(channels, depths, strict=True)
            for _ in range(depth)
        ]
        self.norms = [
            normalization.DomainBatchNorm(num_domains, momentum=0.99, dtype=dtype)
            for _ in self.convs
        ]
        if dense:
            self.head = keras.layers.Dense(channels[-1], dtype="float32")
        self.build()

    @property
    def features(self):
        """Length of f(x)."""
        return self.channels[-1]

    def build(self, input_shape=None):
        """Creates the weights; the input shape is known from the arguments."""
        size, depth = self.size, self.image_channels
        for conv, norm, pool in self._layers_in_order():
            conv.build((None, size, size, depth))
            size, depth = size // pool, conv.filters
            norm.build((None, size, size, depth))
        if self.dense:
            self.head.build((None, size * size * depth))
        self.built = True

    def call(self, x, domain=0, training=False):
        """Returns f(x), normalised by the statistics of a domain."""
        x = images.with_channels(x, self.image_channels)
        x = _standardized(x) if self.standardize else x
        for k, (conv, norm, pool) in enumerate(self._layers_in_order()):
            y = conv(tf.nn.relu(x) if k else x)
            x = x + y if self.residual and x.shape[-1] == y.shape[-1] else y
            x = tf.nn.max_pool2d(x, pool, pool, "VALID") if pool > 1 else x
            x = norm(x, domain=domain, training=training)
        if not self.dense:
            return tf.cast(tf.reshape(x, (-1, self.channels[-1])), tf.float32)
        return self.head(tf.reshape(tf.nn.relu(x), (-1, self.head.kernel.shape[0])))

    def hidden(self, fx):
        """Returns what a classifier reads of f(x): its ReLU."""
        return tf.nn.relu(fx)

    def _layers_in_order(self):
        """Convolution, norm, and how much is pooled between the two; 1 is not at all."""
        last = 1 if self.dense else 4
        of_blocks = (2,) * (len(self.depths) - 1) + (last,)  # 32 -> 16 -> 8 -> 4 -> 1
        pools = [
            pool if is_last else 1
            for depth, pool in zip(self.depths, of_blocks, strict=True)
            for is_last in [False] * (depth - 1) + [True]
        ]
        return list(zip(self.convs, self.norms, pools, strict=True))

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "image_channels": self.image_channels,
            "depths": self.depths,
            "standardize": self.standardize,
            "num_domains": self.num_domains,
            "size": self.size,
            "residual": self.residual,
            "dense": self.dense,
        }


def _standardized(x, eps=0.01):
    """Mean 0 and variance 1 per image; eps keeps a blank image blank."""
    wide = tf.cast(x, tf.float32)
    mean, variance = tf.nn.moments(wide, axes=(1, 2, 3), keepdims=True)
    return tf.cast((wide - mean) * tf.math.rsqrt(variance + eps), x.dtype)


@keras.saving.register_keras_serializable("dtn_tf")
class Classifier(keras.Model):
    """A content encoder with a linear head: trains f, and is the judge of the tables.

    Args:
        encoder: A `ContentEncoder`.
        num_classes: Width of the logits.
        dropout: Share of ReLU(f(x)) set to zero while training.
        dtype: Keras dtype policy; the encoder's unless told otherwise. Keras scales
            losses by it, which float16 gradients need.

    Input shape: as the encoder's.
    Output shape: `(batch, num_classes)`, float32 logits.
    """

    def __init__(self, encoder, num_classes=10, dropout=0.6, dtype=None, **kwargs):
        super().__init__(dtype=dtype or encoder.dtype_policy, **kwargs)
        self.encoder = encoder
        self.num_classes = num_classes
        self.dropout = dropout
        self.drop = _Dropout(dropout, name="dropout", dtype="float32")
        self.head = keras.layers.Dense(num_classes, dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates the head; the encoder is built already."""
        self.drop.build((None, self.encoder.channels[-1]))
        self.head.build((None, self.encoder.channels[-1]))
        self.built = True

    def call(self, x, training=False):
        """Returns logits."""
        hidden = self.encoder.hidden(self.encoder(x, training=training))
        return self.head(self.drop(hidden, training=training))

    def get_config(self):
        """Returns the arguments that make this net again."""
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "num_classes": self.num_classes,
            "dropout": self.dropout,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the net that `get_config` described."""
        config = dict(config)
        config["encoder"] = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**config)


class _Dropout(keras.layers.Dropout):
    """Dropout that saves its place in its random stream: Keras' own starts it anew."""

    def save_own_variables(self, store):
        if self.rate:  # else Keras' layer has no stream
            store["seed"] = keras.ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        if "seed" in store.keys():  # not in a file of Keras' layer
            self.seed_generator.state.assign(store["seed"])
