"""A student of a net that is too large: what it is taught, and from two folders to f."""

import contextlib
import io
from unittest import mock

import keras
import numpy as np
from absl.testing import parameterized

from dtn_tf import runs, serving
from dtn_tf.content import codes, face, features, lessons, make, student
from dtn_tf.errors import UserError
from dtn_tf.nets.content import ContentEncoder
from tests import graphs, pair_test, testing


def _codes(n, width, seed, shift=0.0):
    draw = np.random.default_rng(seed)
    mixed = draw.normal(size=(n, 3)) @ np.random.default_rng(9).normal(size=(3, width))
    return (shift + mixed + 0.05 * draw.normal(size=(n, width))).astype(np.float32)


class LessonTest(testing.TestCase):
    def test_by_hand(self):
        # Two features that vary: the first by 3 and 1 in s and t, the second by 1 and 2.
        signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)
        s, t = signs * [3.0, 1.0] + [5.0, 0.0], signs * [1.0, 2.0] - [0.0, 7.0]
        made = lessons.lesson(s, t, 1)  # variances of t 1 and 4: the second is kept
        self.assertAllClose(np.abs(made.basis), [[0.0], [1.0]])
        self.assertAllClose(made.share, 4.0 / 5.0)
        for domain, fx in enumerate((s, t)):
            self.assertAllClose(np.abs(made.of(domain, fx)), np.ones((4, 1)), atol=1e-5)

    @parameterized.parameters(7, 10_000)
    def test_neither_mean_nor_deviation_tells_the_domains_apart(self, part):
        s, t = _codes(60, 8, 0), _codes(40, 8, 1, shift=5.0)
        self.assertGreater(codes.gap(s, t), 0.5)
        with mock.patch.object(lessons, "_PART", part):
            made = lessons.lesson(s, t, 3)
            taught = made.of(0, s), made.of(1, t)
        for of in taught:
            self.assertAllClose(of.mean(axis=0), np.zeros(3), atol=1e-5)
            self.assertAllClose(of.std(axis=0), taught[1].std(axis=0), rtol=1e-4)
            self.assertEqual(of.dtype, np.float32)
        self.assertAllClose(np.mean(taught[1] ** 2), 1.0)
        self.assertLess(codes.gap(*taught), 1e-9)
        self.assertBetween(made.share, 0.95, 1.0)

    def test_what_varies_much_in_t_counts_much(self):
        signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)
        made = lessons.lesson(signs * [3.0, 1.0], signs * [1.0, 2.0], 2)
        order = np.argmax(np.abs(made.basis), axis=0)  # of the two features, as they come
        for domain, fx in enumerate((signs * [3.0, 1.0], signs * [1.0, 2.0])):
            found = np.abs(made.of(domain, fx))[:, order]
            self.assertAllClose(found, np.tile([1.0, 2.0], (4, 1)) / np.sqrt(2.5), atol=1e-5)

    def test_what_does_not_vary_is_not_blown_up(self):
        s, t = _codes(60, 8, 0), _codes(40, 8, 1)
        s[:, 5:], t[:, 5:] = 1.0, 2.0
        made = lessons.lesson(s, t, 8)
        self.assertAllInRange(made.of(0, s), -6.0, 6.0)
        self.assertAllClose(made.of(0, s)[:, 5:], np.zeros((60, 3)), atol=1e-3)

    def test_more_features_than_the_teacher_has_are_refused(self):
        with self.assertRaisesRegex(UserError, "f has 9 features, and its teacher 8: .*f_channels"):
            lessons.lesson(_codes(20, 8, 0), _codes(20, 8, 1), 9)


class FitTest(testing.TestCase):
    def test_a_student_learns_its_lessons(self):
        settings = pair_test.config.make(
            "tiny", pretrain_steps=40, pretrain_batch_size=16, log_every=40, mirror=True,
            pretrain_learning_rate=3e-2, pretrain_weight_decay=0.0, content="unlabelled",
            balance_s=False,
        )  # fmt: skip
        sets = [
            (testing.pixels(32, 3, seed), _light(testing.pixels(32, 3, seed))) for seed in (0, 1)
        ]
        keras.utils.set_random_seed(0)
        f = ContentEncoder((4, 4, 8, 2), standardize=False)
        for norm in f.norms:
            norm.momentum = 0.8  # what they saw last counts, in so few steps
        with contextlib.redirect_stdout(io.StringIO()) as out:
            student.fit(f, *sets, self.directory, settings)
        self.assertIn("cosine", out.getvalue())
        self.assertLess(_error(f, *sets[0]), 0.6)  # of codes of variance 1


def _light(pixels):
    """Two features that any net can learn: how light an image is, in units of its deviation."""
    light = pixels.mean(axis=(1, 2))[:, :2]
    return ((light - light.mean(axis=0)) / light.std(axis=0)).astype(np.float32)


def _error(f, pixels, expected):
    return np.mean((serving.apply(f, pixels) - expected) ** 2)


class FoldersTest(pair_test.PairTestCase):
    def setUp(self):
        super().setUp()
        self.fill(self.source, 60, side=40)
        self.fill(self.target, 60, side=40, seed=1)
        path = graphs.freeze(self.directory / "net.pb", lambda: graphs.facenet(features=20))
        self.content = f"{face.PREFIX}{path}"

    def _make(self, name="run", **changes):
        settings, sets = self.opened(self.settings(content=self.content, **changes))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            known = make.make(settings, sets, self.directory / name, self.cache)
        return known, out.getvalue()

    def test_from_two_folders_to_a_student(self):
        known, out = self._make()
        self.assertRegex(out, "FaceNet .*not cleared for commercial use")
        self.assertRegex(
            out,
            r"f: a student of FaceNet, 16 features with \d+% of its variance on the target. photos"
            r" validation: cosine to its teacher .* \(chance .*\); drawings.* tells the domains"
            r" apart.",
        )
        self.assertIn("not cleared", known["teacher"]["licence"])
        self.assertEqual((len(known["cosine"]), len(known["found"])), (2, 2))
        f = make.load(self.directory / "run").f
        self.assertIsInstance(f, ContentEncoder)
        self.assertEqual(f(testing.images(2, 3)).shape, (2, 16))
        with mock.patch.object(student, "_taught", side_effect=AssertionError):
            self.assertEqual(self._make("other")[0], known)  # it is in the cache
            with self.assertRaises(AssertionError):
                self._make("another", pretrain_steps=5)

    def test_more_features_than_the_teacher_has_are_refused_before_it_reads(self):
        with mock.patch.object(student.features, "of", side_effect=AssertionError):
            with self.assertRaisesRegex(UserError, "f has 24 features, and its teacher 20"):
                self._make(f_channels=(8, 16, 32, 24))

    def test_its_time_has_that_of_its_teacher(self):
        self._make()
        spent = runs.timing(self.directory / "run")
        self.assertEqual(set(spent), {"teacher_s", "teacher_t", "teacher_validation", "learn_f"})
        self.assertGreater(min(spent.values()), 0.0)

    def test_the_teacher_itself_is_f_and_its_file_is_no_longer_needed(self):
        known, _ = self._make(content_student=False)
        self.assertIn("not cleared", known["contract"])
        (self.directory / "net.pb").unlink()
        f = make.load(self.directory / "run").f
        self.assertIsInstance(f, face.FaceEncoder)
        self.assertEqual(f(testing.images(2, 3)).shape, (2, 20))

    def test_the_teacher_reads_larger_images_where_the_sets_have_them(self):
        settings, small = self.opened(self.settings(content=self.content))
        _, large = self.opened(self.settings(content=self.content))
        read = []

        def codes_of(net, name, pictures, cache_dir):
            read.append(pictures)
            return features.of(net, name, pictures, cache_dir)

        with (
            contextlib.redirect_stdout(io.StringIO()),
            mock.patch.object(small, "at_size", return_value=large) as asked,
            mock.patch.object(student, "features", mock.Mock(of=codes_of, seconds=len)),
        ):
            teacher = face.find(self.content.removeprefix(face.PREFIX))
            student.teach(settings, small, teacher, self.cache)
            asked.assert_called_once_with(8)
            self.assertEqual(read[:2], [large.s, large.t])
            self.assertIs(read[2].pixels.base, large.validation.pixels.base)
            large.s = large.s.head(12)
            with self.assertRaisesRegex(UserError, "images, and 12 at the teacher's size"):
                student.teach(settings, small, teacher, self.cache)
