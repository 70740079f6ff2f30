"""FastCGI: what a web server asks of an application, by method and status as HTTP."""

from collections.abc import Sequence

from exporter.model import UNKNOWN_OPERATION, Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import UNTIMED, Family, Match, ProtocolSpec
from exporter.protocols.fastcgi_records import (
    ABORT,
    BEGIN,
    END,
    HEAD_BYTES,
    MAX_HEAD_BYTES,
    MAX_PARAMS_BYTES,
    OF_CLIENT,
    OF_SERVER,
    PARAMS,
    STDERR,
    STDIN,
    STDOUT,
    begins,
    content_size,
    judge,
    measure,
)
from exporter.protocols.http_head import operation_of
from exporter.protocols.units import Unit, Units

CLIENT = 0
MAX_REQUESTS = 1024  # that are under way on one connection
METHOD = b"REQUEST_METHOD"
URI = b"REQUEST_URI"
LONGEST_VALUE = 4096
# What an application that says nothing means (RFC 3875 6.3.3, 6.2.3), and one that is too busy or refuses the role.
FOUND, MOVED, REFUSED, UNKNOWN = "200", "302", "503", ""
NAMING = b"status:"
SURE = frozenset({BEGIN, END})


class _Request:
    """One request that is under way.

    Attributes:
        begun: whether its first record was seen.
        emitted: whether it was handed on.
        params: what is kept of its parameters, until its method and path were read.
        head: what is kept of the answer's beginning.
    """

    __slots__ = (
        "asked_last_at",
        "asked_size",
        "begun",
        "emitted",
        "first_at",
        "head",
        "operation",
        "params",
        "told_first_at",
        "told_last_at",
        "told_size",
    )

    def __init__(self, first_at: Nanoseconds, begun: bool) -> None:
        self.first_at = first_at
        self.begun = begun
        self.emitted = not begun
        self.asked_last_at = first_at
        self.asked_size = 0
        self.operation: Operation = UNKNOWN_OPERATION
        self.params = b""
        self.told_first_at: Nanoseconds = -1
        self.told_last_at: Nanoseconds = -1
        self.told_size = 0
        self.head = b""


class FastcgiParser:
    """One connection's state."""

    __slots__ = ("_fed_at", "_missed", "_out", "_requests", "_sides")

    def __init__(self) -> None:
        self._sides = (Units(measure, begins), Units(measure, begins))
        self._requests: dict[int, _Request] = {}
        self._fed_at: Nanoseconds = 0
        self._missed = False  # more was lost than the rest of a packet
        self._out: list[Message] = []

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        self._out = []
        self._fed_at = at
        for unit in self._sides[direction].feed(data, at):
            self._record(direction, unit)
        return self._out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        self._out = []
        side = self._sides[direction]
        losses = side.losses
        for unit in side.gap(size_bytes, at):
            self._record(direction, unit)
        self._missed = self._missed or (side.losses > losses and at != self._fed_at)
        return self._out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a record that is not read."""
        return self._sides[direction].skippable

    def left(self) -> bytes | None:
        """Return None: nothing else is spoken afterwards."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the requests that were cut short, and the answers that ended with the connection."""
        self._out = []
        for number, request in self._requests.items():
            if self._missed and request.told_first_at >= 0:
                request.told_first_at = UNTIMED  # it may have gone on
            self._end(number, request)
        self._requests.clear()
        return self._out

    def _end(self, number: int, request: _Request) -> None:
        """Tell of a request whose end was not seen; an answer that began has ended by now."""
        self._emit(number, request)
        if request.head:
            self._answer(number, request, b"")

    def _record(self, direction: Direction, unit: Unit) -> None:
        head = unit.head
        if len(head) < HEAD_BYTES:
            return
        kind, number = head[1], head[2] << 8 | head[3]
        if number == 0:
            return
        if direction == CLIENT:
            self._ask(kind, number, unit)
        elif kind in (STDOUT, STDERR, END):
            self._tell(kind, number, unit)

    def _ask(self, kind: int, number: int, unit: Unit) -> None:
        request = self._requests.get(number)
        if kind == BEGIN:
            if request is not None:  # the end of the one before it was lost
                self._end(number, request)
                del self._requests[number]
            request = self._open(number, _Request(unit.first_at, begun=True))
        if request is None:
            return
        request.asked_size += unit.size_bytes
        request.asked_last_at = unit.last_at
        content = content_size(unit.head)
        if kind == PARAMS and content:
            self._look(request, unit.head[HEAD_BYTES:])
        elif kind == ABORT or (kind == STDIN and not content):
            self._emit(number, request)

    def _look(self, request: _Request, params: bytes) -> None:
        """Look for the method and the path among parameters."""
        if request.operation.target or len(request.params) > MAX_PARAMS_BYTES:
            return
        kept = request.params + params
        method, uri = value_of(kept, METHOD), value_of(kept, URI)
        if method:
            request.operation = operation_of(method.upper(), uri)
        request.params = b"" if method and uri else kept

    def _tell(self, kind: int, number: int, unit: Unit) -> None:
        request = self._requests.get(number)
        if request is None:
            request = self._open(number, _Request(unit.first_at, begun=False))
        self._emit(number, request)
        if request.told_first_at < 0:
            request.told_first_at = unit.first_at
        request.told_last_at = unit.last_at
        request.told_size += unit.size_bytes
        if kind == STDOUT and len(request.head) < MAX_HEAD_BYTES and b"\r\n\r\n" not in request.head:
            request.head += unit.head[HEAD_BYTES:]
        elif kind == END:
            self._answer(number, request, unit.head[HEAD_BYTES:])
            del self._requests[number]

    def _open(self, number: int, request: _Request) -> _Request:
        if len(self._requests) >= MAX_REQUESTS:
            oldest = next(iter(self._requests))
            self._emit(oldest, self._requests.pop(oldest))
        self._requests[number] = request
        return request

    def _emit(self, number: int, request: _Request) -> None:
        if not request.emitted:
            request.emitted = True
            request.params = b""
            self._out.append(
                Message(
                    Kind.REQUEST,
                    request.first_at,
                    request.asked_last_at,
                    request.asked_size,
                    request.operation,
                    correlation=number,
                )
            )

    def _answer(self, number: int, request: _Request, end: bytes) -> None:
        refused = end[4:5] not in (b"", b"\0")
        status = REFUSED if refused else status_of(request.head)
        self._out.append(
            Message(
                Kind.RESPONSE,
                request.told_first_at,
                request.told_last_at,
                request.told_size,
                status=status,
                failed=status >= "400",
                correlation=number,
            )
        )


def value_of(params: bytes, name: bytes) -> bytes:
    """Return a parameter's value, which stands behind the lengths of name and value; empty if it is not there."""
    at = params.find(name)
    while at >= 0:
        behind = at + len(name)
        size = -1
        if at >= 2 and params[at - 2] == len(name) and params[at - 1] < 0x80:
            size = params[at - 1]
        elif at >= 5 and params[at - 5] == len(name) and params[at - 4] & 0x80:
            size = int.from_bytes(params[at - 4 : at], "big") & 0x7FFFFFFF
        if 0 <= size <= LONGEST_VALUE:
            value = params[behind : behind + size]
            return value if len(value) == size else b""
        at = params.find(name, behind)
    return b""


def status_of(head: bytes) -> str:
    """Return the status that the beginning of an application's answer gives, or means without giving one.

    Of a head whose end was not seen the first field tells: all libraries write a status before anything else.
    """
    fields = b"\n" + head.partition(b"\r\n\r\n")[0].lower()
    digits = fields.partition(b"\nstatus:")[2].lstrip()[:3]
    if len(digits) == 3 and digits.isdigit() and digits[:1] != b"0":
        return digits.decode("ascii")
    if b"\nlocation:" in fields:
        return MOVED
    return FOUND if not head or b"\r\n\r\n" in head or not NAMING.startswith(fields[1 : 1 + len(NAMING)]) else UNKNOWN


def match(client: bytes, server: bytes) -> Match:
    """Judge by records of a fixed form; streams alone only by those of both sides."""
    asked = judge(client, OF_CLIENT, SURE) if client else Match.NOT_YET
    told = judge(server, OF_SERVER, SURE) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    return Match.YES if asked is told is Match.MAYBE else max(asked, told)


SPEC = ProtocolSpec("fastcgi", frozenset({9000}), match, FastcgiParser, Family.HTTP)
