"""The page of `dtn_tf demo`: its files, and what it tells of a run."""

import base64
import contextlib
import io
import json
import pathlib
import re
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from dtn_tf import images, runs
from dtn_tf.demo import facts, pages, server
from dtn_tf.errors import UserError
from dtn_tf.peers import cyclegan, unit
from tests import served, testing


class PageTest(served.TestCase):
    def test_all_that_the_page_names_is_served(self):
        self.serve()
        status, headers, body = self.ask("GET", "/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        named = re.findall(r'(?:src|href)="([^"#]+)"', body.decode())
        self.assertContainsSubset(("style.css", "facts.js", "main.js", "back_end.js"), named)
        for name in named:
            self.assertEqual(self.ask("GET", f"/{name}")[0], 200, name)

    @parameterized.parameters(("server.js", pages.SERVED), ("onnx.js", pages.STATIC))
    def test_no_file_names_another_host_or_holds_a_script_or_a_style(self, back_end, rules):
        for name, data in pages.of(back_end, rules).items():
            text = data.decode().replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, r"https?://|//\w+\.\w+/", name)
        html = pages.of(back_end, rules)["index.html"].decode()
        self.assertIn(rules, html)
        self.assertNotRegex(html, r"<style|<script>|\sstyle=|\son\w+=")

    def test_ids_that_scripts_look_for_are_in_the_page(self):
        text = pages.of("onnx.js", pages.STATIC)
        ids = set(re.findall(r'\bid="([\w-]+)"', text["index.html"].decode()))
        for name, data in text.items():
            self.assertEmpty(set(re.findall(r'find\("([\w-]+)"\)', data.decode())) - ids, name)

    def test_setup_ships_every_file(self):
        text = (pathlib.Path(__file__).parents[1] / "setup.py").read_text()
        for path in pages.FOLDER.iterdir():
            self.assertIn(f'"page/*{path.suffix}"', text)

    def test_a_port_in_use_is_said(self):
        self.serve()
        port, said = self.server.server_port, io.StringIO()
        with self.assertRaisesRegex(UserError, f"Port {port} is in use.*--port=0"):
            server.serve(served.model(), served.FACTS, port)
        with mock.patch.object(server, "PORT", port):
            with contextlib.redirect_stdout(said):
                found = server._open(served.model(), served.FACTS, None)
        self.addCleanup(found.server_close)
        self.assertGreater(found.server_port, port)
        self.assertIn(f"in use; taking {found.server_port}", said.getvalue())


class FactsTest(served.TestCase):
    def setUp(self):
        super().setUp()
        self.workdir = self.directory / "run"
        self.x = testing.pixels(20, 3, seed=7)
        grid = images.to_grid(self.x, 16)
        images.save_png(self.workdir / "grids" / "inputs_source.png", grid)
        for step in (0, 250, 1000):
            path = self.workdir / "grids" / f"translations-{step:06d}.png"
            images.save_png(path, images.to_grid(self.x[::-1], 16))
        titles = [{"title": name} for name in ("drawn digits (builtin) train[:99]", "MNIST train")]
        self.of_run = runs.Run(self.workdir, {"data": dict(zip("st", titles, strict=True))})
        self.known = facts.of(served.model(), self.of_run)

    def test_cells_are_the_images_of_a_grid(self):
        found = facts.cells(self.workdir / "grids" / "inputs_source.png", 32)
        self.assertAllEqual(found[:20], self.x)
        self.assertEqual((found.shape, np.ptp(found[20:])), ((32, 32, 32, 3), 0))

    def test_examples_are_source_images_pixel_for_pixel(self):
        urls = self.known.content["examples"]
        self.assertLen(urls, 15)
        data = base64.b64decode(urls[4].removeprefix("data:image/png;base64,"))
        self.assertAllEqual(np.asarray(Image.open(io.BytesIO(data))), self.x[4])

    def test_grids_are_served_by_their_steps(self):
        steps = self.known.content["grid"]["kinds"]["translations"]
        self.assertEqual([step for step, _ in steps], [0, 250, 1000])
        self.serve(self.known)
        status, headers, body = self.ask("GET", f"/{steps[1][1]}")
        self.assertEqual((status, headers["Content-Type"]), (200, "image/png"))
        self.assertEqual(body, (self.workdir / steps[1][1]).read_bytes())
        (self.workdir / steps[1][1]).unlink()
        self.assertEqual(self.ask("GET", f"/{steps[1][1]}")[0], 404)

    def test_curves_are_thinned_and_finite(self):
        writer = tf.summary.create_file_writer(str(self.workdir / "tb" / "dtn"))
        with writer.as_default():
            for step in range(310):
                tf.summary.scalar("loss/L_TID", 1.0 / (step + 1), step)
            for step, value in enumerate((0.5, np.nan, 0.25)):
                tf.summary.scalar("loss/L_CONST", value, step)
        writer.close()
        (panel,) = facts.of(served.model(), self.of_run).content["curves"]
        const, tid = (line["points"] for line in panel["lines"])
        self.assertEqual((len(tid), tid[0], tid[-1]), (300, [0, 1.0], [309, 0.0032258]))
        self.assertEqual(const, [[0, 0.5], [2, 0.25]])

    @parameterized.parameters(cyclegan.CycleGAN, unit.UNIT)
    def test_a_peer_has_panels_of_all_that_it_logs(self, method):
        writer = tf.summary.create_file_writer(str(self.workdir / "tb" / "dtn"))
        with writer.as_default():
            for name in method.tracked:
                tf.summary.scalar(f"loss/{name}", 0.5, 1)
            for name in method.tracked_d:
                tf.summary.scalar(f"D/{name}", 0.5, 1)
        writer.close()
        panels = facts.of(served.model(), self.of_run).content["curves"]
        lines = [line["name"] for panel in panels for line in panel["lines"]]
        self.assertLen(lines, len(method.tracked) - 1 + len(method.tracked_d))  # but for L_G
        self.assertLess(max(len(panel["lines"]) for panel in panels), 4)  # the page's colours
        self.assertEqual(panels[0]["title"], "G against D")
        self.assertNotIn("L_GANG", json.dumps(panels))

    def test_titles_say_the_kind_alone(self):
        content = self.known.content
        self.assertEqual((content["source"], content["target"]), ("drawn digits", "MNIST"))

    def test_the_script_is_json_in_a_name(self):
        text = self.known.script(kind="server").decode()
        self.assertStartsWith(text, "window.demo = {facts: {")
        found = json.loads(text.removeprefix("window.demo = {facts: ").rstrip().removesuffix("};"))
        self.assertEqual((found["kind"], found["size"], found["fit"]), ("server", 32, "crop"))

    def test_a_net_without_a_run_has_a_page_too(self):
        content = facts.of(served.model()).content
        self.assertEqual([content[k] for k in ("examples", "curves", "source")], [[], [], None])

    def test_a_damaged_grid_leaves_no_examples(self):
        (self.workdir / "grids" / "inputs_source.png").write_bytes(b"torn")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            found = facts._examples(self.workdir / "grids", 32)
        self.assertEqual(found, [])
        self.assertIn("inputs_source.png cannot be read", said.getvalue())
