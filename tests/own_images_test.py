"""Every command of docs/own_images.md, on two tiny folders."""

import pathlib
import re
import shlex

import numpy as np
from PIL import Image

from tests import forked, pair_test

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PAGE = (_ROOT / "docs/own_images.md").read_text(encoding="utf-8")
_SHORT = {  # what makes them take seconds
    "train_main.py": [
        *("--pretrain_steps=2", "--pretrain_batch_size=4", "--warm_steps=2", "--steps=2"),
        "--batch_size=4",
        *("--f_channels=4,4,4,8,8", "--g_channels=8,8,4,4", "--d_channels=4,4,4,8,8"),
    ],
}
_FIRST = {
    "eval_main.py": """from dtn_tf.scores import independent
independent.STEPS, independent._BATCH, independent._CHANNELS = 2, 8, {64: (4, 4, 4, 8, 8)}
""",
}


def _commands():
    blocks = re.findall(r"```sh\n(.*?)```", _PAGE, re.S)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


class WalkthroughTest(pair_test.PairTestCase):
    def setUp(self):
        super().setUp()
        for k, name in enumerate(("photos", "drawings")):
            self.fill(self.directory / name, 80, side=70, seed=k)
        self.fill(self.directory / "new_photos" / "holiday", 3, side=90, seed=2)
        (self.directory / "new_photos" / "broken.jpg").write_bytes(b"no image")

    def test_from_two_folders_to_an_exported_network(self):
        commands = _commands()
        self.assertEqual([c[0] for c in commands], ["train_main.py", "eval_main.py", "-m", "-m"])
        said = self._run(commands)
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

    def _run(self, commands):
        """Runs them, shortened; returns what each said."""
        known = {name: str(_ROOT / name) for name in ("train_main.py", "eval_main.py")}
        shortened = [
            [
                *([_FIRST[program]] if program in _FIRST else []),
                *(known.get(program, program), *words, *_SHORT.get(program, [])),
            ]
            for program, *words in commands
        ]
        done = forked.run(shortened, self.directory)
        for words, (code, said) in zip(commands, done, strict=True):
            self.assertEqual(code, 1 if "translate" in words else 0, said)  # one file is broken
        return [said for _, said in done]
