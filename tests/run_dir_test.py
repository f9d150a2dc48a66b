import dataclasses
import importlib.metadata
import json
import pathlib
import platform
import subprocess
import sys
from unittest import mock

from absl.testing import parameterized

from dtn_tf import config, run_dir
from tests import testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_DTN = config.PRESETS["dtn"]

_HOLD = """
import fcntl, sys
file = open(sys.argv[1] + "/lock", "w")
fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
sys.stdin.read()
"""


class CheckTest(testing.TestCase):
    def test_new_and_empty_directories_are_free(self):
        run_dir.check(self.directory, _DTN)
        run_dir.check(self.directory / "missing", _DTN)
        (self.directory / "lock").touch()
        run_dir.check(self.directory, _DTN)

    def test_a_run_of_the_same_settings_goes_on(self):
        run_dir.write(self.directory, _DTN)
        run_dir.check(self.directory, _DTN)

    def test_other_settings_are_refused_by_name(self):
        run_dir.write(self.directory, _DTN)
        other = dataclasses.replace(_DTN, alpha=3.0, seed=7, f_channels=(1, 2, 3, 4))
        with self.assertRaises(ValueError) as caught:
            run_dir.check(self.directory, other)
        message = str(caught.exception)
        self.assertIn(str(self.directory), message)
        self.assertIn("alpha: there 15.0, now 3.0", message)
        self.assertIn("seed: there 0, now 7", message)
        self.assertIn("f_channels: there [64, 128, 256, 128], now [1, 2, 3, 4]", message)
        for same in ("beta:", "steps:", "data:"):
            self.assertNotIn(same, message)

    @parameterized.named_parameters(*((f.name, f) for f in dataclasses.fields(_DTN)))
    def test_only_what_is_not_computed_may_change(self, field):
        run_dir.write(self.directory, _DTN)
        settings = run_dir.read(self.directory)
        settings["config"][field.name] = "something else"
        run_dir.write_json(self.directory / "config.json", settings)
        if field.name in ("data_dir", "log_every", "grid_every", "checkpoint_every"):
            run_dir.check(self.directory, _DTN)
        else:
            with self.assertRaisesRegex(ValueError, f"{field.name}: there 'something else'"):
                run_dir.check(self.directory, _DTN)

    def test_setting_of_another_version_is_named(self):
        run_dir.write(self.directory, _DTN)
        settings = run_dir.read(self.directory)
        settings["config"]["novelty"] = 1
        del settings["config"]["ema"]
        run_dir.write_json(self.directory / "config.json", settings)
        with self.assertRaisesRegex(
            ValueError, "ema: there None, now .*novelty: there 1, now None"
        ):
            run_dir.check(self.directory, _DTN)

    def test_somebody_elses_files_are_not_a_run(self):
        (self.directory / "thesis.txt").touch()
        with self.assertRaisesRegex(ValueError, "has files but no config.json"):
            run_dir.check(self.directory, _DTN)

    @parameterized.parameters(b"", b'{"config": ', b"[]", b"{}", b"\xff\xfe", b'{"config": 3}')
    def test_damaged_settings_are_refused(self, content):
        (self.directory / "config.json").write_bytes(content)
        with self.assertRaisesRegex(ValueError, "config.json is not the settings of a run"):
            run_dir.check(self.directory, _DTN)

    def test_no_settings_to_read(self):
        with self.assertRaisesRegex(ValueError, "config.json is not the settings of a run"):
            run_dir.read(self.directory)


class WriteTest(testing.TestCase):
    def test_config_json_says_what_was_done_with_what(self):
        run_dir.write(self.directory, _DTN, source={"name": "drawn", "images": 60000})
        content = json.loads((self.directory / "config.json").read_text())
        self.assertEqual(set(content), {"config", "source", "versions", "python", "commit"})
        expected = json.loads(json.dumps(dataclasses.asdict(_DTN)))
        self.assertEqual(content["config"], expected)
        self.assertEqual(content["source"], {"name": "drawn", "images": 60000})
        self.assertEqual(content["python"], platform.python_version())
        for package in ("tensorflow", "keras", "numpy"):
            version = importlib.metadata.version(package)
            self.assertEqual(content["versions"][package], version)

    def test_commit_is_the_checkouts(self):
        # A source archive has no history: both say so.
        command = ["git", "rev-parse", "HEAD"]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
        commit = run_dir.commit()
        if done.returncode:
            self.assertIsNone(commit)
        else:
            self.assertEqual(commit.removesuffix("-dirty"), done.stdout[:12])

    def test_changed_code_makes_it_dirty_and_changed_results_do_not(self):
        code, table = self.directory / "dtn_tf/run_dir.py", self.directory / "results/table.md"
        for path in (code, table):
            path.parent.mkdir()
            path.write_text("first\n")
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        for command in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "first")):
            subprocess.run(("git", *command), cwd=self.directory, check=True)
        with mock.patch.object(run_dir, "__file__", str(code)):
            clean = run_dir.commit()
            self.assertLen(clean, 12)
            table.write_text("second\n")
            self.assertEqual(run_dir.commit(), clean)
            code.write_text("second\n")
            self.assertEqual(run_dir.commit(), f"{clean}-dirty")


class FingerprintTest(testing.TestCase):
    def test_stable(self):
        self.assertEqual(run_dir.fingerprint({"a": 1, "b": [2]}), "086f5758f155")
        self.assertEqual(run_dir.fingerprint({"b": (2,), "a": 1}), "086f5758f155")

    def test_sensitive(self):
        parts = (("a",), ("a", "b"), ("ab",), ({"a": 1},), ({"a": 1.5},), ({"a": "1"},), (None,))
        self.assertLen({run_dir.fingerprint(*p) for p in parts}, len(parts))


class LockTest(testing.TestCase):
    def _holder(self):
        """Another process that asks for the lock; a bare script, for it starts at once."""
        command = [sys.executable, "-c", _HOLD, str(self.directory)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, text=True, **pipes)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_another_process_is_refused_while_we_work(self):
        with run_dir.locked(self.directory):
            _, error = self._holder().communicate()
            self.assertIn("BlockingIOError", error)
        self.assertEqual(self._holder().stdout.readline(), "held\n")

    def test_we_are_refused_until_another_process_is_gone(self):
        process = self._holder()
        self.assertEqual(process.stdout.readline(), "held\n")
        with self.assertRaisesRegex(ValueError, "Another process is working in"):
            with run_dir.locked(self.directory):
                self.fail("two processes in one directory")
        process.kill()  # however it ends
        process.wait()
        with run_dir.locked(self.directory):
            pass

    def test_lock_is_given_back_after_an_error(self):
        with self.assertRaises(KeyError), run_dir.locked(self.directory):
            raise KeyError
        with run_dir.locked(self.directory):
            pass

    def test_directory_is_made(self):
        with run_dir.locked(self.directory / "a" / "b"):
            self.assertTrue((self.directory / "a" / "b").is_dir())

    def test_what_cannot_be_a_directory_is_refused(self):
        (self.directory / "file").touch()
        with self.assertRaisesRegex(ValueError, "file cannot be written: .*Choose another"):
            with run_dir.locked(self.directory / "file"):
                self.fail("a file is no directory")
