"""One run from drawn digits to the table, and what a second start does."""

import contextlib
import dataclasses
import io
import json
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import classify, config, evaluate, images, loop, serving, train
from dtn_tf.data import domains, street_digits
from dtn_tf.data.digits import Digits
from tests import testing

SMALL = dataclasses.replace(
    config.PRESETS["dtn"],
    data="builtin",
    precision="float32",
    f_channels=testing.F_CHANNELS,
    g_channels=testing.G_CHANNELS,
    d_channels=testing.D_CHANNELS,
    pretrain_steps=6,
    pretrain_batch_size=16,
    steps=6,
    batch_size=8,
    log_every=3,
    grid_every=3,
    checkpoint_every=2,
)


class RunTest(testing.TestCase):  # not eagerly: a run as users have it
    def setUp(self):
        super().setUp()
        small = {"train": (600, 0), "test": (200, 1)}  # the same digits, fewer of them
        self.enter_context(_replaced(street_digits, "SPLITS", small))
        self.workdir, self.cache = self.directory / "runs/svhn-dtn", self.directory / "cache"

    def train(self, settings=SMALL, workdir=None):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            dtn = train.train(settings, workdir or self.workdir, self.cache)
        return dtn, out.getvalue()

    def test_from_drawn_digits_to_the_table(self):
        dtn, out = self.train()
        self.assertIn("DRAWN", out)  # nobody takes builtin for SVHN
        for name in ("config.json", "f.keras", "dtn.keras", "export/saved_model.pb"):
            self.assertTrue((self.workdir / name).exists(), name)
        grids = {p.name for p in (self.workdir / "grids").iterdir()}
        self.assertContainsSubset(
            {"inputs_source.png", "translations-000000.png", "reconstructions-000006.png"}, grids
        )
        self.assertFalse((self.workdir / "checkpoints").exists())

        with contextlib.redirect_stdout(io.StringIO()):
            result, table = evaluate.evaluate(self.workdir, self.cache, judge_steps=2)
        self.assertEqual(result["n"], 200)
        self.assertIn("drawn street digits (builtin) test", table)
        self.assertEqual(np.sum(result["confusion"]), 200)
        share = np.trace(result["confusion"]) / 200
        self.assertAllClose(result["accuracy"], share)
        line = json.loads((self.workdir / "eval.jsonl").read_text())
        self.assertEqual(line, json.loads(json.dumps(result)))
        for name in ("table.md", "confusion.png", "translations.png"):
            self.assertTrue((self.workdir / "eval-test" / name).exists(), name)

        x = testing.pixels(5, 3)
        model = tf.saved_model.load(str(self.workdir / "export"))
        exported = model.translate(x)
        self.assertAllEqual(exported, evaluate.translate(dtn, x))
        self.assertAllEqual(exported, serving.translate(train.load(self.workdir), x))

    def test_second_start(self):
        self.enter_context(mock.patch.object(serving, "export"))  # it is in the test above
        with mock.patch.object(train, "fit_dtn", wraps=train.fit_dtn) as fit:
            first, out = self.train()
        s = fit.call_args.args[2]
        self.assertGreater(len(s.order), len(s.images))  # it is s balanced that is trained on
        self.assertLen(s.features, len(s.images))
        before = (self.workdir / "dtn.keras").read_bytes()
        self.assertIn("They are shown equally often", out)
        _, out = self.train()
        self.assertIn("is finished", out)
        self.assertEqual((self.workdir / "dtn.keras").read_bytes(), before)
        with self.assertRaisesRegex(ValueError, "alpha: there 15.0, now 1.0"):
            self.train(dataclasses.replace(SMALL, alpha=1.0))
        again, out = self.train(SMALL, self.directory / "runs/again")
        self.assertIn("f was trained before", out)
        for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(a, b)

    def test_rows_of_the_table_share_one_f(self):
        other = dataclasses.replace(SMALL, preset="dtn_no_const", alpha=0.0, balance_s=False)
        with mock.patch.object(train, "fit_dtn", side_effect=loop.Interrupted("stopped")) as fit:
            for settings, name in ((SMALL, "dtn"), (other, "dtn_no_const")):
                out = io.StringIO()
                with self.assertRaises(loop.Interrupted), contextlib.redirect_stdout(out):
                    train.train(settings, self.directory / "runs" / name, self.cache)
                self.assertEqual("f was trained before" in out.getvalue(), name != "dtn")
                self.assertEqual("equally often" in out.getvalue(), name == "dtn")
        a, b = (call.args[0].f for call in fit.call_args_list)
        for one, two in zip(a.get_weights(), b.get_weights(), strict=True):
            self.assertAllEqual(one, two)

    def test_validation_is_the_tail_and_is_never_trained_on(self):
        _, source, task = train.resolve(SMALL, self.workdir, self.cache)
        whole = source.load(task.source, "train")
        s, validation = train.load_source(SMALL, source, task, whole)
        self.assertAllEqual(np.concatenate([s.images, validation.images]), whole.images)
        self.assertLen(validation.images, 60)  # a tenth of a small set

    def test_training_data_has_no_labels(self):
        _, source, task = train.resolve(SMALL, self.workdir, self.cache)
        for part in (
            *train.load_source(SMALL, source, task, source.load(task.source, "train")),
            train.load_target(SMALL, source, task),
        ):
            self.assertFalse(hasattr(part, "labels"))

    def test_absent_classes_are_in_none_of_their_set_and_validation_is_whole(self):
        _, source, task = train.resolve(SMALL, self.workdir, self.cache)
        labelled = source.load(task.source, "train")
        target = source.load(task.target, "train")
        for s, t, f in (((3,), (), ()), ((), (3,), ()), ((3,), (3,), (3,)), ((1, 8), (), ())):
            settings = dataclasses.replace(SMALL, absent_s=s, absent_t=t, absent_f=f)
            in_s, validation = train.load_source(settings, source, task, labelled)
            head = labelled.labels[: -len(validation.images)]
            self.assertAllEqual(in_s.images, labelled.images[: len(head)][~np.isin(head, s)])
            self.assertLen(validation.images, 60)
            in_t = train.load_target(settings, source, task)
            self.assertAllEqual(in_t.images, target.images[~np.isin(target.labels, t)])
            self.assertEqual("without" in in_t.title, bool(t))

    def test_f_of_the_last_row_never_sees_the_class(self):
        seen = []

        def fit(classifier, digits, *args, **kwargs):
            seen.append(digits)
            raise KeyboardInterrupt

        settings = dataclasses.replace(SMALL, absent_f=(3,))
        with mock.patch.object(classify, "fit", fit), self.assertRaises(KeyboardInterrupt):
            self.train(settings)
        self.assertEqual(set(np.unique(seen[0].labels)), set(range(10)) - {3})

    def test_describe_says_what_would_be_loaded_and_writes_nothing(self):
        text = train.describe(SMALL, self.workdir, self.cache)
        for part in ("alpha", "15.0", "trains f", "the set s", "the set t", "street_digits"):
            self.assertIn(part, text)
        self.assertFalse(self.workdir.exists())
        self.assertFalse(self.cache.exists())

    def test_unknown_domain(self):
        with self.assertRaisesRegex(ValueError, "domain='cat'; known are svhn, mnist"):
            self.train(dataclasses.replace(SMALL, domain="cat"))


@contextlib.contextmanager
def _replaced(module, name, value):
    old = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, old)


class BalanceTest(testing.TestCase):
    def batches_of_s(self, balance):
        """What f is made to see in the images of two epochs of s; 90 of 120 are a 1."""
        settings = dataclasses.replace(SMALL, balance_s=balance)
        x, seen = testing.pixels(120, 3), np.repeat([1, 4], [90, 30])
        s = Digits(x, np.zeros(120, np.uint8), "s").without_labels()
        f, logits = testing.tiny_classifier(), tf.one_hot(seen, 10)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            with mock.patch.object(type(f.head), "__call__", lambda head, hidden: logits):
                s = train.balanced(s, f, settings.seed) if balance else s
        if balance:
            self.assertAllClose(s.features, f.encoder(images.to_model(x)), atol=1e-5)
        t = Digits(testing.pixels(40, 1), np.zeros(40, np.uint8), "t").without_labels()
        count = 2 * (180 if balance else 120) // settings.batch_size
        drawn = list(train.batches(settings, s, t, True, 0, count))
        for (images_s, rows), (_, rows_t) in drawn:
            self.assertAllClose(images_s, images.to_model(x[rows.numpy()]))
            self.assertLess(np.max(rows_t), 40)
        return seen[np.concatenate([rows for (_, rows), _ in drawn])], out.getvalue()

    def test_classes_that_f_sees_in_s_come_equally_often(self):
        shown, out = self.batches_of_s(True)
        self.assertAllEqual(np.bincount(shown)[[1, 4]], [180, 180])
        self.assertIn("f sees in s: 1: 75.0%, 4: 25.0%.", out)

    def test_without_it_they_come_as_they_are(self):
        shown, out = self.batches_of_s(False)
        self.assertAllEqual(np.bincount(shown)[[1, 4]], [180, 60])
        self.assertEqual(out, "")


class RateTest(testing.EagerTestCase):
    @parameterized.parameters("dtn", "baseline")
    def test_both_rates_end_at_zero_with_the_last_step(self, method):
        settings = dataclasses.replace(SMALL, method=method, steps=2)
        task = domains.TASKS["svhn"]
        dtn = train.build(settings, task, testing.tiny_classifier())
        batch = (testing.images(4, 3), testing.images(4, 1, seed=1))
        for _ in range(settings.steps):
            for optimizer in (dtn.d_optimizer, dtn.g_optimizer):
                self.assertGreater(float(optimizer.learning_rate), 1e-5)
            dtn.train_step(batch)
        for optimizer in (dtn.d_optimizer, dtn.g_optimizer):
            self.assertAllClose(optimizer.learning_rate, 0.0, atol=1e-9)
