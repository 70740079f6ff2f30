"""Header blocks of HTTP/2 (HPACK, RFC 7541), as far as a passive observer needs and can know them.

The hpack library decodes only what it saw from the first byte, and all of it. This reads the few fields that matter,
leaves other values unread, and goes on with a table of which the older entries are unknown: indices count from the
newest entry, so what was inserted since is known. Entries that the encoder evicted are kept: it never refers to them.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from hpack import HPACKError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from exporter.protocols.base import ParseError

MAX_VALUE_BYTES = 256
# What 64 KB, browsers' usual limit, hold of entries that are not tiny; the default is 4 KB.
MAX_ENTRIES = 1024
CACHED_VALUES = 4096


class Field(IntEnum):
    """The fields that matter."""

    OTHER = 0
    UNKNOWN = 1  # an entry from before the connection was joined
    METHOD = 2
    PATH = 3
    STATUS = 4
    CONTENT_TYPE = 5
    GRPC_STATUS = 6
    TRACEPARENT = 7


Entry = tuple[int, bytes]
OTHER: Entry = (Field.OTHER, b"")
UNKNOWN: Entry = (Field.UNKNOWN, b"")
NAMES = {
    b":method": Field.METHOD,
    b":path": Field.PATH,
    b":status": Field.STATUS,
    b"content-type": Field.CONTENT_TYPE,
    b"grpc-status": Field.GRPC_STATUS,
    b"traceparent": Field.TRACEPARENT,
}
_ENCODER = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
CODED_NAMES = {_ENCODER.encode(name): field for name, field in NAMES.items()}
STATIC: tuple[Entry, ...] = (
    UNKNOWN,
    *((NAMES[name], value) if name in NAMES else OTHER for name, value in HeaderTable.STATIC_TABLE),
)


@dataclass(slots=True)
class Headers:
    """The values of a block's fields that matter, empty where absent; `unknown` if some field could not be known."""

    method: bytes = b""
    path: bytes = b""
    status: bytes = b""
    content_type: bytes = b""
    grpc_status: bytes = b""
    traceparent: bytes = b""
    unknown: bool = False


@lru_cache(CACHED_VALUES)
def _decoded(value: bytes) -> bytes:
    """Return what a Huffman-coded value says; empty if it is malformed."""
    try:
        return decode_huffman(value)
    except HPACKError:
        return b""


class HeaderDecoder:
    """One direction's table."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)

    def forget(self) -> None:
        """Blocks were lost: nothing in the table is where it was."""
        self._entries.clear()

    def decode(self, block: bytes) -> Headers:
        """Return what a block says; one that is cut short says what it can and makes the table unknown.

        Raises:
            ParseError: the bytes are no header block.
        """
        values: dict[int, bytes] = {}
        at, end = 0, len(block)
        try:
            while at < end:
                first = block[at]
                if first & 0x80:
                    index, at = (first & 0x7F, at + 1) if first != 0xFF else _integer(block, at, 0x7F)
                    field, value = self._entry(index)
                    values.setdefault(field, value)
                elif first & 0xE0 == 0x20:
                    _, at = _integer(block, at, 0x1F)
                else:
                    at = self._literal(block, at, values)
        except IndexError:
            self.forget()
            values[Field.UNKNOWN] = b""
        return Headers(
            values.get(Field.METHOD, b""),
            values.get(Field.PATH, b""),
            values.get(Field.STATUS, b""),
            values.get(Field.CONTENT_TYPE, b""),
            values.get(Field.GRPC_STATUS, b""),
            values.get(Field.TRACEPARENT, b""),
            Field.UNKNOWN in values,
        )

    def _entry(self, index: int) -> Entry:
        if index < len(STATIC):
            if index == 0:
                raise ParseError("a header field has index 0")
            return STATIC[index]
        index -= len(STATIC)
        return self._entries[index] if index < len(self._entries) else UNKNOWN

    def _literal(self, block: bytes, at: int, values: dict[int, bytes]) -> int:
        inserted = block[at] & 0x40
        index, at = _integer(block, at, 0x3F if inserted else 0x0F)
        if index:
            field = self._entry(index)[0]
        else:
            begin, size, coded, at = _string(block, at)
            name = block[begin : begin + size]
            field = (CODED_NAMES if coded else NAMES).get(name, Field.OTHER)
        begin, size, coded, at = _string(block, at)
        entry = OTHER
        if field > Field.UNKNOWN:
            raw = block[begin : begin + min(size, MAX_VALUE_BYTES)]
            decode = _decoded if field != Field.TRACEPARENT else _decoded.__wrapped__  # each is another one
            entry = (field, decode(raw) if coded else raw)
        elif field == Field.UNKNOWN:
            entry = UNKNOWN
        values.setdefault(*entry)
        if inserted:
            self._entries.appendleft(entry)
        return at


def _integer(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """Return the integer whose prefix is `mask` and where it ends; IndexError if it is cut short."""
    value = block[at] & mask
    at += 1
    if value < mask:
        return value, at
    for shift in range(0, 35, 7):
        more = block[at]
        at += 1
        value += (more & 0x7F) << shift
        if more < 0x80:
            return value, at
    raise ParseError("an integer in a header block is too long")


def _string(block: bytes, at: int) -> tuple[int, int, int, int]:
    """Return where a string begins, its length, whether it is Huffman-coded, and where it ends."""
    coded = block[at] & 0x80
    size, at = _integer(block, at, 0x7F)
    if at + size > len(block):
        raise IndexError
    return at, size, coded, at + size
