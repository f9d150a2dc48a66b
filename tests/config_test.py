import dataclasses
import math

from absl.testing import parameterized

from dtn_tf import config
from tests import testing

_DEFAULT = config.DTNConfig()
_ENDS = [(name, *ends) for name, ends in config._RANGES.items()]
_FREE = {"preset", "domain", "data_dir"}  # the first two are looked up by who uses them
_ABSENT = ("absent_s", "absent_t", "absent_f")
_CHANNELS = {"f_channels": 4, "f_depths": 4, "g_channels": 3, "d_channels": 4}
_SWITCHES = {"balance_s", "d_conditional", "cosine"}
_NEEDS = {  # what else must be set for some values of a field
    "style_size": {"method": "class"},
    "content_distance": {"method": "class"},
    "views": {"method": "class"},
    "nets": {"d_channels": (8, 8, 8, 8)},
    "method": {"cosine": False},
}

_ADAPTED = {
    "method": "class",
    "f_depths": (1, 1, 2, 2),
    "pretrain_steps": 5000,
    "adapt_steps": 600,
    "steps": 1000,
    "content_distance": "class",
    "alpha": 6.0,
    "beta": 120.0,
    "d_learning_rate": 5e-4,
    "d_conditional": True,
    "style_size": 32,
    "views": "surest",
}
_PAPER = {  # what each row of the paper's table leaves out
    "dtn": {},
    "dtn_no_tid": {"beta": 0.0},
    "dtn_no_const": {"alpha": 0.0},
    "dtn_pixels": {"method": "pixels"},
    "baseline": {"method": "baseline", "d_classes": 2, "beta": 0.0},
    "dtn_binary": {"d_classes": 2},  # not a row of the paper
    "dtn_unbalanced": {"balance_s": False},  # nor that
    "dtn_adapted": _ADAPTED,  # nor those
    "dtn_adapted_mean_view": {**_ADAPTED, "views": "mean"},
    "dtn_adapted_small_f": {**_ADAPTED, "f_depths": (1, 1, 1, 1)},
    "dtn_unadapted": {**_ADAPTED, "adapt_steps": 0},
    "dtn_adapted_light": {**_ADAPTED, "alpha": 3.0, "beta": 15.0, "views": "mean"},
    "dtn_adapted_mse": {**_ADAPTED, "content_distance": "mse", "alpha": 30.0},
    "dtn_adapted_plain_d": {**_ADAPTED, "d_conditional": False},
    "dtn_adapted_no_style": {**_ADAPTED, "style_size": 0},
    "dtn_adapted_no_ema": {**_ADAPTED, "ema": 0.0},
    "dtn_adapted_one_view": {**_ADAPTED, "views": "one"},
    "dtn_adapted_unbalanced": {**_ADAPTED, "balance_s": False},
    "dtn_adapted_plain": {
        k: _ADAPTED[k] for k in ("f_depths", "pretrain_steps", "adapt_steps", "steps")
    },
    "dtn_no3_s": {"absent_s": (3,)},  # from here on: Table 3
    "dtn_no3_t": {"absent_t": (3,)},
    "dtn_no3_st": {"absent_s": (3,), "absent_t": (3,)},
    "dtn_no3_stf": {"absent_s": (3,), "absent_t": (3,), "absent_f": (3,)},
    "dtn_no_gan": {"gan": 0.0},
    "dtn_no_const_tid": {"alpha": 0.0, "beta": 0.0},
}


def _with(**changes):
    return dataclasses.replace(_DEFAULT, **changes)


class CheckTest(testing.TestCase):
    def test_every_field_is_checked(self):
        checked = {*config._CHOICES, *config._RANGES, *_CHANNELS, *_ABSENT, *_SWITCHES, *_FREE}
        self.assertEqual({f.name for f in dataclasses.fields(_DEFAULT)}, checked)

    @parameterized.parameters(*_ENDS)
    def test_both_ends_of_a_range_are_in_it(self, name, low, high):
        for value in (low, high):
            both = {**_NEEDS.get(name, {}), name: value}
            self.assertEqual(getattr(_with(**both), name), value)

    @parameterized.parameters(*_ENDS)
    def test_beyond_either_end_is_refused(self, name, low, high):
        beyond = (
            (low - 1, high + 1) if isinstance(low, int) else (low - 1e-9, high * 1.001, math.nan)
        )
        for value in beyond:
            with self.assertRaisesRegex(ValueError, f"{name}=.*out of range; expected") as caught:
                _with(**{name: value})
            self.assertIn(str(high), str(caught.exception))

    @parameterized.parameters(*config._CHOICES.items())
    def test_choices(self, name, allowed):
        for value in allowed:
            needs = dict(_NEEDS.get(name, {}))
            if value == "yunjey" and name == "nets":
                needs["d_channels"] = (8, 8, 8)
            self.assertEqual(getattr(_with(**{**needs, name: value}), name), value)
        with self.assertRaisesRegex(ValueError, f"{name}='other' is out of range") as caught:
            _with(**{name: "other"})
        self.assertIn(f"one of {', '.join(allowed)}", str(caught.exception))

    @parameterized.parameters(*_ABSENT)
    def test_absent_classes(self, name):
        self.assertEqual(getattr(_with(**{name: [8, 3, 3]}), name), (3, 8))
        for value in ((10,), (-1,), tuple(range(10)), ("3",)):
            with self.assertRaisesRegex(ValueError, f"{name}=.*at most nine of the classes"):
                _with(**{name: value})

    @parameterized.parameters(*_CHANNELS.items())
    def test_channels(self, name, length):
        value = getattr(_with(**{name: [8] * length}), name)
        self.assertEqual(value, (8,) * length)
        for wrong in ((8,) * (length - 1), (8,) * (length + 1), (8,) * (length - 1) + (0,), ()):
            with self.assertRaisesRegex(ValueError, f"{name}=.*{length} positive numbers"):
                _with(**{name: wrong})

    @parameterized.parameters(
        ("style_size", 32),
        ("d_conditional", True),
        ("views", "surest"),
        ("content_distance", "class"),
    )
    def test_what_one_method_alone_can_do_is_refused_elsewhere(self, name, value):
        self.assertEqual(getattr(_with(**{name: value, "method": "class"}), name), value)
        for method in set(config.METHODS) - {"class"}:
            with self.assertRaisesRegex(ValueError, f"{name}=.*method="):
                _with(**{name: value, "method": method, "cosine": False})

    def test_five_optimizers_have_no_common_decay(self):
        with self.assertRaisesRegex(ValueError, "cosine=True.*method='yunjey'"):
            _with(method="yunjey")

    def test_d_of_the_port_has_three_numbers(self):
        self.assertEqual(_with(nets="yunjey", d_channels=[8, 8, 8]).d_channels, (8, 8, 8))
        with self.assertRaisesRegex(ValueError, "d_channels=.*3 positive numbers"):
            _with(nets="yunjey")

    def test_frozen(self):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            _DEFAULT.alpha = 1.0

    def test_hashable_and_equal_by_value(self):
        self.assertEqual(hash(_with(f_channels=[1, 2, 3, 4])), hash(_with(f_channels=(1, 2, 3, 4))))
        self.assertNotEqual(_with(seed=1), _DEFAULT)


class PresetsTest(testing.TestCase):
    def test_they_are_the_rows_of_the_paper(self):
        self.assertEqual(set(config.PRESETS), {*_PAPER, "yunjey"})

    @parameterized.parameters(*_PAPER.items())
    def test_a_row_differs_from_dtn_in_what_it_leaves_out_alone(self, name, left_out):
        expected = dataclasses.replace(config.PRESETS["dtn"], preset=name, **left_out)
        self.assertEqual(config.PRESETS[name], expected)

    def test_yunjey_is_the_port(self):
        port = config.PRESETS["yunjey"]
        self.assertEqual((port.method, port.nets, port.d_classes), ("yunjey", "yunjey", 2))
        self.assertEqual((port.alpha, port.beta, port.gamma), (15.0, 15.0, 0.0))
        self.assertEqual((port.steps, port.batch_size, port.beta_1), (2000, 100, 0.9))
        self.assertEqual((port.g_learning_rate, port.d_learning_rate), (3e-4, 3e-4))
        self.assertEqual((port.cosine, port.ema, port.balance_s), (False, 0.0, False))

    def test_dtn_is_the_paper(self):
        dtn = config.PRESETS["dtn"]
        self.assertEqual((dtn.alpha, dtn.beta, dtn.gamma, dtn.gan), (15.0, 15.0, 0.0, 1.0))
        self.assertEqual(dtn.f_channels, (64, 128, 256, 128))
        self.assertEqual((dtn.content_distance, dtn.image_distance), ("mse", "mse"))
