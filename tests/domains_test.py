"""The registry of domains and tasks."""

import dataclasses
import subprocess
import sys

from absl.testing import absltest, parameterized

from dtn_tf.data import domains, published


class DomainsTest(parameterized.TestCase):
    def test_tasks_are_named_by_their_source(self):
        self.assertEqual(sorted(domains.TASKS), ["mnist", "svhn"])
        for name, task in domains.TASKS.items():
            self.assertEqual(task.source.name, name)
            self.assertNotEqual(task.source, task.target)

    @parameterized.parameters(
        ("svhn", domains.SVHN, domains.MNIST), ("mnist", domains.MNIST, domains.SVHN)
    )
    def test_f_learns_from_svhn_in_both_directions(self, name, source, target):
        self.assertEqual(
            domains.TASKS[name], domains.Task(source=source, target=target, content=domains.SVHN)
        )

    def test_svhn_is_rgb_with_extra_and_mnist_gray_without(self):
        self.assertEqual((domains.SVHN.channels, domains.MNIST.channels), (3, 1))
        self.assertEqual(domains.SVHN.splits, ("train", "test", "extra"))
        self.assertEqual(domains.MNIST.splits, ("train", "test"))
        self.assertEqual(domains.SVHN.tfds_name, "svhn_cropped")

    @parameterized.parameters(domains.SVHN, domains.MNIST)
    def test_every_split_has_files(self, domain):
        self.assertCountEqual(published.FILES[domain.name], domain.splits)

    def test_entries_cannot_be_changed(self):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            domains.SVHN.channels = 1

    def test_import_is_light(self):
        code = (
            "import sys; import dtn_tf.data.domains;"
            "print([m for m in ('numpy', 'tensorflow', 'keras') if m in sys.modules])"
        )
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        self.assertEqual(found.stdout.strip(), "[]")


if __name__ == "__main__":
    absltest.main()
