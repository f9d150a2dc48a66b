import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.data import pipeline
from tests import testing


def _rows(size, batch_size=4, seed=0, start=0, stop=5):
    """Which rows of one part each batch draws: int array (batches, batch_size)."""
    drawn = pipeline.batches(((np.arange(size),),), batch_size, seed, start, stop)
    return np.array([part[0].numpy() for part, _ in drawn])


class BatchesTest(testing.TestCase):
    @parameterized.parameters((20, 4), (10, 4), (7, 5), (2, 3))
    def test_every_epoch_is_a_permutation(self, size, batch_size):
        num_epochs = 3
        count = -(-num_epochs * size // batch_size)
        stream = _rows(size, batch_size, stop=count).ravel()
        for epoch in range(num_epochs):
            once = stream[epoch * size : (epoch + 1) * size]
            self.assertAllEqual(np.sort(once), np.arange(size))

    def test_epochs_have_different_orders(self):
        stream = _rows(50, 10, stop=10).ravel()
        self.assertNotAllEqual(stream[:50], np.arange(50))
        self.assertNotAllEqual(stream[:50], stream[50:])

    def test_every_place_of_an_epoch_sees_every_row_equally_often(self):
        size, num_epochs = 500, 200
        tenths = _rows(size, size, stop=num_epochs) * 10 // size
        counts = np.array([np.bincount(place, minlength=10) for place in tenths.T])
        chi_squared = np.sum((counts - 20.0) ** 2, axis=1) / 20.0  # 9 on average, if random
        self.assertBetween(np.mean(chi_squared), 7.0, 12.0)

    def test_orders_have_no_stride(self):
        size = 1000
        for order in _rows(size, size, stop=5):
            strides = np.bincount(np.diff(order) % size, minlength=size)
            self.assertLess(strides.max(), 12)  # 1 on average; an order of even stride has 999

    def test_batch_larger_than_the_set_runs_over_epochs(self):
        rows = _rows(3, batch_size=9, stop=2)
        self.assertAllEqual(np.bincount(rows[0]), [3, 3, 3])
        self.assertAllEqual(np.bincount(rows[1]), [3, 3, 3])

    def test_an_epoch_runs_through_the_order_it_is_given(self):
        order, numbers = np.array([5, 5, 9, 0, 2, 5]), np.arange(10)
        drawn = pipeline.batches(((numbers, -numbers), (numbers,)), 3, 0, 0, 8, (order, None))
        s = np.array([x for (x, _), _, _ in drawn])
        self.assertAllEqual(s, [-minus for (_, minus), _, _ in drawn])
        epochs = s.reshape(4, 6)
        self.assertAllEqual(np.sort(epochs), np.tile(np.sort(order), (4, 1)))
        self.assertGreater(len(np.unique(epochs, axis=0)), 1)
        t = np.array([x for _, (x,), _ in drawn]).ravel()
        self.assertAllEqual(np.sort(t[:10]), numbers)

    def test_one_image_is_a_set(self):
        self.assertAllEqual(_rows(1, batch_size=3, stop=2), np.zeros((2, 3)))

    @parameterized.parameters(1, 4, 9)
    def test_resumed_stream_gives_the_batches_it_would_have_given(self, start):
        self.assertAllEqual(_rows(11, start=start, stop=12), _rows(11, stop=12)[start:])

    def test_equal_seeds_agree_and_others_do_not(self):
        self.assertAllEqual(_rows(40, seed=5), _rows(40, seed=5))
        self.assertNotAllEqual(_rows(40, seed=5), _rows(40, seed=6))

    def test_parts_of_equal_length_are_drawn_independently(self):
        numbers = np.arange(400)
        stream = [
            (s[0], t[0]) for s, t, _ in pipeline.batches(((numbers,), (numbers,)), 40, 0, 0, 10)
        ]
        s, t = (np.concatenate(part) for part in zip(*stream, strict=True))
        self.assertAllEqual(np.sort(s), np.sort(t))
        self.assertLess(abs(np.corrcoef(s, t)[0, 1]), 0.2)
        self.assertLess(np.mean(s == t), 0.05)

    def test_arrays_of_one_part_are_drawn_together(self):
        x, y = np.arange(30).reshape(10, 3), np.arange(10)
        for (drawn_x, drawn_y), _ in pipeline.batches(((x, y),), 4, 0, 0, 5):
            self.assertAllEqual(drawn_x[:, 0], 3 * drawn_y)

    def test_pixels_stay_uint8_and_batches_are_numbered(self):
        parts = ((testing.pixels(5, 3), np.arange(5)), (testing.pixels(6, 1),))
        elements = list(pipeline.batches(parts, 4, 0, 7, 9))
        self.assertEqual([int(k) for *_, k in elements], [7, 8])
        (x_s, y), (x_t,), k = elements[0]
        self.assertEqual((x_s.dtype, x_s.shape), (tf.uint8, (4, 32, 32, 3)))
        self.assertEqual((x_t.dtype, x_t.shape), (tf.uint8, (4, 32, 32, 1)))
        self.assertEqual((y.dtype, y.shape, k.dtype), (tf.int64, (4,), tf.int64))

    def test_number_of_batches_is_known(self):
        self.assertLen(pipeline.batches(((np.arange(5),),), 4, 0, 3, 10), 7)
