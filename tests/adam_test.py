import keras
import numpy as np
import tensorflow as tf

from dtn_tf.adam import Adam
from tests import testing


def _walk(optimizer, num_steps=25):
    """What becomes of two variables under a fixed stream of gradients."""
    draw = np.random.default_rng(0)
    variables = [
        keras.Variable(draw.normal(size=shape), dtype="float32") for shape in ((3, 4), (5,))
    ]
    optimizer.build(variables)
    update = tf.function(lambda *gradients: optimizer.apply(gradients, variables))
    for _ in range(num_steps):
        update(*(tf.constant(draw.normal(size=v.shape), tf.float32) for v in variables))
    return variables


def _settings():
    rate = keras.optimizers.schedules.CosineDecay(0.1, 20)
    return {"learning_rate": rate, "beta_1": 0.5, "beta_2": 0.99, "epsilon": 1e-3}


class AdamTest(testing.TestCase):
    def test_moves_as_keras_does(self):
        ours, theirs = Adam(**_settings()), keras.optimizers.Adam(**_settings())
        for a, b in zip(_walk(ours), _walk(theirs), strict=True):
            self.assertAllClose(a, b, rtol=1e-5, atol=1e-5)
        for a, b in zip(ours.variables, theirs.variables, strict=True):
            self.assertAllClose(a, b, rtol=1e-5, atol=1e-5)  # step and both averages

    def test_with_weight_decay_moves_as_keras_adamw_does(self):
        how = {**_settings(), "weight_decay": 0.1}
        with testing.eagerly():
            ours, theirs = (_walk(kind(**how), 5) for kind in (Adam, keras.optimizers.AdamW))
            undecayed = _walk(Adam(**_settings()), 5)
        for a, b, without in zip(ours, theirs, undecayed, strict=True):
            self.assertAllClose(a, b, rtol=1e-5, atol=1e-5)
            self.assertNotAllClose(a, without, atol=1e-3)

    def test_first_step_by_hand(self):
        variable = keras.Variable([1.0])
        optimizer = Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=0.0)
        optimizer.build([variable])
        optimizer.apply([tf.constant([4.0])], [variable])
        # m = 2, v = 1.6; without bias 4 and 16: a step of 0.1 * 4 / sqrt(16)
        self.assertAllClose(variable, [0.9], rtol=1e-6)
        optimizer.apply([tf.constant([0.0])], [variable])
        # m = 1, v = 1.44; without bias 4 / 3 and 1.44 / 0.19
        self.assertAllClose(variable, [0.9 - 0.1 * (4 / 3) / (1.44 / 0.19) ** 0.5], rtol=1e-6)

    def test_config_brings_back_the_optimizer(self):
        config = keras.saving.serialize_keras_object(Adam(0.3, beta_1=0.25))
        again = keras.saving.deserialize_keras_object(config)
        self.assertIs(type(again), Adam)
        self.assertAllClose(float(again.learning_rate), 0.3)
        self.assertEqual(again.beta_1, 0.25)
