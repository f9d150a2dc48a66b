"""DTN whose f(s) is brought to the statistics of f(t)."""

import keras
import numpy as np
import tensorflow as tf

from dtn_tf.content import views
from dtn_tf.dtn import DTN


@keras.saving.register_keras_serializable("dtn_tf")
class MatchedDTN(DTN):
    """DTN for an f that tells the domains apart: g learns f(t) by L_TID, and f(s) lies elsewhere.

    Each feature of f(s) gets the mean and the deviation that it has in f(t), by a scale and a
    shift that are fixed before training; a caricature has a larger deviation. G(x) is of the
    target domain, so that f(G(x)) is compared as it is.

    Args:
        scale, shift: float arrays `(features,)`, see `content.codes.match_features`; None
            leaves 1 and 0, for a file's weights to come.
        tta: Test-time augmentation of a translation. "none": g reads f(x). "mean": the mean of f
            over six views of x, see `views.around`. What f says of one view alone is noise. Six
            views cost six times as much of f; training is not touched.
        mirror: Whether every second of these views is mirrored: then x mirrored shows the same.
        test_matching: Scale and shift of a translation, two times `features` floats, for another
            exaggeration than that of training, which it does not touch. None: the same.
        **kwargs: See `DTN`.
    """

    def __init__(
        self,
        f,
        g,
        d,
        scale=None,
        shift=None,
        tta="none",
        mirror=True,
        test_matching=None,
        **kwargs,
    ):
        super().__init__(f, g, d, **kwargs)
        self.tta, self.mirror = tta, mirror
        self.test_matching = None
        if test_matching is not None:  # plain numbers, as the configuration of a file has them
            self.test_matching = [[float(v) for v in part] for part in test_matching]
        self.built = False
        ones = np.ones(f.features, np.float32)
        self.scale, self.shift = (
            self.add_weight(
                ones.shape, "zeros", dtype="float32", trainable=False, name=name, autocast=False
            )
            for name in ("scale", "shift")
        )
        self.scale.assign(ones if scale is None else scale)
        self.shift.assign(0.0 * ones if shift is None else shift)
        self.built = True

    def content(self, x):
        """Returns f(x), x in the source domain, matched, as a translation reads it."""
        fx = self._read(x)
        if self.test_matching is None:
            return self.matched(fx)
        scale, shift = (tf.constant(part, fx.dtype) for part in self.test_matching)
        return scale * fx + shift

    def _read(self, x):
        """f(x), or its mean over views."""
        if self.tta == "none":
            return self.f(x, training=False)
        turned = views.mirrored if self.mirror else tf.identity
        by = max(1, x.shape[1] // 32)  # as far as a pixel is of a digit
        fx = [self.f(view, training=False) for view in views.around(x, turned, by)]
        return tf.add_n(fx) / len(fx)

    def matched(self, fx):
        """Returns features of the source as if they were of the target."""
        return self.scale * fx + self.shift

    def source_step(self, x, fx=None):  # x in s
        """The pass of DTN, on matched features."""
        fx = self.f(x, training=False) if fx is None else fx
        return super().source_step(x, self.matched(fx))

    def get_config(self):
        """Returns the arguments that make this model again."""
        own = {name: getattr(self, name) for name in ("tta", "mirror", "test_matching")}
        return {**super().get_config(), **own}
