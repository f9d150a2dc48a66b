import functools
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from dtn_tf.adam import Adam
from dtn_tf.dtn import SOURCE, TARGET
from dtn_tf.errors import UserError
from dtn_tf.nets import convolution
from dtn_tf.nets.normalization import DomainBatchNorm
from tests import testing

_METRICS = {
    *("L_D", "L_G", "L_GANG_source", "L_GANG_target", "L_CONST", "L_TID", "L_TV"),
    *("D1_G_source", "D2_G_source", "D3_G_source"),
    *("D1_G_target", "D2_G_target", "D3_G_target"),
    *("D1_target", "D2_target", "D3_target"),
}
_WEIGHTS = {  # alpha, beta, gamma, gan
    "full": (15.0, 15.0, 0.05, 1.0),
    "gan_alone": (0.0, 0.0, 0.0, 1.0),
    "const_alone": (2.0, 0.0, 0.0, 0.0),
    "tid_alone": (0.0, 2.0, 0.0, 0.0),
    "tv_alone": (0.0, 0.0, 2.0, 0.0),
}
_BATCH = (testing.images(8, 3), testing.images(8, 1, seed=1))  # x in s, x in t


def _sgd_dtn(rate=0.1, **kwargs):
    """A DTN whose update shows its gradient: new = old - rate * gradient."""
    sgd = keras.optimizers.SGD
    return testing.tiny_dtn(sgd(rate), sgd(rate), **kwargs)


@functools.cache
def _made():
    """A DTN that is made once, its weights at the start, and nets of the same weights."""
    dtn = _sgd_dtn()
    return dtn, dtn.get_weights(), testing.tiny_nets()  # equal for equal seeds


def _weighted(weights):
    """`_sgd_dtn` with other weights of its terms. For steps that are not traced."""
    dtn, start, nets = _made()
    dtn.set_weights(start)
    for name, value in zip(("alpha", "beta", "gamma", "gan"), _WEIGHTS[weights], strict=True):
        setattr(dtn, name, value)
    return dtn, nets


def _set_scale(dtn, scale):
    """Starts loss scaling where a net of few filters does not overflow, if it is on."""
    for optimizer in (dtn.d_optimizer, dtn.g_optimizer):
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer.dynamic_scale.assign(scale)


def _trained(net):
    return [v.numpy() for v in net.trainable_variables]


def _moves(net, start):
    """How far all trained weights of a net have come from a start, as one vector."""
    pairs = zip(_trained(net), start, strict=True)
    return np.concatenate([(new - old).ravel() for new, old in pairs])


def _plain_gradients(nets, step, x, alpha, beta, gamma, gan):
    """Gradients of equations 3 to 7, written out, with respect to D and to g."""
    f, g, d = nets
    with tf.GradientTape(persistent=True) as tape:
        fx = f(x)
        gx = g(fx, domain=SOURCE if step == "source_step" else TARGET, training=True)
        p = tf.nn.softmax(d(gx, training=True))
        l_g = -gan * tf.reduce_mean(tf.math.log(p[:, 2]))
        if step == "source_step":
            l_d = -gan * tf.reduce_mean(tf.math.log(p[:, 0]))
            l_g += alpha * tf.reduce_mean((fx - f(gx)) ** 2)
            right, down = gx[:, :-1, 1:] - gx[:, :-1, :-1], gx[:, 1:, :-1] - gx[:, :-1, :-1]
            l_g += gamma * tf.reduce_mean(tf.sqrt(right**2 + down**2 + 1e-8))
        else:
            real = tf.nn.softmax(d(x, training=True))
            l_d = -gan * tf.reduce_mean(tf.math.log(p[:, 1]) + tf.math.log(real[:, 2]))
            l_g += beta * tf.reduce_mean((x - gx) ** 2)
    pairs = ((l_d, d), (l_g, g))
    return [tape.gradient(loss, net.trainable_variables) for loss, net in pairs]


def _rows(net, name):
    """The per-domain statistics of all norms of a net, domain first."""
    norms = [n for n in net.norms if isinstance(n, DomainBatchNorm)]
    return [getattr(n, name).numpy() for n in norms]


class StepTest(testing.EagerTestCase):
    @parameterized.parameters("source_step", "target_step")
    def test_step_moves_g_and_d_but_never_f(self, step):
        dtn = testing.tiny_dtn()
        before = testing.snapshot(dtn)
        getattr(dtn, step)(testing.images())
        self.assertEqual(testing.moved(dtn, before), {"f": False, "g": True, "d": True})

    @parameterized.parameters(("source_step", SOURCE), ("target_step", TARGET))
    def test_step_moves_the_statistics_of_its_own_domain(self, step, domain):
        dtn = testing.tiny_dtn()
        getattr(dtn, step)(testing.images())
        for mean, variance in zip(
            _rows(dtn.g, "moving_mean"), _rows(dtn.g, "moving_variance"), strict=True
        ):
            self.assertAllEqual(mean[1 - domain], np.zeros_like(mean[0]))
            self.assertAllEqual(variance[1 - domain], np.ones_like(variance[0]))
            self.assertNotAllEqual(mean[domain], np.zeros_like(mean[0]))
            self.assertNotAllEqual(variance[domain], np.ones_like(variance[0]))

    def test_frozen_f_is_frozen_under_every_call_context(self):
        dtn = testing.tiny_dtn()
        x = testing.images(4, 3)
        inputs = keras.Input((32, 32, 3))
        nested = keras.Model(inputs, dtn.f(inputs))
        before = testing.snapshot(dtn)["f"]

        class Outer(keras.Model):
            def __init__(self):
                super().__init__()
                self.dtn = dtn

            def call(self, x, training=False):
                return self.dtn(x, training=training)

        expected = dtn(x)
        for call in (dtn, Outer(), nested, dtn.f):
            call(x, training=True)
        self.assertAllEqual(dtn(x, training=True), expected)
        for a, b in zip(before, dtn.f.variables, strict=True):
            self.assertAllEqual(a, b)

    def test_f_stays_even_where_it_was_trainable_before(self):
        dtn = testing.tiny_dtn()
        self.assertEmpty(dtn.f.trainable_variables)
        before = testing.snapshot(dtn)
        for _ in range(3):
            dtn.train_step(_BATCH)
        self.assertFalse(testing.moved(dtn, before)["f"])

    @parameterized.parameters(
        ("source_step", [2 / 3, -1 / 3, -1 / 3]),  # towards class 1
        ("target_step", [-2 / 3, 1 / 3, 1 / 3]),  # G(x) towards class 2, x towards class 3
    )
    def test_ternary_targets_pull_an_undecided_head(self, step, expected):
        dtn = _sgd_dtn(rate=1.0)
        dtn.d.head.kernel.assign(tf.zeros_like(dtn.d.head.kernel))
        getattr(dtn, step)(testing.images())
        self.assertAllClose(dtn.d.head.bias, expected)

    @parameterized.product(step=("source_step", "target_step"), weights=sorted(_WEIGHTS))
    def test_update_is_the_papers_gradient(self, step, weights):
        alpha, beta, gamma, gan = _WEIGHTS[weights]
        x = _BATCH[0 if step == "source_step" else 1]
        dtn, nets = _weighted(weights)
        d_before, g_before = _trained(dtn.d), _trained(dtn.g)
        gradients = _plain_gradients(nets, step, x, alpha, beta, gamma, gan)
        getattr(dtn, step)(x)
        after, slopes = _trained(dtn.d) + _trained(dtn.g), (*gradients[0], *gradients[1])
        noise = 1e-4 * max(np.max(np.abs(slope)) for slope in slopes)  # of a bias before a norm
        for new, old, slope in zip(after, d_before + g_before, slopes, strict=True):
            self.assertAllClose(new, old - 0.1 * slope, rtol=1e-4, atol=noise)

    def test_a_weight_of_zero_switches_its_term_off(self):
        for weights, step, stays in (
            ("const_alone", "source_step", "d"),  # without gan D does not learn
            ("const_alone", "target_step", "g"),  # alpha is for the source
            ("tid_alone", "source_step", "g"),  # beta is for the target
            ("tv_alone", "target_step", "g"),
        ):
            dtn, _ = _weighted(weights)
            before = _trained(getattr(dtn, stays))
            getattr(dtn, step)(testing.images())
            for a, b in zip(_trained(getattr(dtn, stays)), before, strict=True):
                self.assertAllEqual(a, b, msg=f"{weights} {step}")

    def test_nmse_is_mse_over_the_variance_of_f(self):
        given = {"content_distance": "nmse", "content_variance": 4.0}
        mse, nmse = (testing.tiny_dtn(**kwargs).source_step(_BATCH[0]) for kwargs in ({}, given))
        self.assertGreater(mse[1], nmse[1])
        alone = {"gan": 0.0, "beta": 0.0}
        mse, nmse = (
            testing.tiny_dtn(**kwargs, **alone).source_step(_BATCH[0]) for kwargs in ({}, given)
        )
        self.assertAllClose(nmse[1], mse[1] / 4.0)

    def test_cosine_distances_reach_their_terms(self):
        settings = {"content_distance": "cosine", "image_distance": "cosine"}
        mse, cosine = (testing.tiny_dtn(**kwargs).train_step(_BATCH) for kwargs in ({}, settings))
        for name in ("L_CONST", "L_TID"):
            self.assertNotAllClose(mse[name], cosine[name])
        with self.assertRaisesRegex(ValueError, "Unknown distance 'l1'"):
            testing.tiny_dtn(content_distance="l1").source_step(_BATCH[0])


class R1Test(testing.EagerTestCase):
    def test_of_a_linear_d_by_hand(self):
        dtn = testing.tiny_dtn(r1=1.0)
        w = np.random.default_rng(0).normal(size=(32, 32, 1)).astype(np.float32)

        def logits(x, fx):
            del fx
            real = tf.reduce_sum(w * x, axis=(1, 2, 3))
            return tf.stack([tf.zeros_like(real), tf.zeros_like(real), real], axis=1)

        with mock.patch.object(dtn, "logits", logits):
            _, r1 = dtn.logits_real(tf.constant(testing.images(4)), None)
        self.assertAllClose(r1, np.sum(np.square(w)) / 2.0, rtol=1e-5)

    def test_its_gradient_is_a_difference_quotient(self):
        dtn = testing.tiny_dtn(r1=1.0)
        dtn.d.leak = 1.0  # a corner of ReLU that is passed within the step is in no gradient
        x, kernel = tf.constant(testing.images(8)), dtn.d.convs[0].kernel
        with tf.GradientTape() as tape:
            _, r1 = dtn.logits_real(x, None)
        slope = tape.gradient(r1, kernel.value)
        step = 1e-3 * slope / tf.norm(slope)
        values = []
        for sign in (1.0, -1.0):
            kernel.assign_add(sign * step)
            values.append(float(dtn.logits_real(x, None)[1]))
            kernel.assign_sub(sign * step)
        found = (values[0] - values[1]) / 2e-3
        self.assertAllClose(found, tf.norm(slope), rtol=0.05)

    def test_d_gets_less_steep_with_it(self):
        x = tf.constant(testing.images(8))
        slopes = []
        for weight in (0.0, 10.0):
            dtn = testing.tiny_dtn(r1=weight)
            for _ in range(8):
                dtn.target_step(x)
            dtn.r1 = 1.0
            slopes.append(float(dtn.logits_real(x, None)[1]))
        self.assertLess(slopes[1], 0.5 * slopes[0])


class ConstBlurTest(testing.EagerTestCase):
    def test_f_reads_translations_without_what_changes_at_every_pixel(self):
        mesh = np.zeros((4, 32, 32, 1), np.float32)
        mesh[:, ::2, ::2] = mesh[:, 1::2, 1::2] = 0.5
        mesh -= 0.25  # a chequered image, of mean 0
        found = {}
        for blur in (False, True):
            dtn = testing.tiny_dtn(const_blur=blur)
            flat = dtn.f(tf.zeros((4, 32, 32, 1)), training=False)
            with mock.patch.object(dtn, "g", lambda *a, **k: tf.constant(mesh)):
                dtn.reset_metrics()
                with mock.patch.object(dtn, "_apply"):
                    dtn.source_step(tf.zeros((4, 32, 32, 1)), flat)
            found[blur] = {m.name: float(m.result()) for m in dtn.metrics}["L_CONST"]
        self.assertGreater(found[False], 1e-4)
        self.assertLess(found[True], 0.02 * found[False])  # borders alone are left


class ConstViewTest(testing.EagerTestCase):
    def test_f_reads_each_translation_in_another_view_each_time(self):
        dtn = testing.tiny_dtn(const_view={"crop": 0.1, "noise": 0.25})
        gx = tf.constant(testing.images(4))
        first, again = dtn.shown_to_f(gx), dtn.shown_to_f(gx)
        self.assertAllEqual(first, again)  # a batch that is resumed
        self.assertAllInRange(first, -1.0, 1.0)
        dtn.g_optimizer.iterations.assign_add(1)
        later = dtn.shown_to_f(gx)
        for k in range(4):
            self.assertNotAllClose(first[k], gx[k], atol=0.05)
            self.assertNotAllClose(first[k], later[k], atol=0.05)

    def test_noise_alone_has_the_deviation_that_is_asked_for(self):
        dtn = testing.tiny_dtn(const_view={"crop": 0.0, "noise": 0.2})
        x = tf.zeros((400, 32, 32, 1))
        found = np.std(dtn.shown_to_f(x), axis=(1, 2, 3))
        self.assertAllInRange(found, 0.0, 0.21)
        self.assertAllClose(found.mean(), 0.1, atol=0.01)  # uniform from 0 to 0.2

    def test_g_learns_through_views(self):
        dtn = testing.tiny_dtn(const_view={"crop": 0.1, "noise": 0.1}, gan=0.0)
        before = dtn.g.get_weights()
        dtn.source_step(_BATCH[0])
        self.assertNotAllClose(before[0], dtn.g.get_weights()[0])

    def test_none_is_g_of_x_itself(self):
        gx = tf.constant(testing.images(2))
        self.assertIs(testing.tiny_dtn().shown_to_f(gx), gx)


class TrainStepTest(testing.EagerTestCase):
    def test_source_then_target_on_the_same_step(self):
        dtn, by_hand = testing.tiny_dtn(), testing.tiny_dtn()
        dtn.train_step(_BATCH)
        by_hand.source_step(_BATCH[0])
        by_hand.target_step(_BATCH[1])
        for net in ("g", "d"):
            for a, b in zip(
                getattr(dtn, net).variables, getattr(by_hand, net).variables, strict=True
            ):
                self.assertAllClose(a, b, atol=1e-6)

    def test_logs_carry_the_papers_names_and_add_up(self):
        dtn = testing.tiny_dtn(alpha=3.0, beta=5.0, gamma=0.5, gan=2.0)
        logs = {k: float(v) for k, v in dtn.train_step(_BATCH).items()}
        self.assertEqual(set(logs), _METRICS)
        terms = 2.0 * (logs["L_GANG_source"] + logs["L_GANG_target"])
        terms += 3.0 * logs["L_CONST"] + 5.0 * logs["L_TID"] + 0.5 * logs["L_TV"]
        self.assertAllClose(logs["L_G"], terms, rtol=1e-5)
        for kind in ("G_source", "G_target", "target"):
            self.assertAllClose(sum(logs[f"D{i}_{kind}"] for i in (1, 2, 3)), 1.0)

    def test_logs_are_running_means(self):
        dtn, other = _sgd_dtn(rate=0.0), _sgd_dtn(rate=0.0)
        changed = (_BATCH[0], -_BATCH[1])
        a = float(other.train_step(_BATCH)["L_TID"])
        other.reset_metrics()
        b = float(other.train_step(changed)["L_TID"])
        dtn.train_step(_BATCH)
        self.assertNotAllClose(a, b)
        self.assertAllClose(dtn.train_step(changed)["L_TID"], (a + b) / 2, rtol=1e-4)


class GraphTest(testing.TracedTestCase):
    def test_trained_d_gives_the_three_kinds_their_classes(self):
        dtn = testing.tiny_dtn(Adam(1e-2), keras.optimizers.SGD(0.0))
        step = tf.function(dtn.train_step, autograph=False)
        for _ in range(40):
            step(_BATCH)
        x_s, x_t = _BATCH
        fakes = (
            (dtn.g(dtn.f(x_s), domain=SOURCE, training=True), 0),
            (dtn.g(dtn.f(x_t), domain=TARGET, training=True), 1),
            (x_t, 2),
        )
        for x, wanted in fakes:
            self.assertAllEqual(tf.argmax(dtn.d(x, training=True), axis=1), [wanted] * 8)

    def test_one_batch_overfits(self):
        dtn = testing.tiny_dtn(g_optimizer=Adam(1e-2), gan=0.0)
        step = tf.function(dtn.target_step, autograph=False)  # the other has no part in L_TID
        _, first = step(_BATCH[1])
        for _ in range(60):
            _, last = step(_BATCH[1])
        self.assertLess(last, 0.5 * first)


class AverageTest(testing.EagerTestCase):
    @parameterized.parameters((0.1, 0.1), (0.05, 0.05), (0.5, 0.5))  # 1 / (1 + 1/ema - 1)
    def test_first_step_of_the_average(self, ema, decay):
        dtn = testing.tiny_dtn(ema=ema)
        start = [v.numpy() for v in dtn.g_ema.variables]
        dtn.train_step(_BATCH)
        for old, average, value in zip(start, dtn.g_ema.variables, dtn.g.variables, strict=True):
            self.assertAllClose(average, decay * old + (1.0 - decay) * value.numpy(), atol=1e-6)

    def test_later_steps_move_it_less(self):
        dtn = testing.tiny_dtn(ema=0.1)
        dtn.step.assign(90)
        start = dtn.g_ema.deconvs[0].kernel.numpy()
        dtn.train_step(_BATCH)
        expected = 0.91 * start + 0.09 * dtn.g.deconvs[0].kernel.numpy()  # 91 / (9 + 91)
        self.assertAllClose(dtn.g_ema.deconvs[0].kernel, expected, atol=1e-6)

    def test_a_half_is_the_plain_mean_of_all_steps_and_the_start(self):
        dtn, seen = testing.tiny_dtn(ema=0.5), []
        seen.append(dtn.g.deconvs[0].kernel.numpy())
        for _ in range(3):
            dtn.train_step(_BATCH)
            seen.append(dtn.g.deconvs[0].kernel.numpy())
        self.assertAllClose(dtn.g_ema.deconvs[0].kernel, np.mean(seen, axis=0), atol=1e-6)

    def test_default_is_bit_for_bit_what_was_measured(self):
        t = np.arange(1, 1791).astype(np.float32)  # 0.995 was the limit from there on
        then = np.minimum(np.float32(0.995), t / (np.float32(9.0) + t))
        ours = t / (t + np.float32(1.0 / testing.tiny_dtn().ema - 1.0))
        np.testing.assert_array_equal(ours, then)

    def test_outside_its_range_is_refused(self):
        for ema in (-0.1, 0.51, 0.995):
            with self.assertRaisesRegex(UserError, f"ema={ema} is out of range; expected"):
                testing.tiny_dtn(ema=ema)

    def test_starts_as_g_and_is_never_trained(self):
        dtn = testing.tiny_dtn()
        self.assertEmpty(dtn.g_ema.trainable_variables)
        self.assertLen(dtn.g_ema.variables, len(dtn.g.variables))
        for average, value in zip(dtn.g_ema.variables, dtn.g.variables, strict=True):
            self.assertAllEqual(average, value)

    def test_switched_off_it_is_g(self):
        dtn = testing.tiny_dtn(ema=0.0)
        for _ in range(2):
            dtn.train_step(_BATCH)
        for average, value in zip(dtn.g_ema.variables, dtn.g.variables, strict=True):
            self.assertAllEqual(average, value)

    def test_translation_reads_source_and_reconstruction_target_statistics(self):
        dtn = testing.tiny_dtn(ema=0.0)
        dtn.train_step(_BATCH)
        fx = dtn.f(_BATCH[0])
        self.assertAllClose(dtn(_BATCH[0]), dtn.g(fx, domain=SOURCE))
        self.assertAllClose(dtn.reconstruct(_BATCH[0]), dtn.g(fx, domain=TARGET))
        self.assertNotAllClose(dtn(_BATCH[0]), dtn.reconstruct(_BATCH[0]))


class ModeTest(testing.TracedTestCase):
    def _after_fit(self, **compiled):
        # In longer steps a ReLU falls to its other side by the rounding of another kernel.
        dtn = _sgd_dtn(rate=0.001, compiled=compiled)
        history = dtn.fit(tf.data.Dataset.from_tensors(_BATCH).repeat(2), verbose=0).history
        return dtn, history

    def test_eager_and_compiled_training_agree_with_graph(self):
        graph, history = self._after_fit()
        self.assertEqual(int(graph.step), 2)
        for optimizer in (graph.d_optimizer, graph.g_optimizer):
            self.assertEqual(int(optimizer.iterations), 4)  # one of each domain, each batch
        self.assertEqual(set(history), _METRICS)
        self.assertTrue(np.isfinite([v for (v,) in history.values()]).all())
        with testing.eagerly():
            eager, _ = self._after_fit(run_eagerly=True)
        compiled, _ = self._after_fit(jit_compile=True)
        for other in (eager, compiled):
            for a, b in zip(graph.variables, other.variables, strict=True):
                self.assertAllClose(a, b, rtol=1e-3, atol=1e-4)


class SpeedTest(testing.TracedTestCase):
    """What makes a step fast changes no number: 20 steps either way."""

    def _logged(self, adam, is_known):
        # Adam's own epsilon makes whole steps of gradients that are nothing but rounding, of
        # a bias before batch norm; and in long steps a ReLU may fall to its other side.
        optimizers = [adam(3e-4, beta_1=0.5, epsilon=1e-3) for _ in range(2)]
        dtn = testing.tiny_dtn(*optimizers)
        draw = np.random.default_rng(0)
        # No two pixels alike: equal ones would fall to a ReLU's other side together.
        sets = [draw.uniform(-1, 1, (32, 32, 32, c)).astype(np.float32) for c in (3, 1)]
        known = [dtn.f(x).numpy() for x in sets]
        step = tf.function(dtn.train_step, autograph=False)
        logged = []
        for _ in range(20):
            batch = []
            for x, fx in zip(sets, known, strict=True):
                drawn = draw.choice(32, 8, replace=False)
                batch.append((x[drawn], fx[drawn]) if is_known else x[drawn])
            dtn.reset_metrics()
            logged.append({name: float(value) for name, value in step(tuple(batch)).items()})
        return logged

    def test_fast_and_plain_steps_agree_for_20_steps(self):
        with (
            mock.patch.object(convolution, "rewritten", lambda dtype: True),
            mock.patch.object(convolution, "_MIN_CHANNELS", 4),  # else all are thin here
            mock.patch.object(tf, "gather", wraps=tf.gather) as gather,
        ):
            fast = self._logged(Adam, is_known=True)
        patches = [c for c in gather.call_args_list if c.kwargs.get("axis") == 1]
        self.assertGreater(len(patches), 10)  # D's and g's weight gradients in both passes
        with (
            mock.patch.object(convolution, "Conv2D", keras.layers.Conv2D),
            mock.patch.object(convolution, "Conv2DTranspose", keras.layers.Conv2DTranspose),
        ):
            plain = self._logged(keras.optimizers.Adam, is_known=False)
        self.assertGreater(abs(fast[0]["L_G"] - fast[-1]["L_G"]), 0.05)  # it has moved
        for a, b in zip(fast, plain, strict=True):
            self.assertAllClose(a, b, rtol=1e-4, atol=1e-5)


class PrecisionTest(testing.EagerTestCase):
    @parameterized.parameters("mixed_bfloat16", "mixed_float16")
    def test_half_training_moves_as_float32_does(self, policy):
        full, half = _sgd_dtn(), _sgd_dtn(policy=policy)
        _set_scale(half, 8.0)
        start = {net: _trained(getattr(full, net)) for net in ("g", "d")}
        logs = half.train_step(_BATCH)
        full.train_step(_BATCH)
        for name, value in logs.items():
            self.assertEqual(value.dtype, tf.float32)
            self.assertTrue(np.isfinite(value), name)
        for net in ("g", "d"):
            a, b = (_moves(getattr(model, net), start[net]) for model in (full, half))
            self.assertAllClose(np.linalg.norm(b) / np.linalg.norm(a), 1.0, atol=0.1)  # unscaled
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            self.assertGreater(cosine, 0.9)

    @parameterized.parameters(
        ("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)
    )
    def test_losses_are_scaled_where_gradients_vanish(self, policy, is_scaled):
        dtn = testing.tiny_dtn(policy=policy)
        for optimizer in (dtn.d_optimizer, dtn.g_optimizer):
            wrapped = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
            self.assertEqual(wrapped, is_scaled)
            scale = float(optimizer.scale_loss(tf.constant(1.0)))
            self.assertEqual(scale, 32768.0 if is_scaled else 1.0)

    def test_optimizers_are_wrapped_once(self):
        dtn = testing.tiny_dtn(policy="mixed_float16")
        inner = dtn.d_optimizer
        dtn.compile(inner, dtn.g_optimizer)
        self.assertIs(dtn.d_optimizer, inner)

    def test_skipped_updates_are_counted(self):
        self.assertEqual(testing.tiny_dtn().skipped_updates, {})
        dtn = testing.tiny_dtn(policy="mixed_float16", alpha=0.0, beta=0.0)
        for optimizer in (dtn.g_optimizer, dtn.d_optimizer):
            optimizer.dynamic_scale.assign(1.0)
        dtn.train_step(_BATCH)
        self.assertEqual(dtn.skipped_updates, {"g": 0, "D": 0})
        dtn.g_optimizer.dynamic_scale.assign(1e30)
        dtn.train_step(_BATCH)
        self.assertEqual(dtn.skipped_updates, {"g": 2, "D": 0})

    def test_overflowing_step_is_skipped_and_halves_the_scale(self):
        dtn = _sgd_dtn(policy="mixed_float16")
        _set_scale(dtn, 2.0**60)
        before = {net: _trained(getattr(dtn, net)) for net in ("g", "d")}
        dtn.source_step(_BATCH[0])
        for net, optimizer in (("g", dtn.g_optimizer), ("d", dtn.d_optimizer)):
            for a, b in zip(_trained(getattr(dtn, net)), before[net], strict=True):
                self.assertAllEqual(a, b)
            self.assertEqual(float(optimizer.dynamic_scale), 2.0**59)
        _set_scale(dtn, 8.0)
        dtn.source_step(_BATCH[0])
        self.assertNotAllEqual(_trained(dtn.g)[0], before["g"][0])
        self.assertNotAllEqual(_trained(dtn.d)[0], before["d"][0])


class SavingTest(testing.EagerTestCase):
    @parameterized.parameters("float32", "mixed_float16")
    def test_saved_model_goes_on_as_if_it_had_not_been_saved(self, policy):
        dtn = testing.tiny_dtn(policy=policy, alpha=7.0, ema=0.5)
        _set_scale(dtn, 8.0)
        for _ in range(2):
            dtn.train_step(_BATCH)
        dtn.save(self.directory / "dtn.keras")
        again = keras.models.load_model(self.directory / "dtn.keras")
        self.assertEqual((again.alpha, again.ema, int(again.step)), (7.0, 0.5, 2))
        self.assertEmpty(again.f.trainable_variables)
        for model in (dtn, again):
            model.train_step(_BATCH)
        straight, resumed = testing.state(dtn), testing.state(again)
        self.assertLen(resumed, len(straight))
        for a, b in zip(straight, resumed, strict=True):
            self.assertAllEqual(a, b)
        self.assertAllEqual(again(_BATCH[0]), dtn(_BATCH[0]))

    def test_moments_and_loss_scale_are_in_the_file(self):
        dtn = testing.tiny_dtn(policy="mixed_float16")
        _set_scale(dtn, 8.0)
        dtn.train_step(_BATCH)
        dtn.d_optimizer.dynamic_scale.assign(64.0)
        dtn.save(self.directory / "dtn.keras")
        again = keras.models.load_model(self.directory / "dtn.keras")
        for name in ("d_optimizer", "g_optimizer"):
            old, new = getattr(dtn, name), getattr(again, name)
            self.assertEqual(int(new.iterations), 2)
            for a, b in zip(old.variables, new.variables, strict=True):
                self.assertAllEqual(a, b)
        self.assertEqual(float(again.d_optimizer.dynamic_scale), 64.0)

    def test_config_holds_every_setting(self):
        settings = {
            "alpha": 1.0,
            "beta": 2.0,
            "gamma": 3.0,
            "gan": 4.0,
            "content_distance": "cosine",
            "image_distance": "cosine",
            "ema": 0.5,
            "content_variance": 6.0,
            "r1": 7.0,
        }
        dtn = testing.tiny_dtn(**settings)
        again = type(dtn).from_config(dtn.get_config())
        self.assertEqual({k: getattr(again, k) for k in settings}, settings)
        self.assertEqual(again.g.channels, dtn.g.channels)


class EvaluateTest(testing.TestCase):
    def test_says_what_to_use(self):
        with self.assertRaisesRegex(UserError, "eval_main.py --workdir"):
            testing.tiny_dtn().evaluate(testing.images(2, 3))
