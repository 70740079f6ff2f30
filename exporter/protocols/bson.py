"""As much of BSON (https://bsonspec.org/spec.html) as finding top-level elements takes."""

from exporter.protocols.base import ParseError

LEAST_DOCUMENT = 5
MAX_DOCUMENT_BYTES = 64 << 20  # 16 MiB, and what a server adds to it
# Types by the size of their value where it is fixed.
FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0xFF: 0, 0x7F: 0}
# Types whose value begins with a length, by what that leaves out.
PREFIXED = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4, 0x0F: 0}
REGULAR_EXPRESSION = 0x0B  # two strings that end with a zero
DOUBLE, STRING, DOCUMENT, BOOLEAN, INT32, INT64 = 0x01, 0x02, 0x03, 0x08, 0x10, 0x12
LONGEST_NAME = 128
TYPES = frozenset(FIXED) | frozenset(PREFIXED) | {REGULAR_EXPRESSION}


def little(buffer: bytes | bytearray, at: int) -> int:
    """Return the little-endian number in the four bytes at `at`."""
    return int.from_bytes(buffer[at : at + 4], "little")


def name_end(buffer: bytes | bytearray, start: int, end: int) -> int:
    """Return where the zero behind the name that begins at `start` is; -1 if it is not there yet.

    Raises:
        ParseError: the name is too long to be one of a command or an answer.
    """
    found = buffer.find(b"\0", start, min(end, start + LONGEST_NAME))
    if found < 0 and end - start >= LONGEST_NAME:
        raise ParseError("an endless name in BSON")
    return found


def value_size(kind: int, buffer: bytes | bytearray, start: int, end: int) -> int:
    """Return the size of the value of type `kind` that begins at `start`; -1 if more bytes are needed.

    Raises:
        ParseError: there is no such type, or the size is out of bounds.
    """
    fixed = FIXED.get(kind)
    if fixed is not None:
        return fixed
    if kind == REGULAR_EXPRESSION:
        pattern = name_end(buffer, start, end)
        flags = name_end(buffer, pattern + 1, end) if pattern >= 0 else -1
        return flags + 1 - start if flags >= 0 else -1
    beside = PREFIXED.get(kind)
    if beside is None:
        raise ParseError(f"BSON of type {kind}")
    if end - start < 4:
        return -1
    size = little(buffer, start) + beside
    if not 4 <= size <= MAX_DOCUMENT_BYTES:
        raise ParseError(f"a BSON value of {size} bytes")
    return size
