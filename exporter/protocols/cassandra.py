"""Cassandra's and ScyllaDB's native protocol, CQL, versions 1 to 5.

A request is what has an answer on its stream. An execution is called by the verb of the statement that was prepared,
and `EXECUTE` where that was not seen.
"""

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols import sql
from exporter.protocols.base import Family, Match, ProtocolSpec
from exporter.protocols.cassandra_envelope import (
    ANSWERING,
    AUTHENTICATE,
    BATCH,
    ERROR,
    EVENT,
    EXECUTE,
    FRAMED_SINCE,
    HEADER,
    LEAST_HEADER,
    PREPARE,
    PREPARED,
    QUERY,
    READY,
    RESULT,
    STARTUP,
    Envelope,
    envelope,
    envelope_size,
    number,
)
from exporter.protocols.cassandra_match import ERRORS, match, match_envelope
from exporter.protocols.cassandra_segments import Segmented
from exporter.protocols.framed import Framed, SidedParser

NAMES = ("ERROR", "STARTUP", "READY", "AUTHENTICATE", "CREDENTIALS", "OPTIONS", "SUPPORTED", "QUERY", "RESULT")
LATER_NAMES = ("PREPARE", "EXECUTE", "REGISTER", "EVENT", "BATCH", "AUTH_CHALLENGE", "AUTH_RESPONSE", "AUTH_SUCCESS")
OPERATIONS = tuple(map(Operation, NAMES + LATER_NAMES))
LIST = Operation("LIST")
KEY_BYTES = 12  # of a prepared statement's identifier, which is a hash
MAX_PREPARED = 4096
MAX_PREPARING = 4096
WANTED_REQUEST = HEADER + 4 + sql.LOOKED_AT_BYTES
WANTED_ANSWER = 512


class CassandraSession:
    """What the answers and executions must know of earlier requests.

    Attributes:
        preparing: stream -> what the statement being prepared on it does.
        prepared: the beginning of an identifier -> what executing it does, the latest ones.
    """

    __slots__ = ("prepared", "preparing")

    def __init__(self) -> None:
        self.preparing: dict[int, Operation] = {}
        self.prepared: dict[bytes, Operation] = {}

    def prepare(self, stream: int, operation: Operation) -> None:
        """A statement is being prepared."""
        if len(self.preparing) >= MAX_PREPARING:
            del self.preparing[next(iter(self.preparing))]
        self.preparing[stream] = operation

    def confirm(self, stream: int, identifier: bytes) -> None:
        """The statement has an identifier."""
        operation = self.preparing.pop(stream, None)
        if operation is None:
            return
        self.prepared.pop(identifier, None)
        if len(self.prepared) >= MAX_PREPARED:
            del self.prepared[next(iter(self.prepared))]
        self.prepared[identifier] = operation


class Requests:
    """The client's messages (`framed.Language`)."""

    __slots__ = ("_session", "started")
    wanted = WANTED_REQUEST
    untimed = True

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self.started = False

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a request."""
        return envelope_size(buffer, start, end, 0)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a request."""
        if len(head) < LEAST_HEADER:
            return
        seen = envelope(head, 0)
        operation = self._operation(seen)
        if seen.opcode == PREPARE:
            self._session.prepare(seen.stream, _statement(seen.body))
        elif seen.opcode == STARTUP and seen.version >= FRAMED_SINCE:
            self.started = True
        out.append(Message(Kind.REQUEST, first_at, last_at, size, operation, correlation=seen.stream))

    def judge(self, data: bytes) -> Match:
        """Return whether a request begins here."""
        return match_envelope(data, 0)

    def lose(self) -> None:
        """Requests were lost."""

    def _operation(self, seen: Envelope) -> Operation:
        if seen.opcode == QUERY:
            return _statement(seen.body)
        if seen.opcode == EXECUTE:
            identifier = seen.body[2 : 2 + min(KEY_BYTES, number(seen.body, 0, 2))]
            return self._session.prepared.get(identifier, OPERATIONS[EXECUTE])
        return OPERATIONS[seen.opcode]


class Answers:
    """The server's messages (`framed.Language`)."""

    __slots__ = ("_session", "started")
    wanted = WANTED_ANSWER
    untimed = False

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self.started = False

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of an answer."""
        return envelope_size(buffer, start, end, ANSWERING)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append an answer, or an event."""
        if len(head) < LEAST_HEADER:
            return
        seen = envelope(head, ANSWERING)
        if seen.opcode == EVENT:
            out.append(Message(Kind.PUSH, first_at, last_at, size))
            return
        if seen.opcode == RESULT and number(seen.body, 0, 4) == PREPARED:
            identifier = seen.body[6 : 6 + min(KEY_BYTES, number(seen.body, 4, 2))]
            self._session.confirm(seen.stream, identifier)
        elif seen.opcode in (READY, AUTHENTICATE) and seen.version >= FRAMED_SINCE:
            self.started = True
        failed = seen.opcode == ERROR
        status = _status(seen.body) if failed else ""
        out.append(
            Message(Kind.RESPONSE, first_at, last_at, size, status=status, failed=failed, correlation=seen.stream)
        )

    def judge(self, data: bytes) -> Match:
        """Return whether an answer begins here."""
        return match_envelope(data, ANSWERING)

    def lose(self) -> None:
        """Answers were lost: streams may be used again by now."""
        self._session.preparing.clear()


class Switching:
    """One direction, which goes over to segments once its session has started.

    Attributes:
        malformed: how often bytes were not understood.
    """

    __slots__ = ("_language", "_segmented", "malformed")

    def __init__(self, language: Requests | Answers) -> None:
        self._language = language
        self._segmented = Segmented(Framed(language))
        self.malformed = 0

    @property
    def skip(self) -> int:
        """How many of the next bytes need not be seen."""
        return self._segmented.skip

    @property
    def seen(self) -> bool:
        """Whether a message was understood."""
        return self._segmented.seen

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        self._segmented.feed(data, at, out)
        self._follow()

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen."""
        self._segmented.gap(size_bytes, at, out)
        self._follow()

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next boundary."""
        self._segmented.lose(at, out)

    def _follow(self) -> None:
        if self._language.started:
            # The other side speaks in between: what comes next comes in bytes of its own.
            self._language.started = False
            self._segmented.switch()


def _statement(body: bytes) -> Operation:
    """Return what a statement does, whose length comes first; a batch is one however it is written."""
    text = body[4 : 4 + number(body, 0, 4)]
    operation = sql.operation_of(text)
    if operation.name == "BEGIN":
        return OPERATIONS[BATCH]
    return LIST if operation is sql.OTHER and text.lstrip()[:5].upper() == b"LIST " else operation


def _status(body: bytes) -> str:
    """Return an error's code as four hexadecimal digits, `error` where it is not known or was not captured."""
    code = number(body, 0, 4)
    return f"{code:04X}" if len(body) >= 4 and code in ERRORS else "error"


def parser() -> SidedParser:
    """Return the state of a new connection."""
    session = CassandraSession()
    return SidedParser(Switching(Requests(session)), Switching(Answers(session)))


SPEC = ProtocolSpec("cassandra", frozenset({9042, 9142}), match, parser, Family.DATABASE, trains=SidedParser.skippable)
