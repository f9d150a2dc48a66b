"""A finished run on drawn digits, trained once per process and copied for each test."""

import contextlib
import functools
import io
import pathlib
import shutil
import tempfile
from unittest import mock

from dtn_tf import serving, train
from dtn_tf.data.builtin import street_digits
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.scores import judge
from tests import testing, train_test

SPLITS = {"train": (300, 0), "test": (100, 1)}


class TestCase(testing.EagerTestCase):
    """With `self.workdir`, the run, and `self.cache`, what it was trained from."""

    def setUp(self):
        super().setUp()
        self.enter_context(fewer_digits())
        small = functools.partial(ContentEncoder, testing.F_CHANNELS)
        self.enter_context(mock.patch.object(judge, "ContentEncoder", small))
        self.workdir, self.cache = self.directory / "runs" / "a", self.directory / "cache"
        shutil.copytree(_root() / "runs", self.directory / "runs")
        shutil.copytree(_root() / "cache", self.cache)

    def quietly(self, function, *args, **kwargs):
        """Returns what a function returns, and what it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            found = function(*args, **kwargs)
        return found, out.getvalue()


def fewer_digits():
    """The same drawn digits, fewer of them."""
    return mock.patch.object(street_digits, "SPLITS", SPLITS)


@functools.cache
def _root():
    made = tempfile.TemporaryDirectory()
    _KEPT.append(made)  # until the process ends
    root = pathlib.Path(made.name)
    quiet = contextlib.redirect_stdout(io.StringIO())
    no_export = mock.patch.object(serving, "export")  # takes long and is in no table
    with fewer_digits(), quiet, no_export, testing.eagerly():
        train.train(train_test.SMALL, root / "runs" / "a", root / "cache")
    return root


_KEPT = []
