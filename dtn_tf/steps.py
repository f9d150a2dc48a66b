"""Where a training is: step numbers for callbacks, and logs that wait on the device."""

import keras
import tensorflow as tf


class Stepped(keras.callbacks.Callback):
    """A callback that goes by the steps of a whole training.

    Attributes:
        start: Step that this start of the training began at. `loop.fit` sets all three.
        num_steps: Steps of the whole training.
        stride: Steps that Keras takes before it calls callbacks again, `steps_per_execution`.
    """

    start, num_steps, stride = 0, 0, 1

    def step_of(self, batch):
        """Returns the step that is done at the end of batch `batch` of this start.

        Keras counts in whole strides; the last one may be shorter.
        """
        return min(self.start + batch + 1, self.num_steps)

    def is_due(self, step, every):
        """Whether a multiple of `every` is among the steps of the stride that ends at `step`."""
        before = self.start + (step - self.start - 1) // self.stride * self.stride
        return step // every > before // every


class Callbacks(keras.callbacks.CallbackList):
    """Callbacks that get the logs of a step as tensors.

    Keras' own list turns each of them into a number after every step. On a GPU the program
    would wait for each step to end before it asks for the next.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Calls all of them."""
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs=logs or {})


def numbers(logs):
    """Returns the values of several dicts of scalar tensors as floats: one transfer for all."""
    values = [tf.cast(value, tf.float32) for each in logs for value in each.values()]
    return tf.stack(values).numpy().tolist() if values else []
