"""Pieces of a buffer, and numbers and line ends in it; `pieces.pxd` has the twins that compiled modules use.

Those read the buffer in place, where Python makes a slice, its bounds and a call of each.
"""


def _number(buffer: bytes | bytearray, at: int, size: int, order: str) -> int:
    if at < 0 or at + size > len(buffer):
        raise IndexError(f"{size} bytes at {at} of {len(buffer)}")
    return int.from_bytes(buffer[at : at + size], "big" if order == "big" else "little")


def piece(buffer: bytes | bytearray, start: int, end: int) -> bytes:
    """Return the bytes from `start` up to `end`, or as far as there are any; neither may be negative."""
    return bytes(buffer[start:end])


def capitals(buffer: bytes | bytearray, start: int, end: int) -> bytes:
    """Return the same with its ASCII letters in capitals."""
    return piece(buffer, start, end).upper()


def octet(buffer: bytes | bytearray, at: int) -> int:
    """Return the byte at `at`; an IndexError outside, as for the others."""
    return _number(buffer, at, 1, "big")


def big32(buffer: bytes | bytearray, at: int) -> int:
    """Return the 32-bit big-endian number at `at`."""
    return _number(buffer, at, 4, "big")


def little24(buffer: bytes | bytearray, at: int) -> int:
    """Return the 24-bit little-endian number at `at`."""
    return _number(buffer, at, 3, "little")


def line_feed(buffer: bytes | bytearray, start: int) -> int:
    """Return where the first line feed from `start` on is; -1 without one."""
    return buffer.find(b"\n", start)
