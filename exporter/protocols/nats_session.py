"""What the lines of a NATS connection mean, and what its two directions must know of each other."""

from collections.abc import Mapping

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import ParseError
from exporter.protocols.names import directed
from exporter.protocols.nats_lines import payload_size

OPERATIONS = {name: Operation(name.decode()) for name in (b"CONNECT", b"PUB", b"HPUB", b"SUB", b"UNSUB", b"PING")}
DELIVERIES = {name: Operation(name.decode()) for name in (b"MSG", b"HMSG")}
PING = OPERATIONS[b"PING"]
# How many words a line has, its verb included.
WORDS = {b"PUB": (3, 4), b"HPUB": (4, 5), b"SUB": (3, 4), b"UNSUB": (2, 3), b"MSG": (4, 5), b"HMSG": (5, 6)}
WITH_PAYLOAD = frozenset((b"PUB", b"HPUB", b"MSG", b"HMSG"))
TOLD = frozenset((b"INFO", b"MSG", b"HMSG", b"PING", b"PONG", b"+OK", b"-ERR"))
# What a server complains of, by the first words of it (server/errors.go of nats-server).
ERRORS = {
    text.encode(): text.replace(" ", "-")
    for text in (
        "unknown protocol operation",
        "attempted to connect to route port",
        "authorization violation",
        "authentication timeout",
        "authentication expired",
        "account authentication expired",
        "user authentication expired",
        "user authentication revoked",
        "invalid client protocol",
        "maximum control line exceeded",
        "parser error",
        "secure connection - tls required",
        "stale connection",
        "maximum connections exceeded",
        "maximum account active connections exceeded",
        "maximum subscriptions exceeded",
        "slow consumer",
        "maximum payload violation",
        "invalid subject",
        "invalid publish subject",
        "permissions violation",
        "no responders",
    )
}
NOBODY = -1  # what no request is correlated by


class NatsSession:
    """The state of the connection.

    Attributes:
        verbose: whether the server answers every line of the client.
        encrypting: whether the server demanded encryption.
        untold: lines counted as unanswered while it was not known that they are.
    """

    __slots__ = ("encrypting", "untold", "verbose")

    def __init__(self) -> None:
        self.verbose = False
        self.untold = 0
        self.encrypting = False


class Asking:
    """The client's lines (`nats_lines.Speaker`)."""

    __slots__ = ("_session",)

    def __init__(self, session: NatsSession) -> None:
        self._session = session

    def payload(self, line: bytes) -> int:
        """Return the size of the payload behind a line."""
        verb, words = _split(line)
        if verb not in OPERATIONS and verb not in (b"PONG", b""):
            raise ParseError("a line that is none of a NATS client")
        return payload_size(words) if verb in WITH_PAYLOAD else 0

    def say(self, line: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a request; only pings are answered, unless the client asked for more."""
        verb, words = _split(line)
        operation = OPERATIONS.get(verb)
        if operation is None:
            return
        if verb in WITH_PAYLOAD:
            operation = directed(operation, words[1])
        if verb == b"CONNECT":
            self._session.verbose = b'"verbose":true' in line.replace(b" ", b"")
        self._ask(operation, size, first_at, last_at, out)

    def begin(self, line: bytes, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append the request whose line has lost its end."""
        operation = _begun(line, OPERATIONS)
        if operation is not None:
            self._ask(operation, len(line), first_at, last_at, out)

    def _ask(
        self, operation: Operation, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]
    ) -> None:
        answered = operation is PING or self._session.verbose
        self._session.untold += not answered
        out.append(Message(Kind.REQUEST if answered else Kind.ONE_WAY, first_at, last_at, size, operation))


class Telling:
    """The server's lines (`nats_lines.Speaker`)."""

    __slots__ = ("_session",)

    def __init__(self, session: NatsSession) -> None:
        self._session = session

    def payload(self, line: bytes) -> int:
        """Return the size of the payload behind a line."""
        verb, words = _split(line)
        if verb not in TOLD and verb != b"":
            raise ParseError("a line that is none of a NATS server")
        return payload_size(words) if verb in WITH_PAYLOAD else 0

    def say(self, line: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append an answer, an error or what is delivered."""
        verb, words = _split(line)
        if verb in (b"PONG", b"+OK"):
            if verb == b"+OK" and self._consented():
                return
            out.append(Message(Kind.RESPONSE, first_at, last_at, size))
        elif verb == b"-ERR":
            correlation = None if self._session.verbose else NOBODY
            status = _error(line)
            out.append(
                Message(Kind.RESPONSE, first_at, last_at, size, status=status, failed=True, correlation=correlation)
            )
        elif verb == b"INFO":
            self._session.encrypting = b'"tls_required":true' in line.replace(b" ", b"")
        elif verb in DELIVERIES:
            out.append(Message(Kind.PUSH, first_at, last_at, size, directed(DELIVERIES[verb], words[1])))

    def begin(self, line: bytes, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append the delivery or the error whose line has lost its end."""
        operation = _begun(line, DELIVERIES)
        if operation is not None:
            out.append(Message(Kind.PUSH, first_at, last_at, len(line), operation))
        elif line[:5].upper() == b"-ERR ":
            self.say(line, len(line), first_at, last_at, out)

    def _consented(self) -> bool:
        """Return whether a consent is to a line that was already counted as one that is not answered."""
        session = self._session
        session.verbose = True
        already = session.untold > 0
        session.untold -= already
        return already


def _split(line: bytes) -> tuple[bytes, list[bytes]]:
    """Return a line's verb in capitals and all its words.

    Raises:
        ParseError: there are too many or too few words.
    """
    words = line.split(None, 6)
    if not words:
        return b"", words
    verb = words[0].upper()
    allowed = WORDS.get(verb)
    if allowed is not None and len(words) not in allowed:
        raise ParseError("a line of NATS with too many or too few words")
    return verb, words


def _begun(line: bytes, operations: Mapping[bytes, Operation]) -> Operation | None:
    """Return what a line that has lost its end says, with its subject where that is whole; None if it says nothing."""
    words = line.split(None, 2)
    verb = words[0].upper() if len(words) > 1 else b""
    operation = operations.get(verb)
    subject_is_whole = len(words) > 2 or line[-1:].isspace()
    if operation is None or verb not in WITH_PAYLOAD or not subject_is_whole:
        return operation
    return directed(operation, words[1])


def _error(line: bytes) -> str:
    """Return which of the known errors a line tells of; else `error`."""
    text = line[4:].strip(b" \t\r\n'").lower()
    return next((status for known, status in ERRORS.items() if text.startswith(known)), "error")
