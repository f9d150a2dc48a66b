"""Table 2: translations and source labels teach a classifier of the target."""

import json

import numpy as np

from dtn_tf import images, runs, serving
from dtn_tf.data import domains, stores
from dtn_tf.errors import UserError
from dtn_tf.scores import adaptation, results
from tests import testing, trained


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


class MeasureTest(trained.TestCase):
    def test_a_finished_run(self):
        found, _ = self.quietly(adaptation.measure, self.workdir, self.cache, judge_steps=2)
        self.assertEqual(results.read(self.workdir / "eval.jsonl")[0], [found])
        self.assertEqual(found["kind"], "adaptation")
        self.assertEqual(found["judge"], {"hash": None, "accuracy": None, "steps": 2})
        s = runs.read(self.workdir).data["s"]
        self.assertEqual(found["rows"]["train"]["images"], s["images"])  # what DTN was trained on
        self.assertEqual(found["rows"]["train"]["reference"], f"G({s['title']})")
        self.assertEqual(found["rows"]["test"]["images"], 100)
        self.assertEqual(list(found["f"]["accuracy"]), [found["target"]["title"]])
        for row in found["rows"].values():
            self.assertBetween(row["classifier"], 0.0, 1.0)
            self.assertBetween(row["classifier_of_g"], 0.0, 1.0)
        # The same by NumPy, through the model itself.
        dtn, store = serving.load(self.workdir), stores.open_store("builtin", None, self.cache)
        shown, real = (store.load(d, "test") for d in (domains.SVHN, domains.MNIST))
        reference = images.to_uint8(dtn(images.to_model(shown.pixels)))
        painted = images.to_uint8(dtn.reconstruct(images.to_model(real.pixels)))
        for way, x in (("nearest_neighbour", real.pixels), ("nearest_neighbour_of_g", painted)):
            a, b = (np.reshape(part, (len(part), -1)).astype(np.float64) for part in (reference, x))
            distances = np.sum(b**2, axis=1)[:, None] - 2.0 * b @ a.T + np.sum(a**2, axis=1)
            read = shown.labels[np.argmin(distances, axis=1)]
            expected = np.mean(read == real.labels)
            self.assertAllClose(found["rows"]["test"][way], expected, atol=0.01)  # ties

    def test_an_unfinished_run_is_refused(self):
        (self.workdir / "dtn.keras").unlink()
        with self.assertRaisesRegex(UserError, "is not finished"):
            adaptation.measure(self.workdir, self.directory)

    def test_the_reference_is_the_split_that_dtn_was_trained_on(self):
        self.leave_judges_untrained()
        path = self.workdir / "config.json"
        content = json.loads(path.read_text())
        content["config"]["absent_s"] = [3]
        path.write_text(json.dumps(content))
        found, _ = self.quietly(adaptation.measure, self.workdir, self.cache, judge_steps=2)
        self.assertIn("without 3", found["rows"]["train"]["reference"])
