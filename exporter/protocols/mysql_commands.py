"""The client's direction of a MySQL connection: login and commands."""

import cython

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Nanoseconds, Operation
from exporter.protocols import sql
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.mysql_session import COMMANDS as LOGGED_IN
from exporter.protocols.mysql_session import Asked, MysqlSession
from exporter.protocols.mysql_wire import (
    COMMANDS,
    EXECUTIONS,
    HEADER_BYTES,
    LARGEST,
    LENGTHS,
    OPERATIONS,
    QUERY,
    SILENT,
    SSL,
    STMT_CLOSE,
    STMT_EXECUTE,
    STMT_PREPARE,
    STMT_SEND_LONG_DATA,
    statement,
)
from exporter.protocols.sql_intents import MAX_STATEMENT_BYTES, may_change
from exporter.protocols.transaction import Planned

if not cython.compiled:  # else the `.pxd` has them
    from exporter.protocols.pieces import little24, octet, piece

# How much of a packet is needed: the statement's beginning, or its number; attributes stand before a query.
STATEMENT_BYTES = 256 + sql.LOOKED_AT_BYTES
LEAST_TEXT_BYTES = 12  # of a statement whose rest was lost: its verb is among them
NUMBER_BYTES = 5
SSL_REQUEST_BYTES = 32
WAITED_FOR = frozenset((QUERY, STMT_PREPARE, STMT_EXECUTE))
REQUEST = Kind.REQUEST


class MysqlCommands:
    """Reads the client's packets; what they carry behind a statement's verb passes unseen.

    Attributes:
        skip: how many bytes of the packet being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many packets were read.
    """

    __slots__ = (
        "_backlog",
        "_continued",
        "_first_at",
        "_impatient",
        "_operation",
        "_session",
        "_size",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: MysqlSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._operation: Operation | None = None  # of the command being read
        self._continued = False  # the payload goes on in the next packet
        self._impatient = False  # the packet being read is not worth waiting for until it is whole
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
                break
            length = little24(buffer, position)
            sequence = octet(buffer, position + 3)
            start = position + HEADER_BYTES
            first = octet(buffer, start) if start < end else 0
            needed = self._needed(first, length, sequence, end - start)
            if end - start < needed:
                break
            if needed < length and not sequence and first in WAITED_FOR and not self._impatient:
                needed = self._wanted(first, length, piece(buffer, start, start + needed))
                if end - start < needed:
                    break
            if self._operation is None:
                self._first_at = self._backlog.since if position == 0 else at
                self._size = 0
            self._packet(length, sequence, piece(buffer, start, start + needed))
            self.seen += 1
            self._size += HEADER_BYTES
            position = start
            self._continued = length == LARGEST
            self.skip = length
            if self._session.rest is not None:
                self._session.rest = bytes(buffer[start + length :])
                return
            if not length:
                self._complete(at, out)
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the packet being read."""
        self.skip -= size_bytes
        self._size += size_bytes
        if not self.skip:
            self._complete(at, out)

    def hurry(self, at: Nanoseconds, out: list[Message]) -> None:
        """Read what is held of a packet without waiting for the numbers at its end, which were lost."""
        self._impatient = True
        self.feed(b"", at, out)
        self._impatient = False

    def _needed(self, first: int, length: int, sequence: int, available: int) -> int:
        """Return how much of a packet of `length` bytes has to be there before it is read."""
        if sequence:
            return min(length, SSL_REQUEST_BYTES)
        needed = min(length, STATEMENT_BYTES if first in (QUERY, STMT_PREPARE) else NUMBER_BYTES)
        if self._impatient and first == QUERY and available >= LEAST_TEXT_BYTES:
            return min(needed, available)
        return needed

    def _wanted(self, command: int, size: int, body: bytes) -> int:
        """Return how much is worth waiting for of a command of `size` bytes that begins so."""
        if size > MAX_STATEMENT_BYTES or self._session.uploading or self._continued:
            return len(body)
        changes = self._session.changes
        if command == STMT_EXECUTE:
            return size if changes.active and changes.is_numeric(int.from_bytes(body[1:5], "little")) else len(body)
        text = statement(body[1:], self._session.attributed) if command == QUERY else body[1:]
        return size if may_change(sql.operation_of(text, escapes=True)) else len(body)

    def lose(self, out: list[Message]) -> None:
        """The next boundary is unknown; a command whose verb was read still counts."""
        self._continued = False
        self._complete(self._first_at, out)
        self._session.forget(all_asked=not out)
        self.skip = 0
        self.lost = True
        self._backlog.drop()

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        if self._operation is not None and not self._continued:
            out.append(Message(REQUEST, self._first_at, at, self._size, self._operation))
            self._operation = None

    def _packet(self, length: int, sequence: int, body: bytes) -> None:
        session = self._session
        if session.uploading:
            session.uploading = length > 0
        elif self._continued:
            return
        elif sequence and session.phase != LOGGED_IN:
            self._login(length, sequence, body)
        elif not sequence:
            session.phase = LOGGED_IN
            self._command(length, body)
        # Whatever else is numbered answers the server: a password, the rest of a file.

    def _login(self, length: int, sequence: int, body: bytes) -> None:
        if sequence > 2 or length < SSL_REQUEST_BYTES:
            return  # a password, or a login of before version 4.1
        session = self._session
        capabilities = int.from_bytes(body[:4], "little")
        if length == SSL_REQUEST_BYTES and capabilities & SSL:
            session.rest = b""
        elif session.classic is None:
            session.agree(capabilities)

    def _command(self, length: int, body: bytes) -> None:
        code = body[0] if body else 0
        if code not in COMMANDS or LENGTHS.get(code, length) != length:
            raise ParseError("no MySQL command begins here")
        session = self._session
        changes = session.changes
        if code in SILENT:
            if code == STMT_CLOSE:
                session.close(int.from_bytes(body[1:5], "little"))
            elif code == STMT_SEND_LONG_DATA and changes.active:
                changes.part(int.from_bytes(body[1:5], "little"))
            return
        verb = UNKNOWN_OPERATION
        operation = OPERATIONS.get(code, UNKNOWN_OPERATION)
        planned: tuple[Planned, ...] = ()
        prepared = None
        if code == QUERY:
            text = statement(body[1:], session.attributed)
            operation = sql.operation_of(text, escapes=True)
            if may_change(operation) or 0 <= text.find(b";") < len(text) - 1:
                planned = changes.asked(text, operation, len(body) == length)
        elif code == STMT_PREPARE:
            verb = sql.operation_of(body[1:], escapes=True)
            session.preparing(verb)
            prepared = changes.preparing(body[1:], verb, len(body) == length)
        elif code in EXECUTIONS:
            name = int.from_bytes(body[1:5], "little")
            operation = session.operation(name)
            if changes.active:
                planned = changes.executed(name, body if code == STMT_EXECUTE else b"", bool(session.attributed))
        self._operation = operation
        session.ask(Asked(code, verb, planned, prepared))
