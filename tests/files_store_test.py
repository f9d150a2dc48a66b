"""The publishers' own files, and everything that can be wrong with them."""

import dataclasses
import gzip
import hashlib
import pathlib
import tracemalloc
from unittest import mock

import numpy as np
from absl.testing import parameterized

from dtn_tf import images as images_lib
from dtn_tf.data import publishers, stores
from dtn_tf.data.domains import MNIST, SVHN
from dtn_tf.errors import UserError
from tests import data_files, testing


class FilesTest(testing.TestCase):
    def store(self):
        return stores.open_store("files", str(self.directory), None)

    def assert_wrong(self, path, found, domain=SVHN):
        """Loading must name the file, what was found, and what to do."""
        with self.assertRaises(UserError) as caught:
            self.store().load(domain, "train")
        message = str(caught.exception)
        self.assertIn(str(path), message)
        self.assertRegex(message, found)
        self.assertRegex(message, "[Ee]xpected")
        self.assertIn(f"Download it again from {publishers.URLS[domain.name]}", message)
        self.assertIn("--data=builtin", message)

    @parameterized.product(split=("train", "test", "extra"), compressed=(False, True))
    def test_svhn_comes_back_exactly_with_ten_as_zero(self, split, compressed):
        data_files.write_svhn(self.directory, split, compressed)
        found = self.store().load(SVHN, split)
        images, labels = data_files.svhn_arrays(split)
        self.assertIn(0, labels)
        data_files.assert_equal(found, images, labels)
        self.assertEqual(found.title, f"SVHN {split}")
        self.assertTrue(found.pixels.flags.c_contiguous)

    def test_svhn_is_turned_in_parts_without_a_seam(self):
        random = np.random.default_rng(0)
        x = random.integers(0, 256, (32, 32, 3, 4099), np.uint8)  # parts hold 4096
        data_files.write_svhn(self.directory, X=x, y=np.ones((4099, 1), np.uint8))
        found = self.store().load(SVHN, "train")
        np.testing.assert_array_equal(found.pixels, x.transpose(3, 0, 1, 2))

    @parameterized.product(split=("train", "test"), packed=(False, True), infix=("-idx", ".idx"))
    def test_mnist_comes_back_gray_and_resized(self, split, packed, infix):
        data_files.write_mnist(self.directory, split, packed, infix)
        found = self.store().load(MNIST, split)
        images, labels = data_files.mnist_arrays()
        data_files.assert_equal(found, images_lib.resize(images[..., np.newaxis], 32), labels)
        self.assertEqual(found.pixels.shape, (20, 32, 32, 1))
        self.assertEqual(found.title, f"MNIST {split}")

    def test_a_file_that_a_browser_unpacked_keeps_its_name_and_is_read(self):
        for path in data_files.write_mnist(self.directory):
            path.write_bytes(gzip.decompress(path.read_bytes()))
        self.assertLen(self.store().load(MNIST, "train").labels, 20)

    def test_train_is_the_tail_of_train_and_extra(self):
        for split in ("train", "extra"):
            data_files.write_svhn(self.directory, split)
        both = self.store().load(SVHN, "train+extra")
        parts = [data_files.svhn_arrays(split) for split in ("extra", "train")]
        data_files.assert_equal(both, *(np.concatenate(p) for p in zip(*parts, strict=True)))
        train = self.store().load(SVHN, "train")
        tails = [digits.split_tail(5)[1] for digits in (both, train)]
        data_files.assert_equal(tails[0], tails[1].pixels, tails[1].labels)
        self.assertEqual(both.title, "SVHN train+extra")

    def test_describe_names_files_and_sizes_without_reading_them(self):
        data_files.write_svhn(self.directory, "extra")
        (self.directory / "train_32x32.mat").write_bytes(b"?" * 1_500_000)
        found = self.store().describe(SVHN, "train+extra")
        self.assertRegex(found, r"extra_32x32.mat \(0.0 MB\), then .*train_32x32.mat \(1.5 MB\)")

    def test_describe_raises_what_load_would_for_a_missing_file(self):
        (self.directory / "readme.txt").touch()
        for call in (self.store().describe, self.store().load):
            with self.assertRaisesRegex(
                UserError, "t10k-images-idx3-ubyte.gz is missing.*readme.txt.*Expected"
            ):
                call(MNIST, "test")

    def test_an_empty_folder_is_said_to_be_empty(self):
        with self.assertRaisesRegex(UserError, "train_32x32.mat.*holds nothing"):
            self.store().load(SVHN, "train")

    def test_missing_labels_are_missed_too(self):
        data_files.write_mnist(self.directory)[1].unlink()
        with self.assertRaisesRegex(UserError, "train-labels-idx1-ubyte.gz"):
            self.store().describe(MNIST, "train")

    def test_the_folder_must_be_given_exist_and_be_one(self):
        with self.assertRaisesRegex(UserError, "--data=files needs --data_dir"):
            stores.open_store("files", None, None)
        with self.assertRaisesRegex(UserError, "nowhere does not exist"):
            stores.open_store("files", self.directory / "nowhere", None)
        path = data_files.write_svhn(self.directory)
        with self.assertRaisesRegex(UserError, "train_32x32.mat is a file"):
            stores.open_store("files", path, None)

    @parameterized.parameters(
        (SVHN, "valid", "'valid'; expected one of train, test, extra"),
        (MNIST, "extra", "MNIST has no split 'extra' .* it has train, test"),
        (MNIST, "train+extra", "MNIST has no split"),
    )
    def test_unknown_splits_are_refused(self, domain, split, message):
        for call in (self.store().load, self.store().describe):
            with self.assertRaisesRegex(UserError, message):
                call(domain, split)

    @parameterized.named_parameters(
        ("no_x", {"X": None}, "no variable X"),
        ("no_y", {"y": None}, "no variable y"),
        ("gray", {"X": np.zeros((32, 32, 12), np.uint8)}, r"X uint8 \(32, 32, 12\)"),
        ("n_first", {"X": np.zeros((12, 32, 32, 3), np.uint8)}, r"X uint8 \(12, 32, 32, 3\)"),
        ("floats", {"X": np.zeros((32, 32, 3, 12), np.float32)}, "X float32"),
        ("float_y", {"y": np.ones((12, 1))}, "y float64"),
        ("flat_y", {"y": np.ones((1, 12), np.uint8)}, r"y uint8 \(1, 12\)"),
        ("few_y", {"y": np.ones((9, 1), np.uint8)}, "9 labels for the 12 images"),
        ("zero", {"y": np.zeros((12, 1), np.uint8)}, "labels from 0 to 0"),
        ("eleven", {"y": np.full((12, 1), 11, np.uint8)}, "labels from 11 to 11"),
        (
            "none",
            {"X": np.zeros((32, 32, 3, 0), np.uint8), "y": np.zeros((0, 1), np.uint8)},
            "0 images",
        ),
    )
    def test_other_mat_contents_are_refused(self, changes, found):
        path = data_files.write_svhn(self.directory, **changes)
        self.assert_wrong(path, found)

    @parameterized.named_parameters(
        ("empty", lambda content: b""),
        ("text", lambda content: b"<html>not found</html>" * 40),
        ("hdf5", lambda content: b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + content[128:]),
        ("truncated", lambda content: content[: len(content) // 2]),
        ("cut_header", lambda content: content[:100]),
    )
    def test_what_is_no_whole_mat_file_is_refused(self, damage):
        for compressed in (False, True):
            path = data_files.write_svhn(self.directory, compressed=compressed)
            path.write_bytes(damage(path.read_bytes()))
            self.assert_wrong(path, "cannot be read.*a whole MATLAB 5 file")

    def test_a_flipped_byte_in_a_compressed_mat_file_is_noticed(self):
        path = data_files.write_svhn(self.directory, compressed=True)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
        self.assert_wrong(path, "cannot be read")

    IMAGES, LABELS = map(data_files.idx, data_files.mnist_arrays())

    @parameterized.named_parameters(
        ("empty", b"", r"first bytes \(none\).*00 00 08 03"),
        ("labels", LABELS, "first bytes 00 00 08 01.*00 00 08 03"),
        ("text", b"<html>", "first bytes 3c 68 74 6d"),
        ("cut_header", IMAGES[:9], "9 bytes, expected a header of 16 bytes"),
        ("size", data_files.idx(np.zeros((20, 32, 32))), r"\(20, 32, 32\).*\('n', 28, 28\)"),
        ("truncated", IMAGES[:-1], "15,695 bytes unpacked, expected 15,696 for 20 items"),
        ("trailing", IMAGES + b"\0", "15,697 bytes unpacked or more, expected 15,696"),
        ("none", data_files.idx(np.zeros((0, 28, 28))), "0 images"),
    )
    def test_other_idx_images_are_refused(self, content, found):
        for packed in (True, False):
            path, labels = data_files.write_mnist(self.directory, packed=packed, images=content)
            self.assert_wrong(path, found, MNIST)
            path.unlink()
            labels.unlink()

    @parameterized.named_parameters(
        ("images", IMAGES, "first bytes 00 00 08 03.*00 00 08 01"),
        ("few", data_files.idx(np.zeros(19)), "19 labels for the 20 images"),
        ("many", data_files.idx(np.zeros(21)), "21 labels for the 20 images"),
        ("ten", data_files.idx(np.full(20, 10)), "labels from 10 to 10, expected 0 to 9"),
        ("truncated", LABELS[:-3], "25 bytes unpacked, expected 28 for 20 items"),
    )
    def test_other_idx_labels_are_refused(self, content, found):
        path = data_files.write_mnist(self.directory, labels=content)[1]
        self.assert_wrong(path, found, MNIST)

    @parameterized.named_parameters(
        ("truncated", lambda content: content[: len(content) // 2]),
        ("no_checksum", lambda content: content[:-8]),
        ("cut_header", lambda content: content[:5]),
        ("flipped", lambda content: content[:-6] + bytes([content[-6] ^ 255]) + content[-5:]),
        ("trailing", lambda content: content + b"more"),
    )
    def test_damaged_gzip_is_refused(self, damage):
        for k in (0, 1):
            path = data_files.write_mnist(self.directory)[k]
            path.write_bytes(damage(path.read_bytes()))
            self.assert_wrong(path, "damaged gzip data", MNIST)


class BombTest(testing.TestCase):
    """Small files that would unpack to much."""

    def load(self, domain, message):
        tracemalloc.start()
        try:
            with self.assertRaisesRegex(UserError, message):
                stores.open_store("files", self.directory, None).load(domain, "train")
            self.assertLess(tracemalloc.get_traced_memory()[1], 8 << 20)
        finally:
            tracemalloc.stop()

    def test_an_idx_file_is_unpacked_as_far_as_its_header_says(self):
        content = data_files.idx(data_files.mnist_arrays()[0]) + bytes(1 << 26)
        path = data_files.write_mnist(self.directory, images=content)[0]
        self.assertLess(path.stat().st_size, 100_000)
        self.load(MNIST, "15,697 bytes unpacked or more, expected 15,696 for 20 items")

    def test_an_idx_header_may_not_ask_for_more_than_was_published(self):
        header = bytes((0, 0, 8, 3)) + np.array([10**9, 28, 28], ">u4").tobytes()
        data_files.write_mnist(self.directory, images=header + bytes(1 << 26))
        self.load(MNIST, "1,000,000,000 items, expected at most 66,000")

    def test_a_mat_file_may_not_hold_more_than_was_published(self):
        x = np.zeros((32, 32, 3, 10_000), np.uint8)
        path = data_files.write_svhn(self.directory, compressed=True, X=x)
        self.assertLess(path.stat().st_size, 100_000)
        few = publishers.Split(100, publishers.SPLITS["svhn"]["train"].files)
        with mock.patch.dict(publishers.SPLITS["svhn"], train=few):
            self.load(SVHN, "X has 30,720,000 bytes, at most 337,920 are expected")


class PublishedTest(testing.TestCase):
    """Whether the bytes are the publisher's."""

    def publish(self, domain, split, paths, contents):
        """Has these files be the published ones."""
        files = tuple(
            publishers.File(path.name, path.stat().st_size, _sha256(path.read_bytes()), unpacked)
            for path, unpacked in zip(paths, contents, strict=True)
        )
        there = publishers.SPLITS[domain.name]
        images = {"svhn": 12, "mnist": 20}[domain.name]
        self.enter_context(mock.patch.dict(there, {split: publishers.Split(images, files)}))
        return stores.open_store("files", self.directory, None)

    def test_svhn_as_published_is_said_to_be(self):
        path = data_files.write_svhn(self.directory)
        store = self.publish(SVHN, "train", [path], [""])
        self.assertTrue(store.load(SVHN, "train").published)
        self.assertEndsWith(store.notice, "SVHN train: the published bytes.")
        self.assertEmpty(store.warnings())

    def test_one_flipped_pixel_is_noticed(self):
        path = data_files.write_svhn(self.directory)
        store = self.publish(SVHN, "train", [path], [""])
        content = bytearray(path.read_bytes())
        content[1000] ^= 1
        path.write_bytes(content)
        with mock.patch("builtins.print") as printed:
            found = store.load(SVHN, "train")
        self.assertFalse(found.published)
        line = (
            "SVHN train: NOT the published bytes (12 images, as many as in the publisher's file)."
        )
        self.assertEqual(store.warnings(), [line])
        printed.assert_called_once_with(line, flush=True)
        self.assertEndsWith(store.notice, line)

    @parameterized.product(packed=(True, False), level=(1, 9))
    def test_mnist_is_known_by_what_is_in_its_files(self, packed, level):
        paths = data_files.write_mnist(self.directory)
        contents = [gzip.decompress(path.read_bytes()) for path in paths]
        store = self.publish(MNIST, "train", paths, map(_sha256, contents))
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(gzip.compress(content, level) if packed else content)
        self.assertTrue(store.load(MNIST, "train").published)

    def test_one_changed_label_of_mnist_is_noticed(self):
        paths = data_files.write_mnist(self.directory)
        contents = [gzip.decompress(path.read_bytes()) for path in paths]
        store = self.publish(MNIST, "train", paths, map(_sha256, contents))
        other = contents[1][:-1] + bytes([contents[1][-1] ^ 1])
        paths[1].write_bytes(gzip.compress(other))
        self.assertFalse(store.load(MNIST, "train").published)

    def test_a_shorter_file_says_how_many_images_the_publisher_has(self):
        data_files.write_svhn(self.directory, "test")
        store = stores.open_store("files", self.directory, None)
        part = store.load(SVHN, "test", num=5)
        self.assertFalse(part.published)
        self.assertEqual(part.title, "SVHN test[:5]")
        self.assertIn("NOT the published bytes (11 images, 26,032 in the", store.notice)

    def test_the_facts_are_those_of_tensorflow_datasets(self):
        import tensorflow_datasets as tfds

        folder = pathlib.Path(tfds.__file__).parent
        lines = (folder / "url_checksums/mnist.txt").read_text()
        lines += (folder / "datasets/svhn_cropped/checksums.tsv").read_text()
        listed = [line.split("\t")[:3] for line in lines.splitlines()]
        ours = [
            [publishers.URLS[name] + file.name, str(file.num_bytes), file.sha256]
            for name, splits in publishers.SPLITS.items()
            for split in splits.values()
            for file in split.files
        ]
        self.assertCountEqual(ours, listed)

    def test_facts_cannot_be_changed(self):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            publishers.SPLITS["svhn"]["train"].images = 0


def _sha256(content):
    return hashlib.sha256(content).hexdigest()
