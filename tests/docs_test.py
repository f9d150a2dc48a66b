"""What README, docs and benchmarks say is there is there."""

import dataclasses
import pathlib
import re

from absl.testing import absltest, parameterized

import dtn_tf
from dtn_tf import config, presets

_TOP = pathlib.Path(__file__).resolve().parents[1]
_GUIDES = ("README.md", *sorted(f"docs/{p.name}" for p in (_TOP / "docs").glob("*.md")))
_PAGES = (*_GUIDES, "benchmarks/README.md", "CHANGELOG.md")
# Flags of TensorBoard, of absl, of Slurm, and of pip (--no-deps).
_OF_OTHERS = {"logdir", "help", "helpfull", "nodes", "ntasks", "gres", "requeue", "no"}
_FILE = r"`((?:\.\./)?(?:benchmarks|docs|dtn_tf|flags|results|tests)/[\w./]+)`"
_RETIRED = (
    *("dtn_adapted_light", "dtn_adapted_mean_view", "dtn_adapted_plain", "dtn_adapted_one_view"),
    *("dtn_unadapted", "pretrain_widen", "method=class", "ClassDTN", "--views", "--nets"),
)


def _text(page):
    return (_TOP / page).read_text(encoding="utf-8")


def _flags_of(*folders):
    """Names of flags that the modules of some folders define."""
    paths = [path for folder in folders for path in (_TOP / folder).glob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return set(re.findall(r"DEFINE_\w+\(\s*[\"'](\w+)[\"']", text))


def _cases(pages):
    return [(page.replace("/", "_").removesuffix(".md"), page) for page in pages]


class DocsTest(parameterized.TestCase):
    def test_readme_is_under_150_lines(self):
        self.assertLess(len(_text("README.md").splitlines()), 150)

    @parameterized.named_parameters(_cases(_PAGES))
    def test_links_and_pictures_are_there(self, page):
        links = re.findall(r"\]\(([^)\s]+)\)", _text(page))
        for link in links:
            target, _, anchor = link.partition("#")
            if target.startswith("https://"):
                continue
            path = (_TOP / page).parent / target if target else _TOP / page
            self.assertTrue(path.exists(), f"{page} links to {link}")
            if anchor:
                self.assertIn(anchor, _anchors(path), f"{page} links to {link}")

    @parameterized.named_parameters(_cases(_GUIDES))
    def test_files_named_are_there(self, page):
        for name in re.findall(_FILE, _text(page)):
            self.assertTrue((_TOP / name).exists(), f"{page} names {name}")

    def test_modules_of_the_reading_path_are_there(self):
        path = _text("README.md").partition("## How the code is built")[2].partition("\n## ")[0]
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", path):
            self.assertTrue((_TOP / "dtn_tf" / name).exists(), f"README.md names {name}")

    @parameterized.named_parameters(_cases((*_GUIDES, "benchmarks/README.md")))
    def test_flags_exist(self, page):
        settings = {field.name: field for field in dataclasses.fields(config.DTNConfig)}
        known = settings.keys() | _flags_of("flags", "benchmarks", "dtn_tf") | _OF_OTHERS
        known |= {f"no{name}" for name, field in settings.items() if field.type is bool}
        self.assertEmpty(set(re.findall(r"--([a-z]\w*)", _text(page))) - known)

    @parameterized.named_parameters(_cases((*_GUIDES, "benchmarks/README.md")))
    def test_rows_exist(self, page):
        text = _text(page)
        rows = re.findall(r"`(dtn_\w+)`", text) + re.findall(r"--preset=([a-z]\w*)", text)
        self.assertEmpty(set(rows) - {"dtn_tf"} - presets.ROWS.keys())

    @parameterized.named_parameters(_cases(_PAGES))
    def test_no_absolute_path(self, page):
        found = re.findall(r"(?<![\w.:/])/(?:data|home|mnt|opt|root|tmp|usr|work)/", _text(page))
        self.assertEmpty(found)

    def test_no_retired_name_outside_the_changelog(self):
        pages = [*_PAGES, *(f"benchmarks/{p.name}" for p in (_TOP / "benchmarks").glob("*.py"))]
        for page in set(pages) - {"CHANGELOG.md"}:
            for name in _RETIRED:
                self.assertNotIn(name, _text(page), page)

    def test_every_table_has_its_place(self):
        places = re.findall(r"<!-- table: (\w+) -->.*?<!-- end -->", _text("docs/results.md"), re.S)
        self.assertCountEqual(places, presets.TABLES)
        self.assertIn("<!-- table: readme -->", _text("README.md"))

    def test_every_row_of_a_table_has_a_note(self):
        self.assertEmpty([name for name, row in presets.ROWS.items() if not row.note])

    def test_benchmarks_are_all_listed(self):
        for path in (_TOP / "benchmarks").glob("[a-z]*.py"):
            self.assertIn(f"({path.name})", _text("benchmarks/README.md"))

    def test_citation_is_of_this_version_and_names_the_paper(self):
        text = _text("CITATION.cff")
        lines = text.splitlines()
        for line in ("cff-version: 1.2.0", f"version: {dtn_tf.__version__}", "license: MIT"):
            self.assertIn(line, lines)
        keys = [line.partition(":")[0] for line in lines if not line.startswith((" ", "-"))]
        self.assertContainsSubset(("message", "title", "authors", "references"), keys)
        self.assertNotIn("\t", text)
        self.assertIn("https://arxiv.org/abs/1611.02200", text)

    def test_changelog_has_this_version(self):
        self.assertIn(f"## [{dtn_tf.__version__}]", _text("CHANGELOG.md"))

    def test_licence_is_mit(self):
        self.assertStartsWith(
            _text("LICENSE"), "MIT License\n\nCopyright (c) 2026 the dtn_tf authors"
        )


def _anchors(path):
    """Anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


if __name__ == "__main__":
    absltest.main()
