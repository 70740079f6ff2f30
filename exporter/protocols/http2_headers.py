"""Header blocks of HTTP/2 (HPACK, RFC 7541), as far as a passive observer needs and can know them.

The hpack library decodes only what it saw from the first byte, and all of it. This reads the few fields that matter,
leaves other values unread, and goes on with a table of which the older entries are unknown: indices count from the
newest entry, so what was inserted since is known. Entries that the encoder evicted are kept: it never refers to them.

Where blocks were lost, so were the entries that they inserted: none as a rule, and seldom more than a few. Which number
it was is told by the next blocks, as only one makes the names of their fields follow each other as they did before.
Until that is certain only what holds for every number is told.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from zlib import crc32

from hpack import HPACKError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from exporter.protocols.base import ParseError
from exporter.protocols.remembered import remembered

MAX_VALUE_BYTES = 256
# What 64 KB, browsers' usual limit, hold of entries that are not tiny; the default is 4 KB.
MAX_ENTRIES = 1024
CACHED_VALUES = 4096
MAX_SHAPES = 32  # sequences of names that are remembered, none longer than
MAX_FIELDS = 32
MAX_MISSED = 8  # entries that lost blocks may have inserted
DOUBTED_ENTRIES = 96  # kept in doubt: 4 KB, the default, hold 60 of usual length
NEWEST = 48  # entries that an encoder has not evicted yet, as a rule
DOUBTED_BLOCKS = 64  # after so many the doubt will not end any more


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


Entry = tuple[int, bytes, int]
"""A field, its value if it matters, and a number that stands for its name."""
UNKNOWN: Entry = (Field.UNKNOWN, b"", 0)
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
_FIRST = {name: place for place, (name, _) in reversed(list(enumerate(HeaderTable.STATIC_TABLE, 1)))}
STATIC: tuple[Entry, ...] = (
    UNKNOWN,
    *(
        (NAMES.get(name, Field.OTHER), value if name in NAMES else b"", _FIRST[name])
        for name, value in HeaderTable.STATIC_TABLE
    ),
)
AUTHORITY, LAST_PSEUDO = _FIRST[b":authority"], _FIRST[b":status"]
SPELT = {form: place for name, place in _FIRST.items() for form in (name, _ENCODER.encode(name))}


def _named(name: bytes) -> int:
    """Return the number of a name that is spelt out, Huffman-coded or not."""
    return SPELT.get(name) or crc32(name) | 1 << 32


def _name_numbers(*names: bytes) -> frozenset[int]:
    """Return the numbers of names, as they are and Huffman-coded."""
    return frozenset(_named(form) for name in names for form in (name, _ENCODER.encode(name)))


# What one connection says with the same value throughout: a block that was lost did not insert it again.
LASTING = _name_numbers(
    *(b":authority", b":scheme", b"user-agent", b"accept", b"accept-encoding", b"te", b"grpc-accept-encoding")
)
GRPC_TYPE = b"application/grpc"


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


@remembered(CACHED_VALUES)
def _recalled(value: bytes, field: int) -> bytes:
    """Return the same as `_decoded`, of a value that comes again."""
    return _decoded(value, field)


def _decoded(value: bytes, field: int) -> bytes:
    """Return what a Huffman-coded value says, as much as is kept of it; empty if it is malformed."""
    try:
        return _kept(decode_huffman(value), field)
    except HPACKError:
        return b""


def _kept(value: bytes, field: int) -> bytes:
    """Return what is kept of a value for as long as the table refers to it: of a path nothing behind the route."""
    return value[: value.find(b"?") + 1] if field == Field.PATH and b"?" in value else value


class HeaderDecoder:
    """One direction's table.

    While it is in doubt there is a guess for each number of entries that may have been missed, each a decoder.
    """

    __slots__ = ("_blocks", "_doubted", "_entries", "_fresh", "_guesses", "_lasting", "_names", "_shapes")

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._shapes: set[tuple[int, ...]] = set()  # the names of the blocks so far
        self._names: list[int] = []  # of the block being read
        self._fresh = 0  # entries since the doubt began
        self._lasting = 0  # older entries that the block refers to and that are the same throughout
        self._guesses: list[HeaderDecoder] = []
        self._blocks = 0  # in doubt
        self._doubted = False  # whether a doubt has been ended

    def forget(self) -> None:
        """Nothing in the table is where it was."""
        self._entries.clear()
        self._guesses.clear()
        self._doubted = False

    def doubt(self) -> None:
        """Blocks were lost: some entries may have been inserted unseen."""
        entries = self._guesses[0]._entries if self._guesses else self._entries
        if not entries or (self._guesses and self._guesses[0]._fresh):
            self.forget()
            return
        old = list(islice(entries, DOUBTED_ENTRIES))
        self._guesses.clear()
        for missed in range(MAX_MISSED + 1):
            guess = HeaderDecoder()
            guess._entries.extend([UNKNOWN] * missed + old)
            self._guesses.append(guess)
        self._entries.clear()
        self._blocks = 0

    def knows_success(self) -> bool:
        """Return whether the table surely holds that a call succeeded: other entries that are referred to say else."""
        if self._guesses:
            return False
        return any(field == Field.GRPC_STATUS and value == b"0" for field, value, _ in islice(self._entries, NEWEST))

    def decode(self, block: bytes, torn: bool = False) -> Headers:
        """Return what a block says; one whose end is missing says what it can and makes the table doubtful.

        Args:
            block: its bytes.
            torn: whether more of it passed unseen.

        Raises:
            ParseError: the bytes are no header block.
        """
        if self._guesses:
            return self._decode_in_doubt(block, torn)
        values: dict[int, bytes] = {}
        whole = self._read(block, values) and not torn
        if self._doubted and not _in_order(self._names):
            self.forget()
            return Headers(unknown=True)
        if not whole:
            values[Field.UNKNOWN] = b""
            self.doubt()
        elif Field.UNKNOWN not in values and len(self._names) <= MAX_FIELDS and len(self._shapes) < MAX_SHAPES:
            self._shapes.add(tuple(self._names))
        return _headers(values)

    def _decode_in_doubt(self, block: bytes, torn: bool) -> Headers:
        """Return what all guesses that the block leaves say."""
        told: list[dict[int, bytes]] = []
        fitting: list[int] = []
        whole = True
        for place, guess in enumerate(self._guesses):
            values: dict[int, bytes] = {}
            whole = guess._read(block, values) and not torn
            told.append(values)
            if whole and self._fits(guess._names):
                fitting.append(place)
        lasting = [place for place in fitting if self._guesses[place]._lasting]
        left = lasting or fitting or list(range(len(told)))
        headers = _headers(_agreed([told[place] for place in left]))
        self._guesses = [self._guesses[place] for place in left]
        self._blocks += 1
        if not whole:
            headers.unknown = True
            self.doubt()
        elif len(self._guesses) == 1:
            self._entries = self._guesses.pop()._entries
            self._doubted = True
        elif self._blocks >= DOUBTED_BLOCKS:
            self.forget()
        return headers

    def _fits(self, names: list[int]) -> bool:
        """Return whether names, as far as they are known, have followed each other so before.

        Where none have, as the first block was torn, those of a request must be in order.
        """
        if not self._shapes:
            return AUTHORITY in names and _in_order(names)
        return any(
            len(shape) == len(names) and all(name in (0, known) for name, known in zip(names, shape, strict=True))
            for shape in self._shapes
        )

    def _read(self, block: bytes, values: dict[int, bytes]) -> bool:
        """Read a block's values; return whether it was whole."""
        self._names = []
        self._lasting = 0
        at, end = 0, len(block)
        try:
            while at < end:
                first = block[at]
                if first & 0x80:
                    index, at = (first & 0x7F, at + 1) if first != 0xFF else _integer(block, at, 0x7F)
                    field, value, name = self._entry(index)
                    values.setdefault(field, value)
                    self._names.append(name)
                elif first & 0xE0 == 0x20:
                    _, at = _integer(block, at, 0x1F)
                else:
                    at = self._literal(block, at, values)
        except IndexError:
            return False
        return True

    def _entry(self, index: int) -> Entry:
        if index < len(STATIC):
            if index == 0:
                raise ParseError("a header field has index 0")
            return STATIC[index]
        index -= len(STATIC)
        if index >= len(self._entries):
            return UNKNOWN
        entry = self._entries[index]
        if index >= self._fresh and (entry[2] in LASTING or entry[1].startswith(GRPC_TYPE)):
            self._lasting += 1
        return entry

    def _literal(self, block: bytes, at: int, values: dict[int, bytes]) -> int:
        inserted = block[at] & 0x40
        index, at = _integer(block, at, 0x3F if inserted else 0x0F)
        if index:
            field, _, named = self._entry(index)
        else:
            begin, size, coded, at = _string(block, at)
            name = block[begin : begin + size]
            field = (CODED_NAMES if coded else NAMES).get(name, Field.OTHER)
            named = _named(name)
        begin, size, coded, at = _string(block, at)
        value = b""
        if field > Field.UNKNOWN:
            raw = block[begin : begin + min(size, MAX_VALUE_BYTES)]
            if not coded:
                value = _kept(raw, field)
            elif field == Field.TRACEPARENT:  # each is another one
                value = _decoded(raw, field)
            else:
                value = _recalled(raw, field)
        values.setdefault(field, value)
        self._names.append(named)
        if inserted:
            self._entries.appendleft((field, value, named))
            self._fresh += 1
        return at


def _in_order(names: list[int]) -> bool:
    """Return whether pseudo-header fields, as far as names are known, come before the others, and once."""
    known = [name for name in names if name]
    pseudo = [name for name in known if name <= LAST_PSEUDO]
    return known[: len(pseudo)] == pseudo and len(pseudo) == len(set(pseudo))


def _headers(values: dict[int, bytes]) -> Headers:
    return Headers(
        values.get(Field.METHOD, b""),
        values.get(Field.PATH, b""),
        values.get(Field.STATUS, b""),
        values.get(Field.CONTENT_TYPE, b""),
        values.get(Field.GRPC_STATUS, b""),
        values.get(Field.TRACEPARENT, b""),
        Field.UNKNOWN in values,
    )


def _agreed(told: list[dict[int, bytes]]) -> dict[int, bytes]:
    """Return what all tellings have in common; a field that is not is unknown."""
    agreed = {field: value for field, value in told[0].items() if all(one.get(field) == value for one in told)}
    if any(len(one) > len(agreed) for one in told):
        agreed[Field.UNKNOWN] = b""
    return agreed


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
