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


class CommandTest(testing.TestCase):
    def test_is_quoted_and_has_the_python_in_use(self):
        words = shlex.split(cli.command("eval_main.py", workdir="my runs/it's"))
        self.assertEqual(words, [sys.executable, "eval_main.py", "--workdir=my runs/it's"])
        self.assertEqual(shlex.split(cli.tensorboard("my runs"))[1], "--logdir=my runs/tb")
