"""Table 2: translations and source labels teach a classifier of the target."""

import contextlib
import io
import json
from unittest import mock

import numpy as np

from dtn_tf import adaptation, images, report, train
from dtn_tf.data import domains, sources, street_digits
from tests import testing, train_test


def _result(preset="dtn", nearest=(0.8, 0.7), classifier=(0.9, 0.6), **changes):
    rows = {
        split: {
            "reference": f"G(SVHN {split})",
            "images": images,
            "nearest_neighbour": nearest[k],
            "classifier": classifier[k],
            "nearest_neighbour_of_g": 0.97,
            "classifier_of_g": 0.98,
        }
        for k, (split, images) in enumerate((("train", 68257), ("test", 5000)))
    }
    same = {
        "domain": "svhn",
        "target": "MNIST test",
        "n": 10000,
        "seed": 0,
        "f": 0.75,
        "minutes": 8.0,
    }
    return {"preset": preset, **same, "rows": rows, **changes}


class NearestNeighbourTest(testing.TestCase):
    def test_by_hand(self):
        reference = np.zeros((3, 2, 2, 1), np.uint8)
        reference[1, 0, 0], reference[2] = 200, 250
        x = np.zeros((4, 2, 2, 1), np.uint8)
        x[1, 0, 0] = 99  # nearer to 0 than to 200
        x[2, 0, 0] = 101
        x[3] = (((120,), (255,)), ((255,), (255,)))
        read = adaptation.nearest_neighbour(reference, np.array([7, 4, 9]), x)
        self.assertAllEqual(read, [7, 7, 4, 9])

    def test_distance_of_bytes_does_not_wrap_around(self):
        reference = np.array([0, 250], np.uint8).reshape(2, 1, 1, 1)
        read = adaptation.nearest_neighbour(reference, [0, 1], np.full((1, 1, 1, 1), 255, np.uint8))
        self.assertAllEqual(read, [1])

    def test_agrees_with_numpy(self):
        draw = np.random.default_rng(0)
        reference, x = draw.integers(0, 256, (2, 40, 4, 4, 1), np.uint8)
        a, b = reference.reshape(40, -1).astype(int), x.reshape(40, -1).astype(int)
        nearest = np.argmin(np.sum((b[:, None] - a[None]) ** 2, axis=-1), axis=1)
        self.assertAllEqual(adaptation.nearest_neighbour(reference, np.arange(40), x), nearest)


class TableTest(testing.TestCase):
    def test_mean_and_spread_beside_the_paper(self):
        two = _result(), _result(seed=1, nearest=(0.9, 0.7), classifier=(0.9, 0.8))
        text = report.adaptation_table(two)
        for part in (
            "| DANN, Ganin et al. 2016 | | 73.85% | | | | | | | | |",
            "| DTN | G(SVHN train), 68,257 | 84.44% | 85.00% ± 7.07 | 90.00% ± 0.00 |",
            "| DTN | G(SVHN test), 5,000 | 79.72% | 70.00% ± 0.00 | 70.00% ± 14.14 |",
            " | 97.00% ± 0.00 | 98.00% ± 0.00 | 75.00% ± 0.00 | 2 | 10000 | 8.0 |",
            "not trained: `python train_main.py --domain=svhn --preset=dtn_adapted`",
        ):
            self.assertIn(part, text)

    def test_the_reverse_direction_has_no_numbers_of_the_paper(self):
        text = report.adaptation_table([_result(domain="mnist", target="SVHN test")])
        self.assertNotIn("84.44%", text)
        self.assertNotIn("DANN", text)


class MeasureTest(testing.EagerTestCase):
    def test_a_finished_run(self):
        small = {"train": (300, 0), "test": (100, 1)}
        self.enter_context(mock.patch.object(street_digits, "SPLITS", small))
        self.enter_context(contextlib.redirect_stdout(io.StringIO()))
        workdir, cache = self.directory / "runs/a", self.directory / "cache"
        train.train(train_test.SMALL, workdir, cache)
        result = adaptation.measure(workdir, cache, judge_steps=2)
        self.assertEqual(result["rows"]["train"]["images"], 270)  # without the validation tail
        self.assertEqual(result["rows"]["test"]["images"], 100)
        for row in result["rows"].values():
            self.assertBetween(row["classifier"], 0.0, 1.0)
            self.assertBetween(row["classifier_of_g"], 0.0, 1.0)
        # The same by NumPy, through the model itself.
        dtn, source = train.load(workdir), sources.open_source("builtin", None, cache)
        digits, real = (source.load(d, "test") for d in (domains.SVHN, domains.MNIST))
        reference = images.to_uint8(dtn(images.to_model(digits.images)))
        painted = images.to_uint8(dtn.reconstruct(images.to_model(real.images)))
        for way, x in (("nearest_neighbour", real.images), ("nearest_neighbour_of_g", painted)):
            a, b = (np.reshape(part, (len(part), -1)).astype(np.float64) for part in (reference, x))
            distances = np.sum(b**2, axis=1)[:, None] - 2.0 * b @ a.T + np.sum(a**2, axis=1)
            read = digits.labels[np.argmin(distances, axis=1)]
            expected = np.mean(read == real.labels)
            self.assertAllClose(result["rows"]["test"][way], expected, atol=0.01)  # ties
        self.assertEqual(json.loads((workdir / "adaptation.json").read_text()), result)

    def test_an_unfinished_run_is_refused(self):
        (self.directory / "config.json").write_text('{"config": {}}')
        with self.assertRaisesRegex(ValueError, "is not finished"):
            adaptation.measure(self.directory, self.directory)
