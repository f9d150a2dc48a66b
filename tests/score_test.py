"""One run's score: what is measured, what is left, and which runs stand beside it."""

import contextlib
import dataclasses
import io
import json
import shutil
import types
from concurrent import futures
from unittest import mock

import keras
import numpy as np
from absl.testing import parameterized

from dtn_tf import build, config, pretrain, runs, serving, starts
from dtn_tf.data import domains
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from dtn_tf.scores import (
    bits,
    control_tables,
    controls,
    figures,
    independent,
    layout,
    measures,
    results,
    score,
    scorers,
    yardstick,
)
from dtn_tf.scores import line as line_lib
from tests import testing, trained
from tests.lines import line
from tests.report_test import cells

_CLASSES = tuple("0123456789")


class ByBrightness(keras.Model):
    """A judge that reads a digit from its grey level: level 10 k is digit k."""

    num_classes = 10

    def __init__(self):
        super().__init__()
        self.encoder = lambda x: keras.ops.reshape(x, (-1, 32 * 32))[:, :3]
        self.built = True

    def call(self, x):
        level = keras.ops.mean((x + 1.0) * 127.5, axis=(1, 2, 3))
        digits = keras.ops.arange(10, dtype="float32") * 10.0
        return -keras.ops.abs(level[:, None] - digits[None])


class NumbersTest(testing.TestCase):
    """Of translations that add one to every digit."""

    def numbers(self):
        labels = np.arange(20, dtype=np.uint8) % 9  # no 9: a class without an image
        x = np.zeros((20, 32, 32, 1), np.uint8) + 10 * labels[:, None, None, None]
        noise = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 1), np.uint8)
        shown = Pictures(x, "levels", labels, _CLASSES)
        return scorers.numbers(x + 10, ByBrightness(), shown, Pictures(noise, "noise"))

    def test_reads_translations_not_inputs(self):
        found = self.numbers()
        self.assertEqual(found["accuracy"], 0.0)
        self.assertEqual(found["original"], 1.0)
        self.assertEqual(np.trace(np.array(found["confusion"]), offset=1), 20)

    def test_a_class_without_images_has_no_accuracy(self):
        found = self.numbers()
        self.assertIsNone(found["per_digit"][9])
        self.assertEqual(found["per_digit"][:9], [0.0] * 9)

    def test_a_frechet_distance_and_its_floor_are_of_as_many_images(self):
        shown = Pictures(testing.pixels(50), "s", np.zeros(50, np.uint8), _CLASSES)
        real = Pictures(testing.pixels(41, seed=1), "t")
        found = scorers.numbers(shown.pixels, ByBrightness(), shown, real)
        gx, half, other = (
            serving.apply(ByBrightness().encoder, part[:20])
            for part in (shown.pixels, *measures.halves(real))
        )
        self.assertEqual(found["frechet_n"], 20)
        self.assertAllClose(found["frechet"], measures.frechet_distance(gx, half))
        self.assertAllClose(found["frechet_floor"], measures.frechet_distance(other, half))

    def test_are_plain_json_and_the_same_each_time(self):
        self.assertEqual(json.loads(json.dumps(self.numbers())), self.numbers())


class RunTest(trained.TestCase):
    def test_from_a_finished_run_to_the_table(self):
        how = {"judge_steps": 2, "first_n": 60}
        _, out = self.quietly(
            score.run_and_print, None, self.workdir.parent, cache_dir=self.cache, **how
        )
        lines, warnings = results.read(self.workdir / "eval.jsonl")
        self.assertEmpty(warnings)
        found, beside = lines
        run = runs.read(self.workdir)
        self.assertEqual((found["kind"], found["row"], found["seed"]), ("score", "dtn", 0))
        self.assertEqual(found["changes"], json.loads(json.dumps(run.changes)))
        self.assertEqual(found["data"]["s"], run.data["s"])
        self.assertEqual(found["f"]["hash"], run.f["hash"])
        self.assertEqual(found["trained"]["starts"], 1)
        self.assertEqual(found["images"]["images"], 60)
        self.assertEqual(np.sum(found["confusion"]), 60)
        self.assertAllClose(found["accuracy"], np.trace(found["confusion"]) / 60)
        self.assertEqual(found["judge"]["steps"], 2)
        right = bits.unpack(found["right"], 60)
        self.assertAllClose(np.mean(right), found["accuracy"])
        self.assertEqual(found["trained"]["precision"], "float32")
        self.assertTrue(found["trained"]["processor"])
        self.assertEqual((beside["kind"], beside["judge"]), ("control", found["judge"]))
        self.assertNotIn(str(self.directory), json.dumps(found))  # no path of this machine
        for part in ("DRAWN", results.name(found), "digits (builtin) test, the first 60"):
            self.assertIn(part, out)
        folder = self.workdir / "eval-test"
        self.assertIn(f"Tables and figures: {folder}", out)
        table = (folder / "table.md").read_text()
        self.assertEqual(cells(table, run.title)[4], "1 seed: 0")
        for key, label in control_tables.NAMES.items():
            accuracy = layout.percent(beside["controls"][key]["accuracy"])
            self.assertEqual(cells(table, label)[3], accuracy)
        for name in ("confusion.png", "translations.png"):
            self.assertTrue((folder / name).exists(), name)
        events = figures.read_scalars(self.workdir / "tb" / "eval-test")
        self.assertAllClose(events["eval/accuracy"][1], [found["accuracy"]])
        self.assertEqual(events["eval/judge"][0], [2])  # the run's last step

        how = {"judge_steps": 2, "with_distances": True, "with_controls": False}
        again, _ = self.quietly(score.score, self.workdir, self.cache, "validation", **how)
        net = again.pop("distances")["independent"]
        self.assertEqual(net["hash"], found["judge"]["hash"])
        self.assertTrue((self.workdir / "eval-validation" / "neighbours.png").exists())
        self.assertEqual(again["judge"], found["judge"])
        self.assertEqual(again["images"], run.data["validation"])
        same = {k: v for k, v in again.items() if k not in ("scored", "frechet")}
        no_room = mock.Mock(side_effect=UserError("No room for f(x)."))
        with mock.patch.object(controls.features, "of", no_room):
            once_more, out = self.quietly(
                score.score, self.workdir, self.cache, "validation", judge_steps=2
            )
        self.assertEqual({k: once_more[k] for k in same}, same)
        self.assertIn("Controls are not measured: No room for f(x).", out)
        kinds = [part["kind"] for part in results.read(self.workdir / "eval.jsonl")[0]]
        self.assertEqual(kinds, ["score", "control", "score", "score"])

    def test_a_damaged_model_or_f_is_named(self):
        self.leave_judges_untrained()
        for name in ("dtn.keras", "f.keras"):
            copy = self.workdir.with_name(name.replace(".", "-"))
            shutil.copytree(self.workdir, copy)
            (copy / name).write_bytes((copy / name).read_bytes()[:-50])
            with self.assertRaisesRegex(UserError, f"{name} is damaged"):
                self.quietly(score.score, copy, self.cache, judge_steps=2)

    def test_an_f_that_is_not_the_runs_is_not_measured(self):
        run = runs.read(self.workdir)
        shown = types.SimpleNamespace(labels=None, classes=(), title="none", facts=dict)
        found = line_lib.of(run, "score", "test", shown, shown)
        self.assertEqual(found["f"]["hash"], run.f["hash"])
        self.assertEqual(found["trained"]["recipe"], build.RECIPE)
        self.assertTrue({"data_dir", "source_dir", "target_dir"}.isdisjoint(found["settings"]))
        net = pretrain.load_f(self.workdir)
        net.encoder.weights[0].assign_add(np.ones_like(net.encoder.weights[0]))
        net.save(self.workdir / "f.keras")
        with self.assertRaisesRegex(UserError, "f.keras has weights .*the f of this run has"):
            line_lib.of(run, "score", "test", shown, shown)


@dataclasses.dataclass
class Unlabelled:
    """The sets of two folders without classes, of the pictures of a run."""

    task: domains.Task
    test: Pictures
    target_train: Pictures
    target_test: Pictures

    def real(self, split):
        return self.target_test


class WithoutJudgeTest(trained.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(independent, "STEPS", 2))
        small = {32: testing.F_CHANNELS}
        self.enter_context(mock.patch.object(independent, "_CHANNELS", small))

    def pair(self):
        of_s, of_t = (
            domains.Domain(name, name, 32, channels) for name, channels in (("a", 3), ("b", 1))
        )
        task = domains.Task("folders", of_s, of_t, of_s)
        pictures = [Pictures(testing.pixels(30, 1, seed=k), f"b {k}") for k in range(2)]
        return Unlabelled(task, Pictures(testing.pixels(20, 3), "a test"), *pictures)

    def test_settings_that_would_be_ignored_are_refused(self):
        with self.assertRaisesRegex(UserError, "descriptor=face:net would be ignored: .*=svhn"):
            score.score(self.workdir, self.cache, descriptor="face:net")
        with mock.patch.object(yardstick.Yardstick, "sets", lambda *_: self.pair()):
            with self.assertRaisesRegex(UserError, "judge_steps=2 would be ignored"):
                self.quietly(score.score, self.workdir, self.cache, judge_steps=2)

    def test_from_a_finished_run_to_table_and_figures(self):
        with mock.patch.object(yardstick.Yardstick, "sets", lambda *_: self.pair()):
            _, out = self.quietly(score.run_and_print, self.workdir, None, self.cache)
        (found,), warnings = results.read(self.workdir / "eval.jsonl")
        self.assertEmpty(warnings)
        self.assertEqual((found["kind"], found["judge"]), ("distances", None))
        self.assertNotIn("accuracy", found)
        self.assertEqual(found["distances"]["n"], 15)  # half of the target's 30
        self.assertEqual(found["f"]["accuracy"], {})
        self.assertNotIn(str(self.directory), json.dumps(found))
        for part in ("VICReg on b 0, 2 steps", "f-constancy", results.name(found), "no judge"):
            self.assertIn(part, out)
        folder = self.workdir / "eval-test"
        drawn = sorted(path.name for path in folder.glob("*.png"))
        self.assertEqual(drawn, ["neighbours.png", "translations.png"])
        self.assertIn("KID", (folder / "table.md").read_text())
        events = figures.read_scalars(self.workdir / "tb" / "eval-test")
        part = found["distances"]["under_independent"]
        self.assertAllClose(events["eval/kid"][1], [part["kid"]])


class SettingsTest(testing.TestCase):
    def test_judge_steps_are_no_mistake_where_the_independent_net_is_a_judge(self):
        for classes, is_refused in ((("cat", "dog"), False), (("all",), True), ((), True)):
            target = domains.Domain("b", "b", 32, 1, classes)
            task = domains.Task("folders", None, target, None)
            asked = types.SimpleNamespace(
                judge_steps=2, sets=lambda run, task=task: types.SimpleNamespace(task=task)
            )
            run = types.SimpleNamespace(workdir="run")
            if is_refused:
                with self.assertRaisesRegex(UserError, "the target of run has no classes"):
                    score._check_judge(run, asked, ["distances"])
            else:
                score._check_judge(run, asked, ["distances"])

    def test_chance_is_that_of_the_classes(self):
        made = line(row="tiny", classes=["cat", "dog"], per_digit=[0.5, 0.5])
        with (
            mock.patch.object(score, "score", lambda *_, **__: made),
            mock.patch.object(score, "beside", lambda *_: ("", [])),
            contextlib.redirect_stdout(io.StringIO()) as out,
        ):
            score.run_and_print(self.directory, None, None)
        self.assertIn("A score near chance (50.0 %)", out.getvalue())


class ScorersTest(testing.TestCase):
    def named(self, name, of_s, of_t, labels=(True, True), **how):
        task = domains.Task(
            name, *(domains.Domain(n, n, 32, 1, c) for n, c in (("a", of_s), ("b", of_t))), None
        )
        pictures = [
            Pictures(testing.pixels(4), n, np.zeros(4, np.uint8), c)
            if c and has_labels
            else Pictures(testing.pixels(4), n)
            for n, c, has_labels in (("a", of_s, labels[0]), ("b", of_t, labels[1]))
        ]
        return scorers.of(task, *pictures, **how)

    def test_digits_are_judged_and_measured_where_asked_for(self):
        self.assertEqual(self.named("svhn", _CLASSES, _CLASSES), ["judge"])
        both = self.named("svhn", _CLASSES, _CLASSES, with_distances=True)
        self.assertEqual(both, ["judge", "distances"])

    @parameterized.parameters(
        (("cat", "dog"), ("cat", "dog"), (True, True), ["judge", "distances"]),
        (("cat", "dog"), ("cat", "dog"), (True, False), ["distances"]),
        (("cat", "dog"), ("dog", "cat"), (True, True), ["distances"]),
        (("cat", "dog"), (), (True, False), ["distances"]),
        (("all",), ("all",), (True, True), ["distances"]),
        ((), (), (False, False), ["distances"]),
    )
    def test_folders_are_judged_where_both_have_the_same_classes(self, of_s, of_t, labels, names):
        self.assertEqual(self.named("folders", of_s, of_t, labels), names)


class ErrorsTest(testing.TestCase):
    def test_what_would_be_found_out_in_the_end_is_refused_first(self):
        run = types.SimpleNamespace(workdir=self.directory)
        shown, real = (
            Pictures(testing.pixels(9, 3), "a test"),
            Pictures(testing.pixels(3), "b test"),
        )
        score._check_early(run, ["judge"], shown, real)
        with self.assertRaisesRegex(UserError, "b test 3: distances need .* 4 of the target"):
            score._check_early(run, ["judge", "distances"], shown, real)
        run.workdir = self.directory / "file"
        run.workdir.touch()
        with self.assertRaisesRegex(UserError, "cannot be written: .*file is a file"):
            score._check_early(run, ["judge"], shown, real)

    @parameterized.parameters(
        ({"split": "train"}, "split='train'; expected one of test, validation"),
        ({"split": "validation", "first_n": 5}, "first_n=5 picks test images"),
        ({}, "config.json"),
    )
    def test_what_a_user_can_mend(self, how, message):
        with self.assertRaisesRegex(UserError, message):
            score.score(self.directory, self.directory, **how)

    def test_an_unfinished_run_names_the_command_that_resumes_it(self):
        settings = config.make("dtn_no_tid", data="builtin", precision="float32")
        data = {name: line()["data"]["s"] for name in ("s", "t", "validation")}
        starts.begin(self.directory, settings, {**data, "name": "builtin"}, 1, "cache")
        with self.assertRaisesRegex(UserError, "is not finished.*--preset=dtn_no_tid"):
            score.score(self.directory, self.directory)

    def test_without_a_run_says_how_to_train_one(self):
        with self.assertRaisesRegex(UserError, "No finished run .*train_main.py"):
            score.run_and_print(None, self.directory, self.directory)


class BesideTest(testing.TestCase):
    """The table that eval_main prints: of a run and of those in its folder."""

    def write(self, name, *lines):
        for part in lines:
            results.append(self.directory / name / "eval.jsonl", part)

    def beside(self, name):
        own = results.read(self.directory / name / "eval.jsonl")[0][-1]
        return score.beside(own, self.directory / name)

    def test_averages_no_unrelated_runs(self):
        changed = {"settings": {"alpha": 1.0}}
        of_copy = line(0, accuracy=0.91)
        of_copy["scored"]["time"] = "2026-11-03T00:00:00Z"
        self.write("dtn", line(0, accuracy=0.90))
        self.write("copy", of_copy)  # the same seed, trained again
        self.write("mine", line(0, accuracy=0.10, **changed))
        self.write("hasty", line(1, accuracy=0.30, judge={"hash": "feed", "steps": 2}))
        other = {**line()["data"], "s": {**line()["data"]["s"], "fingerprint": "other"}}
        self.write("taught", line(1, data=other, accuracy=0.2))  # on other pictures
        self.write("few", line(1, images={**line()["images"], "fingerprint": "few"}))
        self.write("faces", line(kind="control", controls={}, recipe=1))  # another kind of result
        text, left_out = self.beside("dtn")
        found = [cells(text, "DTN", k)[3:5] for k in range(text.count("| DTN |"))]
        self.assertEqual(found, [["91.0 %", "1 seed: 0"], ["20.0 %", "1 seed: 1"]])
        self.assertEqual(cells(text, "dtn (alpha=1.0)")[3:5], ["10.0 %", "1 seed: 0"])
        self.assertNotIn("±", text)
        self.assertNotIn("30.0 %", text)
        said = "\n".join(left_out)
        self.assertIn(f"{self.directory / 'hasty'} is not in the table: another judge", said)
        self.assertIn(f"{self.directory / 'few'} is not in the table: other images", said)
        self.assertLen(left_out, 2)

    def test_seeds_of_one_row_are_averaged(self):
        for k in range(3):
            self.write(f"seed{k}", line(k, accuracy=0.8 + k / 100))
        text, left_out = self.beside("seed1")
        self.assertEqual(cells(text, "DTN")[3:5], ["81.0 ± 1.0 %", "3 seeds: 0, 1, 2"])
        self.assertEmpty(left_out)

    def test_a_torn_line_beside_it_is_named_and_the_rest_goes_on(self):
        self.write("a", line(0, accuracy=0.9))
        self.write("b", line(1, accuracy=0.8))
        torn = self.directory / "b" / "eval.jsonl"
        torn.write_text('{"schema": 1, "kin\n' + torn.read_text())
        text, left_out = self.beside("a")
        self.assertEqual(cells(text, "DTN")[4], "2 seeds: 0, 1")
        self.assertLen(left_out, 1)
        self.assertIn(f"{torn}, line 1", left_out[0])


class AppendTest(testing.TestCase):
    def test_two_scorings_at_once_lose_nothing(self):
        run = types.SimpleNamespace(workdir=self.directory)
        with futures.ThreadPoolExecutor(2) as both:
            for k in range(40):
                both.submit(line_lib.append, run, line(k % 2, steps=k))
        lines, warnings = results.read(self.directory / "eval.jsonl")
        self.assertEmpty(warnings)
        self.assertEqual(sorted(part["seed"] for part in lines), [0] * 20 + [1] * 20)
