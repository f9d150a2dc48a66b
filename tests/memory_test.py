import numpy as np
import tensorflow as tf

from dtn_tf.memory import Memory
from tests import testing


class MemoryTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.x = testing.images(8, 3)
        self.f = testing.tiny_nets()[0]
        self.calls = tf.Variable(0)
        self.memory = Memory(8, testing.F_CHANNELS[-1])

    def counted(self, x, training):
        self.calls.assign_add(1)
        return self.f(x, training=training)

    def look_up(self, *rows):
        @tf.function
        def run(x, rows):
            return self.memory(self.counted, x, rows)

        return run(tf.gather(self.x, rows), tf.constant(rows, tf.int64))

    def test_each_image_is_computed_once(self):
        fx = self.f(self.x)
        for rows, calls in (((0, 3), 1), ((3, 0), 1), ((3, 3), 1), ((5, 1), 2), ((0, 5), 2)):
            self.assertAllClose(self.look_up(*rows), tf.gather(fx, rows), rtol=1e-4, atol=1e-5)
            self.assertEqual(int(self.calls), calls)

    def test_one_new_image_is_enough_to_compute(self):
        self.look_up(0, 1)
        fx = self.look_up(1, 2)
        self.assertEqual(int(self.calls), 2)
        self.assertAllClose(fx, self.f(self.x[1:3]), rtol=1e-4, atol=1e-5)
        self.look_up(2, 0)
        self.assertEqual(int(self.calls), 2)

    def test_what_is_known_beforehand_is_read(self):
        known = np.arange(8 * testing.F_CHANNELS[-1], dtype=np.float32).reshape(8, -1)
        self.memory = Memory(8, testing.F_CHANNELS[-1], known)
        self.assertAllEqual(self.look_up(5, 0, 5), known[[5, 0, 5]])
        self.assertEqual(int(self.calls), 0)

    def test_what_it_keeps_is_no_part_of_the_model(self):
        dtn = testing.tiny_dtn()
        before = [v.path for v in dtn.variables]
        dtn.remember(8, 8)
        self.assertEqual([v.path for v in dtn.variables], before)
        dtn.save(self.directory / "dtn.keras")
        plain = testing.tiny_dtn()
        plain.save(self.directory / "plain.keras")
        sizes = [(self.directory / f"{n}.keras").stat().st_size for n in ("dtn", "plain")]
        self.assertLess(abs(sizes[0] - sizes[1]), 512)
