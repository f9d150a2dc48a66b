"""Which batch statistics should g translate with? Scores a finished run with each choice.

    python -m benchmarks.batch_statistics --workdir=runs/svhn-dtn

g's batch norm sees f(source) and f(target) in turns while it trains. Translation can
use the moving statistics of the source pass, of the target pass, of both mixed (what a
plain batch norm would have kept), or statistics estimated anew from source images; and
the weights of g or their average. Accuracy is on the validation tail of the source.
The run is of a method whose g is one decoder of f(x): that of `dtn_adapted` has an encoder too,
and `pixels` has no f(x) in it.
"""

import numpy as np
from absl import flags

from benchmarks import finished
from dtn_tf import cli, images, serving
from dtn_tf.errors import UserError
from dtn_tf.nets.decoder import Decoder

_WORKDIR = flags.DEFINE_string("workdir", "runs/svhn-dtn", "Finished run.")
flags.adopt_module_key_flags(finished)  # --help shows them, too
_NUM_ESTIMATE = 2000  # source images, for statistics estimated anew


def main(argv):
    """Prints one line of Markdown per choice."""
    del argv
    run, sets, judge = finished.read(_WORKDIR.value)
    validation = sets.validation
    dtn = serving.load(run.workdir)
    if type(dtn.g) is not Decoder:
        raise UserError(
            f"g of {run.title} is no decoder of f(x) alone, whose batch statistics can be"
            " exchanged. Name a run of --preset=dtn."
        )
    fx = dtn.f(images.to_model(sets.s.pixels[:_NUM_ESTIMATE]))
    print(f"{_WORKDIR.value}: accuracy on {validation.title}\n")
    print("| statistics | average of g | g itself |\n|---|---|---|")
    for name, change in (
        ("source pass", lambda norm: None),
        ("target pass", lambda norm: _copy(norm, 1)),
        ("both mixed", _mix),
        ("estimated anew from source", None),
    ):
        cells = []
        for net in (dtn.g_ema, dtn.g):
            before = net.get_weights()
            _estimate(net, fx) if change is None else [change(norm) for norm in net.norms]
            cells.append(f"{_accuracy(dtn, net, judge, validation):.2%}")
            net.set_weights(before)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _accuracy(dtn, net, judge, pictures):
    def read(x):
        return judge(images.to_model(images.to_uint8(net(dtn.f(x), domain=0))))

    return np.mean(np.argmax(serving.apply(read, pictures.pixels), axis=1) == pictures.labels)


def _copy(norm, row):
    """Puts one domain's statistics in the place of the source's."""
    for moving in (norm.moving_mean, norm.moving_variance):
        value = moving.numpy()
        value[0] = value[row]
        moving.assign(value)


def _mix(norm):
    """What one moving average over both passes converges to."""
    for moving in (norm.moving_mean, norm.moving_variance):
        value = moving.numpy()
        value[0] = value.mean(axis=0)
        moving.assign(value)


def _estimate(net, fx):
    """Statistics of one large batch, by a pass that forgets the old ones."""
    for norm in net.norms:
        norm.momentum = 0.0
    net(fx, domain=0, training=True)


if __name__ == "__main__":
    cli.run(main)
