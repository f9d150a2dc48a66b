"""Each export, loaded in its own runtime, translates as the DTN does."""

import contextlib
import json
import subprocess
import sys
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image

from dtn_tf import exporting, serving
from dtn_tf.data import decode
from dtn_tf.errors import UserError
from tests import painting, testing

# Alone: no code of ours, and no TensorFlow but for its own format.
_CLIENT = """
import os, sys
import numpy as np
os.chdir(sys.argv[1])
example = open("README.md", encoding="utf-8").read().partition("```python")[2].partition("```")[0]
exec(example)
parts, last = {"photo": gx}, example.strip().splitlines()[-1]
for n in (1, 5):
    x = np.load(sys.argv[2])[:n]
    exec(last)
    parts[str(n)] = gx
np.savez(sys.argv[3], **parts)
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"dtn_tf", "tests"}, loaded
assert ("tensorflow" in loaded) == (sys.argv[4] == "savedmodel"), loaded
"""


class RuntimeTest(testing.TestCase):
    def translated(self, folder, name, x, photo):
        """Runs the example of a README.md in a process of its own, then on x of 1 and 5."""
        Image.fromarray(photo).save(folder / "photo.png")
        np.save(self.directory / "x.npy", x)
        paths = [str(p) for p in (folder, self.directory / "x.npy", self.directory / "gx.npz")]
        command = [sys.executable, "-c", _CLIENT, *paths, name]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return np.load(self.directory / "gx.npz")

    @parameterized.parameters(
        ("dtn", "savedmodel"),
        *(("dtn_adapted", name) for name in ("onnx", "litert")),  # all of dtn, style, views of x
        *(("folders", name) for name in ("onnx", "litert")),  # views of another kind
    )
    def test_translates_as_the_dtn_does(self, net, name):
        dtn = painting.folders() if net == "folders" else painting.row(net)
        if net == "dtn_adapted":
            self.assertEqual((dtn.tta, hasattr(dtn.g, "encoder")), ("confident", True))
        if net == "folders":
            self.assertEqual((dtn.tta, dtn.mirror), ("mean", True))
        side, channels = (64, 3) if net == "folders" else (32, 1)
        x = painting.pixels(5, 3, 2, side)
        (folder,) = exporting.export(dtn, [name], self.directory / "out")
        expected = serving.translate(dtn, x)
        self.assertGreater(np.std(expected.astype(float), axis=0).max(), 5.0)
        found = self.translated(folder, name, x, x[3])
        self.assertLessEqual(painting.levels_apart(found["photo"], expected[3:4]), 1)
        for n in (1, 5):
            gx = found[str(n)]
            self.assertEqual((gx.dtype, gx.shape), (np.uint8, (n, side, side, channels)))
            self.assertLessEqual(painting.levels_apart(gx, expected[:n]), 1)
        if name == "savedmodel":  # TensorFlow's own, and as many images: the same sums
            self.assertAllEqual(found["5"], expected)

    def test_bfloat16_is_exported_as_float32(self):
        dtn = testing.tiny_dtn(policy="mixed_bfloat16")
        dtn.contract = painting.TERMS
        x = testing.pixels(2, 3, seed=2)
        (folder,) = exporting.export(dtn, ["onnx"], self.directory / "out")
        expected = serving.translate(serving.in_float32(dtn), x)
        found = self.translated(folder, "onnx", x, x[0])
        self.assertLessEqual(painting.levels_apart(found["1"], expected[:1]), 1)


class ExportTest(testing.EagerTestCase):
    def test_contract_says_what_the_readme_says(self):
        dtn = painting.with_channels(painting.row(), 1)
        with mock.patch.dict(exporting._WRITERS, {"litert": lambda dtn, folder: None}):
            (folder,) = exporting.export(dtn, ["litert", "litert"], self.directory)
        self.assertEqual(folder, self.directory / "litert")
        terms = json.loads((folder / exporting.CONTRACT).read_text())
        self.assertEqual(terms["input"], {"dtype": "uint8", "shape": [None, 32, 32, 1]})
        self.assertEqual(terms["output"], {"dtype": "uint8", "shape": [None, 32, 32, 1]})
        text = (folder / "README.md").read_text()
        for said in (
            *("(n, 32, 32, 1)", 'convert("L")', "image.resize(", "0123456789abcdef"),
            *("Trained on blobs by nobody.", "MIT"),
        ):
            self.assertIn(said, text)

    @parameterized.product(fit=("crop", "pad"), channels=(1, 3), shape=((37, 50), (52, 32)))
    def test_the_example_makes_squares_as_the_contract_says(self, fit, channels, shape):
        draw = np.random.default_rng(0)
        pixels = draw.integers(0, 256, (*shape, 4), np.uint8)
        pixels[:, ::3, 3], pixels[:, 1::3, 3] = 0, 255  # hidden colours, and none hidden
        photo = Image.fromarray(pixels)
        exif = Image.Exif()
        exif[0x0112] = 2 if shape == (52, 32) else 1  # one is mirrored
        photo.save(self.directory / "photo.png", exif=exif)
        sizes = {"input": {"shape": [None, 32, 32, channels]}}
        terms = {"format": "onnx", "fit": fit, **sizes, "output": sizes["input"]}
        example = exporting._words(terms)["example"].partition("import onnxruntime")[0]
        found = {}
        with contextlib.chdir(self.directory):
            exec(example, found)
        expected = decode.read(self.directory / "photo.png", 32, channels, fit)
        self.assertEqual((found["x"].shape, found["x"].dtype), ((1, 32, 32, channels), np.uint8))
        self.assertLessEqual(painting.levels_apart(found["x"][0], expected), 1)

    def test_a_folder_that_is_no_export_is_left_alone(self):
        (self.directory / "onnx").mkdir()
        (self.directory / "onnx" / "mine").touch()
        with self.assertRaisesRegex(UserError, "is there and is no export"):
            exporting.export(painting.row(), ["litert", "onnx"], self.directory)
        self.assertEqual([p.name for p in self.directory.iterdir()], ["onnx"])

    def test_unknown_formats_are_refused(self):
        for formats in ([], ["tflite"], ["onnx", "pt"]):
            with self.assertRaisesRegex(UserError, "expected some of savedmodel, onnx, litert"):
                exporting.require(formats)

    def test_without_the_packages_it_says_how_to_get_them(self):
        with mock.patch.object(exporting.importlib.util, "find_spec", return_value=None):
            exporting.require(["savedmodel", "litert"])
            with self.assertRaisesRegex(UserError, r"tf2onnx and onnx .*pip install -e '.\[export"):
                exporting.require(["litert", "onnx"])
