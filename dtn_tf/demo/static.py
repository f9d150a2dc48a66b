"""Writes the page as files that run without Python, on any file server or from a disk."""

import base64
import gzip
import pathlib
import shutil

from dtn_tf import exporting, files, serving
from dtn_tf.demo import facts as facts_lib
from dtn_tf.demo import pages, vendor
from dtn_tf.errors import UserError

MARK = "demo.json"  # says that a folder is one of ours

_NOTICE = """This page runs ONNX Runtime Web {version} (the folder ort), unchanged:

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

Its repository has the notices of what it is built from.
The page itself is of dtn_tf, under the MIT licence, too. The network and the images of its
training are under the terms of the images that it learnt from.
"""


def check(directory):
    """Refuses a folder that has something else in it, and a missing package for ONNX.

    Raises:
        UserError: Says which.
    """
    path = pathlib.Path(directory)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file. Name a folder that is empty or not there yet.")
    if path.is_dir():
        _check_ours(path)
    exporting.require(["onnx"])


def _check_ours(path):
    """Refuses a folder with a file that an earlier page did not bring: it would be deleted."""
    there = _files_in(path)
    listed = files.read_json(path / MARK, "a page").get("files") if MARK in there else []
    others = sorted(there - set(listed if isinstance(listed, list) else []))
    if others:
        raise UserError(
            f"{path} has files that this command did not write ({', '.join(others[:3])}), and"
            " would lose them. Name another folder."
        )


def _files_in(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def write(model, facts, directory, node_modules=None):
    """Writes the page of a DTN: all of it, or what was there stays.

    Args:
        model: `model.Model`.
        facts: `facts.Facts`.
        directory: Folder; an earlier page of this command in it is replaced.
        node_modules: See `vendor.runtime`.

    Returns:
        `pathlib.Path` of the folder. A line says which images of the run are in it.

    Raises:
        UserError: If the folder has something else in it, or npm brings no ONNX Runtime.
    """
    check(directory)
    runtime, version = vendor.runtime(node_modules)
    path = pathlib.Path(directory).absolute()
    with files.replaced_folder(path) as folder:
        for name, data in pages.of("onnx.js", pages.STATIC).items():
            (folder / name).write_bytes(data)
        (folder / "facts.js").write_bytes(facts.script(kind="static"))
        _write_grids(facts, folder)
        _write_runtime(runtime, folder / "ort")
        _write_network(model, folder)
        files.save_text(folder / "NOTICE.txt", _NOTICE.format(version=version))
        about = {"net": model.terms.name, "weights": model.terms.weights, "runtime": version}
        files.save_json(folder / MARK, {**about, "files": sorted({MARK, *_files_in(folder)})})
    _say_images(facts)
    return path


def _say_images(facts):
    """Says which images of the run are in the page: whoever publishes it gives them away."""
    found = len(facts.content.get("examples", ())), len(facts.files)
    if any(found):
        print(
            f"The page has images of the run in it: {found[0]} of the source as examples, and"
            f" {found[1]} grids of real images and their translations. Look at them before you"
            " publish it.",
            flush=True,
        )


def _write_grids(facts, folder):
    for name, source in facts.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, folder / name)


def _write_runtime(runtime, folder):
    folder.mkdir()
    # Its map of lines is not here; the browser's tools would ask for it.
    script = runtime[vendor.SCRIPT].rpartition(b"//# sourceMappingURL=")
    (folder / "ort.wasm.min.js").write_bytes(script[0] or script[2])
    (folder / "glue.js").write_bytes(_packed("glue", runtime[vendor.GLUE]))
    (folder / "wasm.js").write_bytes(_packed("wasm", runtime[vendor.WASM]))


def _write_network(model, folder):
    wide = model.in_float32()
    spec = serving.input_spec(wide.dtn, model.terms.channels)
    path = folder / "network.onnx"
    exporting.write_onnx(wide.answer, spec, path)
    if path.stat().st_size > 4 * facts_lib.MOST_BYTES:
        print(f"The network has {path.stat().st_size / 1e6:,.0f} MB: a phone will wait for it.")
    (folder / "network.js").write_bytes(_packed("network", path.read_bytes()))
    path.unlink()


def _packed(name, data):
    """A script that has a file in it: a page from a disk can read no other kind."""
    text = base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
    return f'window.demo.files["{name}"] = "{text}";\n'.encode()
