"""Two folders of images as the two domains of a task: `--domain=folders`."""

from dtn_tf.data import domains, folders
from dtn_tf.errors import UserError


class Pair:
    """A store of two folders, with the methods of `stores.Store`; `open_pair` makes it.

    Attributes:
        name: "folders".
        task: `domains.Task`; its domains are called "source" and "target", and have the
            folders' titles and classes.
    """

    name = domains.FOLDERS

    def __init__(self, source, target, size):
        self._folders = {"source": source, "target": target}
        of_s, of_t = (
            domains.Domain(name, folder.title, size, folder.channels, folder.classes)
            for name, folder in self._folders.items()
        )
        self.task = domains.Task(domains.FOLDERS, source=of_s, target=of_t, content=of_s)

    @property
    def notice(self):
        """What was found in both folders, for people."""
        return "\n".join(f"{k}: {folder.notice}" for k, folder in self._folders.items())

    def warnings(self):
        """What people should read before they train: a list of sentences."""
        return [warning for folder in self._folders.values() for warning in folder.warnings]

    def load(self, domain, split, num=0):
        """Loads a split of one of the folders, see `folders.FolderSet.load`."""
        return self._folders[domain.name].load(split, num)

    def describe(self, domain, split):
        """Says what `load` would read."""
        return self._folders[domain.name].describe(split)


def open_pair(config, cache_dir, source_dir=None, target_dir=None):
    """Opens the two folders of a config; the first time they are decoded.

    Args:
        config: `DTNConfig` with domain "folders".
        cache_dir: Folder that keeps the decoded images.
        source_dir: Another folder than the config's, or None.
        target_dir: The same of the target.

    Returns:
        `Pair`.

    Raises:
        UserError: If a folder is missing or refused, see `folders.open_folder`, or both are
            the same one.
    """
    paths = source_dir or config.source_dir, target_dir or config.target_dir
    if paths[0] == paths[1]:
        raise UserError(
            f"--source_dir and --target_dir are both {paths[0]}: name two folders of images, one"
            " of each kind."
        )
    opened = [folders.open_folder(p, config.size, cache_dir, fit=config.fit) for p in paths]
    if opened[0].title == opened[1].title:  # a/photos and b/photos
        for folder in opened:
            folder.title = f"{folder.path.parent.name}/{folder.path.name}"
    return Pair(*opened, config.size)
