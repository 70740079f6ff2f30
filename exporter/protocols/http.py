"""HTTP/1.0 and 1.1 (RFC 9112), as lenient as the servers and clients that are out there."""

from collections.abc import Sequence
from functools import partial

import cython

from exporter.model import Change, Direction, Kind, Message, Nanoseconds
from exporter.protocols.backlog import behind_line_ends
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec, unmeasured
from exporter.protocols.bodies import CHANGING, MAX_BODY_BYTES, NO_BODY, changes_of, kind_of
from exporter.protocols.fifo import Fifo
from exporter.protocols.http_head import (
    LONG_TARGET_BYTES,
    MAX_HEAD_BYTES,
    NO_LENGTH,
    begun_method,
    body_of,
    head_end,
    match,
    match_client,
    match_server,
    method_of,
    operation_of,
    status_of,
    target_of,
)
from exporter.protocols.http_side import Side
from exporter.protocols.http_states import (
    ASKED_CONNECT,
    ASKED_HEAD,
    ASKED_PLAIN,
    BODY,
    CHUNK,
    CHUNK_LINE,
    HEAD,
    LOST,
    TRAILER,
    UNTIL_CLOSE,
)
from exporter.protocols.trace import TRACED, trace_of

if not cython.compiled:  # else `http.pxd` has them
    from exporter.protocols.pieces import line_feed, octet, piece

MAX_CHUNK_LINE_BYTES = 8192
# How many heads of a connection that spoke HTTP before may be no HTTP: an attack on the server is none on the parser.
MAX_MALFORMED = 8
MAX_ASKED = 16_384


REQUEST, RESPONSE = Kind.REQUEST, Kind.RESPONSE
CLIENT = 0  # the direction of requests
STATUSES = tuple(map(str, range(1000)))

NO_MESSAGES: list[Message] = []  # between calls; never appended to


class HttpParser:
    """One connection's state; without `values` no body is looked at."""

    __slots__ = ("_asked", "_out", "_rest", "_sides", "_values")

    def __init__(self, values: bool = True) -> None:
        self._values = values
        self._sides = (Side(), Side())
        self._asked = Fifo(MAX_ASKED)
        self._rest: bytes | None = None
        self._out = NO_MESSAGES

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        side = self._sides[direction]
        self._out = []
        if side.state == LOST and not self._rejoin(side, direction, data):
            return ()
        if side.endless and match_server(data[:16]) is Match.YES:
            self._complete(side, direction)
        buffer = side.backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end and self._rest is None:
            reached = self._step(side, direction, buffer, position, at)
            if reached == position:
                break
            position = reached
            side.backlog.scanned = 0
        if self._rest is not None:
            self._rest = bytes(buffer[position:])
        side.backlog.keep(buffer, position, at)
        return self._told()

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        side = self._sides[direction]
        self._out = []
        side.kind = NO_BODY
        if 0 < size_bytes <= self.skippable(direction):
            side.last_at = at
            side.size += size_bytes
            side.left -= size_bytes
            self._after_bytes(side, direction)
        elif side.state == UNTIL_CLOSE:
            side.size += size_bytes
            side.last_at = at
        else:
            known = side.state == HEAD and self._cut_head(side, direction, at)
            if known and direction != CLIENT:
                side.backlog.drop()
                return self._told()
            self._lose(side, direction)
            if known:
                self._asked.append(side.asks)
        return self._told()

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the body, or of its chunk."""
        side = self._sides[direction]
        if side.guessed or side.kind != NO_BODY:
            return 0
        if side.state in (BODY, CHUNK):
            return side.left
        return 0

    def left(self) -> bytes | None:
        """Return what followed an upgrade or opened a tunnel, None while the connection speaks HTTP/1."""
        return self._rest

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the messages whose bodies were cut short or end with the connection."""
        self._out = []
        for direction in (Direction.REQUEST, Direction.RESPONSE):
            side = self._sides[direction]
            if side.open():
                self._complete(side, direction)
        return self._told()

    def _told(self) -> list[Message]:
        """Return the messages of this call, and keep none."""
        out, self._out = self._out, NO_MESSAGES
        return out

    def _step(self, side: Side, direction: Direction, buffer: bytes | bytearray, start: int, at: Nanoseconds) -> int:
        """Read one unit from `start`; return where it ends, or `start` if more bytes are needed."""
        state = side.state
        if state == HEAD:
            return self._head(side, direction, buffer, start, at)
        if side.guessed:
            side.guessed = False
            if state == BODY and piece(buffer, start, start + 7) == b"HTTP/1.":
                self._complete(side, direction)
                return self._head(side, direction, buffer, start, at)
        side.last_at = at
        if state in (BODY, CHUNK):
            taken = min(side.left, len(buffer) - start)
            if side.kind != NO_BODY:
                side.keep(piece(buffer, start, start + taken))
            side.left -= taken
            side.size += taken
            self._after_bytes(side, direction)
            return start + taken
        if state == UNTIL_CLOSE:
            side.size += len(buffer) - start
            return len(buffer)
        if state == LOST:
            return len(buffer)
        return self._line(side, direction, buffer, start)

    def _head(self, side: Side, direction: Direction, buffer: bytes | bytearray, start: int, at: Nanoseconds) -> int:
        if octet(buffer, start) in b"\r\n":  # servers skip empty lines before a head, and some clients send them
            return behind_line_ends(buffer, start)
        end = head_end(buffer, start, side.backlog.scanned)
        if end < 0:
            unread = len(buffer) - start
            judge = match_client if direction == CLIENT else match_server
            if unread > MAX_HEAD_BYTES or (
                side.backlog.scanned == 0 and judge(bytes(buffer[start : start + 4096])) is Match.NO
            ):
                return self._malformed(side, direction, len(buffer))
            side.backlog.scanned = unread
            return start
        head = piece(buffer, start, end)
        line = piece(head, 0, line_feed(head, 0))
        first_at = side.backlog.since if start == 0 else at
        side.last_at = at
        if direction == CLIENT:
            known = self._request_head(side, line, head, first_at)
        else:
            known = self._response_head(side, line, head, first_at)
        return end if known else self._malformed(side, direction, len(buffer))

    def _request_head(self, side: Side, line: bytes, head: bytes, first_at: Nanoseconds) -> bool:
        method = method_of(line)
        if not method:
            return False
        self._end_unbounded()
        side.begin(first_at, len(head))
        side.operation = operation_of(method, target_of(line))
        side.trace = trace_of(head) if head.find(TRACED) > 0 else b""
        asked = ASKED_HEAD if method == b"HEAD" else ASKED_CONNECT if method == b"CONNECT" else ASKED_PLAIN
        self._asked.append(asked)
        side.expect(NO_LENGTH if asked == ASKED_CONNECT else body_of(head))
        if self._values and method in CHANGING and side.left <= MAX_BODY_BYTES:
            side.kind, side.body = kind_of(head), b""
        if side.state == BODY and side.left == 0:
            self._complete(side, Direction.REQUEST)
        return True

    def _response_head(self, side: Side, line: bytes, head: bytes, first_at: Nanoseconds) -> bool:
        status = status_of(line)
        if not status:
            return False
        if status < 200 and status != 101:  # interim: the response is still to come
            return True
        side.begin(first_at, len(head))
        side.status = status
        asked = self._asked.first() if self._asked else ASKED_PLAIN
        if status == 101 or (asked == ASKED_CONNECT and status < 300):
            self._complete(side, Direction.RESPONSE)
            self._rest = b""
        elif asked == ASKED_HEAD or status in (204, 304):
            self._complete(side, Direction.RESPONSE)
        else:
            length = body_of(head)
            side.expect(length)
            side.guessed = not self._asked
            if length == NO_LENGTH:
                side.state = UNTIL_CLOSE
            elif side.state == BODY and side.left == 0:
                self._complete(side, Direction.RESPONSE)
        return True

    def _line(self, side: Side, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        """Read a chunk's size or a trailer field."""
        end = buffer.find(b"\n", start + side.backlog.scanned)
        if end < 0:
            if len(buffer) - start > MAX_CHUNK_LINE_BYTES:
                return self._malformed(side, direction, len(buffer))
            side.backlog.scanned = len(buffer) - start
            return start
        line = bytes(buffer[start:end]).strip()
        side.size += end + 1 - start
        if side.state == TRAILER:
            if not line:
                self._complete(side, direction)
        elif line:  # an empty one ends the chunk before
            size = _chunk_size(line)
            if size < 0:
                return self._malformed(side, direction, len(buffer))
            side.left = size
            side.state = CHUNK if size else TRAILER
        return end + 1

    def _after_bytes(self, side: Side, direction: Direction) -> None:
        if side.left == 0:
            if side.state == CHUNK:
                side.state = CHUNK_LINE
            else:
                self._complete(side, direction)

    def _complete(self, side: Side, direction: Direction) -> None:
        """The message being read has ended."""
        side.state = HEAD
        side.guessed = side.endless = False
        if direction == CLIENT:
            self._emit_request(side)
            return
        if self._asked:
            self._asked.popleft()
        asker = self._sides[CLIENT]
        if not self._asked and asker.open():
            # Answered before its body ended, as a refused upload is.
            self._emit_request(asker)
        status = STATUSES[side.status]
        self._out.append(
            Message(RESPONSE, side.first_at, side.last_at, side.size, status=status, failed=side.status >= 400)
        )

    def _emit_request(self, side: Side) -> None:
        if not side.emitted:
            side.emitted = True
            if side.kind != NO_BODY or side.trace:
                self._out.append(_telling(side))
            else:
                self._out.append(Message(REQUEST, side.first_at, side.last_at, side.size, side.operation))

    def _cut_head(self, side: Side, direction: Direction, at: Nanoseconds) -> bool:
        """Tell what the beginning of a head says whose end was not seen; return whether it says anything."""
        line = bytes(side.backlog.held[:LONG_TARGET_BYTES]).lstrip(b"\r\n")
        first_at = side.backlog.since
        if direction == CLIENT:
            method = begun_method(line)
            if not method:
                return False
            self._end_unbounded()
            side.begin(first_at, len(side.backlog.held))
            end = line.find(b"\n")
            side.operation = operation_of(method, target_of(line[:end].rstrip()) if end >= 0 else b"")
            side.asks = ASKED_HEAD if method == b"HEAD" else ASKED_CONNECT if method == b"CONNECT" else ASKED_PLAIN
        else:
            status = status_of(line[:13])
            if status < 200 and status != 101:
                return False
            side.begin(first_at, len(side.backlog.held))
            side.status = status
            asked = self._asked.first() if self._asked else ASKED_PLAIN
            if status == 101:
                self._rest = b""
            elif asked != ASKED_HEAD and status not in (204, 304):
                side.state = UNTIL_CLOSE  # or until another one begins
                side.endless = True
        side.last_at = at
        if side.state == HEAD:
            self._complete(side, direction)
        return True

    def _end_unbounded(self) -> None:
        """A client that asks again knows that the response had ended, whatever its head said."""
        side = self._sides[1]
        if side.guessed or (side.state == UNTIL_CLOSE and len(self._asked) <= 1):
            self._complete(side, Direction.RESPONSE)

    def _malformed(self, side: Side, direction: Direction, end: int) -> int:
        """Give up this direction's segment; raise if it never was HTTP or is not any more.

        What a client sends may be anything as long as the server answers in HTTP.
        """
        side.malformed += 1
        if side.malformed > MAX_MALFORMED or (direction != CLIENT and not side.seen):
            raise ParseError(f"no HTTP/1 {'request' if direction == CLIENT else 'response'} begins here")
        self._lose(side, direction)
        return end

    def _lose(self, side: Side, direction: Direction) -> None:
        """The direction's next boundary is unknown."""
        if side.open():
            self._complete(side, direction)
        side.state = LOST
        side.backlog.drop()
        self._asked.clear()

    def _rejoin(self, side: Side, direction: Direction, data: bytes) -> bool:
        """Return whether a lost direction can be read again from this segment's beginning."""
        if direction == CLIENT:
            found = bool(begun_method(data[:4096].lstrip(b"\r\n"))) and match_client(data[:4096]) is not Match.NO
        else:
            found = match_server(data[:4096]) is Match.YES
        if found:
            side.state = HEAD
        return found


def _telling(side: Side) -> Message:
    """Return a request that tells more than that it was made: its trace, and what its body says."""
    changes: tuple[Change, ...] = ()
    if side.kind != NO_BODY:
        changes = changes_of(side.kind, side.body, side.operation)
        side.kind, side.body = NO_BODY, b""
    told = (REQUEST, side.first_at, side.last_at, side.size, side.operation)
    return Message(*told, changes=changes, trace=side.trace)


def _chunk_size(line: bytes) -> int:
    """Return a chunk's size in bytes, -1 if the line gives none that fits 60 bits."""
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF"):
        return -1
    return int(digits, 16)


SPEC = ProtocolSpec(
    *("http", frozenset({80, 81, 591, 3000, 5000, 8000, 8008, 8080, 8081, 8888, 9000}), match, HttpParser, Family.HTTP),
    valueless=partial(HttpParser, values=False),
    heads_tell=True,
    trains=unmeasured,
)
