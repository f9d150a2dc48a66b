"""The table of the rows of faces."""

from dtn_tf import presets
from dtn_tf.scores import report, results
from tests import testing
from tests.distance_tables_test import without_judge
from tests.report_test import cells


def of_face(seed=0, row="dtn_face", rank=None, kid=0.03, net="n", **changes):
    """A line of faces to emoji; with a median rank it has a retrieval."""
    made = {**without_judge(seed, part={"kid": kid}), "domain": "face", "row": row, "changes": {}}
    if rank is not None:
        made["retrieval"] = {
            "recipe": 2,
            "gallery": 1000,
            "descriptor": {"name": "FaceNet", "hash": net},
            "probes": {"translation": {"median_rank": rank, "rank_1": 0.1}},
            "ahead": [0.031, -0.006],
        }
    return {**made, **changes}


class TableTest(testing.TestCase):
    def test_one_seed_has_its_numbers_and_its_interval(self):
        found = cells(report.table(presets.FACES, [of_face(rank=20.0)]), "DTN, faces to emoji")
        expected = ["0.0300", "-0.0001", "20.0", "10.0 %", "+3.1 to -0.6", "1 seed: 0"]
        self.assertEqual(found[3:9], expected)
        self.assertEqual(found[10:12], ["250", "1,000"])
        self.assertEqual(found[12:14], ["VICReg on emoji train, 300 steps, abcd", "FaceNet, n"])

    def test_several_seeds_have_mean_and_deviation(self):
        lines = [of_face(k, rank=18.0 + 2.0 * k, kid=0.02 + 0.01 * k) for k in range(3)]
        found = cells(report.table(presets.FACES, lines), "DTN, faces to emoji")
        self.assertEqual(found[3], "0.0300 ± 0.0100")
        self.assertEqual(found[5], "20.0 ± 2.0")
        self.assertEqual(found[7].count(";"), 2)

    def test_what_two_face_nets_measured_has_no_mean(self):
        lines = [of_face(0, rank=10.0), of_face(1, rank=30.0, net="m"), of_face(2)]
        text = report.table(presets.FACES, lines)
        found = [cells(text, "DTN, faces to emoji", k)[5] for k in range(3)]
        self.assertCountEqual(found, ["10.0", "30.0", "not measured"])
        why = results.comparable(*lines[:2])
        self.assertEqual(why, "another face net: FaceNet, hash n, and FaceNet, hash m")

    def test_without_a_descriptor_retrieval_is_not_measured(self):
        text = report.table(presets.FACES, [of_face()])
        self.assertEqual(cells(text, "DTN, faces to emoji")[5:8], ["not measured"] * 3)

    def test_rows_that_were_not_measured_say_how(self):
        text = report.table(presets.FACES, [of_face(rank=9.0), of_face(split="validation")])
        for row in presets.rows_of(presets.FACES)[1:]:
            command = f".venv/bin/python train_main.py --preset={row.name} --domain=face"
            more = "--data=files --data_dir=DIR --content=face:PATH_OR_PACKAGE"
            self.assertIn(f"`{command} {more}`", text)

    def test_f_is_no_change_of_a_row_and_has_a_column(self):
        given = {"changes": {"content": "face:faceres"}, "settings": {"content": "face:faceres"}}
        whole = {**given, "settings": {**given["settings"], "content_student": False}}
        lines = [of_face(rank=9.0), of_face(rank=8.0, f={"key": "f-2", "accuracy": {}}, **given)]
        lines.append(of_face(rank=7.0, f={"key": "f-3", "accuracy": {}}, **whole))
        text = report.table(presets.FACES, lines)
        found = [cells(text, "DTN, faces to emoji", k)[2:6:3] for k in range(3)]
        expected = [["learnt without labels", "9.0"], ["student of faceres", "8.0"]]
        self.assertCountEqual(found, [*expected, ["faceres", "7.0"]])
        self.assertNotIn("train_main.py --preset=dtn_face --domain", text)

    def test_emoji_to_faces_stand_in_a_table_of_their_own(self):
        text = report.table(presets.FACES, [of_face(rank=9.0), of_face(rank=30.0, domain="emoji")])
        self.assertEqual(cells(text, "DTN, faces to emoji")[5], "9.0")
        self.assertEqual(cells(text, "DTN, emoji to faces")[5], "30.0")
        self.assertIn("Emoji to photos of faces, split test", text)
        self.assertNotIn("Emoji to photos", report.table(presets.FACES, [of_face()]))

    def test_runs_that_are_no_row_stand_below(self):
        lines = [of_face(rank=9.0), of_face(rank=8.0, changes={"alpha": 4.0})]
        text = report.table(presets.FACES, lines)
        first, second = text.split("Runs that are no row of today")
        self.assertEqual(cells(first, "DTN, faces to emoji")[5], "9.0")
        self.assertEqual(cells(second, "dtn_face (alpha=4.0)")[5], "8.0")
        self.assertNotIn("alpha=4.0", first)
        self.assertIn("the paper's DTN emoji", first)
        self.assertEqual(text.count("| method |"), 2)
        alone = report.table(presets.FACES, [of_face(domain="emoji", changes={"alpha": 4.0})])
        self.assertNotIn("no row of today", alone)

    def test_what_is_the_same_of_all_rows_is_said_once(self):
        lines = [of_face(rank=9.0), of_face(rank=8.0, row="dtn_face_no_warm")]
        text = report.table(presets.FACES, lines)
        self.assertIn("of KID: 250; gallery: 1,000; independent net: VICReg on", text)
        self.assertIn("descriptor: FaceNet, n", text)
        head = next(row for row in text.splitlines() if row.startswith("| method"))
        self.assertNotRegex(head, "gallery|descriptor|of KID")
        lines[1]["retrieval"]["descriptor"]["hash"] = "m"
        text = report.table(presets.FACES, lines)
        self.assertIn("| FaceNet, n |", text)
        self.assertIn("| FaceNet, m |", text)
        self.assertIn("gallery: 1,000", text)

    def test_the_papers_line_names_its_gallery(self):
        found = cells(report.table(presets.FACES, []), "the paper's DTN emoji, gallery of 100,001")
        self.assertEqual(found[5:7], ["16", "22.9 %"])
