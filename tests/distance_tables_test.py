"""How distances look, and which of them stand in one table."""

import json

from absl.testing import parameterized

from dtn_tf.scores import distance_tables, report, results
from tests import testing
from tests.lines import line
from tests.report_test import cells
from tests.results_test import changed


def distances(**changes):
    """What `distances.measure` returns, of made-up numbers."""
    part = {"frechet": 12.5, "frechet_floor": 0.5, "kid": 0.0321, "kid_deviation": 0.0012}
    part |= {"kid_floor": -0.0001, "kid_floor_deviation": 0.0002}
    part |= {"kid_original": 0.5, "kid_original_deviation": 0.01}
    chance = {"chance_rank_1": 0.002, "chance_median_rank": 250.5, "n": 500}
    return {
        "n": 250,
        "independent": {"name": "VICReg on emoji train, 300 steps", "hash": "abcd"},
        "under_independent": {**part, **changes.pop("part", {})},
        "under_f": part,
        "constancy": {"rank_1": 0.4321, "median_rank": 3.0, **chance},
        "reconstruction": {"error": 7.25, "l_tid": 0.0123, "n": 500},
        **changes,
    }


def without_judge(seed=0, **changes):
    """A line of a pair of folders without classes."""
    made = line(seed)
    for key in ("accuracy", "original", "per_digit", "confusion", "frechet", "frechet_floor"):
        del made[key]
    made |= {"kind": "distances", "judge": None, "domain": "folders", "f": {"key": "f-1"}}
    made["f"]["accuracy"] = {}
    made["settings"]["balance_s"] = False  # there are no classes
    return {**made, "distances": distances(**changes)}


class TableTest(testing.TestCase):
    def test_has_a_line_for_each_run_and_names_the_net(self):
        text = distance_tables.table([without_judge(0), without_judge(1)])
        self.assertEqual(
            cells(text, "dtn, seed 1"),
            [
                *("dtn, seed 1", "0.0321", "-0.0001", "12.50 (0.50)"),
                *("43.2 %", "0.2 %", "7.2"),
            ],
        )
        self.assertIn("VICReg on emoji train, 300 steps", text)
        self.assertIn("250 images on each side", text)
        self.assertEqual(text.count("| dtn, seed"), 2)

    def test_deviation_over_subsets_is_called_so_and_an_old_error_is_not_shown(self):
        text = report.details(without_judge())
        self.assertIn("G(x) to real | 0.0321 (deviation over subsets 0.0012) |", text)
        self.assertNotIn("nearest to x under f to real", text)
        picked = without_judge(part={"kid_nearest": 0.04, "kid_nearest_deviation": 0.003})
        said = "the same, real images nearest to x under f to real | 0.0400 (deviation over subsets"
        self.assertIn(said, report.details(picked))
        old = without_judge()
        for net in ("under_f", "under_independent"):
            kept = {k: v for k, v in old["distances"][net].items() if "deviation" not in k}
            old["distances"][net] = {**kept, "kid_error": 0.0012}
        for text in (distance_tables.table([old]), report.details(old)):
            self.assertIn("| 0.0321 |", text)
            self.assertNotIn("0.0012", text)

    def test_is_empty_where_nothing_has_distances(self):
        self.assertEqual(distance_tables.table([line()]), "")
        self.assertEmpty(distance_tables.details(line()))

    def test_a_missing_frechet_distance_is_said(self):
        part = {"frechet": None, "frechet_floor": None}
        self.assertIn("none: too few images", distance_tables.table([without_judge(part=part)]))
        self.assertIn("none: too few images", report.details(without_judge(part=part)))


class BesideTest(testing.TestCase):
    def test_of_a_run_without_a_judge_has_distances_alone(self):
        made = without_judge()
        text = report.beside(made, [made])
        self.assertIn("| dtn, seed 0 |", text)
        self.assertNotIn("Accuracy", text)

    def test_of_a_judged_run_has_both_where_both_were_measured(self):
        made = line(distances=distances())
        text = report.beside(made, [made])
        self.assertEqual(cells(text, "DTN")[3], "80.0 %")
        self.assertIn("| dtn, seed 0 |", text)
        self.assertEqual(report.beside(line(), [line()]), report.table("1", [line()]))

    def test_details_of_both_kinds(self):
        text = report.details(without_judge())
        for part in ("no judge", "3 (250.5)", "43.2 % (0.2 %)", "7.2 grey levels", "0.0123"):
            self.assertIn(part, text)
        self.assertNotIn("digit", text)
        text = report.details(line(distances=distances()))
        for part in ("| translated accuracy | 80.0 % |", "| digit | 0 |", "43.2 % (0.2 %)"):
            self.assertIn(part, text)

    def test_classes_that_are_no_digits_have_their_names(self):
        classes = ["cat", "dog"]
        made = line(classes=classes, per_digit=[0.5, None]) | {"domain": "folders"}
        text = report.details(made)
        self.assertIn("| class | cat | dog |", text)
        self.assertIn("Original image", report.table(None, [made]))


class LineTest(testing.TestCase):
    def write(self, *lines):
        path = self.directory / "eval.jsonl"
        for part in lines:
            results.append(path, part)
        return results.read(path)

    def test_a_line_without_a_judge_is_read_back_as_it_was(self):
        found, warnings = self.write(without_judge())
        self.assertEmpty(warnings)
        self.assertEqual(found, json.loads(json.dumps([without_judge()])))
        self.assertIsNone(found[0]["judge"])

    def test_only_a_line_with_distances_may_lack_a_judge(self):
        for lacking in (line(), without_judge()):
            lacking["judge"] = None
            lacking.pop("distances", None)
            with self.assertRaisesRegex(ValueError, "judge=None"):
                self.write(lacking)

    @parameterized.parameters(
        ("distances.under_independent", {}, "does not say distances.under_independent.kid"),
        ("distances.under_independent.kid", None, "distances.under_independent.kid=None"),
        ("distances.n", "many", "distances.n='many'"),
        ("distances.constancy.rank_1", 1.5, "distances.constancy.rank_1=1.5"),
        ("retrieval", {}, "retrieval={}; expected descriptor"),
    )
    def test_what_tables_could_not_show_is_refused(self, path, value, why):
        with self.assertRaisesRegex(ValueError, why):
            self.write(changed(without_judge(), path, value))

    def test_lines_compare_where_one_net_measured_both(self):
        other = without_judge(1, independent={"name": "another", "hash": "ef"})
        self.assertEqual(results.comparable(without_judge(), without_judge(1)), "")
        why = results.comparable(without_judge(), other)
        self.assertIn("another judge: VICReg on emoji train, 300 steps, hash abcd, and", why)
        self.assertLen(results.groups([without_judge(), without_judge(1), other]), 2)
        self.assertIn("another kind", results.comparable(without_judge(), line()))
