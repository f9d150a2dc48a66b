"""All runs of a table: what is missing, trained, scored once, laid out and drawn."""

import contextlib
import dataclasses
import io
import json
import shutil
from unittest import mock

import numpy as np
from PIL import Image

from dtn_tf import config, evaluate, loop, report, run_dir, serving, tables, train
from dtn_tf.data import street_digits
from tests import testing, train_test


def _finish(directory, settings, seconds=60.0):
    run_dir.write(directory, settings)
    run_dir.write_json(directory / "timing.json", {"pretrain_f": 5.0, "dtn": seconds})
    (directory / "dtn.keras").touch()


class WantedTest(testing.TestCase):
    def test_seeds_of_each_row(self):
        runs = tables.wanted("ablation", "files", "folder")
        seeds = {}
        for run in runs:
            seeds.setdefault(run.preset, []).append(run.seed)
        self.assertEqual(seeds["dtn"], [0, 1, 2])
        self.assertEqual(seeds["dtn_adapted"], [0, 1, 2])
        self.assertEqual(seeds["dtn_no_gan"], [0])
        self.assertEqual(set(seeds), {preset for _, preset, _ in report.TABLE_1 if preset})
        self.assertEqual(
            {(r.data, r.data_dir, r.domain) for r in runs}, {("files", "folder", "svhn")}
        )

    def test_as_many_seeds_as_asked_for(self):
        self.assertEqual([r.seed for r in tables.wanted("reverse", "files", None, 2)], [0, 1])
        self.assertEqual(tables.wanted("reverse", "files", None)[0].domain, "mnist")


class FindTest(testing.TestCase):
    def test_a_finished_run_of_the_same_settings_wherever_it_is(self):
        settings = dataclasses.replace(config.PRESETS["dtn"], data="files", seed=1)
        _finish(self.directory / "anything", dataclasses.replace(settings, precision="float32"))
        self.assertEqual(tables.find(settings, self.directory).name, "anything")
        for change in ({"seed": 2}, {"data": "builtin"}, {"alpha": 3.0}, {"preset": "x"}):
            other = dataclasses.replace(settings, **change)
            self.assertIsNone(tables.find(other, self.directory), change)

    def test_an_unfinished_run_does_not_count(self):
        run_dir.write(self.directory / "a", config.PRESETS["dtn"])
        self.assertIsNone(tables.find(config.PRESETS["dtn"], self.directory))

    def test_data_is_that_of_the_newest_run(self):
        self.assertEqual(tables.default_data(self.directory), ("auto", None))
        settings = dataclasses.replace(config.PRESETS["dtn"], data="files", data_dir="folder")
        _finish(self.directory / "a", settings)
        self.assertEqual(tables.default_data(self.directory), ("files", "folder"))


class TimeLeftTest(testing.TestCase):
    def test_from_the_runs_that_are_finished(self):
        self.assertIn("known after", tables._minutes_left(3, self.directory))
        for name, seconds in (("a", 60.0), ("b", 180.0)):
            _finish(self.directory / name, config.PRESETS["dtn"], seconds)
        self.assertEqual(tables._minutes_left(3, self.directory), "about 6 minutes")


_MADE = ("ablation", "adaptation", "unseen", "pieces")


class MakeTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        presets = {
            name: dataclasses.replace(
                train_test.SMALL, preset=name, checkpoint_every=6, grid_every=6, **changes
            )
            for name, changes in (("dtn", {}), ("dtn_no_gan", {"gan": 0.0}))
        }
        rows = (("DTN", "dtn", 0.9066), ("no GAN", "dtn_no_gan", 0.3470))
        for module, name, value in (
            (street_digits, "SPLITS", {"train": (300, 0), "test": (100, 1)}),
            (config, "PRESETS", presets),
            (report, "TABLE_1", rows),
            (report, "TABLE_2", (("no GAN", "train", "dtn_no_gan", None),)),
            (report, "TABLE_3", rows[:1]),
            (report, "PIECES", [row[:2] for row in rows[:1]]),
            (tables, "_SEEDS", {"dtn": 2}),
            (serving, "export", mock.Mock()),  # takes long and is in no table
        ):
            self.enter_context(mock.patch.object(module, name, value))
        self.places = tables.Places(*(self.directory / n for n in ("runs", "cache", "results")))

    def make(self, *names, **kwargs):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            text = tables.make(names, self.places, "builtin", judge_steps=2, **kwargs)
        return text, out.getvalue()

    def test_without_a_run_says_how_to_get_them(self):
        with self.assertRaisesRegex(ValueError, "--train_missing"):
            self.make("ablation")

    def test_trains_what_is_missing_scores_once_and_leaves_tables_and_figures(self):
        stopped = []
        fit = train.train

        def once(settings, workdir, cache):
            if settings.preset == "dtn_no_gan" and not stopped:
                stopped.append(workdir)
                raise loop.Interrupted("stopped")
            return fit(settings, workdir, cache)

        with mock.patch.object(train, "train", once), self.assertRaises(loop.Interrupted):
            self.make("ablation", missing=True)
        text, out = self.make(*_MADE, missing=True)
        self.assertIn("Run 1 of 1", out)  # the two others were finished before
        for part in (
            "| DTN | 90.66% | **",
            "| 2 | 100 |",
            "| no GAN | 34.70% | **",
            "other digits",
        ):
            self.assertIn(part, text)
        results = json.loads((self.places.results_dir / "ablation.json").read_text())
        self.assertEqual(
            [(r["preset"], r["seed"]) for r in results],
            [("dtn", 0), ("dtn", 1), ("dtn_no_gan", 0)],
        )
        self.assertGreater(results[0]["minutes"], 0.0)
        pieces = json.loads((self.places.results_dir / "pieces.json").read_text())
        scored = (self.places.runs_dir / "svhn-dtn-builtin-seed1/eval.jsonl").read_text()
        scored = {row["split"]: row["accuracy"] for row in map(json.loads, scored.splitlines())}
        self.assertEqual(
            {k: pieces[1][k] for k in ("validation", "accuracy")},
            {"validation": scored["validation"], "accuracy": scored["test"]},
        )
        for name in ("ablation", "ablation-dtn", "ablation-confusion", "ablation-curves", "unseen"):
            picture = np.asarray(Image.open(self.places.results_dir / f"{name}.png").convert("L"))
            self.assertGreater(picture.shape[1], 400, name)
            self.assertGreater(picture.std(), 10, name)

        with mock.patch.object(evaluate, "evaluate", side_effect=AssertionError("twice")):
            again, out = self.make(*_MADE, missing=True)
        self.assertEqual(again, text)
        self.assertNotIn("Run 1", out)

        shutil.rmtree(self.places.runs_dir)  # the records are enough
        for path in self.places.results_dir.glob("*.*"):
            path.unlink()
        again, out = self.make(*_MADE, missing=True)
        self.assertEqual(again, text)
        self.assertNotIn("Run 1", out)
        self.assertTrue((self.places.results_dir / "ablation-curves.png").exists())

        for other, steps, why in ((100, 3, "its judge"), (90, 2, "scored on")):
            splits = {"train": (300, 0), "test": (other, 1)}
            out = io.StringIO()
            with (
                mock.patch.object(street_digits, "SPLITS", splits),
                contextlib.redirect_stdout(out),
            ):
                with self.assertRaisesRegex(ValueError, "no finished run"):
                    tables.make(("ablation",), self.places, "builtin", judge_steps=steps)
            self.assertEqual(out.getvalue().count(f"left out: {why}"), 3)
