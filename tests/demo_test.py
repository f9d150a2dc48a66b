"""The server of `dtn_tf demo`: what it answers, and what it refuses."""

import contextlib
import dataclasses
import http.client
import io
import json
import os
import socket
import sys
import threading
import time
import zlib
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image, ImageFile

import dtn_tf
from dtn_tf import images
from dtn_tf.demo import reading, server
from tests import odd_images, painting, served, testing

_WATCHERS = []  # of files that are opened to write


def _watch(event, args):
    if _WATCHERS and event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        _WATCHERS[0](str(args[0]))


sys.addaudithook(_watch)  # for good: Python takes none away


class TranslationTest(served.TestCase):
    def setUp(self):
        super().setUp()
        self.serve()

    @parameterized.parameters("crop", "pad")
    def test_pixels_are_those_of_translate(self, fit):
        served.model().dtn.contract = dataclasses.replace(painting.TERMS, fit=fit)
        self.serve()
        path = self.directory / "wide.png"
        Image.fromarray(testing.pixels(1, 3, seed=5)[0]).resize((90, 60)).save(path)
        status, answer = self.translate(path.read_bytes())
        expected = dtn_tf.translate(served.model().dtn, path)[0]
        self.assertEqual((status, answer["full"]), (200, [90, 60]))
        self.assertGreater(np.std(expected), 5.0)
        found = served.array(answer["translation"])
        self.assertLessEqual(painting.levels_apart(found, expected), 1)
        scaled = dtn_tf.translate(served.model().dtn, served.array(answer["input"])[np.newaxis])[0]
        self.assertAllEqual(scaled, expected)

    def test_classes_are_what_f_sees_in_both(self):
        x = testing.pixels(1, 3, seed=5)
        _, answer = self.translate(served.png(x[0]))
        dtn, head = served.model().dtn, served.model().head
        gx = dtn_tf.translate(dtn, x)
        for name, pixels in (("seen", x), ("painted", gx)):
            fx = np.maximum(dtn.f(images.to_model(pixels), training=False), 0.0)
            logits = fx @ head.kernel.numpy() + head.bias.numpy()
            shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            self.assertAllClose(answer[name], shares[0], atol=0.02)
            self.assertAlmostEqual(sum(answer[name]), 1.0, places=4)

    def test_broken_files_are_refused_in_plain_words(self):
        for name, data in odd_images.BROKEN.items():
            status, answer = self.translate(data)
            self.assertEqual(status, 422, name)
            words = "cannot be read as an image: .|has far too many pixels"
            self.assertRegex(answer["error"], words, name)

    def test_nothing_is_written(self):
        written = []
        _WATCHERS.append(written.append)
        self.addCleanup(_WATCHERS.clear)
        self.assertEqual(self.translate(served.png(testing.pixels(1, 3)[0]))[0], 200)
        self.assertEmpty(written)
        (self.directory / "x").touch()  # the watcher is awake
        self.assertEqual(written, [str(self.directory / "x")])


class FormatsTest(served.TestCase):
    def test_a_file_is_decoded_only_once_its_size_is_known(self):
        """Of each format: one that is too large is refused, and no pixel of it was decoded."""
        self.serve(most_pixels=1023)
        for name in reading.FORMATS:
            file = io.BytesIO()
            odd_images.picture().save(file, name)
            with mock.patch.object(ImageFile.ImageFile, "load", autospec=True) as load:
                status, answer = self.translate(file.getvalue())
            self.assertEqual((status, load.call_count), (422, 0), name)
            self.assertIn("32 x 32 pixels", answer["error"])

    def test_others_are_refused_by_name_unread(self):
        self.serve()
        file = io.BytesIO()
        odd_images.picture().save(file, "ICO", sizes=[(32, 32)])
        with mock.patch.object(ImageFile.ImageFile, "load", autospec=True) as load:
            status, answer = self.translate(file.getvalue())
        self.assertEqual((status, load.call_count), (422, 0))
        self.assertIn("The page takes PNG, JPEG, WEBP, GIF, BMP, TIFF and AVIF.", answer["error"])


class BugTest(served.TestCase):
    def test_is_an_answer_for_the_page_and_a_traceback_for_the_terminal(self):
        self.serve()
        self.server.read = mock.Mock(side_effect=ZeroDivisionError("by zero"))
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status, answer = self.translate(b"x")
        self.assertEqual(status, 500)
        self.assertIn("has a bug", answer["error"])
        self.assertRegex(said.getvalue(), "(?s)Traceback.*ZeroDivisionError: by zero")
        self.assertEqual(self.ask("GET", "/")[0], 200)


class BoundsTest(served.TestCase):
    def test_pixels_are_counted_before_they_are_decoded(self):
        self.serve(most_pixels=10_000)
        small = served.png(np.zeros((100, 100, 3), np.uint8))
        head = small[12:20] + (101).to_bytes(4) + small[24:29]  # says one row more than there is
        large = small[:12] + head + zlib.crc32(head).to_bytes(4) + small[33:]
        self.assertEqual(self.translate(small)[0], 200)
        status, answer = self.translate(large)
        self.assertEqual(status, 422)
        self.assertIn("100 x 101 pixels", answer["error"])

    def test_bytes_are_counted_before_they_are_read(self):
        self.serve(most_bytes=1 << 20)
        status, answer = self.translate(bytes((1 << 20) + 1))
        self.assertEqual(status, 413)
        self.assertIn("larger than 1 MB", answer["error"])
        self.assertEqual(self.translate(bytes(1 << 20))[0], 422)  # read, and no image

    @parameterized.parameters(
        ("Content-Length: x", 411), ("Content-Length: -1", 411), ("A: b", 411)
    )
    def test_a_size_that_is_not_said_is_refused(self, header, status):
        self.serve()
        asked = f"POST /translate HTTP/1.0\r\nHost: {self.origin[7:]}\r\nOrigin: {self.origin}\r\n"
        with socket.create_connection(("127.0.0.1", self.server.server_port), 60) as client:
            client.sendall(f"{asked}{header}\r\n\r\n".encode())
            client.shutdown(socket.SHUT_WR)
            self.assertIn(" 411 ", client.makefile().readline())

    def test_more_images_at_a_time_wait_for_none(self):
        self.serve()
        begun, done = threading.Semaphore(0), threading.Event()

        def read(data):
            begun.release()
            done.wait(60)
            return {}

        self.server.read, found = read, []
        threads = [
            threading.Thread(target=lambda: found.append(self.translate(b"x")[0]))
            for _ in range(server.MOST_WAITING)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            self.assertTrue(begun.acquire(timeout=60))
        status, answer = self.translate(b"x")
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual((status, found), (503, [200] * server.MOST_WAITING))
        self.assertIn("Try again", answer["error"])
        self.assertEqual(self.translate(b"x")[0], 200)

    def test_connections_that_say_nothing_are_bounded(self):
        self.enter_context(mock.patch.object(server, "MOST_CONNECTIONS", 3))
        self.serve()
        address = ("127.0.0.1", self.server.server_port)
        with contextlib.ExitStack() as stack:
            for _ in range(server.MOST_CONNECTIONS):
                stack.enter_context(socket.create_connection(address, 60))
            with self.assertRaises((ConnectionError, http.client.HTTPException)):
                self.ask("GET", "/")
        until = time.monotonic() + 60
        while time.monotonic() < until:  # they are gone, and their threads soon
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                self.assertEqual(self.ask("GET", "/")[0], 200)
                return
        self.fail("The server does not answer any more.")


class DoorTest(served.TestCase):
    def setUp(self):
        super().setUp()
        self.serve()

    @parameterized.parameters("evil.example", "evil.example:{}", "127.0.0.1", "127.0.0.1:1", "")
    def test_another_host_is_refused(self, host):
        host = host.format(self.server.server_port)
        for method, path in (("GET", "/"), ("GET", "/facts.js"), ("POST", "/translate")):
            headers = {"Host": host, "Origin": f"http://{host}"}
            status, _, body = self.ask(method, path, b"", **headers)
            self.assertEqual(status, 421)
            self.assertIn("for this machine alone", json.loads(body)["error"])

    def test_localhost_is_this_machine_too(self):
        host = f"localhost:{self.server.server_port}"
        self.assertEqual(self.ask("GET", "/", Host=host)[0], 200)

    @parameterized.parameters({}, {"Origin": "http://evil.example"}, {"Origin": "null"})
    def test_another_origin_is_refused(self, **headers):
        status, _, body = self.ask("POST", "/translate", b"x", **headers)
        self.assertEqual(status, 403)
        self.assertIn("Only this page", json.loads(body)["error"])

    @parameterized.parameters(
        *(("GET", "/translate"), ("PUT", "/translate"), ("DELETE", "/"), ("OPTIONS", "/")),
        *(("POST", "/"), ("POST", "/facts.js")),
    )
    def test_other_methods_are_refused(self, method, path):
        status, _, body = self.ask(method, path, Origin=self.origin)
        self.assertEqual(status, 405)
        self.assertIn("error", json.loads(body))

    @parameterized.parameters("/x", "/../setup.py", "/%2e%2e/setup.py", "//etc/passwd", "/page/")
    def test_no_other_file_is_there(self, path):
        self.assertEqual(self.ask("GET", path)[0], 404)

    def test_every_answer_forbids_other_hosts(self):
        for method, path in (
            ("GET", "/"),
            ("GET", "/main.js"),
            ("GET", "/x"),
            ("POST", "/translate"),
        ):
            headers = self.ask(method, path)[1]
            rules = headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"):
                self.assertIn(rule, rules)
            self.assertNotRegex(rules, r"https?:|\*|unsafe-inline")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertNotIn("Python", headers["Server"])
