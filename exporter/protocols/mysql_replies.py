"""The server's direction of a MySQL connection: greeting, answers, results."""

import cython

from exporter.model import UNKNOWN_OPERATION, Change, Kind, Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.mysql_session import COMMANDS as LOGGED_IN
from exporter.protocols.mysql_session import LOGIN, START, Asked, MysqlSession
from exporter.protocols.mysql_wire import (
    BINLOG_DUMP,
    BINLOG_DUMP_GTID,
    CHANGE_USER,
    END,
    ERROR,
    FIELD_LIST,
    GREETING,
    HEADER_BYTES,
    INFILE,
    LARGEST,
    MORE_RESULTS,
    OK,
    OLD_GREETING,
    PROGRESS,
    STATISTICS,
    STMT_FETCH,
    STMT_PREPARE,
    ended,
    number,
)

if not cython.compiled:  # else the `.pxd` has them
    from exporter.protocols.pieces import little24, octet, piece

NEEDED_BYTES = 21  # the longest beginning of an OK up to its status flags
EOF_BYTES = 5
PREPARED_BYTES = 12
MAX_COLUMNS = 65_535
GENERAL_STATE = "HY000"
RESPONSE, CHANGED = Kind.RESPONSE, Kind.CHANGED
UNSEEN = Asked(0, UNKNOWN_OPERATION)

# What the next packet is: the first one of an answer, or of a further result of it; a definition of a column; what
# stands behind these; a row; a definition behind a preparation; one of a login within the session; binary log.
FIRST, FURTHER, DEFINITION, BEHIND, ROW, PREPARED, TAIL, AGAIN, LOG = range(9)


class MysqlReplies:
    """Reads the server's packets; of each only the beginning is looked at.

    Attributes:
        skip: how many bytes of the packet being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many packets were read.
    """

    __slots__ = (
        "_any",
        "_asked",
        "_backlog",
        "_continued",
        "_ending",
        "_first_at",
        "_last_at",
        "_left",
        "_reading",
        "_said",
        "_sequence",
        "_session",
        "_size",
        "_state",
        "_statements",
        "_status",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: MysqlSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._last_at: Nanoseconds = 0
        self._size = 0
        self._reading = False  # within an answer
        self._state = FIRST
        self._asked = UNSEEN
        self._said: tuple[Change, ...] = ()  # what has become certain by the answer
        self._statements = 0  # how many of a query's statements were answered
        self._left = 0  # definitions that are still to come
        self._sequence = 0  # the last packet's number
        self._any = False  # the client speaks in between, so that the next number is not known
        self._continued = False  # the payload goes on in the next packet
        self._ending = False  # the answer ends with the packet being read
        self._status = ""  # the error's SQLSTATE
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
            start = position + HEADER_BYTES
            needed = min(length, NEEDED_BYTES)
            if end - start < needed:
                break
            since = self._backlog.since if position == 0 else at
            self._packet(length, octet(buffer, position + 3), piece(buffer, start, start + needed), since, out)
            self.seen += 1
            self._size += HEADER_BYTES
            self._continued = length == LARGEST
            position = start
            self.skip = length
            if not length:
                self._finish_packet(at, out)
            if self._session.rest is not None and self.skip <= end - start:
                self._session.rest = bytes(buffer[start + length :])
                return
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the packet being read."""
        self.skip -= size_bytes
        self._size += size_bytes
        if not self.skip:
            self._finish_packet(at, out)

    def lose(self, out: list[Message]) -> None:
        """The next boundary is unknown; an answer that began still counts."""
        self._session.changes.forget()
        if self._reading:
            self._complete(self._last_at, out)
        self._state = FIRST
        self._continued = self._ending = self._any = False
        self.skip = 0
        self.lost = True
        self._backlog.drop()

    def resume(self) -> None:
        """Messages begin again; the answer to come is to the latest command."""
        self.lost = False
        self._session.forget(all_asked=False)

    def _finish_packet(self, at: Nanoseconds, out: list[Message]) -> None:
        self._last_at = at
        if self._ending and not self._continued:
            self._complete(at, out)

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        out.append(
            Message(
                *(RESPONSE, self._first_at, at, self._size),
                status=self._status,
                failed=bool(self._status),
            )
        )
        if self._said:
            out.append(Message(CHANGED, at, at, 0, changes=self._said))
            self._said = ()
        self._reading = self._ending = False
        self._status = ""
        self._state = FIRST

    def _packet(self, length: int, sequence: int, body: bytes, since: Nanoseconds, out: list[Message]) -> None:
        expected = sequence if self._any else (self._sequence + 1) & 0xFF
        self._sequence = sequence
        self._any = False
        if self._continued:
            return
        if self._session.phase == START and sequence == 1:
            self._session.phase = LOGGED_IN  # joined in its midst: the answer to a command
        if self._session.phase != LOGGED_IN:
            self._login(sequence, body)
            return
        if self._state == LOG:
            return
        if self._reading and sequence != expected:
            if sequence != 1:
                raise ParseError("MySQL packets out of sequence")
            self._complete(self._last_at, out)  # a new answer tells that the one before it is over
        if not self._reading:
            if sequence == expected != 1:
                return  # the rest of an answer that is already complete
            self._reading = True
            self._first_at = since
            self._size = 0
            self._asked = self._session.next() or UNSEEN
            self._statements = 0
        if not body:
            raise ParseError("an empty MySQL packet of the server")
        self._answer(length, body)

    def _login(self, sequence: int, body: bytes) -> None:
        session = self._session
        kind = body[0] if body else ERROR
        if sequence == 0:
            if kind not in (GREETING, OLD_GREETING, ERROR):
                raise ParseError("no MySQL greeting begins here")
            session.phase = LOGIN
        elif kind == OK:
            session.phase = LOGGED_IN
            if session.compressing:
                session.rest = b""

    def _answer(self, length: int, body: bytes) -> None:
        kind = body[0]
        if kind == ERROR and self._state != PREPARED:
            self._error(length, body)
        elif self._state in (FIRST, FURTHER):
            self._first(kind, length, body)
        elif self._state == AGAIN:
            self._any = True
            self._ending = kind == OK
        elif self._state == DEFINITION:
            self._left -= 1
            if not self._left:
                self._state = BEHIND
        elif self._state == PREPARED:
            self._definition(kind, length)
        elif self._state == TAIL:
            self._ending = True
        elif kind == END and length < LARGEST:
            self._end(length, body)
        else:
            if self._state == BEHIND and self._session.classic is None:
                self._session.classic = False
            self._state = ROW

    def _first(self, kind: int, length: int, body: bytes) -> None:
        """Read the packet that tells what follows."""
        command = self._asked.command
        if command == STATISTICS:
            self._ending = True
        elif command == STMT_PREPARE and kind == OK and length == PREPARED_BYTES:
            self._prepare(body)
        elif command == CHANGE_USER and kind != OK:
            self._any = True
            self._state = AGAIN
        elif command in (BINLOG_DUMP, BINLOG_DUMP_GTID):
            self._ending = True
            self._state = LOG
        elif command in (STMT_FETCH, FIELD_LIST):
            self._state = ROW
            if kind == END and length < LARGEST:
                self._end(length, body)
        elif kind == OK or (kind == END and length <= 9):
            self._end(length, body)
        elif kind == INFILE:
            self._any = True
            self._session.uploading = True
        else:
            self._columns(length, body)

    def _columns(self, length: int, body: bytes) -> None:
        count, at = number(body, 0)
        if not 0 < count <= MAX_COLUMNS or length - at > 1:
            raise ParseError("no MySQL result begins here")
        # MariaDB's flag that the definitions are left out, as the client knows them.
        known = length - at == 1 and body[at] == 0
        self._left = count
        self._state = BEHIND if known else DEFINITION

    def _end(self, length: int, body: bytes) -> None:
        """Read an EOF or OK: the result's end, or what stands between columns and rows."""
        if self._state == BEHIND and length == EOF_BYTES and self._session.classic is not False:
            self._session.classic = True
            # With a cursor the rows are fetched later, and nothing else follows.
            self._ending = bool(ended(body, length) & CURSOR)
            self._state = ROW
        else:
            flags = ended(body, length)
            self._done(length, body, flags)
            if flags & MORE_RESULTS:
                self._state = FURTHER
            else:
                self._ending = True

    def _done(self, length: int, body: bytes, flags: int) -> None:
        """A statement succeeded; only an OK tells of rows, an EOF ends those that were asked for."""
        planned, changes = self._asked.planned, self._session.changes
        if length > EOF_BYTES and (planned or changes.open):
            at = self._statements
            told = changes.told(planned[at] if at < len(planned) else None, body, flags)
            if told:
                self._said = (*self._said, *told)
        self._statements += 1

    def _prepare(self, body: bytes) -> None:
        name = int.from_bytes(body[1:5], "little")
        self._session.prepared(name, self._asked.operation)
        if self._session.changes.active:
            self._session.changes.prepared(name, self._asked.statement, int.from_bytes(body[7:9], "little"))
        self._left = int.from_bytes(body[5:7], "little") + int.from_bytes(body[7:9], "little")
        self._state = PREPARED
        self._ending = not self._left

    def _definition(self, kind: int, length: int) -> None:
        """Read a definition of a parameter or column; an EOF may stand behind each kind."""
        if kind == END and length == EOF_BYTES:
            return
        self._left -= 1
        if self._left <= 0:
            self._state = TAIL
            # Where it is not known whether an EOF follows, one is taken for the answer's rest.
            self._ending = not self._session.classic

    def _error(self, length: int, body: bytes) -> None:
        code = int.from_bytes(body[1:3], "little")
        if code == PROGRESS:
            return
        if length < 3:
            raise ParseError("a MySQL error without a code")
        state = body[4:9]
        told = body[3:4] == b"#" and state.isalnum() and state.isascii()
        self._status = state.decode() if told else GENERAL_STATE
        self._session.changes.fail(self._status)
        self._ending = True


CURSOR = 0x0040
