"""Which files are translated, and what the translations are called."""

import os

from absl.testing import parameterized

from dtn_tf import jobs
from dtn_tf.errors import UserError
from tests import testing


class NamesTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("suffix", ["a.jpg", "b/c.PNG", "d.tar.gif"], ["a.png", "b/c.png", "d.tar.png"], 0),
        ("none_or_no_images", ["a", "frame.001"], ["a.png", "frame.001.png"], 0),
        ("folders", ["x/a.jpg", "y/a.gif", "x.y/a"], ["x/a.png", "y/a.png", "x.y/a.png"], 0),
        ("shared", ["a.gif", "a.jpg"], ["a.gif.png", "a.jpg.png"], 2),
        ("shared_with_a_png", ["a.jpg", "a.png"], ["a.jpg.png", "a.png"], 1),
        (
            "shared_and_taken",
            ["a.jpg", "a.jpg.png", "a.png"],
            ["a.jpg.png.png", "a.jpg.png", "a.png"],
            1,
        ),
        ("either_case", ["a.PNG", "a.png"], ["a.PNG.png", "a.png"], 1),
    )
    def test_no_two_are_equal(self, names, expected, num_said):
        found, said = jobs.output_names(names)
        self.assertEqual(found, expected)
        self.assertLen(set(found), len(names))
        self.assertStartsWith(" ".join(said), f"{num_said} images share" if num_said else "")


class FindTest(testing.TestCase):
    def setUp(self):
        super().setUp()
        self.photos, self.out = self.directory / "photos", self.directory / "out"
        for name in (
            *("a.jpg", "b.PNG", "sub/c.gif", "sub/deep/d.webp", "sub/deep/notes.txt"),
            *(".hidden.png", "sub/.cache/e.png", "__MACOSX/f.png", "README"),
        ):
            path = self.photos / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def find(self, source, output=None):
        """Returns inputs and outputs, below the folder of this test."""
        found = jobs.find(source, output or self.out)
        below = [
            (
                str(job.source.relative_to(self.directory)),
                str(job.output.relative_to(self.directory)),
            )
            for job in found.jobs
        ]
        return dict(below), found

    def test_a_folder_keeps_its_shape(self):
        below, found = self.find(self.photos)
        self.assertEqual(
            below,
            {
                "photos/README": "out/README.png",
                "photos/a.jpg": "out/a.png",
                "photos/b.PNG": "out/b.png",
                "photos/sub/c.gif": "out/sub/c.png",
                "photos/sub/deep/d.webp": "out/sub/deep/d.png",
            },
        )
        self.assertEqual(found.folder, self.out)
        self.assertEqual(found.notes, ["Left out: 3 hidden; 1 other files (1 .txt)."])

    @parameterized.parameters(
        ("photos/*.jpg", ["a.png"]),
        ("photos/*", ["README.png", "a.png", "b.png"]),
        ("photos/*/*", ["sub/c.png"]),
        ("photos/**/*.[gw]*", ["sub/c.png", "sub/deep/d.png"]),
        ("photos/**", ["README.png", "a.png", "b.png", "sub/c.png", "sub/deep/d.png"]),
        ("photos/sub/**/d*", ["deep/d.png"]),
    )
    def test_a_pattern_keeps_the_folders_below_its_fixed_part(self, pattern, expected):
        below, _ = self.find(self.directory / pattern)
        self.assertEqual(sorted(below.values()), [f"out/{name}" for name in expected])

    def test_a_file_goes_to_a_file_or_into_a_folder(self):
        source = self.photos / "a.jpg"
        self.assertEqual(self.find(source)[0], {"photos/a.jpg": "out/a.png"})
        below, found = self.find(source, self.out / "x.PNG")
        self.assertEqual((below, found.folder), ({"photos/a.jpg": "out/x.PNG"}, None))
        (self.out / "y.png").mkdir(parents=True)
        self.assertEqual(
            self.find(source, self.out / "y.png")[0], {"photos/a.jpg": "out/y.png/a.png"}
        )

    def test_a_name_with_brackets_is_a_file_if_there_is_one(self):
        (self.photos / "[a].jpg").touch()
        self.assertEqual(self.find(self.photos / "[a].jpg")[0], {"photos/[a].jpg": "out/[a].png"})

    def test_results_in_the_folder_itself_are_no_inputs(self):
        out = self.photos / "sub" / "out"
        out.mkdir()
        (out / "a.png").touch()
        below, found = self.find(self.photos, out)
        self.assertNotIn("photos/sub/out/a.png", below)
        self.assertLen(below, 5)
        self.assertIn("are results, not inputs", found.notes[-1])

    def test_what_would_be_overwritten_or_read_again_is_refused(self):
        os.symlink(self.photos, self.directory / "link")
        for out in (self.photos, self.photos / "sub" / "..", self.directory / "link"):
            for source in (self.photos, self.photos / "*"):
                with self.assertRaisesRegex(UserError, "among the images"):
                    jobs.find(source, out)
        with self.assertRaisesRegex(UserError, "among the images"):
            jobs.find(self.photos / "b.PNG", self.photos / "b.PNG")

    def test_what_cannot_be_is_said(self):
        (self.directory / "file").touch()
        (self.directory / "empty").mkdir()
        for source, output, said in (
            ("nowhere", "out", "nowhere does not exist; expected an image, a folder.*in quotes"),
            ("empty", "out", "empty: there is no image to translate"),
            ("photos/*.tiff", "out", "there is no image to translate"),
            ("photos/sub/deep/*.txt", "out", r"no image to translate. Left out: 1 other.*\.txt"),
            ("photos", "out.png", "out.png is a file; 5 images need a folder"),
            ("photos", "file", "file is a file; 5 images need a folder"),
            ("photos/a.jpg", "file", "file is no PNG"),
            ("photos/a.jpg", "x.jpg", "x.jpg is no PNG, and translations are; name it .*x.png"),
        ):
            with self.assertRaisesRegex(UserError, said):
                jobs.find(self.directory / source, self.directory / output)
        with self.assertRaisesRegex(UserError, "OUTPUT is empty"):
            jobs.find(self.photos, "")
