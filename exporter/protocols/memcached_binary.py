"""memcached's binary protocol: headers of 24 bytes, whose bodies pass unseen."""

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.memcached_commands import (
    ANSWERS,
    FAILURES,
    HEADER_BYTES,
    OPCODES,
    OTHER_FAILURE,
    OTHER_OPCODE,
    REQUEST_MAGIC,
    RESPONSE_MAGIC,
    STAT,
)
from exporter.protocols.memcached_session import NOTHING_HUSHED, Asked, MemcachedSession

MAX_BODY_BYTES = 1 << 30
QUIT, QUIET_QUIT = 0x07, 0x17
REQUEST, RESPONSE, ONE_WAY = Kind.REQUEST, Kind.RESPONSE, Kind.ONE_WAY
NOT_FOUND = 1
NOT_FOUND_BYTES = HEADER_BYTES + len(b"Not found")


class BinarySide:
    """Reads the headers of one direction.

    Attributes:
        skip: how many bytes of the body being passed over are still to come.
        lost: whether the next boundary is unknown.
        seen: how many messages were read.
    """

    __slots__ = (
        "_backlog",
        "_failed",
        "_first_at",
        "_hits",
        "_kind",
        "_magic",
        "_misses",
        "_operation",
        "_reading",
        "_session",
        "_size",
        "_status",
        "_whole",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: MemcachedSession, magic: int) -> None:
        self._session = session
        self._magic = magic
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._reading = False  # within a message, which may be several packets of statistics
        self._whole = False  # the packet being read is the message's last one
        self._kind = REQUEST
        self._operation: Operation = OTHER_OPCODE.operation
        self._status = ""
        self._failed = False
        self._hits = self._misses = 0
        self.skip = 0
        self.lost = False
        self.seen = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self.skip:
                taken = min(self.skip, end - position)
                position += taken
                self.passed(taken, at, out)
                continue
            if end - position < HEADER_BYTES:
                if buffer[position] != self._magic:
                    raise ParseError("no memcached header begins here")
                break
            if not self._reading:
                self._first_at = self._backlog.since if position == 0 else at
                self._size = 0
                self._reading = True
            self._header(bytes(buffer[position : position + HEADER_BYTES]), out)
            position += HEADER_BYTES
            self._size += HEADER_BYTES
            if not self.skip:
                self._complete(at, out)
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the body being passed over."""
        self.skip -= size_bytes
        self._size += size_bytes
        if not self.skip:
            self._complete(at, out)

    def lose(self, out: list[Message], missing: int = 0, at: Nanoseconds = 0) -> None:
        """The next boundary is unknown, as `missing` bytes are; a message whose header was read still counts.

        To the only command that awaits one, what is missing is the reply, and tells by its length whether it was found.
        """
        asked = self._session.only() if self._magic == RESPONSE_MAGIC else None
        if self._reading:
            self._whole = True
            self._complete(self._first_at, out)
        elif asked is not None and asked.lookups and missing > HEADER_BYTES and not self._backlog.held:
            self._misses = int(missing == NOT_FOUND_BYTES)
            out.append(Message(RESPONSE, at, at, missing, hits=1 - self._misses, misses=self._misses))
            self._misses = 0
        self.skip = 0
        self.lost = True
        self._backlog.drop()
        self._session.forget()

    def _header(self, header: bytes, out: list[Message]) -> None:
        body = int.from_bytes(header[8:12], "big")
        if header[0] != self._magic or body > MAX_BODY_BYTES or int.from_bytes(header[2:4], "big") + header[4] > body:
            raise ParseError("no memcached header begins here")
        self.skip = body
        self._whole = True
        code = header[1]
        opcode = OPCODES.get(code, OTHER_OPCODE)
        # What a reply repeats; never 0, which stands for nothing.
        opaque = int.from_bytes(header[12:16], "big") << 9 | code << 1 | 1
        self.seen += 1
        if self._magic == RESPONSE_MAGIC:
            self._reply(code, opaque, body, int.from_bytes(header[6:8], "big"), out)
            return
        self._operation = opcode.operation
        self._kind = ONE_WAY if code == QUIET_QUIT else REQUEST
        if self._kind is REQUEST:
            self._session.ask(Asked(int(opcode.lookup), opcode.quiet, NOTHING_HUSHED, opaque, 0), out)

    def _reply(self, code: int, opaque: int, body: int, status: int, out: list[Message]) -> None:
        self._kind = RESPONSE
        self._failed = status not in ANSWERS
        self._status = ANSWERS[status] if not self._failed else FAILURES.get(status, OTHER_FAILURE)
        if code == STAT and body and not self._failed:
            self._whole = False  # one of many, which an empty one ends
            return
        asked = self._session.answer(b"", opaque, 0, out)
        lookup = asked.lookups if asked is not None else int(OPCODES.get(code, OTHER_OPCODE).lookup)
        self._hits = lookup if status == 0 else 0
        self._misses = self._session.missed + (lookup if status == NOT_FOUND else 0)
        self._session.missed = 0

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        if not self._whole:
            return
        self._reading = False
        if self._kind is RESPONSE:
            out.append(
                Message(
                    *(RESPONSE, self._first_at, at, self._size),
                    status=self._status,
                    failed=self._failed,
                    hits=self._hits,
                    misses=self._misses,
                )
            )
            self._hits = self._misses = 0
        else:
            out.append(Message(self._kind, self._first_at, at, self._size, self._operation))


def requests(session: MemcachedSession) -> BinarySide:
    """Return the reader of the client's direction."""
    return BinarySide(session, REQUEST_MAGIC)


def replies(session: MemcachedSession) -> BinarySide:
    """Return the reader of the server's direction."""
    return BinarySide(session, RESPONSE_MAGIC)
