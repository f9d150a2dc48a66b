"""Retrieval on cases made by hand, and on a DTN whose translations are known."""

import json
import types
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import retrieval, retrieval_tables
from tests import testing
from tests.distance_tables_test import without_judge


class RanksTest(testing.TestCase):
    # After centring: 1 and 2 opposite each other, 3 and 4, at a right angle.
    gallery = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) + 5.0

    def test_each_finds_itself_wherever_its_kind_lies(self):
        asked = 3.0 * (self.gallery - 5.0) - 40.0
        self.assertAllEqual(retrieval.own_ranks(asked, self.gallery), [1, 1, 1, 1])

    def test_ranks_by_hand(self):
        asked = np.array([[2.0, 1.0], [-2.0, -1.0], [2.0, -1.0], [-2.0, 1.0]])
        # [2, 1] is nearest to 1, then 3, then 4, then 2.
        self.assertAllEqual(retrieval.own_ranks(asked, self.gallery), [1, 1, 3, 3])

    def test_distractors_come_before_where_they_are_nearer(self):
        asked = np.array([[2.0, 1.0], [-2.0, -1.0], [1.0, 2.0], [-1.0, -2.0]])
        others = np.array([[2.0, 1.0], [-2.0, -1.0]]) + 5.0
        # To [1, 2] they are not: its own entry is at an angle of 27 degrees, they at 37.
        self.assertAllEqual(retrieval.own_ranks(asked, self.gallery, others), [2, 2, 1, 1])

    def test_a_descriptor_that_says_the_same_of_all_is_chance(self):
        same = np.ones((5, 3))
        self.assertAllEqual(retrieval.own_ranks(same, same), [3.0] * 5)

    def test_a_person_is_found_in_another_photo_and_never_in_the_same(self):
        codes = np.array([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [0.2, 1.0], [-1.0, -1.1]])
        who = np.array([0, 0, 1, 1, 2])
        found, of_whom = retrieval.person_ranks(codes, codes, who)
        self.assertAllEqual(of_whom, [0, 0, 1, 1])
        self.assertLen(found, 4)  # person 2 has one photo alone
        directions = codes - codes.mean(axis=0)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        for k, rank in enumerate(found):
            order = [j for j in np.argsort(-directions @ directions[k]) if j != k]
            expected = 1 + next(i for i, j in enumerate(order) if who[j] == who[k])
            self.assertEqual(rank, expected)
        with mock.patch.object(retrieval, "_BLOCK", 3):
            self.assertAllEqual(retrieval.person_ranks(codes, codes, who)[0], found)


class SummaryTest(testing.TestCase):
    def test_by_hand(self):
        found = retrieval.summary(np.array([1.0, 1.0, 3.0, 10.0]))
        self.assertEqual(found["median_rank"], 2.0)
        self.assertEqual(found["mean_rank"], 3.75)
        self.assertEqual((found["rank_1"], found["rank_5"]), (0.5, 0.75))
        low, high = found["rank_1_interval"]
        self.assertBetween(low, 0.0, 0.5)
        self.assertBetween(high, 0.5, 1.0)

    def test_the_interval_is_about_that_of_the_binomial(self):
        ranks = np.where(np.arange(1000) < 200, 1.0, 9.0)
        low, high = retrieval.summary(ranks)["rank_1_interval"]
        error = 1.96 * np.sqrt(0.2 * 0.8 / 1000)
        self.assertAllClose([low, high], [0.2 - error, 0.2 + error], atol=0.005)

    def test_ahead_draws_the_same_images_of_both(self):
        ranks = np.where(np.arange(100) % 2, 1.0, 5.0)
        self.assertEqual(retrieval.ahead(ranks, ranks), [0.0, 0.0])
        low, high = retrieval.ahead(np.ones(100), ranks)
        self.assertBetween(0.5, low, high)


class PeopleTest(testing.TestCase):
    """Ten photos each of 40 people: all of a person's are found, or none."""

    who = np.repeat(np.arange(40), 10)
    ranks = np.where(who < 20, 1.0, 9.0)

    def test_the_interval_is_that_of_people_and_not_of_their_photos(self):
        low, high = retrieval.summary(self.ranks, who=self.who)["rank_1_interval"]
        error = 1.96 * np.sqrt(0.25 / 40)
        self.assertAllClose([low, high], [0.5 - error, 0.5 + error], atol=0.03)
        low, high = retrieval.ahead(self.ranks, np.full(400, 9.0), who=self.who)
        self.assertAllClose([low, high], [0.5 - error, 0.5 + error], atol=0.03)

    def test_a_person_is_drawn_with_all_photos(self):
        who = np.array([0, 1, 1, 1])
        for rows in retrieval._resampled(4, 0, who):
            counts = np.bincount(rows, minlength=4)
            self.assertAllEqual(counts[1:], [counts[1]] * 3)
            self.assertEqual(counts[0] + counts[1], 2)


class Corners(keras.Model):
    """A descriptor whose features are pixels of a coarse grid."""

    title, hash, features = "corners", "c0", 48

    def __init__(self, sign=1.0):
        super().__init__(dtype="float32")
        self.sign = sign
        self.built = True

    def call(self, x, training=False):
        return self.sign * tf.reshape(x[:, 4::8, 4::8], (-1, 48))


class Negative:
    """A DTN that paints the negative."""

    g = types.SimpleNamespace(size=32)
    f = Corners(-1.0)

    def __call__(self, x):
        return -x


class MeasureTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.sets = types.SimpleNamespace(
            test=Pictures(testing.pixels(30, 3), "photos test"),
            s=Pictures(testing.pixels(40, 3, seed=1), "photos train"),
            target_train=Pictures(testing.pixels(50, 3, seed=2), "emoji train"),
        )

    def measure(self, gx, people=None):
        near = retrieval.nearest_of(Negative(), gx, self.sets.target_train.pixels)
        how = (self.sets, "test", Corners(), self.directory, gx, near, people)
        return retrieval.measure(Negative(), *how)

    def test_translations_that_show_the_source_are_found_and_chance_is_not(self):
        x = self.sets.test.pixels
        found = self.measure(np.clip(x.astype(int) // 2 + 90, 0, 255).astype(np.uint8))
        self.assertEqual((found["n"], found["gallery"], found["large_gallery"]), (30, 30, 70))
        probes = found["probes"]
        # Half of the other views are mirrored, which this descriptor is not blind to.
        self.assertBetween(probes["translation"]["rank_1"], 0.4, 0.9)
        self.assertEqual(probes["source"]["rank_1"], probes["translation"]["rank_1"])
        self.assertBetween(probes["unrelated"]["median_rank"], 8.0, 23.0)
        self.assertGreaterEqual(
            probes["translation"]["large"]["mean_rank"], probes["translation"]["mean_rank"]
        )
        self.assertGreater(found["ahead"][0], 0.0)
        json.dumps(found, allow_nan=False)

    def test_of_another_run_the_descriptor_reads_translations_alone(self):
        gx = self.sets.test.pixels
        first = self.measure(gx)
        near = retrieval.nearest_of(Negative(), gx, self.sets.target_train.pixels)
        read = []

        class Counted(Corners):
            def call(self, x):
                read.append(1)
                return super().call(x)

        how = (self.sets, "test", Counted(), self.directory, 255 - gx, near)
        again = retrieval.measure(Negative(), *how)
        self.assertLen(read, 1)  # not the photos, their views, distractors, or the nearest
        self.assertEqual(again["probes"]["source"], first["probes"]["source"])
        self.assertEqual(again["probes"]["nearest"], first["probes"]["nearest"])
        self.assertNotEqual(again["probes"]["translation"], first["probes"]["translation"])

    def test_distractors_are_other_views_as_the_gallery_is(self):
        self.sets.s = Pictures(self.sets.test.pixels, "the photos that ask")
        found = self.measure(self.sets.test.pixels)["probes"]["source"]
        # A photo as it is would be nearest to itself each time.
        self.assertGreater(found["large"]["rank_1"], 0.2)
        self.assertLess(found["large"]["rank_1"], found["rank_1"] + 1e-9)

    def test_people_are_looked_for_among_all_other_photos(self):
        pixels = np.repeat(testing.pixels(6, 3, seed=5), 2, axis=0)
        who = np.repeat(np.arange(6), 2).astype(np.uint8)
        people = Pictures(pixels, "people", who, tuple("abcdef"))
        found = self.measure(self.sets.test.pixels, people)["people"]
        self.assertEqual((found["n"], found["people"]), (12, 6))
        # The negative of a photo asks for it by the opposite of its code.
        self.assertGreater(found["probes"]["translation"]["median_rank"], 6)
        self.assertEqual(found["probes"]["source"]["rank_1"], 1.0)

    def test_people_of_one_photo_each_are_left_out(self):
        people = Pictures(
            testing.pixels(3, 3), "people", np.arange(3, dtype=np.uint8), tuple("abc")
        )
        self.assertIsNone(self.measure(self.sets.test.pixels, people)["people"])

    def test_the_table_names_descriptor_controls_and_the_papers_number(self):
        found = self.measure(self.sets.test.pixels)
        asked = without_judge() | {"retrieval": found}
        text = retrieval_tables.table(asked | {"domain": "face"})
        self.assertNotIn("22.9 %", retrieval_tables.table(asked | {"domain": "emoji"}))
        for part in (
            "corners",
            "nearest real target image under f",
            "among other views of 70 images",
            "22.9 %",
        ):
            self.assertIn(part, text)
        self.assertEqual(retrieval_tables.table(without_judge()), "")
        self.assertLen(retrieval_tables.details(without_judge() | {"retrieval": found}), 3)
