"""Adam as one operation per weight."""

import functools

import keras
import tensorflow as tf

from dtn_tf.errors import UserError


@keras.saving.register_keras_serializable("dtn_tf")
class Adam(keras.optimizers.Adam):
    """Keras' Adam, computed by TensorFlow's fused kernel.

    Keras writes the update as a dozen operations, each of which reads and writes all
    weights. The numbers are the same but for rounding.

    Raises:
        UserError: If asked for AMSGrad, which the kernel does not have.
    """

    def __init__(self, *args, amsgrad=False, **kwargs):
        if amsgrad:
            raise UserError("dtn_tf's Adam has no amsgrad=True; use keras.optimizers.Adam for it.")
        super().__init__(*args, **kwargs)

    def apply(self, grads, trainable_variables=None):
        """Moves all variables; what they share is computed once, not for each."""
        step = tf.cast(self.iterations.value, tf.float32) + 1.0
        beta1, beta2 = (tf.constant(beta, tf.float32) for beta in (self.beta_1, self.beta_2))
        self._kernel = functools.partial(
            tf.raw_ops.ResourceApplyAdam,
            beta1_power=beta1**step,
            beta2_power=beta2**step,
            beta1=beta1,
            beta2=beta2,
            epsilon=tf.constant(self.epsilon, tf.float32),
        )
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable and its two averages, all float32."""
        index = self._get_variable_index(variable)
        self._kernel(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            lr=tf.cast(learning_rate, tf.float32),
            grad=tf.cast(gradient, tf.float32),
        )
