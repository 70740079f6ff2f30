"""HTTP/2 in clear text (RFC 9113), by prior knowledge or after an upgrade, and gRPC on it."""

from collections.abc import Sequence
from functools import partial

from exporter.model import UNKNOWN_OPERATION, Direction, Kind, Message, Nanoseconds
from exporter.protocols import http2_match
from exporter.protocols.base import UNTIMED, Family, ParseError, ProtocolSpec, unmeasured
from exporter.protocols.bodies import NO_BODY
from exporter.protocols.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEAD_BYTES,
    HEADERS,
    MAX_KEPT_BYTES,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    begins,
    block_of,
    data_of,
    measure,
    measure_asked,
)
from exporter.protocols.http2_headers import HeaderDecoder, Headers
from exporter.protocols.http2_streams import UNSEEN_FAILURE, Stream, error_name
from exporter.protocols.units import Unit, Units

CLIENT = 0
# Streams that neither end; beyond it the oldest are taken for unanswered.
MAX_STREAMS = 4096
CANCEL = 8
BEFORE_FIRST = -1
LEAST_REQUEST_BYTES = HEAD_BYTES + 1
MOST_HIDDEN_BYTES = 1024 * LEAST_REQUEST_BYTES  # that may hold requests: numbers may be wrong, a hole be a gigabyte
MAX_HELD_BYTES = 64 << 10  # of bodies that have not ended


class _Side:
    """One direction's state.

    Attributes:
        block: what was kept of a header block that goes over several frames; empty between blocks.
        begun: the frame that began it.
        size: the bytes of its frames.
    """

    __slots__ = ("begun", "block", "decoder", "size", "units")

    def __init__(self, bodies: bool = False) -> None:
        self.units = Units(measure_asked if bodies else measure, begins)
        self.decoder = HeaderDecoder()
        self.block = bytearray()
        self.begun: Unit | None = None
        self.size = 0

    def drop(self) -> None:
        self.block.clear()
        self.begun = None
        self.size = 0


class Http2Parser:
    """One connection's state; with `grpc` calls are named and judged as gRPC's, without `values` no body is read."""

    __slots__ = ("_grpc", "_held", "_hidden", "_latest", "_out", "_sides", "_streams", "_values")

    def __init__(self, grpc: bool = False, values: bool = True) -> None:
        self._grpc = grpc
        self._values = values and not grpc  # bodies of gRPC do not name their fields
        self._held = 0  # bytes of bodies
        self._latest = 0  # the stream that the client asked by last; their numbers only rise. 0 where that is not known
        self._hidden = 0  # bytes of the client's that were not seen, and may hold requests
        self._sides = (_Side(self._values), _Side())
        self._streams: dict[int, Stream] = {}
        self._out: list[Message] = []

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        self._out = []
        side = self._sides[direction]
        losses = side.units.losses
        for unit in side.units.feed(data, at):
            self._frame(side, direction, unit)
        if side.units.losses > losses:
            self._forget(side)
        return self._out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        self._out = []
        side = self._sides[direction]
        losses = side.units.losses
        units = side.units.gap(size_bytes, at)
        for unit in units:
            self._frame(side, direction, unit)
        if side.units.losses > losses and (side.units.lost or not self._torn_data(side, units)):
            self._forget(side)
            if direction != CLIENT:
                self._tear()
            self._hidden = min(self._hidden + (size_bytes if direction == CLIENT else 0), MOST_HIDDEN_BYTES)
        return self._out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a frame that bears no headers."""
        return self._sides[direction].units.skippable

    def left(self) -> bytes | None:
        """Return None: nothing takes over from HTTP/2."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the requests whose streams were never ended."""
        self._out = []
        for number, stream in list(self._streams.items()):
            self._emit_request(number, stream)
            if stream.torn and not self._grpc:
                stream.told_first_at = UNTIMED
                self._answer(number, stream, stream.told_last_at, "")
        self._streams.clear()
        return self._out

    def _forget(self, side: _Side) -> None:
        """Frames were lost, of which some may have held headers."""
        side.decoder.doubt()
        side.drop()

    def _tear(self) -> None:
        """Frames of answers were lost, maybe their ends."""
        for stream in self._streams.values():
            stream.torn = stream.answered

    def _mend(self) -> None:
        """A client that asks anew, and by one stream at a time, has got the answer before."""
        number, stream = next(iter(self._streams.items()))
        if stream.torn and stream.emitted and not self._grpc:
            self._answer(number, stream, stream.told_last_at, "")

    def _torn_data(self, side: _Side, units: Sequence[Unit]) -> bool:
        """Return whether what was lost is of a frame of data alone: no headers are missing."""
        unit = side.units.unit or (units[-1] if units else None)
        return unit is not None and unit.head[3] == DATA

    def _frame(self, side: _Side, direction: Direction, unit: Unit) -> None:
        frame = unit.head
        if frame == PREFACE:
            self._latest = BEFORE_FIRST
            return
        kind, flags = frame[3], frame[4]
        number = int.from_bytes(frame[5:9], "big")
        if kind == DATA:
            self._data(direction, number, unit)
        elif kind in (HEADERS, PUSH_PROMISE):
            side.drop()
            side.begun = unit
            self._add(side, direction, unit)
        elif kind == CONTINUATION and side.begun is not None:
            self._add(side, direction, unit)
        elif kind == RST_STREAM and len(frame) == HEAD_BYTES + 4:
            self._reset(direction, number, int.from_bytes(frame[HEAD_BYTES:], "big"), unit)
        if kind == DATA and flags & END_STREAM:
            self._end(direction, number, unit.last_at)

    def _data(self, direction: Direction, number: int, unit: Unit) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        if direction == CLIENT:
            stream.asked_size += unit.size_bytes
            stream.asked_last_at = unit.last_at
            if stream.kind != NO_BODY:
                self._keep(stream, unit)
        else:
            stream.told_size += unit.size_bytes
            stream.told_last_at = unit.last_at
            stream.torn = False

    def _keep(self, stream: Stream, unit: Unit) -> None:
        """Keep a part of a request's body, unless bytes of it are missing or too many bodies are kept."""
        before = len(stream.body)
        if self._values and len(unit.head) == unit.size_bytes and self._held < MAX_HELD_BYTES:
            stream.keep(data_of(unit.head))
        else:
            stream.leave()
        self._held += len(stream.body) - before

    def _add(self, side: _Side, direction: Direction, unit: Unit) -> None:
        """Take a part of a header block."""
        side.block += block_of(unit.head)
        side.size += unit.size_bytes
        torn = len(unit.head) < unit.size_bytes
        begun = side.begun
        assert begun is not None
        if len(side.block) > MAX_KEPT_BYTES:
            self._forget(side)
        elif unit.head[4] & END_HEADERS or torn:
            self._block(side, direction, begun, unit.last_at, torn)
            side.drop()

    def _block(self, side: _Side, direction: Direction, begun: Unit, at: Nanoseconds, torn: bool) -> None:
        try:
            headers = side.decoder.decode(bytes(side.block), torn)
        except ParseError:
            side.decoder.forget()
            headers = Headers(unknown=True)
        number = int.from_bytes(begun.head[5:9], "big")
        if begun.head[3] == PUSH_PROMISE or number % 2 == 0:
            return
        if direction == CLIENT:
            self._ask(number, headers, begun, side.size, at)
        else:
            ended = bool(begun.head[4] & END_STREAM) and not torn
            if ended and self._grpc and headers.unknown and not headers.grpc_status and side.decoder.knows_success():
                headers.grpc_status = UNSEEN_FAILURE
            if not self._tell(number, headers, begun, side.size):
                return
        if begun.head[4] & END_STREAM:
            self._end(direction, number, at)

    def _ask(self, number: int, headers: Headers, begun: Unit, size: int, at: Nanoseconds) -> None:
        stream = self._streams.get(number)
        if stream is not None and (stream.emitted or headers.method):
            # No trailers: the end of the stream's last use was lost.
            self._emit_request(number, self._streams.pop(number))
            stream = None
        if stream is None:
            if number <= self._latest and not headers.method:
                return  # trailers of what was answered, or reset, before its end
            if len(self._streams) == 1:
                self._mend()
            self._uncover(number, at)
            self._latest = number
            stream = self._open(number, Stream(begun.first_at, asked=True))
            stream.ask(headers, self._grpc)
        stream.asked_size += size
        stream.asked_last_at = at

    def _tell(self, number: int, headers: Headers, begun: Unit, size: int) -> bool:
        stream = self._streams.get(number)
        if stream is None:
            stream = self._open(number, Stream(begun.first_at, asked=False))
            stream.grpc = self._grpc
            self._uncover(number, begun.last_at)
            self._latest = max(self._latest, number) if self._latest else 0
        stream.told_size += size
        stream.told_last_at = begun.last_at
        return stream.tell(headers, begun.first_at)

    def _uncover(self, number: int, at: Nanoseconds) -> None:
        """Tell of the requests before a new one that were not seen: each takes the next number, and so many bytes."""
        begin = self._latest + 2 if self._latest else number
        for missing in range(begin, min(number, begin + 2 * (self._hidden // LEAST_REQUEST_BYTES)), 2):
            self._hidden -= LEAST_REQUEST_BYTES
            self._out.append(
                Message(
                    Kind.REQUEST, at, at, LEAST_REQUEST_BYTES, correlation=missing, waits=True
                )  # its time is unknown
            )

    def _open(self, number: int, stream: Stream) -> Stream:
        if len(self._streams) >= MAX_STREAMS:
            oldest = next(iter(self._streams))
            self._emit_request(oldest, self._streams.pop(oldest))
        self._streams[number] = stream
        return stream

    def _end(self, direction: Direction, number: int, at: Nanoseconds) -> None:
        """One side of a stream has ended; the server's end is the response's."""
        stream = self._streams.get(number)
        if stream is None:
            return
        if direction == CLIENT:
            self._emit_request(number, stream)
        elif stream.answered:
            self._answer(number, stream, at, "")

    def _reset(self, direction: Direction, number: int, code: int, unit: Unit) -> None:
        """A side gave a stream up; a client that had no answer yet gets none."""
        stream = self._streams.get(number)
        if stream is None:
            return
        if direction == CLIENT:
            self._emit_request(number, stream)
            if stream.answered:
                self._answer(number, stream, unit.last_at, "")
            else:
                del self._streams[number]
        elif not stream.answered:
            stream.told_first_at = unit.first_at
            self._answer(number, stream, unit.last_at, error_name(code))
        else:
            self._answer(number, stream, unit.last_at, error_name(code) if code else "")

    def _emit_request(self, number: int, stream: Stream) -> None:
        if not stream.emitted:
            stream.emitted = True
            self._held -= len(stream.body)
            self._out.append(
                Message(
                    Kind.REQUEST,
                    stream.first_at,
                    stream.asked_last_at,
                    stream.asked_size,
                    stream.operation,
                    correlation=number,
                    changes=stream.changes(),
                    trace=stream.trace,
                )
            )

    def _answer(self, number: int, stream: Stream, at: Nanoseconds, failure: str) -> None:
        self._emit_request(number, stream)
        del self._streams[number]
        self._out.append(
            Message(
                Kind.RESPONSE,
                stream.told_first_at,
                at,
                stream.told_size,
                UNKNOWN_OPERATION,
                failure or stream.outcome(self._grpc),
                bool(failure) or stream.failed(),
                number,
            )
        )


SPEC = ProtocolSpec(
    *("http2", frozenset({80, 8080}), http2_match.match_http2, Http2Parser, Family.HTTP),
    valueless=partial(Http2Parser, values=False),
    trains=unmeasured,
)
