"""docs/tour.ipynb: every cell of it is run, in order, as a reader would."""

import contextlib
import io
import json
import pathlib

import matplotlib
from PIL import Image

from tests import testing

_PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/tour.ipynb"
_SHORT = {  # what makes it take seconds: read before the preset's own
    "pretrain_steps": 2,
    "steps": 2,
    "batch_size": 4,
    "pretrain_batch_size": 4,
    "grid_every": 2,
    "precision": "float32",
}


class TourTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(contextlib.chdir(self.directory))
        self.enter_context(testing.fewer_digits())
        matplotlib.use("Agg")
        self.cells = json.loads(_PAGE.read_text(encoding="utf-8"))["cells"]

    def test_every_cell_runs_and_says_what_it_should(self):
        names, out = {}, io.StringIO()
        for cell in self.cells:
            if cell["cell_type"] == "code":
                text = "".join(cell["source"])
                short = "".join(f", {name}={value!r}" for name, value in _SHORT.items())
                text = text.replace('data="builtin")', f'data="builtin"{short})')
                with contextlib.redirect_stdout(out):
                    exec(compile(text, "tour.ipynb", "exec"), names)
        said = out.getvalue()
        for part in (
            "drawn digits: [",
            "uint8 (16, 32, 32, 3) -> uint8 (16, 32, 32, 1)",
            "f sees in G(x):",
            "L_CONST: ",
            "L_TID: ",
            "largest difference in grey levels: ",
        ):
            self.assertIn(part, said)
        self.assertLessEqual(int(said.rpartition("grey levels: ")[2].split()[0]), 1)
        self.assertRegex(said, r"real t +D1 0\.\d\d D2 0\.\d\d D3 0\.\d\d")
        figure = names["plt"].gcf()
        figure.savefig("shown.png")
        self.assertGreater(Image.open("shown.png").size[0], 400)

    def test_it_is_kept_without_outputs(self):
        for cell in self.cells:
            self.assertEmpty(cell.get("outputs", []))
            self.assertIsNone(cell.get("execution_count"))
