import tensorflow as tf

from benchmarks import peak
from tests import testing


class WorkTest(testing.TestCase):
    def test_of_a_convolution_its_gradients_and_a_product_by_hand(self):
        kernel, weights = tf.ones((3, 3, 8, 5)), tf.ones((16 * 16 * 5, 7))

        @tf.function
        def run(x):
            with tf.GradientTape(persistent=True) as tape:
                tape.watch([x, kernel, weights])
                y = tf.nn.conv2d(x, kernel, 2, "SAME")
                z = tf.reshape(y, (4, -1)) @ weights
            return tape.gradient(z, [x, kernel, weights])

        graph = run.get_concrete_function(tf.zeros((4, 32, 32, 8))).graph
        # The convolution and its two gradients cost the same, and so do those of the product.
        convolution, product = 2 * 4 * 16 * 16 * 3 * 3 * 8 * 5, 2 * 4 * 16 * 16 * 5 * 7
        self.assertEqual(peak.work_of(graph), 3 * (convolution + product))
