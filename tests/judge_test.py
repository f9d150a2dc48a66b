"""One judge: the same weights, under the same name, whatever the machine computes in."""

import contextlib
import functools
import io
import json
from unittest import mock

import keras
import numpy as np
from absl.testing import parameterized

from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.scores import judge
from tests import testing

_CLASSES = tuple("0123456789")


def pictures(seed=0, channels=1):
    labels = np.arange(32, dtype=np.uint8) % 10
    return Pictures(testing.pixels(32, channels, seed), "digits", labels, _CLASSES)


def files_of(folder):
    """Returns the bytes of all files, by path."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in paths}


_MADE = []


class JudgeTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(judge, "_BATCH", 4))
        of_tests = functools.partial(ContentEncoder, testing.F_CHANNELS)
        self.enter_context(mock.patch.object(judge, "ContentEncoder", of_tests))

    def train(self, of, name="cache", **how):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            found = judge.train(of, pictures(1), self.directory / name, 2, **how)
        return *found, out.getvalue()

    def made(self):
        """Leaves a judge in the cache, trained once for all tests; returns its facts."""
        if not _MADE:
            _, facts, _ = self.train(pictures())
            _MADE.append((files_of(self.directory / "cache"), facts))
        for path, data in _MADE[0][0].items():
            (self.directory / "cache" / path).parent.mkdir(parents=True, exist_ok=True)
            (self.directory / "cache" / path).write_bytes(data)
        return _MADE[0][1]

    def test_is_trained_once_and_found_again(self):
        first, facts, out = self.train(pictures())
        again, same, silence = self.train(pictures())
        self.assertIn("judge: step 2/2", out)
        self.assertNotIn("step", silence)
        self.assertEqual(facts, same)
        self.assertEqual(facts["steps"], 2)
        self.assertLen(facts["hash"], 16)
        self.assertLen(list((self.directory / "cache").iterdir()), 1)
        self.assertEmpty(list(self.directory.glob("cache/*/checkpoints")))
        for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
            self.assertAllEqual(a, b)

    def test_what_made_it_is_kept_with_it(self):
        self.made()
        made = json.loads(next(self.directory.glob("cache/*/made.json")).read_text())
        self.assertEqual(made["identity"]["recipe"], judge.RECIPE)
        self.assertContainsSubset({"commit", "versions", "time"}, made["made_by"])

    def test_other_pictures_or_another_seed_are_another_judge(self):
        hashes = {self.made()["hash"]}
        hashes.add(self.train(pictures(seed=2))[1]["hash"])
        hashes.add(self.train(pictures(), seed=3)[1]["hash"])
        self.assertLen(hashes, 3)

    @parameterized.parameters("mixed_bfloat16", "mixed_float16", "float64")
    def test_is_float32_under_every_policy_and_has_the_same_weights(self, policy):
        expected = self.made()
        before = keras.config.dtype_policy()
        self.addCleanup(keras.config.set_dtype_policy, before)
        keras.config.set_dtype_policy(policy)
        for name in ("another", "cache"):  # trained anew, and found
            classifier, facts, _ = self.train(pictures(), name)
            self.assertEqual(facts, expected)
            for layer in classifier._flatten_layers():
                self.assertEqual(layer.compute_dtype, "float32", layer.name)
            self.assertEqual({w.dtype for w in classifier.weights}, {"float32"})

    def test_reads_what_it_was_taught_on_gray_or_colour(self):
        classifier, _, _ = self.train(pictures(channels=3))
        self.assertEqual(classifier.encoder.image_channels, 3)

    @parameterized.parameters(
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is damaged"),
        (lambda path: path.unlink(), "is missing"),
    )
    def test_a_judge_that_is_not_whole_is_trained_again(self, damage, said):
        facts = self.made()
        path = next(self.directory.glob("cache/*/judge.keras"))
        damage(path)
        _, again, out = self.train(pictures())
        self.assertEqual(again, facts)
        self.assertRegex(out, f"{path} {said}.* Making {path.parent} again.")
        self.assertIn("judge: step 2/2", out)

    def test_pictures_without_labels_teach_nothing(self):
        with self.assertRaisesRegex(UserError, "digits has no labels"):
            self.train(pictures().unlabelled())
