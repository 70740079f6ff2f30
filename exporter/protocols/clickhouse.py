"""ClickHouse's native protocol (https://clickhouse.com/docs/en/native-protocol).

A connection runs one query at a time. Blocks of data do not tell their length, so that an answer is over only when the
client goes on, or hangs up: it is told then, with the time of its last byte.
"""

from collections.abc import Sequence

from exporter.model import UNKNOWN_OPERATION, Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.clickhouse_match import CANCEL, DATA, HELLO, PING, QUERY, is_query, match, operation_of

CLIENT = 0
KEPT_BYTES = 16 << 10  # of a request, where its text is
PACKETS = {HELLO: Operation("hello"), PING: Operation("ping"), 5: Operation("tables status")}
INSERT = "INSERT"
# An exception is never compressed: its packet, its code and its name.
EXCEPTION, NAME = 2, b"\x0dDB::Exception"
CODE_BYTES = 4
CARRIED = 1 + CODE_BYTES + len(NAME) - 1
# What the client's bytes may be before they are long enough to tell: a further query, or data of the one before.
TOLD_APART_BYTES = 512
MAX_STRANGE = 8
UNANSWERED = Message(Kind.UNANSWERED, 0, 0, 0)


class _Turn:
    """A request and what came of its answer.

    Attributes:
        kind: its packet.
        kept: its beginning, until its operation was read.
        told_at: when its answer began; -1 before.
        code: of the exception in the answer; empty without one.
    """

    __slots__ = (
        "code",
        "emitted",
        "first_at",
        "kept",
        "kind",
        "last_at",
        "operation",
        "size",
        "told_at",
        "told_last_at",
        "told_size",
    )

    def __init__(self, kind: int, at: Nanoseconds) -> None:
        self.kind = kind
        self.first_at = at
        self.last_at = at
        self.size = 0
        self.kept = bytearray()
        self.operation = UNKNOWN_OPERATION
        self.emitted = False
        self.told_at: Nanoseconds = -1
        self.told_last_at: Nanoseconds = -1
        self.told_size = 0
        self.code = ""

    def ask(self, data: bytes, at: Nanoseconds) -> None:
        """Take bytes of the request."""
        self.size += len(data)
        self.last_at = at
        if not self.emitted and len(self.kept) < KEPT_BYTES:
            self.kept += data[: KEPT_BYTES - len(self.kept)]

    def tell(self, size_bytes: int, at: Nanoseconds) -> None:
        """Take so many bytes of the answer."""
        if self.told_at < 0:
            self.told_at = at
        self.told_last_at = at
        self.told_size += size_bytes


class ClickhouseParser:
    """One connection's state."""

    __slots__ = ("_begun", "_begun_at", "_carried", "_going_on", "_lost", "_out", "_strange", "_turn")

    def __init__(self) -> None:
        self._turn: _Turn | None = None
        self._begun = b""  # of the client, too little to tell what it is
        self._begun_at: Nanoseconds = 0
        self._going_on = False  # the client's bytes belong to the request before, until the server speaks
        self._carried = b""
        self._lost = False  # it is not known whether the client's next bytes begin a request
        self._strange = 0
        self._out: list[Message] = []

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        self._out = []
        if direction == CLIENT:
            self._ask(data, at)
        else:
            self._tell(data, at)
        return self._out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen; of the client they may have been a whole query."""
        self._out = []
        turn = self._turn
        if direction == CLIENT and turn is not None and (turn.told_at < 0 or self._going_on):
            turn.size += size_bytes
        elif direction == CLIENT:
            self._lose(turn)
        elif turn is not None:
            self._emit(turn)
            turn.tell(size_bytes, at)
        self._carried = b""
        return self._out

    def skippable(self, direction: Direction) -> int:
        """Return 0: nothing tells its length."""
        return 0

    def left(self) -> bytes | None:
        """Return None: nothing else is spoken afterwards."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return what the connection's end completes."""
        self._out = []
        self._complete()
        return self._out

    def _lose(self, turn: _Turn | None) -> None:
        """A query may have been lost, or data of an insertion, of which it is then not known when it ends."""
        self._begun = b""
        self._lost = True
        if turn is not None and turn.operation.name == INSERT and not turn.code:
            self._turn = None
            self._out.append(UNANSWERED)
        self._complete()

    def _ask(self, data: bytes, at: Nanoseconds) -> None:
        turn = self._turn
        if turn is not None and (turn.told_at < 0 or self._going_on):
            turn.ask(data, at)
            return
        if not self._begun:
            self._begun_at = at
        self._begun += data
        begun = self._begun
        kind = begun[0]
        if turn is not None and not self._is_next(turn, begun):
            if kind == QUERY and turn.operation.name == INSERT and is_query(begun) is Match.NOT_YET:
                return
            self._go_on(turn, at)
            return
        if self._lost and not self._is_query():
            return
        self._begun = b""
        self._complete()
        if kind not in (HELLO, QUERY, PING, 5):
            self._surprise()
            return
        self._turn = turn = _Turn(kind, self._begun_at)
        turn.ask(begun, at)

    def _is_query(self) -> bool:
        """Return whether what the client began is surely a query, after a loss; what is surely none is forgotten."""
        judged = is_query(self._begun)
        self._lost = judged is not Match.YES
        if judged is Match.NO:
            self._begun = b""
        return judged is Match.YES

    def _go_on(self, turn: _Turn, at: Nanoseconds) -> None:
        """What the client began belongs to the request before."""
        turn.ask(self._begun, at)
        self._begun = b""
        self._going_on = True

    def _is_next(self, turn: _Turn, data: bytes) -> bool:
        """Return whether bytes of the client begin a request of their own."""
        kind = data[0]
        if turn.kind == HELLO and kind not in (QUERY, PING):
            return False  # what a client adds to its greeting
        if turn.operation.name == INSERT and not turn.code:
            return is_query(data) is Match.YES or (kind == PING and len(data) == 1)
        return kind not in (DATA, CANCEL)

    def _surprise(self) -> None:
        """Bytes begin nothing; after a loss they may be the rest of something."""
        self._strange += 1
        if self._strange > MAX_STRANGE:
            raise ParseError("no packet of a ClickHouse client begins here")

    def _tell(self, data: bytes, at: Nanoseconds) -> None:
        turn = self._turn
        if turn is None:
            self._begun = b""
            return  # to a request that was not seen
        if self._begun:
            self._go_on(turn, at)
        self._going_on = False
        self._emit(turn)
        turn.tell(len(data), at)
        if not turn.code:
            seen = self._carried + data
            turn.code = _code(seen)
            self._carried = b"" if turn.code else _begun(seen[-CARRIED:])

    def _emit(self, turn: _Turn) -> None:
        """Tell the request, which is complete as the server answers."""
        if turn.emitted:
            return
        turn.emitted = True
        turn.operation = operation_of(bytes(turn.kept)) if turn.kind == QUERY else PACKETS[turn.kind]
        turn.kept = bytearray()
        self._carried = b""
        if turn.kind != HELLO:
            self._out.append(self._request(turn))

    def _request(self, turn: _Turn) -> Message:
        return Message(Kind.REQUEST, turn.first_at, turn.last_at, turn.size, turn.operation)

    def _complete(self) -> None:
        """The answer is over."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        self._emit(turn)
        if turn.kind == HELLO:
            if not turn.code:
                return  # a login counts only if it fails
            self._out.append(self._request(turn))
        if turn.told_at >= 0:
            self._out.append(
                Message(
                    *(Kind.RESPONSE, turn.told_at, turn.told_last_at, turn.told_size),
                    status=turn.code,
                    failed=bool(turn.code),
                )
            )


def _begun(tail: bytes) -> bytes:
    """Return the end of what was told that may begin an exception."""
    at = tail.find(EXCEPTION)
    while at >= 0:
        if NAME.startswith(tail[at + 1 + CODE_BYTES :]):
            return tail[at:]
        at = tail.find(EXCEPTION, at + 1)
    return b""


def _code(data: bytes) -> str:
    """Return the code of the exception that data hold; empty without one."""
    at = data.find(NAME)
    while at >= 0:
        begin = at - CODE_BYTES
        if begin >= 1 and data[begin - 1] == EXCEPTION:
            code = int.from_bytes(data[begin:at], "little")
            return str(code) if code < 10_000 else "other"
        at = data.find(NAME, at + 1)
    return ""


SPEC = ProtocolSpec(
    *("clickhouse", frozenset({9000, 9001, 9010}), match, ClickhouseParser, Family.DATABASE),
    heads_tell=True,
)
