"""The net that measures: not f, the same for every run, and trained on real images alone."""

import contextlib
import io
from unittest import mock

import numpy as np
import tensorflow as tf

from dtn_tf.content import unlabelled
from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import independent
from tests import testing


class IndependentTest(testing.EagerTestCase):
    def setUp(self):
        super().setUp()
        small = dict.fromkeys((32, 64), testing.F_CHANNELS)
        small[64] = (2, *testing.F_CHANNELS)
        self.enter_context(mock.patch.object(independent, "_CHANNELS", small))
        self.enter_context(mock.patch.object(independent, "_BATCH", 8))

    def train(self, pixels, num_steps=2, labels=None, fit=None):
        """Returns the net and what was printed; it is not trained but by a `fit` that is given."""
        pictures = Pictures(pixels, "target train", labels, () if labels is None else ("a", "b"))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            with mock.patch.object(unlabelled, "fit", fit or mock.Mock()):
                return independent.train(pictures, self.directory, num_steps), out.getvalue()

    def test_is_trained_once_for_a_target_set_and_named_by_it(self):
        pixels = testing.pixels(20)
        net, out = self.train(pixels, fit=unlabelled.fit)
        self.assertIn("independent net: step 2/2", out)
        self.assertEqual(net.name, "VICReg on target train, 2 steps")
        never = mock.Mock(side_effect=AssertionError)
        labels = np.arange(20, dtype=np.uint8) % 2
        again, _ = self.train(pixels, labels=labels, fit=never)  # labels have no part in it
        self.assertEqual(again.hash, net.hash)
        self.assertAllClose(again.net(testing.images(3)), net.net(testing.images(3)))

    def test_is_another_one_for_other_images_and_steps(self):
        pixels = testing.pixels(20)
        other = pixels.copy()
        other[3, 5, 5] ^= 1
        fit = mock.Mock()
        for args in ((pixels,), (other,), (pixels, 1), (pixels,)):
            self.train(*args, fit=fit)
        self.assertEqual(fit.call_count, 3)

    def test_each_batch_is_of_as_many_different_images(self):
        fit = mock.Mock()
        self.train(testing.pixels(21), fit=fit)
        _, first, second, _ = fit.call_args.args
        self.assertEqual((len(first), len(second)), (11, 10))
        both = {image.tobytes() for part in (first, second) for image in part}
        self.assertLen(both, 21)
        self.assertEqual(fit.call_args.kwargs["batch_size"], 4)

    def test_sees_size_and_channels_of_the_target_and_how_light_it_is(self):
        pixels = testing.pixels(12, 3).repeat(2, axis=1).repeat(2, axis=2)
        net, _ = self.train(pixels)
        light, dark = (
            tf.constant(part, tf.float32) for part in (pixels / 127.5 - 1, pixels / 255 - 1)
        )
        self.assertEqual(net.net(light).shape, (12, testing.F_CHANNELS[-1]))
        self.assertEqual(net.net.dtype_policy.name, "float32")
        self.assertNotAllClose(net.net(dark), net.net(light))

    def test_is_the_judges_encoder_where_there_are_labels(self):
        classifier = testing.tiny_classifier()
        facts = {"hash": "abc", "accuracy": 0.9, "steps": 1500}
        sets = mock.Mock(target_train=Pictures(testing.pixels(4), "MNIST train"))
        net = independent.of(sets, self.directory, (classifier, facts))
        self.assertIs(net.net, classifier.encoder)
        expected = {"name": "judge of MNIST train, 1,500 steps", "hash": "abc"}
        self.assertEqual(net.facts(), expected)

    def test_a_damaged_file_is_named_and_made_again(self):
        whole, _ = self.train(testing.pixels(20))
        (path,) = self.directory.glob("independent-*/independent.keras")
        path.write_bytes(path.read_bytes()[:-50])
        again, out = self.train(testing.pixels(20))
        self.assertIn("independent.keras is damaged", out)
        self.assertEqual(again.hash, whole.hash)
