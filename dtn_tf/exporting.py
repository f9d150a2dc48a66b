"""Writes G for other programs: a SavedModel, ONNX or LiteRT, each with its input contract.

All compute in float32, whatever G was trained in: a bfloat16 net loads neither in ONNX Runtime
nor in LiteRT.
"""

import contextlib
import importlib.util
import logging
import pathlib
import tempfile

import tensorflow as tf

from dtn_tf import files, images, serving
from dtn_tf.errors import UserError

FORMATS = ("savedmodel", "onnx", "litert")
CONTRACT = "contract.json"  # in each folder: what README.md says, for programs

_OPSET = 18  # of ONNX
_PACKAGES = {"onnx": ("tf2onnx", "onnx")}  # beyond what dtn_tf needs anyway


def require(formats):
    """Raises a `UserError` unless these are formats, and what writes them is installed."""
    if not formats or set(formats) - set(FORMATS):
        raise UserError(f"format={','.join(formats)}; expected some of {', '.join(FORMATS)}.")
    for name in formats:
        needed = _PACKAGES.get(name, ())
        missing = [package for package in needed if importlib.util.find_spec(package) is None]
        if missing:
            raise UserError(
                f"{' and '.join(missing)} cannot be imported, which format={name} needs. In the"
                " checkout of dtn_tf: pip install -e '.[export]'. The other formats need nothing."
            )


def export(dtn, formats, out):
    """Writes a DTN in some formats.

    Args:
        dtn: `DTN` from `serving.load`.
        formats: Some of `FORMATS`.
        out: Folder; each format gets one of its name in it, which takes the place of an older
            one.

    Returns:
        List of `pathlib.Path`, the folders. README.md in them says what goes in and comes out.

    Raises:
        UserError: If a package is missing, or a folder there is none of ours.
    """
    require(formats)
    paths = [pathlib.Path(out) / name for name in dict.fromkeys(formats)]
    for path in paths:
        if path.exists() and not (path / CONTRACT).exists():
            raise UserError(f"{path} is there and is no export. Choose another --out.")
    for path in paths:
        with files.replaced_folder(path) as folder:
            _WRITERS[path.name](dtn, folder)
            terms = contract(dtn, path.name)
            files.save_json(folder / CONTRACT, terms)
            files.save_text(folder / "README.md", _README.format(**_words(terms)))
    return paths


def contract(dtn, name):
    """Returns what goes into an export and comes out of it, a JSON-able dict."""
    terms, side = serving.contract(dtn), dtn.g.size
    painted = dtn(tf.zeros((1, side, side, terms.channels))).shape[-1]
    return {
        "format": name,
        "net": terms.name,
        "weights": terms.weights,
        "origin": terms.origin,
        "fit": terms.fit,
        "input": {"dtype": "uint8", "shape": [None, side, side, terms.channels]},
        "output": {"dtype": "uint8", "shape": [None, side, side, painted]},
    }


def _saved_model(dtn, folder):
    serving.export(dtn, folder / "model", serving.contract(dtn).channels)


def write_onnx(function, spec, path):
    """Writes a function as ONNX.

    Args:
        function: Of one tensor, whose dict of tensors gives the outputs their names.
        spec: `tf.TensorSpec` of what it takes, named as the input will be.
        path: File to write.
    """
    with _quietly("tf2onnx"):
        import tf2onnx

        graph = tf.function(function, autograph=False)
        tf2onnx.convert.from_function(graph, [spec], opset=_OPSET, output_path=str(path))


def _onnx(dtn, folder):
    write_onnx(*_translate(dtn), folder / "dtn.onnx")


def _litert(dtn, folder):
    module = tf.Module()
    module.translate, spec = _translate(dtn)
    traced = module.translate.get_concrete_function(spec)
    module.read = traced.variables
    with tempfile.TemporaryDirectory() as temporary:
        tf.saved_model.save(module, temporary, signatures=traced)
        written = tf.lite.TFLiteConverter.from_saved_model(temporary).convert()
    (folder / "dtn.tflite").write_bytes(written)


_WRITERS = {"savedmodel": _saved_model, "onnx": _onnx, "litert": _litert}


def _translate(dtn):
    """Returns a function of uint8 images and what it takes, for a converter."""
    copy = serving.in_float32(dtn)

    def translate(x):
        return {"translations": images.to_uint8(copy(images.to_model(x)))}

    spec = serving.input_spec(dtn, serving.contract(dtn).channels)
    return tf.function(translate, autograph=False), spec


@contextlib.contextmanager
def _quietly(name):
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _words(terms):
    """What README.md has in its gaps."""
    side, channels = terms["input"]["shape"][-2:]
    painted = terms["output"]["shape"][-1]
    mode = {1: "L", 3: "RGB"}[channels]
    square = _SQUARES[terms["fit"]].format(side=side)
    example = _EXAMPLES[terms["format"]].format(side=side, channels=channels)
    return {
        **terms,
        **{"side": side, "channels": channels, "painted": painted, "mode": mode},
        "how": _HOW[terms["fit"]],
        "colour": {1: "gray", 3: "RGB"}[channels],
        "drawn": {1: "gray", 3: "RGB"}[painted],
        "more": _MORE.get(terms["format"], ""),
        "example": _OPEN.format(mode=mode, square=square, side=side, channels=channels) + example,
    }


_HOW = {
    "crop": "the largest square in the centre, scaled",
    "pad": "the whole image, its longer side as long as the square, in the centre of white",
}
_README = """# {net} as {format}

Translates images: G of a Domain Transfer Network, made by `dtn_tf`.

- **In:** uint8 `(n, {side}, {side}, {channels})`, {colour}, 0 to 255, any n from 1.
- **Out:** uint8 `(n, {side}, {side}, {painted})`, {drawn}, 0 to 255.
{more}- **Squares:** {how} to {side} x {side} pixels, bilinear, with antialias where it shrinks;
  turned as EXIF says, transparent parts on white.
- **Weights:** {origin} Their hash is `{weights}`.
- **Licence:** The code that made this is under the MIT licence. The weights were learnt from
  images: the terms of these images are those of the weights, too.

```python
{example}
```

`contract.json` says the same to programs.
"""
_MORE = {
    "savedmodel": """- **Also:** `translate` takes uint16, and float32 in [0, 1], too. The signature
  `serving_default` takes float32 in [0, 1] alone.
""",
}
_OPEN = """import numpy as np
from PIL import Image, ImageOps
image = ImageOps.exif_transpose(Image.open("photo.png")).convert("RGBA")
white = Image.new("RGBA", image.size, "white")
image = Image.alpha_composite(white, image).convert("{mode}")
{square}
x = np.asarray(square).reshape(1, {side}, {side}, {channels})
"""
# By whole pixels, as `decode` does it; ImageOps.fit and ImageOps.pad take halves of pixels.
_SQUARES = {
    "crop": """shorter = min(image.size)
left, top = (image.width - shorter) // 2, (image.height - shorter) // 2
box = (left, top, left + shorter, top + shorter)
square = image.resize(({side}, {side}), Image.Resampling.BILINEAR, box)""",
    "pad": """sides = [max(1, round(n * {side} / max(image.size))) for n in image.size]
part = image.resize(sides, Image.Resampling.BILINEAR)
square = Image.new(image.mode, ({side}, {side}), "white")
square.paste(part, (({side} - part.width) // 2, ({side} - part.height) // 2))""",
}
_EXAMPLES = {
    "savedmodel": """import tensorflow as tf
model = tf.saved_model.load("model")  # keep it: it owns the weights
gx = model.translate(x).numpy()""",
    "onnx": """import onnxruntime
session = onnxruntime.InferenceSession("dtn.onnx")
gx = session.run(None, {{"images": x}})[0]""",
    "litert": """from ai_edge_litert.interpreter import Interpreter
runner = Interpreter("dtn.tflite").get_signature_runner()
gx = runner(images=x)["translations"]""",
}
