"""Several processes train what is missing: nothing twice, nothing left out."""

import contextlib
import dataclasses
import io
import itertools
import pathlib
import time
from unittest import mock

from absl.testing import absltest

from dtn_tf import files, serving, train
from dtn_tf.scores import jsonl, sharing
from tests import forked, testing, train_test


class ProcessesTest(testing.TestCase):
    number = itertools.count()

    def start(self):
        words = ["-m", "tests.sharing", str(self.directory)]
        started = forked.Process(words, self.directory / f"said-{next(self.number)}")
        self.addCleanup(started.kill)
        return started

    def wait_until(self, is_so):
        end = time.monotonic() + 300.0
        while not is_so():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def trained(self):
        path = self.directory / "trained"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def test_two_share_the_runs_and_one_takes_over_what_the_other_was_killed_in(self):
        first, second = self.start(), self.start()
        self.wait_until(lambda: len(self.trained()) == 2)  # each is at one of the two
        (name_a, pid_a), (name_b, pid_b) = self.trained()
        self.assertNotEqual(name_a, name_b)
        self.assertEqual({int(pid_a), int(pid_b)}, {first.pid, second.pid})
        victim, other = (first, second) if first.pid == int(pid_a) else (second, first)
        victim.kill()
        victim.wait()
        (self.directory / "go").touch()
        self.assertEqual(other.wait(), 0)
        self.assertIn([name_a, str(other.pid)], self.trained())  # it was not finished
        self.assertLen(self.trained(), 3)
        for name in (name_a, name_b):
            self.assertTrue((self.directory / "runs" / name / "dtn.keras").exists())


class OneProcessTest(testing.TestCase):
    def share(self, todo, stand_in):
        with mock.patch.object(train, "train", stand_in):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                sharing.train_all(
                    todo,
                    self.directory,
                    lambda count: f"{count} minutes",
                    lambda config, workdir, cache_dir: (f"watches {config}",),
                )
        return out.getvalue()

    def test_a_run_of_another_process_is_passed_over_and_waited_for(self):
        asked = []

        def stand_in(config, workdir, cache_dir, watchers):
            asked.append(config)
            self.assertEqual(watchers, (f"watches {config}",))
            if asked == ["a"]:
                raise files.Busy("Another process is working in a.")
            workdir.mkdir(exist_ok=True)
            (workdir / "dtn.keras").touch()

        out = self.share([(name, self.directory / name) for name in "ab"], stand_in)
        self.assertEqual(asked, ["a", "b", "a"])
        self.assertIn("working in a. Going on with the next run", out)

    def test_what_has_been_finished_meanwhile_is_not_trained(self):
        (self.directory / "a").mkdir()
        (self.directory / "a" / "dtn.keras").touch()
        self.assertEqual(self.share([("a", self.directory / "a")], mock.Mock()), "")

    def test_a_line_that_is_there_is_not_added_again(self):
        path = self.directory / "results.jsonl"
        for text in ("a", "b", "a"):
            jsonl.append(path, text)
        self.assertEqual(path.read_text(), "a\nb\n")


class LockedTest(train_test.RunTestCase):
    def test_a_run_that_was_finished_while_this_process_got_the_lock_is_kept(self):
        """A run that is trained from step 0 again would take the place of the finished one."""
        locked = files.locked

        @contextlib.contextmanager
        def late(directory, wait=False):
            with locked(directory, wait):
                (pathlib.Path(directory) / "dtn.keras").touch()  # by the one who had it
                yield

        with (
            mock.patch.object(files, "locked", late),
            mock.patch.object(serving, "load", return_value="kept"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            self.assertEqual(train.train(train_test.SMALL, self.workdir, self.cache), "kept")

    def test_a_run_that_another_process_trains_is_busy(self):
        settings = dataclasses.replace(train_test.SMALL, seed=3)
        with files.locked(self.workdir), contextlib.redirect_stdout(io.StringIO()):
            with self.assertRaises(files.Busy):
                train.train(settings, self.workdir, self.cache)


if __name__ == "__main__":
    absltest.main()
