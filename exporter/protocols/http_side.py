"""What is known of one direction of an HTTP/1 connection: the message being read."""

from exporter.model import UNKNOWN_OPERATION, Nanoseconds, Operation
from exporter.protocols.backlog import Backlog
from exporter.protocols.bodies import MAX_BODY_BYTES, NO_BODY
from exporter.protocols.http_head import CHUNKED
from exporter.protocols.http_states import ASKED_PLAIN, BODY, CHUNK_LINE, HEAD, UNTIL_CLOSE


class Side:
    """One direction's state: the message being read."""

    __slots__ = (
        "asks",
        "backlog",
        "body",
        "emitted",
        "endless",
        "first_at",
        "guessed",
        "kind",
        "last_at",
        "left",
        "malformed",
        "operation",
        "seen",
        "size",
        "state",
        "status",
        "trace",
    )

    def __init__(self) -> None:
        self.backlog = Backlog()
        self.state = HEAD
        self.left = 0
        self.first_at: Nanoseconds = 0
        self.last_at: Nanoseconds = 0
        self.size = 0
        self.operation: Operation = UNKNOWN_OPERATION
        self.status = 0
        self.asks = ASKED_PLAIN
        self.endless = False  # the end of the response's head, and so its length, was not seen
        self.emitted = False
        self.guessed = False  # the request is unknown: after HEAD there would be no body
        self.kind = NO_BODY  # of the body; its bytes are kept as long as it is one that can be read
        self.body = b""
        self.trace = b""
        self.seen = 0
        self.malformed = 0

    def begin(self, first_at: Nanoseconds, size: int) -> None:
        self.first_at = first_at
        self.size = size
        self.emitted = False
        self.seen += 1

    def expect(self, length: int) -> None:
        """Set what follows the head: a body of that length, none of `NO_LENGTH`."""
        self.left = max(0, length)
        self.state = CHUNK_LINE if length == CHUNKED else BODY

    def keep(self, data: bytes) -> None:
        """Keep a part of the body; one that gets too long is left alone."""
        self.body += data
        if len(self.body) > MAX_BODY_BYTES:
            self.kind, self.body = NO_BODY, b""

    def open(self) -> bool:
        """Return whether a head was read and its body's end was not."""
        return BODY <= self.state <= UNTIL_CLOSE
