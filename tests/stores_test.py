"""Which store is opened, and what every store does alike."""

from unittest import mock

import numpy as np
from absl.testing import parameterized

from dtn_tf.data import publishers, reachable, stores
from dtn_tf.data.domains import MNIST, SVHN
from dtn_tf.errors import UserError
from tests import data_files, testing


class AutoTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.directory / "tfds"

    def open(self, reason):
        with mock.patch.object(reachable, "why_not", return_value=reason) as self.probe:
            return stores.open_store("auto", str(self.folder), str(self.directory))

    def prepare(self, *names):
        for name in names:
            folder = self.folder / name / "3.1.0"
            folder.mkdir(parents=True)
            (folder / "dataset_info.json").touch()

    def test_prepared_data_is_taken_without_asking_the_network(self):
        self.prepare("svhn_cropped", "mnist")
        store = self.open("never asked")
        self.assertEqual(store.name, "tfds")
        self.assertStartsWith(store.notice, "data: tfds (it is there")
        self.assertNotIn("downloaded", store.notice)
        self.probe.assert_not_called()

    def test_a_reachable_publisher_means_tfds_and_the_download_is_said_with_its_size(self):
        store = self.open(None)
        self.assertEqual(store.name, "tfds")
        self.assertIn(f"{publishers.URLS['svhn']} (246 MB)", store.notice)
        self.assertIn(f"{publishers.URLS['mnist']} (12 MB)", store.notice)
        self.assertEqual(
            self.probe.call_args.args[0],
            [
                publishers.URLS["svhn"] + "train_32x32.mat",
                publishers.URLS["mnist"] + "train-images-idx3-ubyte.gz",
            ],
        )

    def test_no_network_means_drawn_digits_and_the_notice_says_how_to_get_real_ones(self):
        store = self.open("no answer within 10 s")
        self.assertEqual(store.name, "builtin")
        self.assertStartsWith(store.notice, "data: builtin (FALLBACK to DRAWN digits: svhn_cropped")
        for part in (
            "no answer within 10 s",
            "--data=tfds",
            "(258 MB)",
            "--data=files --data_dir=FOLDER",
            "train_32x32.mat, test_32x32.mat",
            "t10k-labels-idx1-ubyte.gz",
            publishers.URLS["svhn"],
            "DRAWN street digits and 5,000 real MNIST digits, not SVHN",
        ):
            self.assertIn(part, store.notice)

    def test_half_prepared_asks_for_the_other_half_only(self):
        self.prepare("svhn_cropped")
        store = self.open("no route")
        self.assertEqual(store.name, "builtin")
        self.assertIn("digits: mnist not in", store.notice)
        self.assertLen(self.probe.call_args.args[0], 1)

    def test_a_folder_that_cannot_be_written_to_is_no_place_for_a_download(self):
        self.folder.touch()
        store = self.open(None)
        self.assertEqual(store.name, "builtin")
        self.assertIn("tfds is a file", store.notice)

    @parameterized.parameters("svhn", "mnist", "unpacked")
    def test_publishers_files_in_the_folder_are_taken_without_asking_the_network(self, kind):
        self.folder.mkdir()
        if kind == "svhn":
            data_files.write_svhn(self.folder)
        else:
            data_files.write_mnist(self.folder, packed=kind == "mnist", infix=".idx")
        store = self.open("no route")
        self.assertEqual(store.name, "files")
        self.assertIn("(--data_dir holds the publishers' files)", store.notice)
        self.probe.assert_not_called()

    def test_files_that_lack_are_named_not_replaced_by_drawn_ones(self):
        self.folder.mkdir()
        data_files.write_svhn(self.folder)
        with self.assertRaisesRegex(UserError, "t10k-images-idx3-ubyte.gz is missing"):
            self.open("no route").load(MNIST, "test")

    @parameterized.parameters("tfds", "builtin")
    def test_what_is_asked_for_is_given_without_asking_the_network(self, data):
        with mock.patch.object(reachable, "why_not") as probe:
            store = stores.open_store(data, None, self.directory)
        self.assertEqual(store.name, data)
        self.assertStartsWith(store.notice, f"data: {data} (as asked)")
        probe.assert_not_called()

    def test_other_names_are_refused(self):
        with self.assertRaisesRegex(UserError, "data='kaggle'; expected one of auto, tfds"):
            stores.open_store("kaggle", None, None)


class LoadTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        for split in ("train", "extra"):
            data_files.write_svhn(self.directory, split)
        self.store = stores.open_store("files", self.directory, None)

    def test_pictures_come_with_classes_title_and_the_domains_size(self):
        data_files.write_mnist(self.directory)
        found = self.store.load(MNIST, "train")
        self.assertEqual(found.pixels.shape, (20, 32, 32, 1))
        self.assertEqual((found.title, found.classes), ("MNIST train", MNIST.classes))

    def test_a_split_is_read_once(self):
        first = self.store.load(SVHN, "train")
        (self.directory / "train_32x32.mat").unlink()
        self.assertIs(self.store.load(SVHN, "train"), first)

    def test_num_takes_the_first_of_each_part(self):
        found = self.store.load(SVHN, "train+extra", num=5)
        parts = [data_files.svhn_arrays(split) for split in ("extra", "train")]
        pixels, labels = (np.concatenate([a[:5] for a in p]) for p in zip(*parts, strict=True))
        data_files.assert_equal(found, pixels, labels)
        self.assertEqual(found.title, "SVHN extra[:5]+SVHN train[:5]")

    def test_a_cut_does_not_keep_the_whole_in_memory(self):
        self.assertIsNone(self.store.load(SVHN, "train", num=5).pixels.base)

    @parameterized.parameters(
        (SVHN, "valid", "'valid'; expected one of train, test, extra"),
        (MNIST, "extra", "MNIST has no split 'extra' .* it has train, test"),
    )
    def test_unknown_splits_are_refused(self, domain, split, message):
        for call in (self.store.load, self.store.describe):
            with self.assertRaisesRegex(UserError, message):
                call(domain, split)
