"""Redis' protocol, RESP 2 and 3 (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

from collections.abc import Sequence

from exporter.model import Direction, Message, Nanoseconds
from exporter.net.frames import Frame
from exporter.protocols.base import Family, ParseError, ProtocolSpec
from exporter.protocols.lane import Lane, Turn
from exporter.protocols.redis_lane import read_command, read_reply
from exporter.protocols.redis_match import continues_client, continues_server, match
from exporter.protocols.redis_replies import Replies
from exporter.protocols.redis_requests import Requests
from exporter.protocols.redis_session import RedisSession

# How much of a connection that spoke Redis' protocol before may be something else.
MAX_MALFORMED = 8
CLIENT = 0  # the direction of requests
ONCE = frozenset(("AUTH", "CLIENT", "HELLO", "MULTI", "SELECT"))
OPAQUE_STEP_BYTES = 1 << 20


class RedisParser(Lane):
    """One connection's state."""

    __slots__ = ("_malformed", "_replies", "_requests", "_session")

    def __init__(self) -> None:
        self._session = RedisSession()
        self._requests = Requests(self._session)
        self._replies = Replies(self._session)
        self._malformed = 0

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        if self._session.opaque:
            return ()
        side = self._requests if direction == CLIENT else self._replies
        if side.lost:
            continues = continues_client if direction == CLIENT else continues_server
            if not continues(data[:4096]):
                return ()
            side.lost = False
        out: list[Message] = []
        try:
            side.feed(data, at, out)
        except ParseError:
            self._malformed += 1
            if not side.seen or self._malformed > MAX_MALFORMED:
                raise
            side.lose(out)
        return out

    def idle(self) -> bool:
        """Return whether the next command may go the fast lane."""
        return self._session.idle() and self._requests.idle() and self._replies.idle()

    def ask(self, frame: Frame, turn: Turn) -> bool:
        """Read a command that fills the frame's payload."""
        return read_command(frame, turn)

    def answer(self, frame: Frame, turn: Turn) -> bool:
        """Read the reply to it."""
        return read_reply(frame, turn)

    def resume(self, turn: Turn) -> Message:
        """Return the command that was asked, which has no reply yet."""
        kind = self._session.request(b"", [], 0, turn.lookup)
        return Message(kind, turn.asked_at, turn.asked_at, turn.request_bytes, turn.operation)

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        out: list[Message] = []
        side = self._requests if direction == CLIENT else self._replies
        if self._session.opaque:
            pass
        elif 0 < size_bytes <= side.skip:
            side.passed(size_bytes, at, out)
        else:
            if direction != CLIENT:
                self._replies.learn(size_bytes)
            side.lose(out)
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the string being read."""
        if self._session.opaque:
            return OPAQUE_STEP_BYTES
        return (self._requests if direction == CLIENT else self._replies).skip

    def rest(self, direction: Direction) -> int:
        """Return how many bytes end the message being read, 0 where more than a string is left of it."""
        return (self._requests if direction == CLIENT else self._replies).rest()

    def left(self) -> bytes | None:
        """Return None: nothing else follows on a connection."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not executed, or not read."""
        return ()


SPEC = ProtocolSpec(
    "redis",
    frozenset({6379, 6380, 26379, 16379}),
    match,
    RedisParser,
    Family.CACHE,
    trains=RedisParser.rest,
    once=ONCE,
)
