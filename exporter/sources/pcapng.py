"""Reads the blocks of pcapng; other blocks than packets and interfaces are passed over.

Source: draft-ietf-opsawg-pcapng.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from exporter.model import Nanoseconds
from exporter.sources.bytestream import ByteStream
from exporter.sources.errors import SourceError
from exporter.sources.packet import CapturedPacket

MAGIC = b"\x0a\x0d\x0d\x0a"
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
OPTION_TIME_UNIT, OPTION_TIME_OFFSET = 9, 14
MAX_BLOCK_BYTES = 1 << 24
MAX_INTERFACES = 65_536
LATEST: Nanoseconds = 1 << 62  # what a garbled time is bounded to


@dataclass(frozen=True, slots=True)
class Interface:
    """What an interface description says: link type, snap length (0: none), units a second and offset of times."""

    link: int
    snap_bytes: int
    units_per_second: int
    offset_seconds: int

    def time(self, high: int, low: int) -> Nanoseconds:
        """Return a timestamp in nanoseconds since the epoch."""
        units = high << 32 | low
        at = units * 1_000_000_000 // self.units_per_second + self.offset_seconds * 1_000_000_000
        return max(0, min(at, LATEST))


@dataclass(slots=True)
class Section:
    """The byte order and the interfaces of the current section, and the time of its last packet."""

    order: Literal["little", "big"] = "little"
    interfaces: list[Interface] = field(default_factory=list)
    last: Nanoseconds = 0

    def number(self, data: bytes, at: int, size: int = 4) -> int:
        """Return the number of `size` bytes at `at`."""
        return int.from_bytes(data[at : at + size], self.order)


def packets(source: ByteStream) -> Iterator[CapturedPacket]:
    """Yield the packets of a file whose first four bytes, the magic number, were read already.

    Raises:
        SourceError: the file ends midway or cannot be pcapng; what came before was yielded.
    """
    section = Section()
    kind_bytes = MAGIC
    offset = 0
    while kind_bytes:
        length_bytes = source.exactly(4)
        if kind_bytes == MAGIC:
            section = Section(_order(source.exactly(4), offset))
        kind = section.number(kind_bytes, 0)
        length = section.number(length_bytes, 0)
        _check(length, kind, offset)
        body = source.exactly(length - (16 if kind == SECTION else 12))
        source.exactly(4)  # the length once more
        if kind == INTERFACE:
            _describe(section, body, offset)
        elif kind in (PACKET, SIMPLE_PACKET, OLD_PACKET):
            yield _packet(section, kind, body, offset)
        offset = source.offset
        kind_bytes = source.some(4)
        if 0 < len(kind_bytes) < 4:
            raise source.truncated(offset)


def _order(mark: bytes, offset: int) -> Literal["little", "big"]:
    if mark == b"\x4d\x3c\x2b\x1a":
        return "little"
    if mark == b"\x1a\x2b\x3c\x4d":
        return "big"
    raise SourceError(f"not pcapng: byte-order mark {mark.hex()} in the section at offset {offset}")


def _check(length: int, kind: int, offset: int) -> None:
    if length % 4 or length < (16 if kind == SECTION else 12) or length > MAX_BLOCK_BYTES:
        raise SourceError(f"a pcapng block of {length} bytes at offset {offset}: the file is damaged")


def _describe(section: Section, body: bytes, offset: int) -> None:
    if len(body) < 8 or len(section.interfaces) >= MAX_INTERFACES:
        raise SourceError(f"a bad pcapng interface description at offset {offset}")
    units, shift = 1_000_000, 0
    at = 8
    while at + 4 <= len(body):
        code, size = section.number(body, at, 2), section.number(body, at + 2, 2)
        value = body[at + 4 : at + 4 + size]
        if code == OPTION_TIME_UNIT and size == 1 and value:
            units = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == OPTION_TIME_OFFSET and size == 8:
            shift = int.from_bytes(value, section.order, signed=True)
        at += 4 + (size + 3) // 4 * 4
    section.interfaces.append(Interface(section.number(body, 0, 2), section.number(body, 4), units, shift))


def _packet(section: Section, kind: int, body: bytes, offset: int) -> CapturedPacket:
    if kind == SIMPLE_PACKET:
        interface = _interface(section, 0, offset)
        wire = section.number(body, 0)
        captured = min(wire, interface.snap_bytes or wire)
        start = 4  # without a time: that of the packet before
    else:
        # The obsolete packet block has a 16-bit interface number before a count of drops.
        interface = _interface(section, section.number(body, 0, 4 if kind == PACKET else 2), offset)
        section.last = interface.time(section.number(body, 4), section.number(body, 8))
        captured, wire = section.number(body, 12), section.number(body, 16)
        start = 20
    if start + captured > len(body):
        raise SourceError(f"a pcapng packet of {captured} bytes in a smaller block at offset {offset}")
    return CapturedPacket(body[start : start + captured], interface.link, wire, section.last)


def _interface(section: Section, number: int, offset: int) -> Interface:
    if number >= len(section.interfaces):
        raise SourceError(f"a pcapng packet of the undescribed interface {number} at offset {offset}")
    return section.interfaces[number]
