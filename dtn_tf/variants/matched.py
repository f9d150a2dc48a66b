"""DTN whose f(s) is brought to the statistics of f(t)."""

import keras
import numpy as np

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
        **kwargs: See `DTN`.
    """

    def __init__(self, f, g, d, scale=None, shift=None, **kwargs):
        super().__init__(f, g, d, **kwargs)
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
        """Returns f(x), x in the source domain, matched."""
        return self.matched(self.f(x, training=False))

    def matched(self, fx):
        """Returns features of the source as if they were of the target."""
        return self.scale * fx + self.shift

    def source_step(self, x, fx=None):  # x in s
        """The pass of DTN, on matched features."""
        return super().source_step(x, self.content(x) if fx is None else self.matched(fx))
