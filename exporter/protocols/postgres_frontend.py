"""The client's direction of a PostgreSQL connection."""

import cython

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols import sql
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.postgres_match import (
    CANCEL_REQUEST,
    CLIENT_TYPES,
    EXACT_LENGTHS,
    GSS_REQUEST,
    MAX_MESSAGE_BYTES,
    MAX_STARTUP_BYTES,
    SSL_REQUEST,
)
from exporter.protocols.postgres_session import Awaited, PostgresSession
from exporter.protocols.sql_intents import MAX_STATEMENT_BYTES, may_change
from exporter.protocols.transaction import Planned

if not cython.compiled:  # else the `.pxd` has them
    from exporter.protocols.pieces import big32, octet, piece

LEAST_TEXT_BYTES = 12  # of a statement whose rest was not copied: its verb is among them
# Behind a statement that is only prepared: Describe (with its name besides), Flush and Sync.
MOST_UNEXECUTED_BYTES = 7 + 5 + 5
LONGEST_NAME = 256  # a prepared statement or portal with a longer name is not remembered
# How much of a message's body is needed: the names at its beginning, and where the verb is.
NEEDED_BYTES = {
    ord("Q"): sql.LOOKED_AT_BYTES,
    ord("P"): LONGEST_NAME + sql.LOOKED_AT_BYTES,
    ord("B"): 2 * LONGEST_NAME,
    ord("E"): LONGEST_NAME,
}
# By the type of a message; what is none is longer at least than any may be.
NEEDED = tuple(NEEDED_BYTES.get(kind, 0) for kind in range(256))
LEAST_LENGTHS = tuple(
    EXACT_LENGTHS.get(kind, 4) if kind in CLIENT_TYPES else MAX_MESSAGE_BYTES + 1 for kind in range(256)
)
QUERY, PARSE, BIND, EXECUTE, SYNC, FLUSH, FUNCTION_CALL, DESCRIBE = b"QPBESHFD"
# Looking a member of an enumeration up costs more than comparing it.
FOR_EXECUTE, FOR_QUERY, FOR_SYNC, FOR_LOGIN = Awaited.EXECUTE, Awaited.QUERY, Awaited.SYNC, Awaited.LOGIN
REQUEST = Kind.REQUEST
FUNCTION = Operation("CALL")


class Frontend:
    """Reads the client's messages; what they carry behind the verb passes unseen.

    Attributes:
        skip: how many bytes of the message being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many messages were read.
    """

    __slots__ = (
        "_backlog",
        "_bound",
        "_first_at",
        "_impatient",
        "_kind",
        "_name_bytes",
        "_operation",
        "_planned",
        "_prepared",
        "_session",
        "_size",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = -1  # of the request, which an execution's preparations belong to; -1 before it
        self._size = 0
        self._kind = 0  # the type of the message being read
        self._operation: Operation | None = None  # of the request that the message being read is
        self._planned: tuple[Planned, ...] = ()  # what that request is to change
        self._impatient = False  # the message being read is not worth waiting for until it is whole
        self._prepared: Operation | None = None  # what the request that an execution will complete is
        self._bound = False  # its portal is bound
        self._name_bytes = 0  # of its statement
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
            if self._session.starting and octet(buffer, position) == 0:
                size = self._start(buffer, position, at)
            else:
                size = self._message(buffer, position, at)
            if not size:
                break
            self.seen += 1
            self._size += size
            position += size
            self.skip = max(0, position - end)
            if not self.skip:
                self._complete(at, out)
        self._backlog.keep(buffer, min(position, end), at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the message being read."""
        self.skip -= size_bytes
        if not self.skip:
            self._complete(at, out)

    def hurry(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Read what is held of a message of whose packet the last `size_bytes` were not copied.

        An execution that they hide is told by what prepared it: a portal is bound to be executed, and behind a
        statement alone lies no more than its description and a synchronisation.
        """
        self._impatient = True
        self.feed(b"", at, out)
        self._impatient = False
        hidden = size_bytes - self.skip
        if hidden <= 0:
            return
        if self.skip:
            self.passed(self.skip, at, out)
        if self._prepared is not None and (self._bound or hidden > self._name_bytes + MOST_UNEXECUTED_BYTES):
            self._operation = self._prepared
            self._kind = EXECUTE
            self._complete(at, out)

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """The next boundary is unknown; a request whose verb was read still counts."""
        if self._operation is not None:
            self._complete(self._first_at, out)
        self._session.forget()
        self._session.changes.forget()
        self._rest()
        self.skip = 0
        self.lost = True
        self._backlog.drop()

    def _start(self, buffer: bytes | bytearray, start: int, at: Nanoseconds) -> int:
        """Read a message without a type; return its size, 0 if more bytes are needed."""
        if len(buffer) - start < 8:
            return 0
        length = big32(buffer, start)
        code = big32(buffer, start + 4)
        if not 8 <= length <= MAX_STARTUP_BYTES:
            raise ParseError(f"a PostgreSQL start-up message of {length} bytes")
        session = self._session
        if code in (SSL_REQUEST, GSS_REQUEST):
            session.negotiating = True
        elif code >> 16 == 3:
            session.starting = False
            session.negotiating = False
            first_at = self._backlog.since if start == 0 else at
            session.login = Message(REQUEST, first_at, at, length)
            session.expect(FOR_LOGIN)
        elif code != CANCEL_REQUEST:
            raise ParseError("a PostgreSQL start-up message of an unknown version")
        self._kind = 0
        self._size = -length  # a session's beginning belongs to no request
        return length

    def _message(self, buffer: bytes | bytearray, start: int, at: Nanoseconds) -> int:
        """Read a message's head and what is needed of its body; return its size, 0 if more bytes are needed."""
        self._session.starting = False
        available = len(buffer) - start - 5
        if available < 0:
            return 0
        kind = octet(buffer, start)
        length = big32(buffer, start + 1)
        if not LEAST_LENGTHS[kind] <= length <= MAX_MESSAGE_BYTES:
            raise ParseError("no PostgreSQL message of a client begins here")
        needed = min(NEEDED[kind], length - 4)
        if self._impatient and kind in (QUERY, PARSE, BIND) and available >= LEAST_TEXT_BYTES:
            needed = min(needed, available)
        if available < needed:
            return 0
        whole = True
        if needed < length - 4:
            if kind == DESCRIBE and self._session.changes.active:
                needed = min(LONGEST_NAME, length - 4)
            elif kind in (QUERY, PARSE, BIND):
                wanted = self._wanted(kind, length - 4, piece(buffer, start + 5, start + 5 + needed))
                whole = wanted == length - 4
                needed = needed if self._impatient else wanted
            if available < needed:
                return 0
        self._kind = kind
        if self._first_at < 0:
            self._first_at = self._backlog.since if start == 0 else at
        if needed:
            self._look(kind, piece(buffer, start + 5, start + 5 + needed), whole and not self._impatient)
        elif kind == FUNCTION_CALL:
            self._operation = FUNCTION
        return length + 1

    def _wanted(self, kind: int, size: int, body: bytes) -> int:
        """Return how much is worth waiting for of a message of `size` bytes that begins so."""
        if size > MAX_STATEMENT_BYTES:
            return len(body)
        rest = body.partition(b"\0")[2]
        if kind == BIND:
            changes = self._session.changes
            return size if changes.active and changes.is_numeric(rest.partition(b"\0")[0]) else len(body)
        text = body if kind == QUERY else rest
        return size if may_change(sql.operation_of(text)) else len(body)

    def _look(self, kind: int, body: bytes, whole: bool) -> None:
        """Read what is needed of a message; `whole` tells whether nothing was cut off that matters."""
        session = self._session
        changes = session.changes
        if kind == QUERY:
            text = body.partition(b"\0")[0]
            self._operation = sql.operation_of(text)
            if may_change(self._operation) or 0 <= text.find(b";") < len(text) - 1:
                self._planned = changes.asked(text, self._operation, whole)
            return
        name, _, rest = body.partition(b"\0")
        if len(name) > LONGEST_NAME:
            name = b""
        if kind == PARSE:
            text, _, types = rest.partition(b"\0")
            operation = sql.operation_of(text)
            session.statements.put(name, operation)
            self._prepared, self._bound, self._name_bytes = operation, False, len(name)
            if changes.active or may_change(operation):
                changes.parse(name, text, operation, whole, types)
        elif kind == BIND:
            statement, named, _ = rest.partition(b"\0")
            if not named:
                return  # both names are long, or were cut
            self._prepared, self._bound = session.statements.get(statement), True
            session.portals.put(name, self._prepared)
            if changes.active:
                changes.bind(name, statement, body)
        elif kind == EXECUTE:
            self._operation = session.portals.get(name)
            if changes.active:
                self._planned = changes.executed(name)
        elif name[:1] == b"S":
            changes.describe(name[1:])

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        """The message being read has ended."""
        kind = self._kind
        if self._operation is not None:
            self._session.expect_change(FOR_EXECUTE if kind == EXECUTE else FOR_QUERY, self._planned)
            out.append(Message(REQUEST, self._first_at, at, self._size, self._operation))
            self._operation = None
            self._planned = ()
        elif kind == SYNC:
            self._session.expect(FOR_SYNC)
        elif kind in (PARSE, BIND) or kind in b"DC":
            return  # the execution to come is what it is for
        self._rest()

    def _rest(self) -> None:
        """What follows belongs to another request."""
        self._first_at, self._size = -1, 0
        self._prepared, self._bound = None, False
