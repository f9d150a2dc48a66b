"""The committed style."""

import contextlib
import io

import numpy as np
from PIL import Image

from benchmarks import stylise
from tests import testing


class PosterTest(testing.TestCase):
    def test_six_colours_in_the_order_of_light_and_lines_at_edges(self):
        ramp = np.tile(np.linspace(0, 255, 96, dtype=np.uint8), (96, 1))
        found = np.asarray(stylise.poster(Image.fromarray(ramp)))
        self.assertLen(np.unique(found.reshape(-1, 3), axis=0), 6)
        light = found.astype(int).sum(axis=2)[48]
        self.assertTrue((np.diff(light) >= 0).all())
        halves = np.repeat(np.array([[80, 250]], np.uint8), 48, axis=1).repeat(96, axis=0)
        drawn = np.asarray(stylise.poster(Image.fromarray(halves)))
        self.assertAllEqual(drawn[48, 47], stylise._PALETTE[0])  # the line between them
        self.assertAllEqual(drawn[48, 90], stylise._PALETTE[-1])

    def test_folders_and_names_stay_and_broken_files_are_named(self):
        (self.directory / "a/b").mkdir(parents=True)
        for name in ("a/x.jpg", "a/b/y.png"):
            Image.fromarray(testing.pixels(1, 3)[0]).save(self.directory / name)
        (self.directory / "a/broken.jpg").write_bytes(b"no image")
        out = io.StringIO()
        for _ in range(2):  # a second start does what is left
            with contextlib.redirect_stdout(out), self.assertRaises(SystemExit) as end:
                stylise.main([str(self.directory / "a"), str(self.directory / "s")])
            self.assertEqual(end.exception.code, 1)
        made = sorted(str(p.relative_to(self.directory)) for p in self.directory.glob("s/**/*.png"))
        self.assertEqual(made, ["s/b/y.png", "s/x.png"])
        self.assertIn("broken.jpg cannot be read", out.getvalue())
        self.assertIn("2 posters", out.getvalue())
        Image.fromarray(testing.pixels(1, 3)[0]).save(self.directory / "a/x.png")
        with self.assertRaisesRegex(SystemExit, "x.jpg and x.png would be one poster"):
            stylise.main([str(self.directory / "a"), str(self.directory / "t")])
        with self.assertRaisesRegex(SystemExit, "would take posters for photos"):
            stylise.main([str(self.directory / "a"), str(self.directory / "a/out")])
        with self.assertRaisesRegex(SystemExit, "error: "):
            stylise.main([str(self.directory / "none"), str(self.directory / "s")])
