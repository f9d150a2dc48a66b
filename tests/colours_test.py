"""Colours of hair and skin, on faces that are two rectangles."""

import numpy as np

from dtn_tf.scores import colours, retrieval_tables
from tests import testing


def faces(n, seed=0, side=64):
    """Returns uint8 faces, and the colours that their hair and their skin are painted with."""
    draw = np.random.default_rng(seed)
    hair, skin = (draw.integers(0, 256, (n, 3)) for _ in range(2))
    pixels = np.full((n, side, side, 3), 255, np.uint8)
    pixels[:, : side // 4, side // 4 : -side // 4] = hair[:, None, None]
    pixels[:, side // 4 :, side // 4 : -side // 4] = skin[:, None, None]
    return pixels, hair, skin


class ColoursTest(testing.TestCase):
    def test_medians_are_what_was_painted_at_every_size(self):
        for side in (32, 64, 128):
            pixels, hair, skin = faces(5, side=side)
            found = colours.of(pixels)
            self.assertAllEqual(found["hair"], hair)
            self.assertAllEqual(found["skin"], skin)

    def test_a_copy_follows_and_others_do_not(self):
        x, (other, *_) = faces(400)[0], faces(400, seed=1)
        half = (x // 2 + 60).astype(np.uint8)
        found = colours.followed(x, {"half": half, "other": other, "flat": 0 * x + 9})
        for region in ("hair", "skin"):
            self.assertGreater(found[region]["half"], 0.99)
            self.assertLess(abs(found[region]["other"]), 0.15)
            self.assertEqual(found[region]["flat"], 0.0)

    def test_a_ridge_reads_what_codes_hold_and_no_more(self):
        (x, hair, _), (x_new, hair_new, _) = faces(600), faces(300, seed=1)
        noise = np.random.default_rng(0)
        mix = noise.normal(size=(3, 8))
        codes, codes_new = (h @ mix + noise.normal(size=(len(h), 8)) for h in (hair, hair_new))
        found = colours.held(codes, x, codes_new, x_new)
        self.assertGreater(found["hair"], 0.95)
        self.assertLess(found["skin"], 0.1)

    def test_the_table_has_a_line_a_region(self):
        part = {"translation": 0.5, "nearest": 0.25}
        found = {"n": 9, "f": {"hair": 0.5, "skin": -1.0}}
        text = retrieval_tables.of_colours(found | {"followed": {"hair": part, "skin": part}})
        self.assertIn("| hair | 0.50 | 0.25 | 50.0 % |", text)
        self.assertIn("| skin | 0.50 | 0.25 | 0.0 % |", text)
