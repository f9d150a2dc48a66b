import dataclasses
import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl import flags
from absl.testing import flagsaver, parameterized

from dtn_tf import config, presets
from dtn_tf.errors import UserError
from flags import common_flags, train_flags
from tests import testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_SHOW = "lambda argv: print(logging.getLevelName(logging.root.level))"
_FIELDS = {f.name for f in dataclasses.fields(config.DTNConfig)}
_NOT_SETTINGS = {"workdir", "dry_run", "cache_dir"}  # flags about the run, not in its config


def _defined():
    """All flags of the two modules, by name."""
    by_module = flags.FLAGS.flags_by_module_dict()
    return {
        flag.name: flag
        for module in (common_flags, train_flags)
        for flag in by_module[module.__name__]
    }


def _parse(*arguments):
    flags.FLAGS(["train_main.py", *arguments])
    return train_flags.config_from_flags()


class FlagsTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(flagsaver.flagsaver())
        flags.FLAGS(["train_main.py"])

    def test_every_setting_has_a_flag_and_every_flag_a_setting(self):
        self.assertEqual(set(_defined()) - _NOT_SETTINGS, _FIELDS)

    def test_every_flag_has_help(self):
        for name, flag in _defined().items():
            self.assertRegex(flag.help, r"^(<.*>: )?[A-Z].{8,}\.", name)  # <the choices>: first

    @parameterized.parameters(*presets.ROWS)
    def test_unset_means_as_in_the_preset(self, preset):
        self.assertEqual(_parse(f"--preset={preset}"), config.make(preset))

    def test_folders_have_a_preset_and_a_run_directory_of_their_own(self):
        folders = ("--domain=folders", "--source_dir=x/faces", "--target_dir=y/emoji/")
        found = _parse(*folders, "--size=64")
        expected = {"source_dir": "x/faces", "target_dir": "y/emoji/", "size": 64}
        self.assertEqual(found, config.make("dtn_folders", domain="folders", **expected))
        self.assertEqual(train_flags.workdir(), "runs/faces-to-emoji-dtn_folders")
        _parse(*folders, "--preset=tiny")
        self.assertEqual(train_flags.workdir(), "runs/faces-to-emoji-tiny")

    @parameterized.parameters(
        ("--alpha=3.5", "alpha", 3.5),
        ("--beta=0", "beta", 0.0),
        ("--gamma=0.05", "gamma", 0.05),
        ("--gan=2", "gan", 2.0),
        ("--seed=7", "seed", 7),
        ("--steps=12", "steps", 12),
        ("--batch_size=16", "batch_size", 16),
        ("--pretrain_split=train+extra", "pretrain_split", "train+extra"),
        ("--pretrain_steps=9", "pretrain_steps", 9),
        ("--pretrain_batch_size=32", "pretrain_batch_size", 32),
        ("--pretrain_learning_rate=0.01", "pretrain_learning_rate", 0.01),
        ("--pretrain_invert=0", "pretrain_invert", 0.0),
        ("--num_train=50", "num_train", 50),
        ("--f_depths=1,1,2,2", "f_depths", (1, 1, 2, 2)),
        ("--absent_s=3", "absent_s", (3,)),
        ("--nobalance_s", "balance_s", False),
        ("--tta=mean", "tta", "mean"),
        ("--target_split=test", "target_split", "test"),
        ("--num_validation=10", "num_validation", 10),
        ("--precision=mixed_bfloat16", "precision", "mixed_bfloat16"),
        ("--content_distance=cosine", "content_distance", "cosine"),
        ("--g_learning_rate=0.001", "g_learning_rate", 0.001),
        ("--d_learning_rate=0.001", "d_learning_rate", 0.001),
        ("--beta_1=0.9", "beta_1", 0.9),
        ("--ema=0", "ema", 0.0),
        ("--f_channels=1,2,3,4", "f_channels", (1, 2, 3, 4)),
        ("--g_channels=8,8,4", "g_channels", (8, 8, 4)),
        ("--d_channels=4,4,8,8", "d_channels", (4, 4, 8, 8)),
        ("--log_every=1", "log_every", 1),
        ("--grid_every=2", "grid_every", 2),
        ("--checkpoint_every=3", "checkpoint_every", 3),
        ("--data=files", "data", "files"),
        ("--data_dir=digits", "data_dir", "digits"),
    )
    def test_given_value_overrides_the_preset_and_nothing_else(self, argument, field, value):
        expected = dataclasses.replace(config.make("dtn_no_tid"), **{field: value})
        self.assertEqual(_parse("--preset=dtn_no_tid", argument), expected)

    @parameterized.parameters(
        ("--domain=folders --source_dir=~/a --target_dir=~/b", "source_dir", "/home/me/a"),
        ("--domain=folders --source_dir=~/a --target_dir=~/b", "target_dir", "/home/me/b"),
        ("--data_dir=~/c", "data_dir", "/home/me/c"),
        ("--content=~/f.keras", "content", "/home/me/f.keras"),
        ("--preset=dtn_face --content=face:~/net", "content", "face:/home/me/net"),
        ("--content=a~/f.keras", "content", "a~/f.keras"),
    )
    def test_home_in_a_path_is_exchanged_which_a_shell_leaves_in_a_flag(self, words, name, path):
        with mock.patch.dict(os.environ, HOME="/home/me"):
            self.assertEqual(getattr(_parse(*words.split()), name), path)

    @parameterized.parameters("workdir", "cache_dir")
    def test_home_in_a_folder_of_a_run_is_exchanged(self, name):
        with mock.patch.dict(os.environ, HOME="/home/me"):
            flags.FLAGS(["train_main.py", f"--{name}=~/x"])
        self.assertEqual(flags.FLAGS[name].value, "/home/me/x")

    def test_the_reverse_direction(self):
        self.assertEqual(_parse("--domain=mnist"), config.make("dtn", domain="mnist"))

    @parameterized.parameters(
        *("--steps=0", "--pretrain_steps=0", "--batch_size=1", "--pretrain_batch_size=1"),
        *(
            "--seed=-1",
            "--seed=3000000000",
            "--batch_size=70000",
            "--alpha=-1",
            "--beta=-0.1",
            "--gamma=-1",
            "--gan=-1",
            "--ema=1",
            "--ema=0.995",
        ),
        *("--g_learning_rate=2", "--d_learning_rate=-1", "--beta_1=1", "--pretrain_invert=1.1"),
        *("--num_validation=0", "--log_every=0", "--grid_every=0", "--checkpoint_every=0"),
        *("--precision=float64", "--content_distance=l1", "--image_distance=l1", "--data=web"),
        *(
            "--preset=paper",
            "--domain=../../etc",
            "--domain=",
            "--pretrain_split=test",
            "--target_split=extra",
            "--steps=many",
        ),
    )
    def test_outside_the_bounds_is_refused_while_parsing(self, argument):
        name = argument[2:].split("=")[0]
        with self.assertRaisesRegex(flags.IllegalFlagValueError, name):
            _parse(argument)

    @parameterized.parameters(
        ("--f_channels=1,2,3", "f_channels=.*4 whole numbers"),
        ("--g_channels=8,a,4", "--g_channels=8,a,4 is not a list of whole numbers"),
        ("--g_channels=99999999,8,8", "g_channels=.*from 1 to 4096"),
        ("--d_channels=", "--d_channels= is not a list|d_channels=.*some whole numbers"),
        ("--nocosine --method=yunjey --d_classes=2", "d_channels=.*expected 3"),
        ("--domain=mnist --balance_s", "balance_s=True would be ignored"),
    )
    def test_what_flags_let_pass_the_config_refuses(self, arguments, message):
        with self.assertRaisesRegex(UserError, message):
            _parse(*arguments.split())

    @parameterized.parameters(
        ("--content=unlabelled", "--pretrain_geometry=1", "pretrain_geometry would be ignored"),
        ("--content=face:x", "--pretrain_invert=0 --pretrain_cutout=0.2", "cutout, pretrain_inv"),
        ("--content=x.keras", "--pretrain_steps=3 --f_residual", "f_residual, pretrain_steps"),
        ("--content=app:VGG16", "--f_depths=1,1,1,1", "f_depths would be ignored with content=app"),
        ("--content=face:x --nocontent_student", "--pretrain_steps=3", "pretrain_steps would"),
        ("--content=x.keras", "--pretrain_noise=0.1", "pretrain_noise would be ignored"),
    )
    def test_what_an_f_has_no_use_for_is_refused_where_a_command_names_it(self, f, words, said):
        folders = "--domain=folders --source_dir=a --target_dir=b"
        _parse(*folders.split(), *f.split())  # the preset's own are let pass
        with self.assertRaisesRegex(UserError, said):
            _parse(*folders.split(), *f.split(), *words.split())

    @parameterized.parameters(
        ("--content=labels", "--pretrain_geometry=1"),
        ("--content=x.keras --const_views", "--pretrain_noise=0.1"),
        ("--content=face:x", "--pretrain_steps=3"),
        (
            "--content=x.keras --method=pixels --content_distance=mse --beta=1 --nomatch_features",
            "--f_residual",
        ),
    )
    def test_what_an_f_has_a_use_for_is_not(self, f, words):
        folders = "--domain=folders --source_dir=a --target_dir=b"
        _parse(*folders.split(), *f.split(), *words.split())

    @parameterized.parameters(
        ("dtn_no_tdi", r"one of <.*\|dtn\|.*>\. Did you mean dtn_no_tid\?$"), ("resnet", r">\.$")
    )
    def test_a_mistyped_word_is_answered_with_the_nearest(self, word, said):
        with self.assertRaisesRegex(flags.IllegalFlagValueError, said):
            _parse(f"--preset={word}")

    def test_workdir_is_named_for_domain_and_preset_unless_given(self):
        _parse("--domain=mnist", "--preset=dtn_no_gan")
        self.assertEqual(train_flags.workdir(), "runs/mnist-dtn_no_gan")
        _parse("--workdir=elsewhere")
        self.assertEqual(train_flags.workdir(), "elsewhere")


class MainTest(testing.TestCase):
    def _run(self, *command):
        return subprocess.run(
            [sys.executable, *command], cwd=_ROOT, capture_output=True, text=True, check=False
        )

    def test_help_shows_what_a_user_needs_and_helpfull_everything(self):
        done, full = (self._run("train_main.py", f"--help{more}") for more in ("", "full"))
        self.assertEqual((done.returncode, full.returncode), (1, 1))  # absl's way
        shown = {n for n in _FIELDS | _NOT_SETTINGS if f"{n}: " in done.stdout.replace("[no]", "")}
        self.assertBetween(len(shown), 24, 31)
        self.assertContainsSubset({"domain", "preset", "workdir", "alpha", "data_dir"}, shown)
        self.assertNotIn("pretrain_dropout", shown)
        for name in _FIELDS | _NOT_SETTINGS:
            self.assertRegex(full.stdout, rf"--(\[no\])?{name}: ")

    def test_a_wrong_setting_is_one_line_and_waits_for_nothing(self):
        done = self._run("train_main.py", "--f_channels=8,a")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(
            done.stderr, "error: --f_channels=8,a is not a list of whole numbers like 64,128.\n"
        )

    def test_libraries_log_errors_alone_unless_told_otherwise(self):
        for name in ("train_main", "eval_main"):
            shows = f"import {name}, logging; from dtn_tf import cli; cli.run({_SHOW})"
            for flags_given, level in (((), "ERROR"), (("--verbosity=0",), "INFO")):
                done = self._run("-c", shows, *flags_given)
                self.assertEqual(done.stdout.strip(), level)

    @parameterized.parameters(({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0"))
    def test_onednn_is_on_before_tensorflow_loads_unless_told_otherwise(self, given, expected):
        environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"} | given
        look = "import os, platform, sys\nplatform.machine = lambda: 'x86_64'\nimport {0}\n"
        look += "print('tensorflow' in sys.modules, os.environ['TF_ENABLE_ONEDNN_OPTS'])"
        for name in ("train_main", "eval_main", "dtn_tf.config"):
            with mock.patch.dict(os.environ, environment, clear=True):
                done = self._run("-c", look.format(name))
            self.assertEqual(done.stdout.split(), ["False", expected], done.stderr)

    def test_a_folder_that_is_not_there_is_one_line_and_waits_for_nothing(self):
        for name in ("train_main", "eval_main"):
            code = f"import atexit, sys, {name}; from dtn_tf import cli;"
            code += "atexit.register(lambda: print('tensorflow' in sys.modules));"
            done = self._run(
                "-c", code + f"cli.run({name}.main)", "--data=files", "--data_dir=gone"
            )
            self.assertEqual((done.returncode, done.stdout), (1, "False\n"))
            self.assertStartsWith(done.stderr, "error: --data_dir=gone is no folder.")

    def test_mistyped_flag_and_stray_word_are_refused(self):
        done = self._run("train_main.py", "--alpa=3")
        self.assertIn("Unknown command line flag 'alpa'. Did you mean: alpha", done.stderr)
        done = self._run("train_main.py", "svhn")
        self.assertIn("Unknown arguments: svhn", done.stdout + done.stderr)

    def test_home_in_a_folder_of_results_is_exchanged(self):
        code = "import sys; from absl import flags; from flags import eval_flags as e;"
        code += "flags.FLAGS(sys.argv); print(e.RUNS_DIR.value, e.RESULTS_DIR.value)"
        done = self._run("-c", code, "--runs_dir=~/a", "--results_dir=~/b")
        self.assertEqual(done.stdout.split(), [os.path.expanduser(p) for p in ("~/a", "~/b")])

    def test_flags_do_not_wait_for_tensorflow(self):
        script = "import sys; from flags import train_flags; print('tensorflow' in sys.modules)"
        self.assertEqual(self._run("-c", script).stdout, "False\n")

    @parameterized.parameters(
        ("train_main.py", "--workdir=", "--workdir= names no folder"),
        ("train_main.py", "--cache_dir=", "--cache_dir= names no folder"),
        ("train_main.py", "--data_dir=", "--data_dir= is no folder"),
        ("train_main.py", "--data_dir=not/there", "--data_dir=not/there is no folder"),
        ("train_main.py", "--data=builtin --data_dir=docs", "--data_dir=docs would be ignored"),
        ("eval_main.py", "--workdir=", "--workdir= names no folder"),
        ("eval_main.py", "--runs_dir=", "--runs_dir= names no folder"),
        ("eval_main.py", "--cache_dir=", "--cache_dir= names no folder"),
        ("eval_main.py", "--data=builtin --data_dir=docs", "--data_dir=docs would be ignored"),
    )
    def test_folders_that_cannot_be_meant_are_refused_in_one_line(self, program, given, said):
        done = self._run(program, *given.split())
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertStartsWith(done.stderr, f"error: {said}")
        self.assertLen(done.stderr.splitlines(), 1)

    def test_scoring_flags_without_meaning_together_are_refused(self):
        for arguments, message in (
            (("--table=all", "--workdir=a"), "leave out one"),
            (("--train_missing",), "--train_missing without --table"),
            (("--content=unlabelled",), "--content=unlabelled is for --table=faces"),
            (("--content=a.keras", "--table=1", "--train_missing"), "a run has its f"),
            (("--descriptor=face:net", "--table=1"), "--descriptor=face:net compares faces"),
            (("--nocontrols", "--table=1"), "--nocontrols is for one run"),
        ):
            done = self._run("eval_main.py", *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stdout + done.stderr)
