"""A result line keeps its meaning, and only runs of one thing are averaged."""

import copy
import dataclasses
import hashlib
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import parameterized

from dtn_tf import config, presets
from dtn_tf.errors import UserError
from dtn_tf.scores import agreement, results, schema_0
from tests import testing

COMMITTED = pathlib.Path(__file__).parents[1] / "results" / "results.jsonl"
# Of the file as it was when records became lines: what is there is never edited.
NUM_FIRST = 60
FIRST = "2fb90221b9f2d89e4862e01cb5f1a6f08d84adea6b2ceb6295144e1cc2eee645"


def pictures(title="SVHN test", images=26032, fingerprint="1f2e"):
    return {"title": title, "images": images, "fingerprint": fingerprint, "published": True}


def line(seed=0, accuracy=0.9, time="2026-11-27T10:00:00Z", judge=None, **given):
    """Returns a score of a run of `dtn`, with settings that are given in their place."""
    settings = config.make("dtn", seed=seed, data="files", **given)
    return {
        "schema": 1,
        "kind": "score",
        "row": config.row_of(settings),
        "changes": config.changes(settings),
        "domain": settings.domain,
        "seed": seed,
        "settings": dataclasses.asdict(settings),
        "split": "test",
        "data": {
            "name": "files",
            "s": pictures("SVHN train", 73257, "aaaa"),
            "t": pictures("MNIST train", 60000, "bbbb"),
        },
        "images": pictures(),
        "target": pictures("MNIST test", 10000, "cccc"),
        "judge": {"hash": "dddd", "accuracy": 0.9948, "steps": 1500} | (judge or {}),
        "f": {"key": "f-1", "hash": "eeee", "accuracy": {}},
        "trained": {"commit": "0123456789ab", "precision": "float32"},
        "scored": {"commit": "0123456789ab", "time": time},
        "steps": settings.steps,
        "accuracy": accuracy,
        "original": 0.4,
        "per_digit": [accuracy] * 9 + [None],
    }


def changed(of, path, value):
    """Returns a copy of a line with one value in it exchanged: "judge.steps"."""
    of = copy.deepcopy(of)
    *parents, last = path.split(".")
    part = of
    for name in parents:
        part = part[name]
    part[last] = value
    return of


def old_line(**settings):
    """Returns a line of schema 0: `dtn` of seed 0 as it was recorded, with other settings."""
    lines = map(json.loads, COMMITTED.read_text().splitlines())
    of = next(o for o in lines if (o["result"]["accuracy"], o["result"]["seed"]) == (0.9174, 0))
    of["run"]["config"] |= settings
    return of


def accuracies(lines):
    """Accuracies on the test split, of each name and group of seeds."""
    scores = [of for of in lines if (of["kind"], of["split"]) == ("score", "test")]
    return [(results.name(g[0]), [of["accuracy"] for of in g]) for g in results.groups(scores)]


def append_wide(path, who, times):
    """Adds lines that no single disk block holds."""
    for k in range(times):
        results.append(path, {**line(seed=k), "who": who, "fill": str(who) * 9000})


class FileTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.directory / "run" / "eval.jsonl"

    def test_a_line_comes_back_as_it_was_written(self):
        results.append(self.path, line())
        results.append(self.path, line(1))
        expected = json.loads(json.dumps([line(), line(1)]))
        self.assertEqual(results.read(self.path), (expected, []))

    def test_a_line_of_a_preset_that_has_changed_since_is_named_by_what_differs(self):
        then = {**presets.PRESETS["dtn"], "alpha": 3.0, "seed": 1}
        with mock.patch.dict(presets.PRESETS, dtn=then):
            config._settings_of.cache_clear()
            of = line()
        config._settings_of.cache_clear()
        self.assertEqual((of["row"], of["changes"]), ("dtn", {}))
        del of["settings"]["ema"]  # not there yet: off, as by default
        results.append(self.path, of)
        found = results.read(self.path)[0][0]
        self.assertEqual((found["row"], found["changes"]), ("dtn", {"alpha": 3.0}))
        self.assertIn('"changes":{}', self.path.read_text())  # the file keeps what was written

    def test_a_setting_that_exists_no_more_is_a_change(self):
        of = line()
        of["settings"]["mixup"] = 0.5
        results.append(self.path, of)
        found = results.read(self.path)[0][0]
        self.assertEqual((found["row"], found["changes"]), ("dtn", {"mixup": 0.5}))

    @parameterized.parameters((32.0,), ("32",), ([32],))
    def test_a_size_that_is_no_whole_number_names_no_other_line(self, size):
        odd = line()
        odd["settings"]["size"] = size
        for of in (odd, line(1)):
            results.append(self.path, of)
        found, warnings = results.read(self.path)
        self.assertEqual([(of["seed"], of["changes"]) for of in found], [(1, {})])
        self.assertLen(warnings, 1)
        self.assertIn("expected a whole number", warnings[0])

    @parameterized.parameters("NaN", "Infinity", "-Infinity")
    def test_what_is_no_json_is_left_out(self, constant):
        results.append(self.path, {**line(), "frechet": 12.5})
        self.path.write_text(self.path.read_text().replace("12.5", constant))
        found, warnings = results.read(self.path)
        self.assertEqual(found, [])
        self.assertIn(f"{constant} in it is no JSON", warnings[0])

    def test_a_line_of_a_row_that_is_another_one_now_is_read_as_that_one(self):
        written = [
            {**line(), "row": "dtn_slow"},
            {**line(beta=0.0), "row": "dtn_slow", "changes": {"gamma": 1.0}},
            {**line(alpha=3.0), "row": "dtn_slow"},
        ]
        self.path.parent.mkdir()
        self.path.write_text("\n".join(map(json.dumps, written)))
        found, warnings = results.read(self.path)
        named = [("dtn", {}), ("dtn_no_tid", {}), ("dtn", {"alpha": 3.0})]
        self.assertEqual([(of["row"], of["changes"]) for of in found], named)
        self.assertEqual(warnings, [])
        with self.assertRaisesRegex(ValueError, "row='dtn_slow'; expected"):
            results.append(self.path, written[0])  # a run of today has a row of today

    def test_a_run_that_was_never_scored_has_no_lines(self):
        self.assertEqual(results.read(self.path), ([], []))

    def test_a_file_that_cannot_be_read_or_written_is_named(self):
        self.path.mkdir(parents=True)
        with self.assertRaisesRegex(UserError, "eval.jsonl cannot be read"):
            results.read(self.path)
        with self.assertRaisesRegex(UserError, "eval.jsonl cannot be written"):
            results.append(self.path, line())

    def test_a_torn_last_line_is_named_and_the_others_are_kept(self):
        for seed in (0, 1, 2):
            results.append(self.path, line(seed))
        whole = self.path.read_bytes()
        self.path.write_bytes(whole[:-40])
        lines, warnings = results.read(self.path)
        self.assertEqual([of["seed"] for of in lines], [0, 1])
        self.assertLen(warnings, 1)
        self.assertIn(f"{self.path}, line 3, is left out", warnings[0])

    def test_a_line_after_a_torn_one_is_a_line_of_its_own(self):
        results.append(self.path, line())
        self.path.write_bytes(self.path.read_bytes()[:-40])
        results.append(self.path, line(1))
        lines, warnings = results.read(self.path)
        self.assertEqual([of["seed"] for of in lines], [1])
        self.assertIn("line 1", warnings[0])

    @parameterized.named_parameters(
        ("no object", b"[1, 2]", "no schema number"),
        ("of another program", b'{"accuracy": 0.9}', "no schema number"),
        ("of a newer version", b'{"schema": 2}', "a newer one wrote it"),
        ("without its run", b'{"schema": 0}', "it has no 'run'"),
        ("without its row", b'{"schema": 1, "kind": "score"}', "row=None; expected a JSON str"),
        ("not of text", b"\xff\xfe{", "invalid start byte"),
    )
    def test_what_is_no_result_is_left_out_with_the_reason(self, text, why):
        results.append(self.path, line())
        with open(self.path, "ab") as file:
            file.write(text + b"\n")
        lines, warnings = results.read(self.path)
        self.assertLen(lines, 1)
        self.assertIn("line 2, is left out", warnings[0])
        self.assertIn(why, warnings[0])

    def test_a_line_without_its_judges_hash_is_no_result(self):
        of = line()
        del of["judge"]["hash"]
        with self.assertRaisesRegex(ValueError, "does not say hash"):
            results.append(self.path, of)
        self.assertFalse(self.path.exists())

    @parameterized.named_parameters(
        ("accuracy as text", "accuracy", "0.9"),
        ("accuracy over 1", "accuracy", 91.6),
        ("accuracy below 0", "accuracy", -0.1),
        ("accuracy that is none", "accuracy", None),
        ("accuracy True", "accuracy", True),
        ("accuracy NaN", "accuracy", float("nan")),
        ("original", "original", "x"),
        ("judge", "judge.accuracy", "99 %"),
        ("steps of the judge", "judge.steps", 1.5),
        ("hash of the judge", "judge.hash", 7),
        ("images", "images.images", "5000"),
        ("no images", "images.images", None),
        ("title", "images.title", ["a"]),
        ("fingerprint", "data.s.fingerprint", 7),
        ("minutes", "trained.minutes", "6"),
        ("endless minutes", "trained.minutes", float("inf")),
        ("commit", "trained.commit", 7),
        ("recipe", "trained.recipe", "2"),
        ("time", "scored.time", 7),
        ("f", "f.accuracy", {"MNIST test": "x"}),
        ("hash of f", "f.hash", []),
        ("digits", "per_digit", [0.5] * 9),
        ("a digit", "per_digit", [0.5] * 9 + ["x"]),
        ("digits as text", "per_digit", "0123456789"),
        ("seed", "seed", True),
        ("negative seed", "seed", -1),
        ("domain", "domain", "moon"),
        ("kind", "kind", "guess"),
        ("split", "split", "train"),
        ("changes", "changes", {"alpha": {"a": 1}}),
        ("data", "data.s", [1]),
    )
    def test_a_value_that_no_run_has_is_left_out_by_name(self, path, value):
        results.append(self.path, line())
        with open(self.path, "a") as file:
            file.write(json.dumps(changed(line(1), path, value)) + "\n")
        lines, warnings = results.read(self.path)
        self.assertEqual([of["seed"] for of in lines], [0])
        self.assertLen(warnings, 1)
        self.assertIn(f"{self.path}, line 2, is left out: ", warnings[0])
        self.assertLess(len(warnings[0]), 300 + len(str(self.path)))
        with self.assertRaises((ValueError, TypeError)):
            results.append(self.path, changed(line(1), path, value))

    def test_absurd_nesting_is_left_out(self):
        results.append(self.path, line())
        with open(self.path, "ab") as file:
            file.write(b"[" * 100_000 + b"\n" + b'{"a":' * 100_000 + b"\n")
        lines, warnings = results.read(self.path)
        self.assertLen(lines, 1)
        self.assertLen(warnings, 2)

    def test_the_mark_that_some_editors_put_before_the_first_line_is_skipped(self):
        results.append(self.path, line())
        self.path.write_bytes(b"\xef\xbb\xbf" + self.path.read_bytes())
        lines, warnings = results.read(self.path)
        self.assertLen(lines, 1)
        self.assertEmpty(warnings)

    def test_a_full_disk_leaves_the_file_as_it_was(self):
        results.append(self.path, line())
        before = self.path.read_bytes()
        full = OSError(28, "No space left on device")
        with mock.patch.object(os, "fsync", side_effect=full):
            with self.assertRaisesRegex(UserError, "eval.jsonl cannot be written: No space left"):
                results.append(self.path, line(1))
        self.assertEqual(self.path.read_bytes(), before)

    def test_two_processes_at_once_lose_no_line(self):
        results.append(self.path, line())
        context = multiprocessing.get_context("fork")
        both = [context.Process(target=append_wide, args=(self.path, k, 30)) for k in (1, 2)]
        for process in both:
            process.start()
        for process in both:
            process.join()
        lines, warnings = results.read(self.path)
        self.assertEqual(warnings, [])
        found = sorted((of["who"], of["seed"]) for of in lines if "who" in of)
        self.assertEqual(found, [(who, k) for who in (1, 2) for k in range(30)])

    def test_results_are_read_without_tensorflow(self):
        code = "import sys; from dtn_tf.scores import results; print('tensorflow' in sys.modules)"
        root = pathlib.Path(__file__).parents[1]
        done = subprocess.run((sys.executable, "-c", code), cwd=root, capture_output=True)
        self.assertEqual(done.stdout.strip(), b"False")


class GroupTest(testing.TestCase):
    def test_seeds_of_one_thing_are_one_group_in_the_order_of_seeds(self):
        self.assertEqual(
            accuracies([line(1, 0.91), line(0, 0.9), line(2, 0.92)]), [("dtn", [0.9, 0.91, 0.92])]
        )

    def test_a_copy_other_settings_and_a_poor_judge_have_no_part_in_the_mean(self):
        lines = [
            line(0, 0.9066),
            line(0, 0.9066, time="2026-11-27T11:00:00Z"),
            line(0, 0.60, alpha=1.0),
            line(1, 0.10, judge={"hash": "2-step", "accuracy": 0.4, "steps": 2}),
        ]
        by_preset = {of["settings"]["preset"] for of in lines}
        self.assertEqual(by_preset, {"dtn"})  # by which they were averaged once
        self.assertEqual(
            accuracies(lines), [("dtn", [0.9066]), ("dtn (alpha=1.0)", [0.60]), ("dtn", [0.10])]
        )
        self.assertEqual(results.superseded(lines), [(lines[0], lines[1])])

    @parameterized.named_parameters(
        ("s", "data.s.fingerprint"),
        ("t", "data.t.fingerprint"),
        ("f", "f.key"),
        ("recipe", "trained.recipe"),
        ("images", "images.fingerprint"),
        ("judge", "judge.hash"),
        ("accuracy of the judge", "judge.accuracy"),
        ("steps of the judge", "judge.steps"),
        ("domain", "domain"),
        ("split", "split"),
        ("kind", "kind"),
    )
    def test_a_mean_is_never_over_two_of(self, path):
        lines = [line(0), changed(line(1), path, "another")]
        self.assertLen(results.groups(lines), 2)

    def test_a_mean_is_never_over_two_numbers_of_images_in_a_frechet_distance(self):
        of_all = line(0)  # 26,032 translations to half of 10,000, before there was one number
        as_many = changed(line(1), "frechet_n", 5000)
        self.assertLen(results.groups([of_all, as_many]), 2)
        why = "another number of images in the Fréchet distance: unknown, and 5000"
        self.assertEqual(results.comparable(of_all, as_many), why)

    def test_images_that_were_as_many_as_half_of_the_target_are_known(self):
        first = changed(line(0), "images.images", 5000)
        self.assertEqual(agreement.frechet_images(first), 5000)
        self.assertLen(results.groups([first, changed(first, "frechet_n", 5000) | {"seed": 1}]), 1)
        self.assertIsNone(agreement.frechet_images(line()))
        self.assertIsNone(agreement.frechet_images(changed(line(), "target.images", None)))

    @parameterized.named_parameters(("in order", False), ("out of order", True))
    def test_of_one_seed_the_newest_score_counts(self, reverse):
        lines = [line(0, 0.8, time=None), line(0, 0.9), line(0, 0.7, time="2026-11-26T10:00:00Z")]
        lines = lines[::-1] if reverse else lines
        self.assertEqual(accuracies(lines), [("dtn", [0.9])])
        self.assertEqual({old["accuracy"] for old, _ in results.superseded(lines)}, {0.7, 0.8})
        self.assertEqual({new["accuracy"] for _, new in results.superseded(lines)}, {0.9})

    def test_a_line_that_is_in_two_files_is_one_line(self):
        self.assertEqual(accuracies([line(), line()]), [("dtn", [0.9])])
        self.assertEqual(results.superseded([line(), line()]), [])

    def test_retired_lines_are_listed_and_not_averaged(self):
        old = {**line(1, 0.5), "retired": "mean of ten views: the setting no longer exists"}
        self.assertEqual(accuracies([line(), old]), [("dtn", [0.9])])
        self.assertEqual(results.retired([line(), old]), [old])

    def test_lines_from_before_recipes_were_noted_are_of_the_first(self):
        one, two = (changed(line(k), "trained.recipe", k) for k in (1, 2))
        self.assertEqual(results.identity(line()), results.identity(one))
        self.assertNotEqual(results.identity(line()), results.identity(two))

    def test_the_seed_and_the_folder_of_the_data_are_not_what_a_run_is(self):
        here = line(0, data_dir="here", log_every=7, precision="float32")
        self.assertEqual(results.identity(here), results.identity(line(5)))
        self.assertEqual(results.name(here), "dtn")


class ComparableTest(testing.TestCase):
    def test_runs_of_other_rows_settings_and_sets_may_stand_in_one_column(self):
        other = changed(line(3, alpha=2.0), "data.s.fingerprint", "fewer")
        self.assertEqual(results.comparable(line(), other), "")

    @parameterized.named_parameters(
        ("kind", "kind", "adaptation", "another kind of result: score, and adaptation"),
        ("domain", "domain", "mnist", "another domain: svhn, and mnist"),
        ("split", "split", "validation", "another split: test, and validation"),
        (
            "images",
            "images",
            pictures(images=5000, fingerprint="2a"),
            "other images: SVHN test (26,032, 1f2e), and SVHN test (5,000, 2a)",
        ),
        (
            "accuracy of the judge",
            "judge.accuracy",
            0.9934,
            "another judge: accuracy 99.48 %, 1500 steps, hash dddd,"
            " and accuracy 99.34 %, 1500 steps, hash dddd",
        ),
        (
            "steps of the judge",
            "judge.steps",
            2,
            "another judge: accuracy 99.48 %, 1500 steps, hash dddd,"
            " and accuracy 99.48 %, 2 steps, hash dddd",
        ),
        (
            "hash of the judge",
            "judge.hash",
            None,
            "another judge: accuracy 99.48 %, 1500 steps, hash dddd,"
            " and accuracy 99.48 %, 1500 steps, hash unknown",
        ),
    )
    def test_says_what_differs(self, path, value, why):
        self.assertEqual(results.comparable(line(), changed(line(), path, value)), why)

    def test_names_the_data_set_where_images_are_of_another(self):
        drawn = changed(line(), "data.name", "builtin")
        self.assertEqual(results.comparable(line(), drawn), "")  # the same bytes
        drawn = changed(drawn, "images.fingerprint", "drawn")
        why = "another data set: files, and builtin"
        self.assertEqual(results.comparable(line(), drawn), why)

    def test_judges_agree_unless_both_know_better(self):
        known = line()
        for path in ("judge.hash", "judge.accuracy", "judge.steps"):
            self.assertTrue(results.judges_agree(known, changed(known, path, None)))
            self.assertFalse(results.judges_agree(known, changed(known, path, 7)))


class TextTest(testing.TestCase):
    @parameterized.named_parameters(
        ("one", [0.9162], "91.6 %"),
        ("three", [0.9174, 0.9172, 0.9140], "91.6 ± 0.2 %"),
        ("two that are equal", [0.5, 0.5], "50.0 ± 0.0 %"),
    )
    def test_mean_and_spread(self, values, text):
        self.assertEqual(results.mean_and_spread(values), text)

    def test_seeds(self):
        self.assertEqual(results.seeds([line(0)]), "1 seed: 0")
        self.assertEqual(results.seeds([line(2), line(0), line(1)]), "3 seeds: 0, 1, 2")


class Schema0Test(testing.TestCase):
    def test_a_record_becomes_lines_of_its_test_validation_and_table_2(self):
        of = old_line()
        of["validation"] = {
            **{"accuracy": 0.9, "commit": "be33a27d66a2", "images": "19dc8fc4df95"},
            **{"judge_steps": 1500, "n": 5000, "source": "SVHN train[68257:]"},
        }
        test, validation, adaptation = schema_0.migrate(of)
        self.assertEqual((test["row"], test["changes"], test["seed"]), ("dtn", {}, 0))
        self.assertEqual(test["judge"], {"hash": None, "accuracy": 0.9948, "steps": 1500})
        expected = {"title": "SVHN test", "images": 5000, "published": None}
        self.assertEqual(test["images"], {**expected, "fingerprint": "old:b668c5ac451f"})
        self.assertEqual(adaptation["images"], {**expected, "fingerprint": None})
        self.assertEqual(test["trained"]["commit"], "be33a27d66a2")
        self.assertEqual(test["trained"]["precision"], "mixed_bfloat16")
        self.assertEqual(test["scored"]["time"], "2026-11-25T14:52:19Z")
        self.assertEqual([test["data"][part]["published"] for part in ("s", "t")], [False, True])
        self.assertEqual((validation["split"], validation["accuracy"]), ("validation", 0.9))
        self.assertEqual(validation["judge"], {"hash": None, "accuracy": None, "steps": 1500})
        self.assertEqual(adaptation["kind"], "adaptation")
        self.assertEqual(adaptation["rows"], of["adaptation"]["rows"])
        self.assertEqual(adaptation["f"]["accuracy"], {"MNIST test": of["adaptation"]["f"]})

    @parameterized.named_parameters(
        ("one view", {"views": "one"}, "tta", "none"),
        ("mean of six views", {"views": "mean"}, "tta", "mean"),
        ("the surest view", {"views": "surest"}, "tta", "confident"),
        ("not the mean of ten views", {"average_views": False}, "tta", "none"),
        ("d on classes", {"content_distance": "class"}, "content_distance", "cross_entropy"),
        ("method on classes", {"method": "class"}, "method", "dtn"),
        ("average of g", {"ema": 0.995}, "ema", 0.1),
        ("no average of g", {"ema": 0.0}, "ema", 0.0),
        ("conditional D", {"d_conditional": True}, "d_conditional", True),
        ("balance", {"balance_s": True}, "balance_s", True),
        ("balance that was ignored", {"domain": "mnist"}, "balance_s", False),
    )
    def test_settings_in_todays_words(self, old, setting, value):
        kept = old_line()["run"]["config"]
        found, why = schema_0.settings({**kept, "average_views": False, **old})
        self.assertEqual((getattr(found, setting), why), (value, ""))

    def test_what_was_no_setting_yet_has_the_value_that_was_computed(self):
        old = old_line()["run"]["config"]
        del old["average_views"], old["balance_s"], old["pretrain_widen"]
        found, _ = schema_0.settings(old)
        self.assertEqual((found.tta, found.balance_s, found.num_train), ("none", False, 0))
        self.assertEqual(config.row_of(found), "dtn_unbalanced")

    def test_old_and_new_rule_of_the_average_of_g_agree_as_long_as_is_claimed(self):
        decays = [min(0.995, t / (9 + t)) for t in range(1, schema_0._SAME_EMA + 2)]
        new = [t / (t + 1 / 0.1 - 1) for t in range(1, schema_0._SAME_EMA + 2)]
        self.assertEqual(decays[:-1], new[:-1])
        self.assertLess(decays[-1], new[-1])

    @parameterized.named_parameters(
        ("views", {"average_views": True}, "mean of ten views"),
        ("widths", {"pretrain_widen": 0.3}, "digits of random width"),
        ("average of g", {"steps": 1792}, "ema=0.995 over 1792 steps"),
    )
    def test_what_cannot_be_said_is_retired_under_its_old_name(self, settings, why):
        of = old_line(preset="dtn_adapted_light", **settings)
        for found in schema_0.migrate(of):
            self.assertIn(why, found["retired"])
            self.assertEqual((found["row"], found["changes"]), ("dtn_adapted_light", {}))
            self.assertEqual(found["settings"], of["run"]["config"])
        self.assertEqual(results.groups(schema_0.migrate(of)), [])

    def test_an_old_line_compares_with_no_new_one(self):
        old = schema_0.migrate(old_line())[0]
        new = changed(line(), "images", {**old["images"], "fingerprint": "b668c5ac451f"})
        self.assertIn("other images", results.comparable(old, new))


class CommittedTest(testing.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lines, cls.warnings = results.read(COMMITTED)

    def test_lines_that_were_there_are_what_they_were(self):
        first = COMMITTED.read_bytes().splitlines(keepends=True)[:NUM_FIRST]
        self.assertLen(first, NUM_FIRST)
        self.assertEqual(hashlib.sha256(b"".join(first)).hexdigest(), FIRST)

    def test_every_line_is_read(self):
        self.assertEqual(self.warnings, [])
        self.assertGreaterEqual(len(self.lines), NUM_FIRST)

    def test_every_line_has_a_row_or_says_why_not(self):
        for of in self.lines:
            self.assertTrue(of.get("retired") or of["row"] in presets.ROWS, of["row"])
        retired = {of["retired"] for of in results.retired(self.lines)}
        self.assertTrue(all(why.startswith("mean of ten views") for why in retired))

    def test_a_line_of_an_earlier_recipe_of_faces_does_not_count_for_the_present_one(self):
        first = [of for of in self.lines if of["trained"]["commit"].startswith("ab77c9a4")]
        self.assertLen(first, 1)
        self.assertEqual(first[0]["row"], "dtn_face")
        self.assertContainsSubset({"alpha": 4.0, "warm_steps": 500, "r1": 0.0}, first[0]["changes"])
        self.assertRegex(
            results.name(first[0]), r"^dtn_face \(alpha=4.0, caricature=.*, \d+ more\)$"
        )

    @parameterized.named_parameters(
        ("dtn", "dtn", [0.9174, 0.9172, 0.9140]),
        ("dtn_adapted_conditional_d", "dtn_adapted_conditional_d", [0.9612, 0.9576, 0.9592]),
    )
    def test_seeds_of_a_row_are_what_was_measured(self, row, expected):
        lines = [of for of in self.lines if of["domain"] == "svhn" and of["scored"]["time"]]
        lines = [of for of in lines if of["scored"]["time"] < "2026-11-27"]
        self.assertIn((row, expected), accuracies(lines))

    def test_what_was_measured_again_is_listed(self):
        pairs = [
            (old["seed"], old["accuracy"], new["accuracy"])
            for old, new in results.superseded(self.lines)
            if (old["row"], old["kind"]) == ("dtn", "score")
        ]
        self.assertContainsSubset(
            [(0, 0.8918), (0, 0.9208), (1, 0.9244), (2, 0.9128)], [p[:2] for p in pairs]
        )
