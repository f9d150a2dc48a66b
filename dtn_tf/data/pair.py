"""Two folders of images as the two domains of a task."""

import pathlib

from dtn_tf.data import domains, folders
from dtn_tf.errors import UserError


class Pair:
    """A store of two folders, with the methods of `stores.Store`; `open_pair` makes it.

    Args:
        source: `folders.FolderSet`, or what has its methods.
        target: The same of the target.
        size: Side of the images, in pixels.
        task: Name of the task.
        name: As in `--data`.
        about: For people, where the folders come from; "" says nothing.
        opened: Function of another size that opens the same folders.
        people: Function that returns photos of people, see `faces.people`; None for no people.

    Attributes:
        name: As in `--data`: "folders", or of faces "files" or "builtin".
        task: `domains.Task`; its domains are called "source" and "target", and have the
            folders' titles and classes.
    """

    def __init__(
        self,
        source,
        target,
        size,
        task=domains.FOLDERS,
        name=domains.FOLDERS,
        about="",
        opened=None,
        people=None,
    ):
        self.name = name
        self._about = about
        self._opened = opened
        self._people = people
        self._folders = {"source": source, "target": target}
        of_s, of_t = (
            domains.Domain(name, folder.title, size, folder.channels, folder.classes)
            for name, folder in self._folders.items()
        )
        self.task = domains.Task(task, source=of_s, target=of_t, content=of_s)

    @property
    def notice(self):
        """What was found in both folders, for people."""
        said = [f"{k}: {folder.notice}" for k, folder in self._folders.items()]
        return "\n".join([self._about, *said] if self._about else said)

    def warnings(self):
        """What people should read before they train: a list of sentences."""
        return [warning for folder in self._folders.values() for warning in folder.warnings]

    def load(self, domain, split, num=0):
        """Loads a split of one of the folders, see `folders.FolderSet.load`."""
        return self._folders[domain.name].load(split, num)

    def at_size(self, size):
        """Returns the same folders with images of another size, in the same order.

        Args:
            size: Side of the images, in pixels.
        """
        return self._opened(size)

    def people(self):
        """Returns photos of people, several of each, their labels the people; None without."""
        return self._people and self._people()

    @property
    def has_attributes(self):
        """Whether it is known what the people look like: they are drawn."""
        return all(hasattr(folder, "attributes") for folder in self._folders.values())

    def attributes(self, domain, split):
        """What the people of a drawn domain look like, see `builtin.faces.Drawn.attributes`."""
        return self._folders[domain.name].attributes(split)

    def describe(self, domain, split):
        """Says what `load` would read."""
        return self._folders[domain.name].describe(split)


def open_pair(config, cache_dir):
    """Opens the two folders of a config; the first time they are decoded.

    Args:
        config: `DTNConfig` with domain "folders".
        cache_dir: Folder that keeps the decoded images.

    Returns:
        `Pair`.

    Raises:
        UserError: If a folder is missing or refused, see `folders.open_folder`, or both are
            the same one, or one is inside the other.
    """
    paths = config.source_dir, config.target_dir
    one, other = (pathlib.Path(path).expanduser().resolve() for path in paths)
    if one == other:
        raise UserError(
            f"--source_dir and --target_dir are both {one}: name two folders of images, one"
            " of each kind."
        )
    if one in other.parents or other in one.parents:
        raise UserError(
            f"--source_dir={one} and --target_dir={other}: one is inside the other, so that its"
            " images would be of both kinds. Name two folders that lie side by side."
        )

    def opened(size):
        both = [folders.open_folder(path, size, cache_dir, fit=config.fit) for path in paths]
        if both[0].title == both[1].title:  # a/photos and b/photos
            for folder in both:
                folder.title = f"{folder.path.parent.name}/{folder.path.name}"
        return Pair(*both, size, opened=opened)

    return opened(config.size)
