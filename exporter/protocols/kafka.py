"""Kafka's protocol (https://kafka.apache.org/protocol).

A request is what has an answer with its correlation id, and a `Produce` that asks for none. The status of an answer is
its error code where it has one for all of it; for `Produce` it is that of the first partition.
"""

from dataclasses import dataclass
from functools import partial

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.framed import Framed, SidedParser, unsigned
from exporter.protocols.kafka_apis import (
    API_VERSIONS,
    APIS,
    FETCH,
    GROWTH,
    METADATA,
    PRODUCE,
    SASL_HANDSHAKE,
    error_offset,
)
from exporter.protocols.kafka_topics import (
    LEAST_REQUEST,
    LONGEST_NAME,
    Reading,
    TopicNames,
    acknowledgements,
    written_topic,
)
from exporter.protocols.names import directed

MAX_MESSAGE_BYTES = 1 << 30  # socket.request.max.bytes is 100 MiB unless it was raised
LIKELY_BYTES = 256 << 10  # of requests other than `Produce`, where a connection is judged by its first one
LEAST_REPLY = 8
LONGEST_CLIENT_ID = 512
REQUEST_BYTES = LEAST_REQUEST + LONGEST_CLIENT_ID + 64 + LONGEST_NAME
REPLY_BYTES = 8 + 8 + LONGEST_NAME + 16
METADATA_BYTES = 16 << 10  # of an answer that names the topics: the first few hundred partitions
MAX_ASKED = 16_384
LONGEST_MS = 86_400_000  # that anybody waits
# Where requests in their early versions name their first topic or their group, behind the head.
NAMED_AT = {PRODUCE: 10, FETCH: 16, 2: 8, 3: 4, 8: 0, 9: 0, 10: 0, 11: 0, 12: 0, 13: 0, 14: 0}
UNSUPPORTED_VERSION = 35  # to ApiVersions this is the first step of every negotiation
LEAST_ERROR, MOST_ERROR = -1, 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that awaits its answer."""

    key: int
    version: int


class KafkaSession:
    """What the answers must know of the questions.

    Attributes:
        asked: correlation id -> question, the latest ones.
        names: of topics, known to all connections: few ask for them.
        reading: what the connection reads from.
        opaque: tokens without a head may pass, as after a version 0 handshake of SASL.
    """

    __slots__ = ("asked", "names", "opaque", "reading")

    def __init__(self, names: TopicNames) -> None:
        self.asked: dict[int, Asked] = {}
        self.names = names
        self.reading = Reading()
        self.opaque = False

    def ask(self, correlation: int, asked: Asked) -> None:
        """Remember a question, in place of the oldest one if there are too many."""
        self.asked.pop(correlation, None)
        if len(self.asked) >= MAX_ASKED:
            del self.asked[next(iter(self.asked))]
        self.asked[correlation] = asked


class Requests:
    """The client's messages (`framed.Language`)."""

    __slots__ = ("_session",)
    wanted = REQUEST_BYTES
    untimed = True

    def __init__(self, session: KafkaSession) -> None:
        self._session = session

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a request."""
        return _size(buffer, start, end, 5 if self._session.opaque else LEAST_REQUEST - 2)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a request."""
        session = self._session
        if len(head) < LEAST_REQUEST - 2 and len(head) < size:
            return  # cut: too little was captured
        key, version = int.from_bytes(head[4:6], "big"), int.from_bytes(head[6:8], "big")
        operation = _operation(head, key, version, session.opaque)
        if operation is UNKNOWN_OPERATION:
            return
        correlation = unsigned(head, 8)
        kind = Kind.ONE_WAY if key == PRODUCE and _unanswered(head, version) else Kind.REQUEST
        if key == PRODUCE:
            operation = directed(operation, session.names.name(written_topic(head, version), version))
        elif key == FETCH:
            operation = directed(operation, session.names.name(session.reading.take(head, version), version))
        if kind is Kind.REQUEST:
            session.ask(correlation, Asked(key, version))
        if key == SASL_HANDSHAKE:
            session.opaque = version == 0
        out.append(Message(kind, first_at, last_at, size, operation, correlation=correlation))

    def judge(self, data: bytes) -> Match:
        """Return whether a request begins here."""
        return _match_head(data)

    def lose(self) -> None:
        """Requests were lost."""


class Replies:
    """The server's messages (`framed.Language`)."""

    __slots__ = ("_session", "wanted")
    untimed = False

    def __init__(self, session: KafkaSession) -> None:
        self._session = session
        self.wanted = REPLY_BYTES

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of an answer, of which more is wanted if it tells the names of topics."""
        asked = self._session.asked.get(unsigned(buffer, start + 4))
        self.wanted = METADATA_BYTES if asked is not None and asked.key == METADATA else REPLY_BYTES
        return _size(buffer, start, end, 4 if self._session.opaque else LEAST_REPLY)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append an answer."""
        if len(head) < LEAST_REPLY:
            return
        correlation = unsigned(head, 4)
        asked = self._session.asked.pop(correlation, None)
        if asked is None and self._session.opaque:
            return
        if asked is not None and asked.key == METADATA:
            self._session.names.learn(head, asked.version)
        code = _error(head, asked) if asked is not None else 0
        negotiated = asked is not None and asked.key == API_VERSIONS and code == UNSUPPORTED_VERSION
        failed = code != 0 and not negotiated
        status = str(code) if code else ""
        out.append(
            Message(Kind.RESPONSE, first_at, last_at, size, status=status, failed=failed, correlation=correlation)
        )

    def judge(self, data: bytes) -> Match:
        """Return whether an answer begins here: to a question that was seen, or one that fits the segment."""
        judged = _match_answers(data)
        known = unsigned(data, 4) in self._session.asked or 4 + unsigned(data, 0) == len(data)
        return Match.MAYBE if judged is Match.NOT_YET and len(data) >= LEAST_REPLY and known else judged

    def lose(self) -> None:
        """Answers were lost."""


def _size(buffer: bytes | bytearray, start: int, end: int, least: int) -> int:
    if end - start < 4:
        return 0
    size = 4 + unsigned(buffer, start)
    if not least <= size <= MAX_MESSAGE_BYTES:
        raise ParseError(f"a Kafka message of {size} bytes")
    return size


def _operation(head: bytes, key: int, version: int, opaque: bool) -> Operation:
    """Return what a request asks for; `UNKNOWN_OPERATION` for a token.

    Raises:
        ParseError: it is none, and no token can be expected.
    """
    api = APIS.get(key)
    if api is None or version > api.latest + GROWTH or len(head) < LEAST_REQUEST - 2:
        if opaque:
            return UNKNOWN_OPERATION
        raise ParseError(f"a Kafka request of type {key}, version {version}")
    return api.operation


def _unanswered(head: bytes, version: int) -> bool:
    """Return whether a `Produce` asks for no acknowledgement; False where that was not captured."""
    at = acknowledgements(head, version)
    return head[at : at + 2] == b"\0\0"


def _error(head: bytes, asked: Asked) -> int:
    """Return the error code of an answer, 0 where it has none or it was not captured."""
    api = APIS[asked.key]
    body = 8 + int(asked.version >= api.flexible and asked.key != API_VERSIONS)
    offset = _first_partition(head, body, asked) if asked.key == PRODUCE else error_offset(api, asked.version)
    at = body + offset
    if offset < 0 or at + 2 > len(head):
        return 0
    code = int.from_bytes(head[at : at + 2], "big", signed=True)
    return code if LEAST_ERROR <= code <= MOST_ERROR else 0


def _first_partition(head: bytes, body: int, asked: Asked) -> int:
    """Return where the first partition's error is in the answer to a `Produce`; -1 if it has none."""
    if asked.version >= 13:  # topics by their identifiers
        filled = head[body : body + 1] > b"\x01" and head[body + 17 : body + 18] > b"\x01"
        return 22 if filled else -1
    if asked.version >= APIS[PRODUCE].flexible:
        name = head[body + 1] - 1 if body + 1 < len(head) else -1
        filled = head[body : body + 1] > b"\x01" and name >= 0 and head[body + 2 + name : body + 3 + name] > b"\x01"
        return 1 + 1 + name + 1 + 4 if filled else -1
    name = int.from_bytes(head[body + 4 : body + 6], "big", signed=True)
    filled = unsigned(head, body) > 0 and name >= 0 and unsigned(head, body + 6 + name) > 0
    return 4 + 2 + name + 4 + 4 if filled else -1


def match(client: bytes, server: bytes) -> Match:
    """Judge by a request that names its client, or whose correlation an answer repeats."""
    asked = _match_head(client) if client else Match.NOT_YET
    told = _match_answers(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if asked is Match.MAYBE and len(server) >= LEAST_REPLY:
        whole = len(client) == 4 + unsigned(client, 0) and len(server) <= 4 + unsigned(server, 0)
        return (Match.YES if whole else Match.MAYBE) if client[8:12] == server[4:8] else Match.NO
    return max(asked, told)


def _match_head(client: bytes) -> Match:
    """Judge the beginning of a request: YES if it names a client in plain letters, MAYBE if it names none."""
    if len(client) < LEAST_REQUEST:
        return Match.NOT_YET if client[:1] in (b"", b"\0") else Match.NO
    size = 4 + unsigned(client, 0)
    key, version = int.from_bytes(client[4:6], "big"), int.from_bytes(client[6:8], "big")
    api, most = APIS.get(key), MAX_MESSAGE_BYTES if key == PRODUCE else LIKELY_BYTES
    if api is None or version > api.latest + GROWTH or not LEAST_REQUEST <= size <= most:
        return Match.NO
    length = int.from_bytes(client[12:14], "big", signed=True)
    name = client[LEAST_REQUEST : LEAST_REQUEST + max(0, length)]
    body = client[LEAST_REQUEST + len(name) : size]
    sound = -1 <= length <= min(LONGEST_CLIENT_ID, size - LEAST_REQUEST) and _is_plain(name)
    if not sound or not _fits(key, version, body):
        return Match.NO
    if length >= 3:
        return Match.YES if len(name) >= 3 else Match.NOT_YET
    # An answer may confirm what names nobody.
    return Match.YES if version < api.flexible and _is_named(key, body) else Match.MAYBE


def _fits(key: int, version: int, body: bytes) -> bool:
    """Return whether the body of a request of records is one: an answer that begins with a topic has a like head."""
    if key == PRODUCE and version < APIS[PRODUCE].flexible:
        at = 2 + max(0, int.from_bytes(body[:2], "big", signed=True)) if version >= 3 else 0
        acks, timeout = body[at : at + 2], body[at + 2 : at + 6]
        known = acks in (b"\xff\xff", b"\0\0", b"\0\1")
        return len(timeout) < 4 or (known and 0 < unsigned(timeout, 0) <= LONGEST_MS)
    if key == FETCH and version < APIS[FETCH].flexible:
        return len(body) < 12 or (unsigned(body, 4) <= LONGEST_MS and body[8] < 0x80)
    return True


def _is_named(key: int, body: bytes) -> bool:
    """Return whether the name of a topic or group is where an early version of a request has it."""
    at = NAMED_AT.get(key, len(body))
    length = int.from_bytes(body[at : at + 2], "big")
    name = body[at + 2 : at + 2 + length]
    return 3 <= length <= LONGEST_NAME and len(name) >= 3 and _is_plain(name)


def _is_plain(name: bytes) -> bool:
    return not name or (name.isascii() and name.decode("ascii").isprintable())


def _match_answers(server: bytes) -> Match:
    """Judge the server's bytes alone: two answers whose correlation ids count up may be Kafka's."""
    if len(server) < LEAST_REPLY:
        return Match.NOT_YET if server[:1] in (b"", b"\0") else Match.NO
    size, correlation = 4 + unsigned(server, 0), unsigned(server, 4)
    if not LEAST_REPLY <= size <= MAX_MESSAGE_BYTES:
        return Match.NO
    following = server[size : size + 8]
    if len(following) < 8:
        return Match.NOT_YET
    return Match.MAYBE if 0 < unsigned(following, 4) - correlation <= 8 else Match.NOT_YET


def parser(names: TopicNames) -> SidedParser:
    """Return the state of a new connection."""
    session = KafkaSession(names)
    return SidedParser(Framed(Requests(session)), Framed(Replies(session)))


SPEC = ProtocolSpec("kafka", frozenset({9092, 9093, 9094}), match, partial(parser, TopicNames()), Family.MESSAGING)
