"""The page of `dtn_tf demo` as files."""

import base64
import contextlib
import gzip
import io
import re
import shutil
import subprocess
from unittest import mock

import onnxruntime
import tensorflow as tf
from absl.testing import parameterized

import dtn_tf
from dtn_tf.demo import facts, static, vendor
from dtn_tf.errors import UserError
from tests import painting, served, testing


class StaticTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.modules = self.directory / "node_modules"
        folder = self.modules / vendor.PACKAGE
        (folder / "dist").mkdir(parents=True)
        (folder / "package.json").write_text('{"version": "1.2.3"}')
        for name in (vendor.SCRIPT, vendor.GLUE, vendor.WASM):
            (folder / name).write_bytes(name.encode() + b"\n//# sourceMappingURL=x.map")
        self.out = self.directory / "page"

    def write(self):
        return static.write(served.model(), served.FACTS, self.out, self.modules)

    def packed(self, name, path):
        text = (self.out / path).read_text()
        found = re.fullmatch(rf'window\.demo\.files\["{name}"\] = "([\w+/=]+)";\n', text)
        return gzip.decompress(base64.b64decode(found.group(1)))

    def test_the_network_in_the_page_translates_as_the_dtn_does(self):
        self.write()
        session = onnxruntime.InferenceSession(self.packed("network", "network.js"))
        x = testing.pixels(3, 3, seed=8)
        names = [output.name for output in session.get_outputs()]
        found = dict(zip(names, session.run(None, {"images": x}), strict=True))
        expected = dtn_tf.translate(served.model().dtn, x)
        self.assertLessEqual(painting.levels_apart(found["translations"], expected), 1)
        answer = served.model().answer(tf.constant(x))
        for name in ("seen", "painted"):
            self.assertAllClose(found[name], answer[name], atol=1e-3)
        html = (self.out / "index.html").read_text()
        for name in re.findall(r'(?:src|href)="([^"#]+)"', html):
            self.assertTrue((self.out / name).exists(), name)
        self.assertEqual(self.packed("wasm", "ort/wasm.js")[:5], b"dist/")
        self.assertNotIn("sourceMapping", (self.out / "ort" / "ort.wasm.min.js").read_text())
        self.assertIn("connect-src 'none'", html)
        self.assertIn("1.2.3", (self.out / "NOTICE.txt").read_text())

    def test_images_of_the_run_that_are_in_it_are_said(self):
        (self.directory / "a.png").write_bytes(b"grid")
        known = facts.Facts({"examples": ["x", "y"]}, {"grids/a.png": self.directory / "a.png"})
        for content, expected in ((known, "2 of the source as examples, and 1 grids"), (None, "")):
            with mock.patch.object(static, "_write_network"):
                with contextlib.redirect_stdout(io.StringIO()) as said:
                    static.write(served.model(), content or served.FACTS, self.out, self.modules)
            self.assertIn(expected, said.getvalue())
            self.assertEqual(bool(expected), "images of the run" in said.getvalue())

    def test_an_earlier_page_is_replaced_and_nothing_else(self):
        with mock.patch.object(static, "_write_network"):
            self.write()
            self.write()
            (self.out / ".git").mkdir()
            (self.out / ".git" / "HEAD").touch()
            with self.assertRaisesRegex(UserError, r"did not write \(.git/HEAD\), and would lose"):
                self.write()
            self.assertTrue((self.out / ".git" / "HEAD").exists())
            (self.out / ".git" / "HEAD").unlink()
            (self.out / static.MARK).unlink()
            with self.assertRaisesRegex(UserError, "has files that this command did not write"):
                self.write()
            self.assertTrue((self.out / "index.html").exists())

    def test_a_page_that_fails_leaves_what_was_there(self):
        with mock.patch.object(static, "_write_network"):
            self.write()
        with mock.patch.object(static, "_write_network", side_effect=RuntimeError):
            with self.assertRaises(RuntimeError):
                self.write()
        self.assertTrue((self.out / static.MARK).exists())
        self.assertCountEqual(self.directory.iterdir(), [self.out, self.modules])

    def test_a_folder_without_the_runtime_is_refused(self):
        with self.assertRaisesRegex(UserError, "is not onnxruntime-web .* as npm installs it"):
            vendor.runtime(self.directory)

    def test_without_npm_it_says_what_to_do(self):
        with mock.patch.object(shutil, "which", return_value=None):
            with self.assertRaisesRegex(UserError, "npm is not installed.*--node_modules=FOLDER"):
                vendor.runtime()

    @parameterized.parameters(
        (1, "npm error code E\nnpm error no network\n", "no network"), (0, "", "it gave no file")
    )
    def test_npm_that_fails_is_quoted(self, code, error, said):
        done = subprocess.CompletedProcess([], code, "", error)
        with mock.patch.object(shutil, "which", return_value="npm"):
            with mock.patch.object(subprocess, "run", return_value=done):
                with self.assertRaisesRegex(UserError, f"cannot bring onnxruntime-web: {said}"):
                    vendor.runtime()
