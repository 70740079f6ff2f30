"""DNS, in datagrams and over TCP, where a length precedes each message.

A message that repeats an unanswered question is no new request, and what repeats an answer is no new response.
"""

from collections.abc import Sequence
from dataclasses import replace

from exporter.model import UNKNOWN_OPERATION, Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.dns_wire import (
    ANSWERED,
    HEAD_BYTES,
    HEADER_BYTES,
    OPERATIONS,
    OTHER,
    TRANSFERS,
    UNSEEN,
    Head,
    cut_head,
    head,
    looks_sound,
)

MAX_OUTSTANDING = 1024
MAX_ANSWERED = 64
MAX_EARLY = 64
PATIENCE: Nanoseconds = 30_000_000_000  # a question that is repeated later is asked again
REORDERED: Nanoseconds = 50_000_000  # captures of several queues may bring an answer so long before its question
PREFIX_BYTES = 2
MAX_DATAGRAM_BYTES = 65_535
NEITHER_YET = [Match.NOT_YET, Match.NOT_YET]


class DnsDialogue:
    """The questions that are outstanding between two ends.

    Args:
        repeats: whether a client repeats what was not answered in time, and packets come in any order, as over UDP.
    """

    __slots__ = ("_answered", "_asked", "_early", "_repeats", "_transfer")

    def __init__(self, repeats: bool) -> None:
        self._repeats = repeats
        self._asked: dict[int, Nanoseconds] = {}
        self._answered: dict[int, Nanoseconds] = {}
        self._early: dict[int, Message] = {}  # answers that wait for their question
        self._transfer = -1  # the number of a zone transfer being answered

    def take(self, told: Head, first_at: Nanoseconds, at: Nanoseconds, size_bytes: int) -> list[Message]:
        """Return the message, unless it repeats or continues one, behind those that wait for nothing any more."""
        out = self._late(first_at) if self._early else []
        correlation = told.question << 16 | told.number
        if told.answers:
            self._answer(told, correlation, first_at, at, size_bytes, out)
        else:
            self._ask(told, correlation, first_at, at, size_bytes, out)
        return out

    def finish(self) -> list[Message]:
        """Return the answers whose questions were not seen and will not be."""
        out = list(self._early.values())
        self._early.clear()
        return out

    def _late(self, now: Nanoseconds) -> list[Message]:
        """Return the answers that waited in vain."""
        late = [number for number, answer in self._early.items() if now > answer.first_at + REORDERED]
        return [self._early.pop(number) for number in late]

    def _ask(
        self, told: Head, correlation: int, first_at: Nanoseconds, at: Nanoseconds, size_bytes: int, out: list[Message]
    ) -> None:
        since = self._asked.get(correlation)
        if self._repeats and since is not None and first_at - since < PATIENCE:
            return
        early = self._early.pop(correlation, None) or self._early.pop(told.number, None)
        if early is None and self._repeats and first_at <= self._answered.get(correlation, -1):
            return  # a copy that comes behind the answer it was captured before
        out.append(Message(Kind.REQUEST, first_at, at, size_bytes, _operation(told), correlation=correlation))
        if early is not None:
            out.append(replace(early, correlation=correlation))
            self._answered[correlation] = early.first_at
            return
        if len(self._asked) >= MAX_OUTSTANDING:
            del self._asked[next(iter(self._asked))]
        self._asked[correlation] = first_at

    def _answer(
        self, told: Head, correlation: int, first_at: Nanoseconds, at: Nanoseconds, size_bytes: int, out: list[Message]
    ) -> None:
        if not told.question:  # some refusals do not repeat it
            correlation = next((asked for asked in self._asked if asked & 0xFFFF == told.number), correlation)
        known = self._asked.pop(correlation, None) is not None
        if not known and (correlation in self._answered or told.number == self._transfer):
            return
        self._transfer = told.number if told.kind in TRANSFERS else -1
        if len(self._answered) >= MAX_ANSWERED:
            del self._answered[next(iter(self._answered))]
        self._answered[correlation] = first_at
        answer = Message(
            *(Kind.RESPONSE, first_at, at, size_bytes, _operation(told), told.rcode),
            failed=told.rcode not in ANSWERED,
            correlation=correlation,
        )
        if known or not self._repeats:
            out.append(answer)
            return
        if len(self._early) >= MAX_EARLY:
            out.append(self._early.pop(next(iter(self._early))))
        self._early[correlation] = answer


def _operation(told: Head) -> Operation:
    return UNKNOWN_OPERATION if told.kind == UNSEEN else OPERATIONS.get(told.kind, OTHER)


class DatagramParser:
    """DNS between two ends over UDP: each datagram is a message."""

    __slots__ = ("_cut", "_dialogue")

    def __init__(self) -> None:
        self._dialogue = DnsDialogue(repeats=True)
        self._cut = b""  # a datagram that ends within its question, until it is known whether its rest was not copied

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take a datagram; return the message that it is, unless it repeats one."""
        told = head(data)
        self._cut = data if told is None else b""
        if told is None and cut_head(data):
            return ()
        return self._take(told, direction, at, len(data))

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Take the rest of a datagram, which is not needed."""
        cut, self._cut = self._cut, b""
        return self._take(cut_head(cut), direction, at, len(cut) + size_bytes) if cut else ()

    def _take(self, told: Head | None, direction: Direction, at: Nanoseconds, size_bytes: int) -> list[Message]:
        if told is None or told.answers != bool(direction):
            raise ParseError("a datagram that is no DNS message of its side")
        return self._dialogue.take(told, at, at, size_bytes)

    def skippable(self, direction: Direction) -> int:
        """Return 0: each datagram counts."""
        return 0

    def left(self) -> bytes | None:
        """Return None: nothing else follows."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the answers to what was not seen asked."""
        return self._dialogue.finish()


class _Side:
    __slots__ = ("backlog", "first_at", "lost", "pending", "seen", "size", "skip")

    def __init__(self) -> None:
        self.backlog = Backlog()
        self.skip = 0  # bytes of the message being passed over
        self.size = 0
        self.first_at: Nanoseconds = 0
        self.pending: Head | None = None  # of the message being passed over
        self.lost = False
        self.seen = 0


class StreamParser:
    """DNS over one TCP connection."""

    __slots__ = ("_dialogue", "_sides")

    def __init__(self) -> None:
        self._dialogue = DnsDialogue(repeats=False)
        self._sides = (_Side(), _Side())

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        side = self._sides[direction]
        out: list[Message] = []
        if side.lost:
            if _match_framed(data, bool(direction)) is not Match.YES:
                return out
            side.lost = False
        buffer = side.backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if side.skip:
                taken = min(side.skip, end - position)
                position += taken
                self._passed(side, taken, at, out)
                continue
            length = _length(buffer, position)
            start = position + PREFIX_BYTES
            needed = min(length, HEAD_BYTES)
            if length < 0 or end - start < needed:
                break
            told = head(bytes(buffer[start : start + needed]))
            if told is None or told.answers != bool(direction):
                raise ParseError("no DNS message of its side begins here")
            side.pending = told
            side.first_at = side.backlog.since if position == 0 else at
            side.size = length + PREFIX_BYTES
            side.seen += 1
            side.skip = length
            position = start
        side.backlog.keep(buffer, position, at)
        return out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen; a message whose question was read still counts."""
        side = self._sides[direction]
        out: list[Message] = []
        if size_bytes and not side.skip:
            _begin_cut(side, direction)
        if 0 < size_bytes <= side.skip:
            self._passed(side, size_bytes, at, out)
            return out
        self._passed(side, side.skip, side.first_at, out)
        side.backlog.drop()
        side.lost = True
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the message being passed over."""
        return self._sides[direction].skip

    def left(self) -> bytes | None:
        """Return None: nothing else follows."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not read."""
        return ()

    def _passed(self, side: _Side, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        side.skip -= size_bytes
        if not side.skip and side.pending is not None:
            out += self._dialogue.take(side.pending, side.first_at, at, side.size)
            side.pending = None


def _begin_cut(side: _Side, direction: Direction) -> None:
    """Begin the message of which what is held was copied, and no more."""
    held = bytes(side.backlog.held)
    told = cut_head(held[PREFIX_BYTES:])
    length = _length(held, 0) if told is not None else 0
    if told is None or told.answers != bool(direction) or length < HEADER_BYTES:
        return
    side.pending = told
    side.first_at = side.backlog.since
    side.size = length + PREFIX_BYTES
    side.skip = max(side.size - len(held), 1)
    side.backlog.drop()


def _length(buffer: bytes | bytearray, at: int) -> int:
    """Return the length before a message, -1 if it is not whole."""
    return buffer[at] << 8 | buffer[at + 1] if at + PREFIX_BYTES <= len(buffer) else -1


def match_datagram(client: bytes, server: bytes) -> Match:
    """Judge one datagram: whether it is a question of the client or an answer of the server.

    One that ends too early is none, unless it turns out that its rest was not copied.
    """
    judged = Match.YES
    for data, answers in ((client, False), (server, True)):
        if data and (len(data) < 3 or bool(data[2] & 0x80) is not answers):
            return Match.NO
        if data and not looks_sound(data, len(data)):
            if cut_head(data) is None and not looks_sound(data, MAX_DATAGRAM_BYTES):
                return Match.NO
            judged = Match.NOT_YET
    return judged


def match_stream(client: bytes, server: bytes) -> Match:
    """Judge the first messages of both sides."""
    judged = [_match_framed(data, answers) for data, answers in ((client, False), (server, True)) if data]
    if judged == NEITHER_YET and _is_answered(client[PREFIX_BYTES:], server[PREFIX_BYTES:]):
        return Match.YES
    return min(judged, default=Match.NOT_YET)  # one side alone may be the rest of a message


def _is_answered(asked: bytes, told: bytes) -> bool:
    """Return whether what was copied of a question and an answer, neither of them whole, is of the same question."""
    question, answer = cut_head(asked), cut_head(told)
    if question is None or answer is None or question.answers or not answer.answers:
        return False
    names = zip(asked[HEADER_BYTES:], told[HEADER_BYTES:], strict=False)
    return question.number == answer.number and len(asked) > HEADER_BYTES and all(one == other for one, other in names)


def _match_framed(data: bytes, answers: bool) -> Match:
    length = _length(data, 0)
    if length < 0:
        return Match.NOT_YET
    body = data[PREFIX_BYTES : PREFIX_BYTES + length]
    if len(body) > 2 and bool(body[2] & 0x80) is not answers:
        return Match.NO
    sound = looks_sound(body, length)
    if sound is None:
        return Match.NOT_YET
    return Match.YES if sound else Match.NO


PORTS = frozenset({53, 5353})
SPEC = ProtocolSpec("dns", PORTS, match_stream, StreamParser, Family.NAMES)
DATAGRAM_SPEC = ProtocolSpec("dns", PORTS, match_datagram, DatagramParser, Family.NAMES, frozenset({"udp"}))
