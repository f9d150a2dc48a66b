"""The page of `dtn_tf demo`, served in a thread by a tiny DTN."""

import base64
import contextlib
import http.client
import io
import json
import threading

import numpy as np
import tensorflow as tf
from PIL import Image

from dtn_tf.demo import facts, server
from dtn_tf.demo import model as model_lib
from tests import painting, testing

_KEPT = []
FACTS = facts.Facts({"name": "tiny", "most": {}}, {})


def model():
    """Returns the tiny DTN with a classifier of its f, made once."""
    if not _KEPT:
        dtn = painting.row()
        head = tf.keras.layers.Dense(10, name="classes")
        head.build((None, dtn.f.features))
        head.kernel.assign(5.0 * head.kernel)
        _KEPT.append(model_lib.Model(dtn, head, tuple("0123456789")))
    _KEPT[0].dtn.contract = painting.TERMS
    return _KEPT[0]


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "PNG")
    return file.getvalue()


def array(picture):
    shape = (picture["height"], picture["width"], picture["channels"])
    return np.frombuffer(base64.b64decode(picture["data"]), np.uint8).reshape(shape)


class TestCase(testing.EagerTestCase):
    """With a server in a thread."""

    def serve(self, known=FACTS, **bounds):
        self.server = server.Server(model(), known, 0, **bounds)
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.origin = self.server.url.rstrip("/")

    def ask(self, method, path, body=None, **headers):
        """Returns the status, the headers and the bytes of an answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=60)
        with contextlib.closing(client):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            client.request(method, path, body, named)
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read()

    def translate(self, data, **headers):
        """Returns the status and the JSON of an answer."""
        status, _, body = self.ask("POST", "/translate", data, Origin=self.origin, **headers)
        return status, json.loads(body)
