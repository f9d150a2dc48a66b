"""CycleGAN: two translations, there and back again, and what goes both ways must come home.

Read with the paper beside it. Its X is our s, its Y our t; its G is `g`, its F, which would be
taken for the DTN's f, is `back`; its D_Y is `d`, its D_X is `d_back`.

Source: Zhu, Park, Isola and Efros, ICCV 2017, https://arxiv.org/abs/1703.10593
"""

import keras
import tensorflow as tf

from dtn_tf.peers.base import Peer, images_of

POOL = 50  # images a discriminator's history holds, Sec. 4


def l_gan(scores_fake):
    """What a generator pays for not being taken as real: E (D(G(x)) - 1)^2, Sec. 4.

    Least squares in place of the logarithm of eq. 1, as the paper trains.

    Args:
        scores_fake: float tensor `(batch, 1)`, D's scores of translations.

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.square(tf.cast(scores_fake, tf.float32) - 1.0))


def l_d(scores_real, scores_fake):
    """What a discriminator pays: half of E (D(y) - 1)^2 + E D(G(x))^2, Sec. 4.

    The half is the paper's, in its appendix: it slows D down. Adam divides it out again.

    Args:
        scores_real: float tensor `(batch, 1)`, D's scores of real images.
        scores_fake: float tensor `(batch, 1)`, D's scores of translations, old and new.

    Returns:
        float32 scalar.
    """
    real, fake = tf.cast(scores_real, tf.float32), tf.cast(scores_fake, tf.float32)
    return 0.5 * (tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake)))


def l_cyc(x, cycled):
    """Cycle consistency, one direction of eq. 2: E |F(G(x)) - x|_1.

    Args:
        x: float tensor `(batch, height, width, channels)`, in [-1, 1].
        cycled: float tensor of the same shape: x translated, and translated back.

    Returns:
        float32 scalar: the mean over pixels and channels too, as the weight of 10 is meant.
    """
    return tf.reduce_mean(tf.abs(tf.cast(x, tf.float32) - tf.cast(cycled, tf.float32)))


def l_identity(y, gy):
    """An image of where G leads stays as it is, one direction of L_identity, Sec. 5.2.

        E |G(y) - y|_1

    Args:
        y: float tensor `(batch, height, width, channels)`, in [-1, 1].
        gy: float tensor of the same shape, G(y).

    Returns:
        float32 scalar: the mean over pixels and channels too.
    """
    return tf.reduce_mean(tf.abs(tf.cast(y, tf.float32) - tf.cast(gy, tf.float32)))


def swapped(pool, fake, seed):
    """Exchanges about half of new translations for old ones: what D is shown, Sec. 4.

    Each of the first images gets a place of the pool, no two the same one. With probability 1/2
    the image there is shown in its place, and it stays in the pool.

    Args:
        pool: float tensor `(places, height, width, channels)`, earlier translations.
        fake: float tensor `(batch, height, width, channels)`, the newest ones. Of a batch larger
            than the pool the rest is shown as it is.
        seed: int tensor `(2,)`, what the draw depends on.

    Returns:
        The images to show, of the shape of `fake`, and the pool from now on.

    Source: Shrivastava et al., CVPR 2017, https://arxiv.org/abs/1612.07828
    """
    count = tf.minimum(tf.shape(fake)[0], tf.shape(pool)[0])
    draws = tf.random.stateless_uniform((2, pool.shape[0]), seed)
    places = tf.argsort(draws[0])[:count]
    is_old = (draws[1] < 0.5)[:count, tf.newaxis, tf.newaxis, tf.newaxis]
    old, new = tf.gather(pool, places), fake[:count]
    shown = tf.concat([tf.where(is_old, old, new), fake[count:]], axis=0)
    kept = tf.where(is_old, new, old)
    return shown, tf.tensor_scatter_nd_update(pool, places[:, tf.newaxis], kept)


@keras.saving.register_keras_serializable("dtn_tf")
class CycleGAN(Peer):
    """G from s to t and F from t to s, each against a discriminator of its own.

        L = L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda L_cyc(G, F) + identity L_identity(G, F)

    That is eq. 3, and L_identity of Sec. 5.2. A generator has L_identity where its images have no
    more channels than what it reads: gray digits are RGB digits without loss, but no net gives
    back the colours of an image that was turned gray before.

    See `Peer` for f, which plays no part in this, and for shapes.

    Args:
        f: See `Peer`.
        g: `generators.ResidualGenerator` from s to t, the paper's G. Its moving average translates.
        d: Discriminator of t with one score, the paper's D_Y.
        d_back: Discriminator of s with one score, the paper's D_X.
        back: `generators.ResidualGenerator` from t to s, the paper's F.
        cycle: lambda, weight of L_cyc.
        identity: Weight of L_identity, 0.5 lambda; 0 is none.
        **kwargs: See `Peer`: the seed is of what the image pools draw.

    Attributes:
        pool, pool_back: The last translations that D_Y and D_X were shown: weights of the model,
            so that a resumed run has them.

    Source: Zhu, Park, Isola and Efros, ICCV 2017, https://arxiv.org/abs/1703.10593
    """

    nets = (*Peer.nets, "back")
    tracked = ("L_D", "L_G", "L_GAN_source", "L_GAN_target", "L_cyc", "L_identity")
    shown = ("L_D", "L_GAN_source", "L_cyc", "L_identity")

    def __init__(self, f, g, d, d_back, back, cycle=10.0, identity=5.0, **kwargs):
        super().__init__(f, g, d, d_back, **kwargs)
        self.back = back
        self.cycle, self.identity = cycle, identity
        self.pool, self.pool_back = (
            self.add_weight(
                (POOL, net.size, net.size, net.channels_out),
                "zeros",
                dtype="float32",
                trainable=False,
                name=name,
                autocast=False,
            )
            for name, net in (("pool", g), ("pool_back", back))
        )
        self._begin_means((*self.tracked, *self.tracked_d))
        self.built = True

    @property
    def g_variables(self):
        """Of G and F, which one optimizer moves."""
        return [*self.g.trainable_variables, *self.back.trainable_variables]

    def call(self, x, training=False):
        """Returns G(x) for x of the source domain: the translation."""
        return self.g_ema(x)

    def reconstruct(self, x):
        """Returns G(x) for x of the target domain, which L_identity keeps close to x."""
        return self.g_ema(x)

    def train_step(self, batch):
        """One update of G and F, then one of D_Y and D_X, on a batch of s and one of t.

        Args:
            batch: A pair, of s and of t: images, or tuples whose first is images. f(x), where it
                is known, is not read.
        """
        x_s, x_t = images_of(batch)
        fake_t, fake_s = self.generators_step(x_s, x_t)
        self.discriminators_step(x_s, x_t, fake_t, fake_s)
        self._average_g()
        return {m.name: m.result() for m in self.metrics}  # running means

    def generators_step(self, x_s, x_t):
        """Updates G and F; returns G(s) and F(t) of before."""
        with tf.GradientTape() as tape:
            fake_t, fake_s = self.g(x_s), self.back(x_t)
            gan_s = l_gan(self.d(fake_t, training=True))
            gan_t = l_gan(self.d_back(fake_s, training=True))
            cyc = l_cyc(x_s, self.back(fake_t)) + l_cyc(x_t, self.g(fake_s))
            identity = self._identity(x_s, x_t)
            loss = gan_s + gan_t + self.cycle * cyc + self.identity * identity
            scaled = self.g_optimizer.scale_loss(loss)  # in the tape: float16
        gradients = tape.gradient(scaled, self.g_variables)
        self.g_optimizer.apply(gradients, self.g_variables)
        self._track(L_G=loss, L_GAN_source=gan_s, L_GAN_target=gan_t)
        self._track(L_cyc=cyc, L_identity=identity)
        return fake_t, fake_s

    def _identity(self, x_s, x_t):
        """L_identity of the generators that have it: of one at least."""
        pairs = [(net, y) for net, y in ((self.g, x_t), (self.back, x_s)) if _keeps_channels(net)]
        return tf.add_n([l_identity(y, net(y)) for net, y in pairs])

    def discriminators_step(self, x_s, x_t, fake_t, fake_s):
        """Updates D_Y and D_X on real images and on translations, old and new."""
        fake_t = self._swap(self.pool, fake_t, 0)
        fake_s = self._swap(self.pool_back, fake_s, 1)
        with tf.GradientTape() as tape:
            real_t, of_t = self.d(x_t, training=True), self.d(fake_t, training=True)
            real_s, of_s = self.d_back(x_s, training=True), self.d_back(fake_s, training=True)
            loss = l_d(real_t, of_t) + l_d(real_s, of_s)
            scaled = self.d_optimizer.scale_loss(loss)
        self.d_optimizer.apply(tape.gradient(scaled, self.d_variables), self.d_variables)
        means = map(tf.reduce_mean, (of_t, real_t, of_s, real_s))
        self._track(L_D=loss, **dict(zip(self.tracked_d, means, strict=True)))

    def _swap(self, pool, fake, number):
        """Returns what D is shown; the first batch fills the pool, repeated as often as needed."""
        places = tf.range(POOL) % tf.shape(fake)[0]
        is_first = tf.equal(self.step.value, 0)
        earlier = tf.where(is_first, tf.gather(fake, places), pool)
        shown, now = swapped(earlier, fake, self.drawn_by(number))
        pool.assign(now)
        return shown

    def get_config(self):
        """Returns the arguments that make this model again."""
        return {**super().get_config(), "cycle": self.cycle, "identity": self.identity}


def _keeps_channels(net):
    """Whether a generator can give back an image of where it leads."""
    return net.channels_out <= net.channels_in
