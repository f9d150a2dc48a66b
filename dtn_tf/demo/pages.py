"""The files of the page: the same ones for the server and for a folder without Python."""

import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
BACK_ENDS = ("server.js", "onnx.js")  # one of them becomes back_end.js

# What a page may load and talk to: itself alone. No style or script in the HTML.
_RULES = (
    "default-src 'none'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self';"
    " base-uri 'none'; form-action 'none';"
)
SERVED = f"{_RULES} script-src 'self'; connect-src 'self'"
STATIC = f"{_RULES} script-src 'self' blob: 'wasm-unsafe-eval'; connect-src 'none'"

# With every answer of the server.
HEADERS = {
    "Content-Security-Policy": f"{SERVED}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def of(back_end, rules):
    """Returns the page's files.

    Args:
        back_end: One of `BACK_ENDS`: who translates.
        rules: Content-Security-Policy, `SERVED` or `STATIC`.

    Returns:
        Dict, name -> bytes.
    """
    found = {p.name: p.read_bytes() for p in FOLDER.iterdir() if p.suffix in TYPES}
    found["back_end.js"] = found[back_end]
    html = found["index.html"].decode("utf-8")
    found["index.html"] = html.replace("CONTENT_SECURITY_POLICY", rules).encode("utf-8")
    return {name: data for name, data in found.items() if name not in BACK_ENDS}
