"""The client's direction of a MySQL connection: login and commands."""

import cython

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Nanoseconds, Operation
from exporter.protocols import sql
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.mysql_session import COMMANDS as LOGGED_IN
from exporter.protocols.mysql_session import MysqlSession
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
    STMT_PREPARE,
    statement,
)

if not cython.compiled:  # else the `.pxd` has them
    from exporter.protocols.pieces import little24, octet, piece

# How much of a packet is needed: the statement's beginning, or its number; attributes stand before a query.
STATEMENT_BYTES = 256 + sql.LOOKED_AT_BYTES
NUMBER_BYTES = 5
SSL_REQUEST_BYTES = 32
REQUEST = Kind.REQUEST


class MysqlCommands:
    """Reads the client's packets; what they carry behind a statement's verb passes unseen.

    Attributes:
        skip: how many bytes of the packet being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many packets were read.
    """

    __slots__ = ("_backlog", "_continued", "_first_at", "_operation", "_session", "_size", "lost", "seen", "skip")

    def __init__(self, session: MysqlSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._operation: Operation | None = None  # of the command being read
        self._continued = False  # the payload goes on in the next packet
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
            needed = min(length, STATEMENT_BYTES if first in (QUERY, STMT_PREPARE) else NUMBER_BYTES)
            if sequence:
                needed = min(length, SSL_REQUEST_BYTES)
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
        if code in SILENT:
            if code == STMT_CLOSE:
                session.close(int.from_bytes(body[1:5], "little"))
            return
        verb = UNKNOWN_OPERATION
        operation = OPERATIONS.get(code, UNKNOWN_OPERATION)
        if code == QUERY:
            operation = sql.operation_of(statement(body[1:], session.attributed), escapes=True)
        elif code == STMT_PREPARE:
            verb = sql.operation_of(body[1:], escapes=True)
            session.preparing(verb)
        elif code in EXECUTIONS:
            operation = session.operation(int.from_bytes(body[1:5], "little"))
        self._operation = operation
        session.ask(code, verb)
