"""Distances of any pair, of nets and sets made by hand."""

import dataclasses
import json
import types
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from dtn_tf import serving
from dtn_tf.data.pictures import Pictures
from dtn_tf.errors import UserError
from dtn_tf.scores import distances, independent, measures
from tests import testing


@dataclasses.dataclass
class Sets:
    """What `distances` reads of the sets of a run."""

    test: Pictures
    target_test: Pictures
    validation: Pictures | None = None

    def real(self, split):
        return self.target_test


class Corners(keras.Model):
    """A net whose features are four pixels of the image; or, dull, the same for all."""

    def __init__(self, is_dull=False, scale=1.0):
        super().__init__()
        self.is_dull, self.scale = is_dull, scale
        self.built = True

    def call(self, x, training=False):
        features = tf.reshape(x[:, ::16, ::16, :1], (-1, 4)) * self.scale
        return features * 0.0 + 0.5 if self.is_dull else features


class Negative:
    """A DTN that paints the negative, and reconstructs two grey levels too bright."""

    image_distance = "mse"
    g = types.SimpleNamespace(size=32)

    def __init__(self, f=None):
        self.f = f or Corners()

    def __call__(self, x):
        return -x

    def reconstruct(self, x):
        return x + 2.0 / 127.5


class WithContent(Negative):
    """Reads f(x) through a content of its own, which undoes the negative."""

    def content(self, x):
        return -self.f(x)


class WithoutContent(Negative):
    """As `PixelDTN`: its G reads no f(x)."""

    def content(self, x):
        return None


def _dark(n, seed, channels=1):
    """Smooth blobs of levels 0 to 120."""
    return (testing.pixels(n, channels, seed) * (120 / 255)).astype(np.uint8)


def _sets(num=40, num_target=60):
    """Bright source, dark target: the negative of the source is like the target."""
    source = Pictures(255 - _dark(num, 0), "bright")
    return Sets(source, Pictures(_dark(num_target, 1), "dark"), source.head(min(num, 10)))


_NET = independent.Net(Corners(), "four pixels", "abc")


class MeasureTest(testing.EagerTestCase):
    def measure(self, dtn=None, sets=None, net=_NET, **kwargs):
        return distances.measure(dtn or Negative(), sets or _sets(), "test", net, **kwargs)

    def test_translations_like_the_target_are_at_the_floor_and_inputs_are_not(self):
        found = self.measure()
        self.assertEqual(found["n"], 30)  # half of 60
        for net in ("under_f", "under_independent"):
            part = found[net]
            self.assertLess(abs(part["kid"]), 0.1 * part["kid_original"])
            self.assertLess(abs(part["kid_floor"]), 0.1 * part["kid_original"])
            self.assertGreater(part["frechet"], 0.0)
            self.assertGreater(part["kid_deviation"], 0.0)
        self.assertEqual(found["independent"], {"name": "four pixels", "hash": "abc"})

    def test_equals_its_parts_put_together_by_hand(self):
        sets, dtn = _sets(), Negative()
        found = self.measure(dtn, sets)["under_independent"]
        read = lambda x: np.reshape(x[:, ::16, ::16] / 127.5 - 1.0, (-1, 4))  # noqa: E731
        half, other = (read(part) for part in measures.halves(sets.target_test))
        gx = read(255 - sets.test.pixels[:30].astype(float))
        expected = measures.frechet_distance(gx, half)
        self.assertAllClose(found["frechet"], expected, rtol=1e-4)
        self.assertAllClose(found["frechet_floor"], measures.frechet_distance(other, half), 1e-4)
        scale = np.sqrt(np.mean(half**2))
        expected = measures.kid(gx / scale, half / scale, 100, 15)
        self.assertAllClose((found["kid"], found["kid_deviation"]), expected, rtol=1e-3)

    def test_real_images_that_are_picked_have_a_kid_of_their_own(self):
        sets = _sets()
        half, other = measures.halves(sets.target_test)
        found = self.measure(sets=sets, nearest=np.concatenate([other, half]))  # more than enough
        part = found["under_independent"]
        self.assertEqual(part["kid_nearest"], part["kid_floor"])
        self.assertEqual(part["kid_nearest_deviation"], part["kid_floor_deviation"])
        found = self.measure(sets=sets, nearest=np.repeat(half[:1], 40, axis=0))
        self.assertGreater(found["under_independent"]["kid_nearest"], 10 * abs(part["kid_floor"]))
        self.assertNotIn("kid_nearest", self.measure()["under_f"])

    def test_reconstructions_of_the_other_half_have_a_kid_of_their_own(self):
        sets = _sets()
        half, other = (h.astype(float) for h in measures.halves(sets.target_test))
        part = self.measure(sets=sets)["under_independent"]
        read = lambda x: np.reshape(x[:, ::16, ::16] / 127.5 - 1.0, (-1, 4))  # noqa: E731
        scale = np.sqrt(np.mean(read(half) ** 2))
        expected = measures.kid(read(other + 2.0) / scale, read(half) / scale, 100, 15)
        found = part["kid_reconstructed"], part["kid_reconstructed_deviation"]
        self.assertAllClose(found, expected, rtol=1e-3)
        self.assertNotAllClose(found[0], part["kid_floor"], rtol=1e-3)

    def test_the_scale_of_a_net_changes_no_kid(self):
        scaled = independent.Net(Corners(scale=100.0), "louder", "def")
        plain, louder = (self.measure(net=net)["under_independent"] for net in (_NET, scaled))
        for key in ("kid", "kid_floor", "kid_original"):
            self.assertAllClose(plain[key], louder[key], rtol=1e-3, atol=1e-5)

    def test_few_images_have_kid_but_no_frechet_distance(self):
        found = self.measure(sets=_sets(3, 8))
        self.assertEqual(found["n"], 3)
        self.assertIsNone(found["under_f"]["frechet"])
        self.assertIsNone(found["under_f"]["frechet_floor"])
        self.assertTrue(np.isfinite(found["under_f"]["kid"]))

    def test_a_net_that_sees_nothing_finds_no_distance_and_has_chance(self):
        dull = independent.Net(Corners(is_dull=True), "dull", "0")
        found = self.measure(Negative(Corners(is_dull=True)), net=dull)
        self.assertAllClose(found["under_independent"]["kid"], 0.0)
        constancy = found["constancy"]
        self.assertAllClose(constancy["rank_1"], constancy["chance_rank_1"])

    def test_constancy_compares_content_with_f_of_the_translation(self):
        # f of a negative is nearest to f of another image; content(x) undoes it.
        self.assertLess(self.measure()["constancy"]["rank_1"], 0.5)
        self.assertEqual(self.measure(WithContent())["constancy"]["rank_1"], 1.0)
        self.assertEqual(self.measure(WithContent())["constancy"]["n"], 40)
        without = self.measure(WithoutContent())["constancy"]
        self.assertEqual(without, self.measure()["constancy"])

    def test_reconstruction_in_grey_levels_and_as_the_loss(self):
        found = self.measure()["reconstruction"]
        self.assertAllClose(found["error"], 2.0)
        self.assertAllClose(found["l_tid"], (2.0 / 127.5) ** 2, rtol=1e-3)
        self.assertEqual(found["n"], 60)

    def test_translations_at_hand_are_not_made_again(self):
        sets = _sets()
        gx = serving.translate(Negative(), sets.test.pixels)
        self.assertEqual(self.measure(sets=sets, gx=gx), self.measure(sets=sets))
        other = self.measure(sets=sets, gx=gx[::-1])
        self.assertNotEqual(other["constancy"], self.measure(sets=sets)["constancy"])

    def test_split_and_limit_say_which_images(self):
        with self.subTest("validation"):
            found = distances.measure(Negative(), _sets(), "validation", _NET)
            self.assertEqual((found["n"], found["constancy"]["n"]), (10, 10))
        with mock.patch.object(distances, "AT_MOST", 20):
            found = self.measure()
            numbers = found["n"], found["constancy"]["n"], found["reconstruction"]["n"]
            self.assertEqual(numbers, (20, 20, 20))

    def test_is_plain_json_and_the_same_each_time(self):
        found = self.measure()
        self.assertEqual(json.loads(json.dumps(found, allow_nan=False)), found)
        self.assertEqual(self.measure(), found)

    def test_of_a_tiny_dtn_between_rgb_and_gray(self):
        sets = Sets(Pictures(testing.pixels(6, 3), "s"), Pictures(testing.pixels(8), "t"))
        net = testing.tiny_classifier().encoder
        found = self.measure(testing.tiny_dtn(), sets, independent.Net(net, "tiny", "0"))
        self.assertTrue(np.isfinite(found["under_f"]["kid"]))
        self.assertGreater(found["reconstruction"]["error"], 0.0)

    def test_too_few_images_are_named(self):
        with self.assertRaisesRegex(UserError, "dark 3: distances need 2 .* and 4 of the target"):
            self.measure(sets=_sets(5, 3))
