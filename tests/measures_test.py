import numpy as np

from dtn_tf.scores import measures
from tests import testing


class ConfusionTest(testing.TestCase):
    def test_counts_pairs_of_true_and_read(self):
        counts = measures.confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 0]), 3)
        self.assertAllEqual(counts, [[1, 0, 1], [0, 1, 0], [1, 0, 0]])

    def test_a_class_without_images_has_no_accuracy(self):
        shares = measures.per_class(np.array([[1, 1, 0], [0, 0, 0], [0, 1, 3]]))
        self.assertEqual(shares, [0.5, None, 0.75])


class FrechetTest(testing.TestCase):
    def test_is_zero_between_equal_sets(self):
        a = np.random.default_rng(0).normal(size=(500, 4))
        self.assertAllClose(measures.frechet_distance(a, a), 0.0, atol=1e-6)

    def test_of_a_shift_is_its_square(self):
        a = np.random.default_rng(0).normal(size=(500, 3))
        shifted = a + np.array([1.0, 2.0, -2.0])
        self.assertAllClose(measures.frechet_distance(a, shifted), 9.0, atol=1e-6)

    def test_of_a_scaling_worked_by_hand(self):
        # Variances 1 and 9 on one axis, equal on the other: (3 - 1)^2 = 4.
        a = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * np.sqrt(3 / 4)
        b = a * np.array([3.0, 1.0])
        self.assertAllClose(measures.frechet_distance(a, b), 4.0, atol=1e-6)

    def test_agrees_with_a_matrix_square_root(self):
        import scipy.linalg

        draw = np.random.default_rng(1)
        a = draw.normal(size=(400, 5)) @ draw.normal(size=(5, 5))
        b = draw.normal(size=(300, 5)) @ draw.normal(size=(5, 5)) + 0.3
        cov_a, cov_b = np.cov(a.T), np.cov(b.T)
        root = scipy.linalg.sqrtm(cov_a @ cov_b).real
        expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * root)
        self.assertAllClose(measures.frechet_distance(a, b), expected, rtol=1e-5)
