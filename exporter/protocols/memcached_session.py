"""What the two directions of a memcached connection must know of each other: which command a reply answers.

Quiet commands are answered only where there is something to say, so that a reply may pass over the oldest ones.
"""

from collections import deque

from exporter.model import Kind, Message

# A client that has more outstanding than this loses what is known of the oldest.
MAX_ASKED = 8192
UNANSWERED = Message(Kind.UNANSWERED, 0, 0, 0)
NOTHING_HUSHED: frozenset[bytes] = frozenset()


class Asked:
    """A command that awaits its reply.

    Attributes:
        lookups: how many keys it looks up.
        hushed: the replies that it would not get.
        quiet: whether it may get no reply at all.
        opaque: what its reply repeats, 0 for nothing; for binary commands also the opcode.
        key: a checksum of a meta command's key, 0 for none.
    """

    __slots__ = ("hushed", "key", "lookups", "opaque", "quiet")

    def __init__(self, lookups: int, quiet: bool, hushed: frozenset[bytes], opaque: int, key: int) -> None:
        self.lookups = lookups
        self.quiet = quiet
        self.hushed = hushed
        self.opaque = opaque
        self.key = key

    def fits(self, word: bytes, opaque: int, key: int) -> bool:
        """Return whether a reply may answer it."""
        if opaque and self.opaque:
            return opaque == self.opaque
        if key and self.key and key != self.key:
            return False
        return not (self.quiet and word in self.hushed)


class MemcachedSession:
    """The commands that await replies, in order.

    Attributes:
        missed: keys of quiet lookups that were passed over since this was last taken.
    """

    __slots__ = ("_asked", "missed")

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque()
        self.missed = 0

    def ask(self, asked: Asked, out: list[Message]) -> None:
        """Add a command that may be answered."""
        if len(self._asked) >= MAX_ASKED:
            self._pass_over(self._asked.popleft(), out)
        self._asked.append(asked)

    def answer(self, word: bytes, opaque: int, key: int, out: list[Message]) -> Asked | None:
        """Return the command that a reply answers, None if it was not seen; those before it get no answer."""
        waiting = self._asked
        if waiting and not waiting[0].quiet and not opaque and not key:
            return waiting.popleft()
        while waiting:
            first = waiting.popleft()
            if first.fits(word, opaque, key):
                return first
            self._pass_over(first, out)
        return None

    def only(self) -> Asked | None:
        """Return the command that is surely answered next: one that alone awaits its reply, and will get it."""
        return self._asked[0] if len(self._asked) == 1 and not self._asked[0].quiet else None

    def forget(self) -> None:
        """Messages were lost: what was awaited may have come."""
        self._asked.clear()
        self.missed = 0

    def _pass_over(self, asked: Asked, out: list[Message]) -> None:
        if asked.quiet:
            self.missed += asked.lookups
        out.append(UNANSWERED)
