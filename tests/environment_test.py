import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
from absl.testing import parameterized

from dtn_tf import environment
from dtn_tf.errors import UserError
from tests import testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent


def _git(folder, *command):
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(("git", *who, *command), cwd=folder, check=True, capture_output=True)


class CommitTest(testing.TestCase):
    def commit(self, root):
        """What a copy of the module says in another folder."""
        code = "from dtn_tf import environment; print(environment.commit())"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def copy(self, folder):
        package = folder / "dtn_tf"
        package.mkdir(parents=True)
        for name in ("__init__.py", "environment.py", "errors.py"):
            shutil.copy(_ROOT / "dtn_tf" / name, package)
        return folder

    def test_is_that_of_the_checkout_and_says_whether_files_differ(self):
        root = self.copy(self.directory / "checkout")
        _git(root, "init")
        _git(root, "add", ".")
        _git(root, "commit", "-m", "first")
        head = self.commit(root)
        self.assertRegex(head, "^[0-9a-f]{12}$")
        (root / "results").mkdir()
        (root / "results" / "new").touch()
        self.assertEqual(self.commit(root), head)
        with open(root / "dtn_tf" / "errors.py", "a") as file:
            file.write("# changed\n")
        self.assertEqual(self.commit(root), f"{head}-dirty")

    def test_a_foreign_repository_around_the_package_is_not_ours(self):
        _git(self.directory, "init")
        (self.directory / "thesis.txt").touch()
        _git(self.directory, "add", "thesis.txt")
        _git(self.directory, "commit", "-m", "theirs")
        root = self.copy(self.directory / "venv" / "site-packages")
        self.assertEqual(self.commit(root), "None")

    def test_no_repository_at_all(self):
        self.assertEqual(self.commit(self.copy(self.directory / "plain")), "None")


class ProvenanceTest(testing.TestCase):
    def test_says_who_and_when(self):
        made = environment.provenance()
        self.assertEqual(set(made), {"commit", "versions", "processor", "time"})
        self.assertContainsSubset({"dtn_tf", "python", "tensorflow", "keras"}, made["versions"])
        self.assertRegex(made["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertNotEmpty(made["processor"])


class QuietStartTest(testing.TestCase):
    def said(self, body):
        code = f"import os, sys\nfrom dtn_tf import environment\n{body}"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=False
        )
        return done.stderr

    # That nothing is seen while TensorFlow loads is in `translating_test`, with a whole program.

    def test_other_lines_and_errors_are_shown(self):
        body = "with environment.quiet_start():\n    os.write(2, b'E0000 disk on fire\\n')\n"
        self.assertEqual(self.said(body), "E0000 disk on fire\n")
        body += "    os.write(2, b'oneDNN custom operations are on\\n')\n    raise KeyError('bug')"
        said = self.said(body)
        self.assertStartsWith(said, "E0000 disk on fire\nTraceback")
        self.assertIn("KeyError: 'bug'", said)


class KerasTest(testing.TestCase):
    def check(self, settings=None, **variables):
        """Of a process of its own: Keras reads its settings once."""
        if settings is not None:
            (self.directory / "keras.json").write_text(json.dumps(settings))
        done = subprocess.run(
            [sys.executable, "-c", "from dtn_tf import environment; environment.check_keras()"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"KERAS_HOME": str(self.directory)} | variables,
        )
        return done.returncode, done.stderr

    def test_usual_settings_pass(self):
        environment.check_keras()

    @parameterized.parameters(
        (keras.config.image_data_format, keras.config.set_image_data_format, "channels_first"),
        (keras.config.floatx, keras.config.set_floatx, "float16"),
    )
    def test_foreign_settings_are_refused(self, get, change, value):
        self.addCleanup(change, get())
        change(value)
        said = f"Keras is set to {get.__name__}={value}; dtn_tf needs .*keras.json"
        with self.assertRaisesRegex(UserError, said):
            environment.check_keras()

    @parameterized.parameters(
        ({"image_data_format": "channels_first"}, "image_data_format=channels_first"),
        ({"floatx": "int8"}, "floatx=int8"),
        ({"backend": "jax"}, "backend=jax"),
        ({"backend": 5}, "backend=5"),
    )
    def test_foreign_settings_in_a_file_are_refused(self, settings, said):
        usual = {"backend": "tensorflow", "floatx": "float32", "epsilon": 1e-7}
        usual["image_data_format"] = "channels_last"
        code, error = self.check({**usual, **settings})
        self.assertNotEqual(code, 0)
        self.assertRegex(error, f"UserError: Keras is set to {said}; dtn_tf needs .*keras.json")

    @parameterized.parameters("jax", "theano")
    def test_a_foreign_backend_in_the_environment_is_refused_before_keras_fails_on_it(self, name):
        code, error = self.check(KERAS_BACKEND=name)
        self.assertNotEqual(code, 0)
        self.assertIn(f"Keras is set to backend={name}", error)

    def test_a_file_that_is_no_object_is_named(self):
        code, error = self.check([])
        self.assertNotEqual(code, 0)
        self.assertIn(f"{self.directory / 'keras.json'} holds no JSON object", error)

    @parameterized.parameters(
        ("[]", {}, "error: .*keras.json holds no JSON object"),
        ('{"floatx": "int8"}', {}, "error: Keras is set to floatx=int8"),
        ("{}", {"KERAS_BACKEND": "theano"}, "error: Keras is set to backend=theano"),
    )
    def test_the_programs_say_it_in_one_line(self, text, variables, said):
        (self.directory / "keras.json").write_text(text)
        done = subprocess.run(
            [sys.executable, "train_main.py", "--dry_run", "--data=builtin"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"KERAS_HOME": str(self.directory)} | variables,
        )
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, said)
        self.assertLen(done.stderr.splitlines(), 1)
