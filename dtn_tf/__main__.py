"""Uses a trained network: python -m dtn_tf COMMAND ... (or: dtn COMMAND ...)

translate RUN_OR_NAME INPUT OUTPUT
    translates image files: a file, a folder or a quoted pattern
export RUN_OR_NAME --format=savedmodel,onnx,litert --out=DIR
    writes the network for other programs
demo RUN_OR_NAME
    opens a page to try it on, or writes the page as files: --static=DIR

RUN_OR_NAME is the directory of a finished run, or the name of weights that come with dtn_tf.
python -m dtn_tf COMMAND --help says more. To train and to score: train_main.py, eval_main.py.
"""

if __name__ == "__main__":  # before what takes half a second to import
    from dtn_tf import early

    early.handle()

import inspect
import sys
import warnings

from absl import flags

from dtn_tf import cli
from dtn_tf.errors import Interrupted, UserError


def translate(argv):
    """Translates image files: python -m dtn_tf translate RUN_OR_NAME INPUT OUTPUT

    python -m dtn_tf translate runs/svhn-dtn photos/ digits/
    python -m dtn_tf translate runs/svhn-dtn 'photos/**/*.jpg' digits/ --grid

    INPUT: an image (PNG, JPEG, WebP, TIFF and others that Pillow decodes), a folder with all
    folders in it, or a pattern in quotes. OUTPUT: a folder, or for one image a file that ends in
    .png. Names and sub-folders are kept, translations are PNG. The same command goes on where it
    was stopped. The exit code is 1 if a file could not be translated; the others are.
    """
    name, source, output = _words(argv, "RUN_OR_NAME", "INPUT", "OUTPUT")
    from dtn_tf import jobs, weights

    warnings.filterwarnings("ignore", module="PIL")  # of what it reads all the same
    weights.require(name)  # before TensorFlow is waited for
    found = jobs.find(source, output)
    print(f"Loading {name} ...", flush=True)
    cli.load_tensorflow()
    from dtn_tf import serving, translating

    how = {flag: flags.FLAGS[flag].value for flag in _TRANSLATE}
    counts = translating.translate_files(serving.load(name), source, output, found=found, **how)
    return 1 if counts.failed else 0


def export(argv):
    """Writes a network for other programs: python -m dtn_tf export RUN_OR_NAME --out=DIR

    python -m dtn_tf export runs/svhn-dtn --format=onnx,litert --out=exported

    Each format gets a folder in DIR, with a README.md: what goes in, what comes out, an example.
    All take uint8 images (n, size, size, channels), any n, and give uint8, in float32 inside.
    ONNX needs packages that pip install -e '.[export]' brings.
    """
    (name,) = _words(argv, "RUN_OR_NAME")
    from dtn_tf import weights

    weights.require(name)
    cli.load_tensorflow()
    from dtn_tf import exporting, serving

    formats, out = flags.FLAGS["format"].value, flags.FLAGS["out"].value
    exporting.require(formats)
    for path in exporting.export(serving.load(name), formats, out):
        print(path, flush=True)


def demo(argv):
    """Serves a page to try a network on: python -m dtn_tf demo RUN_OR_NAME

    python -m dtn_tf demo runs/svhn-dtn
    python -m dtn_tf demo runs/svhn-dtn --static=page

    The page is for this machine alone, at the address that is printed; Ctrl-C ends it. Drop,
    paste, photograph or draw an image. --static writes the same page as files that need no
    Python: put the folder on any web server, or open its index.html. This needs npm and
    packages that pip install -e '.[export]' brings.
    """
    (name,) = _words(argv, "RUN_OR_NAME")
    port, folder = flags.FLAGS["port"].value, flags.FLAGS["static"].value
    node_modules = flags.FLAGS["node_modules"].value
    if folder is None and node_modules is not None:
        raise UserError(
            "--node_modules is read with --static=DIR alone. Add that, or leave it out."
        )
    if folder is not None and port is not None:
        raise UserError("--static writes files, and --port serves. Leave one of them out.")
    from dtn_tf import weights

    weights.require(name)
    try:
        _show(name, port, folder, node_modules)
    except Interrupted as stopped:
        raise Interrupted(
            "nothing was stored. The same command starts the page again.",
            stopped.number,
        ) from None


def _show(name, port, folder, node_modules):
    """Serves the page, or writes it where a folder is given."""
    print(f"Loading {name} ...", flush=True)
    warnings.filterwarnings("ignore", module="PIL")
    cli.load_tensorflow()
    from dtn_tf.demo import bank, facts, model, server, static

    if folder is not None:
        static.check(folder)
    net, run = model.load(name)
    known = facts.of(net, run)
    if folder is None:
        server.serve(bank.attached(net, run), known, port)
    else:
        print(f"{static.write(net, known, folder, node_modules)}/index.html", flush=True)


_TRANSLATE = ("resize", "fit", "grid", "overwrite")


def _translate_flags():
    flags.DEFINE_enum(
        "resize",
        "native",
        ("native", "input"),
        "Size of translations. native: as the network paints them. input: enlarged to the size"
        " of the square that was cut from the image.",
    )
    flags.DEFINE_enum(
        "fit",
        None,
        ("crop", "pad"),
        "How an image becomes a square. crop: its centre. pad: all of it, on white. Unset: as"
        " the network was trained.",
    )
    flags.DEFINE_bool("grid", False, "Also write contact sheets: images and their translations.")
    flags.DEFINE_bool(
        "overwrite", False, "Translate again what is there, also by other weights or settings."
    )
    return _TRANSLATE


def _export_flags():
    flags.DEFINE_list("format", "savedmodel", "Any of savedmodel, onnx, litert, with commas.")
    cli.define_path("out", None, "Folder for them.", required=True)
    return ("format", "out")


def _demo_flags():
    flags.DEFINE_integer(
        "port",
        None,
        "To serve at, 0 for any that is free. Unset: 8000, or the next that is free.",
        lower_bound=0,
        upper_bound=65535,
    )
    cli.define_path("static", None, "Folder to write the page into, instead of serving it.")
    cli.define_path(
        "node_modules",
        None,
        "With --static: folder where npm has installed onnxruntime-web. Unset: npm brings it.",
    )
    return ("port", "static", "node_modules")


_COMMANDS = {
    "translate": (translate, _translate_flags),
    "export": (export, _export_flags),
    "demo": (demo, _demo_flags),
}


def main():
    """Runs the command that the first word names, under its own flags."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    sys.modules["__main__"].__doc__ = __doc__  # what absl's --help prints
    if name not in _COMMANDS:
        cli.run(_no_command, [sys.argv[0], *(sys.argv[1:] or ["--help"])])
    command, define = _COMMANDS[name]
    sys.modules["__main__"].__doc__ = inspect.cleandoc(command.__doc__)
    for flag in define():
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[flag])
    cli.run(command, [sys.argv[0], *sys.argv[2:]])


def _no_command(argv):
    word = argv[1] if len(argv) > 1 else ""
    raise UserError(
        f"{word!r} is no command; expected one of {', '.join(_COMMANDS)}. See"
        " python -m dtn_tf --help."
    )


def _words(argv, *names):
    """Returns the words of a command; says what is missing or too much."""
    if len(argv) - 1 != len(names):
        raise UserError(
            f"Got {len(argv) - 1} words ({' '.join(argv[1:4])}{' ...' if argv[4:] else ''});"
            f" expected {' '.join(names)}. A pattern needs quotes."
        )
    return argv[1:]


if __name__ == "__main__":
    main()
