import numpy as np

from dtn_tf.data.digits import Digits, hold_out
from tests import testing


def digits(n=40, seed=0):
    return Digits(testing.pixels(n, 3, seed), np.arange(n, dtype=np.uint8) % 10, "some")


class FingerprintTest(testing.TestCase):
    def test_is_equal_for_equal_content(self):
        self.assertEqual(digits().fingerprint(), digits().fingerprint())

    def test_changes_with_one_label_with_images_and_with_length(self):
        labels = digits().labels.copy()
        labels[7] = 0
        names = {
            digits().fingerprint(),
            Digits(digits().images, labels, "some").fingerprint(),
            digits(seed=1).fingerprint(),
            digits(39).fingerprint(),
        }
        self.assertLen(names, 4)


class HoldOutTest(testing.TestCase):
    def test_takes_what_was_asked_from_a_large_set(self):
        head, tail = hold_out(digits(), 3)
        self.assertAllEqual(tail.images, digits().images[37:])
        self.assertAllEqual(head.labels, digits().labels[:37])

    def test_takes_a_tenth_of_a_small_set(self):
        _, tail = hold_out(digits(), 5000)
        self.assertLen(tail.labels, 4)


class UnlabelledTest(testing.TestCase):
    def test_has_images_and_a_title_and_no_label(self):
        part = digits().without_labels()
        self.assertAllEqual(part.images, digits().images)
        self.assertEqual(part.title, "some")
        self.assertFalse(hasattr(part, "labels"))

    def test_balanced_shows_classes_equally_often_and_every_image(self):
        classes = np.repeat([0, 1, 7], [20, 5, 15])
        order = digits().without_labels().balanced(classes, seed=0).order
        self.assertAllEqual(np.bincount(classes[order])[[0, 1, 7]], [20, 20, 20])
        times = np.bincount(order, minlength=40)
        self.assertAllEqual(times[:20], np.ones(20))
        self.assertAllEqual(times[20:25], 4 * np.ones(5))
        self.assertAllEqual(np.bincount(times[25:]), [0, 10, 5])

    def test_no_image_is_shown_more_often_than_allowed(self):
        classes = np.repeat([2, 3], [38, 2])  # two mistakes, not a class
        order = digits().without_labels().balanced(classes, seed=0, at_most=3).order
        self.assertAllEqual(np.bincount(classes[order])[2:], [38, 6])

    def test_which_image_of_a_rare_class_comes_once_more_depends_on_the_seed(self):
        classes = np.repeat([0, 1], [25, 15])
        part = digits().without_labels()
        first, again, other = (part.balanced(classes, seed).order for seed in (0, 0, 1))
        self.assertAllEqual(first, again)
        self.assertNotAllEqual(np.bincount(first), np.bincount(other))
        self.assertIsNone(part.order)
