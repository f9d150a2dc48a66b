"""The built-in domains of faces: drawn once, kept, titled so, and a pair like two folders."""

import contextlib
import importlib.util
import io
from unittest import mock

import numpy as np
from absl.testing import parameterized

from dtn_tf.data import pair
from dtn_tf.data.builtin import attributes, avatars, faces, portraits
from dtn_tf.data.domains import Domain
from dtn_tf.errors import UserError
from tests import testing

_FEW = {"num_train": 12, "num_avatars": 11, "num_validation": 3, "num_test": 10}


class FacesTest(testing.TestCase):
    def open(self, size=16):
        return faces.open_faces(size, self.directory, **_FEW)

    def load(self, folder, split, num=0):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            return folder.load(split, num), out.getvalue()

    def test_pictures_are_those_that_are_drawn_and_titled_so(self):
        for folder, painter, seed in zip(self.open(), (portraits, avatars), (2, 5), strict=True):
            pictures, out = self.load(folder, "test")
            expected, people = painter.draw(10, seed, 16)
            np.testing.assert_array_equal(pictures.pixels, expected)
            self.assertEqual(pictures.title, f"{folder.title} test")
            self.assertStartsWith(folder.title, "drawn ")
            self.assertIn(f"Drawing 10 {folder.title.removeprefix('drawn ')} (test)", out)
            self.assertIsNone(pictures.labels)
            found = folder.attributes("test")
            self.assertEqual(list(found), list(attributes.VALUES))
            for name, values in attributes.seen(people).items():
                np.testing.assert_array_equal(found[name], values)

    def test_a_second_start_draws_nothing(self):
        first, _ = self.load(self.open()[1], "test")
        with mock.patch.object(avatars, "paint", side_effect=AssertionError):
            again, out = self.load(self.open()[1], "test")
        self.assertEqual(out, "")
        self.assertEqual(again.fingerprint(), first.fingerprint())

    def test_splits_share_no_picture(self):
        for folder in self.open():
            every = [self.load(folder, split)[0].pixels for split in faces.SPLITS]
            self.assertEqual([len(x) for x in every], list(folder.counts.values()))
            together = np.concatenate(every).reshape(sum(map(len, every)), -1)
            self.assertLen(np.unique(together, axis=0), len(together))

    def test_portraits_and_avatars_are_not_of_the_same_people(self):
        for split in ("train", "test"):
            tables = []
            for folder in self.open():
                self.load(folder, split)
                tables.append(attributes.to_table(folder.attributes(split))[:10])
            self.assertLess((tables[0] == tables[1]).all(axis=1).mean(), 0.5)

    def test_only_the_first_are_given_where_fewer_are_asked_for(self):
        folder = self.open()[1]
        some, every = self.load(folder, "test", 4)[0], self.load(folder, "test")[0]
        np.testing.assert_array_equal(some.pixels, every.pixels[:4])
        self.assertLen(self.load(folder, "test", 1000)[0], 10)

    @parameterized.parameters("people.npy", "pixels.npy")
    def test_a_damaged_file_is_drawn_again(self, name):
        folder = self.open()[1]
        first = self.load(folder, "test")[0].fingerprint()  # read before the file is torn
        (path,) = self.directory.glob(f"drawn-avatars-*/{name}")
        path.write_bytes(path.read_bytes()[:90])
        again, out = self.load(folder, "test")
        self.assertRegex(out, "damaged.*(?s:.*)Drawing 10 avatars")
        self.assertEqual(again.fingerprint(), first)

    def test_another_size_or_another_painter_is_drawn_anew(self):
        self.load(self.open()[1], "test")
        self.load(self.open(size=24)[1], "test")
        with mock.patch.object(faces, "_hash_of_code", return_value="another"):
            self.load(self.open()[1], "test")
        self.assertLen(list(self.directory.glob("drawn-avatars-*")), 3)

    def test_opening_and_describing_draw_nothing(self):
        with mock.patch.object(attributes, "draw", side_effect=AssertionError):
            for folder in self.open():
                self.assertIn(f"10 {folder.title}, kept in", folder.describe("test"))
                self.assertIn(folder.title.upper(), folder.notice)
                self.assertIn("not photos", folder.notice)
        self.assertEmpty(list(self.directory.iterdir()))

    def test_unknown_and_empty_splits_raise(self):
        source, _ = faces.open_faces(16, self.directory, **_FEW | {"num_validation": 0})
        for split in ("extra", "validation"):
            for call in (source.load, source.describe, source.attributes):
                with self.assertRaisesRegex(UserError, f"no split '{split}'.*train.*test"):
                    call(split)

    def test_without_the_extra_opening_says_how_to_get_it(self):
        with mock.patch.object(importlib.util, "find_spec", return_value=None):
            with self.assertRaisesRegex(UserError, r"pip install -e '\.\[faces\]'"):
                self.open()

    def test_they_make_a_pair(self):
        store = pair.Pair(*self.open(), 16)
        self.assertEqual(
            store.task.source, Domain("source", "drawn portraits", 16, 3, ()), store.task.source
        )
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertLen(store.load(store.task.target, "test", 5), 5)
            known = store.attributes(store.task.target, "test")
        self.assertLen(known["skin"], 10)
        self.assertIn("DRAWN AVATARS", store.notice)
        self.assertEmpty(store.warnings())
