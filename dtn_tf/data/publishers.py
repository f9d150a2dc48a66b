"""What the publishers serve: names, sizes and checksums of their files.

Sizes and checksums are facts that TensorFlow Datasets lists for its own downloads, in
`url_checksums/mnist.txt` and `datasets/svhn_cropped/checksums.tsv`. The checksums of MNIST's
unpacked files are of what is in those: a browser unpacks, and a file that was packed again is
still the published one.
"""

import dataclasses

URLS = {
    "svhn": "http://ufldl.stanford.edu/housenumbers/",
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/",
}
TFDS_NAMES = {"svhn": "svhn_cropped", "mnist": "mnist"}


@dataclasses.dataclass(frozen=True)
class File:
    """One file as it is served.

    Attributes:
        name: Its name.
        num_bytes: Its size.
        sha256: Its checksum.
        unpacked: Checksum of what is in it, for gzipped files.
    """

    name: str
    num_bytes: int
    sha256: str
    unpacked: str = ""


@dataclasses.dataclass(frozen=True)
class Split:
    """A split: how many images it has, and its files, images first."""

    images: int
    files: tuple[File, ...]

    @property
    def num_bytes(self):
        """Size of the download."""
        return sum(file.num_bytes for file in self.files)


def _svhn(split, images, num_bytes, sha256):
    return Split(images, (File(f"{split}_32x32.mat", num_bytes, sha256),))


SPLITS = {
    "svhn": {
        "train": _svhn(
            "train",
            73_257,
            182_040_794,
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        "test": _svhn(
            "test",
            26_032,
            64_275_384,
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        ),
        "extra": _svhn(
            "extra",
            531_131,
            1_329_278_602,
            "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3",
        ),
    },
    "mnist": {
        "train": Split(
            60_000,
            (
                File(
                    "train-images-idx3-ubyte.gz",
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                File(
                    "train-labels-idx1-ubyte.gz",
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
            ),
        ),
        "test": Split(
            10_000,
            (
                File(
                    "t10k-images-idx3-ubyte.gz",
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                File(
                    "t10k-labels-idx1-ubyte.gz",
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
        ),
    },
}


def size(num_bytes):
    """Says a size: "182 MB", "1.3 GB"."""
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:,.0f} MB"
