"""Whether servers answer; no test here reaches beyond this machine."""

import email.message
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from unittest import mock

from absl.testing import parameterized

from dtn_tf.data import reachable


class ReachableTest(parameterized.TestCase):
    URLS = ("http://one.invalid/a.mat", "http://two.invalid/b.gz")

    def ask(self, side_effect, **kwargs):
        with mock.patch.object(urllib.request, "urlopen", side_effect=side_effect) as self.open:
            return reachable.why_not(self.URLS, **kwargs)

    def test_answers_from_all_mean_no_reason(self):
        self.assertIsNone(self.ask(lambda *args, **kwargs: mock.MagicMock()))
        requests = [call.args[0] for call in self.open.call_args_list]
        self.assertCountEqual([request.full_url for request in requests], self.URLS)
        self.assertEqual({request.get_method() for request in requests}, {"HEAD"})

    def test_the_time_limit_reaches_every_connection(self):
        self.ask(lambda *args, **kwargs: mock.MagicMock(), seconds=3.0)
        limits = [call.kwargs["timeout"] for call in self.open.call_args_list]
        self.assertEqual(limits, [1.5, 1.5])  # of two tries

    def test_the_usual_limit_is_patient(self):
        self.ask(lambda *args, **kwargs: mock.MagicMock())
        self.assertBetween(self.open.call_args.kwargs["timeout"], 5.0, 15.0)

    def test_a_lookup_that_hangs_is_left_behind(self):
        over = threading.Event()
        self.addCleanup(over.set)
        reason = self.ask(lambda *args, **kwargs: over.wait(60) and mock.MagicMock(), seconds=0.1)
        self.assertEqual(reason, "no answer within 0.05 s")

    @parameterized.named_parameters(
        ("name", urllib.error.URLError(socket.gaierror(-2, "Name unknown")), "Name unknown"),
        ("refused", ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        ("late", TimeoutError("timed out"), "timed out"),
        ("reset", ConnectionResetError(), "no answer"),
        ("proxy", ValueError("not a port: 'x'"), "not a port"),
        (
            "gone",
            urllib.error.HTTPError(URLS[1], 404, "Not Found", email.message.Message(), None),
            "HTTP 404",
        ),
    )
    def test_one_server_that_fails_is_named(self, error, reason):
        def answer(request, timeout):
            if request.full_url == self.URLS[1]:
                raise error
            return mock.MagicMock()

        found = self.ask(answer, seconds=0.2)
        self.assertStartsWith(found, "two.invalid: ")
        self.assertIn(reason, found)

    def test_a_real_socket_that_never_answers_is_given_up_on(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/a.mat"
            with mock.patch.dict(os.environ, {"no_proxy": "*"}):
                start = time.monotonic()
                reason = reachable.why_not([url], seconds=0.4)
        self.assertRegex(reason, "timed out|no answer")
        self.assertLess(time.monotonic() - start, 30.0)

    def test_a_server_that_answers_at_the_second_try_is_reachable(self):
        answers = iter((TimeoutError("slow"), mock.MagicMock()))

        def answer(request, timeout):
            found = next(answers) if request.full_url == self.URLS[0] else mock.MagicMock()
            if isinstance(found, Exception):
                raise found
            return found

        self.assertIsNone(self.ask(answer, seconds=60.0))
        self.assertEqual(self.open.call_count, 4)

    def test_it_asks_twice_and_then_gives_up(self):
        self.assertIn("down", self.ask(OSError("down"), seconds=0.1))
        self.assertEqual(self.open.call_count, 4)
