"""TLS: a handshake is the one exchange; what is behind it goes on as `tls_turns`."""

from collections.abc import Sequence

from exporter.model import Direction, Kind, Message, Nanoseconds, Operation, TlsFacts
from exporter.protocols.base import Match, ProtocolSpec
from exporter.protocols.tls_alerts import CLOSE_NOTIFY, ENCRYPTED, alert_name, is_end
from exporter.protocols.tls_certificate import first_certificate, not_after
from exporter.protocols.tls_hello import server_hello, server_name, version_name
from exporter.protocols.tls_records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    DATA,
    HANDSHAKE,
    HEAD_BYTES,
    begins,
    begins_hello,
    is_old_hello,
    measure,
)
from exporter.protocols.units import Unit, Units

OPERATION = Operation("handshake")
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
READ = (CLIENT_HELLO, SERVER_HELLO, CERTIFICATE)
MESSAGE_HEAD_BYTES = 4
CLIENT, SERVER = 0, 1
MAX_HELLO_BYTES = 128 << 10  # post-quantum key shares and padding; the field could say 16 MB
TLS_1_3 = "TLSv1.3"
LATEST_EARLIER = 0x0303  # TLS 1.2, as which every hello of TLS 1.3 looks
ANSWERING = (b"\x0b", b"\x10")  # a client's Certificate and ClientKeyExchange
BEFORE_TLS_1_3 = frozenset({"SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2"})
# An alert that is encrypted as data: level, description, type and tag. A Finished is longer.
ENCRYPTED_ALERT_BYTES = HEAD_BYTES + 2 + 1 + 16
UNFINISHED = "unfinished"


class _Side:
    """One direction's state.

    Attributes:
        hello: what was kept of a hello, or of a certificate, that goes over several records.
        passing: how much of another handshake message is still to come.
        ciphered: whether it changed its cipher, so that no later handshake record can be read.
        finished: whether it has sent what ends a handshake before TLS 1.3.
        size: bytes of all its records.
    """

    __slots__ = ("ciphered", "finished", "first_at", "hello", "passing", "size", "units")

    def __init__(self) -> None:
        self.units = Units(measure, begins)
        self.hello = bytearray()
        self.first_at: Nanoseconds = 0
        self.passing = 0
        self.ciphered = False
        self.finished = False
        self.size = 0


class TlsParser:
    """One handshake's state."""

    __slots__ = (
        "_asked",
        "_chosen",
        "_earlier",
        "_holed",
        "_name",
        "_out",
        "_over",
        "_rest",
        "_retried",
        "_sides",
        "_told_at",
    )

    def __init__(self) -> None:
        self._sides = (_Side(), _Side())
        self._asked = False
        self._name = ""
        self._chosen: TlsFacts | None = None  # what the server's hello says
        self._told_at: Nanoseconds = 0  # when the last record of the handshake was complete
        self._earlier = 0  # the version that the server's hello chose unless it is of TLS 1.3, where more was not seen
        self._holed = False  # bytes of it were not seen
        self._retried = False  # the server asked for another hello
        self._over = False
        self._rest: bytes | None = None
        self._out: list[Message] = []

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        self._out = []
        side = self._sides[direction]
        units = side.units.feed(data, at)
        for number, unit in enumerate(units):
            self._record(side, direction, unit)
            if self._over:
                behind = side.units.pending
                for later in units[number + 1 :]:
                    behind += later.size_bytes
                self._leave(data, behind, unit, direction)
                break
        return self._out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        self._out = []
        side = self._sides[direction]
        losses = side.units.losses
        units = side.units.gap(size_bytes, at)
        if side.units.losses > losses:
            side.hello.clear()
            side.passing = 0
            self._holed = True
            if not units:
                self._told_at = at  # what was not seen belongs to the handshake until the contrary is
        for unit in units:
            self._record(side, direction, unit)
            self._cut_short(side, unit)
        if self._over:
            self._rest = b""
        return self._out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a record that is not read."""
        return self._sides[direction].units.skippable

    def left(self) -> bytes | None:
        """Return what followed the handshake, None while it lasts."""
        return self._rest

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return what the connection's end tells of a handshake that was begun and not ended."""
        self._out = []
        if not self._over and self._chosen is not None:
            self._end(UNFINISHED if self._asked else "")
        return self._out

    def _record(self, side: _Side, direction: Direction, unit: Unit) -> None:
        kind = unit.head[0]
        side.size += unit.size_bytes
        if self._earlier and direction == CLIENT:
            self._infer_version(side, unit)
        if kind == DATA and self._data(direction, unit):
            return
        if kind == ALERT:
            self._alert(side, unit)
            return
        self._told_at = unit.last_at
        if kind == CHANGE_CIPHER_SPEC:
            side.ciphered = True
        elif kind != HANDSHAKE:
            if kind != DATA:
                self._hello(side, CLIENT_HELLO, b"", unit)
        elif side.ciphered and begins_hello(unit.head, CLIENT_HELLO) is Match.YES:
            self._over = True  # another connection's: the end of this one was lost
        elif side.ciphered:
            side.finished = True
            if self._sides[CLIENT].finished and self._sides[SERVER].finished:
                self._end("")
        else:
            self._handshake(side, unit)

    def _cut_short(self, side: _Side, unit: Unit) -> None:
        """Take what is there of a hello of which the rest was lost."""
        if side.hello and len(unit.head) < unit.size_bytes:
            kind, message = side.hello[0], bytes(side.hello[4:])
            side.hello.clear()
            if kind == CLIENT_HELLO:
                self._hello(side, kind, message, unit)
            elif kind == SERVER_HELLO and self._chosen is None:
                self._chosen = TlsFacts(self._name)  # TLS 1.3's version may be in what was lost
                self._earlier = int.from_bytes(message[:2], "big") if len(message) > 1 else 0

    def _infer_version(self, side: _Side, unit: Unit) -> None:
        """Tell the version by what the client answers to a hello: only in TLS 1.3 its Finished looks like data."""
        told = self._chosen
        assert told is not None
        if unit.head[0] == DATA and self._earlier == LATEST_EARLIER:
            version = TLS_1_3
        elif unit.head[0] == HANDSHAKE and (side.ciphered or unit.head[HEAD_BYTES : HEAD_BYTES + 1] in ANSWERING):
            version = version_name(self._earlier)
        else:
            return
        self._earlier = 0
        self._chosen = TlsFacts(told.server_name, version, told.alpn, told.not_after)

    def _data(self, direction: Direction, unit: Unit) -> bool:
        """Take a record of data; return whether it is none of the handshake's."""
        chosen = self._chosen
        if chosen is None:
            return False
        if chosen.version in BEFORE_TLS_1_3:
            # Who sends data has finished, also where the rest was not seen or the client did not wait.
            self._end("")
            return True
        if direction == CLIENT:
            # In TLS 1.3 the client's Finished looks like data, and so does an alert.
            self._told_at = unit.last_at
            alert = chosen.version and unit.size_bytes == ENCRYPTED_ALERT_BYTES
            self._end(ENCRYPTED if alert else "")
        return False

    def _alert(self, side: _Side, unit: Unit) -> None:
        body = unit.head[HEAD_BYTES:]
        if not is_end(body):
            return
        name = alert_name(body)
        if name == ENCRYPTED and (self._chosen is None or not self._chosen.version):
            self._over = True  # most likely the good-bye of a connection whose handshake was not seen
            return
        if name == ENCRYPTED and self._holed:
            self._end("")  # what was not seen may have held its end, and this is a good-bye
            return
        self._told_at = unit.last_at
        self._end(UNFINISHED if name == CLOSE_NOTIFY else name)

    def _handshake(self, side: _Side, unit: Unit) -> None:
        """Read the handshake messages that a record holds or goes on with."""
        at, size = 0, len(unit.head) - HEAD_BYTES
        while at < size:
            if side.passing:
                taken = min(side.passing, size - at)
                side.passing -= taken
                at += taken
                continue
            if not side.hello:
                side.first_at = unit.first_at
                whole = self._whole(side, unit, HEAD_BYTES + at)
                if whole:
                    at += whole
                    continue
            at += self._collect(side, memoryview(unit.head)[HEAD_BYTES + at :], unit)

    def _whole(self, side: _Side, unit: Unit, at: int) -> int:
        """Read the message that begins in a record and ends there too, or is not read; return how far that goes."""
        head = unit.head
        behind = at + MESSAGE_HEAD_BYTES
        if behind > len(head):
            return 0
        kind = head[at]
        size = head[at + 1] << 16 | head[at + 2] << 8 | head[at + 3]
        if kind not in READ or size > MAX_HELLO_BYTES:
            side.passing = size
            return MESSAGE_HEAD_BYTES
        if behind + size > len(head):
            return 0
        self._hello(side, kind, head[behind : behind + size], unit)
        return MESSAGE_HEAD_BYTES + size

    def _collect(self, side: _Side, body: memoryview, unit: Unit) -> int:
        """Take bytes of a message; return how many."""
        held = len(side.hello)
        if held < 4:
            head = body[: 4 - held]
            side.hello += head
            if len(side.hello) == 4:
                size = int.from_bytes(side.hello[1:4], "big")
                if side.hello[0] not in READ or size > MAX_HELLO_BYTES:
                    side.hello.clear()
                    side.passing = size
            return len(head)
        missing = 4 + int.from_bytes(side.hello[1:4], "big") - held
        part = body[:missing]
        side.hello += part
        if len(part) == missing:
            kind, message = side.hello[0], bytes(side.hello[4:])
            side.hello.clear()
            self._hello(side, kind, message, unit)
        return len(part)

    def _hello(self, side: _Side, kind: int, message: bytes, unit: Unit) -> None:
        if kind == CERTIFICATE:
            told = self._chosen
            if side is self._sides[SERVER] and told is not None:
                expiry = not_after(first_certificate(message))
                self._chosen = TlsFacts(told.server_name, told.version, told.alpn, expiry)
            return
        if kind == SERVER_HELLO:
            chosen = server_hello(message)
            self._retried = not chosen.version
            if chosen.version:
                self._chosen = TlsFacts(self._name, version_name(chosen.version), chosen.alpn)
            return
        if self._asked:
            # Nobody begins twice: the end of the first handshake was lost, or a whole connection's.
            self._over = not self._retried
            return
        self._asked = True
        self._name = server_name(message)
        first_at = side.first_at if message else unit.first_at
        self._out.append(Message(Kind.REQUEST, first_at, unit.last_at, side.size, OPERATION, tls=TlsFacts(self._name)))

    def _end(self, failure: str) -> None:
        """The handshake is over; `failure` says why it failed."""
        if self._over:
            return
        self._over = True
        size = self._sides[SERVER].size
        self._out.append(
            Message(
                Kind.RESPONSE,
                self._told_at,
                self._told_at,
                size,
                status=failure,
                failed=bool(failure),
                tls=self._chosen,
            )
        )

    def _leave(self, data: bytes, behind: int, unit: Unit, direction: Direction) -> None:
        """Give on what is behind the record that ended the handshake, and that record if it is not of it."""
        version = self._chosen.version if self._chosen is not None else ""
        data_of_its_own = unit.head[0] == DATA and version in BEFORE_TLS_1_3
        if data_of_its_own or begins_hello(unit.head, CLIENT_HELLO) is Match.YES:
            behind += unit.size_bytes
        self._rest = data[-behind:] if 0 < behind <= len(data) else b""


def match(client: bytes, server: bytes) -> Match:
    """Judge by a hello; one of the server decides whatever came before it."""
    asked = Match.YES if is_old_hello(client) else begins_hello(client, CLIENT_HELLO) if client else Match.NOT_YET
    told = begins_hello(server, SERVER_HELLO) if server else Match.NOT_YET
    if Match.YES in (asked, told):
        return Match.YES
    return min(asked, told)


SPEC = ProtocolSpec(
    *("tls", frozenset({443, 465, 636, 853, 989, 990, 993, 995, 5671, 6443, 8443, 8883}), match, TlsParser),
    heads_tell=True,
)
