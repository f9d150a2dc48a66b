"""What is said of a D that wins, a D that says nothing, and a g that paints nothing."""

import io
from unittest import mock

import numpy as np

from dtn_tf import callbacks, health
from tests import testing

_GOOD = {"D3_G_source": 0.25, "D3_G_target": 0.2, "D3_target": 0.5, "L_GANG_source": 1.7}
_GOOD |= {"L_TV": 0.2, "L_D": 2.5}
_WINS = {**_GOOD, "D3_G_source": 0.0001, "D3_target": 0.999, "L_GANG_source": 9.1}
_SAYS_NOTHING = {**_GOOD, "D3_G_source": 0.333, "D3_G_target": 0.334, "D3_target": 0.335}
_FLAT = {**_GOOD, "L_TV": 0.0001}
# Every tenth line of a run on drawn digits that ends at 86 % accuracy.
_REAL = np.array(
    [
        [0.347, 0.212, 0.492, 1.218, 0.288],
        [0.165, 0.302, 0.521, 2.038, 0.202],
        [0.113, 0.308, 0.579, 2.432, 0.186],
        [0.117, 0.316, 0.578, 2.365, 0.186],
    ]
)


def _told(log, **how):
    found = health.Health(**how)
    return [found.told(values) for values in log]


class HealthTest(testing.TestCase):
    def test_a_d_that_wins_is_named_after_three_lines_with_what_to_try(self):
        *before, (said,) = _told([_GOOD, _WINS, _WINS, _WINS])
        self.assertEqual(before, [[], [], []])
        self.assertStartsWith(said, "D wins: D3 on G(s) 0.00, L_GANG 9.1 for 3 lines.")
        self.assertIn("--d_learning_rate", said)

    def test_once_an_episode_and_again_in_the_next_one(self):
        log = [_WINS] * 10 + [_GOOD] + [_WINS] * 5
        lines = [k for k, said in enumerate(_told(log)) if said]
        self.assertEqual(lines, [2, 13])

    def test_two_lines_are_no_episode(self):
        self.assertEqual(_told([_WINS, _WINS, _GOOD] * 3), [[]] * 9)

    def test_a_d_that_says_nothing_and_a_flat_g_are_named(self):
        self.assertStartsWith(_told([_SAYS_NOTHING] * 3)[2][0], "D says nothing: D3 0.33 on G(s)")
        self.assertStartsWith(_told([_FLAT] * 3)[2][0], "g paints flat images: L_TV 0.0001")

    def test_both_at_once_are_both_said(self):
        self.assertLen(_told([{**_WINS, "L_TV": 0.0}] * 3)[2], 2)

    def test_nothing_is_said_of_a_run_that_goes_well(self):
        names = ("D3_G_source", "D3_G_target", "D3_target", "L_GANG_source", "L_TV")
        log = [dict(zip(names, row, strict=True)) for row in _REAL for _ in range(10)]
        self.assertEqual(_told(log), [[]] * 40)

    def test_without_l_gang_d_is_nothing_to_look_at(self):
        self.assertEqual(_told([_WINS] * 5, has_gan=False), [[]] * 5)
        self.assertLen(_told([_FLAT] * 3, has_gan=False)[2], 1)

    def test_a_method_without_these_values_is_left_alone(self):
        self.assertEqual(_told([{"L_D": 0.0}] * 5), [[]] * 5)


class PeersTest(testing.TestCase):
    """Of CycleGAN, whose D gives scores, and of UNIT, whose D gives probabilities."""

    def test_a_d_that_wins_is_named(self):
        for fake, l_gan in ((-1.2, 4.9), (0.001, 6.9)):
            values = {"D_fake_t": fake, "D_real_t": 0.99, "L_GAN_source": l_gan}
            (said,) = _told([values] * 3)[2]
            self.assertStartsWith(said, f"D wins: D on translations of s {fake:.2f}, L_GAN")

    def test_a_d_that_says_nothing_is_named(self):
        values = {"D_fake_t": 0.497, "D_real_t": 0.502, "L_GAN_source": 0.25}
        (said,) = _told([values] * 3)[2]
        self.assertStartsWith(said, "D says nothing: 0.50 on translations of s, 0.50 on real")

    def test_nothing_is_said_of_a_d_that_is_right_most_of_the_time(self):
        for fake, l_gan in ((0.05, 0.95), (0.1, 2.5)):
            values = {"D_fake_t": fake, "D_real_t": 0.9, "L_GAN_source": l_gan}
            self.assertEqual(_told([values] * 5), [[]] * 5)


class ProgressTest(testing.TestCase):
    def test_time_that_is_no_training_is_not_in_the_speed(self):
        stream, now = io.StringIO(), [100.0]
        progress = callbacks.Progress("dtn", 1, 32, stream=stream)
        progress.start, progress.num_steps = 0, 3
        progress.set_model(mock.Mock(spec=["reset_metrics"]))
        with mock.patch.object(callbacks.time, "perf_counter", lambda: now[0]):
            progress.on_train_begin()
            for batch in range(3):
                now[0] += 0.5
                progress.on_train_batch_end(batch, {})
                now[0] += 60.0  # a watcher's
                progress.leave_out(60.0)
        self.assertEqual(stream.getvalue().count(" 64 images/s "), 3)

    def lines(self, stream):
        progress = callbacks.Progress("dtn", 1, 2, stream=stream, health=health.Health())
        progress.start, progress.num_steps = 0, 5
        progress.set_model(mock.Mock(spec=["reset_metrics"]))
        progress.on_train_begin()
        for batch in range(5):
            progress.on_train_batch_end(batch, _WINS)
        return stream.getvalue()

    def test_the_sentence_follows_its_line_once(self):
        lines = self.lines(io.StringIO()).splitlines()
        self.assertLen(lines, 6)
        self.assertStartsWith(lines[2], "dtn: step 3/5 ")
        self.assertStartsWith(lines[3], "dtn: step 3: D wins: ")
        self.assertStartsWith(lines[4], "dtn: step 4/5 ")

    def test_on_a_terminal_the_live_line_does_not_wipe_it_out(self):
        stream = io.StringIO()
        stream.isatty = lambda: True
        written = self.lines(stream).split("\r\x1b[K")
        (said,) = [part for part in written if "D wins" in part]
        self.assertEndsWith(said, "\n")
        self.assertEqual(sum(part.endswith("\n") for part in written), 2)  # and the last line
