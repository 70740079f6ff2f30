"""LDAP, version 2 and 3 (RFC 4511): each request by its number, a search's entries as parts of its answer.

A layer of security that SASL begins makes the rest of the connection unreadable.
"""

from collections.abc import Sequence

from exporter.model import Direction, Kind, Message, Nanoseconds
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.framed import Framed, SidedParser
from exporter.protocols.ldap_wire import (
    EXTENDED,
    EXTENDED_RESULT,
    OPERATIONS,
    PARTS,
    RESULT_NAMES,
    START_TLS,
    SUCCESSES,
    UNANSWERED,
    WANTED_BYTES,
    Head,
    head_of,
    is_request,
    is_response,
    message_size,
    result_of,
)

MAX_BEGUN = 1024  # answers of which a part was seen and the result was not


class _Session:
    """What the two directions must know of each other.

    Attributes:
        securing: the number of the request for encryption; 0 without one.
        secured: the server agreed to it.
    """

    __slots__ = ("secured", "securing")

    def __init__(self) -> None:
        self.securing = 0
        self.secured = False


class _Requests:
    """The client's messages (`framed.Language`)."""

    __slots__ = ("_session", "untimed", "wanted")

    def __init__(self, session: _Session) -> None:
        self._session = session
        self.wanted = WANTED_BYTES
        self.untimed = True

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a message."""
        return _measure(buffer, start)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a request."""
        known = _head(head, size)
        if known.tag not in OPERATIONS:
            if not known.tag and len(head) < min(size, WANTED_BYTES):
                return  # cut off by a gap
            raise ParseError("no request of LDAP")
        if known.tag == EXTENDED and START_TLS in head:
            self._session.securing = known.number
        kind = Kind.ONE_WAY if known.tag in UNANSWERED else Kind.REQUEST
        correlation = None if kind is Kind.ONE_WAY else known.number
        out.append(Message(kind, first_at, last_at, size, OPERATIONS[known.tag], correlation=correlation))

    def judge(self, data: bytes) -> Match:
        """Return whether a request begins."""
        return match_client(data)

    def lose(self) -> None:
        """Forget nothing: a request stands by itself."""


class _Answers:
    """The server's messages (`framed.Language`)."""

    __slots__ = ("_begun", "_session", "untimed", "wanted")

    def __init__(self, session: _Session) -> None:
        self._session = session
        self._begun: dict[int, Message] = {}  # what was seen of answers without a result so far
        self.wanted = WANTED_BYTES
        self.untimed = False

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a message."""
        return _measure(buffer, start)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append an answer once its result is there."""
        known = _head(head, size)
        begun = self._begun.get(known.number)
        if begun is not None:
            first_at, size = begun.first_at, begun.size_bytes + size
        if known.tag in PARTS:
            self._begin(known.number, Message(Kind.PUSH, first_at, last_at, size))
            return
        if is_response(head, known) is Match.NO:
            raise ParseError("no response of LDAP")
        self._begun.pop(known.number, None)
        if known.number == 0:
            return  # the server hangs up, unasked
        code = result_of(head, known)
        if known.tag == EXTENDED_RESULT and known.number == self._session.securing and code == 0:
            self._session.secured = True
        failed = code not in SUCCESSES
        status = RESULT_NAMES.get(code, "other") if failed else ""
        out.append(
            Message(Kind.RESPONSE, first_at, last_at, size, status=status, failed=failed, correlation=known.number)
        )

    def judge(self, data: bytes) -> Match:
        """Return whether a response begins."""
        return match_server(data)

    def lose(self) -> None:
        """Forget nothing: parts that are missing are only missing in the size."""

    def _begin(self, number: int, part: Message) -> None:
        if number not in self._begun and len(self._begun) >= MAX_BEGUN:
            del self._begun[next(iter(self._begun))]
        self._begun[number] = part


class LdapParser:
    """One connection's state."""

    __slots__ = ("_inner", "_session")

    def __init__(self) -> None:
        self._session = _Session()
        self._inner = SidedParser(Framed(_Requests(self._session)), Framed(_Answers(self._session)))

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        return self._inner.feed(direction, data, at)

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        return self._inner.gap(direction, size_bytes, at)

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the message being passed over."""
        return self._inner.skippable(direction)

    def left(self) -> bytes | None:
        """Return nothing but that it is over once the server agreed to encryption, None before."""
        return b"" if self._session.secured else None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not acted upon."""
        return ()


def _measure(buffer: bytes | bytearray, start: int) -> int:
    size = message_size(buffer, start)
    if size < 0:
        raise ParseError("no message of LDAP begins here")
    return size


def _head(message: bytes, size: int) -> Head:
    known = head_of(message, size)
    if known is None:
        raise ParseError("no message of LDAP")
    return known


def match(client: bytes, server: bytes) -> Match:
    """Judge by the structure of the first message of each side, lengths within lengths."""
    asked = match_client(client) if client else Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    return Match.YES if asked is told is Match.MAYBE else max(asked, told)


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone."""
    size = message_size(client, 0)
    head = head_of(client, size) if size > 0 else None
    return Match.NOT_YET if size == 0 else Match.NO if head is None else is_request(client, head)


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    size = message_size(server, 0)
    head = head_of(server, size) if size > 0 else None
    return Match.NOT_YET if size == 0 else Match.NO if head is None else is_response(server, head)


SPEC = ProtocolSpec("ldap", frozenset({389, 3268}), match, LdapParser, Family.DATABASE)
