"""Reads capture files, pcap and pcapng, gzipped or not, in bounded memory.

`feed` drives an engine and is the fast way: classic pcap goes to it in blocks. `read` yields packets one by one.

Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import BinaryIO, Literal, Protocol

from exporter.model import Nanoseconds
from exporter.sources import pcapng
from exporter.sources.bytestream import ByteStream
from exporter.sources.errors import SourceError
from exporter.sources.packet import CapturedPacket

ByteOrder = Literal["little", "big"]

CHUNK_BYTES = 1 << 19  # what is read at once stays in the cache until it was decoded
MAX_RECORD_BYTES = 1 << 24  # beyond any snap length in use: the length is garbage
HEADER_BYTES = 24
RECORD_BYTES = 16
# Magic numbers of classic pcap as they lie in the file: byte order, nanoseconds per unit of the time's fraction.
FORMATS: dict[bytes, tuple[ByteOrder, int]] = {
    b"\xd4\xc3\xb2\xa1": ("little", 1000),
    b"\xa1\xb2\xc3\xd4": ("big", 1000),
    b"\x4d\x3c\xb2\xa1": ("little", 1),
    b"\xa1\xb2\x3c\x4d": ("big", 1),
}


class Sink(Protocol):
    """What the packets of a file are fed to; `exporter.net.engine.Engine` is one."""

    def records(self, data: mmap, start: int, swapped: bool, fraction_ns: int, link: int, end: int) -> int:
        """Read the whole classic records in `data` from `start` to `end`; return where the rest begins."""
        ...

    def frame(self, data: bytes, link: int, wire: int, at: Nanoseconds) -> None:
        """Read one packet."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """What the header of a classic file says.

    Attributes:
        order: of the bytes of numbers.
        fraction_ns: nanoseconds per unit of the time's fraction.
        link: the LINKTYPE_ of every packet.
    """

    order: ByteOrder
    fraction_ns: int
    link: int

    def number(self, data: bytes, at: int) -> int:
        """Return the 32-bit number at `at`."""
        return int.from_bytes(data[at : at + 4], self.order)


def feed(stream: BinaryIO, sink: Sink) -> None:
    """Feed every packet of a capture to `sink`.

    Raises:
        SourceError: the file is no capture, or ends or goes wrong midway; what came before was fed.
    """
    source = ByteStream(stream)
    start = source.exactly(4)
    if start == pcapng.MAGIC:
        for packet in pcapng.packets(source):
            sink.frame(packet.data, packet.link, packet.wire_length, packet.at)
    else:
        _feed_classic(_header(start, source), source, sink)


def read(stream: BinaryIO) -> Iterator[CapturedPacket]:
    """Yield the packets of a capture.

    Raises:
        SourceError: as `feed`, after what was readable was yielded.
    """
    source = ByteStream(stream)
    start = source.exactly(4)
    if start == pcapng.MAGIC:
        yield from pcapng.packets(source)
        return
    form = _header(start, source)
    while record := source.some(RECORD_BYTES):
        offset = source.offset - len(record)
        record += source.exactly(RECORD_BYTES - len(record))
        length = form.number(record, 8)
        _check(length, offset)
        data = source.exactly(length)
        at = form.number(record, 0) * 1_000_000_000 + form.number(record, 4) * form.fraction_ns
        yield CapturedPacket(data, form.link, form.number(record, 12), at)


def _feed_classic(form: Format, source: ByteStream, sink: Sink) -> None:
    # A mapping is reused for every chunk, and unlike a bytearray it gives payloads as bytes.
    buffer = mmap(-1, CHUNK_BYTES)
    held = 0
    while count := _fill(source, buffer, held):
        held += count
        used = sink.records(buffer, 0, form.order == "big", form.fraction_ns, form.link, held)
        buffer.move(0, used, held - used)
        held -= used
        if held >= RECORD_BYTES:
            length = form.number(buffer[:RECORD_BYTES], 8)
            _check(length, source.offset - held)
            if RECORD_BYTES + length > len(buffer):
                larger = mmap(-1, RECORD_BYTES + length)
                larger[:held] = buffer[:held]
                buffer = larger
    if held:
        raise source.truncated(source.offset - held)


def _fill(source: ByteStream, buffer: mmap, start: int) -> int:
    with memoryview(buffer) as whole, whole[start:] as free:
        return source.into(free)


def _header(start: bytes, source: ByteStream) -> Format:
    """Read the file header behind the magic number."""
    if start not in FORMATS:
        raise SourceError(f"not a pcap or pcapng file: it begins with {start.hex() or 'nothing'}, at offset 0")
    order, fraction_ns = FORMATS[start]
    header = start + source.exactly(HEADER_BYTES - len(start))
    # The upper bits of the link type tell the length of a frame check sequence.
    return Format(order, fraction_ns, int.from_bytes(header[20:24], order) & 0xFFFF)


def _check(length: int, offset: int) -> None:
    if length > MAX_RECORD_BYTES:
        raise SourceError(f"a record of {length} bytes at offset {offset}: the file is damaged")
