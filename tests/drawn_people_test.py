"""Drawn portraits and avatars: reproducible, and what is written of them is what is painted."""

import importlib.util
from unittest import mock

import numpy as np
from absl.testing import parameterized

from dtn_tf.data.builtin import attributes, avatars, portraits
from dtn_tf.errors import UserError
from tests import testing

_PAINTERS = {"portraits": portraits, "avatars": avatars}
_SIZE = 32


def people(n, **values):
    """n equal people: young, brown-haired, unless told otherwise."""
    usual = {"hair_colour": 1, "hair_length": 1, "skin": 0, "beard": 0, "glasses": 0}
    return {name: np.full(n, value) for name, value in (usual | values).items()}


def mean_of(painter, n, part, **values):
    """Mean brightness of a part of pictures of n such people, whatever else differs."""
    pixels = painter.paint(np.random.default_rng(1), people(n, **values), _SIZE)
    return pixels[part].mean()


_CROWN = np.s_[:, 4:8, 13:19]
_CHEEKS = np.s_[:, 17:20, 13:19]
_ABOVE_SHOULDERS = np.s_[:, 18:24]


class DrawTest(testing.TestCase):
    @parameterized.named_parameters(*((name, m) for name, m in _PAINTERS.items()))
    def test_pictures_depend_on_their_seed_and_number_alone(self, painter):
        pixels, who = painter.draw(20, seed=3, size=_SIZE)
        fewer, some = painter.draw(5, seed=3, size=_SIZE)
        others, _ = painter.draw(5, seed=4, size=_SIZE)
        self.assertEqual((pixels.shape, pixels.dtype), ((20, _SIZE, _SIZE, 3), np.uint8))
        np.testing.assert_array_equal(fewer, pixels[:5])
        for name, values in some.items():
            np.testing.assert_array_equal(values, who[name][:5])
        self.assertFalse((others == fewer).all(axis=(1, 2, 3)).any())
        self.assertLen(np.unique(pixels.reshape(20, -1), axis=0), 20)

    @parameterized.parameters((0, 0, 32), (3, -1, 32), (3, 0, 0))
    def test_bad_arguments_raise(self, num, seed, size):
        for painter in _PAINTERS.values():
            with self.assertRaisesRegex(ValueError, f"num={num}, seed={seed}, size={size}"):
                painter.draw(num, seed, size)

    def test_ticks_add_up_to_all(self):
        counts = []
        portraits.draw(20, seed=0, size=_SIZE, tick=counts.append)
        self.assertEqual(counts, [16, 4])

    def test_a_larger_portrait_is_the_same_person(self):
        small, large = (portraits.draw(4, seed=5, size=size) for size in (40, 80))
        for name in attributes.VALUES:
            np.testing.assert_array_equal(small[1][name], large[1][name])
        self.assertEqual(large[0].shape, (4, 80, 80, 3))
        reduced = large[0].reshape(4, 40, 2, 40, 2, 3).mean(axis=(2, 4))
        for a, b in zip(small[0].mean(-1), reduced.mean(-1), strict=True):
            self.assertGreater(np.corrcoef(a.ravel(), b.ravel())[0, 1], 0.9)


class SampleTest(testing.TestCase):
    def test_every_value_occurs_and_none_tells_of_the_skin(self):
        who = attributes.sample(np.random.default_rng(0), 4000)
        for name, values in attributes.VALUES.items():
            shares = np.bincount(who[name], minlength=len(values)) / 4000
            self.assertLen(shares, len(values))
            self.assertGreater(shares.min(), 0.1, name)
        for name in ("hair_colour", "hair_length", "beard", "glasses"):
            self.assertLess(abs(np.corrcoef(who["skin"], who[name])[0, 1]), 0.05, name)

    def test_the_hair_of_bald_heads_has_no_colour(self):
        who = people(3) | {"hair_length": np.array([0, 1, 2])}
        self.assertEqual(list(attributes.seen(who)["hair_colour"]), [attributes.UNSEEN, 1, 1])
        self.assertEqual(list(who["hair_colour"]), [1, 1, 1])

    def test_packed_people_are_unpacked_as_they_were(self):
        who = attributes.seen(attributes.sample(np.random.default_rng(0), 50))
        again = attributes.from_table(attributes.to_table(who))
        self.assertEqual(list(again), list(who))
        for name in who:
            np.testing.assert_array_equal(again[name], who[name])


@parameterized.named_parameters(*((name, m) for name, m in _PAINTERS.items()))
class AttributesArePaintedTest(testing.TestCase):
    def test_hair_is_as_bright_as_its_name(self, painter):
        bright = [mean_of(painter, 12, _CROWN, hair_colour=k) for k in range(5)]
        black, brown, blond, red, gray = bright
        self.assertLess(black, brown)
        self.assertLess(brown, red)
        self.assertLess(red, min(blond, gray))

    def test_red_hair_is_redder_than_gray(self, painter):
        red, gray = (
            painter.paint(np.random.default_rng(1), people(8, hair_colour=k), _SIZE)[_CROWN]
            for k in (3, 4)
        )
        redness = [np.mean(x[..., 0].astype(float) - x[..., 2]) for x in (red, gray)]
        self.assertGreater(redness[0], redness[1] + 25)

    def test_skin_is_as_dark_as_its_name(self, painter):
        bright = [mean_of(painter, 12, _CHEEKS, skin=k) for k in range(4)]
        self.assertEqual(bright, sorted(bright, reverse=True))
        self.assertGreater(min(-np.diff(bright)), 5)

    def test_a_beard_darkens_the_jaw_and_not_the_eyes(self, painter):
        bare, bearded = (
            painter.paint(np.random.default_rng(1), people(8, hair_colour=0, beard=k), _SIZE)
            for k in (0, 1)
        )
        jaw, eyes = np.s_[:, 22:26, 12:20], np.s_[:, 12:15, 12:20]
        self.assertGreater(bare[jaw].mean() - bearded[jaw].mean(), 25)
        self.assertLess(abs(bare[eyes].mean() - bearded[eyes].mean()), 12)

    def test_glasses_change_the_eyes_and_not_the_mouth(self, painter):
        without, with_them = (
            painter.paint(np.random.default_rng(1), people(8, glasses=k), _SIZE).astype(float)
            for k in (0, 1)
        )
        change = np.abs(with_them - without).mean(axis=(0, 3))
        self.assertGreater(change[12:18, 8:24].mean(), 3 * change[22:25, 12:20].mean() + 1)

    def test_long_hair_hangs_beside_the_jaw(self, painter):
        pixels = {
            k: painter.paint(np.random.default_rng(1), people(12, hair_colour=0, hair_length=k), 32)
            for k in range(3)
        }
        beside = np.s_[:, 18:23, [6, 7, 24, 25]]
        bright = [pixels[k][beside].mean() for k in range(3)]
        self.assertLess(bright[2] + 40, min(bright[:2]))
        crown = [pixels[k][_CROWN].mean() for k in range(3)]
        self.assertGreater(crown[0], crown[1] + 40)


class AvatarsTest(testing.TestCase):
    def test_every_kind_of_hair_takes_its_colour(self):
        for length, tops in enumerate(avatars._TOPS[1:], start=1):
            for top in tops:
                with mock.patch.object(avatars, "_TOPS", ((), *[(top,)] * 2)):
                    black, blond = (
                        mean_of(avatars, 1, np.s_[:, :16], hair_length=length, hair_colour=k)
                        for k in (0, 2)
                    )
                self.assertGreater(blond, black + 5, top)

    def test_without_the_extra_the_message_says_how_to_get_it(self):
        with mock.patch.object(importlib.util, "find_spec", return_value=None):
            with self.assertRaisesRegex(UserError, r"python_avatars and resvg_py.*'\.\[faces\]'"):
                avatars.draw(1, 0, _SIZE)

    def test_another_canvas_is_refused(self):
        with self.assertRaisesRegex(UserError, "another canvas"):
            avatars._pixels("<svg/>", _SIZE)

    def test_avatars_stand_on_white(self):
        pixels, _ = avatars.draw(8, 0, _SIZE)
        np.testing.assert_array_equal(pixels[:, 0, [0, -1]], 255)
