"""The figures of faces."""

import numpy as np
from PIL import Image

from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import face_sheets
from tests import testing
from tests.distance_tables_test import without_judge
from tests.retrieval_test import Negative


class BestTest(testing.TestCase):
    def test_of_each_person_the_photo_of_the_least_distance(self):
        distance = np.array([3.0, 1.0, 2.0, 0.5, 9.0])
        who = np.array([1, 1, 0, 0, 2])
        self.assertAllEqual(face_sheets.best_of_each(distance, who), [3, 1, 4])


class DrawTest(testing.EagerTestCase):
    def test_triples_and_people_are_drawn(self):
        x, t = testing.pixels(20, 3), testing.pixels(30, 3, seed=1)
        path = self.directory / "faces.png"
        face_sheets.draw_triples(without_judge(), x, 255 - x, t[:20], path)
        people = Pictures(x, "people", (np.arange(20) % 5).astype(np.uint8), tuple("abcde"))
        other = self.directory / "people.png"
        face_sheets.draw_people(without_judge(), Negative(), people, other)
        shapes = [np.asarray(Image.open(p)).shape for p in (path, other)]
        self.assertGreater(shapes[0][0], 400)  # two blocks of three rows
        for p in (path, other):
            self.assertGreater(np.asarray(Image.open(p).convert("L")).std(), 10)
