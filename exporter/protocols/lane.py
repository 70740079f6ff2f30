"""The fast lane: a whole request in one packet and its whole response in another, read in place and counted as numbers.

What a lane does not know at a glance goes the usual way, through the parser and the pairing, and finds them as if all
had gone there. Compiled with the types of `lane.pxd`.
"""

from dataclasses import dataclass

from exporter.model import UNKNOWN_OPERATION, Message, Nanoseconds, Operation
from exporter.net.frames import Frame


@dataclass
class Turn:
    """A request and its response, both without doubt; of one connection after the other turn of it.

    Attributes:
        asked_at, answered_at: when the packet of each was captured.
        request_bytes, response_bytes: their lengths on the wire.
        operation: what was asked for.
        failed, hits, misses: as of `Message`.
        name: what the protocol knows the operation by.
        lookup: whether it is one that finds keys or misses them.
    """

    asked_at: Nanoseconds = 0
    answered_at: Nanoseconds = 0
    request_bytes: int = 0
    response_bytes: int = 0
    operation: Operation = UNKNOWN_OPERATION
    failed: bool = False
    hits: int = 0
    misses: int = 0
    name: int = 0
    lookup: bool = False


class Counting:
    """A `protocols.recorder.Recorder` that counts turns, too."""

    __slots__ = ()

    def count(self, turn: Turn) -> None:
        """Count what `record` would of an exchange with the same facts; the turn is not kept."""
        raise NotImplementedError


class Lane:
    """A `protocols.base.Parser` that reads the commonest messages in place, one request after the other."""

    __slots__ = ()

    def idle(self) -> bool:
        """Return whether both directions are between messages, and nothing that went before matters to the next."""
        raise NotImplementedError

    def ask(self, frame: Frame, turn: Turn) -> bool:
        """Read a request that fills the frame's payload; return False, with nothing changed, where it is none."""
        raise NotImplementedError

    def answer(self, frame: Frame, turn: Turn) -> bool:
        """Read the response to it in the same way."""
        raise NotImplementedError

    def resume(self, turn: Turn) -> Message:
        """Have the parser know of a request that `ask` read and that has no response yet; return it."""
        raise NotImplementedError
