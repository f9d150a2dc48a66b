import dataclasses
import math

from absl.testing import parameterized

from dtn_tf import config, presets
from dtn_tf.errors import UserError
from dtn_tf.nets import sizes
from tests import testing

_FIELDS = {f.name: f for f in dataclasses.fields(config.DTNConfig)}
_DEFAULT = config.DTNConfig()


def _nets(size):
    names = {"f_channels": "f", "f_depths": "depths", "g_channels": "g", "d_channels": "d"}
    return {n: sizes.at_size(getattr(_DEFAULT, n), size, of) for n, of in names.items()}


_NUMBERS = [(n, f.metadata["low"], f.metadata["high"]) for n, f in _FIELDS.items()
            if f.type in (int, float) and not f.metadata["choices"]]  # fmt: skip
_CHOICES = [(n, f.metadata["choices"]) for n, f in _FIELDS.items() if f.metadata["choices"]]
_ABSENT = ("absent_s", "absent_t", "absent_f")
_FILTERS = ("f_channels", "f_depths", "g_channels", "d_channels")
_PAIR = {"domain": "folders", "source_dir": "a", "target_dir": "b"}
_FACE = {"domain": "face", "balance_s": False}
_YUNJEY = {"d_classes": 2, "cosine": False, "d_channels": (8, 8, 8)}
_PEER = {"d_classes": 2, "alpha": 0.0, "beta": 0.0, "balance_s": False}
_FILE = {"content": "f.keras"}
_NEEDS = {  # what else must be set for some values of a setting
    ("method", "baseline"): {"beta": 0.0, "d_classes": 2},
    ("method", "yunjey"): _YUNJEY,
    ("method", "cyclegan"): _PEER,
    ("method", "unit"): _PEER,
    ("domain", "mnist"): {"balance_s": False},
    ("alpha", 0.0): {"content_distance": "mse"},
    ("domain", "folders"): _PAIR,
    ("data", "folders"): _PAIR,
    ("fit", "pad"): _PAIR,
    **{("size", n): _PAIR | _nets(n) for n in (64, 128)},
    **{("content_scale", scale): _FILE for scale in config.SCALES},
}


_FIRST = {
    "adapt_learning_rate": {"adapt_steps": 1},
    "warm_learning_rate": {"warm_steps": 1},
    "caricature": {"match_features": True},
    "test_caricature": {"match_features": True},
}
_FACES = ("dtn_face", "dtn_face_paper")
_IN_NO_TABLE = ("tiny", "dtn_folders")


def _with(**changes):
    return dataclasses.replace(_DEFAULT, **changes)


class CheckTest(testing.TestCase):
    def test_every_setting_has_help_and_a_check(self):
        for name, field in _FIELDS.items():
            self.assertRegex(field.metadata["text"], r"^[A-Z].{8,}\.$", name)
            checked = field.metadata["choices"] or field.metadata["high"] is not None
            self.assertTrue(checked or field.type in (bool, str, str | None), name)

    @parameterized.parameters(*_NUMBERS)
    def test_both_ends_of_a_range_are_in_it(self, name, low, high):
        for value in (low, high):
            both = {**_FIRST.get(name, {}), **_NEEDS.get((name, value), {}), name: value}
            self.assertEqual(getattr(_with(**both), name), value)

    @parameterized.parameters(*_NUMBERS)
    def test_beyond_either_end_and_other_types_are_refused(self, name, low, high):
        whole = isinstance(low, int)
        beyond = (low - 1, high + 1, 1.5) if whole else (low - 1e-9, high * 1.001, math.nan)
        for value in (*beyond, "3", None, True):
            with self.assertRaisesRegex(UserError, f"{name}=.*out of range; expected") as caught:
                _with(**{name: value})
            self.assertIn(f"from {low} to {high}", str(caught.exception))

    def test_a_whole_number_is_a_number(self):
        self.assertIsInstance(_with(alpha=3).alpha, float)

    @parameterized.parameters(*_CHOICES)
    def test_choices(self, name, allowed):
        for value in allowed:
            needs = _NEEDS.get((name, value), {})
            self.assertEqual(getattr(_with(**{**needs, name: value}), name), value)
        for value in ("other", "", "../../etc", None, 3):
            with self.assertRaisesRegex(UserError, f"{name}=.* is out of range") as caught:
                _with(**{name: value})
            self.assertIn(f"one of {', '.join(map(str, allowed))}", str(caught.exception))

    @parameterized.parameters("balance_s", "cosine", "d_conditional")
    def test_switches_are_true_or_false(self, name):
        for value in ("no", 0, None):
            with self.assertRaisesRegex(UserError, f"{name}=.*True or False"):
                _with(**{name: value})

    @parameterized.parameters(*_ABSENT)
    def test_absent_classes(self, name):
        self.assertEqual(getattr(_with(**{name: [8, 3, 3]}), name), (3, 8))
        for value in ((10,), (-1,), tuple(range(10)), ("3",), 3):
            with self.assertRaisesRegex(UserError, f"{name}=.*at most nine of the classes"):
                _with(**{name: value})

    @parameterized.parameters(*_FILTERS)
    def test_filters(self, name):
        length = len(getattr(_DEFAULT, name))
        self.assertEqual(getattr(_with(**{name: [8] * length}), name), (8,) * length)
        right = (8,) * length
        longer = (*right, 8, 8) if name == "d_channels" else (*right, 8)  # D may have one more
        for wrong in (right[1:], longer, (*right[1:], 0), (*right[1:], 1.5), (), 8):
            with self.assertRaisesRegex(UserError, f"{name}="):
                _with(**{name: wrong})

    @parameterized.parameters("f_channels", "g_channels", "d_channels")
    def test_layers_that_no_machine_holds_are_refused_with_the_bound(self, name):
        length = len(getattr(_DEFAULT, name))
        with self.assertRaisesRegex(UserError, f"{name}=.*from 1 to 4096"):
            _with(**{name: (99_999_999,) * length})

    @parameterized.parameters(
        ({"method": "pixels", "style_size": 32}, "style_size=32 would be ignored"),
        ({"method": "pixels", "tta": "mean"}, "tta='mean' would be ignored"),
        ({"method": "pixels", "d_conditional": True}, "d_conditional=True would be ignored"),
        (
            {"method": "pixels", "content_distance": "cross_entropy"},
            "content_distance='cross_entropy' would be ignored.*Leave it at mse,nmse,cosine",
        ),
        (_PAIR | {"data_dir": "x"}, "data_dir='x' would be ignored"),
        ({"method": "baseline"}, "beta=15.0 would be ignored: method=baseline has no L_TID"),
        ({"method": "baseline", "beta": 0.0}, "d_classes=3 would be ignored"),
        ({"method": "yunjey", "d_classes": 2}, "cosine=True would be ignored"),
        ({"method": "yunjey", "gamma": 1.0}, "gamma=1.0 would be ignored"),
        ({"method": "yunjey", "gan": 0.5}, "gan=0.5 would be ignored"),
        (
            {"method": "yunjey", "d_classes": 2, "cosine": False, "f_depths": (1, 1, 2, 2)},
            r"f_depths=\(1, 1, 2, 2\) would be ignored",
        ),
        ({"size": 64, **_nets(64)}, "size=64 would be ignored: it is for folders and faces"),
        ({"source_dir": "a"}, "source_dir='a' would be ignored"),
        ({"data": "folders"}, "data='folders' would be ignored"),
        ({"fit": "pad"}, "fit='pad' would be ignored"),
        (_PAIR | {"data": "files"}, "data='files' would be ignored"),
        (_FACE | {"data": "tfds"}, "data='tfds' would be ignored: no catalogue"),
        (_FACE | {"source_dir": "a"}, "source_dir='a' would be ignored"),
        (_FACE | {"absent_s": (3,)}, "absent_s=.* would be ignored: folders have"),
        ({"warm_steps": 9, "beta": 0.0}, "warm_steps=9 would be ignored: g has no L_TID"),
        ({"r1": 1.0, "gan": 0.0}, "r1=1.0 would be ignored: D does not train with gan=0"),
        ({"test_caricature": 2.0}, "test_caricature=2.0 would be ignored: it is a part of"),
        (
            {"method": "cyclegan", **_PEER, "content_distance": "nmse"},
            "content_distance='nmse' would be ignored: method=cyclegan has no L_CONST",
        ),
        ({"caricature": 1.5}, "caricature=1.5 would be ignored: it is a part of --match_features"),
        ({"const_views": True, "alpha": 0.0}, "const_views=True would be ignored: L_CONST has no"),
        ({"const_blur": True, "alpha": 0.0}, "const_blur=True would be ignored: L_CONST has no"),
        ({"d_augment": True, "gan": 0.0}, "d_augment=True would be ignored: D does not train"),
        ({"method": "yunjey", **_YUNJEY, "d_norm": "none"}, "d_norm='none' would be ignored"),
        ({"warm_learning_rate": 0.1}, "warm_learning_rate=0.1 would be ignored: there is no warm"),
        ({"method": "yunjey", **_YUNJEY, "d_leak": 0.2}, "d_leak=0.2 would be ignored"),
        (_PAIR | {"pretrain_split": "extra"}, "pretrain_split='extra' would be ignored"),
        (_PAIR | {"absent_s": (3,)}, "absent_s=.* would be ignored: folders have"),
        (_PAIR | {"target_dir": None}, "domain=folders needs --target_dir=FOLDER"),
        ({"content_scale": "0,1"}, "content_scale='0,1' would be ignored"),
        ({"content": "labels", "mirror": False}, "mirror=False would be ignored"),
        ({"content_student": False}, "content_student=False would be ignored: only a net of"),
        (
            {"content": "face:a.pb", "content_student": False, "mirror": False},
            "mirror=False would be ignored: only --content=unlabelled, the student of a face net",
        ),
        ({"match_features": True, "tta": "confident"}, "match_features=True would be ignored"),
        ({"method": "pixels", "match_features": True}, "match_features=True would be ignored"),
        ({"domain": "mnist"}, "balance_s=True would be ignored.*Leave it at False"),
        ({"adapt_learning_rate": 0.1}, "adapt_learning_rate=0.1 would be ignored"),
        ({"beta": 0.0, "image_distance": "cosine"}, "image_distance='cosine' would be ignored"),
        ({"alpha": 0.0, "content_distance": "cosine"}, "content_distance='cosine' would be"),
    )
    def test_what_would_be_ignored_is_refused_by_name(self, changes, message):
        with self.assertRaisesRegex(UserError, message):
            _with(**changes)

    def test_faces_have_presets_at_64_pixels_and_any_preset_takes_them(self):
        for name in _FACES:
            made = config.make(name)
            self.assertEqual((made.domain, made.size), ("face", 64))
            self.assertLen(made.g_channels, 4)  # and the block that paints: five
        self.assertLen(made.d_channels, 6)
        self.assertEqual(config.make("dtn_face", domain="emoji").size, 64)
        self.assertEqual(config.make("dtn_face", size=32).g_channels, (256, 128, 64))
        self.assertEqual(config.make("tiny", domain="face").size, 32)
        changed = config.make("dtn_face", domain="emoji", alpha=1.0)
        self.assertEqual(config.changes(changed), {"alpha": 1.0})

    def test_nets_of_a_preset_are_made_for_the_size(self):
        made = config.make("tiny", size=64, **_PAIR)
        self.assertEqual(made.f_channels, (4, 8, 16, 32, 16))
        self.assertEqual(made.g_channels, (32, 16, 8, 4))
        self.assertEqual(config.title(config.row_of(made), config.changes(made)), "tiny (size=64)")
        with self.assertRaisesRegex(UserError, r"g_channels=\(8, 8, 8\).*4 whole numbers"):
            config.make("tiny", size=64, g_channels=(8, 8, 8), **_PAIR)

    def test_no_row_of_digits_alone_is_taken_for_one_of_folders(self):
        made = config.make("dtn", **_PAIR)
        self.assertEqual((config.row_of(made), config.changes(made)), ("dtn", {}))
        self.assertFalse(made.balance_s)  # f may know no classes
        made = config.make("dtn", balance_s=True, **_PAIR)
        self.assertEqual(config.changes(made), {"balance_s": True})

    def test_d_of_the_port_has_three_numbers(self):
        port = {"method": "yunjey", "d_classes": 2, "cosine": False}
        self.assertEqual(_with(**port, d_channels=[8, 8, 8]).d_channels, (8, 8, 8))
        with self.assertRaisesRegex(UserError, "has 4 numbers; expected 3 with method=yunjey"):
            _with(**port)

    def test_frozen_hashable_and_equal_by_value(self):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            _DEFAULT.alpha = 1.0
        self.assertEqual(hash(_with(f_channels=[1, 2, 3, 4])), hash(_with(f_channels=(1, 2, 3, 4))))
        self.assertNotEqual(_with(seed=1), _DEFAULT)


class MakeTest(testing.TestCase):
    @parameterized.parameters(*presets.ROWS)
    def test_every_row_can_be_made_and_is_itself(self, name):
        made = config.make(name)
        self.assertEqual(config.row_of(made), name)
        self.assertEqual(config.changes(made), {})

    @parameterized.parameters(*presets.ROWS.values())
    def test_a_row_differs_from_its_preset_in_its_changes_alone(self, row):
        base = config.make(row.preset)
        expected = dataclasses.replace(base, preset=row.name, **row.changes)
        self.assertEqual(config.make(row.name), expected)

    def test_what_is_given_wins(self):
        made = config.make("dtn_no_tid", beta=2.0, seed=3)
        self.assertEqual((made.preset, made.beta, made.seed), ("dtn_no_tid", 2.0, 3))

    def test_the_reverse_direction_has_no_balance(self):
        self.assertFalse(config.make("dtn", domain="mnist").balance_s)
        with self.assertRaisesRegex(UserError, "balance_s=True would be ignored"):
            config.make("dtn", domain="mnist", balance_s=True)

    def test_unknown_presets_and_settings(self):
        with self.assertRaisesRegex(UserError, "preset='dtn_light' is unknown; expected one of"):
            config.make("dtn_light")
        with self.assertRaisesRegex(UserError, "novelty: no such setting.*another version"):
            config.make("dtn", novelty=1)

    def test_dtn_is_the_paper(self):
        dtn = config.make("dtn")
        self.assertEqual((dtn.alpha, dtn.beta, dtn.gamma, dtn.gan), (15.0, 15.0, 0.0, 1.0))
        self.assertEqual(dtn.f_channels, (64, 128, 256, 128))
        self.assertEqual((dtn.content_distance, dtn.image_distance), ("mse", "mse"))
        self.assertEqual((dtn.d_classes, dtn.method), (3, "dtn"))

    def test_yunjey_is_the_port(self):
        port = config.make("yunjey")
        self.assertEqual((port.method, port.d_classes), ("yunjey", 2))
        self.assertEqual((port.steps, port.batch_size, port.beta_1), (2000, 100, 0.9))
        self.assertEqual((port.g_learning_rate, port.d_learning_rate), (3e-4, 3e-4))
        self.assertEqual((port.cosine, port.ema, port.balance_s), (False, 0.0, False))


class IdentityTest(testing.TestCase):
    def name(self, preset, **given):
        made = config.make(preset, **given)
        return config.title(config.row_of(made), config.changes(made))

    def test_many_changes_are_counted_and_not_listed(self):
        changed = dict.fromkeys("abcdefgh", 1.0)
        self.assertEqual(
            config.title("dtn", changed), "dtn (a=1.0, b=1.0, c=1.0, d=1.0, e=1.0, 3 more)"
        )

    def test_another_f_makes_no_other_row(self):
        row, changes = config.named({**vars(config.make("dtn", beta=0.0)), "content": "face:a"})
        self.assertEqual((row, changes), ("dtn_no_tid", {"content": "face:a"}))

    def test_changed_settings_are_in_the_name(self):
        self.assertEqual(self.name("dtn", alpha=1), "dtn (alpha=1.0)")
        self.assertEqual(self.name("dtn", steps=9, f_depths=(2, 1, 1, 1)),
                         "dtn (f_depths=2,1,1,1, steps=9)")  # fmt: skip

    def test_settings_of_another_row_are_that_row(self):
        self.assertEqual(self.name("dtn", beta=0.0), "dtn_no_tid")
        self.assertEqual(self.name("dtn_adapted_conditional_d", d_conditional=False), "dtn_adapted")

    def test_seed_data_and_what_is_watched_are_not_in_it(self):
        given = {"seed": 4, "data": "files", "data_dir": "x", "log_every": 1}
        self.assertEqual(self.name("dtn", **given, precision="float32"), "dtn")

    def test_the_domain_is_told_apart_elsewhere(self):
        self.assertEqual(self.name("dtn", domain="mnist"), "dtn")


class RegistryTest(testing.TestCase):
    def test_the_papers_numbers(self):
        expected = {"baseline": 0.1371, "dtn": 0.9066, "dtn_no_tid": 0.8840}
        expected |= {"dtn_no_const": 0.7455, "dtn_pixels": 0.3690, "dtn_no_gan": 0.3470}
        expected |= {"dtn_no_const_tid": 0.0528}
        found = {r.name: r.paper["1"] for r in presets.rows_of("1") if r.paper["1"]}
        self.assertEqual(found, expected)
        found = {r.name: r.paper["3"] for r in presets.rows_of("3") if r.paper["3"]}
        expected = {"dtn": 0.9467, "dtn_no3_s": 0.9333, "dtn_no3_t": 0.4013}
        self.assertEqual(found, expected | {"dtn_no3_st": 0.6002, "dtn_no3_stf": 0.0452})
        self.assertEqual(presets.ROWS["dtn"].paper["2"], (0.8444, 0.7972))

    def test_every_row_but_a_first_look_and_that_of_any_folders_is_in_a_table(self):
        for row in presets.ROWS.values():
            self.assertEqual(not row.paper, row.name in _IN_NO_TABLE)
            self.assertContainsSubset(set(row.paper), {*presets.TABLES, presets.FACES})

    def test_every_preset_is_a_row(self):
        self.assertContainsSubset(set(presets.PRESETS), set(presets.ROWS))
