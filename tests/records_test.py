"""A record is all that a table needs of a run."""

import dataclasses
import json
from unittest import mock

import numpy as np

from dtn_tf import config, evaluate, figures, records, run_dir, train
from dtn_tf.data.digits import Digits
from tests import report_test, testing


class RecordTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.settings = dataclasses.replace(config.PRESETS["dtn"], data="files", data_dir="here")
        self.workdir, self.folder = self.directory / "run", self.directory / "runs" / "a"
        run_dir.write(self.workdir, self.settings, data_notice="files of here")
        self.result = report_test.result(workdir=str(self.workdir))
        curves = {"loss/L_D": ([1, 2], [0.5, 0.25]), "rate/images_per_second": ([1], [9.0])}
        for module, name, stand_in in (
            (train, "load", lambda workdir: None),
            (evaluate, "translate", lambda dtn, x: 255 - x),
            (figures, "read_scalars", lambda directory: curves),
        ):
            self.enter_context(mock.patch.object(module, name, stand_in))
        labels = np.arange(200, dtype=np.uint8) % 10
        self.digits = Digits(testing.pixels(200), labels, "digits")
        self.x = records.inputs(self.digits)

    def keep(self):
        records.keep(self.folder, self.workdir, self.result, self.x)

    def is_of(self):
        return records.is_of(self.folder, self.workdir, self.result)

    def test_what_was_kept_comes_back_without_the_run(self):
        self.keep()
        record = records.load(self.folder, dataclasses.replace(self.settings, precision="float32"))
        self.assertEqual(record.result, {k: v for k, v in self.result.items() if k != "workdir"})
        self.assertAllEqual(record.curves["loss/L_D"], [[1, 2], [0.5, 0.25]])
        self.assertEqual(set(record.curves), {"loss/L_D"})
        self.assertEqual(set(record.pictures), {"mixed", "unseen"})
        for name, x in self.x.items():
            self.assertAllEqual(record.pictures[name], 255 - x)

    def test_a_run_of_other_settings_has_no_record_there(self):
        self.assertIsNone(records.load(self.folder, self.settings))
        self.keep()
        self.assertIsNone(records.load(self.folder, dataclasses.replace(self.settings, alpha=3.0)))

    def test_a_record_is_of_one_run_and_follows_it(self):
        self.assertFalse(self.is_of())
        self.keep()
        self.assertTrue(self.is_of())
        moved = dataclasses.replace(self.settings, data_dir="elsewhere")  # the same run
        run_dir.write(self.workdir, moved, data_notice="files of elsewhere")
        self.assertTrue(self.is_of())
        run_dir.write(self.workdir, dataclasses.replace(self.settings, steps=7), data_notice="")
        self.assertFalse(self.is_of())
        self.keep()
        self.assertTrue(self.is_of())

    def test_no_path_of_the_machine_is_in_it(self):
        self.keep()
        for path in self.folder.glob("*.json"):
            self.assertNotIn(str(self.directory), path.read_text())
        facts = json.loads((self.folder / "run.json").read_text())
        self.assertIsNone(facts["config"]["data_dir"])
        self.assertNotIn("data_notice", facts)

    def test_pictures_of_the_unseen_digit_are_of_that_digit_alone(self):
        of_threes = {x.tobytes() for x in self.digits.images[self.digits.labels == 3]}
        self.assertLessEqual({x.tobytes() for x in self.x["unseen"]}, of_threes)
        self.assertEqual(len(self.x["mixed"]), records.NUM_PICTURES)
        again = records.inputs(self.digits)
        for name in again:
            self.assertAllEqual(again[name], self.x[name])
