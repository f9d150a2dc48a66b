"""Files into files: what is written, what is skipped, what is said."""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys
import types
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image

import dtn_tf
from dtn_tf import __main__, serving, translating
from dtn_tf.data import decode
from dtn_tf.errors import UserError
from tests import odd_images, painting, testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent


def _png(path):
    with Image.open(path) as image:
        return image.format, image.mode, np.asarray(image)


class TranslateTestCase(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.dtn = _dtn()
        self.photos, self.out = self.directory / "photos", self.directory / "out"
        pixels = testing.pixels(4, 3, seed=3)
        self.names = ("a", "b", "sub/c", "sub/deep/d")
        for name, image in zip(self.names, pixels, strict=True):
            path = self.photos / f"{name}.bmp"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).resize((48, 40), 0).save(path)
        self.expected = serving.translate(self.dtn, [self.photos / f"{n}.bmp" for n in self.names])

    def run_on(self, source=None, output=None, dtn=None, **how):
        """Returns the counts as a tuple, and what was printed."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            counts = translating.translate_files(
                dtn or self.dtn, source or self.photos, output or self.out, **how
            )
        return (counts.translated, counts.done_before, counts.failed), said.getvalue()

    def assert_near(self, found, expected):
        """Equal but for a level: sums are in another order in batches of another size."""
        self.assertLessEqual(painting.levels_apart(found.squeeze(), expected.squeeze()), 1)

    def written(self):
        return sorted(str(p.relative_to(self.out)) for p in self.out.rglob("*") if p.is_file())


def _dtn():
    if not _KEPT:
        _KEPT.append(painting.row())
    _KEPT[0].contract = painting.TERMS
    return _KEPT[0]


_KEPT = []


class FolderTest(TranslateTestCase):
    def test_files_are_the_arrays_that_translate_gives(self):
        counts, said = self.run_on()
        self.assertEqual(counts, (4, 0, 0))
        self.assertIn(f"4 translated into {self.out}", said)
        self.assertEqual(self.written(), [".dtn_tf.json", *(f"{n}.png" for n in self.names)])
        self.assertGreater(np.std(self.expected.astype(float), axis=0).max(), 5.0)
        for name, image in zip(self.names, self.expected, strict=True):
            file_format, mode, pixels = _png(self.out / f"{name}.png")
            self.assertEqual((file_format, mode), ("PNG", "L"))
            self.assertAllEqual(pixels, image[..., 0])

    def test_many_batches_are_as_one(self):
        with mock.patch.object(translating, "_PIXELS", 1):
            for k in range(20):
                Image.fromarray(testing.pixels(1, 3, seed=k)[0]).save(self.photos / f"n{k}.png")
            counts, _ = self.run_on()
        self.assertEqual(counts, (24, 0, 0))
        for k in (0, 7, 19):
            x = testing.pixels(1, 3, seed=k)
            self.assert_near(_png(self.out / f"n{k}.png")[2], serving.translate(self.dtn, x)[0])

    @parameterized.parameters(("crop", 40), ("pad", 48))
    def test_resized_to_the_square_that_was_read(self, fit, side):
        self.run_on(resize="input", fit=fit)
        paths = [self.photos / f"{name}.bmp" for name in self.names]
        small = serving.translate(self.dtn, paths, fit=fit)[1, ..., 0]
        large = Image.fromarray(small).resize((side, side), Image.Resampling.LANCZOS)
        self.assertAllEqual(_png(self.out / "b.png")[2], np.asarray(large))

    def test_fit_is_as_trained_unless_told(self):
        self.run_on(fit="pad")
        padded = _png(self.out / "b.png")[2]
        self.assertNotAllEqual(padded, self.expected[1, ..., 0])
        terms = serving.Contract("tiny", "0123456789abcdef", 3, "pad")
        with mock.patch.object(self.dtn, "contract", terms):
            self.run_on(output=self.directory / "again")
        self.assertAllEqual(_png(self.directory / "again" / "b.png")[2], padded)

    def test_odd_files_are_translated_and_broken_ones_named(self):
        folder = self.directory / "odd"
        tables = (odd_images.IMAGES, odd_images.BROKEN, odd_images.OTHERS, odd_images.HIDDEN)
        odd_images.write(folder, *tables)
        counts, said = self.run_on(folder)
        lines = [line for line in said.splitlines() if " cannot be read: " in line]
        self.assertEqual(counts, (len(odd_images.IMAGES), 0, len(odd_images.BROKEN)))
        self.assertCountEqual(
            [pathlib.Path(line.partition(" cannot")[0]).name for line in lines], odd_images.BROKEN
        )
        self.assertIn("1 files without a suffix are no images", said)  # README
        self.assertIn("share a name with another", said)
        self.assertLen(self.written(), len(odd_images.IMAGES) + 1)
        for name in ("turned_6.jpg", "Größe 猫 🐈.png"):
            expected = serving.translate(self.dtn, folder / name)[0]
            found = self.out / pathlib.Path(name).with_suffix(".png").name
            found = found if name.endswith(".png") else self.out / f"{name}.png"
            self.assert_near(_png(found)[2], expected)

    def test_contact_sheets_show_images_above_their_translations(self):
        for k in range(70):
            Image.fromarray(testing.pixels(1, 3, seed=k)[0]).save(self.photos / f"n{k:02}.png")
        _, said = self.run_on(grid=True)
        pages = sorted((self.out / "contact_sheets").iterdir())
        self.assertEqual([p.name for p in pages], ["page-0001.png", "page-0002.png"])
        self.assertIn("contact sheet 2 of 2", said)
        page = _png(pages[0])[2]
        self.assertEqual(page.shape, (2 * (16 * 34 + 2), 2 * (8 * 34 + 2), 3))
        cells = page[::2, ::2][2:, 2:]
        x = decode.read(self.photos / "b.bmp", 32)  # a.bmp, b.bmp, n00.png ...
        self.assertAllEqual(cells[:32, 34:66], x)
        self.assert_near(cells[34:66, 34:66], np.repeat(self.expected[1], 3, -1))
        again, _ = self.run_on(grid=True)
        self.assertEqual(again, (0, 74, 0))
        self.assertAllEqual(_png(pages[0])[2], page)

    def test_one_image_to_one_file(self):
        out = self.directory / "x" / "digit.png"
        counts, _ = self.run_on(self.photos / "b.bmp", out, grid=True)
        self.assertEqual(counts, (1, 0, 0))
        self.assert_near(_png(out)[2], self.expected[1])
        self.assertCountEqual(os.listdir(out.parent), ["digit.png", "digit-grid.png"])
        with self.assertRaisesRegex(UserError, "digit.png is there already; --overwrite"):
            self.run_on(self.photos / "a.bmp", out)
        self.run_on(self.photos / "a.bmp", out, overwrite=True)
        self.assert_near(_png(out)[2], self.expected[0])

    def test_a_wrong_size_word_is_refused(self):
        with self.assertRaisesRegex(UserError, "expected one of native, input"):
            self.run_on(resize="large")


class AgainTest(TranslateTestCase):
    def setUp(self):
        super().setUp()
        self.run_on()

    def times(self):
        return {name: (self.out / f"{name}.png").stat().st_mtime_ns for name in self.names}

    def test_what_is_done_is_left_alone(self):
        before = self.times()
        counts, said = self.run_on()
        self.assertEqual(counts, (0, 4, 0))
        self.assertIn("4 were done before", said)
        self.assertEqual(self.times(), before)

    def test_what_is_missing_or_older_than_its_image_is_made(self):
        before = self.times()
        (self.out / "a.png").unlink()
        later = before["sub/c"] + 10**9
        os.utime(self.photos / "sub" / "c.bmp", ns=(later, later))
        self.assertEqual(self.run_on()[0], (2, 2, 0))
        after = self.times()
        self.assertEqual([n for n in self.names if after[n] == before[n]], ["b", "sub/deep/d"])

    def test_other_weights_are_refused_and_nothing_is_touched(self):
        before = self.times()
        other = serving.Contract("other", "fedcba9876543210", 3, "crop")
        with mock.patch.object(self.dtn, "contract", other):
            with self.assertRaisesRegex(
                UserError, "translations by 'tiny'.*weights: there '0123.*now 'fedc.*--overwrite"
            ):
                self.run_on()
            self.assertEqual(self.times(), before)
            self.assertEqual(self.run_on(overwrite=True)[0], (4, 0, 0))
            self.assertEqual(self.run_on()[0], (0, 4, 0))
        with self.assertRaisesRegex(UserError, "translations by 'other'"):
            self.run_on()

    def test_other_weights_are_not_mixed_in_by_other_images(self):
        other = serving.Contract("other", "fedcba9876543210", 3, "crop")
        Image.fromarray(testing.pixels(1, 3)[0]).save(self.directory / "new.png")
        with mock.patch.object(self.dtn, "contract", other):
            with self.assertRaisesRegex(UserError, "translations by 'tiny'"):
                self.run_on(self.directory / "new.png")

    @parameterized.parameters({"fit": "pad"}, {"resize": "input"})
    def test_other_settings_are_other_translations(self, **how):
        with self.assertRaisesRegex(UserError, f"{[*how][0]}: there"):
            self.run_on(**how)

    def test_an_overwriting_that_was_stopped_goes_on(self):
        old = 10**18
        for name in self.names:  # by other weights, long ago
            os.utime(self.out / f"{name}.png", ns=(old, old))
            os.utime(self.photos / f"{name}.bmp", ns=(old - 10**9, old - 10**9))
        other = serving.Contract("other", "fedcba9876543210", 3, "crop")
        stopped = mock.patch.object(translating, "_translate", side_effect=KeyboardInterrupt)
        with mock.patch.object(self.dtn, "contract", other):
            with stopped, self.assertRaises(KeyboardInterrupt):
                self.run_on(overwrite=True)
            self.assertEqual(self.run_on()[0], (4, 0, 0))

    def test_files_of_somebody_else_are_not_overwritten(self):
        (self.out / ".dtn_tf.json").unlink()
        with self.assertRaisesRegex(UserError, "nothing says what made it"):
            self.run_on()
        self.assertEqual(self.run_on(overwrite=True)[0], (4, 0, 0))

    def test_leftovers_of_a_killed_process_go(self):
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        (self.out / f"partial-{dead.pid}-a.png").touch()
        self.run_on()
        self.assertFalse((self.out / f"partial-{dead.pid}-a.png").exists())

    def test_all_is_said_of_a_failure_and_the_next_start_tries_again(self):
        (self.photos / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
        for _ in range(2):
            counts, said = self.run_on()
            self.assertEqual(counts, (0, 4, 1))
            self.assertRegex(said, "torn.png cannot be read: .*\n.*1 failed")


class PythonTest(TranslateTestCase):
    """`dtn_tf.translate` of what is no array."""

    def test_paths_and_pil_images_of_any_size_are_as_their_squares(self):
        path = self.photos / "sub" / "c.bmp"
        with Image.open(path) as image:
            for one in (path, str(path), [path], image, (image,)):
                self.assert_near(dtn_tf.translate(self.dtn, one), self.expected[2:3])
            two = dtn_tf.translate(self.dtn, [self.photos / "a.bmp", image])
        self.assert_near(two, self.expected[[0, 2]])
        pixels = decode.read(path, 32)
        self.assert_near(dtn_tf.translate(self.dtn, pixels[None]), self.expected[2:3])

    def test_channels_are_those_of_the_contract(self):
        gray = painting.with_channels(self.dtn, 1)
        x = decode.read(self.photos / "a.bmp", 32, 1)
        found = dtn_tf.translate(gray, self.photos / "a.bmp")
        self.assertAllEqual(found, serving.translate(gray, x[None]))
        self.assertNotAllEqual(found, self.expected[:1])

    def test_what_cannot_be_read_is_named(self):
        with self.assertRaisesRegex(UserError, "nowhere.png cannot be read: No such file"):
            dtn_tf.translate(self.dtn, [self.photos / "a.bmp", "nowhere.png"])
        with self.assertRaisesRegex(UserError, "list of paths or PIL images with something else"):
            dtn_tf.translate(self.dtn, ["a.png", 3])
        with self.assertRaisesRegex(UserError, "40 x 48 pixels; expected 32 x 32.*pass paths"):
            dtn_tf.translate(self.dtn, np.zeros((1, 40, 48, 3), np.uint8))


class CommandTest(testing.TestCase):
    """The whole program, in a process of its own."""

    def command(self, *words):
        return subprocess.run(
            [sys.executable, "-m", "dtn_tf", *map(str, words)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
        )

    def test_translates_and_says_by_its_exit_code_whether_all_went_well(self):
        dtn, run, photos = painting.row(), self.directory / "run", self.directory / "photos"
        run.mkdir()
        photos.mkdir()
        dtn.save(run / "dtn.keras")
        Image.fromarray(testing.pixels(1, 3)[0]).save(photos / "a.png")
        done = self.command("translate", run, photos, self.directory / "out", "--grid")
        # Nothing is seen while TensorFlow loads: `dtn_tf.load` calls the same function for it.
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 translated into", done.stdout)
        expected = serving.translate(serving.load(run), photos / "a.png")
        self.assertAllEqual(_png(self.directory / "out" / "a.png")[2], expected[0, ..., 0])
        self.assertTrue((self.directory / "out" / "contact_sheets" / "page-0001.png").exists())
        (photos / "torn.gif").touch()
        code, said = self.again("translate", run, photos / "*", self.directory / "out")
        self.assertEqual(code, 1)
        self.assertIn("torn.gif cannot be read: the file is empty.", said)
        self.assertIn("1 were done before, 1 failed", said)

    def again(self, name, *words):
        """The same in this process: TensorFlow need not be loaded again."""
        known = {"resize": "native", "fit": None, "grid": False, "overwrite": False}
        values = {flag: types.SimpleNamespace(value=value) for flag, value in known.items()}
        said = io.StringIO()
        with mock.patch.object(__main__.flags, "FLAGS", values), contextlib.redirect_stdout(said):
            code = __main__._COMMANDS[name][0]([name, *map(str, words)])
        return code, said.getvalue()

    def test_the_installed_command_is_the_same_program(self):
        entry = re.search(r"dtn = ([\w.]+):(\w+)", (_ROOT / "setup.py").read_text())
        start = f"import sys, {entry[1]} as m; sys.argv[0] = 'dtn'; m.{entry[2]}()"
        for words, said in (
            (["--help"], "translate RUN_OR_NAME"),
            (["export", "--help"], "--out:"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", start, *words], cwd=_ROOT, capture_output=True, text=True
            )
            self.assertIn(said, done.stdout)

    @parameterized.named_parameters(
        ("nothing", (), 1, "translate RUN_OR_NAME INPUT OUTPUT"),
        ("help", ("--help",), 1, "export RUN_OR_NAME"),
        ("help_of_a_command", ("translate", "--help"), 1, "--resize: <native|input>"),
        ("help_of_the_other", ("export", "--help"), 1, "savedmodel, onnx, litert"),
        ("no_command", ("paint",), 1, "'paint' is no command; expected one of translate, export"),
        ("a_word_too_few", ("translate", "a", "b"), 1, "expected RUN_OR_NAME INPUT OUTPUT"),
        ("nothing_there", ("translate", "svhn", "nowhere", "c"), 1, "nowhere does not exist"),
        ("a_flag_of_the_other", ("export", "a", "--grid"), 1, "Unknown command line flag 'grid'"),
    )
    def test_explains_itself(self, words, code, said):
        done = self.command(*words)
        self.assertEqual(done.returncode, code)
        self.assertIn(said, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
