"""Some ninety odd files that lie in folders of images, and what should come of each.

A picture shows four quadrants; what it should look like is the colours of these, worked out by
hand. `IMAGES` maps a file's name to `Odd`; `BROKEN`, `OTHERS` and `HIDDEN` map names to bytes
or to functions of a path.
"""

import io
import struct
import typing
import zlib

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

SIDE = 32
RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
WHITE, BLACK, PINK = (255, 255, 255), (0, 0, 0), (255, 127, 127)
COLOURS = (RED, GREEN, BLUE, YELLOW)  # top left, top right, bottom left, bottom right
GRAYS = ((255,) * 3, (0,) * 3, (128,) * 3, (64,) * 3)
LUMA = ((76,) * 3, (150,) * 3, (29,) * 3, (226,) * 3)  # of COLOURS, ITU-R BT.601
BITS = (WHITE, BLACK, BLACK, WHITE)


class Odd(typing.NamedTuple):
    """An image file: how it is written, and the colours of its quadrants."""

    write: typing.Callable
    colours: tuple = COLOURS
    tolerance: float = 1.0  # levels


def quadrants(values, dtype=np.uint8, side=SIDE):
    """Returns an array of four values, each a number or a tuple."""
    values = np.array(values, dtype)
    return values.reshape(2, 2, *values.shape[1:]).repeat(side // 2, 0).repeat(side // 2, 1)


def picture(mode="RGB"):
    """Returns the coloured picture in a mode of Pillow."""
    return Image.fromarray(quadrants(COLOURS)).convert(mode)


def _saved(image, **how):
    return lambda path: image.save(path, **how)


def _as(file_format, image=None, **how):
    return lambda path: (image or picture()).save(path, file_format, **how)


def _array(values, dtype, **how):
    return _saved(Image.fromarray(quadrants(values, dtype)), **how)


def _raw(data):
    return lambda path: path.write_bytes(data)


def _png(kind, depth, rows, width=SIDE, height=SIDE, extra=()):
    """Returns a PNG made by hand: `rows` are bytes, each without its filter byte."""
    head = struct.pack(">2I5B", width, height, depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", head), *extra, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d))
        for name, d in parts
    )


def _png16(kind, values, extra=()):
    return _raw(_png(kind, 16, [row.tobytes() for row in quadrants(values, ">u2")], extra=extra))


def _qoi():
    """Every pixel written out: https://qoiformat.org/qoi-specification.pdf"""
    head = b"qoif" + struct.pack(">2I2B", SIDE, SIDE, 3, 0)
    pixels = quadrants(COLOURS).reshape(-1, 3)
    return head + b"".join(b"\xfe" + pixel.tobytes() for pixel in pixels) + bytes(7) + b"\1"


def _exif(orientation, **how):
    """As a camera held otherwise writes it; the tag says how to turn it back."""
    turns = (None, 0, 3, 1, 5, 2, 6, 4)  # of Pillow: how an upright picture gets there
    turn = turns[orientation - 1]
    image = picture() if turn is None else picture().transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _saved(image, exif=exif, **how)


def _wide():
    wide = np.zeros((SIDE, 3 * SIDE, 3), np.uint8)
    wide[:, SIDE : 2 * SIDE] = quadrants(COLOURS)
    return wide


def _masked(mode):
    """Red where opaque, and black that must not be seen where it is transparent."""
    rgba = quadrants(((255, 0, 0, 255), (0, 0, 0, 0), (0, 0, 0, 0), (255, 0, 0, 128)))
    return Image.fromarray(rgba).convert(mode)


def _palette():
    image = Image.fromarray(quadrants((0, 1, 2, 3))).copy()
    image.putpalette([c for colour in COLOURS for c in colour])
    return image


def _lab():
    srgb, lab = (ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
    return ImageCms.applyTransform(picture(), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))


def _frames(file_format, **how):
    others = [Image.new("RGB", (SIDE, SIDE), BLACK)] * 2
    return _as(file_format, save_all=True, append_images=others, **how)


def _icc():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _bad_exif(path):
    picture().save(path, "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\1")


def _interlaced_text(path):
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "Ä" * 100_000, zip=True)
    picture().save(path, "PNG", pnginfo=info)


_MASK = (RED, WHITE, WHITE, PINK)
_JPEG = dict(format="JPEG", quality=95, subsampling=0)

IMAGES = {
    # Names.
    "plain.png": Odd(_as("PNG")),
    "UPPER.PNG": Odd(_as("PNG")),
    "MiXed.JpEg": Odd(_saved(picture(), **_JPEG), tolerance=4),
    "Größe 猫 🐈.png": Odd(_as("PNG")),
    "new\nline.png": Odd(_as("PNG")),
    "two.dots.and spaces .png": Odd(_as("PNG")),
    "no_suffix": Odd(_as("PNG")),
    "a_png.jpg": Odd(_as("PNG")),
    "a_jpeg.png": Odd(_saved(picture(), **_JPEG), tolerance=4),
    # Formats.
    "photo.jpg": Odd(_saved(picture(), **_JPEG), tolerance=4),
    "progressive.jfif": Odd(_saved(picture(), progressive=True, **_JPEG), tolerance=4),
    "windows.bmp": Odd(_as("BMP")),
    "still.gif": Odd(_as("GIF")),
    "lossless.webp": Odd(_as("WEBP", lossless=True)),
    "new.avif": Odd(_as("AVIF", quality=95), tolerance=12),
    "film.jp2": Odd(_as("JPEG2000")),
    "lzw.tiff": Odd(_as("TIFF", compression="tiff_lzw")),
    "jpeg_inside.TIF": Odd(_as("TIFF", compression="jpeg", quality=95), tolerance=12),
    "portable.ppm": Odd(_as("PPM")),
    "targa.tga": Odd(_as("TGA")),
    "paintbrush.pcx": Odd(_as("PCX")),
    "silicon.sgi": Odd(_as("SGI")),
    "quite_ok.qoi": Odd(_raw(_qoi())),
    "icon.ico": Odd(_as("ICO", sizes=[(SIDE, SIDE)])),
    "apple.icns": Odd(_as("ICNS", picture().resize((128, 128), 0))),
    "game.dds": Odd(_as("DDS")),
    "two_pictures.mpo": Odd(_frames("MPO", quality=95, subsampling=0), tolerance=4),
    "bitmap.xbm": Odd(_as("XBM", picture("1")), LUMA, tolerance=256),  # dots: any gray
    # Turned by EXIF.
    **{f"turned_{k}.jpg": Odd(_exif(k, **_JPEG), tolerance=4) for k in range(1, 9)},
    "turned_6.png": Odd(_exif(6, format="PNG")),
    "turned_6.webp": Odd(_exif(6, format="WEBP", lossless=True)),
    "turned_8.tiff": Odd(_exif(8, format="TIFF")),
    "bad_exif.jpg": Odd(_bad_exif, tolerance=12),
    # Gray, palettes, few bits.
    "gray.png": Odd(_array(GRAYS, np.uint8), GRAYS),
    "gray.jpg": Odd(_saved(picture("L"), **_JPEG), LUMA, tolerance=4),
    "bits.png": Odd(_saved(Image.fromarray(quadrants((255, 0, 0, 255))).convert("1")), BITS),
    "fax.tif": Odd(
        _as(
            "TIFF", Image.fromarray(quadrants((255, 0, 0, 255))).convert("1"), compression="group4"
        ),
        BITS,
    ),
    "palette.png": Odd(_saved(_palette())),
    "palette.gif": Odd(_saved(_palette())),
    "palette.bmp": Odd(_saved(_palette())),
    # Transparent parts show white.
    "alpha.png": Odd(_saved(_masked("RGBA")), _MASK),
    "alpha.webp": Odd(_saved(_masked("RGBA"), lossless=True, exact=True), _MASK),
    "alpha.tiff": Odd(_saved(_masked("RGBA")), _MASK),
    "alpha.tga": Odd(_saved(_masked("RGBA")), _MASK),
    "gray_alpha.png": Odd(
        _saved(Image.fromarray(quadrants(((0, 255), (0, 0), (99, 0), (0, 128))))),
        (BLACK, WHITE, WHITE, (127, 127, 127)),
    ),
    "palette_alpha.png": Odd(
        _saved(_palette(), transparency=bytes([255, 0, 0, 128])),
        (RED, WHITE, WHITE, (255, 255, 127)),
    ),
    "palette_alpha.gif": Odd(_saved(_palette(), transparency=1), (RED, WHITE, BLUE, YELLOW)),
    "colour_key.png": Odd(_saved(picture(), transparency=GREEN), (RED, WHITE, BLUE, YELLOW)),
    "gray_key.png": Odd(
        _saved(Image.fromarray(quadrants((255, 0, 128, 64))), transparency=128),
        (WHITE, BLACK, WHITE, (64, 64, 64)),
    ),
    "unseen.png": Odd(_saved(Image.new("RGBA", (SIDE, SIDE))), (WHITE,) * 4),
    # Print.
    "cmyk.jpg": Odd(_saved(picture("CMYK"), **_JPEG), tolerance=4),
    "cmyk.tif": Odd(_saved(picture("CMYK"))),
    "lab.tif": Odd(_saved(_lab()), tolerance=25),
    "profile.png": Odd(_saved(picture(), icc_profile=_icc())),
    "bad_profile.jpg": Odd(_saved(picture(), icc_profile=b"none", **_JPEG), tolerance=4),
    # More than 8 bits.
    "gray16.png": Odd(_array((65535, 0, 32896, 16448), np.uint16), GRAYS),
    "gray16.tif": Odd(_array((65535, 0, 32896, 16448), np.uint16), GRAYS),
    "gray16_big.tif": Odd(
        _saved(
            Image.frombytes(
                "I;16B", (SIDE, SIDE), quadrants((65535, 0, 32896, 16448), ">u2").tobytes()
            )
        ),
        GRAYS,
    ),
    "gray16.pgm": Odd(
        _raw(b"P5 32 32 65535 " + quadrants((65535, 0, 32896, 16448), ">u2").tobytes()), GRAYS
    ),
    "rgb16.png": Odd(_png16(2, np.array(COLOURS) * 257)),
    "rgba16.png": Odd(
        _png16(6, ((65535, 0, 0, 65535), (0, 0, 0, 0), (0, 0, 0, 0), (65535, 0, 0, 32896))), _MASK
    ),
    "levels32.tif": Odd(_array((255, 0, 128, 64), np.int32), GRAYS),
    "sixteen_in_32.tif": Odd(_array((65535, 0, 32896, 16448), np.int32), GRAYS),
    "float_to_1.tif": Odd(_array((1.0, 0.0, 128 / 255, 64 / 255), np.float32), GRAYS),
    "float_to_255.tif": Odd(_array((255, 0, 128, 64), np.float32), GRAYS),
    "float_signed.tif": Odd(_array((1.0, -1.0, 1 / 255, -127 / 255), np.float32), GRAYS),
    "float_large.tif": Odd(_array((1.02e6, 0.0, 0.512e6, 0.256e6), np.float32), GRAYS),
    # More than one picture.
    "moving.gif": Odd(_frames("GIF")),
    "moving.png": Odd(_frames("PNG")),
    "moving.webp": Odd(_frames("WEBP", lossless=True)),
    "pages.tiff": Odd(_frames("TIFF")),
    # Sizes and shapes.
    "one_pixel.png": Odd(_saved(Image.new("RGB", (1, 1), RED)), (RED,) * 4),
    "line.png": Odd(_saved(Image.new("RGB", (3000, 1), BLUE)), (BLUE,) * 4),
    "column.gif": Odd(_saved(Image.new("RGB", (1, 999), BLUE)), (BLUE,) * 4),
    "wide.png": Odd(_saved(Image.fromarray(_wide()))),
    "tall.png": Odd(
        _saved(Image.fromarray(_wide().swapaxes(0, 1).copy())), (RED, BLUE, GREEN, YELLOW)
    ),
    "huge.jpg": Odd(_saved(picture().resize((2050, 2000), 0), **_JPEG), tolerance=4),
    "huge.png": Odd(_as("PNG", picture().resize((1501, 1500), 0), compress_level=1)),
    "much_text.png": Odd(_interlaced_text),
}


def _bytes(file_format="PNG", **how):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    Image.fromarray(noise).save(file, file_format, **how)
    return file.getvalue()


def _large():
    file = io.BytesIO()
    Image.new("L", (900, 900)).save(file, "PNG")
    return file.getvalue()


def _flipped(data, place):
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


def iptc(data, side):
    """An IPTC file with another file in it, whose head says that it is a square of such a side."""
    fields = ((3, 60, b"\1\0"), (3, 20, bytes([side])), (3, 30, bytes([side])), (3, 120, b"\5"))
    head = b"".join(struct.pack(">3BH", 28, a, b, len(v)) + v for a, b, v in fields)
    return head + struct.pack(">4BI", 28, 8, 10, 132, len(data)) + data + b"\x1c\x09\0\0\0"


def _tiff_of(values):
    file = io.BytesIO()
    Image.fromarray(quadrants(values, np.float32)).save(file, "TIFF")
    return file.getvalue()


BROKEN = {
    "empty.png": b"",
    "text.jpg": b"not a picture",
    "page.gif": b"<!DOCTYPE html><title>404 Not Found</title>",
    "torn.png": _bytes()[:1000],
    "torn.jpg": _bytes("JPEG")[:500],
    "torn.gif": _bytes("GIF")[:700],
    "torn.webp": _bytes("WEBP")[:300],
    "torn.tif": _bytes("TIFF")[:500],
    "head_only.bmp": _bytes("BMP")[:54],
    "flipped.png": _flipped(_bytes(), 700),
    "zeros.png": bytes(5000),
    "no_size.png": _png(2, 8, [], width=0, height=0),
    "bomb.png": _png(2, 8, [], width=60_000, height=60_000),
    "not_numbers.tif": _tiff_of((np.nan, 0, 1, 2)),
    "endless.tif": _tiff_of((np.inf, 0, 1, 2)),
    "iptc.png": iptc(_large(), 16),
}
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
OTHERS = {
    "notes.txt": b"text",
    "README": b"no suffix, no image",
    "labels.csv": b"a,b\n",
    "archive.zip": b"PK\3\4",
    "film.mp4": b"\0\0\0\x18ftypisom",
    "film.mpg": b"\0\0\1\xb3",
    "arrays.h5": b"\x89HDF\r\n\x1a\n",
    "drawing.eps": EPS,
    "drawing.svg": b"<svg/>",
    "news.iim": iptc(EPS, 9),
    "phone.HEIC": b"\0\0\0\x18ftypheic",
}
HIDDEN = {
    ".DS_Store": b"\0\0\0\1Bud1",
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "desktop.ini": b"[.ShellClassInfo]",
    "._plain.png": b"\0\5\x16\7",
    ".hidden.png": _bytes(),
    ".cache/thumbnail.png": _bytes(),
    "__MACOSX/._plain.png": b"\0\5\x16\7",
}


def write(directory, *kinds):
    """Writes the files of some of the tables above into a folder."""
    for kind in kinds:
        for name, what in kind.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            what.write(path) if isinstance(what, Odd) else path.write_bytes(what)
