import numpy as np
from PIL import Image

from dtn_tf import config, figures, report
from tests import testing


def result(**changes):
    return {
        "preset": "dtn",
        "domain": "svhn",
        "seed": 0,
        "accuracy": 0.8,
        "minutes": 6.0,
        "original": 0.4,
        "n": 5000,
        "source": "SVHN test",
        "target": "MNIST test",
        "judge": 0.994,
        "f": {"SVHN test": 0.95, "MNIST test": 0.7},
        "frechet": 12.5,
        "frechet_floor": 0.5,
        "per_digit": [0.5] * 9 + [None],
        "confusion": (np.eye(10, dtype=int) * 3).tolist(),
        **changes,
    }


class TableTest(testing.TestCase):
    def line(self, text, name):
        return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))

    def test_one_run_beside_the_papers_number(self):
        text = report.table([result()], "svhn", "test")
        self.assertEqual(
            self.line(text, "DTN"), "| DTN | 90.66% | **80.00%** | 1 | 5000 | SVHN test | 6.0 |"
        )

    def test_seeds_become_mean_and_sample_deviation(self):
        runs = [result(seed=k, accuracy=a) for k, a in enumerate((0.80, 0.82, 0.87))]
        text = report.table(runs, "svhn", "test")
        # mean 0.83, squared deviations 9, 1, 16 (in 1e-4): sqrt(26 / 2) = 3.61 points
        self.assertIn("**83.00% ± 3.61** | 3 |", self.line(text, "DTN"))

    def test_missing_rows_name_the_command_that_makes_them(self):
        text = report.table([result()], "svhn", "test")
        self.assertIn(
            "`python train_main.py --domain=svhn --preset=dtn_no_tid`",
            self.line(text, "DTN w/o L_TID"),
        )
        self.assertNotIn("train_main", self.line(text, "DTN"))

    def test_original_image_is_measured_once(self):
        runs = [result(seed=k) for k in range(3)]
        line = self.line(report.table(runs, "svhn", "test"), "Original SVHN image")
        self.assertIn("| 40.06% | **40.00%** | 1 |", line)

    def test_reverse_direction_has_no_number_of_the_paper(self):
        text = report.table([result()], "mnist", "test")
        self.assertNotIn("90.66%", text)
        self.assertIn("--domain=mnist", text)

    def test_every_row_is_a_preset(self):
        rows = {row[1] for row in report.TABLE_1 + report.TABLE_3 + report.PIECES if row[1]}
        self.assertEqual(rows, set(config.PRESETS))


class PiecesTableTest(testing.TestCase):
    def test_validation_beside_test_as_far_as_it_is_known(self):
        values = (("dtn_adapted", 0.94, 0.95), ("dtn_adapted", None, 0.97), ("dtn", None, 0.91))
        rows = [
            result(preset=name, validation=validation, accuracy=test)
            for name, validation, test in values
        ]
        rows += [result(preset="dtn_unadapted", validation=v) for v in (0.92, 0.96)]
        text = report.pieces_table(rows)
        mean = "| 94.00%, 1 of 2 runs | **96.00% ± 1.41** | 2 | 6.0 |"
        self.assertIn(f"| all of it | `dtn_adapted` {mean}", text)
        self.assertIn("| DTN | `dtn` | not measured | **91.00%** | 1 | 6.0 |", text)
        self.assertIn("`dtn_unadapted` | 94.00% ± 2.83 | **80.00% ± 0.00** | 2 | 6.0 |", text)
        self.assertIn("--preset=dtn_adapted_mse", text)
        self.assertIn("SVHN test, 5000 images", text)


class UnseenTableTest(testing.TestCase):
    def test_the_digit_and_the_others_beside_the_paper(self):
        per_digit = [0.5] * 9 + [None]
        a, b = ([*per_digit[:3], value, *per_digit[4:]] for value in (0.2, 0.4))
        rows = [result(preset="dtn_no3_t", per_digit=p) for p in (a, b)]
        text = report.unseen_table([*rows, result(per_digit=a)], "svhn", "test")
        expected = "| 40.13% | **30.00% ± 14.14** | 50.00% ± 0.00 | 2 | 3 | SVHN test | 6.0 |"
        self.assertIn(f"| 3 not shown in t {expected}", text)
        self.assertIn("| DTN | 94.67% | **20.00%** | 50.00% | 1 |", text)
        self.assertIn("--preset=dtn_no3_stf", text)


class DetailsTest(testing.TestCase):
    def test_says_what_was_measured_on_what(self):
        text = report.details(result())
        for part in ("SVHN test", "99.40%", "| f on MNIST test | 70.00% |", "12.50", "0.50"):
            self.assertIn(part, text)
        self.assertIn("50.0% | none |", text)


class FiguresTest(testing.TestCase):
    def test_confusion_and_translations_are_written_whole(self):
        figures.draw_confusion(result(), self.directory / "c.png")
        x = testing.pixels(20, 3)
        figures.draw_translations(result(), x, testing.pixels(20), self.directory / "t.png")
        for name in ("c.png", "t.png"):
            picture = np.asarray(Image.open(self.directory / name).convert("L"))
            self.assertGreater(picture.shape[1], 600)
            self.assertGreater(picture.std(), 10)
        self.assertLen(list(self.directory.iterdir()), 2)

    def test_title_over_one_confusion_matrix_is_not_cut_off(self):
        drawn = result(
            source="drawn street digits (builtin) test", target="5,000 MNIST digits (builtin) test"
        )
        figures.draw_confusions([drawn], self.directory / "c.png")
        picture = np.asarray(Image.open(self.directory / "c.png").convert("L"))
        title = picture[: len(picture) // 8]
        self.assertLess(title.min(), 128)
        self.assertAllEqual(np.unique(title[:, [0, 1, -2, -1]]), [255])
