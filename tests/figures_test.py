"""Pictures are whole, and say which run and which data they are of."""

import contextlib
import io
import types

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import figures, gallery
from tests import testing, trained
from tests.distance_tables_test import without_judge
from tests.lines import line, pictures


class FiguresTest(testing.TestCase):
    def assert_drawn(self, name, width=400):
        picture = np.asarray(Image.open(self.directory / name).convert("L"))
        self.assertGreater(picture.shape[1], width, name)
        self.assertGreater(picture.std(), 10, name)
        return picture

    def test_confusion_and_translations_are_written_whole(self):
        figures.draw_confusion(line(), self.directory / "c.png")
        x = testing.pixels(20, 3)
        figures.draw_translations(line(), x, testing.pixels(20), self.directory / "t.png")
        for name in ("c.png", "t.png"):
            self.assert_drawn(name, 600)
        self.assertLen(list(self.directory.iterdir()), 2)

    @parameterized.parameters((32, 16), (64, 8), (128, 8))
    def test_translations_of_any_size_are_shown_pixel_by_pixel(self, size, columns):
        self.assertEqual(figures.columns_of(size), columns)
        x, gx = (np.zeros((2 * columns, size, size, 3), np.uint8) for _ in range(2))
        for drawn in (line(), without_judge()):
            figures.draw_translations(drawn, x + 255, gx, self.directory / "t.png")
            picture = self.assert_drawn("t.png", columns * size)
            self.assertGreater(np.mean(picture > 250), 0.3)
            self.assertGreater(np.mean(picture < 5), 0.3)

    def test_few_translations_fill_their_row(self):
        x = testing.pixels(3, 3)
        figures.draw_translations(without_judge(), x, x, self.directory / "t.png")
        self.assert_drawn("t.png")

    def test_confusion_of_classes_with_names_and_of_very_many(self):
        for count in (2, 40):
            classes = [f"a class with a long name {k}" for k in range(count)]
            confusion = np.eye(count, dtype=int).tolist()
            drawn = line(classes=classes, per_digit=[1.0] * count, confusion=confusion)
            figures.draw_confusion(drawn, self.directory / f"c{count}.png")
            self.assert_drawn(f"c{count}.png", 600)

    def test_title_over_one_confusion_matrix_is_not_cut_off(self):
        drawn = line(
            images=pictures("drawn street digits (builtin) test", 100),
            target=pictures("5,000 MNIST digits (builtin) test", 100),
        )
        figures.draw_confusions([drawn], self.directory / "c.png")
        title = self.assert_drawn("c.png")
        title = title[: len(title) // 8]
        self.assertLess(title.min(), 128)
        self.assertAllEqual(np.unique(title[:, [0, 1, -2, -1]]), [255])

    def test_rows_and_curves_of_several_runs(self):
        both = line(), line(settings={"alpha": 1.0}, per_digit=[None] * 10)
        x = testing.pixels(16, 3)
        rows = [(part, testing.pixels(16)) for part in both]
        figures.draw_rows(x, rows, self.directory / "rows.png", digit=3)
        curves = [(part, {"loss/L_D": ([1, 2], [0.5, 0.25])}) for part in both]
        figures.draw_curves(curves, self.directory / "curves.png")
        for name in ("rows.png", "curves.png"):
            self.assert_drawn(name)

    def test_rows_of_no_judge_have_their_distances(self):
        one = without_judge()
        asked = {**one, "retrieval": {"probes": {"translation": {"median_rank": 51.5}}}}
        said = [figures._short(each) for each in (one, asked)]
        self.assertEqual(said, ["dtn KID 0.03", "dtn KID 0.03, median rank 51.5"])
        rows = [(each, testing.pixels(4, 3)) for each in (one, asked)]
        figures.draw_rows(testing.pixels(4, 3), rows, self.directory / "rows.png")
        self.assert_drawn("rows.png")


class ReadScalarsTest(testing.TestCase):
    def test_a_step_that_was_done_twice_counts_once(self):
        for values in ([1.0, 2.0], [3.0, 4.0]):  # a run that was resumed
            events = tf.summary.create_file_writer(str(self.directory))
            with events.as_default():
                for step, value in enumerate(values, len(values)):
                    tf.summary.scalar("loss/L_D", value, step=step)
            events.close()
        steps, values = figures.read_scalars(self.directory)["loss/L_D"]
        self.assertEqual((steps, values), ([2, 3], [3.0, 4.0]))

    def test_without_events_there_is_none(self):
        self.assertEqual(figures.read_scalars(self.directory / "none"), {})


class FewInputsTest(testing.TestCase):
    def shown(self, *labels):
        classes = tuple("0123456789")
        pictures_ = testing.pixels(len(labels))
        return Pictures(pictures_, "digits", np.array(labels, np.uint8), classes)

    def test_no_image_is_shown_twice(self):
        some = self.shown(*range(5), *range(5), *range(5), 3, 3, 3)
        for digit, count in ((None, 16), (3, 6), (4, 3)):
            found = gallery.inputs(some, digit)
            self.assertLen({x.tobytes() for x in found}, count)
            self.assertLen(found, count)

    def test_without_the_digit_the_other_figures_are_drawn(self):
        one = line()
        run = types.SimpleNamespace(row="dtn", title="dtn", workdir=self.directory)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            gallery.draw("3", [(run, one)], lambda run: self.shown(0, 1, 2), self.directory)
        self.assertIn("Table 3: no rows of images, for none shows a 3", out.getvalue())
        self.assertFalse((self.directory / "table-3-rows.png").exists())
        self.assertTrue((self.directory / "table-3-confusion.png").exists())


class InputsTest(trained.TestCase):
    def test_are_the_same_for_every_run_and_of_the_digit_alone(self):
        from dtn_tf.data import domains, stores

        test = stores.open_store("builtin", None, self.cache).load(domains.SVHN, "test")
        threes = {x.tobytes() for x in test.pixels[test.labels == 3]}
        found = gallery.inputs(test, 3)
        self.assertLessEqual({x.tobytes() for x in found}, threes)
        self.assertAllEqual(found, gallery.inputs(test, 3))
        self.assertLen(gallery.inputs(test), 16)
