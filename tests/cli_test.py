import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

from absl.testing import parameterized

from dtn_tf import cli
from tests import testing

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PROGRAM = """
import sys, time
from dtn_tf import cli
from dtn_tf.errors import UserError

def main(argv):
    {body}

cli.run(main)
"""


def _start(body, **given):
    command = [sys.executable, "-c", _PROGRAM.format(body=body)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=_ROOT, **pipes, **given)


class ExitTest(testing.TestCase):
    def test_what_a_user_can_mend_is_one_line(self):
        process = _start("raise UserError('alpha=x; expected a number.')")
        out, error = process.communicate()
        self.assertEqual((process.returncode, out), (1, ""))
        self.assertEqual(error, "error: alpha=x; expected a number.\n")

    def test_a_bug_keeps_its_traceback(self):
        process = _start("raise ValueError('shapes differ')")
        _, error = process.communicate()
        self.assertIn("Traceback", error)
        self.assertIn("ValueError: shapes differ", error)
        self.assertNotEqual(process.returncode, 0)

    def test_success_is_0(self):
        process = _start("print('done')")
        self.assertEqual(process.communicate(), ("done\n", ""))
        self.assertEqual(process.returncode, 0)

    @parameterized.parameters((signal.SIGINT, 130), (signal.SIGTERM, 143))
    def test_a_signal_is_one_line_and_the_shells_exit_code(self, number, code):
        process = _start("print('up', flush=True); time.sleep(60)")
        process.stdout.readline()
        process.send_signal(number)
        _, error = process.communicate()
        self.assertEqual(process.returncode, code)
        self.assertRegex(error, "^Stopped: .* The same command resumes.\n$")

    def test_a_signal_while_tensorflow_loads(self):
        process = _start("print('up', flush=True); import tensorflow; time.sleep(60)")
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        self.assertEqual(process.returncode, 130, error)
        self.assertNotIn("Traceback", error)


class EarlyTest(testing.TestCase):
    @parameterized.parameters("train_main.py", "eval_main.py")
    def test_a_signal_while_a_program_loads_its_modules_is_one_line(self, program):
        """Sent by the first import after the handlers are set: no clock is asked."""
        (self.directory / "absl.py").write_text(
            "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
        )
        code = f"import sys; sys.path.insert(0, {str(self.directory)!r}); sys.argv = [{program!r}]"
        code += f"\nimport runpy; runpy.run_path({program!r}, run_name='__main__')"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=False
        )
        self.assertEqual((done.returncode, done.stdout), (130, ""), done.stderr)
        self.assertRegex(done.stderr, "^Stopped: nothing was begun.*\n$")

    @parameterized.parameters("train_main", "eval_main")
    def test_who_imports_a_program_keeps_his_handlers(self, name):
        code = f"import signal\nbefore = signal.getsignal(2)\nimport {name}\n"
        code += "assert signal.getsignal(2) is before"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], cwd=_ROOT).returncode, 0)


class CommandLineTest(testing.TestCase):
    """Of python -m dtn_tf, with a TensorFlow whose import is an error, or a Ctrl-C."""

    def run_on(self, *words, tensorflow="raise SystemExit('TensorFlow was loaded')"):
        (self.directory / "tensorflow.py").write_text(tensorflow)
        (self.directory / "keras.py").write_text(tensorflow)
        path = os.pathsep.join((str(self.directory), str(_ROOT)))
        return subprocess.run(
            [sys.executable, "-m", "dtn_tf", *words],
            **{"cwd": self.directory, "env": {**os.environ, "PYTHONPATH": path}},
            **{"capture_output": True, "text": True, "check": False},
        )

    @parameterized.parameters(
        ("translate", "svnh", "photo.png", "out"), ("export", "svnh", "--out=x"), ("demo", "svnh")
    )
    def test_a_name_that_is_none_is_said_before_tensorflow_is_loaded(self, *words):
        (self.directory / "photo.png").write_bytes(b"x")
        done = self.run_on(*words)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertRegex(done.stderr, r"^error: svnh is neither .*\(svhn\). Did you mean svhn\?")

    @parameterized.parameters("svhn", ".")
    def test_a_page_says_at_once_that_it_loads_and_what_a_ctrl_c_left(self, name):
        stop = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)"
        done = self.run_on("demo", name, tensorflow=stop)
        self.assertEqual((done.returncode, done.stdout), (130, f"Loading {name} ...\n"))
        self.assertEndsWith(done.stderr, "stored. The same command starts the page again.\n")


class CommandTest(testing.TestCase):
    def test_names_the_program_from_elsewhere_by_its_whole_path(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        words = shlex.split(cli.command("train_main.py", seed=1))
        self.assertEqual(words, [sys.executable, str(_ROOT / "train_main.py"), "--seed=1"])
        self.assertEqual(cli.shown("a/b"), str(pathlib.Path.cwd() / "a/b"))
        os.chdir(_ROOT)
        self.assertEqual(cli.command("train_main.py").split()[1], "train_main.py")
        self.assertEqual(cli.shown(_ROOT / "runs" / "a"), "runs/a")
        self.assertEqual(cli.shown("runs/a"), "runs/a")
        self.assertEqual(cli.shown("/somewhere/else"), "/somewhere/else")

    def test_is_quoted_and_has_the_python_in_use(self):
        words = shlex.split(cli.command("eval_main.py", workdir="my runs/it's"))
        self.assertEqual(words, [sys.executable, "eval_main.py", "--workdir=my runs/it's"])
        self.assertEqual(shlex.split(cli.tensorboard("my runs"))[1], "--logdir=my runs/tb")
