"""Drawn portraits to drawn avatars: from no file at all to every score of faces."""

import contextlib
import functools
import io
import types
from unittest import mock

from dtn_tf import build, config, presets, serving, train
from dtn_tf.data.builtin import faces as drawn
from dtn_tf.scores import attributes, figures, independent, needed, results, score, tables
from dtn_tf.scores import descriptor as descriptors
from tests import face_tables_test, report_test, retrieval_test, testing

_FEW = {"num_train": 24, "num_avatars": 24, "num_validation": 12, "num_test": 12}
_SMALL = {
    **{"precision": "float32", "pretrain_steps": 2, "pretrain_batch_size": 4, "steps": 2},
    **{"batch_size": 4, "warm_steps": 2, "log_every": 2, "grid_every": 2, "size": 32},
    **{"f_channels": (8, 16, 32, 16), "g_channels": (32, 16, 8), "d_channels": (8, 16, 32, 32)},
}


class DrawnTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        few = functools.partial(drawn.open_faces, **_FEW)
        self.enter_context(mock.patch.object(drawn, "open_faces", few))
        self.enter_context(mock.patch.object(serving, "export"))
        self.enter_context(mock.patch.object(independent, "STEPS", 2))
        self.enter_context(mock.patch.object(independent, "_CHANNELS", {32: testing.F_CHANNELS}))
        self.enter_context(mock.patch.object(attributes, "STEPS", 2))
        corners = lambda *_: retrieval_test.Corners()  # noqa: E731
        self.enter_context(mock.patch.object(descriptors, "of", corners))

    def test_from_nothing_to_every_score(self):
        workdir, cache = self.directory / "run", self.directory / "cache"
        settings = config.make("dtn_face", **_SMALL)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            train.train(settings, workdir, cache)
            score.run_and_print(workdir, None, cache)
        said = out.getvalue()
        for part in (
            "FALLBACK to DRAWN faces",
            "DRAWN PORTRAITS, not photos",
            "g by L_TID",
            "KID",
            "Retrieval, as the paper's Table 4",
            "Colours of 12 faces",
            "Attributes of 12 DRAWN people",
        ):
            self.assertIn(part, said)
        (line,), warnings = results.read(workdir / "eval.jsonl")
        self.assertEmpty(warnings)
        self.assertEqual((line["domain"], line["data"]["name"]), ("face", "builtin"))
        self.assertEqual(line["images"]["title"], "drawn portraits test")
        self.assertEqual(line["retrieval"]["n"], 12)
        self.assertEqual(set(line["attributes"]["of"]), set(attributes.VALUES))
        names = {path.name for path in (workdir / "eval-test").iterdir()}
        self.assertContainsSubset({"faces.png", "neighbours.png", "table.md"}, names)
        events = figures.read_scalars(workdir / "tb" / "eval-test")
        found = line["retrieval"]["probes"]["translation"]["median_rank"]
        self.assertAllClose(events["eval/median_rank"][1], [found])
        self.assertNotEmpty(figures.read_scalars(workdir / "tb" / "warm_start"))
        places = tables.Places(self.directory, cache, self.directory / "results")
        with contextlib.redirect_stdout(io.StringIO()):
            text = tables.make((presets.FACES,), places)
        self.assertEqual(results.read(places.results_dir / "results.jsonl")[0], [line])
        self.assertLen(results.read(workdir / "eval.jsonl")[0], 1)  # it was scored already
        cells = report_test.cells(text, results.name(line))
        self.assertEqual(cells[5], f"{found:.1f}")
        self.assertEqual(cells[9], "drawn portraits test, 12")
        figure_names = {path.name for path in places.results_dir.glob("*.png")}
        self.assertEqual(figure_names, {"table-faces-rows.png", "table-faces-curves.png"})

    def test_rows_that_are_missing_are_trained_with_the_f_that_was_named(self):
        places = tables.Places(*(self.directory / name for name in ("runs", "cache", "results")))
        todo, title = [], types.SimpleNamespace(title="A net")
        known = face_tables_test.of_face(row="dtn_face_no_warm", changes={"content": "face:A net"})
        with contextlib.redirect_stdout(io.StringIO()):
            _, pictures = needed._data((presets.FACES,), "builtin", None, places.cache_dir)
        of_these = {k: {**known["data"][k], "fingerprint": v} for k, v in pictures.items()}
        known |= {"data": {**of_these, "name": "builtin"}}
        of_others = {
            **known,
            "row": "dtn_face_no_r1",
            "data": {**known["data"], "s": known["data"]["t"]},
        }
        known["trained"] = {**known["trained"], "recipe": build.RECIPE}
        with (
            mock.patch.object(needed.face, "find", lambda what: title),
            mock.patch.object(needed.sharing, "train_all", lambda runs, *_: todo.extend(runs)),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            names = (presets.FACES,)
            needed.train_missing(names, places, "builtin", None, 1, [known, of_others], "face:a.pb")
        expected = [row.name for row in presets.rows_of(presets.FACES)]
        expected.remove("dtn_face_no_warm")  # and the line of other pictures counts for none
        self.assertEqual([settings.preset for settings, _ in todo], expected)
        settings, workdir = todo[0]
        self.assertEqual(workdir.name, "face-dtn_face-builtin-A-net-seed0")
        self.assertEqual(settings.content, "face:a.pb")
        self.assertEqual((settings.data, settings.domain), ("builtin", "face"))
