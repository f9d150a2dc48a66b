"""The one door for pixels."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import images
from dtn_tf.errors import UserError
from tests import testing

LEVELS = np.arange(256, dtype=np.uint8)


def _random(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


class RangeTest(testing.TestCase):
    def test_all_256_levels_come_back_exactly(self):
        model = images.to_model(LEVELS)
        self.assertEqual(model.dtype, tf.float32)
        self.assertAllEqual(images.to_uint8(model), LEVELS)

    @parameterized.parameters((0, -1.0), (255, 1.0), (51, -0.6), (204, 0.6))
    def test_black_is_minus_one_and_white_is_one(self, level, expected):
        self.assertAllClose(images.to_model(np.uint8([level])), [expected], atol=1e-7)

    def test_values_outside_are_clipped_and_inside_rounded(self):
        # Zero lies between two levels, at 127.5: just below is 127, just above 128.
        values = [-7.0, -1.0001, 1.0001, 40.0, -0.1 / 127.5, 0.1 / 127.5]
        self.assertAllEqual(images.to_uint8(values), [0, 0, 255, 255, 127, 128])

    def test_bfloat16_images_are_scaled_in_float32(self):
        values = tf.cast([-1.0, 0.5, 1.0], tf.bfloat16)
        self.assertAllEqual(images.to_uint8(values), [0, 191, 255])

    @parameterized.parameters(np.float32, np.int32, np.float64)
    def test_other_dtypes_are_refused(self, dtype):
        name = np.dtype(dtype).name
        with self.assertRaisesRegex(ValueError, f"{name} .*expects uint8"):
            images.to_model(np.zeros((2, 2), dtype))


class StoredTest(testing.TestCase):
    """`to_stored` of what people pass; `serving_test` has the usual ones."""

    @parameterized.named_parameters(
        ("text", "cat.png", "Got str as images"),
        ("nothing", None, "Got NoneType as images"),
        ("bytes", b"png", "Got bytes as images"),
        ("ragged", [[[[1]]], [[[1], [2]]]], "Got list as images.*all images of one size"),
        ("arrays of two sizes", [np.zeros((4, 4, 3)), np.zeros((5, 4, 3))], "Got list as images"),
        ("a data set", lambda: tf.data.Dataset.range(3), "Got _?RangeDataset as images"),
        ("ragged tensor", lambda: tf.ragged.constant([[1], [1, 2]]), "Got RaggedTensor as images"),
    )
    def test_what_is_no_array_is_named(self, given, said):
        with self.assertRaisesRegex(UserError, said):
            images.to_stored(given() if callable(given) else given)

    @parameterized.parameters(">u2", "<u2")
    def test_16_bits_in_either_byte_order(self, dtype):
        levels = (LEVELS.astype(np.uint16) * 257).reshape(1, 16, 16, 1)
        self.assertAllEqual(images.to_stored(levels.astype(dtype))[0, ..., 0].ravel(), LEVELS)

    @parameterized.parameters(tf.bfloat16, tf.float16, tf.float64)
    def test_floats_of_any_width(self, dtype):
        given = tf.cast([0.0, 0.25, 0.5, 1.0], dtype)
        given = tf.reshape(given, (1, 2, 2, 1))
        for form in (given, given.numpy()):
            self.assertAllEqual(images.to_stored(form).ravel(), [0, 64, 128, 255])

    def test_big_endian_floats(self):
        given = np.array([0.0, 0.25, 0.5, 1.0], ">f4").reshape(1, 2, 2, 1)
        self.assertAllEqual(images.to_stored(given).ravel(), [0, 64, 128, 255])


class ChannelsTest(testing.TestCase):
    @parameterized.parameters(1, 3)
    def test_the_right_number_of_channels_is_left_alone(self, channels):
        given = _random(2, 4, 5, channels)
        self.assertAllEqual(images.with_channels(given, channels), given)

    @parameterized.parameters(np.uint8, np.float32)
    def test_gray_is_repeated(self, dtype):
        gray = _random(2, 4, 5, 1).astype(dtype)
        rgb = images.with_channels(gray, 3)
        self.assertEqual(rgb.dtype, dtype)
        self.assertAllEqual(rgb, np.concatenate([gray] * 3, axis=-1))

    def test_uint8_rgb_becomes_rounded_luma(self):
        rgb = _random(2, 4, 5, 3)
        luma = rgb.astype(np.float64) @ [0.299, 0.587, 0.114]
        gray = images.with_channels(rgb, 1)
        self.assertEqual((gray.dtype, gray.shape), (tf.uint8, (2, 4, 5, 1)))
        self.assertAllEqual(gray[..., 0], np.round(luma))

    def test_float_rgb_becomes_luma_unrounded(self):
        rgb = np.random.default_rng(0).uniform(-1, 1, (2, 4, 5, 3)).astype(np.float32)
        gray = images.with_channels(rgb, 1)
        self.assertAllClose(gray[..., 0], rgb @ np.float32([0.299, 0.587, 0.114]))

    def test_gray_to_rgb_to_gray_changes_nothing(self):
        gray = LEVELS.reshape(1, 16, 16, 1)
        self.assertAllEqual(images.with_channels(images.with_channels(gray, 3), 1), gray)

    @parameterized.parameters((2, 3), (4, 1), (3, 2), (1, 0))
    def test_other_channels_are_refused(self, given, asked):
        with self.assertRaisesRegex(ValueError, f"{given} channels .* {asked};"):
            images.with_channels(_random(1, 4, 4, given), asked)


class ResizeTest(testing.TestCase):
    def test_the_right_size_is_returned_itself(self):
        given = _random(2, 32, 32, 3)
        self.assertIs(images.resize(given, 32), given)

    @parameterized.product(size=(28, 16, 32, 45), level=(0, 1, 127, 255), channels=(1, 3))
    def test_flat_images_stay_flat(self, size, level, channels):
        flat = np.full((2, 28, 28, channels), level, np.uint8)
        resized = images.resize(flat, size)
        self.assertEqual(resized.dtype, np.uint8)
        self.assertAllEqual(resized, np.full((2, size, size, channels), level))

    def test_two_pixels_to_four_by_hand(self):
        # Centres of the four fall at -0.25, 0.25, 0.75, 1.25 of the two: the ends
        # repeat the edge, the middle ones mix 3 to 1.
        row = [0, 25, 75, 100]
        column = np.array([0, 50, 150, 200])  # the second row of the input adds 200
        given = np.uint8([[0, 100], [100, 200]]).reshape(1, 2, 2, 1)
        expected = np.add.outer(column // 2, row)
        self.assertAllEqual(images.resize(given, 4)[0, ..., 0], expected)

    def test_four_pixels_to_two_are_averaged_with_a_triangle(self):
        # Antialiased, scale 2: weights 1, 3, 3, 1 about each centre, those inside.
        # Left: (3 * 0 + 3 * 70 + 1 * 140) / 7 = 50; right: (70 + 3 * 140 + 3 * 210) / 7.
        given = np.tile(np.uint8([0, 70, 140, 210]), (4, 1)).reshape(1, 4, 4, 1)
        self.assertAllEqual(images.resize(given, 2)[0, ..., 0], [[50, 160], [50, 160]])

    def test_parts_of_a_large_set_are_resized_alike(self):
        given = np.tile(_random(7, 4, 4, 1), (1200, 1, 1, 1))  # more than two parts
        resized = images.resize(given, 6)
        self.assertAllEqual(resized, np.tile(resized[:7], (1200, 1, 1, 1)))


class GridTest(testing.TestCase):
    def test_images_stand_row_by_row_within_a_border(self):
        given = _random(5, 4, 6, 3)
        grid = images.to_grid(given, columns=3)
        self.assertEqual((grid.shape, grid.dtype), ((14, 26, 3), np.uint8))
        self.assertAllEqual(grid[2:6, 2:8], given[0])
        self.assertAllEqual(grid[2:6, 10:16], given[1])
        self.assertAllEqual(grid[2:6, 18:24], given[2])
        self.assertAllEqual(grid[8:12, 2:8], given[3])
        self.assertAllEqual(grid[8:12, 10:16], given[4])

    def test_all_else_is_border(self):
        grid = images.to_grid(np.zeros((5, 4, 6, 3), np.uint8), columns=3)
        self.assertEqual((grid == 0).sum(), 5 * 4 * 6 * 3)
        self.assertEqual((grid == 200).sum(), grid.size - 5 * 4 * 6 * 3)
        self.assertAllEqual(grid[8:12, 18:24], np.full((4, 6, 3), 200))

    def test_gray_is_shown_as_rgb(self):
        given = _random(1, 4, 4, 1)
        grid = images.to_grid(given, columns=1)
        self.assertAllEqual(grid[2:6, 2:6], np.repeat(given[0], 3, axis=-1))

    @parameterized.parameters((0, 1), (3, 0), (3, -1))
    def test_nothing_to_show_is_refused(self, count, columns):
        with self.assertRaisesRegex(ValueError, f"got {count} images and {columns} columns"):
            images.to_grid(np.zeros((count, 4, 4, 3), np.uint8), columns)


if __name__ == "__main__":
    tf.test.main()


class PairedRowsTest(testing.TestCase):
    def test_each_output_lies_under_its_input_in_a_last_row_that_is_short_too(self):
        x, gx = np.full((3, 2, 2, 3), 10, np.uint8), np.full((3, 2, 2, 1), 20, np.uint8)
        found = images.paired_rows(x, gx, 2)[:, 0, 0, 0]
        self.assertAllEqual(found, [10, 10, 20, 20, 10, 255, 20, 255])
