"""What CQL's native protocol calls a frame up to version 4 and an envelope from version 5 on.

Source: https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v5.spec and the versions before it.
"""

from dataclasses import dataclass

from exporter.protocols.base import ParseError
from exporter.protocols.compressed import lz4_head, snappy_head

ANSWERING = 0x80  # the bit of the version that tells the direction
LATEST = 6
FRAMED_SINCE = 5
MAX_BODY_BYTES = 256 << 20
COMPRESSED, TRACED, PAYLOAD, WARNED, BETA = 1, 2, 4, 8, 16
ERROR, STARTUP, READY, AUTHENTICATE, CREDENTIALS, OPTIONS, SUPPORTED, QUERY, RESULT = range(9)
PREPARE, EXECUTE, REGISTER, EVENT, BATCH, AUTH_CHALLENGE, AUTH_RESPONSE, AUTH_SUCCESS = range(9, 17)
REQUESTS = frozenset((STARTUP, CREDENTIALS, OPTIONS, QUERY, PREPARE, EXECUTE, REGISTER, BATCH, AUTH_RESPONSE))
ANSWERS = frozenset((ERROR, READY, AUTHENTICATE, SUPPORTED, RESULT, EVENT, AUTH_CHALLENGE, AUTH_SUCCESS))
VOID, ROWS, SET_KEYSPACE, PREPARED, SCHEMA_CHANGE = range(1, 6)
LEAST_HEADER, HEADER = 8, 9
MAX_SKIPPED = 64  # warnings, or entries of a custom payload, in front of a body


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message, as much of it as is needed.

    Attributes:
        version: without the bit of the direction.
        stream: what pairs a request with its answer; negative for events.
        body: the beginning of its body, uncompressed, without what flags put in front of it.
    """

    version: int
    flags: int
    stream: int
    opcode: int
    length: int
    body: bytes


def number(buffer: bytes | bytearray, at: int, digits: int) -> int:
    """Return the big-endian number in the bytes at `at`."""
    return int.from_bytes(buffer[at : at + digits], "big")


def envelope_size(buffer: bytes | bytearray, start: int, end: int, answering: int) -> int:
    """Return the size of the envelope that begins at `start`; 0 if more bytes are needed.

    Raises:
        ParseError: none of this direction begins there.
    """
    version = buffer[start] ^ answering
    header = HEADER if version >= 3 else LEAST_HEADER
    if not 1 <= version <= LATEST:
        raise ParseError(f"CQL of version {version}")
    if end - start < header:
        return 0
    opcode = buffer[start + header - 5]
    length = number(buffer, start + header - 4, 4)
    if opcode not in (ANSWERS if answering else REQUESTS) or length > MAX_BODY_BYTES:
        raise ParseError(f"a CQL message of type {opcode} and {length} bytes")
    return header + length


def envelope(head: bytes, answering: int) -> Envelope:
    """Return what a header and the beginning of a body say."""
    version, flags = head[0] ^ answering, head[1]
    header = HEADER if version >= 3 else LEAST_HEADER
    stream = int.from_bytes(head[2 : header - 5], "big", signed=True)
    body = head[header:]
    if flags & COMPRESSED and version < FRAMED_SINCE:
        body = _uncompressed(body, len(head))
    body = body[_in_front(body, flags, answering) :]
    return Envelope(version, flags, stream, head[header - 5], number(head, header - 4, 4), body)


def _uncompressed(body: bytes, wanted: int) -> bytes:
    """Return the beginning of what LZ4 or Snappy compressed; LZ4's length is in four bytes, the first of them zero."""
    return lz4_head(body[4:], wanted) if body[:1] == b"\0" else snappy_head(body, wanted)


def _in_front(body: bytes, flags: int, answering: int) -> int:
    """Return how many bytes of a body belong to its flags: a trace's identifier, warnings, a custom payload."""
    at = 16 if answering and flags & TRACED else 0
    if flags & WARNED and answering:
        count = number(body, at, 2)
        at += 2
        for _ in range(min(count, MAX_SKIPPED)):
            at += 2 + number(body, at, 2)
    if flags & PAYLOAD:
        count = number(body, at, 2)
        at += 2
        for _ in range(min(count, MAX_SKIPPED)):
            at += 2 + number(body, at, 2)
            at += 4 + max(0, int.from_bytes(body[at : at + 4], "big", signed=True))
    return at
