"""What flows through the exporter: endpoints, messages, exchanges."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

Nanoseconds = int
"""A capture time, nanoseconds since the epoch, or a difference of two."""


class Direction(IntEnum):
    """The way that bytes go on a connection; usable as an index."""

    REQUEST = 0  # from the client, which opened the connection
    RESPONSE = 1  # from the server


class Role(StrEnum):
    """Which side of a connection a service is; the `role` label's value."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True)
class Endpoint:
    """One side of a connection.

    Attributes:
        address: the IP address in text, IPv6 without brackets; an IPv4-mapped one is given as IPv4.
        port: the port, in host order.
    """

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Flow:
    """Who talks to whom.

    Attributes:
        client: the side that opened the connection.
        server: the side that accepted it.
        transport: "tcp" or "udp".
        sure: whether the handshake was seen; otherwise the sides are a guess that the bytes may correct.
    """

    client: Endpoint
    server: Endpoint
    transport: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for, from bounded vocabularies: never a literal, key, identifier or raw path.

    Attributes:
        name: the verb, such as `GET`, `SELECT` or `HSET`.
        target: what it acts on, such as a table or a route: named by its author where that is bounded; else empty.
            A route as a parser gives it may still hold words that only the service's other routes tell from
            parameters (`services/routes.py`), and is no label's value.
        said: the first word of the request where that is not the name, as of `WITH ... INSERT`; else empty.
    """

    name: str
    target: str = ""
    said: str = field(default="", compare=False)


UNKNOWN_OPERATION = Operation("")


class Kind(Enum):
    """What a message is to the pairing."""

    REQUEST = "request"  # expects one response
    RESPONSE = "response"  # answers one request
    ONE_WAY = "one-way"  # a request that is never answered
    PUSH = "push"  # asks and answers nothing; counted by its operation, if it has one
    UNANSWERED = "unanswered"  # tells that the oldest request in order will get no answer; itself no message
    CHANGED = "changed"  # tells what has become certain, in `changes`; itself no message


@dataclass(frozen=True, slots=True)
class Amount:
    """What the fields of one meaning add up to, exactly.

    Attributes:
        field: the meaning, from a bounded list of words for money and quantities.
        currency: by ISO 4217; empty where none is known.
        total: the sum of those that are not negative.
        negative: the sum of the others, without its sign.
        count: how many fields were added up.
    """

    field: str
    currency: str
    total: Decimal
    negative: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation changed for good: no rollback undoes it any more.

    Attributes:
        operation: what was done.
        count: rows that were inserted, or statements that updated or deleted any; 0 where the exchange itself counts.
        amounts: what the values add up to; no single value is kept.
        unread: fields that mean money or a quantity whose number could not be read.
    """

    operation: Operation
    count: int
    amounts: tuple[Amount, ...] = ()
    unread: int = 0


@dataclass(frozen=True)
class TlsFacts:
    """What a TLS handshake shows in clear text.

    Attributes:
        server_name: whom the client asked for (SNI); empty if it did not say.
        version: what the server chose, such as `TLSv1.3`, or in hexadecimal if it has no name; empty before that.
        alpn: the application protocol that the server chose in clear text, which TLS 1.3 does not; else empty.
        not_after: until when the server's certificate is valid, in seconds since the epoch; 0 where TLS 1.3 hides it.
    """

    server_name: str = ""
    version: str = ""
    alpn: str = ""
    not_after: int = 0


@dataclass(frozen=True)
class Message:
    """One application-level message.

    Attributes:
        kind: what it is to the pairing.
        first_at: when its first byte was captured.
        last_at: when its last byte was captured.
        size_bytes: its length on the wire, headers and body, before TCP.
        operation: what a request asks for.
        status: a response's own code, from a bounded set, such as `404` or an SQLSTATE; else empty.
        failed: whether a response says that the request failed.
        correlation: what pairs it with its other half; None where answers come in the order of requests.
        hits, misses: how many keys that were looked up in a cache a response found, and did not.
        tls: what a half of a TLS handshake shows; else None.
        waits: whether a request asks for an answer once something happens: how long that takes tells of no work.
        changes: what a request changes if it succeeds, or what has become certain.
        trace: the `traceparent` of a request as it was sent; else empty.
    """

    kind: Kind
    first_at: Nanoseconds
    last_at: Nanoseconds
    size_bytes: int
    operation: Operation = UNKNOWN_OPERATION
    status: str = ""
    failed: bool = False
    correlation: int | None = None
    hits: int = 0
    misses: int = 0
    tls: TlsFacts | None = None
    waits: bool = False
    changes: tuple[Change, ...] = ()
    trace: bytes = b""


@dataclass(frozen=True)
class Exchange:
    """A request and its response.

    Attributes:
        request: None where its bytes were not seen (joined mid-stream, one-sided capture).
        response: None where none came before the connection ended, or none was expected.
        timed: whether the two surely belong to each other, and their distance is the time of some work; after a loss
            they may be neighbours, good for counts only.
    """

    request: Message | None
    response: Message | None
    timed: bool = True

    @property
    def duration(self) -> Nanoseconds | None:
        """Nanoseconds from the request's first byte to the response's last, as a server's own log counts; else None."""
        if self.request is None or self.response is None or not self.timed:
            return None
        return max(0, self.response.last_at - self.request.first_at)
