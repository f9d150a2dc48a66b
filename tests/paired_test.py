"""Which images were read right is kept, and rows are compared image by image."""

import base64
import copy
import json
import types

import numpy as np
from absl.testing import parameterized

from dtn_tf.scores import bits, layout, paired, report, results, swing, valid
from tests import testing
from tests.lines import line, pictures
from tests.report_test import cells


def of(read, seed=0, **changes):
    """Returns a score of `dtn` with the bits of some images."""
    right = np.array(read, bool)
    images = pictures("SVHN test", len(right))
    known = {"accuracy": float(right.mean()), "right": bits.pack(right), "images": images}
    return line(seed, **{**known, **changes})


class BitsTest(testing.TestCase):
    def test_eight_images_are_a_byte_the_first_in_its_highest_bit(self):
        right = [True, False, False, False, False, False, False, True, True]
        self.assertEqual(base64.b64decode(bits.pack(right)), bytes([0b10000001, 0b10000000]))

    @parameterized.parameters(1, 7, 8, 9, 5000)
    def test_come_back_as_they_were(self, n):
        right = np.random.default_rng(n).random(n) < 0.7
        self.assertAllEqual(bits.unpack(bits.pack(right), n), right)

    def test_5000_images_are_836_letters(self):
        self.assertLen(bits.pack(np.ones(5000, bool)), 836)

    @parameterized.parameters(("AAA", 8), ("AA==", 9), ("/w==", 7), ("?", 8))
    def test_text_of_other_images_is_refused(self, text, n):
        with self.assertRaises(ValueError):
            bits.unpack(text, n)


class LineTest(testing.TestCase):
    def test_a_line_with_bits_is_read_and_one_without_is_too(self):
        path = self.directory / "eval.jsonl"
        for part in (of([1, 0, 1]), line(1)):
            results.append(path, part)
        found, warnings = results.read(path)
        self.assertEmpty(warnings)
        self.assertAllEqual(bits.unpack(found[0]["right"], 3), [True, False, True])
        self.assertNotIn("right", found[1])

    def test_bits_that_are_not_what_the_accuracy_says_are_refused(self):
        valid.check(of([1, 0, 1]))
        for wrong in ({"accuracy": 0.5}, {"images": pictures("SVHN test", 20)}, {"right": 7}):
            with self.assertRaises(ValueError):
                valid.check(of([1, 0, 1], **wrong))

    def test_says_processor_and_precision_and_what_kind_they_are(self):
        valid.check(line())
        for name in ("processor", "precision"):
            wrong = line()
            wrong["trained"][name] = 7
            with self.assertRaisesRegex(ValueError, f"trained.{name}"):
                valid.check(wrong)


class DifferenceTest(testing.TestCase):
    def test_is_the_bootstrap_of_drawing_images_one_by_one(self):
        draw = np.random.default_rng(0)
        ours, theirs = draw.random((2, 200)) < 0.9, draw.random((3, 200)) < 0.8
        found = paired.of(*([of(part, k) for k, part in enumerate(g)] for g in (ours, theirs)))
        d = ours.mean(axis=0) - theirs.mean(axis=0)
        means = [d[draw.integers(0, 200, 200)].mean() for _ in range(20_000)]
        self.assertAllClose(found.mean, d.mean())
        self.assertAllClose([found.low, found.high], np.percentile(means, (2.5, 97.5)), atol=3e-3)

    def test_by_hand_where_all_outcomes_can_be_counted(self):
        # Of two images one is won. Drawn twice, the mean is 0, 1/2 or 1, in 1, 2, 1 of 4 cases.
        found = paired.of([of([1, 1])], [of([1, 0])])
        self.assertEqual((found.mean, found.low, found.high), (0.5, 0.0, 1.0))

    def test_rows_that_err_on_the_same_images_have_a_narrow_interval(self):
        right = np.arange(1000) % 10 > 0
        better = right.copy()
        better[:50] = True  # five more
        same = paired.of([of(better)], [of(right)])
        other = paired.of([of(np.roll(better, 5))], [of(right)])
        self.assertAllClose((same.mean, other.mean), (0.005, 0.005))
        self.assertGreater(same.low, 0.0)
        self.assertLess(other.low, 0.0)

    def test_is_the_same_each_time(self):
        groups = [of([1, 0, 1, 1])], [of([0, 0, 1, 0])]
        self.assertEqual(paired.of(*groups), paired.of(*groups))

    @parameterized.named_parameters(
        ("no bits", {"right": None}),
        ("other images", {"images": pictures("SVHN test", 4, "other")}),
        ("images unknown", {"images": {**pictures("SVHN test", 4), "fingerprint": None}}),
        ("another judge", {"judge": {"hash": "feed"}}),
        ("a judge without a hash", {"judge": {"hash": None}}),
    )
    def test_nothing_is_paired_with(self, changes):
        right = [1, 0, 1, 1]
        self.assertIsNotNone(paired.of([of(right)], [of(right)]))
        self.assertIsNone(paired.of([of(right, **changes)], [of(right)]))
        self.assertIsNone(paired.of([of(right)], [of(right), of(right, 1, **changes)]))

    def test_two_lines_that_both_know_nothing_of_the_judge_are_not_paired(self):
        unknown = of([1, 0], judge={"hash": None})
        self.assertIsNone(paired.of([unknown], [copy.deepcopy(unknown)]))


class TableTest(testing.TestCase):
    def test_the_difference_to_dtn_stands_beside_the_accuracy(self):
        lines = [of([1, 0, 0, 0, 0, 0, 0, 0]), of([1] * 8, row="dtn_no_tid")]
        text = report.table("1", lines)
        label = "DTN w/o L_TID"
        self.assertEqual(cells(text, label)[3:5], ["100.0 %", "+87.5 (+62.5 to +100.0)"])
        self.assertEqual(cells(text, "DTN")[3:5], ["12.5 %", ""])
        self.assertIn("minus dtn, points", text)
        self.assertIn("paired bootstrap over the same test images", text)

    def test_pieces_are_compared_with_the_whole(self):
        lines = [of([1, 1, 1, 1], row="dtn_adapted"), of([0] * 4, row="dtn_adapted_mse")]
        text = report.table("pieces", [*lines, of([1, 0, 1, 1])])
        self.assertIn("minus dtn_adapted, points", text)
        self.assertEqual(cells(text, "L_CONST on features")[4], "-100.0 (-100.0 to -100.0)")

    def test_lines_without_bits_have_no_such_column(self):
        text = report.table("1", [line(), line(row="dtn_no_tid")])
        self.assertNotIn("points", text)
        self.assertNotIn("bootstrap", text)


class SwingTest(testing.TestCase):
    def run_of(self, steps=100):
        return types.SimpleNamespace(
            workdir=self.directory, config=types.SimpleNamespace(steps=steps)
        )

    def test_is_the_range_of_the_last_fifth_and_the_later_of_two_counts(self):
        measured = ((60, 0.1), (80, 0.9), (90, 0.2), (90, 0.7), (100, 0.8))
        for step, accuracy in measured:
            swing.keep(self.directory, step, {swing.ACCURACY: accuracy})
        self.assertEqual(swing.of(self.run_of()), {"low": 0.7, "high": 0.9, "measured": 3})

    def test_is_unknown_of_one_measurement_of_none_and_without_a_judge(self):
        self.assertIsNone(swing.of(self.run_of()))
        swing.keep(self.directory, 100, {swing.ACCURACY: 0.8})
        self.assertIsNone(swing.of(self.run_of()))
        swing.keep(self.directory, 90, {"kid_validation": 0.8})
        self.assertIsNone(swing.of(self.run_of()))

    def test_a_torn_line_is_passed_over(self):
        for step in (80, 90, 100):
            swing.keep(self.directory, step, {swing.ACCURACY: step / 100})
        path = self.directory / "watched.jsonl"
        path.write_bytes(path.read_bytes()[:-10] + b'\n{"step": "a"}\n')
        self.assertEqual(swing.of(self.run_of()), {"low": 0.8, "high": 0.9, "measured": 2})

    def test_tables_show_it_where_it_is_known(self):
        known = {"low": 0.71, "high": 0.901, "measured": 5}
        lines = [line(last_fifth=known), line(1, last_fifth={**known, "high": 0.8}), line(2)]
        text = report.table("1", json.loads(json.dumps(lines)))
        self.assertEqual(cells(text, "DTN")[4], "71.0 to 90.1 %; 71.0 to 80.0 %")
        self.assertNotIn(layout.SWING, report.table("1", [line()]))
        for wrong in ({"low": 71.0}, {"high": None}):
            with self.assertRaisesRegex(ValueError, "last_fifth"):
                valid.check(line(last_fifth={**known, **wrong}))
