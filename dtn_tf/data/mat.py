"""Reads arrays from a MATLAB 5 file, and no more memory than they are allowed to take.

A few megabytes of a compressed file can unpack to all of memory, and a header can ask for as
much. Sizes are checked before anything is unpacked, and unpacking stops at them.

Source: "MAT-File Format", The MathWorks, chapter "Level 5 MAT-File Format".
"""

import math
import struct
import zlib

import numpy as np

_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
_DTYPES |= {12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15  # kinds of elements
_NUMBERS = range(6, 16)  # classes of matrices: double to uint64
_COMPLEX = 0x800
_HEADER = 128  # bytes: text, version, byte order
_CHUNK = 1 << 20
_LONGEST = 1024  # bytes of a name, or of dimensions


def read(path, limits):
    """Reads variables.

    Args:
        path: `pathlib.Path`.
        limits: Dict, name of a variable -> most bytes it may have. Others are passed over.

    Returns:
        Dict, name -> array in the dtype it is stored in, in Fortran order.

    Raises:
        ValueError: If the file is damaged, or has more than is allowed. Says why.
        OSError: If it cannot be read.
    """
    found = {}
    num_bytes = path.stat().st_size
    with open(path, "rb") as file:
        order = _byte_order(file.read(_HEADER))
        while file.tell() < num_bytes:
            kind, length = _tag(_Plain(file, num_bytes), order)
            end = file.tell() + length
            if end > num_bytes:
                raise ValueError("it ends early")
            if kind in (_MATRIX, _COMPRESSED):
                name, array = _variable(_opened(file, kind, end, order), order, limits)
                if array is not None:
                    found[name] = array
            file.seek(end)
    return found


def _byte_order(header):
    if len(header) == _HEADER and header[124:] == b"\x00\x01IM":
        return "<"
    if len(header) == _HEADER and header[124:] == b"\x01\x00MI":
        return ">"
    raise ValueError("it does not begin like one")


class _Plain:
    """Bytes of a file up to a place."""

    def __init__(self, file, end):
        self._file, self._end = file, end

    def read(self, count):
        """Returns exactly so many bytes."""
        if count > self._end - self._file.tell():
            raise ValueError("a part is longer than the whole")
        data = self._file.read(count)
        if len(data) != count:
            raise ValueError("it ends early")
        return data

    def check_end(self):
        """All that is there was read, but for padding."""


class _Inflated(_Plain):
    """The same of compressed bytes, unpacked no further than is read."""

    def __init__(self, file, end):
        super().__init__(file, end)
        self._unpacker, self._packed = zlib.decompressobj(), b""

    def read(self, count):
        parts, missing = [], count
        while missing and not self._unpacker.eof:
            if not self._packed:
                self._packed = self._file.read(min(_CHUNK, self._end - self._file.tell()))
            part = self._unpacker.decompress(self._packed, missing)
            if not part and not self._packed:
                break
            self._packed = self._unpacker.unconsumed_tail
            parts.append(part)
            missing -= len(part)
        if missing:
            raise ValueError("compressed data ends early")
        return b"".join(parts)

    def check_end(self):
        """zlib compares its checksum at the end of its data."""
        padding = 0
        while not self._unpacker.eof:
            packed = self._packed or self._file.read(min(_CHUNK, self._end - self._file.tell()))
            if not packed:
                raise ValueError("compressed data ends early")
            padding += len(self._unpacker.decompress(packed, 8))
            if padding >= 8:
                raise ValueError("compressed data goes on after its end")
            self._packed = self._unpacker.unconsumed_tail


def _opened(file, kind, end, order):
    """What a matrix is read from, behind its tag."""
    if kind == _MATRIX:
        return _Plain(file, end)
    stream = _Inflated(file, end)
    if _tag(stream, order)[0] != _MATRIX:
        raise ValueError("compressed data is no matrix")
    return stream


def _tag(stream, order):
    return struct.unpack(f"{order}II", stream.read(8))


def _element(stream, order):
    """Returns kind, length and, of a short one, the data that stands in its tag."""
    tag = stream.read(8)
    kind, length = struct.unpack(f"{order}II", tag)
    if kind >> 16:
        return kind & 0xFFFF, kind >> 16, tag[4 : 4 + (kind >> 16)]
    return kind, length, None


def _short(stream, order):
    """Data of an element of the matrix's head."""
    _, length, data = _element(stream, order)
    if data is None:
        if length > _LONGEST:
            raise ValueError(f"a head of {length:,} bytes")
        data = stream.read(length + -length % 8)[:length]
    return data


def _variable(stream, order, limits):
    """Returns the name of a variable, and the array if it is asked for."""
    flags = struct.unpack(f"{order}II", _short(stream, order))[0]
    dims = np.frombuffer(_short(stream, order), f"{order}i4").tolist()
    name = _short(stream, order).decode("ascii", "replace")
    if name not in limits:
        return name, None
    if flags & 0xFF not in _NUMBERS or flags & _COMPLEX or min(dims, default=-1) < 0:
        raise ValueError(f"{name} is no array of real numbers")
    kind, length, data = _element(stream, order)
    dtype = np.dtype(order + _DTYPES[kind]) if kind in _DTYPES else None
    if dtype is None or length != math.prod(dims) * dtype.itemsize:
        raise ValueError(f"{name} has {length:,} bytes and dimensions {tuple(dims)}")
    if length > limits[name]:
        raise ValueError(f"{name} has {length:,} bytes, at most {limits[name]:,} are expected")
    values = _values(stream, length) if data is None else np.frombuffer(data, np.uint8)
    stream.check_end()
    array = values.view(dtype).reshape(dims, order="F")
    return name, array.astype(dtype.newbyteorder("="), copy=False)


def _values(stream, length):
    values = np.empty(length, np.uint8)
    for start in range(0, length, _CHUNK):
        part = values[start : start + _CHUNK]
        part[:] = np.frombuffer(stream.read(len(part)), np.uint8)
    return values
