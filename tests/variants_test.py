"""The rows of the table whose G reads pixels, and the binary D."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf import config, train
from dtn_tf.data import domains
from dtn_tf.dtn import DTN
from dtn_tf.nets.content import ContentEncoder
from dtn_tf.variants import Baseline, PixelDTN
from tests import testing

_X_S, _X_T = testing.images(8, 3), testing.images(8, 1, seed=1)


def _row(preset, **changes):
    """The compiled model of a preset, of few filters."""
    small = {
        "f_channels": testing.F_CHANNELS,
        "g_channels": testing.G_CHANNELS,
        "d_channels": testing.D_CHANNELS,
        "precision": "float32",
    }
    settings = dataclasses.replace(config.PRESETS[preset], **small, **changes)
    f = testing.tiny_nets()[0]
    return train.build(settings, domains.TASKS["svhn"], f)


def _logged(dtn):
    return {k: float(v) for k, v in dtn.train_step((_X_S, _X_T)).items()}


class VariantsTest(testing.TestCase):
    @parameterized.parameters(
        ("dtn", DTN, 3),
        ("dtn_pixels", PixelDTN, 3),
        ("baseline", Baseline, 2),
        ("dtn_binary", DTN, 2),
    )
    def test_preset_makes_its_model(self, preset, model, num_classes):
        dtn = _row(preset)
        self.assertIs(type(dtn), model)
        self.assertEqual(dtn.d(_X_T).shape, (8, num_classes))
        self.assertEqual(dtn(_X_S).shape, (8, 32, 32, 1))

    @parameterized.parameters(("dtn", True), ("dtn_pixels", False), ("baseline", False))
    def test_translation_depends_on_f_only_where_g_contains_it(self, preset, contains):
        dtn = _row(preset)
        before = dtn(_X_S).numpy()
        for kernel in dtn.f.weights:
            kernel.assign(0.5 * kernel)
        changed = np.abs(dtn(_X_S).numpy() - before).max() > 1e-6
        self.assertEqual(changed, contains)

    def test_pixels_encoder_is_f_s_shape_and_learns_while_f_stays(self):
        dtn = _row("dtn_pixels")
        f = ContentEncoder(testing.F_CHANNELS)
        shapes = [v.shape for v in f.trainable_variables]
        self.assertEqual([v.shape for v in dtn.g.encoder.trainable_variables], shapes)
        before = testing.snapshot(dtn)
        kernels = [conv.kernel.numpy() for conv in dtn.g.encoder.convs]
        _logged(dtn)
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": True, "d": True})
        for conv, kernel in zip(dtn.g.encoder.convs, kernels, strict=True):
            self.assertNotAllEqual(conv.kernel, kernel)

    def test_pixels_has_all_the_terms_and_the_baseline_two(self):
        full, baseline = _logged(_row("dtn_pixels")), _logged(_row("baseline"))
        terms = {"L_D", "L_G", "L_GANG_source", "L_GANG_target", "L_CONST", "L_TID", "L_TV"}
        self.assertContainsSubset(terms, full)
        self.assertNoCommonElements({"L_GANG_target", "L_TID"}, baseline)
        self.assertContainsSubset({"L_GANG_source", "L_CONST"}, baseline)
        self.assertAllClose(
            baseline["L_G"], baseline["L_GANG_source"] + 15.0 * baseline["L_CONST"], rtol=1e-5
        )

    def test_baseline_shows_d_real_images_and_g_none(self):
        dtn = _row("baseline")
        sgd = keras.optimizers.SGD
        dtn.compile(d_optimizer=sgd(1.0), g_optimizer=sgd(1.0))
        dtn.d.head.kernel.assign(tf.zeros_like(dtn.d.head.kernel))
        before = testing.snapshot(dtn)
        dtn.target_step(_X_T)
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": False, "d": True})
        self.assertAllClose(dtn.d.head.bias, [-0.5, 0.5])  # towards real

    def test_binary_d_logs_the_probability_of_real(self):
        logged = _logged(_row("dtn_binary"))
        self.assertContainsSubset({"D3_G_source", "D3_G_target", "D3_target"}, logged)
        self.assertNoCommonElements({"D1_G_source", "D2_G_target"}, logged)

    @parameterized.parameters("dtn_pixels", "baseline", "dtn_binary")
    def test_file_brings_back_the_translation(self, preset):
        dtn = _row(preset)
        _logged(dtn)
        path = self.directory / "dtn.keras"
        dtn.save(path)
        again = keras.models.load_model(path)
        self.assertIs(type(again), type(dtn))
        self.assertAllEqual(again(_X_S), dtn(_X_S))
