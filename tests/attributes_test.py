"""The attribute judge: learns from drawn avatars, reads others, and what is said of it."""

import contextlib
import functools
import io
import json
import types
from unittest import mock

import numpy as np

from dtn_tf.data.builtin import avatars
from dtn_tf.data.builtin.attributes import UNSEEN, VALUES, seen
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from dtn_tf.scores import attribute_tables, attributes, yardstick
from tests import testing

_TRAIN, _TEST, _STEPS = 320, 80, 140


@functools.cache
def drawn(num, seed):
    """Pictures of avatars, and what they show."""
    pixels, people = avatars.draw(num, seed, 32)
    return Pictures(pixels, "drawn avatars train"), seen(people)


def quietly(function, *args, **kwargs):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **kwargs)


def translated(gx, store, shown, real, cache_dir):
    """What a scorer gets, where `Translated` would need a trained DTN."""
    task = types.SimpleNamespace(source="s", target="t")
    sets = types.SimpleNamespace(task=task, target_train=drawn(_TRAIN, 0)[0], target_test=real)
    stick = types.SimpleNamespace(store=store, cache_dir=cache_dir)
    return types.SimpleNamespace(sets=sets, yardstick=stick, shown=shown, split="test", gx=gx)


class JudgeTest(testing.TestCase):
    def train(self):
        with mock.patch.multiple(attributes, _CHANNELS={32: (8, 16, 32, 64)}, _RATE=5e-3):
            return quietly(attributes.train, *drawn(_TRAIN, 0), self.directory, _STEPS)

    def test_reads_avatars_that_it_has_not_seen(self):
        judge, facts = self.train()
        pictures, people = drawn(_TEST, 1)
        read = attributes.predict(judge, pictures.pixels)
        for name, values in people.items():
            rates = [np.mean(read[name][values == k] == k) for k in range(len(VALUES[name]))]
            self.assertGreater(np.mean(rates), 1 / len(rates) + 0.1, name)
        self.assertEqual(facts["name"], "attribute judge of drawn avatars train, 140 steps")

        with mock.patch.object(attributes, "_made", side_effect=AssertionError):
            again, same = self.train()  # it is kept
        self.assertEqual(same, facts)
        np.testing.assert_array_equal(again.get_weights()[0], judge.get_weights()[0])
        self.assertEmpty(list(self.directory.glob("*/checkpoints")))

    def test_unseen_attributes_teach_nothing(self):
        logits = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
        people = np.array([[2, 1, 0, 1, 0], [UNSEEN, 0, 3, 0, 1], [0, 2, 1, 1, 1]], np.int32)
        total, start = 0.0, 0
        for k, values in enumerate(VALUES.values()):
            part = logits[:, start : start + len(values)].astype(float)
            start += len(values)
            log_p = part - np.log(np.exp(part).sum(axis=1, keepdims=True))
            rows = [r for r in range(3) if people[r, k] != UNSEEN]
            total -= np.mean([log_p[r, people[r, k]] for r in rows])
        self.assertAllClose(attributes._loss(people, logits), total, rtol=1e-5)


class MeasureTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        facts = {"name": "a judge", "hash": "ab", "steps": 1}
        self.enter_context(mock.patch.object(attributes, "train", return_value=("judge", facts)))
        self.enter_context(mock.patch.object(attributes, "predict", self.predict))

    @staticmethod
    def predict(judge, pixels):
        """A judge that reads what the first pixels of a picture say."""
        return {name: pixels[:, 0, k, 0].astype(int) for k, name in enumerate(VALUES)}

    @staticmethod
    def told(people):
        pixels = np.zeros((len(people["skin"]), 8, 8, 3), np.uint8)
        for k, values in enumerate(people.values()):
            pixels[:, 0, k] = np.maximum(values, 0)[:, None]
        return pixels

    def measure(self, true, read, shown, real):
        known = {("s", "test"): true, ("t", "train"): {}, ("t", "test"): real}
        store = types.SimpleNamespace(name="pair", attributes=lambda d, split: known[d, split])
        shown, real = (Pictures(self.told(v), "drawn") for v in (shown, real))
        return attributes.measure(translated(self.told(read), store, shown, real, ""))

    def test_of_a_hand_made_case(self):
        zeros = {name: np.zeros(4, int) for name in VALUES}
        true = zeros | {"skin": np.array([0, 1, 1, 3]), "hair_colour": np.array([UNSEEN, 2, 2, 4])}
        read = zeros | {"skin": np.array([0, 1, 0, 3]), "hair_colour": np.array([2, 2, 4, 4])}
        found = self.measure(true, read, zeros, zeros)["attributes"]
        skin, hair = found["of"]["skin"], found["of"]["hair_colour"]
        self.assertEqual((skin["share"], skin["chance"], skin["original"]), (0.75, 0.5, 0.25))
        self.assertEqual((skin["judge"], skin["n"], found["n"]), (1.0, 4, 4))
        # True 1/4, 1/2, 0, 1/4; read 1/2, 1/4, 0, 1/4.
        self.assertAllClose(skin["shuffled"], 1 / 8 + 1 / 8 + 1 / 16)
        self.assertEqual(skin["confusion"][1], [1, 1, 0, 0])
        self.assertEqual(hair["n"], 3)  # the bald head has no colour of hair
        self.assertAllClose((hair["share"], hair["chance"]), (2 / 3, 2 / 3))
        self.assertEqual(hair["confusion"][2], [0, 0, 1, 0, 1])

    def test_what_nobody_shows_has_no_share_and_stays_json(self):
        zeros = {name: np.zeros(4, int) for name in VALUES}
        bald = zeros | {"hair_colour": np.full(4, UNSEEN)}
        found = self.measure(bald, zeros, zeros, bald)["attributes"]
        json.dumps(found, allow_nan=False)
        hair = found["of"]["hair_colour"]
        for name in ("share", "shuffled", "chance", "original", "judge"):
            self.assertIsNone(hair[name], name)
        self.assertEqual((hair["n"], np.sum(hair["confusion"])), (0, 0))
        text = attribute_tables.table(found)
        self.assertRegex(text, r"\| hair colour \| [^|]+" + 5 * r"\| not shown " + r"\|")
        of_real = self.measure(zeros, zeros, zeros, bald)["attributes"]["of"]["hair_colour"]
        self.assertEqual((of_real["share"], of_real["judge"]), (1.0, None))

    def test_only_as_many_as_are_translated_count(self):
        zeros, two = ({name: np.zeros(n, int) for name in VALUES} for n in (4, 2))
        true = zeros | {"skin": np.array([0, 1, 1, 1])}
        found = self.measure(true, two, zeros, zeros)["attributes"]
        self.assertEqual((found["n"], found["of"]["skin"]["n"]), (2, 2))
        self.assertEqual(found["of"]["skin"]["share"], 0.5)

    def test_people_that_nobody_drew_are_refused(self):
        store = types.SimpleNamespace(name="folders", attributes=None)
        with self.assertRaisesRegex(UserError, "folders does not know attributes"):
            attributes.measure(translated(np.zeros((1, 8, 8, 3), np.uint8), store, None, None, ""))

    def test_the_table_has_a_line_for_each_attribute(self):
        zeros = {name: np.zeros(4, int) for name in VALUES}
        half = zeros | {"beard": np.array([0, 0, 1, 1])}
        text = attribute_tables.table(self.measure(half, zeros, zeros, zeros)["attributes"])
        self.assertIn("| beard | none, beard | 50.0 % | 50.0 % | 50.0 % | 50.0 % | 100.0 % |", text)
        self.assertIn("| hair colour |", text)
        self.assertIn("4 DRAWN people", text)
        self.assertIn("a judge", text)


class YardstickTest(testing.TestCase):
    def test_hands_on_what_the_store_knows(self):
        store = mock.Mock(attributes="known", has_attributes=True)
        found = yardstick.Yardstick(store, "")
        self.assertEqual(found.store.attributes, "known")
        self.assertTrue(found.has_attributes)
        store.has_attributes = False
        self.assertFalse(yardstick.Yardstick(store, "").has_attributes)
