import tracemalloc

import numpy as np
from absl.testing import parameterized

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

    def test_is_not_given_for_as_few_images_as_features(self):
        a = np.random.default_rng(0).normal(size=(20, 4))
        for few in (a[:4], a[:2]):
            self.assertIsNone(measures.frechet_distance(few, a))
            self.assertIsNone(measures.frechet_distance(a, few))
        self.assertGreater(measures.frechet_distance(a[:5], a), 0.0)

    def test_of_one_feature_is_that_of_means_and_deviations(self):
        a = np.array([[-1.0], [1.0]]) / np.sqrt(2.0)
        self.assertAllClose(measures.frechet_distance(a, 3.0 * a + 2.0), 4.0 + 4.0)


class KidTest(testing.TestCase):
    def test_equals_a_double_loop(self):
        draw = np.random.default_rng(0)
        a, b = draw.normal(size=(6, 3)), draw.normal(size=(6, 3)) + 0.5

        def mean_kernel(x, y, is_same):
            pairs = [(i, j) for i in range(6) for j in range(6) if not (is_same and i == j)]
            return np.mean([(np.dot(x[i], y[j]) / 3.0 + 1.0) ** 3 for i, j in pairs])

        expected = mean_kernel(a, a, True) + mean_kernel(b, b, True) - 2 * mean_kernel(a, b, False)
        mean, deviation = measures.kid(a, b, num_subsets=3, subset_size=6)
        self.assertAllClose(mean, expected, rtol=1e-12)
        self.assertAllClose(deviation, 0.0, atol=1e-12)  # every subset is the whole set

    def test_worked_by_hand(self):
        # d = 1. Within a: k(0, 1) = 1. Within b: k(1, 2) = 27. Between: 1, 1, 8, 27.
        a, b = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
        self.assertAllClose(measures.kid(a, b)[0], 1.0 + 27.0 - 2.0 * 37.0 / 4.0)

    def test_of_halves_of_one_set_is_zero_within_its_error(self):
        x = np.random.default_rng(1).normal(size=(2000, 8)).astype(np.float32)
        mean, deviation = measures.kid(x[:1000], x[1000:], num_subsets=40, subset_size=50)
        error = deviation / np.sqrt(40)
        self.assertLess(abs(mean), 3.0 * error)
        shifted, _ = measures.kid(x[:1000], x[1000:] + 0.5, num_subsets=40, subset_size=50)
        self.assertGreater(shifted, 20.0 * error)

    def test_the_deviation_is_that_of_a_subset_however_many_there_are(self):
        x = np.random.default_rng(1).normal(size=(2000, 8))
        found = [measures.kid(x[:1000], x[1000:], n, subset_size=50)[1] for n in (50, 400)]
        self.assertAllClose(found[0], found[1], rtol=0.3)

    def test_is_unbiased_in_small_sets(self):
        draw = np.random.default_rng(2)
        of_few = [measures.kid(*draw.normal(size=(2, 4, 2)), num_subsets=2)[0] for _ in range(2000)]
        error = np.std(of_few) / np.sqrt(len(of_few))
        self.assertLess(abs(np.mean(of_few)), 3.0 * error)

    def test_is_the_same_each_time(self):
        x = np.random.default_rng(3).normal(size=(60, 3))
        how = {"num_subsets": 4, "subset_size": 10}
        first = measures.kid(x[:30], x[30:], **how)
        self.assertEqual(measures.kid(x[:30], x[30:], **how), first)
        self.assertNotEqual(measures.kid(x[:30], x[30:], **how, seed=1), first)

    @parameterized.parameters(((1, 3), (5, 3)), ((5, 3), (5, 2)))
    def test_what_has_no_kid_is_refused(self, *shapes):
        with self.assertRaisesRegex(ValueError, "kid got shapes"):
            measures.kid(*map(np.zeros, shapes))


class NearestTest(testing.TestCase):
    def test_equals_a_full_comparison_in_blocks_of_any_size(self):
        draw = np.random.default_rng(0)
        asked, known = draw.normal(size=(7, 2, 3)), draw.normal(size=(23, 2, 3))
        far = np.sum((asked[:, None] - known[None]) ** 2, axis=(2, 3))
        for block in (1, 4, 100):
            self.assertAllEqual(measures.nearest(asked, known, block), np.argmin(far, axis=1))

    def test_pixels_do_not_wrap_around_and_of_equals_the_first_counts(self):
        known = np.array([[255], [10], [3], [10]], np.uint8)
        self.assertAllEqual(measures.nearest(np.array([[250], [9]], np.uint8), known, 2), [0, 1])

    def test_memory_does_not_grow_with_the_number_of_rows(self):
        known = np.zeros((100_000, 16), np.uint8)
        known[77_777] = 200
        tracemalloc.start()
        found = measures.nearest(known[77_777:77_778] - 1, known)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        self.assertAllEqual(found, [77_777])
        self.assertLess(peak, 2**20)  # all distances and rows in float64 are 13 MB


class ConstancyTest(testing.TestCase):
    def test_worked_by_hand(self):
        # The first and the last f(G(x)) are nearest to their own.
        fx = np.array([[0.0], [10.0], [4.0], [5.0]])
        fgx = np.array([[1.0], [3.0], [4.6], [6.0]])
        found = measures.constancy(fx, fgx)
        # Distances of the second: 3, 7, 1, 2: rank 4. Of the third: 4.6, 5.4, 0.6, 0.4: rank 2.
        self.assertEqual(found["rank_1"], 0.5)
        self.assertEqual(found["median_rank"], 1.5)  # of 1, 4, 2, 1
        self.assertEqual((found["chance_rank_1"], found["chance_median_rank"]), (0.25, 2.5))
        self.assertEqual(found["n"], 4)

    def test_an_f_that_says_nothing_has_what_chance_has(self):
        same = np.full((30, 5), 1.7, np.float32)
        for block in (7, 100):
            found = measures.constancy(same, same + 0.3, block)
            self.assertAllClose(found["rank_1"], found["chance_rank_1"])
            self.assertEqual(found["median_rank"], found["chance_median_rank"])

    def test_blocks_change_nothing(self):
        draw = np.random.default_rng(0)
        fx = draw.normal(size=(50, 4))
        fgx = fx + 0.8 * draw.normal(size=fx.shape)
        self.assertEqual(measures.constancy(fx, fgx, 7), measures.constancy(fx, fgx))
        far = np.linalg.norm(fgx[:, None] - fx[None], axis=-1)
        ranks = 1 + np.sum(far < np.diag(far)[:, None], axis=1)
        self.assertEqual(measures.constancy(fx, fgx)["median_rank"], np.median(ranks))

    def test_other_images_are_refused(self):
        with self.assertRaisesRegex(ValueError, "equal ones"):
            measures.constancy(np.zeros((3, 2)), np.zeros((4, 2)))
