"""One run from drawn digits to its result, and what a second start does."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import pathlib
import shutil
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import (
    adamw,
    build,
    classify,
    config,
    files,
    images,
    loop,
    pretrain,
    runs,
    serving,
    train,
)
from dtn_tf.content import features, kept, make
from dtn_tf.data import domains
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import Interrupted, UserError
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.scores import judge, score
from tests import conftest, testing

TINY = {
    "data": "builtin",
    "precision": "float32",
    "f_channels": testing.F_CHANNELS,
    "f_depths": (1, 1, 1, 1),
    "g_channels": testing.G_CHANNELS,
    "d_channels": testing.D_CHANNELS,
    "pretrain_steps": 2,
    "pretrain_batch_size": 16,
    "num_validation": 60,
    "steps": 4,
    "batch_size": 8,
    "log_every": 2,
    "grid_every": 2,
    "checkpoint_every": 2,
}
SMALL = config.make("dtn", **TINY)
SHORT = dataclasses.replace(SMALL, steps=2, grid_every=2, checkpoint_every=1)


class RunTestCase(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(testing.fewer_digits())
        judge_of = functools.partial(ContentEncoder, testing.F_CHANNELS)
        self.enter_context(mock.patch.object(judge, "ContentEncoder", judge_of))
        self.workdir, self.cache = self.directory / "runs/svhn-dtn", self.directory / "cache"

    def train(self, settings=SMALL, workdir=None, cache=None):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            dtn = train.train(settings, workdir or self.workdir, cache or self.cache)
        return dtn, out.getvalue()

    def stop(self, settings=SMALL, workdir=None, cache=None):
        """Stops a run where g and D would train; returns its DTN, its s and what it said."""
        out = io.StringIO()
        stopped = mock.patch.object(train, "fit_dtn", side_effect=Interrupted("stopped", 2))
        with stopped as fit, contextlib.redirect_stdout(out), self.assertRaises(Interrupted):
            train.train(settings, workdir or self.workdir, cache or self.cache)
        return fit.call_args.args[0], fit.call_args.args[2][0], out.getvalue()

    def begin(self):
        """Leaves what `stop` leaves; f is trained once for all tests."""
        begun = pathlib.Path(os.environ[conftest.SHARED]) / "begun"
        with files.locked(begun.with_name("beginning"), wait=True):
            if begun.exists():
                shutil.copytree(begun, self.directory, dirs_exist_ok=True)
            else:
                with testing.eagerly():
                    self.stop()
                shutil.copytree(self.directory, begun)

    def find_f(self):
        """Leaves an f in the cache, and no run."""
        self.begin()
        self.workdir = self.directory / "runs/another"


class RunTest(RunTestCase):
    def test_from_drawn_digits_to_the_result(self):  # not eagerly: a run as users have it
        dtn, out = self.train()
        self.assertIn("DRAWN", out)  # nobody takes builtin for SVHN
        self.assertIn("device: ", out)
        for name in ("config.json", "f.keras", "f.json", "dtn.keras", "export/saved_model.pb"):
            self.assertTrue((self.workdir / name).exists(), name)
        grids = {p.name for p in (self.workdir / "grids").iterdir()}
        self.assertContainsSubset(
            {"inputs_source.png", "translations-000000.png", "reconstructions-000004.png"}, grids
        )
        self.assertFalse((self.workdir / "checkpoints").exists())
        self.assertEmpty(list(self.directory.rglob("partial-*")))

        with contextlib.redirect_stdout(io.StringIO()), testing.eagerly():
            result = score.score(self.workdir, self.cache, judge_steps=2)
        self.assertEqual(result["images"]["images"], 100)
        self.assertIn("drawn", result["images"]["title"])
        self.assertEqual(np.sum(result["confusion"]), 100)
        self.assertAllClose(result["accuracy"], np.trace(result["confusion"]) / 100)
        first, *_ = (self.workdir / "eval.jsonl").read_text().splitlines()  # then its controls
        line = json.loads(first)
        self.assertEqual(line, json.loads(json.dumps(result)))
        run = runs.read(self.workdir)
        self.assertEqual(line["f"]["hash"], run.f["hash"])
        self.assertEqual(line["data"]["s"]["fingerprint"], run.data["s"]["fingerprint"])

        x = testing.pixels(5, 3)
        model = tf.saved_model.load(str(self.workdir / "export"))
        exported = model.translate(x)
        self.assertAllEqual(exported, serving.translate(dtn, x))
        self.assertAllEqual(exported, serving.translate(serving.load(self.workdir), x))

    def test_second_start(self):
        self.find_f()
        self.enter_context(testing.eagerly())
        self.enter_context(mock.patch.object(serving, "export"))  # it is in the test above
        with mock.patch.object(train, "fit_dtn", wraps=train.fit_dtn) as fit:
            first, out = self.train(SHORT)
        s, fx = fit.call_args.args[2]
        self.assertGreater(len(s.order), len(s.pixels))  # it is s balanced that is trained on
        self.assertLen(fx, len(s.pixels))
        read = sum(features.seconds(part[1]) for part in fit.call_args.args[2:4])
        self.assertAlmostEqual(runs.timing(self.workdir)["f_reads"], read)
        before = (self.workdir / "dtn.keras").read_bytes()
        self.assertIn("They are shown equally often", out)
        part = self.workdir / "checkpoints/step-00000001.weights.h5"
        part.parent.mkdir()
        part.touch()  # what a kill in the last second leaves
        _, out = self.train(SHORT)
        self.assertIn("is finished", out)
        self.assertFalse(part.parent.exists())
        self.assertEqual((self.workdir / "dtn.keras").read_bytes(), before)
        with self.assertRaisesRegex(UserError, "alpha: there 15.0, now 1.0"):
            self.train(dataclasses.replace(SHORT, alpha=1.0))
        again, out = self.train(SHORT, self.directory / "runs/again")
        self.assertAlmostEqual(runs.timing(self.directory / "runs/again")["f_reads"], read)
        self.assertIn("f was made before", out)
        for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(a, b)

    def test_a_full_disk_at_the_export_keeps_what_was_trained(self):
        self.find_f()
        full = tf.errors.ResourceExhaustedError(None, None, "export; No space left on device")
        save = mock.patch.object(tf.saved_model, "save", side_effect=full)
        with testing.eagerly(), save:
            with self.assertRaisesRegex(UserError, "export cannot be written: .*No space left"):
                self.train(SHORT)
        self.assertNotEmpty(list((self.workdir / "checkpoints").glob("step-00000002.*")))


class ResumeTest(RunTestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(testing.eagerly())

    def test_a_torn_result_is_damaged_not_missing(self):
        self.begin()
        (self.workdir / "dtn.keras").write_bytes(b"PK half of it")
        with self.assertRaisesRegex(UserError, "dtn.keras is damaged.*Delete it"):
            self.train()

    def test_rows_of_a_table_share_one_f(self):
        other = config.make("dtn_no_const", **TINY, balance_s=False)
        a, _, out_a = self.stop()
        b, _, out_b = self.stop(other, self.directory / "runs/dtn_no_const")
        self.assertNotIn("f was made before", out_a)
        self.assertIn("f was made before", out_b)
        self.assertIn("equally often", out_a)
        self.assertNotIn("equally often", out_b)
        for one, two in zip(a.f.get_weights(), b.f.get_weights(), strict=True):
            self.assertAllEqual(one, two)

    def test_a_run_keeps_its_f_though_the_cache_is_gone(self):
        self.begin()
        first = runs.read(self.workdir)
        self.assertEqual(first.f["hash"], classify.weights_hash(pretrain.load_f(self.workdir)))
        self.assertContainsSubset({"commit", "versions"}, first.f["made_by"])
        with mock.patch.object(classify, "fit", side_effect=AssertionError):
            self.stop(cache=self.directory / "another")
        again = runs.read(self.workdir)
        self.assertEqual(again.f, first.f)
        self.assertLen(again.starts, 2)

    def test_an_f_that_is_not_the_runs_is_refused(self):
        self.begin()
        self.stop(dataclasses.replace(SMALL, seed=1), self.directory / "runs/other")
        path = self.workdir / "f.keras"
        shutil.copyfile(self.directory / "runs/other/f.keras", path)
        with self.assertRaisesRegex(UserError, f"{path} has weights .*the f of this run has"):
            self.train()
        path.unlink()  # the advice
        self.stop()
        files.check_archive(path)

    @parameterized.named_parameters(
        ("damaged", "f.keras", lambda path: path.write_bytes(path.read_bytes()[:-50])),
        ("unknown", "f.json", lambda path: path.write_text("{}")),
    )
    def test_an_f_that_is_not_whole_is_taken_from_the_cache_again(self, name, damage):
        self.begin()
        first = runs.read(self.workdir).f
        damage(self.workdir / name)
        with mock.patch.object(classify, "fit", side_effect=AssertionError):
            _, _, out = self.stop()
        self.assertRegex(out, f"{self.workdir / name} is .*f is taken again")
        self.assertEqual(runs.read(self.workdir).f, first)
        files.check_archive(self.workdir / "f.keras")

    @parameterized.named_parameters(
        ("missing", "f.keras", lambda path: path.unlink(), "f.keras is missing"),
        (
            "torn",
            "f.json",
            lambda path: path.write_text('{"hash": '),
            "is not what is known",
        ),
        ("empty", "f.json", lambda path: path.write_text("{}"), "f.json .* has no key and no hash"),
        ("no text", "f.json", lambda path: path.write_text('{"key": "a", "hash": 1}'), "no hash"),
    )
    def test_what_is_no_whole_f_is_named(self, name, damage, said):
        np.savez(self.directory / "f.npz", x=np.zeros(3))  # a zip file, as .keras is one
        (self.directory / "f.npz").rename(self.directory / "f.keras")
        (self.directory / "f.json").write_text('{"key": "a", "hash": "b"}')
        kept.check(self.directory)
        damage(self.directory / name)
        with self.assertRaisesRegex(UserError, said):
            kept.check(self.directory)

    def test_an_f_in_the_cache_that_is_not_whole_is_trained_again(self):
        self.begin()
        (path,) = self.cache.glob("f-*/f.keras")
        path.write_bytes(path.read_bytes()[:-50])
        other = self.directory / "runs/other"
        _, _, out = self.stop(SMALL, other)
        self.assertRegex(out, f"{path} is .*Making {path.parent} again.")
        self.assertEqual(runs.read(other).f["hash"], runs.read(self.workdir).f["hash"])

    def test_the_key_of_f_is_that_of_other_seeds_and_not_of_other_settings(self):
        keys = []
        self.enter_context(mock.patch.object(adamw, "fit"))  # no weight is in a key
        for k, changes in enumerate(({}, {"seed": 1}, {"pretrain_steps": 5})):
            workdir = self.directory / f"runs/{k}"
            self.stop(dataclasses.replace(SMALL, **changes), workdir)
            keys.append(runs.read(workdir).f["key"])
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])

    def test_other_pictures_are_refused(self):
        self.begin()
        with (
            testing.fewer_digits(train=230),
            self.assertRaisesRegex(UserError, "begun on other pictures"),
        ):
            self.train()

    def test_auto_resumes_with_the_data_it_began_with(self):
        self.begin()
        resolved, store = train.resolve(
            dataclasses.replace(SMALL, data="auto"), self.workdir, self.cache
        )
        self.assertEqual((resolved.data, store.name), ("builtin", "builtin"))

    def test_an_f_near_chance_is_remarked_on(self):
        with mock.patch.object(classify, "accuracy", return_value=0.12):
            _, _, out = self.stop()
        self.assertIn("WARNING: that is near chance (10%)", out)

    def test_partial_files_of_a_killed_start_are_swept(self):
        self.begin()
        left = self.workdir / "partial-999999-config.json"
        left.touch()
        self.stop()
        self.assertFalse(left.exists())


class DescribeTest(RunTestCase):
    def test_says_what_would_be_loaded_and_writes_nothing(self):
        text = train.describe(SMALL, self.workdir, self.cache)
        for part in ("alpha", "15.0", "trains f", "the set s", "the set t", "drawn"):
            self.assertIn(part, text)
        self.assertFalse(self.workdir.exists())
        self.assertFalse(self.cache.exists())


class BalanceTest(testing.TestCase):
    def batches_of_s(self, balance):
        """What f is made to see in the images of two epochs of s; 90 of 120 are a 1."""
        settings = dataclasses.replace(SMALL, balance_s=balance)
        x, seen = testing.pixels(120, 3), np.repeat([1, 4], [90, 30])
        s = Pictures(x, "s")
        f, logits = testing.tiny_classifier(), tf.one_hot(seen, 10)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            with mock.patch.object(type(f.head), "__call__", lambda head, hidden: logits):
                fx = np.zeros((120, 8), np.float32)
                s = train.balanced(s, make.content_of(f), fx, settings.seed) if balance else s
        t = Pictures(testing.pixels(40, 1), "t")
        rows = [np.arange(n, dtype=np.float32)[:, None] for n in (120, 40)]  # in place of f(x)
        count = 2 * (180 if balance else 120) // settings.batch_size
        drawn = list(train.batches(settings, (s, rows[0]), (t, rows[1]), 0, count))
        places = [np.int64(rows_s[:, 0]) for (_, rows_s), _ in drawn]
        for ((images_s, _), (_, rows_t)), place in zip(drawn, places, strict=True):
            self.assertAllClose(images_s, images.to_model(x[place]))
            self.assertLess(np.max(rows_t), 40)
        return seen[np.concatenate(places)], out.getvalue()

    def test_classes_that_f_sees_in_s_come_equally_often(self):
        shown, out = self.batches_of_s(True)
        self.assertAllEqual(np.bincount(shown)[[1, 4]], [180, 180])
        self.assertIn("f sees in s: 1: 75.0%, 4: 25.0%.", out)
        self.assertNotIn("WARNING", out)

    def test_without_it_they_come_as_they_are(self):
        shown, out = self.batches_of_s(False)
        self.assertAllEqual(np.bincount(shown)[[1, 4]], [180, 60])
        self.assertEqual(out, "")

    def test_an_f_that_sees_one_class_is_remarked_on(self):
        f, logits = testing.tiny_classifier(), tf.one_hot(np.repeat([1, 4], [97, 3]), 10)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            with mock.patch.object(type(f.head), "__call__", lambda head, hidden: logits):
                fx = np.zeros((100, 8), np.float32)
                s = Pictures(testing.pixels(100, 3), "s")
                train.balanced(s, make.content_of(f), fx, 0)
        self.assertIn("WARNING: nearly all of s is one class to f", out.getvalue())


class NaNTest(RunTestCase):
    def test_weights_that_are_not_finite_are_no_result(self):
        self.find_f()
        self.enter_context(testing.eagerly())
        fit_dtn = train.fit_dtn

        def broken(dtn, *args):
            weight = dtn.g.trainable_variables[0]
            breaks = testing.Call(2, lambda: weight.assign(weight * np.nan))
            return fit_dtn(dtn, *args[:-1], [breaks])

        with mock.patch.object(train, "fit_dtn", broken):
            with self.assertRaisesRegex(loop.NotFinite, "after step 2"):
                self.train(SHORT)
        self.assertFalse((self.workdir / "dtn.keras").exists())
        self.enter_context(mock.patch.object(serving, "export"))
        _, out = self.train(SHORT)
        self.assertIn("dtn: resumed at step 1", out)
        files.check_archive(self.workdir / "dtn.keras")


class RateTest(testing.EagerTestCase):
    @parameterized.parameters("dtn", "baseline")
    def test_both_rates_end_at_zero_with_the_last_step(self, row):
        settings = config.make(row, **TINY | {"steps": 2})
        task = domains.TASKS["svhn"]
        dtn = build.build(settings, task, make.content_of(testing.tiny_classifier()))
        batch = (testing.images(4, 3), testing.images(4, 1, seed=1))
        for _ in range(settings.steps):
            for optimizer in (dtn.d_optimizer, dtn.g_optimizer):
                self.assertGreater(float(optimizer.learning_rate), 1e-5)
            dtn.train_step(batch)
        for optimizer in (dtn.d_optimizer, dtn.g_optimizer):
            self.assertAllClose(optimizer.learning_rate, 0.0, atol=1e-9)
