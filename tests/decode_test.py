import warnings
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import EpsImagePlugin, Image

from dtn_tf.data import decode
from dtn_tf.errors import UserError
from tests import odd_images, testing

_NAMED = [(f"{k}_{name}", name) for k, name in enumerate(odd_images.IMAGES)]
_BROKEN = [(name, name) for name in odd_images.BROKEN]
_OTHERS = [(name, name) for name in odd_images.OTHERS]


def _quadrants(pixels):
    """Mean colours of the four quadrants, away from their edges."""
    half = len(pixels) // 2
    inner = slice(half // 4, half - half // 4)
    parts = [pixels[a:, b:][inner, inner] for a in (0, half) for b in (0, half)]
    return np.array([part.mean((0, 1)) for part in parts])


def _triangles(length, part, size):
    """Weights of bilinear scaling with antialias, of the centre: `(size, length)`."""
    scale = part / size
    centres = (length - part) // 2 + (np.arange(size) + 0.5) * scale
    far = np.abs(np.arange(length) + 0.5 - centres[:, np.newaxis]) / scale
    weights = np.maximum(0.0, 1.0 - far)
    return weights / weights.sum(axis=1, keepdims=True)


class OddImagesTest(testing.TestCase):
    def test_there_are_many(self):
        self.assertGreater(len(odd_images.IMAGES), 50)

    @parameterized.named_parameters(*_NAMED)
    def test_looks_as_it_should(self, name):
        odd, path = odd_images.IMAGES[name], self.directory / name
        odd.write(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of EXIF that cannot be read
            pixels = decode.read(path, 16)
        self.assertEqual((pixels.shape, pixels.dtype), ((16, 16, 3), np.uint8))
        self.assertAllClose(_quadrants(pixels), odd.colours, rtol=0, atol=odd.tolerance)

    @parameterized.named_parameters(*_BROKEN, *_OTHERS)
    def test_what_is_no_image_is_named(self, name):
        path = self.directory / name
        path.write_bytes((odd_images.BROKEN | odd_images.OTHERS)[name])
        with self.assertRaisesRegex(UserError, f"{name} cannot be read: .*[^.][.]$"):
            decode.read(path, 16)

    @parameterized.parameters("missing.png", ".")
    def test_no_file(self, name):
        with self.assertRaisesRegex(UserError, "cannot be read: (No such|Is a dir)"):
            decode.read(self.directory / name, 16)


class FitTest(testing.TestCase):
    def noise(self, *shape):
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    def test_right_size_is_left_alone(self):
        pixels = self.noise(20, 20, 3)
        for how in decode.FITS:
            self.assertAllEqual(decode.fit(Image.fromarray(pixels), 20, how=how), pixels)

    @parameterized.parameters((20, 33, np.s_[:, 6:26]), (33, 20, np.s_[6:26]))
    def test_crop_is_of_whole_pixels_in_the_centre(self, height, width, part):
        pixels = self.noise(height, width, 3)
        self.assertAllEqual(decode.fit(Image.fromarray(pixels), 20), pixels[part])

    @parameterized.parameters((20, 10, np.s_[:, 5:15]), (10, 20, np.s_[5:15]))
    def test_pad_is_white(self, height, width, part):
        pixels = self.noise(height, width, 3)
        expected = np.full((20, 20, 3), 255, np.uint8)
        expected[part] = pixels
        self.assertAllEqual(decode.fit(Image.fromarray(pixels), 20, how="pad"), expected)

    def test_a_line_is_padded_and_not_lost(self):
        pixels = decode.fit(Image.new("L", (3000, 1)), 20, 1, "pad")
        self.assertAllEqual(np.flatnonzero(pixels.min((1, 2)) == 0), [9])

    @parameterized.parameters(16, 40, 60, 100)
    def test_scales_as_other_pictures_of_the_project(self, size):
        pixels = self.noise(57, 57, 3)
        other = tf.image.resize(pixels, (size, size), antialias=True)  # as images.resize
        self.assertAllClose(decode.fit(Image.fromarray(pixels), size), tf.round(other), atol=1)

    @parameterized.parameters((400, 100), (100, 400), (300, 301))
    def test_rows_are_scaled_first_whatever_the_shape(self, height, width):
        pixels = self.noise(height, width, 3)
        square = pixels.astype(float)
        for axis, length in ((1, width), (0, height)):
            weights = _triangles(length, min(height, width), 20)
            square = np.rint(np.moveaxis(np.tensordot(weights, square, (1, axis)), 0, axis))
        found = decode.fit(Image.fromarray(pixels), 20)
        self.assertLess(np.mean(found != square), 0.01)  # an eighth, the other way round

    @parameterized.parameters(50, 73, 99)
    def test_stripes_become_gray_when_they_shrink(self, size):
        stripes = np.zeros((400, 400), np.uint8)
        stripes[:, ::2] = 255
        pixels = decode.fit(Image.fromarray(stripes), size, 1)
        inside = pixels[:, 1:-1].astype(float)  # a column at the edge has half of its area
        self.assertAllClose(inside, np.full_like(inside, 127.5), rtol=0, atol=4)

    def test_one_channel_is_luma_and_three_repeat_gray(self):
        gray = decode.fit(odd_images.picture(), 32, 1)
        self.assertEqual(gray.shape, (32, 32, 1))
        self.assertAllEqual(_quadrants(gray), np.array(odd_images.LUMA)[:, :1])
        again = decode.fit(Image.fromarray(gray[..., 0]), 32, 3)
        self.assertAllEqual(again, np.repeat(gray, 3, -1))

    @parameterized.parameters((0, 3, "crop"), (8, 2, "crop"), (8, 3, "stretch"))
    def test_what_cannot_be_made_is_refused(self, size, channels, how):
        with self.assertRaisesRegex(UserError, "cannot be made; expected .*crop, pad"):
            decode.fit(odd_images.picture(), size, channels, how)

    @parameterized.product(how=decode.FITS, orientation=(1, 6), size=(16, 24))
    def test_large_photographs_are_decoded_smaller_and_hardly_differ(self, how, orientation, size):
        draw = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
        path, exif = self.directory / "photo.jpg", Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(draw).resize((1601, 1203), 3).save(path, quality=90, exif=exif)
        whole = decode.fit(Image.open(path), size, how=how)
        with mock.patch.object(Image.Image, "resize", autospec=True) as resize:
            resize.return_value = Image.new("RGB", (size, size))
            decode.read(path, size, how=how)
        self.assertLess(resize.call_args_list[0].args[0].width, 500)
        difference = decode.read(path, size, how=how) - whole.astype(float)
        self.assertLess(np.abs(difference).max(), 4)
        self.assertLess(np.abs(difference).mean(), 0.3)

    def test_limit_of_pillow_is_kept(self):
        path = self.directory / "a.png"
        odd_images.picture().save(path)
        with mock.patch.object(Image, "MAX_IMAGE_PIXELS", 500):
            with self.assertRaisesRegex(UserError, "a.png cannot be read: .*exceeds limit"):
                decode.read(path, 16)

    @parameterized.named_parameters(
        ("plain", odd_images.EPS), ("inside", odd_images.iptc(odd_images.EPS, 9))
    )
    def test_no_program_is_run_to_read_a_file(self, data):
        with mock.patch.object(EpsImagePlugin, "Ghostscript") as ghostscript:
            with self.assertRaisesRegex(decode.UnreadableError, "no image of a format"):
                decode.from_bytes(data, 16)
        ghostscript.assert_not_called()

    def test_what_goes_wrong_once_it_is_decoded_is_said_of_the_file(self):
        path = self.directory / "a.png"
        odd_images.picture().save(path)
        with mock.patch.object(decode, "_crop", side_effect=ZeroDivisionError("by zero")):
            with self.assertRaisesRegex(UserError, "a.png cannot be read: by zero[.]"):
                decode.read(path, 16)

    def test_suffixes_are_those_of_pictures(self):
        for suffix in (".eps", ".wmf", ".iim"):
            self.assertNotIn(suffix, decode.suffixes())
        self.assertContainsSubset({".png", ".jpeg", ".webp", ".tif"}, decode.suffixes())
