"""Every command of docs/own_images.md, on two tiny folders."""

import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
from PIL import Image

from tests import pair_test

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PAGE = (_ROOT / "docs/own_images.md").read_text(encoding="utf-8")
_SHORT = {  # what makes them take seconds
    "train_main.py": [
        *("--pretrain_steps=2", "--pretrain_batch_size=4", "--steps=2", "--batch_size=4"),
        *("--f_channels=4,4,4,8,8", "--g_channels=8,8,4,4", "--d_channels=4,4,4,8,8"),
    ],
}
_EVAL = """
import runpy, sys
from dtn_tf.scores import independent
independent.STEPS = 2
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _commands():
    blocks = re.findall(r"```sh\n(.*?)```", _PAGE, re.S)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


class WalkthroughTest(pair_test.PairTestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(contextlib.chdir(self.directory))
        for k, name in enumerate(("photos", "drawings")):
            self.fill(self.directory / name, 80, side=70, seed=k)
        self.fill(self.directory / "new_photos" / "holiday", 3, side=90, seed=2)
        (self.directory / "new_photos" / "broken.jpg").write_bytes(b"no image")

    def test_from_two_folders_to_an_exported_network(self):
        commands = _commands()
        self.assertEqual([c[0] for c in commands], ["train_main.py", "eval_main.py", "-m", "-m"])
        said = [self._run(*command) for command in commands]
        self.assertIn("photos: ", said[0])
        self.assertIn("KID", said[1])
        self.assertIn("broken.jpg", said[2])
        run = self.directory / "runs/photos-to-drawings-dtn_folders"
        for name in ("grids/inputs_source.png", "eval-test/neighbours.png", "eval.jsonl"):
            self.assertTrue((run / name).exists(), name)
        made = sorted(p.name for p in (self.directory / "new_drawings/holiday").glob("*.png"))
        self.assertEqual(made, ["0.png", "1.png", "2.png"])
        with Image.open(self.directory / "new_drawings/holiday/0.png") as image:
            self.assertEqual(np.asarray(image).shape, (64, 64, 3))
        exported = {p.parent.name for p in (self.directory / "exported").glob("*/README.md")}
        self.assertEqual(exported, {"savedmodel", "onnx", "litert"})

    def _run(self, program, *words):
        known = {"-m": ["-m"], "eval_main.py": ["-c", _EVAL, str(_ROOT / "eval_main.py")]}
        start = known.get(program, [str(_ROOT / program)])
        done = subprocess.run(
            [sys.executable, *start, *words, *_SHORT.get(program, [])],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        expected = 1 if "translate" in words else 0  # one file is broken
        self.assertEqual(done.returncode, expected, done.stderr)
        return done.stdout + done.stderr
