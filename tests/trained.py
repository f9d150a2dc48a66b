"""A finished run on drawn digits, trained once for all tests and copied for each."""

import contextlib
import dataclasses
import functools
import io
import os
import pathlib
import shutil
from unittest import mock

from dtn_tf import adamw, files, serving, train
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.scores import judge
from tests import conftest, testing, train_test


class TestCase(testing.EagerTestCase):
    """With `self.workdir`, the run, and `self.cache`, what it was trained from."""

    def setUp(self):
        super().setUp()
        self.enter_context(testing.fewer_digits())
        small = functools.partial(ContentEncoder, testing.F_CHANNELS)
        self.enter_context(mock.patch.object(judge, "ContentEncoder", small))
        self.enter_context(mock.patch.object(judge, "_BATCH", 16))
        self.workdir, self.cache = self.directory / "runs" / "a", self.directory / "cache"
        shutil.copytree(_root() / "runs", self.directory / "runs")
        shutil.copytree(_root() / "cache", self.cache)

    def leave_judges_untrained(self):
        """Where nobody looks at their numbers; other steps still give other weights."""

        def fit(model, *_, num_steps, **__):
            model.head.bias.assign_add([float(num_steps)] * model.num_classes)

        self.enter_context(mock.patch.object(adamw, "fit", fit))

    def quietly(self, function, *args, **kwargs):
        """Returns what a function returns, and what it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            found = function(*args, **kwargs)
        return found, out.getvalue()


@functools.cache
def _root():
    """Where the run is, and what it was trained from."""
    root = pathlib.Path(os.environ[conftest.SHARED]) / "trained"
    with files.locked(root, wait=True):
        if not (root / "runs" / "a" / "dtn.keras").exists():
            _train(root)
    return root


def _train(root):
    settings = dataclasses.replace(train_test.SMALL, steps=2, grid_every=2)
    quiet = contextlib.redirect_stdout(io.StringIO())
    no_export = mock.patch.object(serving, "export")  # takes long and is in no table
    with testing.fewer_digits(), quiet, no_export, testing.eagerly():
        train.train(settings, root / "runs" / "a", root / "cache")
