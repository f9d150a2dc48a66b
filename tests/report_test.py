"""Result lines -> tables: what is averaged, what is not, and that pages show what was measured."""

import pathlib
import subprocess
import sys

from absl.testing import parameterized

from dtn_tf import presets
from dtn_tf.errors import UserError
from dtn_tf.scores import report, results
from tests import testing
from tests.lines import adaptation, line

_ROOT = pathlib.Path(__file__).resolve().parents[1]


def cells(text, label, place=0):
    """The cells of the table's line with this label; of several the one at this place."""
    found = [part for part in text.splitlines() if part.startswith(f"| {label} |")]
    return [cell.strip() for cell in found[place].strip("|").split("|")]


class TableOneTest(testing.TestCase):
    def test_one_run_beside_the_papers_number_and_what_stands_behind_it(self):
        self.assertEqual(
            cells(report.table("1", [line()]), "DTN"),
            [
                *("DTN", "dtn", "90.7 %", "80.0 %", "1 seed: 0", "SVHN test, 5,000"),
                *("99.40 %, 1,500 steps, 01234567", "aaaa00000000", "6.0", "CPU, float32"),
            ],
        )

    def test_processors_and_precisions_of_several_runs_are_said(self):
        other = {**line()["trained"], "processor": "AMD, AVX2", "precision": "mixed_bfloat16"}
        runs = [line(0), line(1), line(2, trained=other)]
        found = cells(report.table("1", runs), "DTN")
        self.assertEqual(found[-1], "CPU, float32; AMD, AVX2, mixed_bfloat16")
        unknown = {**line()["trained"], "processor": None}
        text = report.table("1", [line(trained=unknown)])
        self.assertNotIn("trained on", text)

    def test_seeds_become_mean_and_sample_deviation(self):
        runs = [line(seed=k, accuracy=a) for k, a in enumerate((0.80, 0.82, 0.87))]
        # mean 0.83, squared deviations 9, 1, 16 (in 1e-4): sqrt(26 / 2) = 3.61 points
        found = cells(report.table("1", runs), "DTN")
        self.assertEqual(found[3:5], ["83.0 ± 3.6 %", "3 seeds: 0, 1, 2"])

    def test_only_runs_of_one_thing_are_averaged(self):
        # Of one seed the newest counts; changed settings and other judges are other lines.
        newer = {"scored": {**line()["scored"], "time": "2026-11-03T00:00:00Z"}}
        text = report.table(
            "1",
            [
                line(accuracy=0.8),
                line(accuracy=0.9, **newer),
                line(settings={"alpha": 1.0}, accuracy=0.1),
                line(judge={"hash": "feed", "steps": 2}, accuracy=0.2),
            ],
        )
        self.assertEqual(cells(text, "DTN", 0)[3:5], ["90.0 %", "1 seed: 0"])
        self.assertEqual(cells(text, "DTN", 1)[3:5], ["20.0 %", "1 seed: 0"])
        self.assertIn("2 steps, feed", cells(text, "DTN", 1)[6])
        self.assertEqual(cells(text, r"dtn (alpha=1.0)")[3:5], ["10.0 %", "1 seed: 0"])
        self.assertLess(text.index("| DTN |"), text.index("dtn (alpha"))
        self.assertLess(text.index("dtn (alpha"), text.index("| DTN w/o L_TID |"))

    def test_a_row_that_was_never_measured_names_the_command_that_trains_it(self):
        text = report.table("1", [line(row="dtn_no_tid", settings={"alpha": 1.0})])
        for name in ("dtn", "dtn_no_tid", "yunjey"):
            found = cells(text, presets.ROWS[name].label)
            command = f".venv/bin/python train_main.py --preset={name}"
            self.assertEqual(found[3], f"not measured: `{command}`")
        self.assertEqual(cells(text, "dtn_no_tid (alpha=1.0)")[3], "80.0 %")

    def test_untranslated_images_are_a_line_for_each_judge_not_for_each_run(self):
        runs = [line(seed=k) for k in range(3)] + [line(judge={"hash": "feed"}, original=0.3)]
        text = report.table("1", runs)
        found = [cells(text, "Original SVHN image", k)[2:4] for k in range(2)]
        self.assertEqual(found, [["40.1 %", "40.0 %"], ["40.1 %", "30.0 %"]])
        self.assertEqual(text.count("Original SVHN image"), 2)

    def test_drawn_images_are_not_called_after_what_they_imitate(self):
        images = {**line()["images"], "title": "drawn street digits (builtin) test"}
        text = report.table("1", [line(images=images)])
        self.assertNotIn("SVHN image", text)
        label = "Original image: drawn street digits (builtin) test"
        self.assertEqual(cells(text, label)[3], "40.0 %")

    @parameterized.parameters(
        ("SVHN test", 26032, "SVHN test, 26,032"),
        ("SVHN test[:5000]", 5000, "SVHN test, the first 5,000"),
        ("SVHN train[68257:]", 5000, "SVHN train, the last 5,000"),
        ("SVHN train[:2000][1800:]", 200, "SVHN train, the last 200 of the first 2,000"),
        ("SVHN train[:90] without 3", 80, "SVHN train[:90] without 3, 80"),
        ("SVHN extra[:9]+SVHN train[:9]", 18, "SVHN extra[:9]+SVHN train[:9], 18"),
    )
    def test_a_part_of_a_split_is_said_in_words(self, title, num, said):
        images = {**line()["images"], "title": title, "images": num}
        self.assertEqual(cells(report.table("1", [line(images=images)]), "DTN")[5], said)

    def test_several_commits_and_unknown_facts_are_said(self):
        unknown = {"commit": None, "minutes": None}
        old = line(seed=1, trained={**line()["trained"], **unknown})
        none = {"hash": None}
        text = report.table("1", [line(judge=none), {**old, "judge": line(judge=none)["judge"]}])
        self.assertIn("hash not recorded", cells(text, "DTN")[6])
        self.assertEqual(cells(text, "DTN")[7], "aaaa00000000, not recorded")

    def test_pictures_that_are_not_the_publishers_are_named(self):
        self.assertIn(
            "Not the publisher's whole file, byte for byte: SVHN train[:68257].",
            report.table("1", [line()]),
        )

    def test_reverse_has_no_number_of_the_paper(self):
        images = {**line()["images"], "title": "MNIST test"}
        text = report.table("reverse", [line(domain="mnist", images=images), line()])
        self.assertEqual(cells(text, "DTN")[2], "none")
        self.assertIn("Original MNIST image", text)
        self.assertNotIn("SVHN image", text)
        self.assertIn("--preset=dtn --domain=mnist`", report.table("reverse", []))

    def test_other_splits_and_retired_settings_are_left_out(self):
        text = report.table("1", [line(split="validation"), line(retired="gone", row="dtn_no_gan")])
        self.assertNotIn("80.0 %", text)
        self.assertNotIn("Original", text)
        self.assertIn("gone", report.retired([line(retired="gone")]))
        self.assertIn("80.0 %", report.table("1", [line(split="validation")], "validation"))


class OtherTablesTest(testing.TestCase):
    def test_unseen_digit_and_the_others(self):
        per_digit = [0.5] * 9 + [None]
        a, b = ([*per_digit[:3], value, *per_digit[4:]] for value in (0.2, 0.4))
        lines = [line(k, row="dtn_no3_t", per_digit=p) for k, p in enumerate((a, b))]
        text = report.table("3", [*lines, line(per_digit=a)])
        self.assertEqual(
            cells(text, "3 not shown in t")[2:5], ["40.1 %", "30.0 ± 14.1 %", "50.0 ± 0.0 %"]
        )
        self.assertEqual(cells(text, "DTN")[2:5], ["94.7 %", "20.0 %", "50.0 %"])
        self.assertIn("--preset=dtn_no3_stf`", text)

    def test_pieces_have_validation_of_the_same_runs_beside_test(self):
        best = {"row": "dtn_adapted"}
        unknown = {"judge": {"hash": None, "accuracy": None}, "split": "validation"}
        lines = [line(0, **best, accuracy=0.95), line(1, **best, accuracy=0.97)]
        lines += [line(0, **best, **unknown, accuracy=0.94)]
        lines += [line(0, split="validation", judge={"hash": "other"}, accuracy=0.3), line()]
        text = report.table("pieces", lines)
        self.assertEqual(cells(text, "all of it")[2:4], ["94.0 % (1 of 2)", "96.0 ± 1.4 %"])
        self.assertEqual(cells(text, "DTN")[2:4], ["not measured", "80.0 %"])
        self.assertIn("--preset=dtn_adapted_mse`", text)

    def test_classifiers_taught_by_translations(self):
        lines = [adaptation(), adaptation(1, (0.9, 0.7), (0.9, 0.8))]
        text = report.table("2", [*lines, line(accuracy=0.123)])
        self.assertEqual(
            cells(text, "DTN", 0)[2:9],
            [
                *("G(SVHN train), 68,257", "84.4 %", "85.0 ± 7.1 %", "90.0 ± 0.0 %"),
                *("97.0 ± 0.0 %", "98.0 ± 0.0 %", "70.0 ± 0.0 %"),
            ],
        )
        self.assertEqual(cells(text, "DTN", 1)[3:5], ["79.7 %", "70.0 ± 0.0 %"])
        self.assertEqual(cells(text, "DANN, Ganin et al. 2016")[3], "73.9 %")
        self.assertIn("--preset=dtn_adapted`", text)

    def test_what_an_old_line_of_table_2_does_not_say_is_not_measured(self):
        old = adaptation(judge={"steps": None})
        old["f"]["accuracy"] = {}
        del old["rows"]["train"]["classifier_of_g"]
        found = cells(report.table("2", [old]), "DTN")
        self.assertEqual([found[7], found[8], found[11]], ["not measured"] * 2 + ["not recorded"])

    def test_classifiers_are_averaged_on_the_same_test_images_by_one_recipe(self):
        other = {**line()["target"], "fingerprint": "others"}
        lines = [adaptation(0), adaptation(1, target=other), adaptation(2, recipe=2)]
        self.assertLen(results.groups(lines), 3)
        self.assertLen(results.groups([adaptation(0), adaptation(1, recipe=1)]), 1)
        self.assertIn("another target", results.comparable(*lines[:2]))

    def test_readme_has_the_papers_rows_and_ours_where_they_are_measured(self):
        lines = [line(k) for k in range(2)] + [line(accuracy=0.5, judge={"hash": "feed"})]
        text = report.table("readme", [*lines, line(row="dtn_adapted")])
        self.assertEqual(cells(text, "DTN")[:5], ["DTN", "dtn", "90.7 %", "80.0 ± 0.0 %", "2"])
        self.assertEqual(cells(text, presets.ROWS["dtn_adapted"].label)[3:5], ["80.0 %", "1"])
        self.assertEqual(cells(text, presets.ROWS["dtn_no_tid"].label)[3:5], ["not measured", "0"])
        for name in ("yunjey", "dtn_best"):
            self.assertNotIn(name, text)
        self.assertIn("dtn_best", report.table("readme", [line(row="dtn_best")]))

    def test_readme_takes_most_seeds_and_of_as_many_the_newest(self):
        newer = {"judge": {"hash": "feed"}, "accuracy": 0.5}
        newer["scored"] = {**line()["scored"], "time": "2026-11-03T00:00:00Z"}
        for lines, expected in (
            ([line(), line(1, **newer)], ["50.0 %", "1"]),
            ([line(), line(1), line(2, **newer)], ["80.0 ± 0.0 %", "2"]),
        ):
            for given in (lines, lines[::-1]):
                self.assertEqual(cells(report.table("readme", given), "DTN")[3:5], expected)

    @parameterized.parameters(
        ({}, "1"),
        ({"row": "dtn_no3_t"}, "3"),
        ({"domain": "mnist"}, "reverse"),
        ({"row": "dtn_adapted_mse"}, None),
        ({"row": "tiny"}, None),
    )
    def test_table_of_a_run(self, changes, expected):
        self.assertEqual(report.table_of(line(**changes)), expected)

    def test_runs_of_no_table_are_laid_out_alone(self):
        text = report.table(None, [line(row="tiny")])
        self.assertEqual(cells(text, "a first look")[3], "80.0 %")
        self.assertNotIn("not measured", text)


class DetailsTest(testing.TestCase):
    def test_says_what_was_measured_on_what(self):
        text = report.details(line(settings={"alpha": 1.0}))
        for part in (
            *("dtn (alpha=1.0), seed 0", "SVHN test, 5,000", "99.40 %", "12.50", "0.50"),
            *("| f on MNIST test | 70.0 % |", "50.0 % | none |"),
        ):
            self.assertIn(part, text)


class DocsTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        results.append(self.directory / "results/results.jsonl", line())
        (self.directory / "docs").mkdir()
        self.page = self.directory / "docs" / "results.md"
        (self.directory / "README.md").write_text("No table.\n")

    def test_blocks_are_filled_and_what_is_around_them_stays(self):
        self.page.write_text("a\n<!-- table: 1 -->\nold\n<!-- end -->\nb\n")
        self.assertEqual(report.write_docs(self.directory, check=True), [self.page])
        self.assertIn("old", self.page.read_text())
        self.assertEqual(report.write_docs(self.directory), [self.page])
        expected = report.table("1", [line()])
        self.assertEqual(
            self.page.read_text(), f"a\n<!-- table: 1 -->\n{expected}<!-- end -->\nb\n"
        )
        self.assertEmpty(report.write_docs(self.directory))

    def test_an_unknown_block_is_named(self):
        self.page.write_text("<!-- table: 7 -->\n<!-- end -->\n")
        with self.assertRaisesRegex(UserError, "results.md: there is no table '7'"):
            report.write_docs(self.directory)

    def test_committed_pages_are_what_the_committed_results_say(self):
        stale = report.write_docs(_ROOT, check=True)
        self.assertEmpty(stale, "write them: python -m dtn_tf.scores.report")

    def test_the_command_checks_without_tensorflow(self):
        code = (
            "import sys; from dtn_tf.scores import report; report.table('1', []);"
            "sys.exit('tensorflow' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], cwd=_ROOT, check=True)

    def test_committed_results_fill_every_table(self):
        lines, warnings = results.read(_ROOT / "results" / "results.jsonl")
        self.assertEmpty(warnings)
        tables = [report.table(name, lines) for name in presets.TABLES]
        for text, *found in (  # as they were first printed, whatever was measured since
            (tables[0], "91.6 ± 0.2 %", "3 seeds: 0, 1, 2"),
            (tables[0], "91.9 %", "1 seed: 0"),
            (tables[1], "79.2 ± 1.6 %"),
            (tables[2], "85.4 ± 1.1 %"),
        ):
            rows = [row.split(" | ") for row in text.splitlines() if row.startswith("| DTN |")]
            self.assertTrue(any(set(found) <= set(row) for row in rows), found)
        self.assertNotIn("not measured: ", cells(tables[4], "DTN")[3])
