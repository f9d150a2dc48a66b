"""The page's nearest real images: which they are, and that the page works without them."""

import contextlib
import dataclasses
import io
import shutil
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image

from dtn_tf import config, images, runs
from dtn_tf.content import features
from dtn_tf.data import sets, stores
from dtn_tf.demo import bank, model, reading
from dtn_tf.scores import retrieval
from tests import painting, served, testing

_IMAGES = 24
_FOLDERS = {"source": "photos", "target": "emoji"}


class NearestTest(testing.TestCase):
    def test_nearest_come_first_and_of_equal_ones_the_first(self):
        codes = np.array([[9], [2], [-1], [1], [4], [-3], [0]], np.float32)
        known = bank.Bank(testing.pixels(7), codes)
        self.assertAllEqual(known.nearest(np.zeros(1)), known.pixels[[6, 2, 3, 1, 5]])

    def test_a_small_bank_gives_all_that_it_has(self):
        known = bank.Bank(testing.pixels(3), np.array([[3], [1], [2]], np.float32))
        self.assertAllEqual(known.nearest(np.zeros(1)), known.pixels[[1, 2, 0]])


class RunTest(testing.EagerTestCase):
    """With a run on two folders of images, whose f knows no classes."""

    def setUp(self):
        super().setUp()
        self.cache = self.directory / "cache"
        for name, seed in (("photos", 0), ("emoji", 1)):
            folder = self.directory / name / "train"
            folder.mkdir(parents=True)
            for k, x in enumerate(testing.pixels(_IMAGES, 3, seed)):
                Image.fromarray(x).save(folder / f"{k}.png")
        where = {f"{k}_dir": str(self.directory / v) for k, v in _FOLDERS.items()}
        settings = config.make("dtn_folders", domain="folders", size=64, data="auto", **where)
        settings = dataclasses.replace(settings, data="folders", precision="float32")
        with contextlib.redirect_stdout(io.StringIO()):
            self.t = sets.of(settings, stores.of(settings, self.cache)).t
        content = {"config": dataclasses.asdict(settings), "data": {"t": self.t.facts()}}
        content["f"] = {"hash": "of the run"}
        self.run_of = runs.Run(self.directory / "run", {**content, "cache_dir": str(self.cache)})
        self.model = model.Model(painting.folders())

    def attached(self):
        """Returns the model with what its run has, and what was printed."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            found = bank.attached(self.model, self.run_of)
        return found, said.getvalue()

    def answer(self, of_model, x):
        """Returns what the page is told of an image."""
        return reading.Reader(of_model)(served.png(x))

    def test_neighbours_come_in_order_of_distance_under_f(self):
        found, said = self.attached()
        self.assertIn("Reading the run's real target images", said)
        dtn = self.model.dtn
        ft = dtn.f(images.to_model(self.t.pixels), training=False).numpy()
        for sent in testing.pixels(3, 3, seed=5):
            answer = self.answer(found, sent)
            x = served.array(answer["input"])[np.newaxis]
            fx = dtn.content(images.to_model(x)).numpy()  # matched: more than f alone
            order = np.argsort(np.linalg.norm(ft.astype(np.float64) - fx, axis=1))
            shown = np.stack([served.array(picture) for picture in answer["neighbours"]])
            self.assertAllEqual(shown, self.t.pixels[order[:5]])
            self.assertAllEqual(shown[:1], retrieval.nearest_of(dtn, x, self.t.pixels))
            self.assertNotIn("codes", answer)

    def test_the_first_images_are_asked_alone(self):
        self.enter_context(mock.patch.object(bank, "AT_MOST", 10))
        known = self.attached()[0].bank
        self.assertAllEqual(known.pixels, self.t.pixels[:10])
        ft = self.model.dtn.f(images.to_model(self.t.pixels[:10]), training=False)
        self.assertAllClose(known.codes, ft, atol=1e-5)
        self.assertEqual(self.kept(), [10])

    def test_what_training_kept_is_not_computed_again(self):
        f = self.model.dtn.f
        whole = features.of(f, "of the run", self.t, self.cache)
        with mock.patch.object(bank, "AT_MOST", 10):
            self.assertAllEqual(self.attached()[0].bank.codes, whole[:10])
        self.assertEqual(self.kept(), [len(self.t)])

    def kept(self):
        """Returns of how many images f(x) is kept, a list of each set's."""
        return [len(np.load(path)) for path in self.cache.glob("fx-*/features.npy")]

    @parameterized.parameters("cache", "emoji")
    def test_data_that_is_gone_is_said_in_a_line(self, name):
        shutil.rmtree(self.directory / name)
        found, said = self.attached()
        self.assertIs(found, self.model)
        self.assertRegex(said, rf"^The page shows no nearest real images: .*{name}, which .*\n$")
        self.assertEqual(said.count("\n"), 1)
        self.assertFalse((self.directory / name).exists())
        self.assertNotIn("neighbours", self.answer(found, testing.pixels(1, 3)[0]))

    def test_images_that_have_changed_are_not_shown(self):
        path = self.directory / "emoji" / "train" / "0.png"
        Image.fromarray(testing.pixels(1, 3, seed=9)[0]).save(path)
        found, said = self.attached()
        self.assertIsNone(found.bank)
        self.assertIn("no nearest real images: emoji train is not what the run was trained", said)

    def test_an_f_that_moved_while_g_learnt_leaves_the_cache_as_it_is(self):
        settings = config.make("yunjey", domain="svhn", data="files", data_dir=str(self.directory))
        self.run_of.content["config"] = dataclasses.asdict(settings)
        found, said = self.attached()
        self.assertIs(found, self.model)
        self.assertIn("f of this method moves while it trains", said)

    def test_nothing_is_downloaded(self):
        settings = config.make("dtn", domain="svhn", data="tfds", data_dir=str(self.directory))
        self.run_of.content["config"] = dataclasses.asdict(settings)
        found, said = self.attached()
        self.assertIs(found, self.model)
        self.assertRegex(said, "^The page shows no .* would have to be downloaded again.\n$")
        prepared = self.directory / "mnist" / "3.0.1" / "dataset_info.json"
        prepared.parent.mkdir(parents=True)
        prepared.touch()
        self.assertTrue(bank._is_downloaded(settings))

    def test_f_that_knows_classes_needs_none(self):
        for of_model, run in ((served.model(), self.run_of), (self.model, None)):
            self.assertIs(bank.attached(of_model, run), of_model)

    def test_an_export_has_none(self):
        found = dataclasses.replace(self.model, bank=bank.Bank(self.t.pixels, self.t.pixels))
        wide = found.in_float32()
        self.assertIsNone(wide.bank)
        self.assertEqual(list(wide.answer(painting.pixels(1, 3, 0, side=64))), ["translations"])
