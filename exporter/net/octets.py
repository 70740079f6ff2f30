"""Big- and little-endian numbers at any place of a view; `octets.pxd` has the twins that compiled modules use.

Each checks its bounds once, where reading byte by byte would check once a byte.
"""


def _number(memory: memoryview, at: int, size: int, order: str) -> int:
    if at < 0 or at + size > len(memory):
        raise IndexError(f"{size} bytes at {at} of {len(memory)}")
    return int.from_bytes(memory[at : at + size], "big" if order == "big" else "little")


def big16(memory: memoryview, at: int) -> int:
    """Return the 16-bit big-endian number at `at`; an IndexError outside, as for the others."""
    return _number(memory, at, 2, "big")


def big32(memory: memoryview, at: int) -> int:
    """Return the 32-bit big-endian number at `at`."""
    return _number(memory, at, 4, "big")


def big64(memory: memoryview, at: int) -> int:
    """Return the 64-bit big-endian number at `at`."""
    return _number(memory, at, 8, "big")


def little32(memory: memoryview, at: int) -> int:
    """Return the 32-bit little-endian number at `at`."""
    return _number(memory, at, 4, "little")


def prefetch(memory: memoryview, at: int) -> None:
    """Have the cache fetch the 64-bit word at `at` of a view of such words; a hint, of which Python has no use."""


def acquire() -> None:
    """Read what follows after what went before, which another processor writes last."""
