"""PostgreSQL's protocol, version 3 (https://www.postgresql.org/docs/current/protocol.html).

A request is a simple query, whatever number of statements it holds, an execution of a portal, or a function call; a
login only if it fails.
"""

from collections.abc import Sequence
from functools import partial

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.postgres_backend import Backend
from exporter.protocols.postgres_frontend import Frontend
from exporter.protocols.postgres_match import continues_server, match, match_client, match_startup
from exporter.protocols.postgres_session import PostgresSession

MAX_MALFORMED = 8
CLIENT = 0  # the direction of requests


class PostgresParser:
    """One connection's state; without `values` no number that a statement writes is looked at."""

    __slots__ = ("_backend", "_frontend", "_malformed", "_session")

    def __init__(self, values: bool = True) -> None:
        self._session = PostgresSession(values)
        self._frontend = Frontend(self._session)
        self._backend = Backend(self._session)
        self._malformed = 0

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        out: list[Message] = []
        side = self._frontend if direction == CLIENT else self._backend
        if direction == CLIENT:
            self._backend.settle(out)
        if side.lost:
            if not _resumes(direction, data):
                return ()
            side.lost = False
        try:
            side.feed(data, at, out)
        except ParseError:
            if direction != CLIENT and self._backend.begin_behind_refusal(data, at, out):
                return out
            self._malformed += 1
            if not side.seen or self._malformed > MAX_MALFORMED:
                raise
            side.lose(at, out)
        return out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        out: list[Message] = []
        side = self._frontend if direction == CLIENT else self._backend
        if size_bytes > side.skip and not side.lost:
            side.hurry(size_bytes, at, out)
        if 0 < size_bytes <= side.skip:
            side.passed(size_bytes, at, out)
        else:
            side.lose(at, out)
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the message being passed over."""
        return (self._frontend if direction == CLIENT else self._backend).skip

    def left(self) -> bytes | None:
        """Return what the server sent behind its consent to encryption, None before that."""
        return self._session.rest

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not executed, or not read."""
        return ()


def _resumes(direction: Direction, data: bytes) -> bool:
    """Return whether messages begin where this segment does."""
    head = data[:4096]
    if direction == CLIENT:
        return match_client(head) >= Match.MAYBE or match_startup(head) is Match.YES
    return continues_server(head)


SPEC = ProtocolSpec(
    *("postgresql", frozenset({5432, 5433, 6432}), match, PostgresParser, Family.DATABASE),
    valueless=partial(PostgresParser, values=False),
    heads_tell=True,
)
