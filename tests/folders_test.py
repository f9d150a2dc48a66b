import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import warnings
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image

from dtn_tf import threads
from dtn_tf.data import decode, decoded, folders, listing
from dtn_tf.errors import UserError
from tests import odd_images, testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_SLOW = """
import sys, time
from dtn_tf.data import decode, decoded, folders
decoded._PART_BYTES, true = 1, decode.from_bytes
def slow(*given):
    time.sleep(0.02)
    return true(*given)
decode.from_bytes = slow
folders.open_folder(sys.argv[1], 8, sys.argv[2])
"""


class FolderTestCase(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.folder, self.cache = self.directory / "photos", self.directory / "cache"
        self.folder.mkdir()
        self.out = self.enter_context(contextlib.redirect_stdout(io.StringIO()))
        self.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # Pillow's, of EXIF that cannot be read

    def add(self, *names, seed=0):
        for k, name in enumerate(names):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(testing.pixels(1, 3, 1000 * seed + k)[0]).save(path)

    def add_many(self, below, n, start=0):
        self.add(*(f"{below}{k}.png" for k in range(start, start + n)), seed=start + 1 + len(below))

    def open(self, size=8, **kwargs):
        return folders.open_folder(self.folder, size, self.cache, **kwargs)

    @contextlib.contextmanager
    def counted(self):
        """Yields a mock of what decodes, which still does."""
        with mock.patch.object(decode, "from_bytes", wraps=decode.from_bytes) as decoding:
            yield decoding


class OddFolderTest(FolderTestCase):
    def test_every_odd_image_is_the_square_that_read_makes(self):
        odd_images.write(self.folder, odd_images.IMAGES, odd_images.OTHERS, odd_images.HIDDEN)
        opened, seen = self.open(16), {}
        for split in listing.SPLITS:
            seen |= dict(zip(opened.paths(split), opened.load(split).pixels, strict=True))
        self.assertSameElements(seen, odd_images.IMAGES)
        for name, pixels in seen.items():
            self.assertAllEqual(pixels, decode.read(self.folder / name, 16))
        hidden = {name.split("/")[0] for name in odd_images.HIDDEN}
        self.assertIn(f"; left out: {len(hidden)} hidden", opened.notice)
        self.assertIn(f"; {len(odd_images.OTHERS)} other files", opened.notice)
        self.assertNotIn("broken", opened.notice)
        self.assertIn(
            "photos: .heic, .svg are not read; convert them to JPEG or PNG.", opened.warnings
        )
        self.assertIn(
            "photos: 3 images are smaller than asked for and were enlarged.", opened.warnings
        )

    def test_a_folder_without_an_image_for_the_test_is_warned_of(self):
        said = "photos: no image is for the test, so that no run can be scored on it."
        self.add_many("", 40)
        first = self.open()
        self.assertNotIn(said, first.warnings)
        for path in first.paths("test"):
            (self.folder / path).unlink()
        self.assertIn(said, self.open().warnings)

    def test_broken_ones_are_refused_by_name(self):
        odd_images.write(self.folder, odd_images.IMAGES, odd_images.BROKEN)
        num, total = len(odd_images.BROKEN), len(odd_images.BROKEN) + len(odd_images.IMAGES)
        expected = f"photos: {num} of {total} images are broken, more than 3 and 1%: bomb.png: "
        with self.assertRaisesRegex(UserError, f"{expected}.*, and {num - 5} more. Repair"):
            self.open(16)

    @parameterized.parameters((3, 20, True), (4, 20, False), (4, 396, True), (4, 395, False))
    def test_a_few_broken_ones_are_left_out(self, num_broken, num, is_fine):
        self.add_many("", num)
        for k in range(num_broken):
            (self.folder / f"torn {k}.png").write_bytes(b"\x89PNG")
        with contextlib.nullcontext() if is_fine else self.assertRaisesRegex(UserError, "torn 0"):
            self.assertRegex(self.open().notice, f"left out: {num_broken} broken .torn 0.png: ")

    def test_a_file_that_cannot_be_opened_is_refused_and_read_when_it_can(self):
        self.add_many("", 20)
        read = pathlib.Path.read_bytes

        def denied(path):
            if path.name == "3.png":
                raise PermissionError(13, "Permission denied")
            return read(path)

        with mock.patch.object(pathlib.Path, "read_bytes", denied):
            for _ in range(2):
                with self.assertRaisesRegex(UserError, "3.png cannot be read: Permission denied"):
                    self.open()
        self.assertNotIn("broken", self.open().notice)
        self.assertEqual(sum(self.open().counts.values()), 20)

    def test_names_that_are_no_text(self):
        self.add_many("", 20)
        os.rename(self.folder / "0.png", os.fsencode(self.folder) + b"/\xff.png")
        (self.folder / os.fsdecode(b"\xfe.png")).touch()
        opened = self.open()
        opened.notice.encode()
        self.assertIn(r"1 broken ('\udcfe.png': the file is empty)", opened.notice)
        self.assertIn("\udcff.png", sum((opened.paths(s) for s in ("train", "validation")), []))


class RefusedTest(FolderTestCase):
    def test_missing(self):
        with self.assertRaisesRegex(UserError, "nowhere does not exist; expected a folder"):
            folders.open_folder(self.directory / "nowhere", 8, self.cache)

    def test_a_file(self):
        (self.directory / "a.zip").touch()
        with self.assertRaisesRegex(UserError, "a.zip is a file; expected a folder of images"):
            folders.open_folder(self.directory / "a.zip", 8, self.cache)

    def test_empty(self):
        with self.assertRaisesRegex(UserError, "photos has no images. Name a folder"):
            self.open()
        self.assertFalse(self.cache.exists())

    def test_no_image_among_files(self):
        odd_images.write(self.folder, {"a.txt": b"", "b.txt": b"", ".c.png": b""})
        with self.assertRaisesRegex(UserError, "no images; left out: 1 hidden; 2 other files"):
            self.open()

    def test_too_few(self):
        self.add_many("train/", 9)
        self.add_many("test/", 9)
        self.add_many("val/", 9)
        with self.assertRaisesRegex(UserError, "9 images for training, 27 in all; at least 10"):
            self.open()
        self.add_many("train/", 10)
        self.assertEqual(self.open().counts["train"], 10)

    def test_few_are_warned_of(self):
        self.add_many("train/", 20)
        self.add_many("test/", 1)
        self.assertRegex(self.open().warnings[0], "photos: .* few; 500 or more are better")
        with mock.patch.object(folders.findings, "FEW", 10):
            self.assertEmpty(self.open(size=32).warnings)

    def test_a_folder_that_cannot_be_read(self):
        self.add_many("", 20)
        (self.folder / "private").mkdir()
        scan = os.scandir

        def denied(path):
            if str(path).endswith("private"):
                raise PermissionError(13, "Permission denied")
            return scan(path)

        with mock.patch.object(os, "scandir", denied):
            with self.assertRaisesRegex(UserError, "photos/private cannot be read: Permission"):
                self.open()

    def test_no_room(self):
        self.add_many("", 20)
        usage = mock.patch.object(shutil, "disk_usage", return_value=mock.Mock(free=100))
        with usage, self.assertRaisesRegex(UserError, "0 MB are free.*--cache_dir"):
            self.open()

    def test_a_split_that_is_none_or_empty(self):
        self.add_many("train/", 20)
        self.add_many("val/", 20)
        opened = self.open()
        with self.assertRaisesRegex(UserError, "'valid'; expected one of train, validation, test"):
            opened.load("valid")
        self.add_many("", 1)
        with mock.patch.object(listing, "SHARES", (100, 0, 0)):
            opened = self.open()
        with self.assertRaisesRegex(UserError, "no image for test. Add images .*or a folder test"):
            opened.load("test")


class WalkTest(FolderTestCase):
    def test_links_are_followed_and_loops_end(self):
        self.add_many("", 20)
        self.add_many("a/", 2)
        (self.folder / "a" / "up").symlink_to(self.folder)
        (self.folder / "b").symlink_to(self.folder / "a")
        (self.folder / "itself").symlink_to(self.folder / "itself")
        (self.folder / "gone.png").symlink_to(self.folder / "nothing")
        (self.directory / "elsewhere").mkdir()
        Image.fromarray(testing.pixels(1, 3, 99)[0]).save(self.directory / "elsewhere" / "c.png")
        (self.folder / "c").symlink_to(self.directory / "elsewhere")
        (self.folder / "d.png").symlink_to(self.directory / "elsewhere" / "c.png")
        opened = self.open()
        self.assertEqual(sum(opened.counts.values()), 24)
        self.assertIn("2 other files (2 links to nothing, devices)", opened.notice)

    def test_a_pipe_is_not_waited_for(self):
        self.add_many("", 20)
        os.mkfifo(self.folder / "pipe.png")
        self.assertIn("1 links to nothing, devices", self.open().notice)


def _arranged(*names, shares=(100, 0, 0)):
    """Returns path -> (split, class or None) of images, all for training unless a folder says."""
    with mock.patch.object(listing, "SHARES", shares):
        found = listing.arrange(names, [f"{k:x}" for k in range(len(names))])
    classes = [*found.classes, None]
    rows = zip(names, found.splits, found.labels, strict=True)
    return {name: ([*listing.SPLITS, "out"][s], classes[label]) for name, s, label in rows}, found


class ArrangeTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("flat", {"a": ("train", None), "b": ("train", None)}),
        ("classes", {"x/a": ("train", "x"), "y/a": ("train", "y")}),
        ("deeper_than_classes", {"x/1/a": ("train", "x"), "x/a": ("train", "x"),
                                 "y/2/a": ("train", "y")}),
        ("one_folder", {"x/a": ("train", None), "x/b": ("train", None)}),
        ("classes_in_one_folder", {"all/x/a": ("train", "x"), "all/y/a": ("train", "y")}),
        ("mixed", {"x/a": ("train", None), "y/a": ("train", None), "a": ("train", None)}),
        ("splits", {"train/a": ("train", None), "val/a": ("validation", None),
                    "test/a": ("test", None)}),
        ("splits_in_any_case", {"TRAIN/a": ("train", None), "Valid/a": ("validation", None),
                                "Testing/a": ("test", None)}),
        ("splits_in_one_folder", {"v1/data/train/a": ("train", None),
                                  "v1/data/validation/a": ("validation", None)}),
        ("train_alone", {"train/a": ("train", None), "train/b": ("train", None)}),
        ("outside_of_train", {"train/a": ("train", None), "more/a": ("out", None),
                              "a": ("out", None)}),
        ("test_beside_the_rest", {"a": ("train", None), "x/b": ("train", None),
                                  "test/a": ("test", None)}),
        ("classes_of_splits", {"train/x/a": ("train", "x"), "train/y/a": ("train", "y"),
                               "val/y/a": ("validation", "y"), "test/x/a": ("test", "x"),
                               "test/y/1/a": ("test", "y")}),
        ("test_beside_classes", {"x/a": ("train", "x"), "y/b": ("train", "y"),
                                 "test/x/a": ("test", "x")}),
        ("unlabelled_test", {"train/x/a": ("train", "x"), "train/y/a": ("train", "y"),
                             "test/a": ("test", None), "test/b": ("test", None)}),
        ("a_file_named_test", {"test": ("train", None), "train": ("train", None)}),
        ("one_way_to_write_a_name", {"train/\u00e9/a": ("train", "\u00e9"),
                                     "train/b/a": ("train", "b"),
                                     "test/e\u0301/a": ("test", "\u00e9")}),
    )  # fmt: skip
    def test_folders_decide(self, expected):
        self.assertEqual(_arranged(*expected)[0], expected)

    def test_classes_are_sorted(self):
        self.assertEqual(_arranged("b/1", "a/1", "C/1", "10/1", "9/1")[1].classes,
                         ["10", "9", "C", "a", "b"])  # fmt: skip

    def test_what_is_not_said_by_folders_is_drawn_by_hash(self):
        names = [f"{k}.png" for k in range(100)]
        drawn, found = _arranged(*names, shares=(80, 10, 10))
        for k, name in enumerate(names):
            split = "train" if k < 80 else "validation" if k < 90 else "test"
            self.assertEqual(drawn[name], (split, None))
        self.assertEmpty(found.given)

    def test_a_split_with_a_folder_gets_no_other_image(self):
        names = [f"train/{k}.png" for k in range(100)] + ["test/a.png"]
        drawn, found = _arranged(*names, shares=(80, 10, 10))
        self.assertEqual(found.given, ["train", "test"])
        self.assertEqual([name for name, (s, _) in drawn.items() if s == "test"], ["test/a.png"])
        self.assertEqual(found.splits.count(1), 10)

    @parameterized.parameters(
        ("test/z/a", "test has the class folder z, and the classes of training are x, y"),
        ("test/a", "test has images in no class, and the classes"),
    )
    def test_classes_that_do_not_fit(self, name, problem):
        found = _arranged("train/x/a", "train/y/a", "test/x/a", name)[1]
        self.assertStartsWith(found.problem, problem)

    def test_more_folders_than_classes_can_be(self):
        found = _arranged(*(f"{k}/a" for k in range(257)))[1]
        self.assertEqual((found.classes, found.labelled), ([], []))
        self.assertEqual(found.note, "257 folders are more than 256 classes")


class SetTest(FolderTestCase):
    def test_what_a_split_is(self):
        for name in ("cat", "dog"):
            self.add_many(f"{name}/", 20)
        opened = self.open(channels=1, title="pets")
        train = opened.load("train")
        self.assertIsInstance(train.pixels, np.memmap)
        self.assertFalse(train.pixels.flags.writeable)
        self.assertEqual(train.pixels.shape[1:], (8, 8, 1))
        self.assertEqual((train.title, train.classes), ("pets train", ("cat", "dog")))
        for path, label, pixels in zip(
            opened.paths("train"), train.labels, train.pixels, strict=True
        ):
            self.assertEqual(path.split("/")[0], train.classes[label])
            self.assertAllEqual(pixels, decode.read(self.folder / path, 8, 1))
        self.assertIn("photos: 40 images (train ", opened.notice)
        self.assertIn(", 2 classes (cat, dog).", opened.notice)
        self.assertRegex(opened.describe("train"), f"^{len(train)} images in .*train.npy$")
        self.assertLen(opened.load("train", 5), 5)
        self.assertAllEqual(opened.load("train", 5).pixels, train.pixels[:5])

    def test_classes_that_do_not_fit_are_refused(self):
        for name in ("train/x/", "train/y/", "test/x/", "test/z/"):
            self.add_many(name, 12)
        with self.assertRaisesRegex(UserError, "photos: test has the class folder z.*Name them"):
            self.open()

    def test_any_part_is_a_random_choice(self):
        for name in ("a", "b"):
            self.add_many(f"{name}/", 60)
        labels = self.open().load("train").labels
        self.assertBetween(labels[: len(labels) // 2].mean(), 0.3, 0.7)

    def test_an_image_keeps_its_split_when_others_come(self):
        self.add_many("", 60)
        before = self.splits(self.open())
        self.add_many("", 60, start=60)
        (self.folder / "0.png").rename(self.folder / "renamed.png")
        after = self.splits(self.open())
        before["renamed.png"] = before.pop("0.png")
        self.assertEqual({name: after[name] for name in before}, before)
        self.assertLen(after, 120)
        self.assertLen(set(after.values()), 3)

    def splits(self, opened):
        return {path: split for split in listing.SPLITS for path in opened.paths(split)}


class CacheTest(FolderTestCase):
    def test_second_start_opens_no_image_and_gives_the_same(self):
        self.add_many("", 30)
        first = self.open().load("train")
        with self.counted() as decoding, mock.patch.object(pathlib.Path, "read_bytes") as reading:
            second = self.open().load("train")
        decoding.assert_not_called()
        reading.assert_not_called()
        self.assertEqual(first.fingerprint(), second.fingerprint())

    @parameterized.parameters({"size": 9}, {"channels": 1}, {"fit": "pad"})
    def test_another_rule_is_another_cache(self, **kwargs):
        self.add_many("", 30)
        self.open()
        with self.counted() as decoding:
            self.open(**kwargs)
        self.assertEqual(decoding.call_count, 30)

    @parameterized.parameters((decode, "RECIPE"), (folders.PIL, "__version__"))
    def test_other_code_is_another_cache(self, module, name):
        self.add_many("", 30)
        self.open()
        with mock.patch.object(module, name, "other"), self.counted() as decoding:
            self.open()
        self.assertEqual(decoding.call_count, 30)

    def test_equal_names_and_sizes_elsewhere_are_another_cache(self):
        for seed, name in enumerate(("one", "two")):
            (self.directory / name).mkdir()
            for k in range(20):
                path = self.directory / name / f"{k}.bmp"
                Image.fromarray(testing.pixels(1, 3, 100 * seed + k)[0]).save(path)
                os.utime(path, (0, 0))
        one, two = (
            folders.open_folder(self.directory / name, 8, self.cache).load("train")
            for name in ("one", "two")
        )
        self.assertNotEqual(one.fingerprint(), two.fingerprint())

    def test_only_what_is_new_or_changed_is_decoded(self):
        self.add_many("", 30)
        self.open()
        self.add_many("", 5, start=30)
        (self.folder / "7.png").unlink()
        self.add("8.png", seed=77)
        os.utime(self.folder / "8.png", (1, 1))
        with self.counted() as decoding:
            opened = self.open()
        self.assertEqual(decoding.call_count, 6)
        self.assertEqual(sum(opened.counts.values()), 34)
        for split in listing.SPLITS:
            for path, pixels in zip(opened.paths(split), opened.load(split).pixels, strict=True):
                self.assertAllEqual(pixels, decode.read(self.folder / path, 8))

    def test_a_note_beside_the_images_changes_nothing(self):
        self.add_many("", 30)
        self.open()
        (self.folder / "notes.txt").touch()
        with self.counted() as decoding:
            self.assertIn("1 other files (1 .txt)", self.open().notice)
        decoding.assert_not_called()

    def test_a_file_that_changes_meanwhile_is_not_taken(self):
        self.add_many("", 20)
        walk = listing.walk

        def late(path):
            found = walk(path)
            with open(self.folder / "3.png", "ab") as file:
                file.write(b"more")
            return found

        with mock.patch.object(listing, "walk", late):
            self.assertIn("3.png: it changed while the folder was read", self.open().notice)
        self.assertNotIn("broken", self.open().notice)

    def test_broken_ones_are_not_decoded_again_to_be_refused(self):
        self.add_many("", 20)
        for k in range(9):
            (self.folder / f"torn {k}.png").write_bytes(b"\x89PNG")
        with self.assertRaisesRegex(UserError, "9 of 29 images are broken"):
            self.open()
        with self.counted() as decoding, self.assertRaisesRegex(UserError, "9 of 29 images"):
            self.open()
        decoding.assert_not_called()
        for k in range(9):
            (self.folder / f"torn {k}.png").unlink()
        with self.counted() as decoding:
            self.assertEqual(sum(self.open().counts.values()), 20)
        decoding.assert_not_called()

    @parameterized.parameters("train.npy", "test.npy", "train-labels.npy", "about.json")
    def test_a_torn_cache_is_made_again(self, name):
        self.add_many("", 20)
        first = self.open()
        expected = np.array(first.load("train").pixels)
        path = first.directory / name
        path.write_bytes(path.read_bytes()[:-9])
        self.assertAllEqual(self.open().load("train").pixels, expected)
        self.assertRegex(self.out.getvalue(), f"{name} .*Making .* again")

    def test_nothing_but_the_cache_is_left(self):
        self.add_many("", 30)
        names = {path.name for path in self.open().directory.iterdir()}
        self.assertEqual(
            names,
            {f"{split}{kind}.npy" for split in listing.SPLITS for kind in ("", "-labels")}
            | {"images.json", "about.json", "made.json", "lock"},
        )

    def test_a_bug_is_not_taken_for_a_broken_image(self):
        self.add_many("", 20)
        with mock.patch.object(decode, "from_bytes", side_effect=ZeroDivisionError):
            with self.assertRaises(ZeroDivisionError):
                self.open()

    def test_a_killed_start_goes_on_where_it_was(self):
        self.add_many("", 120)
        command = (sys.executable, "-c", _SLOW, self.folder, self.cache)
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        for _ in range(6000):
            if len(list(self.cache.glob("*/checkpoints/[0-9]*.json"))) >= 2:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        parts = len(list(self.cache.glob("*/checkpoints/[0-9]*.json")))
        self.assertBetween(parts, 2, 7)
        self.assertEmpty(list(self.cache.glob("*/made.json")))
        with self.counted() as decoding, mock.patch.object(decoded, "_PART_BYTES", 1):
            opened = self.open()
        self.assertEqual(decoding.call_count, 120 - 16 * parts)
        self.assertIn(f"resumed, {parts} of 8 parts are decoded", self.out.getvalue())
        fresh = folders.open_folder(self.folder, 8, self.directory / "fresh")
        for split in listing.SPLITS:
            self.assertEqual(opened.load(split).fingerprint(), fresh.load(split).fingerprint())
            self.assertEqual(opened.paths(split), fresh.paths(split))

    def test_progress_tells_the_time_left(self):
        self.add_many("", 20)
        with mock.patch.object(threads, "_SAY_EVERY", 0.0):
            self.open()
        self.assertRegex(
            self.out.getvalue(), r"photos: decoded 7 of 20 images  [\d,]+ images/s  ETA 0:0\d"
        )

    def test_facts_of_every_image_are_in_one_file(self):
        self.add_many("", 20)
        opened = self.open()
        columns = json.loads((opened.directory / "images.json").read_text())
        self.assertSameElements(
            columns, ["path", "bytes", "mtime_ns", "hash", "small", "gray", "split", "label", "row"]
        )
        self.assertLen(columns["path"], 20)
        k = columns["path"].index("3.png")
        facts = os.stat(self.folder / "3.png")
        self.assertEqual(
            (columns["bytes"][k], columns["mtime_ns"][k]), (facts.st_size, facts.st_mtime_ns)
        )
        self.assertEqual(columns["hash"][k], decoded.files.hash_of(self.folder / "3.png"))
