"""The folder of TensorFlow Datasets; no test here may reach for the network."""

import hashlib
import os
import pathlib
from unittest import mock

import numpy as np

from dtn_tf import images as images_lib
from dtn_tf.data import publishers, reachable, stores, tfds
from dtn_tf.data.domains import MNIST, SVHN
from dtn_tf.errors import UserError
from tests import data_files, testing


class PreparedTest(testing.TestCase):
    """Reads what is prepared on disk; no test here may reach for the network."""

    def setUp(self):
        super().setUp()
        self.probe = self.enter_context(
            mock.patch.object(reachable, "why_not", return_value="no route")
        )

    def store(self):
        return stores.open_store("tfds", str(self.directory), None)

    def write_svhn(self, order, name="train_%06d"):
        images, labels = data_files.svhn_arrays("train")
        rows = [{"image": images[k], "label": labels[k], "id": name % k} for k in order]
        return data_files.write_tfds(self.directory, SVHN, {"train": rows})

    def test_svhn_comes_back_in_the_publishers_order(self):
        order = np.random.default_rng(0).permutation(12)
        self.assertNotEqual(list(order), sorted(order))
        self.write_svhn(order)
        found = self.store().load(SVHN, "train")
        data_files.assert_equal(found, *data_files.svhn_arrays("train"))
        self.assertEqual((found.title, found.pixels.dtype), ("SVHN train", np.uint8))
        self.probe.assert_not_called()

    def test_mnist_comes_back_resized_in_the_order_stored(self):
        images, labels = data_files.mnist_arrays(1003)  # a batch holds 1000
        images = images[..., np.newaxis]
        rows = [{"image": i, "label": k} for i, k in zip(images, labels, strict=True)]
        data_files.write_tfds(self.directory, MNIST, {"test": rows}, "3.0.1")
        found = self.store().load(MNIST, "test")
        data_files.assert_equal(found, images_lib.resize(images, 32), labels)

    def test_an_example_twice_or_missing_is_noticed(self):
        folder = self.write_svhn([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10])
        with self.assertRaisesRegex(UserError, f"{folder}: split train.*Delete the folder"):
            self.store().load(SVHN, "train")

    def test_a_truncated_record_file_is_noticed(self):
        folder = self.write_svhn(range(12))
        path = next(folder.glob("*tfrecord*"))
        path.write_bytes(path.read_bytes()[:-100])
        with self.assertRaisesRegex(UserError, f"{folder}: split train cannot be read"):
            self.store().load(SVHN, "train")

    def test_the_newest_whole_version_is_found(self):
        self.assertIsNone(tfds.find(self.directory, SVHN))
        for version in ("3.9.0", "3.10.0", "incomplete.AB_4.0.0", "5.0.0"):
            (self.directory / "svhn_cropped" / version).mkdir(parents=True)
            if version != "5.0.0":
                (self.directory / "svhn_cropped" / version / "dataset_info.json").touch()
        self.assertEqual(tfds.find(self.directory, SVHN).name, "3.10.0")

    def test_the_default_folder_is_that_of_the_library(self):
        with mock.patch.dict(os.environ, {"TFDS_DATA_DIR": "/elsewhere"}):
            self.assertEqual(tfds.root(None), pathlib.Path("/elsewhere"))
        with mock.patch.dict(os.environ, {"TFDS_DATA_DIR": ""}):
            self.assertEqual(tfds.root(None), pathlib.Path.home() / "tensorflow_datasets")

    def test_a_folder_of_other_counts_is_not_the_published_one(self):
        self.write_svhn(range(12))
        store = self.store()
        self.assertFalse(store.load(SVHN, "train").published)
        self.assertIn("NOT the published bytes (12 images, 73,257 in", store.notice)

    def test_a_folder_of_the_published_counts_and_sizes_is(self):
        self.write_svhn(range(12))
        parts = {"train": publishers.Split(12, (publishers.File("a", 0, ""),))}
        with mock.patch.dict(publishers.SPLITS, svhn=parts):
            self.assertTrue(self.store().load(SVHN, "train").published)

    def test_describe_and_notice_say_what_is_prepared_and_what_would_be_downloaded(self):
        folder = self.write_svhn(range(12))
        self.assertEqual(self.store().describe(SVHN, "train"), f"{folder} (train)")
        self.assertIn("download of 2 MB from https", self.store().describe(MNIST, "test"))
        self.assertIn("To be downloaded there first: https", self.store().notice)
        self.assertIn("mnist/ (12 MB)", self.store().notice)
        self.assertNotIn("housenumbers", self.store().notice)
        self.probe.assert_not_called()


class DownloadTest(testing.TestCase):
    """The publishers' files come from a folder here, by the same door."""

    def setUp(self):
        super().setUp()
        served, self.folder = self.directory / "served", self.directory / "tfds"
        served.mkdir()
        self.paths = [data_files.write_svhn(served, split) for split in ("train", "test", "extra")]
        self.probe = self.enter_context(mock.patch.object(reachable, "why_not", return_value=None))
        self.enter_context(mock.patch.dict(publishers.URLS, svhn=served.as_uri() + "/"))
        splits = {p.name.partition("_")[0]: _split(p) for p in self.paths}
        self.enter_context(mock.patch.dict(publishers.SPLITS, svhn=splits))

    def store(self):
        return stores.open_store("tfds", str(self.folder), None)

    def held(self):
        return sorted(p.name for p in (self.folder / "downloads" / "dtn_tf").iterdir())

    @mock.patch("builtins.print")
    def test_only_the_split_that_is_asked_for_is_fetched_once_and_said_before(self, printed):
        found = self.store().load(SVHN, "train")
        data_files.assert_equal(found, *data_files.svhn_arrays("train"))
        self.assertTrue(found.published)
        self.assertEqual(self.held(), ["train_32x32.mat"])
        said = printed.call_args_list[0].args[0]
        self.assertRegex(said, "Downloading SVHN train: 0 MB from file:")
        for path in self.paths:
            path.unlink()
        self.probe.return_value = "no route"
        data_files.assert_equal(self.store().load(SVHN, "train"), *data_files.svhn_arrays("train"))

    def test_extra_is_fetched_when_it_is_asked_for(self):
        self.assertLen(self.store().load(SVHN, "train+extra").labels, 25)
        self.assertEqual(self.held(), ["extra_32x32.mat", "train_32x32.mat"])

    def test_other_bytes_than_the_published_ones_are_refused(self):
        content = bytearray(self.paths[0].read_bytes())
        content[1000] ^= 1
        self.paths[0].write_bytes(content)
        with self.assertRaisesRegex(UserError, "could not be downloaded.*sha256.*--data=files"):
            self.store().load(SVHN, "train")

    def test_a_file_that_is_cut_short_is_fetched_again(self):
        self.store().load(SVHN, "train")
        path = self.folder / "downloads" / "dtn_tf" / "train_32x32.mat"
        path.write_bytes(path.read_bytes()[:-100])
        self.assertLen(self.store().load(SVHN, "train").labels, 12)

    def test_a_missing_file_says_what_else_there_is(self):
        self.paths[1].unlink()
        with self.assertRaisesRegex(UserError, "test_32x32.mat could not be.*--data=builtin"):
            self.store().load(SVHN, "test")

    def test_without_network_it_fails_before_trying(self):
        self.probe.return_value = "no route"
        with self.assertRaisesRegex(UserError, "SVHN train is not in.*no route.*--data=files"):
            self.store().load(SVHN, "train")

    def test_a_folder_that_cannot_be_written_to_is_no_place_for_a_download(self):
        self.folder.touch()
        with self.assertRaisesRegex(UserError, "tfds is a file"):
            self.store().load(SVHN, "train")

    def test_the_usual_splits_and_their_sizes_are_in_the_notice_until_they_are_there(self):
        size = publishers.size(250_000_000)
        with mock.patch.object(publishers, "size", return_value=size):
            self.assertIn("(250 MB)", self.store().notice)
        store = self.store()
        for split in ("train", "test"):
            store.load(SVHN, split)
        self.assertNotIn("file:", store.notice)


def _split(path):
    content = path.read_bytes()
    file = publishers.File(path.name, len(content), hashlib.sha256(content).hexdigest())
    return publishers.Split(data_files.SVHN_DIGITS[path.name.partition("_")[0]], (file,))
