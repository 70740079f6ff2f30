"""Tells MongoDB's wire protocol by its first bytes."""

from collections.abc import Callable

from exporter.protocols import bson
from exporter.protocols.base import Match, ParseError
from exporter.protocols.mongodb_session import (
    ANSWERING,
    ASKING,
    COMMAND,
    COMMAND_REPLY,
    COMPRESSED,
    DELETE,
    GET_MORE,
    HEADER_BYTES,
    INSERT,
    KILL_CURSORS,
    KNOWN_FLAGS,
    MAX_MESSAGE_BYTES,
    MSG,
    QUERY,
    REPLY,
    UPDATE,
)

NOBODY = (0, 0xFFFFFFFF)  # what a request answers; some clients write minus one
KNOWN_COMPRESSORS = b"\x03"
MOST_FLAGS = 1 << 10
PLAIN = bytes(range(0x21, 0x7F))


def message_size(buffer: bytes | bytearray, start: int, end: int) -> int:
    """Return the size of the message that begins at `start`; 0 if more bytes are needed.

    Raises:
        ParseError: none can be as long or as short.
    """
    if end - start < 4:
        return 0
    size = bson.little(buffer, start)
    if not HEADER_BYTES < size <= MAX_MESSAGE_BYTES:
        raise ParseError(f"a MongoDB message of {size} bytes")
    return size


def match(client: bytes, server: bytes) -> Match:
    """Judge by a request or an answer; each holds enough that nothing else is alike."""
    asked = match_request(client) if client else Match.NOT_YET
    told = match_reply(server) if server else Match.NOT_YET
    return Match.NO if Match.NO in (asked, told) else max(asked, told)


def match_request(client: bytes) -> Match:
    """Judge the client's bytes alone."""
    return _match(client, ASKING, answering=False)


def match_reply(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    return _match(server, ANSWERING, answering=True)


def _match(head: bytes, opcodes: frozenset[int], answering: bool) -> Match:
    if len(head) < HEADER_BYTES:
        # The highest byte of the size is small.
        return Match.NO if head[3:4] > b"\x02" else Match.NOT_YET
    size, opcode = bson.little(head, 0), bson.little(head, 12)
    if not HEADER_BYTES < size <= MAX_MESSAGE_BYTES or opcode not in opcodes:
        return Match.NO
    if (bson.little(head, 8) in NOBODY) is answering:
        return Match.NO
    return _match_body(opcode, head[HEADER_BYTES:size], size - HEADER_BYTES)


def _match_body(opcode: int, body: bytes, size: int) -> Match:
    if len(body) < min(size, 13):
        return Match.NOT_YET
    return (_match_namespace if opcode in NAMED else JUDGES[opcode])(body, size)


def _match_namespace(body: bytes, size: int) -> Match:
    """Judge the collection's name of an old request, behind a number that is small or none."""
    name, zero, _ = body[4:].partition(b"\0")
    plain = not name.translate(None, PLAIN) and bool(name) and (b"." in name or not zero)
    return _sound(plain and bson.little(body, 0) < MOST_FLAGS)


def _match_command(body: bytes, size: int) -> Match:
    return _sound(body[:1] != b"\0" and not body.partition(b"\0")[0].translate(None, PLAIN))


def _match_msg(body: bytes, size: int) -> Match:
    if bson.little(body, 0) & ~KNOWN_FLAGS or body[4:5] not in (b"\0", b"\1"):
        return Match.NO
    if body[4:5] == b"\1":
        return _sound(4 < bson.little(body, 5) < size and body[9:10].isalpha())
    return _match_document(body[5:], size - 5)


def _match_compressed(body: bytes, size: int) -> Match:
    return _sound(bson.little(body, 0) in ASKING | ANSWERING and body[8:9] <= KNOWN_COMPRESSORS)


def _match_old_reply(body: bytes, size: int) -> Match:
    if size == 20:
        return _sound(bson.little(body, 0) < 16 and bson.little(body, 16) == 0)
    return Match.NOT_YET if len(body) < 33 else _match_document(body[20:], size - 20)


def _match_killed_cursors(body: bytes, size: int) -> Match:
    return _sound(bson.little(body, 0) == 0 and size == 8 + 8 * bson.little(body, 4))


def _match_document(document: bytes, size: int) -> Match:
    """Judge a document's length and its first element's type and name."""
    if len(document) < 7:
        return _sound(document[:5] == b"\5\0\0\0\0") if len(document) >= 5 else Match.NOT_YET
    length, kind = bson.little(document, 0), document[4]
    if not bson.LEAST_DOCUMENT <= length <= size:
        return Match.NO
    if length == bson.LEAST_DOCUMENT:
        return _sound(kind == 0)
    name = document[5:].partition(b"\0")[0][: bson.LONGEST_NAME]
    return _sound(kind in bson.TYPES and not name.translate(None, PLAIN))


def _sound(fits: bool) -> Match:
    return Match.YES if fits else Match.NO


NAMED = frozenset((QUERY, UPDATE, INSERT, DELETE, GET_MORE))
JUDGES: dict[int, Callable[[bytes, int], Match]] = {
    MSG: _match_msg,
    COMPRESSED: _match_compressed,
    REPLY: _match_old_reply,
    COMMAND: _match_command,
    COMMAND_REPLY: _match_document,
    KILL_CURSORS: _match_killed_cursors,
}
