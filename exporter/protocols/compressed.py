"""The beginnings of compressed blocks, as much as tells what a message is."""

import zlib

from exporter.protocols.base import ParseError


def zlib_head(data: bytes, wanted: int) -> bytes:
    """Return up to `wanted` bytes of what zlib compressed; fewer where `data` is cut.

    Raises:
        ParseError: it is not zlib's.
    """
    try:
        return zlib.decompressobj().decompress(data, wanted)
    except zlib.error as error:
        raise ParseError("bytes that zlib did not compress") from error


def snappy_head(data: bytes, wanted: int) -> bytes:
    """Return up to `wanted` bytes of what Snappy compressed; fewer where `data` is cut.

    Source: https://github.com/google/snappy/blob/main/format_description.txt
    """
    position = 0
    while position < len(data) and data[position] & 0x80:
        position += 1  # the length of the whole
    position += 1
    out = bytearray()
    while position < len(data) and len(out) < wanted:
        tag = data[position]
        position += 1
        kind, length = tag & 3, tag >> 2
        if kind == 0:
            if length >= 60:
                digits = length - 59
                length = int.from_bytes(data[position : position + digits], "little")
                position += digits
            out += data[position : position + min(length + 1, wanted)]
            position += length + 1
            continue
        if kind == 1:
            length = 4 + (length & 7)
            digits, high = 1, (tag >> 5) << 8
        else:
            length += 1
            digits, high = (2 if kind == 2 else 4), 0
        if not _copy(out, high | int.from_bytes(data[position : position + digits], "little"), length):
            break
        position += digits
    return bytes(out[:wanted])


def lz4_head(data: bytes, wanted: int) -> bytes:
    """Return up to `wanted` bytes of what is in an LZ4 block; fewer where `data` is cut.

    Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
    """
    position, end = 0, len(data)
    out = bytearray()
    while position < end and len(out) < wanted:
        token = data[position]
        length, position = _lz4_length(data, position + 1, token >> 4)
        out += data[position : position + length]
        position += length
        if position + 2 > end:
            break
        offset = int.from_bytes(data[position : position + 2], "little")
        length, position = _lz4_length(data, position + 2, token & 15)
        if not _copy(out, offset, min(length + 4, wanted)):
            break
    return bytes(out[:wanted])


def _lz4_length(data: bytes, position: int, length: int) -> tuple[int, int]:
    if length == 15:
        while position < len(data):
            length += data[position]
            position += 1
            if data[position - 1] != 255:
                break
    return length, position


def _copy(out: bytearray, offset: int, length: int) -> bool:
    """Append `length` bytes from `offset` before the end, which they may reach beyond; return whether that exists."""
    if not 0 < offset <= len(out):
        return False
    start = len(out) - offset
    piece = out[start : start + length]
    out += (piece * (length // len(piece) + 1))[:length]
    return True
