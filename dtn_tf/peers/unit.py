"""UNIT: two variational autoencoders whose codes lie in one space, by weights that they share.

Read with the paper beside it. Its X_1 is our s, its X_2 our t; its E_1, E_2, G_1 and G_2 are in
`generators.CoupledAutoencoders`; its D_2 is `d`, its D_1 is `d_back`.

Source: Liu, Breuel and Kautz, NIPS 2017, https://arxiv.org/abs/1703.00848
"""

import keras
import tensorflow as tf

from dtn_tf.dtn import SOURCE, TARGET
from dtn_tf.peers.base import Peer, images_of


def kl(mu):
    """KL(q(z|x) || N(0, I)) of a code of unit variance, q(z|x) = N(mu, I): 1/2 |mu|^2.

    Args:
        mu: float tensor `(batch, ...)`, means of codes.

    Returns:
        float32 scalar: the mean over the numbers of a code, see `l_vae`.
    """
    return 0.5 * tf.reduce_mean(tf.square(tf.cast(mu, tf.float32)))


def l_vae(x, gx, mu, lambda_1=0.1, lambda_2=100.0):
    """A variational autoencoder's loss, eq. 2 and 3.

        L_VAE = lambda_1 KL(q(z|x) || p(z)) - lambda_2 E log p_G(x|z)

    p_G is a Laplacian, so that the second term is the absolute difference of x and G(z).

    Args:
        x: float tensor `(batch, height, width, channels)`, in [-1, 1].
        gx: float tensor of the same shape, x made again from its code.
        mu: float tensor `(batch, ...)`, the mean of that code.
        lambda_1, lambda_2: Weights.

    Returns:
        float32 scalar. Both terms are means, over the numbers of a code and over pixels. The
        paper writes expectations of sums; its weights are of means, as the authors' program
        takes them.
    """
    return lambda_1 * kl(mu) + lambda_2 * _l1(x, gx)


def l_cc(x, cycled, mu, mu_cycled, lambda_3=0.1, lambda_4=100.0):
    """Cycle consistency as of an autoencoder, eq. 6 and 7.

        L_CC = lambda_3 KL(q(z|x) || p(z)) + lambda_3 KL(q(z|G(x)) || p(z))
               - lambda_4 E log p_G(x|z),  z of G(x)

    Args:
        x: float tensor `(batch, height, width, channels)`, in [-1, 1].
        cycled: float tensor of the same shape: x translated, and translated back.
        mu: float tensor `(batch, ...)`, the mean of x's code.
        mu_cycled: The same of its translation's.
        lambda_3, lambda_4: Weights.

    Returns:
        float32 scalar, of means as `l_vae`.
    """
    return lambda_3 * (kl(mu) + kl(mu_cycled)) + lambda_4 * _l1(x, cycled)


def l_gan(logits_fake):
    """What translations pay for not being taken as real: -E log D(G(z)).

    The form that does not saturate, of eq. 4 and 5 without lambda_0.

    Args:
        logits_fake: float tensor `(batch, 1)`, D's logits of translations.

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.nn.softplus(-tf.cast(logits_fake, tf.float32)))


def l_d(logits_real, logits_fake):
    """What a discriminator pays: -E log D(x) - E log(1 - D(G(z))), eq. 4 and 5 without lambda_0.

    Args:
        logits_real: float tensor `(batch, 1)`, D's logits of real images.
        logits_fake: float tensor `(batch, 1)`, D's logits of translations.

    Returns:
        float32 scalar.
    """
    fake = tf.cast(logits_fake, tf.float32)
    return l_gan(logits_real) + tf.reduce_mean(tf.nn.softplus(fake))


def _l1(a, b):
    return tf.reduce_mean(tf.abs(tf.cast(a, tf.float32) - tf.cast(b, tf.float32)))


@keras.saving.register_keras_serializable("dtn_tf")
class UNIT(Peer):
    """Both autoencoders against a discriminator of each domain.

        L = sum over both domains of L_VAE + lambda_0 L_GAN + L_CC        (eq. 1)

    D sees translations alone, not reconstructions, as in the paper. See `Peer` for f, which plays
    no part in this, and for shapes.

    Args:
        f: See `Peer`.
        g: `generators.CoupledAutoencoders`. Their moving average translates.
        d: Discriminator of t with one logit, the paper's D_2.
        d_back: Discriminator of s with one logit, the paper's D_1.
        lambda_0: Weight of L_GAN.
        lambda_1, lambda_2: Weights in L_VAE, of KL and of reconstruction.
        lambda_3, lambda_4: Weights in L_CC, the same.
        **kwargs: See `Peer`: the seed is of the noise on codes.

    Source: Liu, Breuel and Kautz, NIPS 2017, https://arxiv.org/abs/1703.00848
    """

    tracked = (
        *("L_D", "L_G", "L_VAE_source", "L_VAE_target", "L_GAN_source", "L_GAN_target"),
        *("L_CC_source", "L_CC_target"),
    )
    shown = ("L_D", "L_GAN_source", "L_VAE_source", "L_CC_source")

    def __init__(
        self,
        f,
        g,
        d,
        d_back,
        lambda_0=10.0,
        lambda_1=0.1,
        lambda_2=100.0,
        lambda_3=0.1,
        lambda_4=100.0,
        **kwargs,
    ):
        super().__init__(f, g, d, d_back, **kwargs)
        self.lambda_0 = lambda_0
        self.lambda_1, self.lambda_2 = lambda_1, lambda_2
        self.lambda_3, self.lambda_4 = lambda_3, lambda_4
        self._begin_means((*self.tracked, *self.tracked_d))
        self.built = True

    def call(self, x, training=False):
        """Returns G_2(E_1(x)) for x of the source domain: the translation."""
        return self.g_ema(x, domain=SOURCE)

    def reconstruct(self, x):
        """Returns G_2(E_2(x)) for x of the target domain, which L_VAE keeps close to x."""
        return self.g_ema(x, domain=TARGET)

    def train_step(self, batch):
        """One update of encoders and decoders, and one of both D, from one forward pass.

        Args:
            batch: A pair, of s and of t: images, or tuples whose first is images. f(x), where it
                is known, is not read.
        """
        x_s, x_t = images_of(batch)
        with tf.GradientTape(persistent=True) as tape:
            fake_t, l_s = self._autoencoder(x_s, SOURCE, TARGET)
            fake_s, l_t = self._autoencoder(x_t, TARGET, SOURCE)
            logits = [net(x, training=True) for net, x in self._judged(x_s, x_t, fake_s, fake_t)]
            of_t, real_t, of_s, real_s = logits
            gan_s, gan_t = l_gan(of_t), l_gan(of_s)
            l_g = l_s + l_t + self.lambda_0 * (gan_s + gan_t)
            loss_d = l_d(real_t, of_t) + l_d(real_s, of_s)
            g_scaled = self.g_optimizer.scale_loss(l_g)  # in the tape: float16
            d_scaled = self.d_optimizer.scale_loss(self.lambda_0 * loss_d)
        d_gradients = tape.gradient(d_scaled, self.d_variables)
        self.g_optimizer.apply(tape.gradient(g_scaled, self.g_variables), self.g_variables)
        self.d_optimizer.apply(d_gradients, self.d_variables)
        self._track(L_D=loss_d, L_G=l_g, L_GAN_source=gan_s, L_GAN_target=gan_t)
        means = [tf.reduce_mean(tf.sigmoid(v)) for v in logits]
        self._track(**dict(zip(self.tracked_d, means, strict=True)))
        self._average_g()
        return {m.name: m.result() for m in self.metrics}  # running means

    def _judged(self, x_s, x_t, fake_s, fake_t):
        """Which D sees which images, in the order of `tracked_d`."""
        return ((self.d, fake_t), (self.d, x_t), (self.d_back, fake_s), (self.d_back, x_s))

    def _autoencoder(self, x, here, there):
        """Returns the translation of images of a domain, and L_VAE + L_CC of them."""
        name = ("source", "target")[here]
        mu = self.g.encode(x, here)
        z = mu + self._noise(mu, 2 * here)
        translated = self.g.decode(z, there)
        mu_cycled = self.g.encode(translated, there)
        z_cycled = mu_cycled + self._noise(mu, 2 * here + 1)
        vae = l_vae(x, self.g.decode(z, here), mu, self.lambda_1, self.lambda_2)
        cycled = self.g.decode(z_cycled, here)
        cc = l_cc(x, cycled, mu, mu_cycled, self.lambda_3, self.lambda_4)
        self._track(**{f"L_VAE_{name}": vae, f"L_CC_{name}": cc})
        return translated, vae + cc

    def _noise(self, mu, number):
        """Noise of unit variance: the reparametrisation of a code is z = mu + noise."""
        return tf.random.stateless_normal(tf.shape(mu), self.drawn_by(number))

    def get_config(self):
        """Returns the arguments that make this model again."""
        lambdas = {f"lambda_{k}": getattr(self, f"lambda_{k}") for k in range(5)}
        return {**super().get_config(), **lambdas}
