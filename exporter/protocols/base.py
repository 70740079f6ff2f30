"""The one interface that every wire protocol stands behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import Any, Protocol

from exporter.model import Direction, Message, Nanoseconds

UNTIMED: Nanoseconds = -(1 << 60)
"""When an answer began of which nobody knows it: before any question, so that it has no duration."""


class ParseError(Exception):
    """The bytes are not the protocol they were taken for; says what was wrong, never quotes a payload."""


class Match(IntEnum):
    """How sure a protocol is that bytes are its own; higher is surer."""

    NO = 0
    NOT_YET = 1  # too few bytes to tell
    MAYBE = 2  # could be; the port or the other direction may decide
    YES = 3


class Parser(Protocol):
    """One connection's state in one protocol: bytes and capture times in, messages out."""

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete, in wire order.

        Raises:
            ParseError: the bytes cannot be this protocol. The caller drops the parser.
        """
        ...

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen (lost, not copied, or skipped on request).

        A gap that lies within a body of known length is skipped; any other one makes the parser look for the next
        boundary that it can trust. Returns the messages that the gap's end completes.
        """
        ...

    def skippable(self, direction: Direction) -> int:
        """Return how many of the direction's next bytes need not be seen; they come back as a `gap`."""
        ...

    def left(self) -> bytes | None:
        """Return None while the connection speaks this protocol, afterwards what to recognise afresh.

        That is what the last `feed` already held of another protocol (TLS, a tunnel, an upgrade); all later bytes of
        both directions belong to it as well.
        """
        ...

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the messages that only the connection's end completes, such as an HTTP body without a length."""
        ...


class Family(Enum):
    """What a protocol's operations are, and so which metrics tell of them."""

    HTTP = "http"  # a method, a route and a status code
    DATABASE = "database"  # a command or verb, and a collection
    CACHE = "cache"  # the same of a database whose lookups find a key or miss it
    NAMES = "names"  # a type of record, and how the name was resolved
    MESSAGING = "messaging"  # what is published, delivered and administered
    PLAIN = "plain"  # nothing that is told apart yet
    GUESSED = "guessed"  # turns of bytes that nobody parsed


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """What the registry holds of one protocol.

    Attributes:
        name: an OpenTelemetry `network.protocol.name` where there is one.
        ports: the usual server ports, a hint that can only break a tie.
        match: judges the first bytes of the two directions, the client's and the server's; either may be empty.
        parser: makes the state of one new connection.
        family: what its operations are.
        transports: what it goes over; a datagram is judged and parsed whole, each by itself.
        within: the protocol whose inside this guesses at, and whose label it bears; else empty.
        heads_tell: whether messages are told, with their times, by the head of a packet that was copied in part.
        trains: where clients send many messages in one packet, so that its head tells of those behind: given a parser
            and a direction, returns how many bytes end the message that was begun, 0 where that is not known.
        once: operations that come before others of a connection, and not again and again.
        valueless: makes the same without looking at the numbers that requests carry; None if `parser` never does.
    """

    name: str
    ports: frozenset[int]
    match: Callable[[bytes, bytes], Match]
    parser: Callable[[], Parser]
    family: Family = Family.PLAIN
    transports: frozenset[str] = frozenset({"tcp"})
    within: str = ""
    heads_tell: bool = False
    trains: Callable[[Any, Direction], int] | None = None
    once: frozenset[str] = frozenset()
    valueless: Callable[[], Parser] | None = None

    @property
    def label(self) -> str:
        """The `protocol` label's value."""
        return self.within or self.name


def unmeasured(_parser: Parser, _direction: Direction) -> int:
    """Return 0: nothing tells where the message ends that was begun."""
    return 0


def without_values(specs: Sequence[ProtocolSpec]) -> tuple[ProtocolSpec, ...]:
    """Return the protocols with parsers that look at no number which a request carries."""
    return tuple(replace(spec, parser=spec.valueless) if spec.valueless is not None else spec for spec in specs)
