"""What README, docs and benchmarks say is there is there."""

import collections
import dataclasses
import pathlib
import re
import shlex
import subprocess
import sys

from absl.testing import absltest, parameterized

import dtn_tf
from dtn_tf import __main__ as main
from dtn_tf import config, presets

_TOP = pathlib.Path(__file__).resolve().parents[1]
_GUIDES = ("README.md", *sorted(f"docs/{p.name}" for p in (_TOP / "docs").glob("*.md")))
_PAGES = (*_GUIDES, "benchmarks/README.md", "CHANGELOG.md")
# Flags of TensorBoard, of absl, of Slurm, of pip (--no-deps), and of scores.report.
_OF_OTHERS = {"logdir", "help", "helpfull", "nodes", "ntasks", "gres", "requeue", "no", "check"}
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
    return set(re.findall(r"(?:DEFINE_|cli\.define_)\w+\(\s*[\"'](\w+)[\"']", text))


_EACH = "for words in {arguments}: flags.FLAGS.unparse_flags(); flags.FLAGS(['', *words]); "
_PARSE = {  # program -> code that parses its command lines, without TensorFlow
    "eval_main.py": "from flags import eval_flags\nfrom absl import flags\n"
    f"{_EACH}eval_flags.check()",
    "train_main.py": "from flags import train_flags\nfrom absl import flags\n"
    f"{_EACH}train_flags.config_from_flags(); print(train_flags.workdir())",
    "dtn_tf.scores.report": "from dtn_tf.scores import report\n"
    "for words in {arguments}: assert words in ([], ['--check']), words",
}


def _commands(page):
    """Command lines in a page: program -> list of lists of arguments."""
    found = collections.defaultdict(list)
    for block in re.findall(r"^```sh\n(.*?)^```", _text(page), re.M | re.S):
        for line in block.splitlines():
            words = shlex.split(line.rpartition(" && ")[2])
            if words[0] == ".venv/bin/python":
                program, *arguments = [word for word in words[1:] if word != "-m"]
                found[program].append(arguments)
    return found


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

    @parameterized.named_parameters(_cases(page for page in _GUIDES if "```sh" in _text(page)))
    def test_commands_parse_and_score_what_others_made(self, page):
        made = set()
        for program, arguments in _commands(page).items():
            if program == "dtn_tf":
                self.assertContainsSubset({words[0] for words in arguments}, main._COMMANDS)
            elif program.startswith("benchmarks."):
                self.assertTrue((_TOP / f"{program.replace('.', '/')}.py").exists(), program)
            elif program != "pytest":
                code = _PARSE[program].format(arguments=arguments)
                done = subprocess.run((sys.executable, "-c", code), cwd=_TOP, capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, b""), program)
                made |= set(done.stdout.decode().split())
        scored = {word for words in _commands(page)["eval_main.py"] for word in words}
        named = {word.partition("=")[2] for word in scored if word.startswith("--workdir=")}
        self.assertEmpty(named - made, "no command of this page makes such a run")

    def test_every_program_is_said_to_be_run_by_a_test_or_by_hand(self):
        known = _text("benchmarks/README.md").partition("## Which commands")[2]
        for program in {program for page in _GUIDES for program in _commands(page)}:
            self.assertIn(f"`{program}", known)

    def test_hours_are_what_their_arithmetic_comes_to(self):
        text = _text("docs/reproduce.md")
        number = r"([\d.]+)"
        found = re.findall(rf"{number} x {number} \+ {number} x {number} min = {number} h", text)
        self.assertLen(found, 10)
        for values in found:
            a, b, c, d, hours = map(float, values)
            self.assertAlmostEqual((a * b + c * d) / 60, hours, delta=0.051)

    @parameterized.parameters(("dtn", "Zen 5", 0), ("dtn", "Zen 4", 1), ("dtn", "Zen 3", 2))
    def test_minutes_are_those_of_the_measured_run(self, row, processor, column):
        (measured,) = re.findall(
            rf"^\| `{row}` \| {processor} \| ([\d.]+) \|.*\| ([\d.]+) \|$",
            _text("docs/performance.md"),
            re.M,
        )
        of_f, to_the_end = map(float, measured)
        for name, minutes in (("f of", of_f), ("g and D of", to_the_end - of_f)):
            (cells,) = re.findall(
                rf"^\| {name} `{row}`[^|]*\|(.*)\|$", _text("docs/reproduce.md"), re.M
            )
            self.assertAlmostEqual(float(cells.split("|")[column]), minutes)

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
        self.assertCountEqual(places, (*presets.TABLES, "controls"))
        self.assertIn("<!-- table: readme -->", _text("README.md"))
        self.assertIn("<!-- table: faces -->", _text("docs/faces_results.md"))

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
