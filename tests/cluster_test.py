"""Two processes on loopback train as one device does, and resume after one of them was killed."""

import json
import os
import signal
import socket
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from dtn_tf import cluster, config, devices
from dtn_tf.errors import UserError
from tests import forked, machine, replicas, testing


def _crash():
    raise InterruptedError


def _free_ports(count):
    with_ports = [socket.socket() for _ in range(count)]
    for one in with_ports:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in with_ports]
    for one in with_ports:
        one.close()
    return ports


class TwoMachinesTest(testing.TestCase):
    def train(self, killed_at):
        """Starts both; returns their exit codes, and what they said."""
        addresses = [f"localhost:{port}" for port in _free_ports(2)]
        said = [self.directory / f"said-{index}" for index in range(2)]
        started = []
        for index in range(2):
            task = {"type": "worker", "index": index}
            config_of = json.dumps({"cluster": {"worker": addresses}, "task": task})
            words = ["-m", "tests.machine", str(self.directory), str(killed_at)]
            environment = {"TF_CONFIG": config_of, "TMPDIR": str(self.directory)}
            started.append(forked.Process(words, said[index], **environment))
            self.addCleanup(started[-1].kill)
        codes = [process.wait() for process in started]
        return codes, [path.read_text() for path in said]

    def test_a_killed_machine_stops_all_and_the_same_commands_resume(self):
        (self.directory / "run").mkdir()
        codes, out = self.train(killed_at=7)
        self.assertEqual(codes, [1, -signal.SIGKILL])
        self.assertIn("Another machine of the cluster has ended", out[0])
        codes, out = self.train(killed_at=0)
        self.assertEqual(codes, [0, 0], out)
        found = np.load(self.directory / "run" / "found.npz")  # of the chief
        self.assertEqual(found["start"], machine.STEPS // 2)
        with self.assertRaises(InterruptedError):
            machine.train(self.directory / "one", [testing.Call(7, _crash)])
        one, logs, start = machine.train(self.directory / "one")
        self.assertEqual(start, machine.STEPS // 2)
        self.assertAllClose(found["log/loss"], logs["loss"], rtol=1e-5)
        for path, value in replicas.weights(one).items():
            self.assertAllClose(found[path], value, rtol=1e-5, atol=1e-5, msg=path)


class StopTest(testing.TestCase):
    @parameterized.parameters((True, signal.SIGTERM, 10), (False, 0, 25))
    def test_callbacks_see_the_end_of_a_training_that_is_stopped(self, asked, number, steps):
        """As Keras calls them: what was not looked at since the last look is looked at then."""
        model = mock.Mock(train_step=lambda batch: {"loss": batch})
        callbacks = mock.Mock()
        batches = [tf.constant(float(k)) for k in range(25)]
        self.enter_context(mock.patch.object(cluster, "_joined", [tf.distribute.get_strategy()]))
        self.enter_context(mock.patch.object(cluster, "_shared", lambda data, strategy: data))
        self.enter_context(mock.patch.object(cluster, "_any", lambda stop: asked))
        self.assertEqual(cluster.fit(model, batches, callbacks), number)
        self.assertEqual(callbacks.on_train_batch_end.call_count, steps)
        callbacks.on_train_end.assert_called_once_with()


class JoinTest(testing.TestCase):
    def join(self, **environment):
        with mock.patch.dict(os.environ, environment):
            return cluster.join()

    def test_without_a_cluster_nothing_is_joined(self):
        self.assertFalse(self.join(TF_CONFIG="", SLURM_STEP_NUM_TASKS=""))
        self.assertFalse(self.join(TF_CONFIG="", SLURM_STEP_NUM_TASKS="1"))
        self.assertTrue(cluster.is_chief())
        self.assertEqual(cluster.num_replicas(), 1)

    def test_one_worker_is_no_cluster(self):
        alone = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
        self.assertFalse(self.join(TF_CONFIG=json.dumps(alone)))

    def test_a_task_that_is_in_no_job_is_refused(self):
        wrong = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "boss", "index": 0}}
        with self.assertRaisesRegex(UserError, "task type 'boss' is none of"):
            self.join(TF_CONFIG=json.dumps(wrong))

    def test_what_is_no_json_is_refused(self):
        with self.assertRaisesRegex(UserError, "TF_CONFIG is not what TensorFlow takes"):
            self.join(TF_CONFIG="{")

    def test_settings_that_a_cluster_cannot_have_are_refused(self):
        joined = mock.patch.multiple(cluster, scope=lambda: "scope", num_replicas=lambda: 3)
        with joined, self.assertRaisesRegex(UserError, "64 cannot be shared equally by devices=3"):
            devices.check(config.make("dtn"))
        with joined, self.assertRaisesRegex(UserError, "devices=2 is for one machine"):
            devices.check(config.make("dtn", devices=2, batch_size=6))


if __name__ == "__main__":
    absltest.main()
