"""MySQL's and MariaDB's protocol.

A request is a command that is answered. A login is none, nor is a refusal of it. What TLS or compression hides is left
to be watched as unknown.
"""

from collections.abc import Sequence
from functools import partial

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols.base import Family, Match, ParseError, ProtocolSpec
from exporter.protocols.mysql_commands import MysqlCommands
from exporter.protocols.mysql_match import match, match_server, resumes
from exporter.protocols.mysql_replies import MysqlReplies
from exporter.protocols.mysql_session import MysqlSession

MAX_MALFORMED = 8
CLIENT = 0  # the direction of requests


class MysqlParser:
    """One connection's state; without `values` no number that a statement writes is looked at."""

    __slots__ = ("_commands", "_malformed", "_replies", "_session", "_told")

    def __init__(self, values: bool = True) -> None:
        self._session = MysqlSession(values)
        self._commands = MysqlCommands(self._session)
        self._replies = MysqlReplies(self._session)
        self._malformed = 0
        self._told = False  # the server has spoken

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        out: list[Message] = []
        side = self._commands if direction == CLIENT else self._replies
        if direction != CLIENT and not self._told:
            self._told = True
            side.lost = match_server(data[:4096]) is Match.NO  # what is left of a greeting
        if side.lost:
            if not resumes(direction == CLIENT, data):
                return out
            side.lost = False
            if direction != CLIENT:
                self._replies.resume()
        try:
            side.feed(data, at, out)
        except ParseError:
            self._malformed += 1
            if not side.seen or self._malformed > MAX_MALFORMED:
                raise
            side.lose(out)
        return out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        out: list[Message] = []
        side = self._commands if direction == CLIENT else self._replies
        if size_bytes > side.skip and direction == CLIENT and not side.lost:
            self._commands.hurry(at, out)
        if 0 < size_bytes <= side.skip:
            side.passed(size_bytes, at, out)
        else:
            side.lose(out)
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the packet being passed over."""
        return (self._commands if direction == CLIENT else self._replies).skip

    def left(self) -> bytes | None:
        """Return what stands behind the agreement on TLS or compression, None before that."""
        return self._session.rest

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not executed, or not read."""
        return ()


SPEC = ProtocolSpec(
    *("mysql", frozenset({3306, 3307, 4000, 6033}), match, MysqlParser, Family.DATABASE),
    valueless=partial(MysqlParser, values=False),
    heads_tell=True,
)
