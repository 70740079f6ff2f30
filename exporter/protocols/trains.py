"""What the rest of a packet hides, of which only the head was copied.

Who pipelines sends many small messages in one packet. Those that the head shows tell how long one is, and so how many
lie behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Nanoseconds, Operation

T = TypeVar("T")
MOST_BYTES = 512 << 10  # of a packet that are thought of: no segmentation offload makes longer ones


def repeating(seen: Sequence[T]) -> Sequence[T]:
    """Return the shortest beginning that, again and again, gives what was seen; else what came twice at the end."""
    for size in range(1, len(seen)):
        if all(seen[place] == seen[place - size] for place in range(size, len(seen))):
            return seen[:size]
    return seen[-1:] if len(seen) > 2 and seen[-1] == seen[-2] else seen


@dataclass(slots=True)
class Behind:
    """A packet whose rest was not copied, and what it told.

    Attributes:
        at: when it was captured.
        size_bytes: its payload; `seen_bytes` of it were copied.
        begun: how many messages were begun in what was copied, and ended behind it.
        known: how many of the missing bytes are theirs; 0 where nobody knows.
        calm: whether nothing was outstanding before it.
        told: the messages, first those that ended in what was copied.
        whole_bytes: the size of the latter.
    """

    at: Nanoseconds
    size_bytes: int
    seen_bytes: int
    begun: int
    known: int
    calm: bool
    told: list[Message]
    whole_bytes: int

    @property
    def whole(self) -> int:
        """How many messages ended in what was copied."""
        return len(self.told) - self.begun

    @property
    def unseen_bytes(self) -> int:
        """How many bytes lie behind the message that was begun in what was copied."""
        return max(self.size_bytes - self.seen_bytes - self.known, 0)

    def sizes(self) -> list[int]:
        """Return how long each message is that was told, 0 where nobody knows."""
        begun = self.seen_bytes - self.whole_bytes + self.known if self.known else 0
        return [message.size_bytes for message in self.told[: self.whole]] + [begun] * self.begun

    def mean_bytes(self) -> float:
        """Return how long a message is on average, 0 if the packet does not tell: one that goes on is no shorter."""
        begun = max(self.seen_bytes - self.whole_bytes, 0)
        if self.known:
            return max((self.whole_bytes + begun + self.known) / (self.whole + 1), 1)
        if self.whole:
            return max(self.whole_bytes / self.whole, (self.whole_bytes + begun) / (self.whole + 1), 1)
        return 0

    def hidden(self, mean_bytes: float = 0) -> int:
        """Return how many messages lie wholly behind what was copied, 0 where nothing tells how long they are."""
        mean = mean_bytes or self.mean_bytes()
        if not mean:
            return 0
        if self.known:
            return max(round(self.unseen_bytes / mean), 0)
        return max(round((self.size_bytes - self.whole_bytes) / mean) - self.begun, 0)

    def most(self) -> int:
        """Return how many messages lie there at most, if they are no shorter than what was seen of the others."""
        shortest = max((self.seen_bytes + self.known) / max(len(self.told), 1), 1)
        return max(round(self.size_bytes / shortest) - len(self.told), 0)


@dataclass(slots=True)
class Head:
    """The head of a packet whose rest was not copied.

    Attributes:
        size_bytes: how much was copied of its payload.
        calm: whether nothing was outstanding before it.
        whole: the messages that begin and end within it.
    """

    size_bytes: int
    calm: bool
    whole: list[Message] = field(default_factory=list)

    def named(self, begun: Sequence[Message]) -> Sequence[Message]:
        """Return what was begun; a request of which nothing was seen asks for the same as those before it, in turn."""
        if not self.whole or not begun or begun[0].operation is not UNKNOWN_OPERATION:
            return begun
        if begun[0].kind is not Kind.REQUEST:
            return begun
        return (replace(begun[0], operation=self.whole[0].operation), *begun[1:])

    def behind(self, begun: Sequence[Message], known: int, missing: int, at: Nanoseconds) -> Behind:
        """Return what is known of the packet now that `missing` bytes of it passed, of which `known` ended `begun`."""
        whole = sum(message.size_bytes for message in self.whole)
        size = self.size_bytes + min(missing, MOST_BYTES)
        return Behind(at, size, self.size_bytes, len(begun), known, self.calm, [*self.whole, *begun], whole)


@dataclass(slots=True)
class Train:
    """Requests of which the first ones were seen.

    Attributes:
        operations: what those ask for, once; the others are taken to ask for the same, in turn.
        at: when their packet was captured.
        sure: whether an answer to what was not seen can only belong to it, and all that is outstanding came with it.
        left: how many of the others there may be at most that were not told of.
        likely: how many of those there are as their mean length tells, 0 where that is not known.
        proven: whether it is known that there are others.
        count: how many there are that were told of.
    """

    operations: Sequence[Operation]
    at: Nanoseconds
    sure: bool
    left: int
    likely: int
    proven: bool
    count: int

    def request(self, correlation: int | None) -> Message:
        """Return the next one that was not seen."""
        operation = self.operations[self.count % len(self.operations)]
        self.count += 1
        self.left -= 1
        self.likely = max(self.likely - 1, 0)
        self.proven = True
        return Message(Kind.REQUEST, self.at, self.at, 0, operation, correlation=correlation)
