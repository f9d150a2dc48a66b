import time

import numpy as np
from absl.testing import parameterized

from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from tests import testing

CLASSES = tuple("0123456789")


def digits(n=40, seed=0, **changes):
    given = {"labels": np.arange(n, dtype=np.uint8) % 10, "classes": CLASSES, **changes}
    return Pictures(testing.pixels(n, 3, seed), "some", **given)


class PicturesTest(testing.TestCase):
    @parameterized.named_parameters(
        ("floats", np.zeros((2, 8, 8, 1), np.float32)),
        ("flat", np.zeros((2, 8, 8), np.uint8)),
        ("two_channels", np.zeros((2, 8, 8, 2), np.uint8)),
        ("none", np.zeros((0, 8, 8, 1), np.uint8)),
    )
    def test_other_pixels_are_refused(self, pixels):
        with self.assertRaisesRegex(ValueError, "some: found pixels.*expected uint8"):
            Pictures(pixels, "some")

    @parameterized.named_parameters(
        ("few", np.zeros(39, np.uint8), "labels uint8 .39,. for 40 images"),
        ("ints", np.zeros(40, int), "labels int64"),
        ("ten", np.full(40, 10, np.uint8), "label 10, expected 0 to 9"),
    )
    def test_other_labels_are_refused(self, labels, message):
        with self.assertRaisesRegex(ValueError, message):
            digits(labels=labels)

    def test_labels_need_classes_and_classes_labels(self):
        for changes in ({"labels": None}, {"classes": ()}):
            with self.assertRaisesRegex(ValueError, "go together"):
                digits(**changes)

    @parameterized.parameters((8, 8, 1), (64, 64, 3), (40, 24, 3))
    def test_any_size_and_any_number_of_classes_will_do(self, *shape):
        cats = Pictures(
            np.zeros((3, *shape), np.uint8), "cats", np.array([0, 1, 1], np.uint8), ("a", "b")
        )
        self.assertLen(cats, 3)

    def test_unlabelled_has_pixels_and_no_label(self):
        part = digits(published=True).unlabelled()
        self.assertAllEqual(part.pixels, digits().pixels)
        self.assertEqual((part.title, part.labels, part.classes), ("some", None, ()))
        self.assertTrue(part.published)

    def test_without_leaves_classes_out_and_says_so(self):
        part = digits().without((3, 7))
        self.assertAllEqual(np.unique(part.labels), [0, 1, 2, 4, 5, 6, 8, 9])
        self.assertAllEqual(part.pixels[3], digits().pixels[4])
        self.assertEqual(part.title, "some without 3, 7")
        whole = digits()
        self.assertIs(whole.without(()), whole)

    def test_without_leaves_something(self):
        with self.assertRaisesRegex(UserError, "some without .* has no image left"):
            digits().without(range(10))

    def test_head_takes_the_first_and_no_more_than_there_are(self):
        head = digits().head(7)
        self.assertAllEqual(head.pixels, digits().pixels[:7])
        self.assertEqual((head.title, len(head.labels)), ("some[:7]", 7))
        with self.assertRaisesRegex(UserError, "some has 40 images: the first 41"):
            digits().head(41)

    def test_facts_are_what_a_result_keeps(self):
        facts = digits(published=False).facts()
        self.assertEqual(
            facts,
            {
                "title": "some",
                "images": 40,
                "fingerprint": digits().fingerprint(),
                "published": False,
            },
        )


class FingerprintTest(testing.TestCase):
    def test_is_equal_for_equal_content_whatever_the_title(self):
        other = Pictures(digits().pixels.copy(), "other", digits().labels, CLASSES)
        self.assertEqual(digits().fingerprint(), other.fingerprint())

    def test_every_pixel_counts(self):
        names = {digits(300).fingerprint()}
        for k in range(300):
            changed = digits(300)
            changed.pixels[k, k % 32, 31 - k % 32, k % 3] ^= 1
            names.add(changed.fingerprint())
        self.assertLen(names, 301)

    def test_every_label_counts_and_whether_there_are_any(self):
        names = {digits().fingerprint(), digits().unlabelled().fingerprint()}
        for k in range(40):
            labels = digits().labels.copy()
            labels[k] = (labels[k] + 1) % 10
            names.add(digits(labels=labels).fingerprint())
        self.assertLen(names, 42)

    def test_length_and_shape_count(self):
        blank = np.zeros((1000, 8, 8, 1), np.uint8)
        parts = (blank, blank[:999], blank.reshape(500, 16, 8, 1), blank.reshape(500, 8, 16, 1))
        self.assertLen({Pictures(part, "blank").fingerprint() for part in parts}, 4)

    def test_the_layout_in_memory_does_not_count(self):
        turned = np.asfortranarray(digits().pixels)
        self.assertFalse(turned.flags.c_contiguous)
        other = Pictures(turned, "some", digits().labels, CLASSES)
        self.assertEqual(other.fingerprint(), digits().fingerprint())

    def test_it_is_computed_once(self):
        large = Pictures(np.zeros((20_000, 32, 32, 3), np.uint8), "large")
        large.fingerprint()
        begun = time.perf_counter()
        for _ in range(1000):
            large.fingerprint()
        self.assertLess(time.perf_counter() - begun, 1.0)


class HoldOutTest(testing.TestCase):
    def test_takes_what_was_asked_from_a_large_set(self):
        head, tail = digits().hold_out(3)
        self.assertAllEqual(tail.pixels, digits().pixels[37:])
        self.assertAllEqual(head.labels, digits().labels[:37])
        self.assertEqual((head.title, tail.title), ("some[:37]", "some[37:]"))

    def test_takes_a_tenth_of_a_small_set(self):
        self.assertLen(digits().hold_out(5000)[1], 4)

    def test_ten_images_leave_one_to_hold_out(self):
        head, tail = digits(10).hold_out(5000)
        self.assertEqual((len(head), len(tail)), (9, 1))

    @parameterized.parameters(1, 9)
    def test_fewer_are_refused_with_the_minimum(self, n):
        with self.assertRaisesRegex(UserError, f"some has {n} images; at least 10 are needed"):
            digits(n).hold_out(5000)

    def test_the_parts_share_memory(self):
        whole = digits()
        for part in whole.hold_out(3):
            self.assertTrue(np.shares_memory(part.pixels, whole.pixels))

    @parameterized.parameters(0, -1, 40, 41)
    def test_a_part_without_images_is_refused(self, num_tail):
        with self.assertRaisesRegex(ValueError, "some has 40 images; cannot hold out"):
            digits().split_tail(num_tail)


class BalancedTest(testing.TestCase):
    def test_shows_classes_equally_often_and_every_image(self):
        classes = np.repeat([0, 1, 7], [20, 5, 15])
        order = digits().unlabelled().balanced(classes, seed=0).order
        self.assertAllEqual(np.bincount(classes[order])[[0, 1, 7]], [20, 20, 20])
        times = np.bincount(order, minlength=40)
        self.assertAllEqual(times[:20], np.ones(20))
        self.assertAllEqual(times[20:25], 4 * np.ones(5))
        self.assertAllEqual(np.bincount(times[25:]), [0, 10, 5])

    def test_no_image_is_shown_more_often_than_allowed(self):
        classes = np.repeat([2, 3], [38, 2])  # two mistakes, not a class
        order = digits().balanced(classes, seed=0, at_most=3).order
        self.assertAllEqual(np.bincount(classes[order])[2:], [38, 6])

    def test_which_image_of_a_rare_class_comes_once_more_depends_on_the_seed(self):
        classes = np.repeat([0, 1], [25, 15])
        first, again, other = (digits().balanced(classes, seed).order for seed in (0, 0, 1))
        self.assertAllEqual(first, again)
        self.assertNotAllEqual(np.bincount(first), np.bincount(other))
        self.assertIsNone(digits().order)

    def test_an_order_is_no_part_of_the_content(self):
        part = digits().balanced(np.zeros(40, int), seed=0)
        self.assertEqual(part.fingerprint(), digits().fingerprint())
        self.assertIsNone(part.head(5).order)
