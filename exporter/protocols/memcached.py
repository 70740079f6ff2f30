"""memcached's protocols: text with its meta commands, and binary.

Source: https://github.com/memcached/memcached/blob/master/doc/protocol.txt, and the same folder's binary protocol.

A reply tells how many keys of its request were found and how many were not; keys of quiet lookups that got no answer
are told by the reply that shows it.
"""

from collections.abc import Sequence

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols import memcached_binary
from exporter.protocols.base import Family, ParseError, ProtocolSpec
from exporter.protocols.memcached_binary import BinarySide
from exporter.protocols.memcached_commands import REQUEST_MAGIC, RESPONSE_MAGIC
from exporter.protocols.memcached_match import match, resumes
from exporter.protocols.memcached_replies import TextReplies
from exporter.protocols.memcached_requests import TextRequests
from exporter.protocols.memcached_session import MemcachedSession

MAX_MALFORMED = 8
CLIENT = 0  # the direction of requests


class MemcachedParser:
    """One connection's state; its first byte tells text from binary."""

    __slots__ = ("_malformed", "_replies", "_requests", "_session")

    def __init__(self) -> None:
        self._session = MemcachedSession()
        self._requests: TextRequests | BinarySide | None = None
        self._replies: TextReplies | BinarySide | None = None
        self._malformed = 0

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        if self._requests is None:
            self._begin(data[0] in (REQUEST_MAGIC, RESPONSE_MAGIC))
        side = self._requests if direction == CLIENT else self._replies
        assert side is not None
        if side.lost:
            if not resumes(direction == CLIENT, data):
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

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        out: list[Message] = []
        side = self._requests if direction == CLIENT else self._replies
        if side is None:
            return out
        if 0 < size_bytes <= side.skip:
            side.passed(size_bytes, at, out)
        else:
            side.lose(out, size_bytes, at)
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the value being passed over."""
        side = self._requests if direction == CLIENT else self._replies
        return side.skip if side is not None else 0

    def rest(self, direction: Direction) -> int:
        """Return how many bytes end the message being read, 0 where nobody knows: values in text go before an END."""
        side = self._requests if direction == CLIENT else self._replies
        return 0 if side is None or isinstance(side, TextReplies) else side.skip

    def left(self) -> bytes | None:
        """Return None: nothing else follows on a connection."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not executed, or not read."""
        return ()

    def _begin(self, binary: bool) -> None:
        session = self._session
        if binary:
            self._requests, self._replies = memcached_binary.requests(session), memcached_binary.replies(session)
        else:
            self._requests, self._replies = TextRequests(session), TextReplies(session)


SPEC = ProtocolSpec("memcached", frozenset({11211}), match, MemcachedParser, Family.CACHE, trains=MemcachedParser.rest)
