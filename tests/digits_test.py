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
