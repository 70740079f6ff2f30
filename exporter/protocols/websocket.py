"""WebSocket (RFC 6455): the messages of a connection after HTTP/1's upgrade, whole ones, of either side."""

from collections.abc import Sequence

from exporter.model import Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.units import Unit, Units

CLIENT = 0
TO_SERVER, TO_CLIENT = Operation("to-server"), Operation("to-client")
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
CONTROL = frozenset({CLOSE, PING, PONG})
FINAL, COMPRESSED, RESERVED, MASKED = 0x80, 0x40, 0x30, 0x80
MAX_FRAME_BYTES = 1 << 40
# One side alone is believed after so many frames in a row.
FRAMES_OF_ONE_SIDE = 3


def _measure(buffer: bytes | bytearray, start: int, masked: int) -> tuple[int, int]:
    """Measure a frame of the side that masks (the client) or not; its head is all that is kept."""
    first = buffer[start]
    opcode = first & 0xF
    if first & RESERVED or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        raise ParseError("no WebSocket frame begins here")
    if len(buffer) - start < 2:
        return 0, 0
    length = buffer[start + 1] & 0x7F
    if buffer[start + 1] & MASKED != masked or (
        opcode in CONTROL and (length > 125 or first & (FINAL | COMPRESSED) != FINAL)
    ):
        raise ParseError("no WebSocket frame of this side begins here")
    head = 2 + (0 if length < 126 else 2 if length == 126 else 8)
    if len(buffer) - start < head:
        return 0, 0
    least = 0
    if length >= 126:
        least = 126 if length == 126 else 1 << 16
        length = int.from_bytes(buffer[start + 2 : start + head], "big")
    if not least <= length <= MAX_FRAME_BYTES:
        raise ParseError("a WebSocket frame's length is not as short as can be")
    head += 4 if masked else 0
    return head, head + length


def _measure_client(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    return _measure(buffer, start, MASKED)


def _measure_server(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    return _measure(buffer, start, 0)


def _begins_client(data: bytes) -> bool:
    return _match_side(data, MASKED)[0] > Match.NOT_YET


def _begins_server(data: bytes) -> bool:
    return _match_side(data, 0)[0] > Match.NOT_YET


class _Side:
    """One direction's state; `size` and `first_at` are those of a message in several frames."""

    __slots__ = ("first_at", "operation", "size", "units")

    def __init__(self, units: Units, operation: Operation) -> None:
        self.units = units
        self.operation = operation
        self.size = 0
        self.first_at: Nanoseconds = 0


class WebSocketParser:
    """One connection's state."""

    __slots__ = ("_sides",)

    def __init__(self) -> None:
        self._sides = (
            _Side(Units(_measure_client, _begins_client), TO_SERVER),
            _Side(Units(_measure_server, _begins_server), TO_CLIENT),
        )

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        side = self._sides[direction]
        return _messages(side, side.units.feed(data, at))

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        side = self._sides[direction]
        return _messages(side, side.units.gap(size_bytes, at))

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a frame's payload."""
        return self._sides[direction].units.skippable

    def left(self) -> bytes | None:
        """Return None: nothing takes over from WebSocket."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: every message tells its end."""
        return ()


def _messages(side: _Side, units: Sequence[Unit]) -> list[Message]:
    out = []
    for unit in units:
        opcode = unit.head[0] & 0xF
        if opcode in CONTROL:
            continue
        if opcode != CONTINUATION or side.size == 0:
            side.size = 0
            side.first_at = unit.first_at
        side.size += unit.size_bytes
        if unit.head[0] & FINAL:
            out.append(Message(Kind.PUSH, side.first_at, unit.last_at, side.size, side.operation))
            side.size = 0
    return out


def match(client: bytes, server: bytes) -> Match:
    """Judge by whole frames of both sides, masked and not, or by several of one side."""
    asked, asked_frames = _match_side(client, MASKED)
    told, told_frames = _match_side(server, 0)
    if Match.NO in (asked, told):
        return Match.NO
    both = asked is told is Match.MAYBE and (asked_frames or told_frames)
    if both or max(asked_frames, told_frames) >= FRAMES_OF_ONE_SIDE:
        return Match.YES
    return max(asked, told)


def _match_side(data: bytes, masked: int) -> tuple[Match, int]:
    """Return what one side's bytes are taken for, and how many whole frames they hold."""
    at, frames = 0, 0
    begun = False
    while at < len(data):
        if not begun and frames == 0 and data[at] & 0xF == CONTINUATION:
            return Match.NO, 0
        try:
            head, size = _measure(data, at, masked)
        except ParseError:
            return Match.NO, 0
        empty = size == head and data[at] & 0xF not in CONTROL
        if head and empty and data[at] & FINAL == 0:
            return Match.NO, 0  # zeros are commoner in other protocols than empty parts of messages in this one
        if head and _is_torn_text(data[at : at + size], head, masked):
            return Match.NO, 0
        if head == 0 or at + size > len(data):
            return (Match.MAYBE if head else Match.NOT_YET), frames
        at += size
        frames += not empty
        begun = True
    return (Match.MAYBE if frames else Match.NOT_YET), frames


def _is_torn_text(frame: bytes, head: int, masked: int) -> bool:
    """Return whether a frame should be readable text and is not."""
    if masked or frame[0] & (0xF | COMPRESSED) != TEXT or frame[0] & FINAL == 0:
        return False
    control = bytes(range(9)) + bytes(range(14, 32))
    return len(frame[head:].translate(None, control)) < len(frame) - head


SPEC = ProtocolSpec("websocket", frozenset({80, 8080}), match, WebSocketParser, Family.MESSAGING)
