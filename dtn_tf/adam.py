"""Adam as one operation per weight."""

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

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable and its two averages."""
        dtype = variable.dtype
        step = tf.cast(self.iterations, dtype) + 1.0
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.cast(self.beta_1, dtype) ** step,
            beta2_power=tf.cast(self.beta_2, dtype) ** step,
            lr=tf.cast(learning_rate, dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, dtype),
        )
