"""Where photos and emoji come from."""

import contextlib
import io
from unittest import mock

import numpy as np
from absl.testing import parameterized
from PIL import Image

from dtn_tf import config, train
from dtn_tf.data import faces, sets, stores
from dtn_tf.errors import UserError
from dtn_tf.scores import yardstick
from tests import testing


class FilesTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.root, self.cache = self.directory / "data", self.directory / "cache"
        draw = np.random.default_rng(0)
        for folder in ("face/train", "face/test", "emoji/train", "emoji/test"):
            (self.root / folder).mkdir(parents=True)
            for k in range(24):
                pixels = draw.integers(0, 256, (40, 40, 3), np.uint8)
                Image.fromarray(pixels).save(self.root / folder / f"{k}.png")

    def open(self, domain="face", **changes):
        settings = config.make("dtn_face", domain=domain, data_dir=str(self.root), **changes)
        store = stores.of(settings, self.cache)
        return store, sets.of(settings, store)

    @parameterized.parameters("auto", "files")
    def test_two_folders_are_source_and_target(self, data):
        store, found = self.open(data=data)
        self.assertEqual((store.name, found.task.name), ("files", "face"))
        self.assertEqual(found.test.title, "photos of faces test")
        self.assertEqual(found.test.pixels.shape, (24, 64, 64, 3))
        self.assertEqual(found.target_test.title, "emoji test")
        for split in ("test", "validation"):
            self.assertEqual(found.real(split).title, f"emoji {split}")
        self.assertIn(f"from {self.root}", store.notice)
        self.assertIsNone(store.people())

    def test_drawn_ones_are_drawn_where_there_are_photos_too(self):
        settings = config.make("dtn_face", data="files", data_dir=str(self.root))
        with mock.patch.object(faces, "_drawn", return_value="drawn") as drawn:
            self.assertEqual(stores.of(settings, self.cache, data="builtin"), "drawn")
        self.assertEqual(drawn.call_args.args[1], "builtin")

    def test_an_f_learnt_without_labels_has_one_name(self):
        settings = config.make("dtn_face", data_dir=str(self.root), content="unlabelled")
        resolved, _ = train.resolve(settings, self.directory / "run", self.cache)
        self.assertEqual((resolved.content, config.changes(resolved)), ("auto", {}))

    def test_emoji_is_the_reverse(self):
        (_, face), (_, emoji) = self.open(), self.open("emoji")
        self.assertAllEqual(face.t.pixels, emoji.s.pixels)
        self.assertAllEqual(face.s.pixels, emoji.t.pixels)

    def test_other_sizes_have_the_same_images_in_the_same_order(self):
        _, found = self.open()
        large = found.at_size(128)
        self.assertEqual(large.s.pixels.shape[1:], (128, 128, 3))
        small = large.s.pixels.reshape(-1, 64, 2, 64, 2, 3).mean(axis=(2, 4))
        self.assertLess(np.abs(small - found.s.pixels).mean(), 12.0)
        self.assertGreater(np.abs(small - found.s.pixels[::-1]).mean(), 30.0)

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(UserError, "data=files needs --data_dir=DIR, with a folder"):
            faces.open_faces(config.make("dtn_face", data="files"), self.cache)
        (self.root / "emoji").rename(self.root / "avatars")
        with self.assertRaisesRegex(UserError, f"{self.root} has no folder emoji; expected"):
            self.open(data="files")
        with self.assertRaisesRegex(UserError, "data='tfds' has no faces"):
            faces.open_faces(config.make("dtn_face"), self.cache, data="tfds")

    def test_people_are_a_folder_for_each(self):
        for name in ("ann", "bob"):
            for k in range(6):
                path = self.root / "people" / name / f"{k}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((9, 9), 40 * k, np.uint8)).save(path)
        store, _ = self.open()
        found = store.people()
        self.assertEqual((len(found), found.classes), (12, ("ann", "bob")))
        self.assertAllEqual(np.bincount(found.labels), [6, 6])

    def test_people_may_be_the_file_of_att(self):
        x = np.random.default_rng(0).integers(0, 256, (6, 112, 92), np.uint8)
        np.savez(self.root / "att_faces_40x10.npz", x=x, y=np.array([3, 3, 7, 7, 9, 9]))
        found = self.open()[0].people()
        self.assertEqual(found.pixels.shape, (6, 64, 64, 3))
        self.assertAllEqual(found.labels, [0, 0, 1, 1, 2, 2])
        self.assertEqual(found.classes, ("person 3", "person 7", "person 9"))
        self.assertIsNone(self.open("emoji")[0].people())

    def test_a_damaged_file_of_people_is_named(self):
        (self.root / "att_faces_40x10.npz").write_bytes(b"PK nothing")
        with self.assertRaisesRegex(UserError, "att_faces_40x10.npz is damaged"):
            self.open()[0].people()
        np.savez(self.root / "att_faces_40x10.npz", x=np.zeros((2, 3)), y=np.zeros(2))
        with self.assertRaisesRegex(UserError, "expected uint8 photos"):
            self.open()[0].people()
        many = np.zeros((300, 4, 4), np.uint8)
        np.savez(self.root / "att_faces_40x10.npz", x=many, y=np.arange(300))
        with self.assertRaisesRegex(UserError, "has 300 people; expected 256 at most"):
            self.open()[0].people()

    def test_more_people_than_a_byte_counts_are_said_to_be_too_many(self):
        photo = Image.fromarray(testing.pixels(1, 3)[0])
        for k in range(257):
            path = self.root / "people" / str(k) / "0.png"
            path.parent.mkdir(parents=True)
            photo.putpixel((0, 0), (k % 256, k // 256, 0))  # no two alike
            photo.save(path)
        with self.assertRaisesRegex(UserError, "people: .*more than 256 classes; expected people"):
            self.open()[0].people()

    def test_a_person_called_as_a_split_is_refused(self):
        (self.root / "people" / "Val").mkdir(parents=True)
        store = self.open()[0]
        with self.assertRaisesRegex(UserError, "a folder Val, which means a split"):
            store.people()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertIsNone(yardstick.Yardstick(store, self.directory).people)
        self.assertRegex(out.getvalue(), "^Nobody is looked for among photos of people: .* Val")
