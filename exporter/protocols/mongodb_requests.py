"""The client's direction of a MongoDB connection."""

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Nanoseconds, Operation
from exporter.protocols import bson
from exporter.protocols.base import Match, ParseError
from exporter.protocols.compressed import snappy_head, zlib_head
from exporter.protocols.mongodb_commands import OTHER, command_of, operation_of, with_collection
from exporter.protocols.mongodb_match import match_request, message_size
from exporter.protocols.mongodb_session import (
    ASKING,
    COMMAND,
    COMPRESSED,
    HEADER_BYTES,
    KILL_CURSORS,
    LEGACY,
    MORE_TO_COME,
    MSG,
    QUERY,
    MongoSession,
)

LONGEST_NAMESPACE = 256
WANTED_BYTES = HEADER_BYTES + 4 + LONGEST_NAMESPACE + 8 + bson.LONGEST_NAME + 32
UNANSWERED = frozenset(LEGACY) - {QUERY, 2005}
# A sequence of documents that comes before the command's own document tells which command it belongs to.
SEQUENCES = {
    b"documents": Operation("insert"),
    b"updates": Operation("update"),
    b"deletes": Operation("delete"),
    b"ops": Operation("bulkWrite"),
}
WRAPPED = frozenset((b"$query", b"query"))
NOOP, SNAPPY, ZLIB = 0, 1, 2


class Requests:
    """The client's messages (`framed.Language`)."""

    __slots__ = ("_session",)
    wanted = WANTED_BYTES
    untimed = True

    def __init__(self, session: MongoSession) -> None:
        self._session = session

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a request."""
        return message_size(buffer, start, end)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a request; what asks for no answer is one-way."""
        if len(head) < HEADER_BYTES:
            return
        opcode = bson.little(head, 12)
        if opcode not in ASKING:
            raise ParseError(f"a MongoDB request of type {opcode}")
        identifier = bson.little(head, 4)
        body = head[HEADER_BYTES:]
        if opcode == COMPRESSED:
            opcode, body = uncompressed(body)
        operation = _operation(opcode, body)
        if opcode == QUERY and _asks_for_documents(body):
            self._session.expect_documents(identifier)
        one_way = opcode in UNANSWERED or (opcode == MSG and bool(bson.little(body, 0) & MORE_TO_COME))
        kind = Kind.ONE_WAY if one_way else Kind.REQUEST
        out.append(Message(kind, first_at, last_at, size, operation, correlation=identifier))

    def judge(self, data: bytes) -> Match:
        """Return whether a request begins here."""
        return match_request(data)

    def lose(self) -> None:
        """Requests were lost."""


def uncompressed(body: bytes) -> tuple[int, bytes]:
    """Return the opcode and the beginning of the body of a compressed message; no body where it cannot be read."""
    opcode, packed = bson.little(body, 0), body[9:]
    compressor = body[8] if len(body) > 8 else -1
    if compressor == NOOP:
        return opcode, packed
    if compressor == SNAPPY:
        return opcode, snappy_head(packed, WANTED_BYTES)
    if compressor == ZLIB:
        return opcode, zlib_head(packed, WANTED_BYTES)
    return opcode, b""


def _operation(opcode: int, body: bytes) -> Operation:
    if not body:
        return LEGACY.get(opcode, UNKNOWN_OPERATION) if opcode != QUERY else UNKNOWN_OPERATION
    if opcode == MSG:
        return _of_sections(body)
    if opcode == COMMAND:
        return operation_of(body.split(b"\0", 2)[1]) if body.count(b"\0") > 1 else OTHER
    namespace, zero, rest = body[4:].partition(b"\0")
    if opcode == KILL_CURSORS or not zero:
        return LEGACY.get(opcode, OTHER)
    if opcode != QUERY or b".$cmd" not in namespace:
        return with_collection(LEGACY.get(opcode, OTHER), namespace)
    return _of_document(rest[8:])


def _asks_for_documents(body: bytes) -> bool:
    """Return whether an old query is no command in disguise."""
    return bool(body) and b".$cmd" not in body[4:].partition(b"\0")[0]


def _of_sections(body: bytes) -> Operation:
    """Return the operation of an OP_MSG by its first section."""
    if body[4:5] == b"\1":
        return SEQUENCES.get(body[9:].partition(b"\0")[0], OTHER)
    return _of_document(body[5:])


def _of_document(document: bytes) -> Operation:
    """Return the command that a document's first name is; of an older client's wrapped one, that of the inner."""
    name, zero, value = document[5:].partition(b"\0")
    if zero and name in WRAPPED and document[4] == bson.DOCUMENT:
        return _of_document(value)
    return command_of(document, name, value) if zero else _begun(name)


def _begun(name: bytes) -> Operation:
    """Return the likeliest command for the beginning of a name, where no more was captured."""
    text = name.decode("latin-1")
    return next((operation for operation in FREQUENT if text and operation.name.startswith(text)), OTHER)


FREQUENT = tuple(
    Operation(name)
    for name in (
        *("find", "insert", "update", "delete", "aggregate", "getMore", "hello", "isMaster", "ismaster", "count"),
        *("findAndModify", "distinct", "ping", "endSessions", "killCursors", "commitTransaction", "saslStart"),
    )
)
"""What a cut name is most likely to be, likeliest first."""
