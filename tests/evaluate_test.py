import json
import types

import keras
import numpy as np

from dtn_tf import config, evaluate, judges, run_dir
from dtn_tf.data import digits as digits_lib
from tests import testing


class ConfusionTest(testing.TestCase):
    def test_counts_pairs_of_true_and_read(self):
        counts = evaluate.confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 0]), 3)
        self.assertAllEqual(counts, [[1, 0, 1], [0, 1, 0], [1, 0, 0]])


class FrechetTest(testing.TestCase):
    def test_is_zero_between_equal_sets(self):
        a = np.random.default_rng(0).normal(size=(500, 4))
        self.assertAllClose(evaluate.frechet_distance(a, a), 0.0, atol=1e-6)

    def test_of_a_shift_is_its_square(self):
        a = np.random.default_rng(0).normal(size=(500, 3))
        shifted = a + np.array([1.0, 2.0, -2.0])
        self.assertAllClose(evaluate.frechet_distance(a, shifted), 9.0, atol=1e-6)

    def test_of_a_scaling_worked_by_hand(self):
        # Variances 1 and 9 on one axis, equal on the other: (3 - 1)^2 = 4.
        a = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * np.sqrt(3 / 4)
        b = a * np.array([3.0, 1.0])
        self.assertAllClose(evaluate.frechet_distance(a, b), 4.0, atol=1e-6)

    def test_agrees_with_a_matrix_square_root(self):
        import scipy.linalg

        draw = np.random.default_rng(1)
        a = draw.normal(size=(400, 5)) @ draw.normal(size=(5, 5))
        b = draw.normal(size=(300, 5)) @ draw.normal(size=(5, 5)) + 0.3
        cov_a, cov_b = np.cov(a.T), np.cov(b.T)
        root = scipy.linalg.sqrtm(cov_a @ cov_b).real
        expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * root)
        self.assertAllClose(evaluate.frechet_distance(a, b), expected, rtol=1e-5)


class NewestRunTest(testing.TestCase):
    def test_is_the_one_finished_last(self):
        import os

        for name, when in (("b", 100), ("a", 200), ("c", 50)):
            path = self.directory / name / "dtn.keras"
            path.parent.mkdir()
            path.touch()
            os.utime(path, (when, when))
        self.assertEqual(evaluate.newest_run(self.directory).name, "a")

    def test_without_a_finished_run_says_how_to_make_one(self):
        (self.directory / "half").mkdir()
        with self.assertRaisesRegex(ValueError, "train_main.py --domain=svhn"):
            evaluate.newest_run(self.directory)


class EvaluateErrorsTest(testing.TestCase):
    def test_unknown_split(self):
        with self.assertRaisesRegex(ValueError, "split='train'; expected one of test, validation"):
            evaluate.evaluate(self.directory, self.directory, split="train")

    def test_unfinished_run_names_the_command_that_goes_on(self):
        run_dir.write(self.directory, config.PRESETS["dtn_no_tid"])
        with self.assertRaisesRegex(ValueError, "is not finished.*--preset=dtn_no_tid"):
            evaluate.evaluate(self.directory, self.directory)

    def test_directory_without_settings(self):
        with self.assertRaisesRegex(ValueError, "config.json"):
            evaluate.evaluate(self.directory, self.directory)


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


class ScoreTest(testing.TestCase):
    """Of a translator that adds one to every digit it sees."""

    def score(self):
        labels = np.arange(20, dtype=np.uint8) % 9  # no 9: a class without an image
        x = np.zeros((20, 32, 32, 1), np.uint8) + 10 * labels[:, None, None, None]
        noise = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 1), np.uint8)
        return evaluate.score(
            lambda v: v + 10 / 127.5,
            ByBrightness(),
            digits_lib.Digits(x, labels, "levels"),
            digits_lib.Digits(noise, np.zeros(40, np.uint8), "noise"),
        )

    def test_reads_translations_not_inputs(self):
        result = self.score()
        self.assertEqual(result["accuracy"], 0.0)
        self.assertEqual(result["original"], 1.0)
        self.assertEqual(np.trace(np.array(result["confusion"]), offset=1), 20)

    def test_a_class_without_images_has_no_accuracy(self):
        result = self.score()
        self.assertIsNone(result["per_digit"][9])
        self.assertEqual(result["per_digit"][:9], [0.0] * 9)

    def test_result_is_plain_json(self):
        self.assertEqual(json.loads(json.dumps(self.score())), self.score())


class RowsTest(testing.TestCase):
    def write(self, name, *results):
        path = self.directory / name / "eval.jsonl"
        path.parent.mkdir()
        path.write_text("".join(json.dumps(r) + "\n" for r in results))

    def test_newest_comparable_result_of_every_run(self):
        same = {"domain": "svhn", "split": "test", "data": "files", "n": 5000}
        self.write("a", {**same, "accuracy": 0.1}, {**same, "accuracy": 0.2})
        self.write("b", {**same, "data": "builtin", "accuracy": 0.3})
        self.write("c", {**same, "accuracy": 0.4}, {**same, "split": "validation"})
        rows = evaluate._rows_like(same, self.directory / "a")
        self.assertEqual([r["accuracy"] for r in rows], [0.2, 0.4])


class JudgeTest(testing.TestCase):
    def test_is_trained_once_on_target_labels_and_found_again(self):
        loads = []
        part = digits_lib.Digits(testing.pixels(32), np.arange(32, dtype=np.uint8) % 10, "t")

        def load(domain, split):
            loads.append((domain.name, split))
            return part

        source = types.SimpleNamespace(load=load)
        target = types.SimpleNamespace(name="mnist", channels=1, num_classes=10)
        first, accuracy = judges.train_judge(source, target, part, self.directory, 2)
        again, same = judges.train_judge(source, target, part, self.directory, 2)
        self.assertEqual(loads, [("mnist", "train")] * 2)
        self.assertLen(list(self.directory.iterdir()), 1)  # one judge
        self.assertEmpty(list(self.directory.glob("*/checkpoints")))
        self.assertEqual(accuracy, same)
        for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(a, b)
