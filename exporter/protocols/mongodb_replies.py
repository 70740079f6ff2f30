"""The server's direction of a MongoDB connection."""

from exporter.model import Kind, Message, Nanoseconds
from exporter.protocols import bson
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import Match, ParseError
from exporter.protocols.mongodb_match import match_reply, message_size
from exporter.protocols.mongodb_requests import uncompressed
from exporter.protocols.mongodb_session import (
    ANSWERING,
    COMMAND_REPLY,
    COMPRESSED,
    HEADER_BYTES,
    MORE_TO_COME,
    MSG,
    MongoSession,
)

CURSOR_NOT_FOUND, QUERY_FAILURE = 1, 2
HEAD_BYTES = 56  # what is enough to judge an answer
REPLY_BYTES = HEADER_BYTES + 20 + 4  # to the length of an OP_REPLY's first document
COMPRESSED_BYTES = 512  # of what is compressed, and what is told in the first bytes of it
OK_BYTES = 12 + 1  # the element and the document's end
CLUSTER_TIME_BYTES, TIME_BYTES = 102, 23  # `$clusterTime` and `operationTime` of a replica set, where they follow
NUMBERS = frozenset((bson.DOUBLE, bson.INT32, bson.INT64, bson.BOOLEAN))


class Replies:
    """Reads how a command ended among the elements of its answer; their values pass unseen.

    Attributes:
        skip: how many of the next bytes need not be seen.
        seen: whether an answer was understood.
        malformed: how often bytes were not.
    """

    __slots__ = (
        "_backlog",
        "_code",
        "_failed",
        "_first_at",
        "_following",
        "_identifier",
        "_left",
        "_lost",
        "_push",
        "_session",
        "_size",
        "_to",
        "_walk",
        "malformed",
        "seen",
        "skip",
    )

    def __init__(self, session: MongoSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._identifier = self._to = 0
        self._left = 0  # bytes of the message that were not read yet
        self._walk = 0  # those of them that are elements to be looked at
        self._failed = False
        self._code = ""
        self._push = False
        self._following = -1  # the last answer's identifier if it announced another one that nobody asks for
        self._lost = False
        self.seen = False
        self.malformed = 0
        self.skip = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete.

        Raises:
            ParseError: this is another protocol.
        """
        if self._lost:
            if match_reply(data) < Match.MAYBE:
                return
            self._lost = False
        self._read(data, at, out)

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen; within an answer they hide how it ended, unless its length tells."""
        held = bytes(self._backlog.held)
        if 0 < size_bytes <= self.skip:
            self._pass(size_bytes, at, out)
            return
        if held and not self._left and match_reply(held) is Match.YES:
            self._head(held, message_size(held, 0, len(held)), self._backlog.since)
        if not size_bytes or size_bytes + len(held) > self._left:
            self.lose(at, out)
            return
        # Where the head is among what is held, the first element follows it.
        self._failed = self._failed or _begins_failure(held[self.skip :], self._walk)
        self._backlog.drop()
        self._walk = 0
        self.skip = self._left
        self._pass(size_bytes + len(held), at, out)

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next boundary."""
        self._left = self._walk = self.skip = 0
        self._lost = True
        self._backlog.drop()

    def _read(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self.skip:
                taken = min(self.skip, end - position)
                position += taken
                self._pass(taken, at, out)
            elif self._walk:
                if not self._element(buffer, position, end):
                    break
            else:
                size = message_size(buffer, position, end)
                head = bytes(buffer[position : position + size][:COMPRESSED_BYTES])
                if not self.seen and size and match_reply(head) is Match.NO:
                    raise ParseError("bytes that only look like an answer of MongoDB by their length")
                packed = bson.little(head, 12) == COMPRESSED
                if not size or len(head) < min(size, COMPRESSED_BYTES if packed else HEAD_BYTES):
                    break
                self._head(head, size, self._backlog.since if position == 0 else at)
        self._backlog.keep(buffer, position, at)

    def _pass(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        self.skip -= size_bytes
        self._left -= size_bytes
        if not self._left:
            self.seen = True
            kind = Kind.PUSH if self._push else Kind.RESPONSE
            status = self._code if self._failed else ""
            out.append(
                Message(kind, self._first_at, at, self._size, status=status, failed=self._failed, correlation=self._to)
            )

    def _head(self, head: bytes, size: int, at: Nanoseconds) -> None:
        """Read an answer's header, as much as was captured of it, and find where its elements begin."""
        opcode = bson.little(head, 12)
        if opcode not in ANSWERING:
            raise ParseError(f"a MongoDB answer of type {opcode}")
        identifier, self._to = bson.little(head, 4), bson.little(head, 8)
        self._push = self._to == self._following
        self._following = -1
        self._first_at, self._size = at, size
        self._left = self.skip = size
        self._failed, self._code, self._walk = False, "", 0
        body = head[HEADER_BYTES:]
        if opcode == COMPRESSED:
            opcode, body = uncompressed(body)
            self._look_into(opcode, body)
        elif opcode == MSG:
            self._walk_at(head, HEADER_BYTES + 5)
        elif opcode == COMMAND_REPLY:
            self._walk_at(head, HEADER_BYTES)
        else:
            self._failed = bool(bson.little(head, HEADER_BYTES) & (CURSOR_NOT_FOUND | QUERY_FAILURE))
            if not self._session.documents(self._to) and not self._failed and size >= REPLY_BYTES:
                self._walk_at(head, HEADER_BYTES + 20)
        if opcode == MSG and bson.little(body, 0) & MORE_TO_COME:
            self._following = identifier

    def _walk_at(self, head: bytes, start: int) -> None:
        """Look at the elements of the document at `start`, unless it was not captured."""
        length = bson.little(head, start)
        if len(head) < start + 4:
            return
        if not bson.LEAST_DOCUMENT <= length <= self._size - start:
            raise ParseError(f"a MongoDB document of {length} bytes")
        self._walk = length - 4
        self.skip = start + 4

    def _element(self, buffer: bytes | bytearray, start: int, end: int) -> bool:
        """Look at the next element and pass over it; return False if more bytes are needed."""
        kind = buffer[start]
        if not kind:
            self._walk, self.skip = 0, self._left
            return True
        behind = bson.name_end(buffer, start + 1, end) + 1
        size = bson.value_size(kind, buffer, behind, end) if behind else -1
        name = bytes(buffer[start + 1 : behind - 1]) if behind else b""
        telling = name in (b"ok", b"code") and kind in NUMBERS
        if size < 0 or (telling and end - behind < size):
            return False
        self._walk -= behind + size - start
        self.skip = behind + size - start
        if self._walk < 0:
            raise ParseError("a BSON element that is longer than its document")
        if telling:
            self._tell(name, kind, bytes(buffer[behind : behind + size]))
        return True

    def _tell(self, name: bytes, kind: int, value: bytes) -> None:
        """Take what says how the command ended."""
        if name == b"code":
            if kind == bson.INT32:
                self._code = str(int.from_bytes(value, "little", signed=True))
        elif any(value):
            self._walk, self.skip = 0, self._left
        else:
            self._failed = True

    def _look_into(self, opcode: int, body: bytes) -> None:
        """Look at the elements in the uncompressed beginning of a compressed answer."""
        if opcode != MSG:
            return
        position = 9
        while position < len(body) and body[position]:
            behind = bson.name_end(body, position + 1, len(body)) + 1
            size = bson.value_size(body[position], body, behind, len(body)) if behind else -1
            if size < 0 or behind + size > len(body):
                return
            name, value = body[position + 1 : behind - 1], body[behind : behind + size]
            if name == b"code" and body[position] == bson.INT32:
                self._code = str(int.from_bytes(value, "little", signed=True))
            elif name == b"ok" and body[position] in NUMBERS:
                self._failed = not any(value)
            position = behind + size


def _begins_failure(held: bytes, left: int) -> bool:
    """Return whether an `ok` whose value was not copied says no, by how many bytes are left of the document from it on.

    With nothing behind it, or as much as a replica set tells of its time, the command succeeded. A message and a code
    are shorter than the latter.
    """
    return held[:4] == b"\x01ok\0" and OK_BYTES < left < OK_BYTES + CLUSTER_TIME_BYTES and left != OK_BYTES + TIME_BYTES
