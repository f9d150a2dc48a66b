"""Filters by size, by hand."""

from absl.testing import absltest, parameterized

from dtn_tf.nets import sizes


class AtSizeTest(parameterized.TestCase):
    @parameterized.parameters(
        ("f", (64, 128, 256, 128), 64, (32, 64, 128, 256, 128)),
        ("f", (64, 128, 256, 128), 128, (16, 32, 64, 128, 256, 128)),
        ("d", (8, 16, 32, 32), 128, (4, 4, 8, 16, 32, 32)),
        ("g", (256, 128, 64), 64, (256, 128, 64, 32)),
        ("g", (32, 16, 8), 128, (32, 16, 8, 4, 4)),
        ("depths", (1, 1, 2, 2), 64, (1, 1, 1, 2, 2)),
        ("g", (256, 128, 64), 32, (256, 128, 64)),
    )
    def test_a_doubling_adds_a_block_of_half_the_width(self, of, channels, size, expected):
        self.assertEqual(sizes.at_size(channels, size, of), expected)

    @parameterized.parameters("f", "d", "g", "depths")
    def test_a_halving_takes_back_what_a_doubling_added(self, of):
        wide = sizes.at_size((64, 128, 64), 128, of)
        self.assertEqual(sizes.at_size(wide, 32, of, now=128), (64, 128, 64))

    def test_a_size_that_no_net_is_made_for_is_refused(self):
        with self.assertRaisesRegex(ValueError, "size=48; expected one of 32, 64, 128"):
            sizes.at_size((8, 8), 48, "f")


if __name__ == "__main__":
    absltest.main()
