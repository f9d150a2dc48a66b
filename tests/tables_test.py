"""All runs of a table: what is missing is trained, what is not scored is scored, once."""

import ast
import dataclasses
import json
import pathlib
import shutil
import types
from unittest import mock

from absl.testing import parameterized

from dtn_tf import build, config, presets, runs, starts, train
from dtn_tf.data import sets as sets_lib
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from dtn_tf.scores import adaptation, controls, gallery, independent, needed, results, score, tables
from tests import testing, trained
from tests.face_tables_test import of_face
from tests.lines import adaptation as of_table_2
from tests.lines import line
from tests.report_test import cells


def finish(directory, row="dtn", minutes=1.0, **given):
    """Leaves what a finished run leaves, without its nets."""
    settings = config.make(row, data="builtin", precision="float32", **given)
    data = {name: line()["data"]["s"] for name in ("s", "t", "validation")}
    data |= {"name": "builtin", "notice": ""}
    starts.begin(directory, settings, data, build.RECIPE, "cache")
    (directory / "timing.json").write_text(json.dumps({"pretrain_f": 5.0, "dtn": 60 * minutes}))
    (directory / "dtn.keras").touch()
    return directory


class RoomTest(testing.TestCase):
    def test_scoring_imports_no_training(self):
        wrong = {f"dtn_tf.{name}" for name in ("train", "pretrain", "adapt", "loop", "warm")}
        for path in pathlib.Path(tables.__file__).parent.glob("*.py"):
            found = set()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {part.name for part in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found |= {node.module, *(f"{node.module}.{part.name}" for part in node.names)}
            if path.name != "sharing.py":  # it trains what a table misses
                self.assertEmpty(found & wrong, path.name)


class WantedTest(testing.TestCase):
    def test_seeds_of_each_row(self):
        found = needed.wanted(("1",), "files", "folder")
        seeds = {}
        for run in found:
            seeds.setdefault(run.preset, []).append(run.seed)
        expected = {row.name: list(range(row.seeds)) for row in presets.rows_of("1")}
        self.assertEqual(seeds, expected)
        self.assertEqual(seeds["dtn"], [0, 1, 2])
        self.assertEqual(
            {(r.data, r.data_dir, r.domain) for r in found}, {("files", "folder", "svhn")}
        )

    def test_a_run_of_two_tables_is_wanted_once(self):
        both = needed.wanted(("1", "2", "pieces"), "files", None)
        self.assertLen(both, len({(run.preset, run.seed) for run in both}))

    def test_as_many_seeds_as_asked_for(self):
        found = needed.wanted(("reverse",), "files", None, 2)
        rows = [row.name for row in presets.rows_of("reverse")]
        expected = [(row, "mnist", seed) for row in rows for seed in (0, 1)]
        self.assertEqual([(r.preset, r.domain, r.seed) for r in found], expected)
        once = needed.wanted(("reverse",), "files", None)
        self.assertEqual([(r.preset, r.seed) for r in once], [(row, 0) for row in rows])


class TimeLeftTest(testing.TestCase):
    def test_from_the_runs_that_are_finished(self):
        self.assertIn("known after", needed._minutes_left(3, self.directory))
        for name, minutes in (("a", 1.0), ("b", 3.0)):
            finish(self.directory / name, minutes=minutes)
        self.assertEqual(needed._minutes_left(3, self.directory), "about 6 minutes")


class MakeTest(trained.TestCase):
    """With runs whose scores are made up; `EndToEndTest` has one that is scored."""

    def setUp(self):
        super().setUp()
        self.leave_judges_untrained()
        shutil.rmtree(self.directory / "runs")
        names = ("runs", "cache", "results")
        self.places = tables.Places(*(self.directory / name for name in names))
        self.book = self.places.results_dir / "results.jsonl"
        self.scored, self.seen_through = [], []
        for module, name, value in (
            (score, "of_run", self.of_run),
            (adaptation, "of_run", lambda run, yardstick: self.of_run(run, yardstick, "2")),
            (controls, "of_run", self.controls_of),
            (gallery, "draw", mock.Mock()),
        ):
            self.enter_context(mock.patch.object(module, name, value))

    def of_run(self, run, yardstick, split):
        """Stands in for the score of a run: 90 %, read by the yardstick's judge."""
        self.scored.append((run.workdir.name, split))
        sets = yardstick.sets(run)
        shown = sets_lib.of_split(sets, "test" if split == "2" else split)
        facts = {"hash": None, "accuracy": None, "steps": yardstick.judge_steps}
        found = line(
            run.seed,
            row=run.row,
            kind="adaptation" if split == "2" else "score",
            split="test" if split == "2" else split,
            settings=run.changes,
            images=shown.facts(),
            target=sets.target_test.facts(),
            judge=facts if split == "2" else yardstick.judge(sets)[1],
            accuracy=0.9,
            frechet_n=1,
            rows={k: {"reference": k, "images": 1} for k in ("train", "test")},
        )
        results.append(run.workdir / "eval.jsonl", found)
        return json.loads(json.dumps(found))

    def controls_of(self, run, yardstick, split):
        """Stands in for the controls of a run."""
        self.seen_through.append(run.workdir.name)

    def make(self, *names, **how):
        return self.quietly(tables.make, names, self.places, judge_steps=2, **how)

    def test_old_results_alone_make_all_tables_without_any_data(self):
        results.append(self.book, line(accuracy=0.85))
        opened = mock.Mock(side_effect=AssertionError("no data is needed"))
        with mock.patch.object(tables.stores, "open_store", opened):
            text, _ = self.make(*presets.TABLES)
        self.assertEqual(cells(text, "DTN")[3], "85.0 %")
        for name in presets.TABLES:
            self.assertIn(f"Table {name}\n", text)

    def test_a_run_is_scored_once_and_kept(self):
        finish(self.places.runs_dir / "a")
        finish(self.places.runs_dir / "b", seed=1)
        finish(self.places.runs_dir / "mine", alpha=1.0)
        text, _ = self.make("1")
        self.assertEqual(cells(text, "DTN")[3:5], ["90.0 ± 0.0 %", "2 seeds: 0, 1"])
        self.assertEqual(cells(text, "dtn (alpha=1.0)")[4], "1 seed: 0")
        self.assertEqual(self.scored, [("a", "test"), ("b", "test"), ("mine", "test")])
        self.assertLen(results.read(self.book)[0], 3)
        again, _ = self.make("1")
        self.assertEqual(again, text)
        self.assertLen(self.scored, 3)
        self.assertLen(results.read(self.book)[0], 3)
        shutil.rmtree(self.places.runs_dir)  # the results are enough
        self.assertEqual(self.make("1")[0], text)

    def test_each_table_asks_for_what_it_shows(self):
        finish(self.places.runs_dir / "a", "dtn_adapted")
        self.make(*presets.TABLES)
        self.assertEqual(self.scored, [("a", "test"), ("a", "2"), ("a", "validation")])

    def test_controls_are_of_presets_alone_in_tables_that_show_them(self):
        runs_dir = self.places.runs_dir
        for name, row, given in (
            *(("a", "dtn", {}), ("b", "dtn_no_tid", {}), ("c", "dtn_adapted", {})),
            *(("d", "dtn", {"alpha": 1.0}), ("e", "yunjey", {})),
        ):
            finish(runs_dir / name, row, **given)
        self.make("3", "pieces")
        self.assertEqual(self.seen_through, [])
        self.make("1")
        self.assertEqual(self.seen_through, ["a", "c"])

    def test_another_judge_or_other_images_are_scored_anew_as_lines_of_their_own(self):
        finish(self.places.runs_dir / "a")
        self.make("1")
        text, _ = self.make("1", first_n=50)
        self.assertLen(self.scored, 2)
        with mock.patch.object(tables.config, "JUDGE_STEPS", 3):
            text, _ = self.quietly(tables.make, ("1",), self.places, judge_steps=3)
        self.assertLen(self.scored, 3)
        shown = [cells(text, "DTN", k)[4:7] for k in range(text.count("| DTN |"))]
        self.assertLen(shown, 3)
        self.assertLen({tuple(part) for part in shown}, 3)

    def test_says_which_runs_it_passes_over_and_why(self):
        runs_dir = self.places.runs_dir
        finish(runs_dir / "good")
        finish(runs_dir / "first_look", "tiny")
        (finish(runs_dir / "torn") / "config.json").write_text('{"config": ')
        old = finish(runs_dir / "retired")
        content = json.loads((old / "config.json").read_text())
        content["config"]["preset"] = "dtn_adapted_light"
        (old / "config.json").write_text(json.dumps(content))
        text, out = self.make("1")
        self.assertEqual(cells(text, "DTN")[4], "1 seed: 0")
        for name, why in (
            ("first_look", "tiny, --domain=svhn, is in no table of 1"),
            ("torn", "is not the settings of a run"),
            ("retired", "dtn_adapted_light"),
        ):
            self.assertRegex(out, f"{runs_dir / name}.*{why}")
        self.assertEqual(self.scored, [("good", "test")])
        (self.directory / "files").mkdir()
        _, out = self.make("1", data="files", data_dir=str(self.directory / "files"))
        self.assertIn(f"{runs_dir / 'good'} is passed over: of data builtin, not files", out)

    def test_a_torn_line_is_named_and_the_rest_goes_on(self):
        finish(self.places.runs_dir / "a")
        self.make("1")
        for path in (self.book, self.places.runs_dir / "a" / "eval.jsonl"):
            path.write_text('{"schema": 1, "ki\n' + path.read_text())
        text, out = self.make("1")
        self.assertEqual(cells(text, "DTN")[4], "1 seed: 0")
        self.assertLen(self.scored, 1)
        self.assertIn(f"{self.book}, line 1", out)
        self.assertIn("eval.jsonl, line 1", out)

    def test_a_run_that_cannot_be_scored_does_not_keep_the_others_from_it(self):
        for k, name in enumerate("ab"):
            finish(self.places.runs_dir / name, seed=k)
        of_run = self.of_run

        def damaged(run, yardstick, split):
            if run.workdir.name == "a":
                raise UserError("dtn.keras is damaged")
            return of_run(run, yardstick, split)

        with mock.patch.object(score, "of_run", damaged):
            text, out = self.make("1")
        self.assertIn(f"{self.places.runs_dir / 'a'} is not scored: dtn.keras is damaged", out)
        self.assertEqual(cells(text, "DTN")[4], "1 seed: 1")

    def test_figures_that_cannot_be_drawn_leave_the_table(self):
        finish(self.places.runs_dir / "a")
        gone = mock.Mock(side_effect=UserError("the photos are gone"))
        with mock.patch.object(gallery, "draw", gone):
            text, out = self.make("1")
        self.assertEqual(cells(text, "DTN")[4], "1 seed: 0")
        self.assertIn("Table 1: no figures. the photos are gone", out)

    def test_a_descriptor_that_is_not_there_is_refused_first(self):
        finish(self.places.runs_dir / "a")
        with self.assertRaisesRegex(UserError, "typo.pb"):
            self.make(presets.FACES, descriptor="face:typo.pb", train_missing=True)
        self.assertEqual(self.scored, [])

    def test_pictures_are_loaded_once_for_all_runs(self):
        for k in range(3):
            finish(self.places.runs_dir / str(k), seed=k)
        loads, opened = [], tables.stores.open_store

        def counted(*where):
            store = opened(*where)
            load = store.load
            store.load = lambda *of: loads.append(of[:2]) or load(*of)
            return store

        with mock.patch.object(tables.stores, "open_store", counted):
            self.make("1")
        self.assertLen(loads, len(set(loads)))

    def trained_for(self, name, row, lines=()):
        """Runs that a table has trained, of a row alone: preset, seed and folder."""
        found = []
        for k, changes in enumerate(lines):
            made = line(**{"seed": 1, "row": row, **changes})
            made["data"] = {**made["data"], "name": "builtin"}
            made["trained"] = {"recipe": build.RECIPE, **made["trained"]} | changes.get(
                "trained", {}
            )
            results.append(self.book, {**made, "fill": k})

        def stand_in(settings, workdir, cache, watchers):
            self.assertLen(watchers, 1)
            found.append((settings.preset, settings.seed, workdir.name))
            finish(workdir, row, seed=settings.seed)

        rows = [presets.ROWS[row]]
        with (
            mock.patch.object(presets, "rows_of", lambda table: rows),
            mock.patch.object(train, "train", stand_in),
        ):
            _, out = self.make(name, train_missing=True, data="builtin", num_seeds=3)
        return found, out

    def test_trains_what_has_neither_run_nor_result(self):
        finish(self.places.runs_dir / "anything")  # seed 0
        finish(self.places.runs_dir / "changed", seed=2, alpha=1.0)  # is not seed 2 of dtn
        control = {"kind": "control", "controls": {}, "recipe": 1}
        found, out = self.trained_for("1", "dtn", [{}, control])
        self.assertEqual(found, [("dtn", 2, "svhn-dtn-builtin-seed2")])
        self.assertIn("Run 1 of 1", out)
        self.assertIn("about 1 minutes", out)

    def test_a_finished_run_that_does_not_count_is_in_the_way_before_anything_is_trained(self):
        old = finish(self.places.runs_dir / "svhn-dtn-builtin-seed1")
        content = json.loads((old / "config.json").read_text())
        (old / "config.json").write_text(json.dumps({**content, "recipe": build.RECIPE - 1}))
        with self.assertRaisesRegex(UserError, "svhn-dtn-builtin-seed1: .* does not count.*Move"):
            self.trained_for("1", "dtn")

    def test_results_that_could_not_be_written_are_refused_before_anything_is_trained(self):
        self.places.results_dir.write_text("")
        with self.assertRaisesRegex(UserError, "results cannot be written: .* is a file"):
            self.trained_for("1", "dtn")

    @parameterized.named_parameters(
        ("a retired one", "1", {"retired": "gone"}),
        ("of older code", "1", {"trained": {"recipe": build.RECIPE - 1}}),
        ("of another kind", "2", {}),
        ("of another split", "1", {"split": "validation"}),
        ("of one split of two", "pieces", {}),
    )
    def test_trains_what_has_a_line_that_is_not_the_tables(self, name, given):
        row = {"1": "dtn_no_tid", "2": "dtn", "pieces": "dtn_adapted_mse"}
        found, _ = self.trained_for(name, row[name], [given])
        self.assertEqual([seed for _, seed, _ in found], [0, 1, 2])


class NetsTest(testing.TestCase):
    """Which old lines of faces are what would be measured now."""

    def is_by(self, known, at_hand, independent_hash="abcd"):
        """Whether a line by one face net stays with another one at hand; None is none."""
        pictures = Pictures(testing.pixels(4), "photos")
        sets = types.SimpleNamespace(test=pictures, real=lambda split: pictures)
        net = at_hand and types.SimpleNamespace(hash=at_hand)
        yardstick = types.SimpleNamespace(sets=lambda run: sets, descriptor=net)
        rank = None if known is None else 9.0
        facts = {"images": pictures.facts(), "target": pictures.facts()}
        found = types.SimpleNamespace(hash=independent_hash)
        with mock.patch.object(independent, "by", lambda *_: found):
            return tables._is_by(of_face(rank=rank, net=known, **facts), None, yardstick)

    def test_lines_of_the_net_at_hand_stay(self):
        self.assertTrue(self.is_by("n", "n"))
        self.assertFalse(self.is_by("n", "m"))
        self.assertFalse(self.is_by(None, "n"))

    def test_without_a_face_net_at_hand_what_one_measured_stays(self):
        self.assertTrue(self.is_by("n", None))
        self.assertTrue(self.is_by(None, None))

    def test_lines_of_another_independent_net_do_not(self):
        self.assertFalse(self.is_by("n", "n", independent_hash="beef"))


class AdaptationTest(testing.TestCase):
    def test_lines_of_other_test_images_or_another_recipe_do_not_stay(self):
        real = Pictures(testing.pixels(4), "real")
        made = of_table_2(target=real.facts())
        self.assertTrue(adaptation.is_by(made, real, 1500))
        self.assertFalse(adaptation.is_by(made, real, 2))
        self.assertFalse(adaptation.is_by({**made, "recipe": 0}, real, 1500))
        other = Pictures(testing.pixels(5), "real")
        self.assertFalse(adaptation.is_by(made, other, 1500))


class EndToEndTest(trained.TestCase):
    def test_scores_draws_and_prints_a_real_run(self):
        self.leave_judges_untrained()
        as_row = dataclasses.replace(presets.ROWS["dtn"], paper={"1": 0.9066, "2": (0.8, 0.7)})
        with mock.patch.dict(presets.ROWS, {"dtn": as_row}):
            _, out = self.quietly(
                tables.run_and_print,
                ("1", "2"),
                self.workdir.parent,
                self.cache,
                self.directory / "results",
                judge_steps=2,
            )
        title = runs.read(self.workdir).title
        self.assertEqual(out.count(f"| {title} |"), 3)
        found = {path.name for path in (self.directory / "results").iterdir()}
        figures = {f"table-1-{name}.png" for name in ("rows", "confusion", "curves")}
        self.assertEqual(found, {"results.jsonl", *figures})
