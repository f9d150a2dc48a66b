import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.data import augment
from tests import testing


def _dot(y=16, x=16):
    image = np.full((1, 32, 32, 1), -1.0, np.float32)
    image[0, y, x, 0] = 1.0
    return image


def _amounts(**values):
    """The random numbers of `_affine`, all zero but those named."""
    names = ("angle", "scale", "stretch", "shear", "shift_x", "shift_y")
    return tf.constant([[values.get(name, 0.0)] for name in names])


def _place(image):
    """Row and column of the brightest pixel."""
    return np.unravel_index(np.argmax(np.asarray(image)[0, :, :, 0]), (32, 32))


class AugmentTest(testing.TestCase):
    def test_equal_seeds_give_equal_images_and_others_do_not(self):
        x = testing.images(8, 3)
        once, again, other = (augment.augment(x, s, invert=0.5) for s in ((1, 2), (1, 2), (1, 3)))
        self.assertAllEqual(once, again)
        self.assertNotAllClose(once, other)

    def test_images_of_a_batch_are_distorted_differently(self):
        x = tf.repeat(testing.images(1), 2, axis=0)
        a, b = augment.augment(x, (0, 0))
        self.assertNotAllClose(a, b)

    def test_no_strength_is_no_change(self):
        x = testing.images(8, 3)
        self.assertAllEqual(augment.augment(x, (0, 0), geometry=0.0, colour=0.0, invert=0.0), x)

    @parameterized.parameters("geometry", "colour", "invert")
    def test_each_strength_alone_changes_something(self, strength):
        x = testing.images(8, 3)
        only = {"geometry": 0.0, "colour": 0.0, "invert": 0.0, strength: 1.0}
        self.assertNotAllClose(augment.augment(x, (0, 0), **only), x)

    def test_certain_inversion_gives_negatives(self):
        x = testing.images(64)
        self.assertAllEqual(augment.augment(x, (0, 0), 0.0, 0.0, invert=1.0), -x)

    def test_inversion_comes_as_often_as_asked(self):
        x = tf.ones((2000, 2, 2, 1))
        negatives = augment.augment(x, (0, 0), 0.0, 0.0, invert=0.25)[:, 0, 0, 0] < 0.0
        self.assertAllClose(np.mean(negatives), 0.25, atol=0.04)

    def test_cutout_grays_one_square_and_leaves_the_rest(self):
        x = testing.images(64, 3)
        y = augment.augment(x, (0, 0), 0.0, 0.0, cutout=0.25).numpy()
        rows, columns = (np.any(y == 0.0, axis=(2, 3)), np.any(y == 0.0, axis=(1, 3)))
        self.assertAllInRange(np.sum(rows, axis=1), 4, 9)  # 8 of 32, less at the edge
        self.assertEqual(np.max(np.sum(columns, axis=1)), 8)
        square = rows[:, :, None, None] & columns[:, None, :, None]
        self.assertAllEqual(y, np.where(square, 0.0, x))

    def test_cutout_is_drawn_apart_from_the_rest(self):
        x = tf.constant(np.sign(testing.images(8, 3)))  # no gray of its own
        plain, covered = (augment.augment(x, (0, 5), cutout=c) for c in (0.0, 0.5))
        self.assertAllEqual(covered, np.where(covered == 0.0, covered, plain))
        self.assertNotAllEqual(covered, plain)

    def test_noise_is_as_strong_as_asked_and_differs_between_images(self):
        x = tf.zeros((500, 16, 16, 3))
        added = augment.augment(x, (0, 3), 0.0, 0.0, noise=0.3).numpy()
        deviations = np.std(added, axis=(1, 2, 3))
        self.assertAllInRange(deviations, 0.0, 0.32)
        self.assertAllClose(np.percentile(deviations, (25, 75)), (0.075, 0.225), atol=0.02)
        self.assertAllClose(np.mean(added), 0.0, atol=2e-3)
        # As a normal distribution: about 68 % within one deviation.
        within = np.abs(added) < deviations[:, None, None, None]
        self.assertAllClose(np.mean(within), 0.683, atol=0.01)

    def test_noise_is_drawn_apart_from_the_rest(self):
        x = 0.2 * testing.images(8, 3)
        plain, noisy = (augment.augment(x, (0, 5), colour=0.2, noise=c) for c in (0.0, 1e-3))
        self.assertNotAllEqual(plain, noisy)
        self.assertAllClose(plain, noisy, atol=6e-3)

    def test_shape_dtype_and_range_are_kept(self):
        x = tf.constant(np.sign(testing.images(32, 3)))  # the extremes
        for seed in range(4):
            y = augment.augment(x, (0, seed), invert=0.5, noise=0.5)
            self.assertEqual((y.shape, y.dtype), (x.shape, tf.float32))
            self.assertAllInRange(y, -1.0, 1.0)

    def test_colour_keeps_the_order_of_levels(self):
        ramp = np.linspace(-0.5, 0.5, 32, dtype=np.float32).reshape(1, 1, 32, 1).repeat(4, axis=1)
        y = augment.augment(ramp.repeat(16, axis=0), (0, 0), geometry=0.0)
        self.assertAllInRange(np.diff(y, axis=2), 0.0, 1.0)


class AffineTest(testing.TestCase):
    def test_nothing_moves_at_zero(self):
        x = testing.images(1)
        self.assertAllClose(augment._affine(x, _amounts()), x)

    @parameterized.parameters(
        ({"shift_x": 1.0}, (16, 14)),  # it samples 2 pixels to the right: the dot goes left
        ({"shift_x": -1.0}, (16, 18)),
        ({"shift_y": 1.0}, (14, 16)),
        ({"shift_y": -0.5}, (17, 16)),
    )
    def test_known_shift_moves_a_dot(self, amounts, expected):
        self.assertEqual(_place(augment._affine(_dot(), _amounts(**amounts))), expected)

    def test_rotation_scale_and_stretch_are_about_the_centre(self):
        corners = ((6, 6), (6, 25), (25, 6), (25, 25))
        square = np.max([_dot(y, x) for y, x in corners], axis=0)
        for amounts in ({"angle": 1.0}, {"scale": 1.0}, {"stretch": 1.0}):
            image = augment._affine(square, _amounts(**amounts)).numpy()
            self.assertAllClose(image, image[:, ::-1, ::-1], atol=1e-3)  # half a turn
            self.assertNotAllClose(image, square)

    def test_scale_samples_wider_so_that_the_picture_shrinks(self):
        y, x = _place(augment._affine(_dot(4, 4), _amounts(scale=1.0)))
        self.assertGreater(min(y, x), 4)
        y, x = _place(augment._affine(_dot(4, 4), _amounts(scale=-1.0)))
        self.assertLess(max(y, x), 4)

    def test_edges_are_continued_not_blackened(self):
        bright = np.ones((1, 32, 32, 1), np.float32)
        moved = augment._affine(bright, _amounts(shift_x=1.0, angle=1.0))
        self.assertAllClose(moved, bright)
