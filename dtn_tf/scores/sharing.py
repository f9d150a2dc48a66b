"""Runs that several processes train: each takes what no other one is at."""

from dtn_tf import files


def train_all(todo, cache_dir, minutes_left, watchers_of=lambda config, workdir, cache_dir: ()):
    """Trains runs one after the other. A process that was killed leaves its run to the others.

    A run that another process is training is passed over, and waited for in the end: then it is
    finished, or gone on with here.

    Args:
        todo: List of pairs: `DTNConfig` and the run's directory, a `pathlib.Path`.
        cache_dir: See `train.train`.
        minutes_left: Function of how many runs are left: how long they take, for people.
        watchers_of: Function of a `DTNConfig`, its run's directory and `cache_dir`: the watchers
            of its training, see `train.train`.
    """
    busy = []
    for k, (config, workdir) in enumerate(todo):
        if not is_finished(workdir):
            where = f"Run {k + 1} of {len(todo)}, {workdir}"
            print(f"{where}. To go, all runs: {minutes_left(len(todo) - k)}.", flush=True)
            try:
                _train(config, workdir, cache_dir, watchers_of)
            except files.Busy as error:
                print(f"{error} Going on with the next run.", flush=True)
                busy.append((config, workdir))
    for config, workdir in busy:
        while not is_finished(workdir):
            with files.locked(workdir, wait=True):
                pass
            try:
                _train(config, workdir, cache_dir, watchers_of)
            except files.Busy:  # a third process was faster
                pass


def is_finished(workdir):
    """Whether a directory holds a finished run."""
    return (workdir / "dtn.keras").is_file()


def _train(config, workdir, cache_dir, watchers_of):
    from dtn_tf import train  # here alone: scores need no training

    if not is_finished(workdir):  # it was, while this process waited
        train.train(config, workdir, cache_dir, watchers_of(config, workdir, cache_dir))
