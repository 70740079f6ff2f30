"""Tells of messages that nobody saw as their packets were not copied whole, where their number is as good as known.

That is so where the messages before them in the same packet, the same client's or server's, tell how long one is.
What is told is how many there are, and the operations of those that were seen, in turn: no status, and no time.
Answers are only told of to requests that surely were made.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import ProtocolSpec
from exporter.protocols.pairing import Pairing
from exporter.protocols.trains import Behind, Train, repeating

CLIENT = 0
UNASKED = frozenset((Kind.ONE_WAY, Kind.PUSH))
MOST_ALIKE = 8  # messages that are kept to tell of others by


Like = tuple[Kind, Operation]
"""What the other messages are taken to be."""


@dataclass(slots=True)
class _Likeness:
    """What a packet told, for those that go on behind it and show no message's beginning."""

    told: Sequence[Like]
    mean_bytes: float


class Conjectures:
    """What is told of one connection.

    Args:
        pairing: what is told of the messages.
        estimates: protocol -> how many messages are told of that nobody saw.
    """

    __slots__ = ("_estimates", "_latest", "_pairing")

    def __init__(self, pairing: Pairing, estimates: Counter[str]) -> None:
        self._pairing = pairing
        self._estimates = estimates
        self._latest: list[_Likeness | None] = [None, None]

    def tell(self, spec: ProtocolSpec, side: int, packet: Behind) -> None:
        """Tell of the messages behind what was copied of a packet."""
        asked = tuple(message.operation for message in packet.told if message.kind is Kind.REQUEST)
        if side == CLIENT and asked:
            proven = packet.whole > 0 or packet.known > 0
            self._pairing.hide(
                Train(repeating(asked[-MOST_ALIKE:]), packet.at, packet.calm, packet.most(), proven, len(asked))
            )
        if spec.heads_tell:
            return  # what was copied says nothing of a message's size
        mean = packet.mean_bytes()
        if packet.told:
            told = repeating([(message.kind, message.operation) for message in packet.told[-MOST_ALIKE:]])
            self._latest[side] = _Likeness(told, mean) if mean else None
            self._tell_alike(spec.name, told, packet.hidden(), mean, packet.at)
        else:
            self._go_on(spec.name, side, packet)

    def _go_on(self, name: str, side: int, packet: Behind) -> None:
        """Take a packet for more of the last one before it: of answers, there can only be as many as are asked for."""
        latest = self._latest[side]
        if latest is None:
            return
        count = round(packet.size_bytes / latest.mean_bytes)
        if side == CLIENT:
            self._pairing.lengthen(count)
        else:
            answers = [like for like in latest.told if like[0] is Kind.RESPONSE]
            self._tell_alike(name, answers, count, latest.mean_bytes, packet.at)

    def _tell_alike(self, name: str, told: Sequence[Like], count: int, mean: float, at: Nanoseconds) -> None:
        """Tell of so many messages like those that were seen, in turn."""
        for place in range(count if told else 0):
            kind, operation = told[place % len(told)]
            message = Message(kind, at, at, round(mean), operation)
            if kind in UNASKED:
                self._pairing.take(message)
            elif kind is not Kind.RESPONSE or not self._pairing.estimate(message):
                continue
            self._estimates[name] += 1
