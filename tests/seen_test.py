import numpy as np
import tensorflow as tf

from dtn_tf import losses, seen
from tests import testing


def _dots(count):
    """One bright pixel in the middle of each image."""
    x = np.zeros((count, 32, 32, 1), np.float32)
    x[:, 16, 16] = 1.0
    return x


class AugmentedTest(testing.TestCase):
    def test_equal_seeds_give_equal_images_and_others_do_not(self):
        x = testing.images(8, 3)
        once, again, other = (seen.augmented(tf.constant(x), s) for s in ((1, 2), (1, 2), (1, 3)))
        self.assertAllEqual(once, again)
        self.assertNotAllClose(once, other)
        self.assertEqual(once.shape, x.shape)

    def test_images_are_shifted_by_whole_pixels_up_to_an_eighth_either_way(self):
        shown = seen.augmented(tf.constant(_dots(1000)), (0, 0)).numpy()[..., 0]
        contrast = shown.max((1, 2)) - shown.min((1, 2))
        self.assertAllInRange(contrast, 0.7, 1.3)
        self.assertGreater(np.ptp(contrast), 0.5)
        is_dot = shown > (shown.max((1, 2)) - 0.01)[:, None, None]
        self.assertAllEqual(is_dot.sum((1, 2)), np.ones(1000))  # nothing is interpolated
        for axis in (1, 2):
            places = np.nonzero(is_dot)[axis]
            self.assertEqual(set(places), set(range(12, 21)))
        self.assertLess(abs(np.corrcoef(*np.nonzero(is_dot)[1:])[0, 1]), 0.1)

    def test_a_change_of_light_is_the_same_all_over_an_image(self):
        flat = np.full((100, 32, 32, 3), 0.5, np.float32)
        shown = seen.augmented(tf.constant(flat), (0, 0)).numpy()
        self.assertAllClose(shown, np.broadcast_to(shown[:, :1, :1, :1], shown.shape), atol=1e-5)
        self.assertAllInRange(shown, 0.2, 0.8)
        self.assertGreater(np.ptp(shown), 0.5)

    def test_saturation_changes_and_the_hue_does_not(self):
        red = np.zeros((100, 32, 32, 3), np.float32)
        red[..., 0] = 0.5
        shown = seen.augmented(tf.constant(red), (0, 0)).numpy()[:, 0, 0]
        self.assertAllClose(shown[:, 1], shown[:, 2], atol=1e-5)
        self.assertGreater(np.ptp(shown[:, 0] - shown[:, 1]), 0.3)
        # Contrast, too, multiplies it.
        least, most = (0.5 * s * c for s, c in ((0.5, 0.7), (1.5, 1.3)))
        self.assertAllInRange(shown[:, 0] - shown[:, 1], least - 1e-3, most + 1e-3)

    def test_gradients_pass_twice(self):
        x = tf.constant(testing.images(4, 3))
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                out = tf.reduce_sum(seen.augmented(x, (0, 0)) ** 3)
            first = inner.gradient(out, x)
            squares = tf.reduce_sum(first**2)
        self.assertAllGreater(np.abs(first).max(axis=(1, 2, 3)), 0.0)
        self.assertGreater(float(tf.norm(outer.gradient(squares, x))), 0.0)


class SeenTest(testing.EagerTestCase):
    def test_d_sees_images_as_they_are_unless_asked(self):
        x = tf.constant(testing.images(4))
        self.assertIs(testing.tiny_dtn().seen(x, losses.D3), x)

    def test_each_class_and_each_update_of_d_has_changes_of_its_own(self):
        dtn, x = testing.tiny_dtn(d_augment=True), tf.constant(testing.images(4))
        shown = [dtn.seen(x, k) for k in (losses.D1, losses.D2, losses.D3)]
        dtn.target_step(x)
        shown.append(dtn.seen(x, losses.D3))
        for i, one in enumerate(shown):
            for other in shown[:i]:
                self.assertNotAllClose(one, other, atol=1e-3)

    def test_a_step_with_all_of_it(self):
        dtn = testing.tiny_dtn(d_augment=True, r1=1.0)
        before = dtn.g.trainable_variables[0].numpy()
        dtn.train_step((tf.constant(testing.images(4)), tf.constant(testing.images(4, seed=1))))
        for new in dtn.g.trainable_variables:
            self.assertTrue(np.isfinite(new).all())
        self.assertNotAllClose(before, dtn.g.trainable_variables[0])
