"""Tells of messages that nobody saw as their packets were not copied whole, where their number is as good as known.

That is so where the messages before them in the same packet, the same client's or server's, tell how long one is.
What is told is how many there are, and the operations of those that were seen, in turn: no time, and no status but
where the lengths of answers of two kinds leave only one way to fill the packet. Answers are only told of to requests
that surely were made.
"""

from collections import Counter, deque
from collections.abc import Sequence
from statistics import fmean

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import ProtocolSpec
from exporter.protocols.pairing import Pairing
from exporter.protocols.sums import Sums
from exporter.protocols.trains import Behind, Train, repeating

CLIENT = 0
UNASKED = frozenset((Kind.ONE_WAY, Kind.PUSH))
MOST_ALIKE = 8  # messages that are kept to tell of others by


Like = tuple[Kind, Operation]
"""What the other messages are taken to be."""
Sized = tuple[Like, float]
"""One message and its length."""


class Conjectures:
    """What is told of one connection.

    Args:
        pairing: what is told of the messages.
        estimates: protocol -> how many messages are told of that nobody saw.
    """

    __slots__ = ("_cut", "_estimates", "_latest", "_pairing", "_sums", "_unasked")

    def __init__(self, pairing: Pairing, estimates: Counter[str]) -> None:
        self._pairing = pairing
        self._estimates = estimates
        self._sums = Sums()
        self._cut: Behind | None = None  # the server's last packet, where heads tell of messages
        self._latest: list[list[Sized]] = [[], []]  # what a side's last packet that told any told of messages
        self._unasked: tuple[deque[Sized], deque[Sized]] = (deque(maxlen=MOST_ALIKE), deque(maxlen=MOST_ALIKE))

    def tell(self, spec: ProtocolSpec, side: int, packet: Behind) -> None:
        """Tell of the messages behind what was copied of a packet."""
        if side == CLIENT:
            self._hide(spec, packet)
        if spec.heads_tell:
            if side != CLIENT and self._pairing.hiding():
                self._fill(spec.name, packet)
            return  # what was copied says nothing of a message's size
        if not packet.told:
            self._go_on(spec.name, side, packet)
            return
        self._latest[side] = latest = self._likely(spec, side, packet)
        mean = fmean(size for _, size in latest) if latest else 0
        if not mean or (side != CLIENT and self._tell_failures(spec.name, packet)):
            return
        likes = repeating([like for like, _ in latest])
        count = packet.hidden(mean if likes[0][0] in UNASKED else 0)
        self._tell_alike(spec.name, likes, count, mean, packet.at)

    def note(self, spec: ProtocolSpec, message: Message) -> None:
        """Learn from an answer how long it is; tell of those behind one that was told by the head of a packet."""
        if not spec.heads_tell or message.kind is not Kind.RESPONSE or not self._pairing.hiding():
            return
        cut, self._cut = self._cut, None
        if cut is None or cut.at != message.first_at:
            self._sums.learn(message.size_bytes, (message.status, message.failed))
        elif message.size_bytes == cut.seen_bytes - cut.whole_bytes:
            self._fill_behind(spec.name, cut, message)

    def _fill(self, name: str, packet: Behind) -> None:
        """Tell of answers behind the head of one; what that says may only be told once the next one begins."""
        if packet.begun == 1 and packet.told[-1].kind is Kind.RESPONSE and packet.told[-1].first_at == packet.at:
            self._fill_behind(name, packet, packet.told[-1])
        else:
            self._cut = None if packet.begun else packet

    def _fill_behind(self, name: str, packet: Behind, begun: Message) -> None:
        size_bytes = packet.size_bytes - packet.whole_bytes
        for size, (status, failed) in self._sums.behind(size_bytes, (begun.status, begun.failed)):
            answer = Message(Kind.RESPONSE, packet.at, packet.at, size, status=status, failed=failed)
            self._estimates[name] += self._pairing.estimate(answer)

    def _hide(self, spec: ProtocolSpec, packet: Behind) -> None:
        """Let answers that nobody is seen to ask for belong to requests behind what was copied."""
        asked = [message.operation for message in packet.told if message.kind is Kind.REQUEST]
        asked = [operation for operation in asked if operation.name not in spec.once] or asked[-1:]
        if asked:
            proven = packet.whole > 0 or packet.known > 0
            train = repeating(asked[-MOST_ALIKE:])
            self._pairing.hide(Train(train, packet.at, packet.calm, packet.most(), packet.hidden(), proven, len(asked)))

    def _likely(self, spec: ProtocolSpec, side: int, packet: Behind) -> list[Sized]:
        """Return what the messages are like that are not seen; of those that nobody answers more tell than one head."""
        mean = packet.mean_bytes()
        told = [
            ((message.kind, message.operation), size or mean)
            for message, size in zip(packet.told, packet.sizes(), strict=True)
            if message.operation.name not in spec.once or len(packet.told) == 1
        ]
        unasked = self._unasked[side]
        if not all(like[0] in UNASKED for like, _ in told):
            return told[-MOST_ALIKE:] if mean else []
        unasked.extend((like, size or packet.size_bytes) for like, size in told)
        return list(unasked) if mean else []

    def _go_on(self, name: str, side: int, packet: Behind) -> None:
        """Take a packet for more of the last one before it: of answers, there can only be as many as are asked for."""
        latest = self._latest[side]
        if not latest:
            return
        mean = fmean(size for _, size in latest)
        count = round(packet.size_bytes / mean)
        likes = repeating([like for like, _ in latest])
        if side == CLIENT and any(like[0] is Kind.REQUEST for like in likes):
            self._pairing.lengthen(count)
        else:
            self._tell_alike(name, likes, count, mean, packet.at)

    def _tell_failures(self, name: str, packet: Behind) -> bool:
        """Tell of answers where some seen ones failed and others did not; return False if lengths do not tell which.

        So many are awaited, and so many bytes are left: as failures have another length, both tell how many failed.
        """
        sizes: tuple[list[int], list[int]] = ([], [])
        for message, size in zip(packet.told, packet.sizes(), strict=True):
            if message.kind is Kind.RESPONSE:
                sizes[message.failed].append(size)
        if not all(sizes) or 0 in sizes[0] + sizes[1]:
            return False
        fine, failed = fmean(sizes[0]), fmean(sizes[1])
        count = self._pairing.awaited()
        if fine == failed or not count:
            return False
        failures = round((packet.unseen_bytes - count * fine) / (failed - fine))
        if not 0 <= failures <= count:
            return False
        like = (Kind.RESPONSE, packet.told[-1].operation)
        self._tell_alike(name, (like,), count - failures, fine, packet.at)
        self._tell_alike(name, (like,), failures, failed, packet.at, failed=True)
        return True

    def _tell_alike(
        self, name: str, told: Sequence[Like], count: int, mean: float, at: Nanoseconds, failed: bool = False
    ) -> None:
        """Tell of so many messages like those that were seen, in turn."""
        for place in range(count if told else 0):
            kind, operation = told[place % len(told)]
            message = Message(kind, at, at, round(mean), operation, failed=failed)
            if kind in UNASKED:
                self._pairing.take(message)
            elif kind is not Kind.RESPONSE or not self._pairing.estimate(message):
                continue
            self._estimates[name] += 1
