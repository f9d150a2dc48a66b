"""The registry of domains and tasks."""

import dataclasses
import subprocess
import sys

from absl.testing import absltest, parameterized

from dtn_tf.data import domains


class DomainsTest(parameterized.TestCase):
    def test_tasks_have_the_names_they_are_found_by(self):
        self.assertEqual(sorted(domains.TASKS), ["mnist", "svhn"])
        for name, task in domains.TASKS.items():
            self.assertEqual(task.name, name)
            self.assertNotEqual(task.source, task.target)

    @parameterized.parameters(
        ("svhn", domains.SVHN, domains.MNIST), ("mnist", domains.MNIST, domains.SVHN)
    )
    def test_f_learns_from_svhn_in_both_directions(self, name, source, target):
        task = domains.Task(name, source=source, target=target, content=domains.SVHN)
        self.assertEqual(domains.TASKS[name], task)

    def test_svhn_is_rgb_and_mnist_gray_and_both_are_ten_digits_of_32_pixels(self):
        self.assertEqual((domains.SVHN.channels, domains.MNIST.channels), (3, 1))
        for domain in (domains.SVHN, domains.MNIST):
            self.assertEqual(domain.classes, tuple(map(str, range(10))))
            self.assertEqual(domain.size, 32)

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
