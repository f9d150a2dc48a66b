"""Does the page of `python -m dtn_tf demo` work in a browser, and translate as Python does?

    npm install onnxruntime-web playwright-core
    python -m benchmarks.demo_in_browser --run=RUN --node_modules=node_modules

Opens the page in headless Chromium three times: served, as files on a file server, and as files
from a disk. In each it picks an example, uploads, drops, pastes, draws, types, photographs (a
made-up camera), and sends what must be refused. Then it prints how far pixels are from those of
`dtn_tf.translate`, in gray levels, as a table of Markdown; the exit code is 1 if one is further
than it should be. Needs Node.js, Chromium, the export extra, and the two npm packages above.
"""

import argparse
import base64
import contextlib
import functools
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # of a checkout

from dtn_tf import serving
from dtn_tf.data import decode
from dtn_tf.demo import facts, model, pages, server, static
from tests import odd_images

_DRIVER = pathlib.Path(__file__).with_suffix(".mjs")
_LEVELS = 1  # that a pixel may be off
# A browser decodes all of a JPEG, Python a half, quarter or eighth of a large one: no levels are
# promised, and they are shown.
_LARGE_JPEG = "large.jpg"


def main():
    """Prints the table."""
    given = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    given.add_argument("--run", required=True, help="Directory of a finished run.")
    given.add_argument("--node_modules", required=True, help="With both npm packages.")
    given.add_argument("--chromium", default="/usr/bin/chromium")
    given.add_argument("--shots", default=None, help="Folder for screenshots.")
    given = given.parse_args()
    net, run = model.load(given.run)
    known = facts.of(net, run)
    with contextlib.ExitStack() as stack:
        top = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        page = static.write(net, known, top / "page", given.node_modules)
        served = stack.enter_context(_running(server.Server(net, known, 0)))
        filed = stack.enter_context(_running(_file_server(page)))
        kinds = {
            "served": served.url,
            "files": f"http://127.0.0.1:{filed.server_address[1]}/index.html",
            "disk": (page / "index.html").as_uri(),
        }
        (top / "squares").mkdir()
        off = _check_squares(top / "squares")
        lines = _driven(given, kinds, top)
    sys.exit(_report(lines, net) or int(off > 0))


_SQUARES = """
globalThis.demo = {};
const fs = require("fs");
const [folder, ...scripts] = process.argv.slice(1);
for (const script of scripts) (0, eval)(fs.readFileSync(script, "utf8"));
for (const [name, width, height, size, channels, fit] of JSON.parse(fs.readFileSync(0, "utf8"))) {
  const data = fs.readFileSync(`${folder}/${name}`);
  const part = (top, count) => data.subarray(4 * width * top, 4 * width * (top + count));
  const rows = (top, count) => demo.levels(part(top, count), channels);
  const made = demo.square({ width, height, rows }, size, channels, fit);
  console.log(Buffer.from(made.data).toString("base64"));
}
"""


def _check_squares(folder):
    """Compares the page's own scaling with Pillow's on noise, without a browser."""
    draw, asked, expected = np.random.default_rng(0), [], []
    for k in range(60):
        width, height = (int(side) for side in draw.integers(1, 400, 2))
        size, channels = int(draw.choice([32, 64, 96, 128])), int(draw.choice([1, 3]))
        fit = str(draw.choice(decode.FITS))
        pixels = draw.integers(0, 256, (height, width, 3), np.uint8)
        (folder / f"{k}").write_bytes(Image.fromarray(pixels).convert("RGBA").tobytes())
        asked.append((f"{k}", width, height, size, channels, fit))
        expected.append(decode.fit(Image.fromarray(pixels), size, channels, fit))
    scripts = [str(pages.FOLDER / name) for name in ("head.js", "square.js")]
    command = ["node", "-e", _SQUARES, str(folder), *scripts]
    done = subprocess.run(
        command, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True
    )
    off = [_levels(line, v) for line, v in zip(done.stdout.split(), expected, strict=True)]
    print(
        f"{len(off)} squares of noise, scaled by the page: at most {max(off)} levels off\n",
        flush=True,
    )
    return max(off)


def _driven(given, kinds, top):
    """Returns what the driver says, a list of dicts."""
    if given.shots:
        pathlib.Path(given.shots).mkdir(parents=True, exist_ok=True)
    told = {
        "node_modules": str(pathlib.Path(given.node_modules).absolute()),
        "chromium": given.chromium,
        "profile": str(top / "profile"),
        "kinds": kinds,
        "files": [str(path) for path in _images(top / "images")],
        "refused": [str(path) for path in _refused(top / "refused")],
        "shots": given.shots and str(pathlib.Path(given.shots).absolute()),
    }
    command = ["node", str(_DRIVER), json.dumps(told)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for name in told["files"]:  # while they are there
        _BYTES[name] = pathlib.Path(name).read_bytes()
    return [json.loads(line) for line in done.stdout.splitlines()]


_BYTES = {}  # of the files that were uploaded


def _images(folder):
    """Writes images of many kinds; yields their paths."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    coarse = Image.fromarray(draw.integers(0, 256, (9, 12, 3), np.uint8))
    wide = coarse.resize((641, 480), Image.Resampling.BICUBIC)
    noise = Image.fromarray(draw.integers(0, 256, (333, 500, 3), np.uint8))
    pictures = {
        "wide.png": wide,
        "tall.png": wide.transpose(Image.Transpose.ROTATE_90),
        "noise.png": noise,
        "tiny.png": coarse,
        "same.png": wide.resize((32, 32)),
        "gray.png": wide.convert("L"),
        "palette.png": wide.convert("P"),
        "alpha.png": _with_alpha(wide),
        "exact.webp": wide,
        "large.png": coarse.resize((4001, 3000), Image.Resampling.BICUBIC),
        "small.jpg": wide.resize((201, 150)),
        _LARGE_JPEG: noise.resize((2000, 1500), Image.Resampling.BICUBIC),
    }
    for name, picture in pictures.items():
        picture.save(folder / name, **({"lossless": True} if name.endswith("webp") else {}))
        yield folder / name
    for turn in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        path = folder / f"turned_{turn}.jpg"
        noise.resize((201, 150)).save(path, quality=95, subsampling=0, exif=exif)
        yield path


def _with_alpha(image):
    slope = np.linspace(0, 255, image.width).astype(np.uint8)
    image = image.copy()
    image.putalpha(Image.fromarray(np.tile(slope, (image.height, 1))))
    return image


def _refused(folder):
    """Writes files that the page must refuse; yields their paths."""
    folder.mkdir()
    found = {
        "empty.png": b"",
        "text.png": b"not a picture",
        "torn.png": odd_images.BROKEN["torn.png"],
        "bomb.png": odd_images.BROKEN["bomb.png"],
        "heavy.png": bytes(facts.MOST_BYTES + 1),
    }
    for name, data in found.items():
        (folder / name).write_bytes(data)
        yield folder / name


def _report(lines, net):
    """Prints the table; returns the exit code."""
    failed = 0
    print("| page | act | image | levels off: input | translation | |\n|---|---|---|---|---|---|")
    for line in lines:
        row, is_fine = _row(line, net)
        failed += not is_fine
        print(f"| {line['kind']} | {line['act']} | {row} | {'' if is_fine else 'WRONG'} |")
    return int(failed > 0)


def _row(line, net):
    """Returns cells of the table, and whether all is as it should be."""
    name = pathlib.Path(line.get("file", "")).name
    if line["act"] == "refused":
        return f"{name} | | {line.get('error', 'was taken')}", "error" in line
    if line["act"] == "talk":
        found = line["outside"] + line["wrong"]
        return f"| | {found or 'no other host, no error'}", not found
    if line["act"] in ("steps", "width"):
        said = {k: v for k, v in line.items() if k not in ("kind", "act")}
        is_fine = line["act"] == "steps" or line["wide"] <= line["width"]
        return f"| | {said}", is_fine
    if "error" in line:
        return f"{name} | | {line['error']}", False
    if line["act"] == "camera":
        return f"| | {line['status']}", True
    data = _BYTES.get(line.get("file")) or base64.b64decode(line.get("png") or line["example"])
    off = [_levels(line[k], v) for k, v in _expected(net, data).items()]
    is_fine = max(off) <= _LEVELS or name == _LARGE_JPEG
    return f"{name} | {off[0]} | {off[1]}", is_fine


def _expected(net, data):
    """What Python makes of the bytes of an image: its square, and the translation."""
    terms = net.terms
    pixels, _ = decode.from_bytes(data, net.size, terms.channels, terms.fit)
    return {"input": pixels, "translation": serving.translate(net.dtn, pixels[np.newaxis])[0]}


def _levels(text, expected):
    found = np.frombuffer(base64.b64decode(text), np.uint8).reshape(expected.shape)
    return int(np.abs(found.astype(int) - expected).max())


def _file_server(folder):
    handler = functools.partial(_Quiet, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def _running(opened):
    thread = threading.Thread(target=opened.serve_forever, daemon=True)
    with opened:
        thread.start()
        yield opened
        opened.shutdown()


if __name__ == "__main__":
    main()
