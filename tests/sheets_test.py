"""The sheet that shows whether G copies."""

import numpy as np
from PIL import Image

from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import independent, sheets
from tests import testing
from tests.distance_tables_test import without_judge
from tests.lines import line


class NearestTest(testing.TestCase):
    def test_a_copy_is_found_at_distance_zero(self):
        known = testing.pixels(50, 3)
        asked = known[[7, 33]].copy()
        asked[1, 0, 0, 0] ^= 1
        self.assertAllEqual(sheets.nearest_in_pixels(asked, known), [7, 33])
        copied, changed = sheets.distance_of(asked, known)
        self.assertEqual(copied, 0.0)
        self.assertAllClose(changed, 1.0 / np.sqrt(32 * 32 * 3))

    def test_difference_in_grey_levels_does_not_wrap_around(self):
        a, b = (np.full((1, 2, 2, 1), level, np.uint8) for level in (250, 10))
        self.assertAllClose(sheets.rms(a, b), [240.0])
        self.assertAllClose(sheets.rms(b, a), [240.0])


class DrawTest(testing.EagerTestCase):
    def draw(self, drawn, x, gx, known):
        path = self.directory / "neighbours.png"
        net = independent.Net(testing.tiny_classifier().encoder, "tiny", "0")
        real = Pictures(testing.pixels(20, gx.shape[-1], seed=3), "real")
        sheets.draw_neighbours(drawn, x, gx, Pictures(known, "train"), real, net, path)
        return np.asarray(Image.open(path).convert("L"))

    def test_gray_translations_of_rgb_with_and_without_a_judge(self):
        x, gx, known = testing.pixels(40, 3), testing.pixels(40), testing.pixels(30, seed=1)
        for drawn in (line(), without_judge()):
            picture = self.draw(drawn, x, gx, known)
            self.assertGreater(picture.shape[1], 1200)
            self.assertGreater(picture.std(), 10)

    def test_few_images_are_enough(self):
        x = testing.pixels(3, 3)
        self.assertGreater(self.draw(line(), x, x[:2], testing.pixels(2, 3, seed=1)).std(), 10)
