"""The one rule: which pictures train f, are s and t, are held out, and score."""

import functools

import numpy as np

from dtn_tf.data import domains


def of_split(sets, split):
    """Returns the source `Pictures` of some `Sets` that score: of "test" or "validation"."""
    return sets.test if split == "test" else sets.validation


class Sets:
    """The sets of one run, each loaded when it is first asked for.

    Of a set that training sees, validation images are cut off at the end before anything else.
    `num_train` of the config cuts each training split before that; what scores is never cut by
    it.

    Args:
        config: `DTNConfig`.
        store: Where pictures come from, see `stores.open_store`.
        first_n: Take the first so many test images of the source only; 0 is all.

    Attributes:
        task: `Task` of the config.

    Raises:
        UserError: On reading a set, if it cannot be had or has too few images.
    """

    def __init__(self, config, store, first_n=0):
        self.task = store.task or domains.TASKS[config.domain]
        self._config = config
        self._store = store
        self._first_n = first_n

    @functools.cached_property
    def labelled(self):
        """Labelled pictures that train f."""
        return self._for_f[0]

    @functools.cached_property
    def held_out(self):
        """Labelled pictures at the end of the same split, which measure f."""
        return self._for_f[1]

    @functools.cached_property
    def s_labelled(self):
        """The set s with its labels: the reference of the paper's Table 2, and of it alone."""
        config = self._config
        # Where f learns from the source, s is what it learns from, its labels left behind.
        split = config.pretrain_split if self.task.source == self.task.content else "train"
        s, _ = self._training(self.task.source, split).hold_out(config.num_validation)
        return s.without(config.absent_s).require_enough()

    @functools.cached_property
    def s(self):
        """The set s, no labels."""
        return self.s_labelled.unlabelled()

    @functools.cached_property
    def t(self):
        """The set t, no labels. They serve once, in Table 3, to leave a whole class out."""
        t = self._training(self.task.target, self._config.target_split)
        return t.without(self._config.absent_t).require_enough().unlabelled()

    @property
    def unseen(self):
        """Of s and t the one whose domain f learns nothing about from labels."""
        return self.s if self.task.target == self.task.content else self.t

    @functools.cached_property
    def validation(self):
        """Labelled end of the source's train split, which no training sees.

        Of train, whichever split s is of: so the rows of a table are scored on the same images.
        train+extra has train last, and holds the same images out.
        """
        train = self._training(self.task.source, "train")
        return train.hold_out(self._config.num_validation)[1]

    @functools.cached_property
    def test(self):
        """Labelled test split of the source, or the first images of it."""
        test = self._store.load(self.task.source, "test")
        return test.head(self._first_n) if self._first_n else test

    @property
    def target_train(self):
        """Labelled train split of the target, all of it: it teaches the judge, nothing else."""
        return self._store.load(self.task.target, "train")

    @property
    def target_test(self):
        """Labelled test split of the target."""
        return self._store.load(self.task.target, "test")

    def real(self, split):
        """Returns the real target `Pictures` beside which translations of a split stand.

        Those of test for validation, too: all of the target's train split is t.

        Args:
            split: "test" or "validation", of the source.
        """
        del split
        return self.target_test

    def at_size(self, side):
        """Returns the same sets in the same order, of larger images where they can be had.

        Args:
            side: Wanted, in pixels, by a net that reads more than g paints.
        """
        return self

    def describe(self):
        """Says, a line each, what training would read, without reading it."""
        config, task = self._config, self.task
        same = task.source == task.content
        lines = []
        for domain, split, use in (
            (task.content, config.pretrain_split, "labelled, trains f"),
            (task.source, config.pretrain_split if same else "train", "unlabelled, the set s"),
            (task.target, config.target_split, "unlabelled, the set t"),
        ):
            found = self._store.describe(domain, split)
            lines.append(f"{domain.title} {split} ({use}): {found}")
        return lines

    def facts(self):
        """What a run keeps of its data: dict of the facts of s, t and validation."""
        return {name: getattr(self, name).facts() for name in ("s", "t", "validation")}

    @functools.cached_property
    def _for_f(self):
        """What trains f and what measures it; of `validation` nothing trains it.

        A small set holds out a tenth of itself. Without a class the tenth is less, and the tail
        of the whole set would reach into what trains.
        """
        config = self._config
        whole = self._training(self.task.content, config.pretrain_split)
        labelled = whole.without(config.absent_f)
        head, tail = labelled.hold_out(config.num_validation)
        of_whole = whole.hold_out(config.num_validation)[1]
        num_seen = int((~np.isin(of_whole.labels, config.absent_f)).sum())
        return (head, tail) if num_seen <= len(tail) else labelled.split_tail(num_seen)

    def _training(self, domain, split):
        return self._store.load(domain, split, self._config.num_train)


class FolderSets(Sets):
    """The sets of two folders: each is split by its own folders, or by a hash of every image.

    Labels are there where the folder has classes. Folders have a validation split, so that
    nothing is held out of train.
    """

    @functools.cached_property
    def s_labelled(self):
        """The set s, with the labels that its folder gives."""
        return self._training(self.task.source, "train").require_enough()

    @functools.cached_property
    def t(self):
        """The set t, no labels."""
        return self._training(self.task.target, "train").require_enough().unlabelled()

    @functools.cached_property
    def validation(self):
        """The source's validation split, with the labels that its folder gives."""
        return self._store.load(self.task.source, "validation")

    def real(self, split):
        """Returns the real target `Pictures` of the same split: what is tuned sees no test."""
        return self._store.load(self.task.target, split)

    @property
    def _for_f(self):
        return self.s_labelled, self.validation

    def at_size(self, side):
        """Returns the same sets in the same order, of images of another size.

        Args:
            side: In pixels.
        """
        return FolderSets(self._config, self._store.at_size(side), self._first_n)

    def describe(self):
        """Says, a line each, what training would read."""
        pairs = (("source", "the set s"), ("target", "the set t"))
        named = ((getattr(self.task, name), use) for name, use in pairs)
        return [f"{d.title} train ({use}): {self._store.describe(d, 'train')}" for d, use in named]


def of(config, store, first_n=0):
    """Returns the `Sets` of a config: `FolderSets` where its domains are folders."""
    kind = FolderSets if config.domain in domains.PAIRS else Sets
    return kind(config, store, first_n)
