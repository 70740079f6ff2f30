"""AMQP 0-9-1: methods that are answered, what is published and what is delivered."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.model import UNKNOWN_OPERATION, Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols.amqp_frames import (
    ANSWERS,
    BODY,
    CARRYING,
    CHANNEL_CLOSE,
    CONNECTION_CLOSE,
    DELIVER,
    END,
    GREETING,
    HEAD_BYTES,
    HEADER,
    IDENTIFIED_BYTES,
    METHOD,
    OF_CLIENT,
    OF_SERVER,
    OPERATIONS,
    PUBLISH,
    REQUESTS,
    RETURN,
    begins,
    destination,
    measure,
    method_of,
    unanswered,
)
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.names import directed
from exporter.protocols.units import Unit, Units

CLIENT = 0
OK_CODE = 200
# More channels with something under way than any client has; beyond it the oldest are forgotten.
MAX_CHANNELS = 2048
MAX_ASKED = 1024
PUSHED = frozenset({RETURN, DELIVER})


@dataclass(slots=True)
class _Asked:
    method: int
    correlation: int


@dataclass(slots=True)
class _Carrier:
    """A method that a content follows, until its last byte; `left` is -1 before the content's header."""

    kind: Kind
    operation: Operation
    first_at: Nanoseconds
    correlation: int | None
    size: int
    left: int = -1


class AmqpParser:
    """One connection's state."""

    __slots__ = ("_asked", "_carriers", "_number", "_out", "_sides")

    def __init__(self) -> None:
        self._sides = (Units(measure, begins), Units(measure, begins))
        self._asked: dict[int, deque[_Asked]] = {}  # by channel
        self._carriers: tuple[dict[int, _Carrier], dict[int, _Carrier]] = ({}, {})
        self._number = 0
        self._out: list[Message] = []

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        return self._take(direction, self._sides[direction].feed(data, at))

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        units = self._sides[direction]
        losses = units.losses
        found = units.gap(size_bytes, at)
        if units.losses > losses:
            # A method may be among what was lost: the next answer may be to it.
            self._asked.clear()
            torn = [carrier for carrier in self._carriers[direction].values() if carrier.correlation is None]
            self._carriers[direction].clear()
            return self._take(direction, found) + [_told(carrier, at) for carrier in torn]
        return self._take(direction, found)

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a frame of which nothing more matters."""
        return self._sides[direction].skippable

    def left(self) -> bytes | None:
        """Return None: nothing takes over from AMQP."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: every content tells its end."""
        return ()

    def _take(self, direction: Direction, units: Sequence[Unit]) -> list[Message]:
        self._out = []
        for unit in units:
            frame = unit.head
            if frame == GREETING:
                continue
            channel = frame[1] << 8 | frame[2]
            if frame[0] == METHOD and len(frame) >= IDENTIFIED_BYTES:
                method = method_of(frame)
                if direction == CLIENT:
                    self._of_client(channel, method, unit)
                else:
                    self._of_server(channel, method, unit)
            elif frame[0] in (HEADER, BODY):
                self._content(direction, channel, unit)
        return self._out

    def _of_client(self, channel: int, method: int, unit: Unit) -> None:
        operation = OPERATIONS[method]
        if method == PUBLISH:
            operation = directed(operation, destination(unit.head, IDENTIFIED_BYTES + 2))
            self._carry(CLIENT, channel, _Carrier(Kind.ONE_WAY, operation, unit.first_at, None, unit.size_bytes))
        elif method in REQUESTS:
            if unanswered(unit.head, method):
                self._emit(Kind.ONE_WAY, unit, operation, None)
                return
            self._number += 1
            if len(self._asked) >= MAX_CHANNELS and channel not in self._asked:
                del self._asked[next(iter(self._asked))]
            self._asked.setdefault(channel, deque(maxlen=MAX_ASKED)).append(_Asked(method, self._number))
            self._emit(Kind.REQUEST, unit, operation, self._number)

    def _of_server(self, channel: int, method: int, unit: Unit) -> None:
        if method in PUSHED:
            operation = OPERATIONS[method]
            if method == DELIVER:
                tag = unit.head[IDENTIFIED_BYTES : IDENTIFIED_BYTES + 1] or b"\0"
                operation = directed(operation, destination(unit.head, IDENTIFIED_BYTES + 1 + tag[0] + 9))
            self._carry(1, channel, _Carrier(Kind.PUSH, operation, unit.first_at, None, unit.size_bytes))
        elif method in ANSWERS:
            correlation = self._answered(channel, ANSWERS[method])
            if method in CARRYING:
                carrier = _Carrier(Kind.RESPONSE, UNKNOWN_OPERATION, unit.first_at, correlation, unit.size_bytes)
                self._carry(1, channel, carrier)
            else:
                self._emit(Kind.RESPONSE, unit, UNKNOWN_OPERATION, correlation)
        elif method in (CONNECTION_CLOSE, CHANNEL_CLOSE):
            self._closed(channel, method, unit)

    def _answered(self, channel: int, method: int) -> int | None:
        """Return the correlation of the oldest request of a method; what was asked before it got no answer."""
        asked = self._asked.get(channel, deque())
        if not any(one.method == method for one in asked):
            return None
        while asked[0].method != method:
            asked.popleft()
        found = asked.popleft()
        if not asked:
            del self._asked[channel]
        return found.correlation

    def _closed(self, channel: int, method: int, unit: Unit) -> None:
        """The server closes for a reason: what the client asked first has failed, or something it did not wait for."""
        code = int.from_bytes(unit.head[IDENTIFIED_BYTES : IDENTIFIED_BYTES + 2], "big")
        if method == CONNECTION_CLOSE and channel not in self._asked and self._asked:
            channel = next(iter(self._asked))
        asked = self._asked.pop(channel, None)
        failed = code != OK_CODE
        if asked or failed:
            correlation = asked[0].correlation if asked else None
            self._emit(Kind.RESPONSE, unit, UNKNOWN_OPERATION, correlation, str(code) if failed else "")

    def _carry(self, direction: int, channel: int, carrier: _Carrier) -> None:
        carriers = self._carriers[direction]
        if channel not in carriers and len(carriers) >= MAX_CHANNELS:
            del carriers[next(iter(carriers))]
        carriers[channel] = carrier

    def _content(self, direction: Direction, channel: int, unit: Unit) -> None:
        carrier = self._carriers[direction].get(channel)
        if carrier is None:
            return
        carrier.size += unit.size_bytes
        if unit.head[0] == HEADER:
            carrier.left = int.from_bytes(unit.head[HEAD_BYTES + 4 : HEAD_BYTES + 12], "big")
        else:
            carrier.left -= unit.size_bytes - HEAD_BYTES - 1
        if carrier.left <= 0:
            del self._carriers[direction][channel]
            self._out.append(_told(carrier, unit.last_at))

    def _emit(self, kind: Kind, unit: Unit, operation: Operation, correlation: int | None, failure: str = "") -> None:
        self._out.append(
            Message(
                kind,
                unit.first_at,
                unit.last_at,
                unit.size_bytes,
                operation,
                failure,
                bool(failure),
                correlation,
            )
        )


def _told(carrier: _Carrier, last_at: Nanoseconds) -> Message:
    """Return the message that a method and its content are; a loss may have hidden the content's end."""
    return Message(
        *(carrier.kind, carrier.first_at, last_at, carrier.size, carrier.operation), correlation=carrier.correlation
    )


def match(client: bytes, server: bytes) -> Match:
    """Judge by the client's greeting, else by a whole frame of either side."""
    if client and GREETING.startswith(client[: len(GREETING)]):
        return Match.YES if len(client) >= len(GREETING) else Match.NOT_YET
    judged = [_match_side(data, foreign) for data, foreign in ((client, OF_SERVER), (server, OF_CLIENT)) if data]
    if Match.NO in judged or not judged:
        return Match.NO if judged else Match.NOT_YET
    return max(judged)


def _match_side(data: bytes, foreign: frozenset[int]) -> Match:
    """Judge one side's first frames; the methods of the other side are not among them."""
    at, telling = 0, False
    while at < len(data):
        try:
            kept, size = measure(data, at)
        except ParseError:
            return Match.NO
        method = method_of(data, at) if kept and data[at] == METHOD else 0
        if method in foreign:
            return Match.NO
        if kept == 0 or at + size > len(data):
            return Match.YES if telling else Match.MAYBE if kept else Match.NOT_YET
        if data[at + size - 1] != END:
            return Match.NO
        telling = telling or method != 0
        at += size
    return Match.YES if telling else Match.MAYBE


SPEC = ProtocolSpec("amqp", frozenset({5672}), match, AmqpParser, Family.MESSAGING)
