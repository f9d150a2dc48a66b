import functools
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from dtn_tf.data.builtin import (
    archive,
    street_camera,
    street_digits,
    street_glyphs,
    street_writing,
    workers,
)
from dtn_tf.errors import UserError


def _features(images):
    """Brightness of the middle, polarity and contrast removed: what a template compares."""
    gray = images[:, 2:30, 6:26].mean(-1).reshape(len(images), -1)
    gray = gray - gray.mean(1, keepdims=True)
    return gray / gray.std(1, keepdims=True)


def _nearest_label(images, references, labels):
    """The label of the reference most alike, whichever of the two is the negative."""
    alike = np.abs(_features(images) @ _features(references).T)
    return labels[alike.argmax(1)]


class DrawTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.images, cls.labels = street_digits.draw(1500, seed=3, num_workers=0)

    def test_format_is_that_of_svhn(self):
        self.assertEqual(self.images.shape, (1500, 32, 32, 3))
        self.assertEqual(self.labels.shape, (1500,))
        self.assertEqual((self.images.dtype, self.labels.dtype), (np.uint8, np.uint8))

    def test_all_classes_are_about_equally_likely(self):
        counts = np.bincount(self.labels, minlength=10)
        self.assertLen(counts, 10)
        self.assertBetween(counts.min(), 105, 150)
        self.assertBetween(counts.max(), 150, 195)

    def test_same_seed_same_digits_other_seed_other_digits(self):
        images, labels = street_digits.draw(240, seed=3, num_workers=0)
        np.testing.assert_array_equal(images, self.images[:240])
        np.testing.assert_array_equal(labels, self.labels[:240])
        images, labels = street_digits.draw(240, seed=4, num_workers=0)
        self.assertFalse((images == self.images[:240]).all(axis=(1, 2, 3)).any())
        self.assertLess((labels == self.labels[:240]).mean(), 0.25)

    def test_no_digit_is_drawn_twice(self):
        self.assertLen(np.unique(self.images.reshape(1500, -1), axis=0), 1500)

    def test_processes_draw_what_one_process_draws(self):
        counts = []
        images, labels = street_digits.draw(600, 3, 2, counts.append)  # one draws twice as many
        self.assertEqual(counts, [250, 250, 250])
        np.testing.assert_array_equal(images, self.images[:600])
        np.testing.assert_array_equal(labels, self.labels[:600])

    def test_failed_process_is_an_error(self):
        with mock.patch.object(street_digits.sys, "executable", "/bin/false"):
            with self.assertRaisesRegex(RuntimeError, "num_workers=0"):
                street_digits.draw(300, seed=3, num_workers=2)

    def test_digits_are_visible(self):
        spread = self.images.astype(float).std(axis=(1, 2, 3))
        self.assertGreater(np.quantile(spread, 0.02), 10)
        self.assertBetween(np.median(spread), 20, 40)  # SVHN: 29

    def test_both_polarities_occur(self):
        gray = self.images.mean(-1)
        border = np.concatenate([gray[:, :2], gray[:, -2:]], axis=1).mean(axis=(1, 2))
        lighter = (gray[:, 8:24, 12:20].mean(axis=(1, 2)) > border).mean()
        self.assertBetween(lighter, 0.35, 0.65)

    def test_templates_read_the_middle_digit(self):
        references, labels = street_digits.draw(1000, seed=5, num_workers=0)
        guesses = _nearest_label(self.images, references, labels)
        self.assertGreater((guesses == self.labels).mean(), 0.3)  # chance: 0.1
        shuffled = np.random.default_rng(0).permutation(labels)
        guesses = _nearest_label(self.images, references, shuffled)
        self.assertLess((guesses == self.labels).mean(), 0.15)

    def test_neighbours_show_at_the_sides(self):
        rng = np.random.default_rng(0)
        labels = np.zeros(200, int)
        wall = street_writing.place(rng, 200)
        ink = street_writing.write(rng, labels, wall)
        sides = (ink.distance[:, :, [0, -1]] < 0).any(axis=(1, 2)).mean()
        self.assertBetween(sides, 0.4, 0.95)
        self.assertEqual((ink.distance[:, 8:24, 6:26] < 0).any(axis=(1, 2)).mean(), 1.0)

    @parameterized.parameters((0, 0), (-3, 0), (5, -1))
    def test_bad_arguments_raise(self, num, seed):
        with self.assertRaisesRegex(ValueError, f"num={num}, seed={seed}"):
            street_digits.draw(num, seed)


class WorkersTest(parameterized.TestCase):
    def start(self, call):
        worker = workers._start(call)
        self.addCleanup(worker.stdout.close)
        self.addCleanup(worker.stdin.close)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        self.assertEqual(worker.stdout.read(1), b"!")  # it began
        return worker

    WAIT = "import time; workers.send(np.array(33, np.uint8)); time.sleep({})"

    def test_ctrl_c_is_left_to_the_parent(self):
        worker = self.start("import numpy as np; " + self.WAIT.format(0.5))
        worker.send_signal(signal.SIGINT)
        self.assertEqual(worker.wait(60), 0)

    def test_ctrl_c_of_the_terminal_does_not_reach_it(self):
        worker = self.start("import numpy as np; " + self.WAIT.format(60))
        self.assertNotEqual(os.getpgid(worker.pid), os.getpgid(0))

    def test_it_dies_when_its_parent_is_killed(self):
        code = (
            "import sys, time; from dtn_tf.data.builtin import workers;"
            "print(workers._start('import time; time.sleep(600)').pid, flush=True);"
            "time.sleep(600)"
        )
        root = pathlib.Path(street_digits.__file__).parents[3]
        parent = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE)
        self.addCleanup(parent.stdout.close)
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 60
        while _is_alive(pid):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_what_stops_the_parent_stops_the_workers_at_once(self):
        def tick(count):
            raise KeyboardInterrupt

        started = []

        def start(call, make=workers._start):
            started.append(make(call))
            return started[-1]

        calls = 2 * ["import numpy as np; " + self.WAIT.format(600)]
        with mock.patch.object(workers, "_start", side_effect=start):
            with self.assertRaises(KeyboardInterrupt):
                workers.run(calls, [(np.empty(2, np.uint8),) for _ in calls], 1, tick)
        self.assertLen(started, 2)
        for worker in started:
            self.assertIsNotNone(worker.returncode)


class ProgressTest(absltest.TestCase):
    def test_every_ten_seconds_a_line_says_how_long_it_takes(self):
        times = iter((0.0, 4.0, 12.0, 15.0, 30.0))
        progress = archive.Progress(1000, clock=lambda: next(times))
        with mock.patch("builtins.print") as printed:
            for _ in range(4):
                progress(250)
        lines = [call.args[0] for call in printed.call_args_list]
        self.assertEqual(lines, ["Drawn 500 of 1,000 digits; about 12 s left."])

    def test_drawing_tells_of_every_digit(self):
        counts = []
        street_digits.draw(300, seed=3, num_workers=0, tick=counts.append)
        self.assertEqual(counts, [250, 250])


def _is_alive(pid):
    """Whether a process runs; a dead one that nobody waited for does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class PartsTest(absltest.TestCase):
    def test_every_alphabet_has_ten_different_digits(self):
        shapes = street_glyphs.glyphs()
        ink = shapes.distance < 0
        inside = ink[:, :, 2:-2, 2:-2]
        self.assertEqual(ink.sum(), inside.sum())  # room for thicker strokes
        for k in range(10):
            for j in range(k):
                differs = (ink[:, k] != ink[:, j]).mean(axis=(1, 2))
                self.assertGreater(differs.min(), 0.01, f"{k} looks like {j}")
        tall = ink.any(axis=3).sum(axis=2)
        self.assertBetween(tall[:, 0].min(), 34, 40)
        self.assertBetween(tall[:, 0].max(), 40, 41)
        self.assertLess(shapes.width.max(), 1.0)

    def test_optics_keep_brightness(self):
        for bank in street_camera._optics():
            np.testing.assert_allclose(bank.sum(-1), 1, atol=1e-4)

    def test_drawing_needs_no_tensorflow(self):
        code = (
            "import sys; from dtn_tf.data.builtin import street_digits;"
            "print('tensorflow' in sys.modules)"
        )
        root = pathlib.Path(street_digits.__file__).parents[3]
        told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True)
        self.assertEqual(told.stdout.split(), [b"False"])


_draw_once = functools.cache(street_digits._draw_chunk)  # what is loaded is tested, not drawn


class LoadTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.cache_dir = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory())) / "cache"
        self.enter_context(mock.patch.object(street_digits, "_draw_chunk", _draw_once))

    def _cached(self):
        return sorted(p.name for p in self.cache_dir.iterdir())

    def test_second_load_reads_what_the_first_wrote(self):
        first = street_digits.load("test", self.cache_dir, num=20)
        self.assertLen(self._cached(), 1)  # and no partial file
        with mock.patch.object(street_digits, "draw", side_effect=AssertionError):
            second = street_digits.load("test", self.cache_dir, num=20)
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_splits_share_no_digit(self):
        train, _ = street_digits.load("train", self.cache_dir, num=250)
        test, _ = street_digits.load("test", self.cache_dir, num=250)
        both = np.concatenate([train, test]).reshape(500, -1)
        self.assertLen(np.unique(both, axis=0), 500)

    @parameterized.parameters(0, 1000, -1)
    def test_damaged_cache_is_drawn_again(self, cut):
        first, _ = street_digits.load("test", self.cache_dir, num=20)
        path = self.cache_dir / self._cached()[0]
        whole = path.read_bytes()
        path.write_bytes(whole[:cut])
        with mock.patch("builtins.print") as printed:
            again, _ = street_digits.load("test", self.cache_dir, num=20)
        self.assertRegex(printed.call_args_list[0].args[0], f"{path} is damaged.*drawing it again")
        np.testing.assert_array_equal(again, first)
        with np.load(path) as mended:
            np.testing.assert_array_equal(mended["images"], first)

    def test_interrupted_write_leaves_no_file(self):
        with mock.patch.object(archive.np, "savez", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                street_digits.load("test", self.cache_dir, num=20)
        self.assertEmpty(self._cached())

    def test_changed_drawing_is_drawn_anew(self):
        street_digits.load("test", self.cache_dir, num=20)
        with mock.patch.object(street_digits.PIL, "__version__", "another"):
            street_digits.load("test", self.cache_dir, num=20)
        self.assertLen(self._cached(), 2)

    def test_a_flipped_pixel_in_the_cache_is_noticed(self):
        first, _ = street_digits.load("test", self.cache_dir, num=20)
        path = self.cache_dir / self._cached()[0]
        content = bytearray(path.read_bytes())
        content[5000] ^= 1
        path.write_bytes(content)
        again, _ = street_digits.load("test", self.cache_dir, num=20)
        np.testing.assert_array_equal(again, first)

    def test_a_bomb_in_the_place_of_the_cache_is_not_unpacked(self):
        first, labels = street_digits.load("test", self.cache_dir, num=20)
        path = self.cache_dir / self._cached()[0]
        np.savez_compressed(path, images=np.zeros((20, 32, 32, 3 << 10), np.uint8), labels=labels)
        self.assertLess(path.stat().st_size, 200_000)
        with mock.patch.object(archive.np, "load", side_effect=AssertionError):
            again, _ = street_digits.load("test", self.cache_dir, num=20)
        np.testing.assert_array_equal(again, first)

    def test_a_file_of_more_digits_serves_too(self):
        more, _ = street_digits.load("test", self.cache_dir, num=30)
        with mock.patch.object(street_digits, "draw", side_effect=AssertionError):
            fewer, labels = street_digits.load("test", self.cache_dir, num=20)
        np.testing.assert_array_equal(fewer, more[:20])
        self.assertLen(labels, 20)
        self.assertLen(self._cached(), 1)

    def test_no_room_is_one_line_for_a_user(self):
        self.cache_dir.touch()
        with self.assertRaisesRegex(UserError, "cannot be written"):
            street_digits.load("test", self.cache_dir, num=20)

    def test_unknown_split_raises(self):
        with self.assertRaisesRegex(UserError, "no split 'extra'.*train, test"):
            street_digits.load("extra", self.cache_dir)

    def test_more_than_there_are_raises(self):
        with self.assertRaisesRegex(UserError, "num=5001; test has 5000"):
            street_digits.load("test", self.cache_dir, num=5001)


if __name__ == "__main__":
    absltest.main()
