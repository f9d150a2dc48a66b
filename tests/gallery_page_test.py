"""The page of a scored run: what is in it, that it is safe, and that it is one file."""

import base64
import html.parser
import io
import re
import types
from unittest import mock

import numpy as np
from PIL import Image

from dtn_tf import classify
from dtn_tf.data.pictures import Pictures
from dtn_tf.scores import gallery_page, gallery_parts, hypertext, report
from tests import testing
from tests.distance_tables_test import without_judge
from tests.lines import line, pictures

_EVIL = '"><script>alert(1)</script>&$title'
_DIGITS = tuple("0123456789")
_CURVES = {
    "loss/L_TID": ([50, 100], [0.5, 0.25]),
    "D/D3_G_source": ([50, 100], [0.3, 0.1]),
    "D/D3_target": ([50, 100], [0.4, float("nan")]),
    "eval/accuracy_validation": ([100], [0.875]),
    "rate/images_per_second": ([50], [7.0]),
}


class _Parser(html.parser.HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def _translated(x, gx, labels=None, classes=()):
    shown = Pictures(x, "a test", labels, classes)
    yardstick = types.SimpleNamespace(judge=lambda sets: (None, None))
    return types.SimpleNamespace(shown=shown, gx=gx, yardstick=yardstick, sets=None)


def _shown(n=40, labels=True, read=True, classes=_DIGITS):
    draw = np.random.default_rng(1)
    translated = _translated(testing.pixels(n, 3), testing.pixels(n, 1, seed=1))
    shown = gallery_page.shown_of({"judge": None}, translated)
    values = [draw.integers(0, len(classes), n).astype(np.uint8) for _ in range(2)]
    kept = {"labels": values[0] if labels else None, "read": values[1] if read else None}
    names = classes if labels else ()
    return gallery_page.Shown(shown.rows, n, shown.sheet, 32, names, **kept)


def _page(found=None, shown=None, drawn=(), curves=_CURVES):
    found = found or line()
    shown = shown or _shown()
    return gallery_page.render(found, report.details(found), shown, drawn, curves)


class ShownTest(testing.TestCase):
    def test_pairs_of_the_sheet_are_the_pixels_of_input_and_translation(self):
        x, gx = testing.pixels(20, 3), testing.pixels(20, 1, seed=1)
        shown = gallery_page.shown_of({"judge": None}, _translated(x, gx))
        self.assertAllEqual(shown.rows, np.arange(20))
        sheet = np.asarray(Image.open(io.BytesIO(shown.sheet)))
        self.assertEqual(sheet.shape, (2 * 32, 2 * 16 * 32, 3))
        for k in (0, 15, 16, 19):
            top, left = 32 * (k // 16), 64 * (k % 16)
            self.assertAllEqual(sheet[top : top + 32, left : left + 32], x[k])
            pixels = sheet[top : top + 32, left + 32 : left + 64]
            self.assertAllEqual(pixels, np.repeat(gx[k], 3, axis=2))

    def test_many_are_drawn_alike_each_time_and_read_by_the_judge(self):
        n = 600
        x, gx = testing.pixels(n), testing.pixels(n, seed=1)
        translated = _translated(x, gx, (np.arange(n) % 10).astype(np.uint8), _DIGITS)
        with mock.patch.object(classify, "predict", lambda _, v: v[:, 0, 0, 0] % 10):
            first, again = (gallery_page.shown_of(line(), translated) for _ in range(2))
        self.assertLen(set(first.rows), gallery_page.AT_MOST)
        self.assertAllEqual(first.rows, again.rows)
        self.assertAllEqual(first.labels, first.rows % 10)
        self.assertAllEqual(first.read, gx[first.rows, 0, 0, 0] % 10)
        self.assertIn("500 of 600 images of a", gallery_parts.chosen("a", first))
        self.assertIn("none was selected", gallery_parts.chosen("a", first))

    def test_images_that_cannot_be_packed_are_fewer(self):
        noise = np.random.default_rng(0).integers(0, 256, (2, 40, 128, 128, 3), np.uint8)
        shown = gallery_page.shown_of({"judge": None}, _translated(*noise))
        self.assertLessEqual(len(shown.sheet), gallery_page.SHEET_BYTES)
        self.assertBetween(len(shown.rows), 10, 15)  # of 98 kB a pair


class PageTest(testing.TestCase):
    def test_filters_ask_for_what_numpy_finds(self):
        shown = _shown()
        parsed = _Parser(_page(shown=shown))
        items = parsed.named("li")
        self.assertLen(items, 40)
        for name, expected in (("true", shown.labels), ("read", shown.read)):
            self.assertAllEqual([int(item[f"data-{name}"]) for item in items], expected)
        verdicts = np.array([item["data-verdict"] for item in items])
        self.assertAllEqual(verdicts == "right", shown.labels == shown.read)
        self.assertAllEqual(verdicts == "wrong", shown.labels != shown.read)
        text = "".join(parsed.text)
        self.assertIn(f"7 ({np.sum(shown.labels == 7)})", text)  # an option
        self.assertEqual({i["name"] for i in parsed.named("select")}, {"true", "read"})

    def test_the_matrix_is_the_lines_and_its_cells_choose(self):
        counts = np.arange(100).reshape(10, 10)
        parsed = _Parser(_page(line(confusion=counts.tolist())))
        cells = [b for b in parsed.named("button") if "data-true" in b]
        places = [(int(b["data-true"]), int(b["data-read"])) for b in cells]
        self.assertEqual(places, [*np.ndindex(10, 10)])
        self.assertEqual(cells[37]["aria-label"], "true 3 read 7: 37")

    def test_has_numbers_floors_settings_data_and_curves(self):
        changed = line(settings={"alpha": 1.0}, accuracy=0.875)
        parsed = _Parser(_page({**changed, "settings": {"alpha": 1.0, "beta": 15.0}}))
        text = "".join(parsed.text)
        for part in ("87.5 %", "untranslated (floor)", "alpha", "15.0", "SVHN test", "L_TID"):
            self.assertIn(part, text)
        for part in ("of SVHN test 5000", "99.40 %, 1,500 steps", "accuracy_validation"):
            self.assertIn(part, text)
        self.assertNotIn("images_per_second", text)
        self.assertLen(parsed.named("polyline"), 2)  # one point is a circle, NaN is left out
        self.assertLen(parsed.named("circle"), 2)

    def test_a_peer_has_curves_of_both_its_ds(self):
        pair = ([1, 2], [0.5, 0.25])
        names = ("fake_t", "real_t", "fake_s", "real_s")
        parsed = _Parser(gallery_parts.curves({f"D/D_{name}": pair for name in names}))
        self.assertLen(parsed.named("polyline"), 4)
        self.assertLen(parsed.named("svg"), 2)
        for name in names:
            self.assertIn(f"D_{name}", "".join(parsed.text))

    def test_without_labels_all_are_shown_and_nothing_asks(self):
        parsed = _Parser(_page(without_judge(), _shown(labels=False, read=False)))
        self.assertLen(parsed.named("li"), 40)
        self.assertEmpty(parsed.named("select"))
        self.assertEmpty([b for b in parsed.named("button") if "data-true" in b])
        self.assertNotIn("data-true", str(parsed.named("li")))
        for part in ("KID, real to real (floor)", "f-constancy", "by chance"):
            self.assertIn(part, "".join(parsed.text))

    def test_labels_without_a_judge_filter_by_class_alone(self):
        parsed = _Parser(_page(without_judge(), _shown(read=False)))
        self.assertEqual([s["name"] for s in parsed.named("select")], ["true"])

    def test_a_run_without_curves_says_so(self):
        self.assertIn("no curves", _page(curves={}))


class SafetyTest(testing.TestCase):
    def page(self):
        path = self.directory / "neighbours.png"
        Image.fromarray(np.full((40, 3000, 3), 255, np.uint8)).save(path)
        names = (_EVIL, *_DIGITS[1:])
        found = line(classes=list(names), images=pictures(_EVIL, 40), settings={"alpha": 2.0})
        found["data"]["s"] = pictures(_EVIL, 1)
        found |= {"trained": {**found["trained"], "commit": _EVIL}, "settings": {"a": _EVIL}}
        curves = {f"loss/{_EVIL}": ([1, 2], [1.0, 2.0])}
        return _page(found, _shown(classes=names), [path], curves)

    def test_text_of_users_is_text(self):
        page = self.page()
        self.assertNotIn("<script>alert", page)
        parsed = _Parser(page)
        self.assertLen(parsed.named("script"), 1)
        self.assertIn(_EVIL, "".join(parsed.text))
        self.assertStartsWith(
            [b["aria-label"] for b in parsed.named("button") if "data-true" in b][0],
            f"true {_EVIL} read {_EVIL}: ",
        )

    def test_nothing_is_asked_of_another_file_or_host(self):
        page = self.page()
        parsed = _Parser(page)
        for _, attrs in parsed.tags:
            for name in ("src", "href", "action", "srcset", "data"):
                if name in attrs:
                    self.assertRegex(attrs[name], "^(data:image/|#)")
        self.assertNotRegex(page, r"https?:|//\w+\.|@import|\bfetch\b|XMLHttpRequest")
        for address in re.findall(r"url\(([^)]{0,20})", page):
            self.assertStartsWith(address, '"data:image/png')
        policy = [m for m in parsed.named("meta") if "http-equiv" in m]
        self.assertStartsWith(policy[0]["content"], "default-src 'none'; img-src data:;")

    def test_figures_are_in_it_and_no_wider_than_a_page(self):
        (picture,) = _Parser(self.page()).named("img")
        self.assertTrue(picture["alt"])
        content = base64.b64decode(picture["src"].partition(",")[2])
        self.assertEqual(Image.open(io.BytesIO(content)).size, (1500, 20))


class WriteTest(testing.TestCase):
    def test_a_page_is_whole_and_of_bounded_size(self):
        noise = np.random.default_rng(0).integers(0, 256, (500, 32, 32, 3), np.uint8)
        labels = np.zeros(500, np.uint8)
        translated = _translated(noise, noise, labels, _DIGITS)
        where = self.directory / "eval-test"
        text = report.details(line())
        with mock.patch.object(classify, "predict", lambda _, v: np.zeros(len(v), int)):
            gallery_page.write(line(), text, translated, [], self.directory, where)
        self.assertEqual([path.name for path in where.iterdir()], ["index.html"])
        size = (where / "index.html").stat().st_size
        self.assertBetween(size, 1_500_000, 3_000_000)
        self.assertEndsWith((where / "index.html").read_text(), "</html>\n")


class HypertextTest(testing.TestCase):
    def test_tables_of_markdown(self):
        found = hypertext.tables("Of <a>: `x`\n\n| a | b |\n|---|---|\n| 1 | `2` |\n| 3 | |\n\nEnd")
        parsed = _Parser(found)
        tags = [tag for tag, _ in parsed.tags]
        self.assertEqual((tags.count("p"), tags.count("tr"), tags.count("td")), (2, 3, 2))
        self.assertEqual(tags.count("code"), 2)
        self.assertIn("Of <a>: ", parsed.text)

    def test_a_curve_begins_and_ends_where_its_values_do(self):
        found = hypertext.curve("c", {"c": (range(1001), np.linspace(5.0, 1.0, 1001))})
        points = _Parser(found).named("polyline")[0]["points"].split()
        self.assertLessEqual(len(points), 300)
        (x0, y0), (x1, y1) = (map(float, points[k].split(",")) for k in (0, -1))
        self.assertLess(x0, x1)
        self.assertAllClose((y0, y1), (10, 148), atol=1.5)  # down is larger
        self.assertIn("1 at step 1,000", "".join(_Parser(found).text))

    def test_nothing_finite_is_no_curve(self):
        self.assertEqual(hypertext.curve("c", {"c": ([1], [float("inf")])}), "")
