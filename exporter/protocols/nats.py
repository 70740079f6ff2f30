"""NATS' client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol).

A `PING` is answered by `PONG`; all else that the client says is answered only where it asked for that (`verbose`).
What the server delivers are pushes. A `-ERR` that answers nothing counts as a request of its own that failed.
"""

from collections.abc import Sequence

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols.base import Family, ProtocolSpec
from exporter.protocols.nats_lines import Lines
from exporter.protocols.nats_match import match, resume_client, resume_server
from exporter.protocols.nats_session import Asking, NatsSession, Telling


class NatsParser:
    """One connection's state."""

    __slots__ = ("_session", "_sides")

    def __init__(self) -> None:
        self._session = NatsSession()
        self._sides = (Lines(Asking(self._session), resume_client), Lines(Telling(self._session), resume_server))

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        out: list[Message] = []
        self._sides[direction].feed(data, at, out)
        return out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        out: list[Message] = []
        self._sides[direction].gap(size_bytes, at, out)
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the payload being passed over."""
        return self._sides[direction].skip

    def left(self) -> bytes | None:
        """Return what follows a greeting that demands encryption, None without one."""
        return self._sides[Direction.RESPONSE].held() if self._session.encrypting else None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not acted upon."""
        return ()


SPEC = ProtocolSpec("nats", frozenset({4222}), match, NatsParser, Family.MESSAGING, trains=NatsParser.skippable)
