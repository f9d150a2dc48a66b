import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import zipfile
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import files
from dtn_tf.errors import UserError
from tests import testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_HOLD = """
import fcntl, sys
file = open(sys.argv[1] + "/lock", "w")
fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
sys.stdin.read()
"""


# Says how often this process made it.
_MAKE = """
import pathlib, sys, time
from dtn_tf import files
made = []

def make(directory):
    made.append(1)
    time.sleep(0.3)
    (directory / "thing").write_text("x")

files.find_or_make(pathlib.Path(sys.argv[1]), "f", {"recipe": 1}, make, dict)
print(len(made))
"""


class SaveTest(testing.TestCase):
    def test_writes_and_replaces(self):
        path = self.directory / "new" / "file.txt"
        files.save_text(path, "one")
        files.save_text(path, "two")
        self.assertEqual(path.read_text(), "two")
        self.assertLen(list(path.parent.iterdir()), 1)

    def test_failed_write_leaves_the_old_file_and_nothing_else(self):
        path = self.directory / "file.txt"
        path.write_text("old")

        def fail(temporary):
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

        with self.assertRaisesRegex(UserError, "file.txt cannot be written: No space.*are free"):
            files.save(path, fail)
        self.assertEqual(path.read_text(), "old")
        self.assertEqual(list(self.directory.iterdir()), [path])

    def test_a_bug_while_writing_stays_a_bug(self):
        with self.assertRaises(ZeroDivisionError):
            files.save(self.directory / "file", lambda path: 1 / 0)
        self.assertEmpty(list(self.directory.iterdir()))

    def test_name_appears_when_all_is_on_the_disk(self):
        path, events = self.directory / "file.weights.h5", []

        def write(temporary):
            self.assertFalse(path.exists())
            self.assertEqual(temporary.parent, path.parent)  # one file system: a rename
            self.assertTrue(temporary.name.endswith(".weights.h5"))
            temporary.write_text("all")

        with (
            mock.patch.object(os, "replace", lambda a, b: events.append("rename")),
            mock.patch.object(os, "fsync", lambda handle: events.append("sync")),
        ):
            files.save(path, write)
        self.assertEqual(events, ["sync", "rename", "sync"])

    def test_a_full_disk_is_found_before_anything_is_written(self):
        written = []
        full = mock.patch.object(os, "posix_fallocate", side_effect=OSError(28, "No space left"))
        with full, self.assertRaisesRegex(UserError, "No space left.*Nothing that was there is"):
            files.save(self.directory / "big", written.append, num_bytes=10**6)
        self.assertEmpty(written)
        self.assertEmpty(list(self.directory.iterdir()))

    def test_room_is_given_back_before_the_file_is_written(self):
        def write(temporary):
            self.assertFalse(temporary.exists())
            temporary.write_text("small")

        files.save(self.directory / "file", write, num_bytes=10**6)
        self.assertEqual((self.directory / "file").stat().st_size, 5)

    def test_a_folder_that_cannot_be_written_is_named(self):
        (self.directory / "file").touch()
        with self.assertRaisesRegex(UserError, "file/x cannot be written"):
            files.save_text(self.directory / "file" / "x", "text")


class ReadTest(testing.TestCase):
    @parameterized.parameters(b"", b'{"a": ', b"[]", b"\xff\xfe", b"3")
    def test_what_is_no_object_is_named(self, content):
        path = self.directory / "config.json"
        path.write_bytes(content)
        with self.assertRaisesRegex(UserError, "config.json is not the settings of a run: "):
            files.read_json(path, "the settings of a run")

    def test_missing(self):
        with self.assertRaisesRegex(UserError, "config.json is not the settings"):
            files.read_json(self.directory / "config.json", "the settings of a run")

    def test_what_was_saved_comes_back(self):
        files.save_json(self.directory / "a.json", {"b": [1, None, "é"]})
        self.assertEqual(files.read_json(self.directory / "a.json", "x"), {"b": [1, None, "é"]})


class CheckArchiveTest(testing.TestCase):
    def archive(self):
        path = self.directory / "a.npz"
        np.savez(path, x=np.random.default_rng(0).integers(0, 256, 40_000, np.uint8))
        return path

    def test_a_whole_one_passes(self):
        files.check_archive(self.archive())

    @parameterized.parameters(*range(1, 9))
    def test_a_page_of_zeros_anywhere_is_noticed(self, page):
        path = self.archive()
        data = bytearray(path.read_bytes())
        data[page * 4096 : (page + 1) * 4096] = bytes(4096)
        path.write_bytes(data)
        with self.assertRaisesRegex(UserError, "a.npz is damaged"):
            files.check_archive(path)

    @parameterized.parameters(lambda data: data[: len(data) // 2], lambda data: b"")
    def test_a_torn_one_is_noticed(self, damage):
        path = self.archive()
        path.write_bytes(damage(path.read_bytes()))
        with self.assertRaisesRegex(UserError, "damaged.*Delete it"):
            files.check_archive(path)

    def test_a_missing_one_is_named(self):
        with self.assertRaisesRegex(UserError, "a.npz is missing"):
            files.check_archive(self.directory / "a.npz")

    def test_the_check_is_the_zip_files_own(self):
        with zipfile.ZipFile(self.archive()) as archive:
            self.assertIsNone(archive.testzip())


class FingerprintTest(testing.TestCase):
    def test_equal_content_equal_name(self):
        self.assertEqual(files.fingerprint({"a": 1, "b": 2}), files.fingerprint({"b": 2, "a": 1}))
        self.assertNotEqual(files.fingerprint({"a": 1}), files.fingerprint({"a": 2}))

    def test_hash_of_a_file_is_of_every_byte(self):
        path = self.directory / "file"
        path.write_bytes(bytes(100_000))
        before = files.hash_of(path)
        path.write_bytes(bytes(99_999) + b"\1")
        self.assertNotEqual(files.hash_of(path), before)
        self.assertRegex(before, "^[0-9a-f]{16}$")


class SweepTest(testing.TestCase):
    def test_leftovers_of_dead_processes_go_and_those_of_the_living_stay(self):
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        alive = self.start(sys.executable, "-c", "print(flush=True); input()").pid
        (self.directory / "tb").mkdir()
        for name in (f"partial-{dead.pid}-a.json", f"tb/partial-{dead.pid}-b", "a.json"):
            (self.directory / name).touch()
        (self.directory / f"partial-{dead.pid}-export").mkdir()
        (self.directory / f"partial-{alive}-c").touch()
        files.sweep(self.directory)
        left = {p.name for p in self.directory.rglob("*")}
        self.assertEqual(left, {"tb", "a.json", f"partial-{alive}-c"})

    def start(self, *command):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, **pipes)
        for clean in (process.wait, process.kill, process.stdin.close, process.stdout.close):
            self.addCleanup(clean)
        process.stdout.readline()  # until then it may be a process without a program
        return process

    def test_files_of_people_stay(self):
        names = ("partial-results.csv", "partial-", "partial-7", "partial--a", "my-partial-7-a")
        for name in names:
            (self.directory / name).touch()
        (self.directory / "partial-translations").mkdir()
        files.sweep(self.directory)
        left = {path.name for path in self.directory.iterdir()}
        self.assertEqual(left, {*names, "partial-translations"})

    def test_a_number_that_another_program_has_now_does_not_keep_a_leftover(self):
        other = self.start("sh", "-c", "echo; exec cat").pid
        (self.directory / f"partial-{other}-a").touch()
        with mock.patch.object(pathlib.Path, "read_bytes", side_effect=FileNotFoundError):
            files.sweep(self.directory)  # where there is no /proc
        self.assertLen(list(self.directory.iterdir()), 1)
        with mock.patch.object(pathlib.Path, "read_bytes", return_value=b"cat\0"):
            files.sweep(self.directory)
        self.assertEmpty(list(self.directory.iterdir()))


class ReplacedFolderTest(testing.TestCase):
    def test_takes_the_place_of_the_old_one_at_once(self):
        path = self.directory / "export"
        for text in ("one", "two"):
            with files.replaced_folder(path) as temporary:
                (temporary / "a").write_text(text)
        self.assertEqual((path / "a").read_text(), "two")
        self.assertEqual(list(self.directory.iterdir()), [path])

    def test_a_kill_between_two_renames_loses_nothing(self):
        path = self.directory / "export"
        path.mkdir()
        (path / "a").write_text("old")
        # The new one has its name last, so a process may die before and leave both under others.
        dead = subprocess.Popen(["true"])
        dead.wait()
        path.rename(self.directory / f"partial-{dead.pid}-.old-export")
        (self.directory / f"partial-{dead.pid}-export").mkdir()
        files.sweep(self.directory)
        self.assertEqual((path / "a").read_text(), "old")
        self.assertEqual(list(self.directory.iterdir()), [path])

    def test_an_error_keeps_the_old_one(self):
        path = self.directory / "export"
        with files.replaced_folder(path) as temporary:
            (temporary / "a").write_text("old")
        with self.assertRaises(ZeroDivisionError), files.replaced_folder(path) as temporary:
            (temporary / "a").write_text("new")
            raise ZeroDivisionError
        self.assertEqual((path / "a").read_text(), "old")
        self.assertEqual(list(self.directory.iterdir()), [path])

    @parameterized.parameters(
        OSError(28, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "a/b; No space left on device"),
    )
    def test_a_full_disk_is_one_error_and_keeps_the_old_one(self, error):
        path = self.directory / "export"
        with files.replaced_folder(path) as temporary:
            (temporary / "a").write_text("old")
        with self.assertRaisesRegex(UserError, "export cannot be written: .*No space.*are free"):
            with files.replaced_folder(path):
                raise error
        self.assertEqual((path / "a").read_text(), "old")
        self.assertEqual(list(self.directory.iterdir()), [path])


class LockTest(testing.TestCase):
    def hold(self):
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for clean in (holder.wait, holder.kill, holder.stdout.close, holder.stdin.close):
            self.addCleanup(clean)
        holder.stdout.readline()
        return holder

    def test_another_process_is_refused(self):
        self.hold()
        with self.assertRaisesRegex(UserError, "Another process is working in"):
            with files.locked(self.directory):
                pass

    def test_waits_until_the_other_one_ends(self):
        holder, out = self.hold(), io.StringIO()
        threading.Timer(0.5, holder.kill).start()
        with contextlib.redirect_stdout(out), files.locked(self.directory, wait=True):
            self.assertIsNotNone(holder.wait())
        self.assertIn("Waiting for another process", out.getvalue())

    def test_a_file_is_no_folder(self):
        (self.directory / "file").touch()
        with self.assertRaisesRegex(UserError, "cannot be written"):
            with files.locked(self.directory / "file"):
                pass


class FindOrMakeTest(testing.TestCase):
    def make(self, identity, text="x", check=None):
        def make(directory):
            (directory / "checkpoints").mkdir()
            (directory / "thing").write_text(text)

        made_by = {"commit": "abc"}
        return files.find_or_make(self.directory, "f", identity, make, lambda: made_by, check=check)

    def test_what_was_damaged_since_is_made_again_and_said(self):
        def check(directory):
            if (directory / "thing").read_text() != "whole":
                raise UserError(f"{directory / 'thing'} is damaged.")

        directory, _ = self.make({"recipe": 1}, "whole", check)
        self.assertTrue(self.make({"recipe": 1}, "whole", check)[1])
        (directory / "thing").write_text("torn")
        (directory / "tb").mkdir()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            _, found = self.make({"recipe": 1}, "whole", check)
        self.assertFalse(found)
        self.assertEqual((directory / "thing").read_text(), "whole")
        self.assertFalse((directory / "tb").exists())
        self.assertEqual(
            out.getvalue(), f"{directory / 'thing'} is damaged. Making {directory} again.\n"
        )

    def test_is_made_once_and_found_afterwards(self):
        first, found = self.make({"recipe": 1, "seed": 0}, "first")
        self.assertFalse(found)
        again, found = self.make({"seed": 0, "recipe": 1}, "second")
        self.assertTrue(found)
        self.assertEqual(again, first)
        self.assertEqual((again / "thing").read_text(), "first")
        made = json.loads((again / "made.json").read_text())
        self.assertEqual(made["made_by"], {"commit": "abc"})
        self.assertEqual(made["identity"], {"recipe": 1, "seed": 0})
        self.assertFalse((again / "checkpoints").exists())

    def test_another_recipe_is_another_thing(self):
        self.assertNotEqual(self.make({"recipe": 1})[0], self.make({"recipe": 2})[0])

    def test_what_failed_half_way_is_made_again(self):
        def fail(directory):
            (directory / "thing").write_text("half")
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            files.find_or_make(self.directory, "f", {"recipe": 1}, fail, dict)
        directory, found = self.make({"recipe": 1}, "whole")
        self.assertFalse(found)
        self.assertEqual((directory / "thing").read_text(), "whole")

    def test_of_several_processes_one_makes_it(self):
        command = (sys.executable, "-c", _MAKE, str(self.directory))
        pipe = {"stdout": subprocess.PIPE, "text": True}
        all_at_once = [subprocess.Popen(command, cwd=_ROOT, **pipe) for _ in range(3)]
        said = [process.communicate()[0].splitlines() for process in all_at_once]
        self.assertEqual(sorted(lines[-1] for lines in said), ["0", "0", "1"])
