"""Connections of Cassandra."""

from collections.abc import Callable

from exporter.protocols.cassandra_segments import crc24
from tests.exporter.protocols.conversing import Step, client, server
from tests.exporter.protocols.sample import SECRET, Sample

OPTIONS, SUPPORTED, STARTUP, READY, QUERY, RESULT, PREPARE, EXECUTE, BATCH = 5, 6, 1, 2, 7, 8, 9, 10, 13
ERROR, EVENT = 0, 12
IDENTIFIER = bytes(range(100, 116))


def envelope(version: int, stream: int, opcode: int, body: bytes = b"", flags: int = 0) -> bytes:
    """Return a message of version 3 or later."""
    return bytes((version, flags)) + stream.to_bytes(2, "big", signed=True) + bytes((opcode,)) + length(body, 4)


def length(content: bytes, digits: int) -> bytes:
    """Return bytes behind their length."""
    return len(content).to_bytes(digits, "big") + content


def segment(payload: bytes) -> bytes:
    """Return a segment of version 5, not compressed."""
    head = (len(payload) | 1 << 17).to_bytes(3, "little")
    return head + crc24(head).to_bytes(3, "little") + payload + b"crc!"


def packed(payload: bytes) -> bytes:
    """Return a compressed segment of version 5, by LZ4 as one literal."""
    rest = len(payload) - 15
    block = b"\xf0" + b"\xff" * (rest // 255) + bytes((rest % 255,)) + payload
    head = (len(block) | len(payload) << 17 | 1 << 34).to_bytes(5, "little")
    return head + crc24(head).to_bytes(3, "little") + block + b"crc!"


def query(text: bytes) -> bytes:
    """Return a query's body."""
    return length(text, 4) + b"\0\x01\0"


ROWS = b"\0\0\0\2\0\0\0\1\0\0\0\1\0\2ks\0\1t\0\1k\0\x0d\0\0\0\1" + length(SECRET, 4)
VOID = b"\0\0\0\1"
PREPARED = b"\0\0\0\4" + length(IDENTIFIER, 2) + b"\0" * 12
EXECUTED = length(IDENTIFIER, 2) + b"\0\x01\x01\0\1" + length(SECRET, 4)
BATCHED = (
    b"\0\0\2\0" + length(b"INSERT INTO t VALUES ('" + SECRET + b"')", 4) + b"\0\0\1" + length(IDENTIFIER, 2) + b"\0" * 5
)
INVALID = b"\0\0\x22\0" + length(b"no " + SECRET, 2)


def opening(version: int) -> tuple[Step, ...]:
    """Return how a session starts."""
    options = b"\0\1" + length(b"CQL_VERSION", 2) + length(b"3.0.0", 2)
    supported = b"\0\1" + length(b"CQL_VERSION", 2) + b"\0\1" + length(b"3.4.4", 2)
    return (
        client(envelope(version, 0, OPTIONS)),
        server(envelope(version | 0x80, 0, SUPPORTED, supported)),
        client(envelope(version, 1, STARTUP, options)),
        server(envelope(version | 0x80, 1, READY)),
    )


def session(version: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return requests and answers of a session, the client's and the server's in turn."""
    told = version | 0x80
    return (
        (
            envelope(version, 2, QUERY, query(b"SELECT * FROM t WHERE k='" + SECRET + b"'")),
            envelope(told, 2, RESULT, ROWS),
        ),
        (
            envelope(version, 3, PREPARE, length(b"update t set v=? where k=?", 4)),
            envelope(told, -1, EVENT, length(b"STATUS_CHANGE", 2) + length(b"UP", 2) + b"\4\x7f\0\0\1\0\0\x23\x52")
            + envelope(told, 3, RESULT, PREPARED),
        ),
        (
            envelope(version, 4, EXECUTE, EXECUTED) + envelope(version, 5, BATCH, BATCHED),
            envelope(told, 5, ERROR, INVALID) + envelope(told, 4, RESULT, b"t" * 16 + VOID, 2),
        ),
    )


def steps(version: int, wrapped: Callable[[bytes], bytes]) -> tuple[Step, ...]:
    """Return a session, each side's messages wrapped."""
    return tuple(step for asked, told in session(version) for step in (client(wrapped(asked)), server(wrapped(told))))


OPERATIONS = ("SELECT", "PREPARE", "BATCH", "UPDATE")
SAMPLES = (
    Sample("version 4", (*opening(4), *steps(4, bytes)), ("OPTIONS", "STARTUP", *OPERATIONS)),
    Sample("version 3, joined", steps(3, bytes), OPERATIONS),
    Sample("version 5, joined", steps(5, segment), OPERATIONS),
    Sample("version 5, compressed", steps(5, packed), OPERATIONS),
)
