"""Controls: which picture is picked, what the judge reads, and how a line becomes a table."""

import json
import types

import keras
import numpy as np
from absl.testing import parameterized

from dtn_tf import classify, runs, serving
from dtn_tf.data import stores
from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import bits, control_tables, controls, measures, report, results, valid
from dtn_tf.scores.yardstick import Yardstick
from tests import testing, trained
from tests.lines import line
from tests.report_test import cells

_CLASSES = tuple("0123456789")


def control(seed=0, right=(1, 0, 1, 1), names=tuple(control_tables.NAMES), **changes):
    """Returns a line of controls that all read the same images right."""
    right = np.array(right, bool)
    part = {
        **{"accuracy": float(right.mean()), "right": bits.pack(right), "frechet": 20.0},
        **{"per_digit": [0.5] * 9 + [None], "different": 2},
    }
    images = {**line()["images"], "images": len(right)}
    found = line(seed, kind=results.CONTROL, images=images, **changes)
    for name in ("accuracy", "original", "per_digit", "confusion", "frechet", "frechet_floor"):
        del found[name]
    return {**found, "recipe": 1, "controls": dict.fromkeys(names, part)}


class MeansTest(testing.TestCase):
    def test_each_class_has_the_rounded_mean_of_what_f_takes_for_it(self):
        t = np.zeros((4, 1, 1, 1), np.uint8)
        t[:, 0, 0, 0] = (0, 3, 200, 255)
        found = controls.class_means(t, np.array([0, 0, 2, 2]), 3)
        # 1.5 and 227.5 are rounded to the even number; class 1 is seen nowhere: (458 / 4)
        self.assertAllEqual(found[:, 0, 0, 0], [2, 114, 228])
        self.assertEqual(found.dtype, np.uint8)


class MapTest(testing.TestCase):
    def test_sends_codes_of_a_class_to_its_mean_in_the_target(self):
        draw = np.random.default_rng(0)
        centres_s = np.array([[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]])
        centres_t = np.array([[-1.0, 5, 0], [7, 7, 7], [0, 0, 9]])
        seen = draw.integers(0, 3, 300)
        fs = centres_s[seen] + 0.01 * draw.normal(size=(300, 3))
        ft = centres_t[seen] + draw.normal(size=(300, 3))
        means = np.stack([ft[seen == k].mean(axis=0) for k in range(3)])
        found = controls.latent_map(fs, seen, ft, seen)(centres_s)
        self.assertAllClose(found, means, atol=0.1)

    def test_a_class_that_t_does_not_have_teaches_nothing(self):
        fs = np.array([[0.0], [1.0], [50.0]])
        found = controls.latent_map(fs, np.array([0, 1, 2]), np.array([[5.0], [7.0]]), [0, 1])
        self.assertAllClose(found(np.array([[0.0], [1.0]])), [[5.0], [7.0]], atol=0.01)

    def test_without_a_class_in_common_codes_stay_where_they_are(self):
        one = np.array([[1.0]])
        self.assertAllEqual(controls.latent_map(one, [0], one, [1])(one + 1), one + 1)

    def test_ridge_is_least_squares_where_it_weighs_nothing(self):
        draw = np.random.default_rng(1)
        x, y = draw.normal(size=(50, 4)) * 3 + 1, draw.normal(size=(50, 2))
        with_one = np.c_[x, np.ones(50)]
        expected = with_one @ np.linalg.lstsq(with_one, y, rcond=None)[0]
        self.assertAllClose(measures.ridge(x, y, weight=0.0)(x), expected)


class ReadTest(testing.EagerTestCase):
    def test_is_what_the_judge_says_of_every_picked_image(self):
        judge = testing.tiny_classifier()
        judge(testing.images(3, 1, seed=3))
        draw = np.random.default_rng(0)
        rows, labels = draw.integers(0, 6, 40), draw.integers(0, 10, 40).astype(np.uint8)
        shown = Pictures(testing.pixels(40, 3), "s", labels, _CLASSES)
        real = Pictures(testing.pixels(40, 1, seed=2), "t")
        bank = testing.pixels(9, 1, seed=4)
        found = controls.read({"a": controls.Picked(bank, rows)}, judge, shown, real)["a"]
        right = classify.predict(judge, bank[rows]) == labels
        self.assertAllEqual(bits.unpack(found["right"], 40), right)
        self.assertEqual(found["accuracy"], right.mean())
        self.assertEqual(found["different"], len(np.unique(rows)))
        codes, half = (
            serving.apply(judge.encoder, x) for x in (bank[rows], measures.halves(real)[0])
        )
        self.assertLen(half, 20)  # and of 40 pictures as many are compared
        self.assertAllClose(found["frechet"], measures.frechet_distance(codes[:20], half))


class RunTest(trained.TestCase):
    def setUp(self):
        super().setUp()
        self.leave_judges_untrained()
        self.run = runs.finished(self.workdir)
        store = stores.of(self.run.config, self.cache)
        self.yardstick = Yardstick(store, self.cache, 2, 20)

    def test_from_a_finished_run_to_a_line_once(self):
        found, _ = self.quietly(controls.of_run, self.run, self.yardstick)
        again, out = self.quietly(controls.of_run, self.run, self.yardstick)
        self.assertEqual((again, out), (found, ""))
        lines, warnings = results.read(self.workdir / "eval.jsonl")
        self.assertEqual((lines, warnings), ([found], []))
        self.assertEqual((found["kind"], found["row"]), ("control", "dtn"))
        self.assertEqual(found["judge"]["steps"], 2)
        self.assertEqual(found["images"]["images"], 20)
        self.assertEqual(list(found["controls"]), list(control_tables.NAMES))
        self.assertEqual(found["f"]["hash"], self.run.f["hash"])
        self.assertTrue(found["trained"]["processor"])
        self.assertEqual(found["trained"]["precision"], "float32")
        self.assertNotIn(str(self.directory), json.dumps(found))

    def test_what_f_read_while_it_trained_is_not_read_again(self):
        kept = sorted(self.cache.glob("fx-*"))
        self.assertLen(kept, 2)  # of s and of t
        self.quietly(controls.of_run, self.run, self.yardstick)
        self.assertEqual(sorted(self.cache.glob("fx-*")), kept)

    def test_pictures_are_those_that_a_plain_search_finds(self):
        sets, dtn = self.yardstick.sets(self.run), serving.load(self.workdir)
        net = keras.models.load_model(self.workdir / "f.keras")
        picked, _ = self.quietly(controls.pick, dtn, net.head, "f", sets, sets.test, self.cache)
        x, t = sets.test.pixels, sets.t.pixels
        fx, ft = (serving.apply(net.encoder, pixels) for pixels in (x, t))
        distances = np.sum((fx[:, None].astype(np.float64) - ft[None]) ** 2, axis=2)
        self.assertAllEqual(picked["nearest"].rows, np.argmin(distances, axis=1))
        seen = classify.predict(net, t)
        for k, c in enumerate(classify.predict(net, x)):
            part = t[seen == c] if np.any(seen == c) else t
            mean = np.round(part.astype(float).mean(axis=0)).astype(np.uint8)
            self.assertAllEqual(picked["mean"].bank[picked["mean"].rows[k]], mean)

    def test_of_an_f_that_knows_no_classes_there_is_the_nearest_image_alone(self):
        sets, dtn = self.yardstick.sets(self.run), serving.load(self.workdir)
        picked, _ = self.quietly(controls.pick, dtn, None, "f", sets, sets.test, self.cache)
        self.assertEqual(list(picked), ["nearest"])

    def test_an_f_that_moved_while_g_trained_has_no_controls(self):
        dtn = types.SimpleNamespace(f="f")
        for method, expected in (("dtn", True), ("cyclegan", True), ("yunjey", False)):
            settings = types.SimpleNamespace(method=method)
            run = types.SimpleNamespace(f={"hash": "ab"}, config=settings)
            self.assertEqual(controls.applies(run, dtn), expected, method)

    def test_a_method_without_f_has_no_controls(self):
        dtn = keras.Sequential()
        self.assertIsNone(controls.of_run(self.run, self.yardstick, "test", dtn))
        self.assertFalse((self.workdir / "eval.jsonl").exists())


class TableTest(testing.TestCase):
    def test_lines_under_the_rows_and_what_they_are_compared_with(self):
        right = bits.pack([False, False, True, True])
        images = control()["images"]
        lines = [
            line(accuracy=0.5, right=right, images=images),
            control(),
            control(1, (1, 1, 1, 1)),
        ]
        text = report.table("1", lines)
        for label in control_tables.NAMES.values():
            found = cells(text, label)
            self.assertEqual(found[1:4], ["f of dtn", "none", "87.5 ± 17.7 %"])
            self.assertEqual(found[5], "2 seeds: 0, 1")
        self.assertEqual(found[4][:5], "+37.5")
        self.assertLess(text.index("github.com/yunjey"), text.index("control: nearest"))
        self.assertLess(text.index("control: mean"), text.index("Original SVHN image"))

    def test_a_control_that_was_never_measured_names_the_command(self):
        found = cells(report.table("1", [line()]), control_tables.NAMES["mean"])
        self.assertEqual(found[3], "not measured: `.venv/bin/python eval_main.py --table=1`")
        self.assertNotIn("control:", report.table(None, [line(row="tiny")]))

    def test_other_f_images_and_judges_are_lines_of_their_own(self):
        lines = [control(), control(row="dtn_adapted"), control(judge={"hash": "feed"})]
        text = report.table("1", lines)
        label = control_tables.NAMES["nearest"]
        self.assertEqual(text.count(label), 3)
        self.assertIn("f of dtn_adapted", text)
        self.assertNotIn("±", text)

    def test_a_table_of_their_own_has_the_translations_of_the_same_row(self):
        images = control()["images"]
        other = {"hash": "feed"}
        lines = [line(images=images), line(images=images, judge=other), control()]
        text = report.table("controls", lines)
        self.assertEqual(cells(text, "translation G(x)")[1:5], ["dtn", "80.0 %", "12.5", "any"])
        self.assertEqual(text.count("translation G(x)"), 1)
        found = cells(text, control_tables.NAMES["mean"])
        self.assertEqual(found[1:6], ["dtn", "75.0 %", "20.0", "2", "1 seed: 0"])
        self.assertEqual(report.table("controls", [line()]), "Not measured yet.\n")

    @parameterized.parameters(
        ({"accuracy": 0.5},), ({"right": "AA=="},), ({"frechet": -1.0},), ({"different": None},)
    )
    def test_a_value_that_no_control_has_is_refused(self, wrong):
        found = control()
        valid.check(found)
        found["controls"] = {"nearest": {**found["controls"]["nearest"], **wrong}}
        with self.assertRaisesRegex(ValueError, "controls="):
            valid.check(found)
