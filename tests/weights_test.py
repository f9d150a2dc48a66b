"""Weights that come with the package: packed from a run, loaded by name, never damaged."""

import json
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

import dtn_tf
from benchmarks import pack_weights
from dtn_tf import environment, files, images, runs, serving, weights
from dtn_tf.data.builtin import handwriting
from dtn_tf.errors import UserError
from dtn_tf.scores import score
from tests import painting, testing, trained

_X = testing.pixels(40, 3, seed=5)


def _unalike(a, b):
    """Returns the share of pixels that are more than two gray levels apart."""
    return float(np.mean(np.abs(a.astype(int) - b.astype(int)) > 2))


class NameTestCase(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(weights, "FOLDER", self.directory))

    def save(self, preset="dtn", name="tiny", **about):
        dtn = painting.folders() if preset == "folders" else painting.row(preset)
        about = {"channels": 3, "fit": "pad", **about}
        weights.save(serving.in_float32(dtn), name, about)
        return dtn


class NameTest(NameTestCase):
    @parameterized.parameters(
        "dtn", "dtn_adapted", "dtn_adapted_conditional_d", "dtn_pixels", "folders"
    )
    def test_translates_as_what_was_packed(self, preset):
        dtn = self.save(preset)
        again, x = dtn_tf.load("tiny"), images.resize(_X, dtn.g.size)
        gx = serving.translate(dtn, x)
        self.assertGreater(np.std(gx.astype(float), axis=0).max(), 5.0)
        self.assertLess(_unalike(serving.translate(again, x), gx), 0.01)
        kept = {id(v.value) for v in weights._variables(dtn).values()}
        read = (
            tf.function(dtn, autograph=False)
            .get_concrete_function(tf.zeros((1, *x.shape[1:])))
            .variables
        )
        self.assertEmpty([v.name for v in read if id(v) not in kept])

    def test_large_arrays_take_two_bytes_and_small_ones_lose_nothing(self):
        with mock.patch.object(weights, "_SMALL", 64):
            dtn = self.save()
        kernels, statistics = 0, 0
        with np.load(self.directory / "tiny.npz") as stored:
            for k, value in enumerate(dtn.g_ema.get_weights()):
                found = stored[f"g_ema/{k}"]
                self.assertEqual(found.dtype, np.float16 if value.size >= 64 else np.float32)
                if value.size < 64:
                    self.assertAllEqual(found, value)
                kernels += value.size >= 64
                statistics += value.size < 64
            self.assertFalse([key for key in stored.files if key.startswith("d/")])
        self.assertGreater(min(kernels, statistics), 3)
        found = dtn_tf.load("tiny")
        self.assertEqual({w.dtype for w in found.g_ema.weights}, {"float32"})

    def test_the_contract_comes_with_it(self):
        self.save(accuracy=0.9, n=50, data=["A", "B"], commit="abc", licence="Free.")
        terms = serving.contract(dtn_tf.load("tiny"))
        self.assertEqual((terms.name, terms.channels, terms.fit), ("tiny", 3, "pad"))
        self.assertEqual(terms.weights, files.hash_of(self.directory / "tiny.npz"))
        self.assertEqual(
            terms.origin,
            "Trained on A and B by commit abc of dtn_tf, 90.00% of 50 read right. Free.",
        )

    def test_equal_weights_are_equal_bytes(self):
        dtn = serving.in_float32(painting.row())
        paths = [weights.save(dtn, name, {"channels": 3, "fit": "crop"}) for name in ("a", "b")]
        self.assertEqual(*[path.read_bytes() for path in paths])
        self.assertEqual(weights.names(), ("a", "b"))

    def test_damaged_files_are_refused(self):
        self.save()
        path = self.directory / "tiny.npz"
        whole = path.read_bytes()
        for data in (whole[:-1], whole[:500] + bytes([whole[500] ^ 1]) + whole[501:], b""):
            path.write_bytes(data)
            with self.assertRaisesRegex(UserError, "tiny.npz is missing or damaged.*Install"):
                dtn_tf.load("tiny")
        path.unlink()
        with self.assertRaisesRegex(UserError, "tiny.npz is missing or damaged"):
            dtn_tf.load("tiny")
        path.write_bytes(whole)
        about = self.directory / "tiny.json"
        for content in ("{", "{}", about.read_text().replace('"schema": 1', '"schema": 2')):
            about.write_text(content)
            with self.assertRaisesRegex(UserError, "tiny.json is not the description"):
                dtn_tf.load("tiny")

    def test_an_unknown_name_lists_the_known_ones_and_says_how_to_train(self):
        with self.assertRaisesRegex(UserError, r"digits is neither.*\(none in this version\)"):
            dtn_tf.load("digits")
        self.save(name="svhn")
        self.save(name="mnist")
        with self.assertRaisesRegex(UserError, r"\(mnist, svhn\).* To train a run: .*train_main"):
            dtn_tf.load("digits")

    def test_weights_that_float16_cannot_hold_are_refused(self):
        for value in (1e6, np.nan):
            dtn = serving.in_float32(painting.row())
            kernel = dtn.g_ema.deconvs[1].kernel
            kernel.assign(np.full(kernel.shape, value))
            with mock.patch.object(weights, "_SMALL", 64):
                with self.assertRaisesRegex(UserError, "g_ema/.* not finite, or beyond"):
                    weights.save(dtn, "tiny", {"channels": 3, "fit": "crop"})
            self.assertEmpty(list(self.directory.iterdir()))


class PackTest(trained.TestCase):
    """From a run to its name."""

    def test_a_run_is_packed_with_its_facts(self):
        folder = self.directory / "weights"
        with self.assertRaisesRegex(UserError, "was not scored .*Score it first: .*eval_main.py"):
            pack_weights.pack(self.workdir, "svhn", folder)
        self.leave_judges_untrained()
        self.enter_context(mock.patch.object(environment, "commit", lambda: "0123456789ab"))
        line, _ = self.quietly(score.score, self.workdir, self.cache, judge_steps=2)
        with self.assertRaisesRegex(UserError, "by commit None: nobody can get that code"):
            self.come_from_commit(None)
            pack_weights.pack(self.workdir, "svhn", folder)
        self.come_from_commit("ba9876543210")
        pack_weights.pack(self.workdir, "svhn", folder)
        with mock.patch.object(weights, "FOLDER", folder):
            about, net = weights.about("svhn"), dtn_tf.load("svhn")
        run = runs.read(self.workdir)
        self.assertEqual(about["accuracy"], line["accuracy"])
        self.assertEqual(about["n"], line["images"]["images"])
        self.assertEqual(about["judge"]["hash"], line["judge"]["hash"])
        self.assertEqual(about["commit"], run.starts[-1]["commit"])
        self.assertEqual(about["data"], [run.data["s"]["title"], run.data["t"]["title"]])
        self.assertEqual((about["channels"], about["fit"], about["size"]), (3, "crop", 32))
        self.assertStartsWith(about["command"], "python train_main.py --preset=dtn")
        self.assertNotIn(str(self.directory), json.dumps(about))
        self.assertIn("terms", about["licence"])
        gx = serving.translate(serving.load(self.workdir), _X)
        self.assertLess(_unalike(serving.translate(net, _X), gx), 0.01)
        self.assertEqual(serving.contract(net).fit, "crop")

    def come_from_commit(self, commit):
        path = self.workdir / "config.json"
        content = json.loads(path.read_text())
        for start in content["starts"]:
            start["commit"] = commit
        path.write_text(json.dumps(content))

    def test_a_score_of_a_few_images_is_none(self):
        whole, part = ({"title": f"SVHN test{part}", "images": 100} for part in ("", "[:100]"))
        large = {"title": "SVHN test[:5000]", "images": 5000}
        for images_of, expected in ((whole, True), (part, False), (large, True)):
            line = {"kind": "score", "split": "test", "images": images_of}
            self.assertEqual(pack_weights._is_score(line), expected, images_of)
        self.assertFalse(pack_weights._is_score({**line, "split": "validation"}))

    @parameterized.parameters(None, "0123456789ab-dirty")
    def test_code_that_nobody_can_get_is_refused(self, commit):
        images_of = {"title": "SVHN test", "images": 9}
        line = {"kind": "score", "split": "test", "images": images_of}
        for of_run, of_score in ((commit, "0123456789ab"), ("0123456789ab", commit)):
            self.come_from_commit(of_run)
            found = [{**line, "scored": {"commit": of_score}}]
            with mock.patch.object(pack_weights.results, "read", return_value=(found, [])):
                with self.assertRaisesRegex(UserError, f"commit {commit}: nobody can get"):
                    pack_weights.facts(runs.read(self.workdir))


class ShippedTest(testing.TestCase):
    """Every net in dtn_tf/weights/. Where there is none, the list must say so, too."""

    def test_the_folder_is_what_the_list_says(self):
        there = {path.name for path in weights.FOLDER.iterdir() if path.suffix != ".py"}
        there -= {"__pycache__"}
        expected = {f"{name}.{suffix}" for name in weights.NAMES for suffix in ("npz", "json")}
        self.assertEqual(there, expected)
        self.assertEqual(weights.names(), tuple(sorted(weights.NAMES)))

    def test_hashes_sizes_and_facts_are_whole(self):
        for name in weights.NAMES:
            about, path = weights.about(name), weights.FOLDER / f"{name}.npz"
            self.assertEqual(files.hash_of(path), about["weights"], name)
            self.assertLess(path.stat().st_size, 8e6, name)
            self.assertContainsSubset(_FACTS, about.keys(), name)
            self.assertNotIn("dirty", str(about["commit"]), name)

    def test_drawn_digits_are_translated_into_ones_that_can_be_read(self):
        for name in weights.NAMES:
            about = weights.about(name)
            found = pack_weights.drawn_accuracy(dtn_tf.load(name))
            self.assertAlmostEqual(found, about["drawn_accuracy"], delta=0.01, msg=name)
            self.assertGreater(found, 0.7, name)


class ReaderTest(testing.EagerTestCase):
    """What reads the shipped nets' drawn digits can read, and sees where nothing is to be read."""

    def test_the_nearest_digit_is_mostly_of_the_same_class(self):
        x, labels = handwriting.load("test")
        read = pack_weights.nearest(images.resize(x[:300], 32))
        self.assertBetween(np.mean(read == labels[:300]), 0.9, 0.999)

    def test_a_net_that_never_learnt_is_found_out(self):
        self.assertLess(pack_weights.drawn_accuracy(painting.row()), 0.4)


_FACTS = {
    *("accuracy", "n", "judge", "command", "commit", "data", "licence", "weights"),
    *("channels", "fit", "size", "title", "drawn_accuracy"),
}
