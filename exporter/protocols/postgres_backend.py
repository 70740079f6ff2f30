"""The server's direction of a PostgreSQL connection."""

import cython

from exporter.model import UNKNOWN_OPERATION, Change, Kind, Message, Nanoseconds, Operation
from exporter.protocols import sql
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.postgres_match import EXACT_SERVER_LENGTHS, MAX_MESSAGE_BYTES, SERVER_TYPES
from exporter.protocols.postgres_session import Awaited, PostgresSession

if not cython.compiled:  # else the `.pxd` has them
    from exporter.protocols.pieces import big32, octet, piece

ERROR, COMPLETE, READY, EMPTY_QUERY, SUSPENDED, BOUND, NOTIFIED, COPY_IN, COPY_BOTH, PARAMETERS, ROWS = b"ECZIs2AGWtT"
# Looking a member of an enumeration up costs more than comparing it.
FOR_EXECUTE, FOR_QUERY, FOR_LOGIN = Awaited.EXECUTE, Awaited.QUERY, Awaited.LOGIN
RESPONSE, CHANGED = Kind.RESPONSE, Kind.CHANGED
UNASKED = b"ANS"  # notifications, notices and parameters may come at any time
# How much of a message's body is needed: the tag of a command, the code of an error.
NEEDED_BYTES = {COMPLETE: 32, ERROR: 512}
# By the type of a message; none fits between the bounds of what is no type.
NEEDED = tuple(NEEDED_BYTES.get(kind, 0) for kind in range(256))
LEAST_LENGTHS = tuple(EXACT_SERVER_LENGTHS.get(kind, 4) for kind in range(256))
MOST_LENGTHS = tuple(
    EXACT_SERVER_LENGTHS.get(kind, MAX_MESSAGE_BYTES) if kind in SERVER_TYPES else 0 for kind in range(256)
)
MAX_PARAMETER_BYTES = 4096  # of their types
QUERIED = ord("S")  # the tags of what changes nothing, SELECT among them; SAVEPOINT is told by what follows
CODE_BYTES = 5
NO_CODE = "XX000"  # an internal error
UNSEEN_CODE = "OTHER"  # of an error whose code was not copied


class Backend:
    """Reads the server's messages; rows pass unseen.

    Attributes:
        skip: how many bytes of the message being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many messages were read.
    """

    __slots__ = (
        "_answering",
        "_backlog",
        "_begun_at",
        "_begun_until",
        "_bound",
        "_code",
        "_copying",
        "_described",
        "_first_at",
        "_impatient",
        "_kind",
        "_operation",
        "_session",
        "_size",
        "_statements",
        "_status",
        "_tag",
        "_told",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = -1  # of the answer being read; -1 between answers
        self._size = 0
        self._kind = 0
        self._code = ""  # of the error in the answer
        self._operation: Operation = UNKNOWN_OPERATION  # what the answer's tag says was done
        self._told = False  # the answer has said how a statement ended
        self._bound = False  # the answer is to an execution, as far as is known without the request
        self._answering = False  # the answer is to a query or an execution
        self._described = False  # what it tells of rows is how a statement's would be
        self._begun_at: Nanoseconds = -1  # of an answer whose end was not seen; -1 without one
        self._begun_until: Nanoseconds = 0  # when the last of it was seen
        self._impatient = False  # the message being read is not worth waiting for until it is whole
        self._copying = False  # the client sends data that the tag to come counts
        self._statements = 0  # how many of a query's statements were answered
        self._tag = b""  # of the statement that the message being read completes
        self._status = b""  # of the transaction
        self.skip = 0
        self.lost = False
        self.seen = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        session = self._session
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self.skip:
                taken = min(self.skip, end - position)
                position += taken
                self.passed(taken, at, out)
                continue
            if session.negotiating:
                session.negotiating = False
                if octet(buffer, position) in b"NSG":
                    position += 1
                    self.seen += 1
                    if buffer[position - 1] != 0x4E:  # "N"
                        session.rest = bytes(buffer[position:])
                        position = end
                    continue
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

    def begin_behind_refusal(self, data: bytes, at: Nanoseconds, out: list[Message]) -> bool:
        """Return whether what could not be read begins behind a refusal to encrypt, which nobody saw asked for."""
        buffer = bytes(self._backlog.held) or data
        if self.seen or not self._session.starting or buffer[:1] != b"N":
            return False
        self._backlog.drop()
        self.seen += 1
        self.feed(buffer[1:], at, out)
        return True

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the message being read."""
        self.skip -= size_bytes
        if not self.skip:
            self._complete(at, out)

    def hurry(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Read what is held of a message of whose packet the last `size_bytes` were not copied."""
        self._impatient = True
        self.feed(b"", at, out)
        self._impatient = False
        if 0 < self.skip < size_bytes:
            self.passed(self.skip, at, out)

    def settle(self, out: list[Message]) -> None:
        """The client goes on: an answer whose beginning was seen has ended, though its end was not."""
        if self._begun_at >= 0:
            out.append(Message(RESPONSE, self._begun_at, self._begun_until, 0))
            self._begun_at = -1

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """The next boundary is unknown; an answer that has told how it ended still counts."""
        if self._told:
            self._answer(self._first_at, out)
        elif self._answering and self._first_at >= 0:
            self._begun_at, self._begun_until = self._first_at, at
        self._session.forget()
        self._session.changes.forget()
        self._end()
        self.skip = 0
        self.lost = True
        self._backlog.drop()

    def _message(self, buffer: bytes | bytearray, start: int, at: Nanoseconds) -> int:
        """Read a message's head and what is needed of its body; return its size, 0 if more bytes are needed."""
        available = len(buffer) - start - 5
        if available < 0:
            return 0
        kind = octet(buffer, start)
        length = big32(buffer, start + 1)
        if not LEAST_LENGTHS[kind] <= length <= MOST_LENGTHS[kind]:
            raise ParseError("no PostgreSQL message of a server begins here")
        needed = min(NEEDED[kind], length - 4)
        if kind == READY and self._session.changes.open:
            needed = 1
        elif kind == PARAMETERS and self._session.changes.active:
            needed = min(MAX_PARAMETER_BYTES, length - 4)
        if self._impatient and kind in (ERROR, COMPLETE):
            needed = min(needed, available)
        if available < needed:
            return 0
        self._kind = kind
        self._begin(kind, self._backlog.since if start == 0 else at)
        if needed:
            self._look(kind, piece(buffer, start + 5, start + 5 + needed))
        return length + 1

    def _look(self, kind: int, body: bytes) -> None:
        """Read what is needed of a message."""
        if kind == ERROR:
            self._code = _code_of(body, UNSEEN_CODE if self._impatient else NO_CODE)
        elif kind == COMPLETE:
            self._tag = body.partition(b"\0")[0]
            if self._operation is UNKNOWN_OPERATION:
                self._operation = sql.operation_of(self._tag)
            if self._impatient and len(self._tag) == len(body):
                self._tag = b""  # its number may have been cut
        elif kind == READY:
            self._status = body
        else:
            self._session.changes.typed(body)

    def _begin(self, kind: int, at: Nanoseconds) -> None:
        """An answer begins with the first message that can belong to it."""
        session = self._session
        if kind == NOTIFIED or (kind in UNASKED and not session.awaited):
            return
        if session.fresh or self._first_at < 0 or (kind == BOUND and not self._told):
            session.fresh = False
            self._first_at = self._begun_at if self._begun_at >= 0 else at
            self._answering = self._begun_at >= 0
            self._begun_at = -1
            self._described = False
            self._size = 0
        if kind == BOUND:
            self._bound = self._answering = True
        elif kind == PARAMETERS:
            self._described = True
        elif kind == ROWS and not self._described:
            self._answering = True

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        """The message being read has ended."""
        kind = self._kind
        head = self._session.next()
        if kind == READY:
            self._ready(head, at, out)
        elif kind in (COMPLETE, EMPTY_QUERY, SUSPENDED, ERROR):
            self._told = True
            if kind == COMPLETE:
                self._done(at, out)
            elif kind == ERROR:
                self._session.changes.fail()
            if kind == EMPTY_QUERY:
                self._operation = sql.EMPTY
            if head is FOR_LOGIN:
                self._refuse(at, out)
            elif head is FOR_EXECUTE or (head is None and self._bound):
                self._answer(at, out)
        elif kind in (COPY_IN, COPY_BOTH):
            self._copying = kind == COPY_IN
            self._session.begin_copy()

    def _done(self, at: Nanoseconds, out: list[Message]) -> None:
        """A statement succeeded."""
        changes = self._session.changes
        number, tag = self._statements, self._tag
        self._statements += 1
        self._tag = b""
        if not tag or (tag[0] == QUERIED and not changes.open):
            return
        if tag[:4] != b"COPY" or self._copying:
            self._say(changes.told(tag, self._session.plan(number)), at, out)
        self._copying = False

    def _say(self, changes: tuple[Change, ...], at: Nanoseconds, out: list[Message]) -> None:
        """Tell what has become certain."""
        if changes:
            out.append(Message(CHANGED, at, at, 0, changes=changes))

    def _ready(self, head: Awaited | None, at: Nanoseconds, out: list[Message]) -> None:
        session = self._session
        if head is FOR_QUERY or (head is None and self._told):
            self._answer(at, out)
        elif head is FOR_LOGIN:
            session.awaited.popleft()
            session.login = None
        else:
            out.extend(session.sync())
        if session.changes.open:
            self._say(session.changes.ready(self._status), at, out)
        self._end()
        self._bound = False

    def _refuse(self, at: Nanoseconds, out: list[Message]) -> None:
        """The client was not let in."""
        if self._code and self._session.login is not None:
            out.append(self._session.login)
            self._session.login = None
            self._answer(at, out)

    def _answer(self, at: Nanoseconds, out: list[Message]) -> None:
        self._session.answered()
        failed = self._code != ""
        status = self._code
        out.append(Message(RESPONSE, self._first_at, at, self._size, self._operation, status, failed))
        self._end()

    def _end(self) -> None:
        """What follows belongs to another answer."""
        self._first_at = -1
        self._size = 0
        self._code = ""
        self._operation = UNKNOWN_OPERATION
        self._told = self._answering = False
        self._statements = 0


def _code_of(body: bytes, otherwise: str) -> str:
    """Return the SQLSTATE among an error's fields, or what to say if there is none."""
    at = body.find(b"\0C")
    code = body[at + 2 : at + 2 + CODE_BYTES]
    valid = at >= 0 and len(code) == CODE_BYTES and code.isalnum() and code.isascii()
    return code.decode("ascii").upper() if valid else otherwise
