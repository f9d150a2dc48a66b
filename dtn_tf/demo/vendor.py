"""ONNX Runtime for browsers, from npm: taken when a page is made, and never kept here."""

import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from dtn_tf.errors import UserError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# Its smallest build: WebAssembly alone, no WebGPU. Single-threaded use is a setting of it.
SCRIPT, GLUE, WASM = (
    "dist/ort.wasm.min.js",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
)
_ABOUT = "package.json"
_BARE = ("code ", "errno ", "syscall ")  # lines of npm's errors that say nothing to people
_SECONDS = 600  # for npm, 40 MB
_OTHERWISE = (
    f"On another machine: npm install {PACKAGE}@{VERSION}; copy its folder node_modules here, and"
    " add --node_modules=FOLDER."
)


def runtime(node_modules=None):
    """Returns the files of ONNX Runtime that a page needs.

    Args:
        node_modules: Folder where npm has installed it; None to ask npm for it now.

    Returns:
        Dict, `SCRIPT`, `GLUE` and `WASM` -> bytes; and its version.

    Raises:
        UserError: If npm is missing or fails, or the folder does not have it.
    """
    if node_modules is not None:
        return _of_folder(pathlib.Path(node_modules) / PACKAGE)
    if shutil.which("npm") is None:
        raise UserError(
            f"npm is not installed, which brings {PACKAGE} for --static. Install Node.js."
            f" {_OTHERWISE}"
        )
    with tempfile.TemporaryDirectory() as temporary:
        _pack(temporary)
        return _of_folder(pathlib.Path(temporary) / "package")


def _pack(folder):
    """Downloads the package and unpacks the files of it that are needed."""
    command = [
        "npm",
        "pack",
        f"{PACKAGE}@{VERSION}",
        "--pack-destination",
        folder,
        "--loglevel=error",
    ]
    print(f"npm brings {PACKAGE} {VERSION} ...", flush=True)
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        failed = done.stderr.strip() if done.returncode else ""
    except subprocess.TimeoutExpired:
        failed = f"no answer in {_SECONDS} seconds"
    archives = list(pathlib.Path(folder).glob("*.tgz"))
    if failed or not archives:
        raise UserError(f"npm cannot bring {PACKAGE}: {_first_line(failed)} {_OTHERWISE}")
    with tarfile.open(archives[0]) as archive:
        for name in (SCRIPT, GLUE, WASM, _ABOUT):
            archive.extract(f"package/{name}", folder, filter="data")


def _of_folder(folder):
    try:
        version = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))["version"]
        return {name: (folder / name).read_bytes() for name in (SCRIPT, GLUE, WASM)}, version
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder} is not {PACKAGE} {VERSION} as npm installs it: {error}."
            f" npm install {PACKAGE}@{VERSION} makes such a folder."
        ) from error


def _first_line(text):
    lines = [line.removeprefix("npm error ") for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if not line.startswith(_BARE)), "it gave no file")
    return said[:200].rstrip(".") + "."
