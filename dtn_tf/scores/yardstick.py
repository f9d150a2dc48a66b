"""What runs are measured by."""

import functools

from dtn_tf import config
from dtn_tf.data import sets as sets_lib
from dtn_tf.errors import UserError
from dtn_tf.scores import judge


class Yardstick:
    """What runs are measured by: pictures and judges, each loaded once for all runs.

    Args:
        store: What `stores.open_store` returned.
        cache_dir: Where judges are kept.
        judge_steps: Batches that train a judge.
        first_n: Score on the first so many test images; 0 is all.
        descriptor: Face net that compares people, see `scores.descriptor`; None for none.
    """

    def __init__(
        self, store, cache_dir, judge_steps=config.JUDGE_STEPS, first_n=0, descriptor=None
    ):
        self.store = _LoadedOnce(store)
        self.descriptor = descriptor
        self._people = getattr(store, "people", lambda: None)
        self.cache_dir = cache_dir
        self.judge_steps = judge_steps
        self.first_n = first_n
        self._judges = {}

    @functools.cached_property
    def people(self):
        """Photos of people that score retrieval; None if there are none, or they are refused."""
        try:
            return self._people()
        except UserError as error:  # says why; the other scores need none
            print(f"Nobody is looked for among photos of people: {error}", flush=True)
            return None

    def sets(self, run):
        """Returns the `Sets` of a run, from this store."""
        return sets_lib.of(run.config, self.store, self.first_n)

    @property
    def has_attributes(self):
        """Whether it is known what the people look like."""
        return self.store.attributes is not None

    def judge(self, sets):
        """Returns the judge of the sets' target: `Classifier`, and the facts of it."""
        target = sets.task.target.name
        if target not in self._judges:
            self._judges[target] = judge.train(
                sets.target_train, sets.target_test, self.cache_dir, self.judge_steps
            )
        return self._judges[target]


class _LoadedOnce:
    """A store that keeps what it has read."""

    def __init__(self, store):
        self.name, self.notice = store.name, store.notice
        self.describe, self.task = store.describe, store.task
        self.load = functools.cache(store.load)
        # Where people are drawn it is known what they look like.
        self.attributes = store.attributes if getattr(store, "has_attributes", False) else None
