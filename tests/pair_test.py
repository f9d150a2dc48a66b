"""Two folders of images as a task: from files to a translation."""

import contextlib
import dataclasses
import io
import pathlib
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image

from dtn_tf import config, runs, serving, train
from dtn_tf.content import codes, features, make
from dtn_tf.data import pair, sets, stores
from dtn_tf.data.pictures import Pictures
from dtn_tf.dtn import DTN
from dtn_tf.errors import Interrupted, UserError
from dtn_tf.nets import sizes
from dtn_tf.nets.content import Classifier
from dtn_tf.variants.matched import MatchedDTN
from tests import odd_images, testing

_FEW = {
    "precision": "float32",
    "pretrain_steps": 2,
    "pretrain_batch_size": 8,
    "steps": 2,
    "batch_size": 4,
    "log_every": 2,
    "grid_every": 2,
    "checkpoint_every": 2,
}


class PairTestCase(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        self.source, self.target = self.directory / "photos", self.directory / "drawings"
        self.cache = self.directory / "cache"

    def fill(self, folder, n, side=20, mode="RGB", seed=0):
        """Writes n images of noise, no two alike."""
        folder.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(seed)
        shape = (side, side) if mode == "L" else (side, side, 3)
        for k in range(n):
            Image.fromarray(draw.integers(0, 256, shape, np.uint8)).save(folder / f"{k}.png")

    def settings(self, preset="tiny", **changes):
        folders = {"source_dir": str(self.source), "target_dir": str(self.target)}
        return config.make(preset, domain="folders", **folders, **{**_FEW, **changes})

    def train(self, settings, name="run"):
        nets = {"f": testing.F_CHANNELS, "g": testing.G_CHANNELS, "d": testing.D_CHANNELS}
        tiny = {f"{k}_channels": sizes.at_size(v, settings.size, k) for k, v in nets.items()}
        settings = dataclasses.replace(settings, **tiny)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            dtn = train.train(settings, self.directory / name, self.cache)
        return dtn, out.getvalue()

    def opened(self, settings):
        with contextlib.redirect_stdout(io.StringIO()):
            settings, store = train.resolve(settings, self.directory / "run", self.cache)
            return settings, sets.of(settings, store)


class LabelledTest(PairTestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(serving, "export"))
        for k, name in enumerate(("cats", "dogs")):
            self.fill(self.source / name, 40, seed=k)
        odd_images.write(self.source / "cats", odd_images.IMAGES, odd_images.OTHERS)
        self.fill(self.target, 40, mode="L", seed=2)

    def test_classes_of_the_source_teach_f_and_odd_files_are_read_or_counted(self):
        dtn, out = self.train(self.settings(balance_s=True))
        self.assertIn(" other files (", out)
        self.assertIn("2 classes (cats, dogs)", out)
        self.assertRegex(out, "f: accuracy .* on photos validation")
        run = runs.finished(self.directory / "run")
        self.assertEqual(run.data["name"], "folders")
        self.assertIsInstance(make.pretrain.load_f(run.workdir), Classifier)
        x = testing.pixels(3, 3)
        self.assertEqual(serving.translate(dtn, x).shape, (3, 32, 32, 1))  # drawings are gray

    def test_other_pictures_are_refused_with_both_folders_named(self):
        stopped = mock.patch.object(train, "fit_dtn", side_effect=Interrupted("stopped", 2))
        with stopped, self.assertRaises(Interrupted):
            self.train(self.settings())
        other = self.directory / "other"
        self.fill(other, 40, seed=3)
        changed = dataclasses.replace(self.settings(), target_dir=str(other))
        with self.assertRaisesRegex(UserError, f"--target_dir={self.target}.*={other}"):
            self.train(changed)

    def test_what_resumes_it_names_the_folders_and_not_the_nets(self):
        command = runs.command(self.settings(size=64), "w", "c")
        for part in ("--domain=folders", f"--source_dir={self.source}", "--size=64"):
            self.assertIn(part, command)
        self.assertNotIn("channels", command)

    def test_dry_run_says_what_would_be_read(self):
        with contextlib.redirect_stdout(io.StringIO()):
            said = train.describe(self.settings(), self.directory / "run", self.cache)
        self.assertIn("f: labels", said)
        self.assertIn("photos train (the set s): ", said)
        self.assertFalse((self.directory / "run").exists())


class UnlabelledTest(PairTestCase):
    def setUp(self):
        super().setUp()
        self.fill(self.source, 60, side=70)
        self.fill(self.target, 60, side=70, seed=1)

    def test_f_is_learnt_and_matched_at_64_pixels(self):
        self.enter_context(mock.patch.object(serving, "export"))
        more = {"size": 64, "match_features": True, "content_distance": "nmse"}
        dtn, out = self.train(self.settings(**more, caricature=1.5, test_caricature=2.0))
        self.assertRegex(out, "f: of .* images of photos validation it finds another view of")
        self.assertIsInstance(dtn, MatchedDTN)
        loaded = serving.load(self.directory / "run")
        x = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
        found = serving.translate(loaded, x)
        self.assertEqual(found.shape, (3, 64, 64, 3))
        self.assertAllEqual(found, serving.translate(dtn, x))
        _, pictures = self.opened(self.settings(size=64))
        of_s, of_t = (
            serving.apply(dtn.f, part.pixels).astype(np.float64)
            for part in (pictures.s, pictures.t)
        )
        self.assertEqual(loaded.content_variance, dtn.content_variance)
        self.assertAllClose(dtn.content_variance, np.mean(np.var(of_t, axis=0)), rtol=1e-3)
        scale, shift = codes.match_features(of_s, of_t, 1.5)
        self.assertAllClose(dtn.scale, scale, rtol=1e-3, atol=1e-4)
        self.assertAllClose(dtn.shift, shift, rtol=1e-3, atol=1e-3)
        of_translation = codes.match_features(of_s, of_t, 2.0)
        self.assertAllClose(loaded.test_matching, of_translation, rtol=1e-3, atol=1e-3)

    def test_f_of_a_set_is_computed_once(self):
        _, pictures = self.opened(self.settings())
        f = testing.tiny_nets()[0]
        with contextlib.redirect_stdout(io.StringIO()):
            first = features.of(f, "name", pictures.s, self.cache)
            with mock.patch.object(features.serving, "results", side_effect=AssertionError):
                again = features.of(f, "name", pictures.s, self.cache)
        expected = f(pictures.s.pixels[:] / np.float32(127.5) - 1.0)
        self.assertAllClose(first, expected, atol=1e-5)
        self.assertAllEqual(first, again)
        with mock.patch.object(features.serving, "results", side_effect=ArithmeticError):
            for other in (("other", pictures.s), ("name", pictures.t)):
                with self.assertRaises(ArithmeticError):
                    features.of(f, *other, self.cache)

    @parameterized.named_parameters(
        ("torn", lambda content: content[:-5]),
        ("changed", lambda content: content[:-5] + b"12345"),
    )
    def test_features_that_are_damaged_are_made_again(self, damage):
        f, shown = testing.tiny_nets()[0], Pictures(testing.pixels(12, 3), "blobs")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            first = features.of(f, "name", shown, self.cache)
            expected, path = np.array(first), pathlib.Path(first.filename)
            path.write_bytes(damage(path.read_bytes()))
            self.assertAllEqual(features.of(f, "name", shown, self.cache), expected)
        self.assertRegex(out.getvalue(), f"{path} is damaged.*Making {path.parent} again")

    def test_features_without_a_hash_of_them_are_found(self):
        f, shown = testing.tiny_nets()[0], Pictures(testing.pixels(12, 3), "blobs")
        with contextlib.redirect_stdout(io.StringIO()):
            first = features.of(f, "name", shown, self.cache)
            pathlib.Path(first.filename).with_name("features.json").unlink()
            with mock.patch.object(features.serving, "results", side_effect=AssertionError):
                self.assertAllEqual(features.of(f, "name", shown, self.cache), first)

    def test_a_process_that_is_killed_while_f_reads_loses_one_part(self):
        _, pictures = self.opened(self.settings())
        f, shown = testing.tiny_nets()[0], pictures.s
        parts = mock.patch.multiple(features, _PART=4, _BATCH=2)
        starts, kept = [], serving.results

        def killed(*args):
            for k, fx in kept(*args):
                starts.append(k)
                if len(starts) == 4:
                    raise InterruptedError
                yield k, fx

        said = io.StringIO()
        with parts, contextlib.redirect_stdout(said):
            with mock.patch.object(serving, "results", killed):
                with self.assertRaises(InterruptedError):
                    features.of(f, "killed", shown, self.cache)
                resumed = features.of(f, "killed", shown, self.cache)
        self.assertEqual(starts[:5], [0, 2, 4, 6, 4])
        self.assertIn("resumed, 1 of", said.getvalue())
        self.assertAllClose(resumed, serving.apply(f, shown.pixels), atol=1e-5)
        self.assertGreater(features.seconds(resumed), 0.0)
        self.assertFalse((pathlib.Path(resumed.filename).parent / "checkpoints").exists())

    def test_settings_that_need_classes_are_refused(self):
        for changes, said in (
            ({"content": "labels"}, "content=labels needs classes, and photos has none"),
            ({"content": "magic"}, "content='magic' is unknown; expected auto, labels"),
            ({"balance_s": True}, "balance_s of .* needs an f that was taught.*Add --nobalance_s,"),
            ({"adapt_steps": 3}, "adapt_steps of .*Add --adapt_steps=0, or"),
            (
                {"style_size": 8, "tta": "mean"},
                "style_size and tta of .*Add --style_size=0 --tta=none, or",
            ),
            ({"content_distance": "cross_entropy"}, "Add --content_distance=mse, or"),
        ):
            with self.assertRaisesRegex(UserError, said):
                self.opened(self.settings(**changes))

    def test_one_folder_for_both_is_refused(self):
        for same in (self.source, f"{self.source}/", f"{self.target}/../photos"):
            self.target = same
            with self.assertRaisesRegex(UserError, "are both .*photos: name two folders"):
                self.opened(self.settings())

    def test_a_folder_inside_the_other_is_refused(self):
        self.fill(self.source / "drawings", 12, seed=1)
        for one, other in ((self.source, self.source / "drawings"), (self.directory, self.source)):
            self.source, self.target = one, other
            with self.assertRaisesRegex(UserError, "one is inside the other.*lie side by side"):
                self.opened(self.settings())
            self.source, self.target = other, one
            with self.assertRaisesRegex(UserError, "one is inside the other"):
                self.opened(self.settings())
            self.source = self.directory / "photos"

    def test_equal_names_are_told_apart(self):
        self.target = self.directory / "b" / "photos"
        self.fill(self.target, 30, seed=5)
        _, found = self.opened(self.settings())
        self.assertEndsWith(found.task.source.title, f"{self.directory.name}/photos")
        self.assertEqual(found.task.target.title, "b/photos")


class MatchedTest(testing.EagerTestCase):
    def test_source_features_are_scaled_and_shifted_and_target_features_are_not(self):
        draw = np.random.default_rng(0)
        scale, shift = draw.uniform(0.5, 2.0, (2, 8)).astype(np.float32)
        dtn = MatchedDTN(*testing.tiny_nets(), scale=scale, shift=shift)
        x = testing.images(4, 3)
        fx = dtn.f(x).numpy()
        self.assertAllClose(dtn.content(x), scale * fx + shift, atol=1e-6)
        self.assertAllClose(dtn(x), dtn.g_ema(scale * fx + shift, domain=0), atol=1e-6)
        self.assertAllClose(dtn.reconstruct(x), dtn.g_ema(fx, domain=1), atol=1e-6)

    def test_a_translation_may_exaggerate_more_than_training(self):
        nets, x = testing.tiny_nets(), testing.images(4, 3)
        twice = [2.0] * nets[0].features, [0.5] * nets[0].features
        dtn = MatchedDTN(*nets, test_matching=twice, alpha=15.0)
        fx = dtn.f(x).numpy()
        self.assertAllClose(dtn.content(x), 2.0 * fx + 0.5, atol=1e-5)
        self.assertAllClose(dtn(x), dtn.g_ema(2.0 * fx + 0.5, domain=0), atol=1e-5)
        self.assertAllClose(dtn.reconstruct(x), dtn.g_ema(fx, domain=1), atol=1e-5)
        dtn.compile(testing.Adam(1e-3), testing.Adam(1e-3))
        with mock.patch.object(DTN, "source_step") as of_dtn:
            dtn.source_step(x)
        self.assertAllClose(of_dtn.call_args.args[1], fx, atol=1e-6)  # scale 1, shift 0

    def test_translation_reads_the_mean_of_moved_and_mirrored_views_and_training_does_not(self):
        x = testing.images(4, 3)
        wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
        places = ((1, 1), (1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
        moved = [wide[:, top : top + 32, left : left + 32] for top, left in places]
        nets = testing.tiny_nets()
        scale = np.linspace(0.5, 2.0, nets[0].features).astype(np.float32)
        given = {"scale": scale, "shift": -scale, "alpha": 15.0}
        one = MatchedDTN(*nets, **given)
        for mirror in (True, False):
            dtn = MatchedDTN(*nets, **given, tta="mean", mirror=mirror)
            step = -1 if mirror else 1
            shown = [view[:, :, ::step] if i % 2 else view for i, view in enumerate(moved)]
            expected = scale * np.mean([dtn.f(view) for view in shown], axis=0) - scale
            self.assertAllClose(dtn.content(x), expected, atol=1e-5)
            self.assertNotAllClose(dtn.content(x), one.content(x), atol=1e-3)
            self.assertAllClose(dtn(x), dtn.g_ema(expected.astype(np.float32), domain=0), atol=1e-4)
            again = MatchedDTN.from_config(dtn.get_config())
            self.assertEqual((again.tta, again.mirror), ("mean", mirror))
            dtn.compile(testing.Adam(1e-3), testing.Adam(1e-3))
            with mock.patch.object(dtn, "matched", wraps=dtn.matched) as matched:
                dtn.source_step(x)
            self.assertAllClose(matched.call_args.args[0], dtn.f(x), atol=1e-6)


class StoreTest(PairTestCase):
    def test_a_pair_is_opened_for_its_domain_alone(self):
        self.fill(self.source, 20)
        self.fill(self.target, 20, seed=1)
        with contextlib.redirect_stdout(io.StringIO()):
            store = stores.of(self.settings(), self.cache)
        self.assertIsInstance(store, pair.Pair)
        self.assertStartsWith(store.warnings()[0], "photos: ")
        for given in ({"data": "builtin"}, {"data_dir": "elsewhere"}):
            with self.assertRaisesRegex(UserError, "would be ignored: the run is of .*photos"):
                stores.of(self.settings(), self.cache, **given)
        for name in ("missing", "drawings/1.png"):
            self.target = pathlib.Path(self.directory / name)
            with self.assertRaisesRegex(UserError, f"{name} (does not exist|is a file)"):
                stores.of(self.settings(), self.cache)
