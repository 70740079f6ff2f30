"""One flow of datagrams: finds out what it speaks, has it parsed, pairs the messages and hands on the exchanges."""

from collections.abc import Sequence
from dataclasses import replace

from exporter.model import Direction, Exchange, Flow, Message, Nanoseconds
from exporter.net.stream import End
from exporter.protocols.base import Match, ParseError, Parser, ProtocolSpec
from exporter.protocols.detect import Verdict, judge
from exporter.protocols.pairing import Pairing
from exporter.protocols.recorder import Observer, Recorder

# A flow whose first datagrams nobody claims is left alone.
JUDGED_DATAGRAMS = 4
FOR_EVER = 1 << 62
SIDES = (Direction.REQUEST, Direction.RESPONSE)
FIRST_GROUP = 224  # the first byte of IPv4 addresses for groups, and of broadcasts


def is_group(address: str) -> bool:
    """Return whether an address is that of several hosts."""
    first, dot, _ = address.partition(".")
    return int(first) >= FIRST_GROUP if dot else first.startswith("ff")


class DatagramConversation:
    """Implements `net.stream.Stream` for one UDP flow.

    Unlike on a connection every datagram is judged and parsed by itself, one that is none of the protocol's is passed
    over, and what nobody claims is not watched: datagrams need not take turns.
    """

    __slots__ = ("_cut", "_flip", "_flow", "_judged", "_observer", "_pairing", "_parser", "_recorder", "_specs")

    def __init__(self, flow: Flow, observer: Observer, specs: Sequence[ProtocolSpec]) -> None:
        self._flow = flow
        self._observer = observer
        self._specs = specs
        self._flip = 0  # 1 once the bytes have said that the client is the flow's server
        self._judged = 0
        self._cut: tuple[bytes, Verdict] | None = None  # what was not claimed, but might be if its rest was not copied
        self._parser: Parser | None = None
        self._recorder: Recorder | None = None
        self._pairing = Pairing(self._record)

    def data(self, direction: int, payload: bytes, at: Nanoseconds) -> int:
        """Take a datagram; return that none need follow once it is clear that nobody claims them."""
        if self._parser is None and not self._recognise(direction, payload):
            return FOR_EVER if self._judged >= JUDGED_DATAGRAMS else 0
        assert self._parser is not None
        try:
            self._take(self._parser.feed(SIDES[direction ^ self._flip], payload, at))
        except ParseError:
            return 0  # a stray datagram tells nothing of the next one
        return 0

    def gap(self, direction: int, size_bytes: int, at: Nanoseconds) -> int:
        """Account for bytes that passed unseen: the rest of the last datagram."""
        if self._cut is not None:
            payload, verdict = self._cut
            self._adopt(verdict)
            self.data(direction, payload, at)
        if self._parser is not None:
            self._take(self._parser.gap(SIDES[direction ^ self._flip], size_bytes, at))
        return 0

    def end(self, reason: End, at: Nanoseconds) -> None:
        """Take leave: what is still outstanding will not be answered."""
        if self._parser is not None:
            self._take(self._parser.finish(at))
        self._pairing.finish()
        if self._recorder is not None:
            self._recorder.close(at)

    def _recognise(self, direction: int, payload: bytes) -> bool:
        self._judged += 1
        heads = (b"", payload) if direction else (payload, b"")
        verdict = judge(heads, self._flow, self._specs)
        self._cut = (payload, verdict) if verdict.match is Match.NOT_YET else None
        if verdict.match is not Match.YES:
            return False
        self._adopt(verdict)
        return True

    def _adopt(self, verdict: Verdict) -> None:
        assert verdict.spec is not None
        self._cut = None
        self._parser = verdict.spec.parser()
        if verdict.swapped:
            self._flip = 1
            self._flow = replace(self._flow, client=self._flow.server, server=self._flow.client)
        self._recorder = self._observer.recognised(self._flow, verdict.spec.name)

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._pairing.take(message)

    def _record(self, exchange: Exchange) -> None:
        if self._recorder is not None:
            self._recorder.record(exchange)
