"""Serves the page on this machine alone, by Python's own http.server.

A server on 127.0.0.1 is open to every page that the browser shows. So: other Host headers are
refused (a name of an attacker that is made to point here), translations are by POST with an
Origin of ours, sizes and numbers are bounded, and nothing is written to the disk.
"""

import contextlib
import errno
import http.server
import json
import pathlib
import socket
import socketserver
import sys
import threading
import time
import urllib.parse

from dtn_tf.demo import facts as facts_lib
from dtn_tf.demo import pages, reading
from dtn_tf.errors import UserError

ADDRESS, PORT = "127.0.0.1", 8000
MOST_WAITING = 4  # translations that are read, waited for or computed at a time
MOST_CONNECTIONS = 32

_HOSTS = ("127.0.0.1", "localhost")
_PATIENCE = 20.0  # seconds for a client that is silent
_TRIES = 20  # ports after the usual one
_BUG = "This page has a bug. The terminal in which it was started says where."


class _RefusalError(Exception):
    """A request that is not answered: an HTTP status, and plain words for the page."""

    def __init__(self, status, words, **headers):
        super().__init__(words)
        self.status, self.headers = status, headers


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The page of a DTN.

    Args:
        model: `model.Model`.
        facts: `facts.Facts`.
        port: To listen on; 0 for any that is free.
        most_bytes, most_pixels: Of an image.

    Raises:
        OSError: If the port is in use.
    """

    daemon_threads = True  # Ctrl-C does not wait for a browser

    def __init__(self, model, facts, port, most_bytes=None, most_pixels=None):
        self.most_bytes = most_bytes or facts_lib.MOST_BYTES
        self.read = reading.Reader(model, most_pixels or facts_lib.MOST_PIXELS)
        self.files = {f"/{name}": path for name, path in facts.files.items()}
        self.pages = {f"/{k}": v for k, v in pages.of("server.js", pages.SERVED).items()}
        self.pages["/facts.js"] = facts.script(kind="server")
        self.pages["/"] = self.pages["/index.html"]
        self.waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((ADDRESS, port), _Handler)

    def server_bind(self):
        """As HTTPServer's, which also asks a name server for this machine's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    @property
    def url(self):
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def hosts(self):
        """What a Host header of ours says."""
        port = "" if self.server_port == 80 else f":{self.server_port}"  # browsers leave out 80
        return {f"{name}{port}" for name in _HOSTS}

    def process_request(self, request, client_address):
        """Begins a thread, unless there are too many."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._connections.release()
            raise

    def process_request_thread(self, request, client_address):
        """Answers a request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request, client_address):
        """A browser that went away is no error; a bug keeps its traceback."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server_version, sys_version = "dtn_tf", ""
    timeout = _PATIENCE

    def do_GET(self):  # noqa: N802 - a name of http.server
        self._answer(self._page)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):  # noqa: N802
        self._answer(self._translation)

    def log_message(self, *args):
        """Says nothing: what somebody looks at is his own affair."""

    def send_error(self, code, message=None, explain=None):
        """As the page reads errors; http.server calls it for what it does not know itself."""
        self._refuse(
            _RefusalError(405 if code == 501 else code, message or "The request is no HTTP.")
        )

    def _answer(self, find):
        try:
            self._check_host()
            data, kind = find()
            self._send(200, data, kind)
        except _RefusalError as refused:
            self._refuse(refused)
        except UserError as error:
            self._refuse(_RefusalError(422, str(error)))
        except (ConnectionError, TimeoutError):
            raise  # the browser went away
        except Exception:
            self.server.handle_error(self.request, self.client_address)  # keeps its traceback
            self._refuse(_RefusalError(500, _BUG))

    def _check_host(self):
        if self.headers.get_all("Host", []) not in ([host] for host in self.server.hosts):
            raise _RefusalError(
                421, f"This page is for this machine alone. Open it as {self.server.url}"
            )

    def _page(self):
        path = _path(self.path)
        if path in self.server.pages:
            kind = pages.TYPES[pathlib.PurePath(path).suffix or ".html"]
            return self.server.pages[path], kind
        if path in self.server.files:  # by its whole name: no path is made of what was asked
            with contextlib.suppress(OSError):  # deleted since
                file = self.server.files[path]
                return file.read_bytes(), pages.TYPES[file.suffix]
        if path == "/translate":
            raise _RefusalError(405, "An image is sent by POST.", Allow="POST")
        raise _RefusalError(404, f"There is nothing at {path[:80]}.")

    def _translation(self):
        if _path(self.path) != "/translate":
            raise _RefusalError(405, "Only an image can be sent, to /translate.", Allow="GET, HEAD")
        origins = [f"http://{host}" for host in self.server.hosts]
        if self.headers.get("Origin") not in origins:
            raise _RefusalError(403, "Only this page itself may ask for a translation.")
        if not self.server.waiting.acquire(blocking=False):
            raise _RefusalError(
                503,
                f"{MOST_WAITING} images are being translated. Try again in a second.",
                **{"Retry-After": "1"},
            )
        try:
            answer = self.server.read(self._body())
        finally:
            self.server.waiting.release()
        return json.dumps(answer).encode(), "application/json"

    def _body(self):
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdigit():
            raise _RefusalError(411, "The size of the image is not said.")
        if len(size) > 15 or int(size) > self.server.most_bytes:
            raise _RefusalError(
                413,
                f"This file is larger than {self.server.most_bytes / (1 << 20):,.0f} MB, the most"
                " that this page takes. Scale the image down first.",
            )
        data = self.rfile.read(int(size))
        if len(data) < int(size):
            raise _RefusalError(400, "The image did not arrive whole.")
        return data

    def _refuse(self, refused):
        data = json.dumps({"error": str(refused)}).encode()
        self.close_connection = True
        self._send(refused.status, data, "application/json", refused.headers)
        self._read_on()

    def _send(self, status, data, kind, more=None):
        self.send_response(status)
        of_this = {"Content-Type": kind, "Content-Length": str(len(data)), **(more or {})}
        for name, value in {**pages.HEADERS, **of_this}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _read_on(self):
        """Reads what is still being sent, for a while: a browser shows no answer before that."""
        until, left = time.monotonic() + 2.0, 4 * self.server.most_bytes
        self.connection.settimeout(0.5)
        with contextlib.suppress(OSError, ValueError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and time.monotonic() < until and (part := self.rfile.read1(1 << 16)):
                left -= len(part)


def serve(model, facts, port=None):
    """Serves the page until Ctrl-C; says where it is.

    Args:
        model, facts: See `Server`.
        port: To listen on, 0 for any that is free; None for 8000, or the next one that is free.

    Raises:
        UserError: If the port is in use, or may not be used.
    """
    server = _open(model, facts, port)
    with server:
        server.read.warm_up()
        print(f"{model.terms.name} is at {server.url}  (Ctrl-C ends it)", flush=True)
        server.serve_forever()


def _open(model, facts, port):
    wanted = [port] if port is not None else range(PORT, PORT + _TRIES)
    for number in wanted:
        try:
            server = Server(model, facts, number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UserError(
                    f"Port {number} cannot be used: {error.strerror}. Choose one above 1023:"
                    f" --port={PORT}"
                ) from error
            continue
        if number not in (0, wanted[0]):
            print(f"Port {wanted[0]} is in use; taking {number}.", flush=True)
        return server
    last = f" to {wanted[-1]}" if len(wanted) > 1 else ""
    raise UserError(
        f"Port {wanted[0]}{last} is in use by another program. Choose another one, or --port=0 for"
        " any that is free."
    )


def _path(asked):
    """The path of what was asked for; what is no address has none."""
    try:
        return urllib.parse.urlsplit(asked).path
    except ValueError:
        raise _RefusalError(400, "That is no address.") from None
