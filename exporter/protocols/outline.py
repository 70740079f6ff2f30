"""Connections in outline: each is recognised by its first bytes, then only paired by turns, natively and cheaply.

Compiled with the types of `outline.pxd`.
What is done where the operations of requests cost too much: their number, times and bytes are still counted.
"""

from array import array
from collections.abc import Sequence
from typing import Protocol

from exporter.model import Endpoint, Exchange, Flow, Kind, Message, Nanoseconds
from exporter.net.stream import TURN_WORDS, End, turns
from exporter.protocols.base import Match
from exporter.protocols.base import ProtocolSpec as Spec
from exporter.protocols.detect import Chunk, Recognition
from exporter.protocols.recorder import Observer, Recorder
from exporter.protocols.turns import SPEC as UNKNOWN

JUDGED_BURSTS = 6
MAX_SERVERS = 1024  # whose protocol is remembered
SIZE_BITS = 32


class Ledger(Protocol):
    """Takes the turns of connections that were recognised."""

    def recognised(self, flow: Flow, protocol: str) -> int:
        """Return the token by which the turns of a connection come; `flow.client` and `flow.server` are final."""
        ...

    def turns(self, rows: memoryview) -> None:
        """Take turns, in the words of `net.stream.TurnSink`; the engine calls this."""
        ...

    def ended(self, token: int, at: Nanoseconds) -> None:
        """A connection ended; turns of it may still come with the next call of `turns`, but not later."""
        ...


class Outline:
    """Implements `net.stream.Stream` until the protocol is known."""

    __slots__ = ("_flow", "_outlines", "_recognition", "_token")

    def __init__(self, flow: Flow, outlines: "Outlines") -> None:
        self._flow: Flow | None = flow  # until the protocol is known: very many connections are kept
        self._outlines = outlines
        self._token = -1
        self._recognition: Recognition | None = None

    def data(self, direction: int, payload: bytes, at: Nanoseconds) -> int:
        """Look at the bytes; once they tell the protocol, none are wanted any more."""
        recognition = self._recognition
        if recognition is None:
            flow = self._flow
            assert flow is not None
            token = self._recall(flow, direction, payload)
            if token >= 0:
                return turns(token)
            recognition = self._recognition = Recognition(flow, self._outlines.specs, latest_only=not flow.sure)
        verdict = recognition.add(direction, payload, at)
        if verdict.match is Match.YES or (verdict.match is Match.NO and recognition.mutual()):
            return self._settle(recognition, direction)
        if recognition.bursts >= JUDGED_BURSTS or recognition.full(direction):
            return self._settle(recognition, direction)
        return 0

    def gap(self, direction: int, size_bytes: int, at: Nanoseconds) -> int:
        """Give up recognising by bytes with a hole in them: it is unknown, or what they told so far."""
        recognition = self._recognition
        return self._settle(recognition, direction) if recognition is not None and recognition.chunks else 0

    def end(self, reason: End, at: Nanoseconds) -> None:
        """Take leave."""
        if self._recognition is not None and self._recognition.chunks:
            self._settle(self._recognition, -1)
        if self._token >= 0:
            self._outlines.ledger.ended(self._token, at)

    def _recall(self, flow: Flow, direction: int, payload: bytes) -> int:
        """Return the token if the client's first bytes are surely what the server spoke before, else -1."""
        if direction or not flow.sure:
            return -1
        spec = self._outlines.spoken.get(flow.server)
        if spec is not None and spec.match(payload, b"") is Match.YES:
            self._token = self._outlines.ledger.recognised(flow, spec.name)
            self._flow = None
        return self._token

    def _settle(self, recognition: Recognition, direction: int) -> int:
        """Make up one's mind; return what hands the connection over to the pairing by turns."""
        verdict = recognition.verdict
        spec, swapped, flow = UNKNOWN, False, recognition.flow
        if verdict.spec is not None and (verdict.match is Match.YES or verdict.hinted):
            spec, swapped = verdict.spec, verdict.swapped
        if swapped:
            flow = Flow(flow.server, flow.client, flow.transport, flow.sure)
        self._recognition = self._flow = None
        self._token = self._outlines.ledger.recognised(flow, spec.name)
        if verdict.match is Match.YES:
            self._outlines.remember(flow.server, spec)
        in_hand = direction == int(swapped)  # the client's bytes: they begin the next turn
        chunks = recognition.chunks[:-1] if in_hand else recognition.chunks
        rows = array("Q", turns_of(chunks, self._token, int(swapped)))
        if rows:
            self._outlines.ledger.turns(memoryview(rows))
        return turns(self._token, swapped)


class Outlines:
    """Implements `net.stream.Opener`; `ledger.turns` is to be the engine's sink.

    Attributes:
        spoken: what a server was last found to speak, which is tried first on its next connection.
    """

    def __init__(self, ledger: Ledger, specs: Sequence[Spec]) -> None:
        self.ledger = ledger
        self.specs = specs
        self.spoken: dict[Endpoint, Spec] = {}

    def __call__(self, flow: Flow, at: Nanoseconds) -> Outline | None:
        """Return the consumer of a new connection; None for what is not TCP."""
        return Outline(flow, self) if flow.transport == "tcp" else None

    def remember(self, server: Endpoint, spec: Spec) -> None:
        """Note what a server speaks."""
        if len(self.spoken) >= MAX_SERVERS:
            self.spoken.clear()
        self.spoken[server] = spec


class Records:
    """A ledger that hands the turns on as exchanges without an operation."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._recorders: dict[int, Recorder] = {}
        self._ended: list[int] = []
        self._next = 0

    def recognised(self, flow: Flow, protocol: str) -> int:
        """Number a connection."""
        self._next += 1
        self._recorders[self._next] = self._observer.recognised(flow, protocol)
        return self._next

    def turns(self, rows: memoryview) -> None:
        """Record each turn."""
        for place in range(0, len(rows), TURN_WORDS):
            recorder = self._recorders.get(rows[place])
            if recorder is not None:
                recorder.record(_exchange(*rows[place + 1 : place + TURN_WORDS]))

    def ended(self, token: int, at: Nanoseconds) -> None:
        """Forget a connection; to be followed by `settle` once the engine was flushed."""
        self._ended.append(token)
        self._recorders[token].close(at)

    def settle(self) -> None:
        """Let go of the connections that ended; to be called after the engine's `flush` or `expire`."""
        for token in self._ended:
            del self._recorders[token]
        self._ended.clear()


def turns_of(chunks: Sequence[Chunk], token: int, client: int) -> list[int]:
    """Return the complete turns of some bytes as rows of a turn sink; `client` is the direction that asks."""
    rows: list[int] = []
    asked = told = sent = received = 0
    for chunk in chunks:
        if chunk.direction == client:
            if told:
                rows += (token, asked, told, received << SIZE_BITS | sent)
                asked = told = sent = received = 0
            asked = asked or max(chunk.at, 1)
            sent += len(chunk.payload)
        elif asked:
            told = max(chunk.at, 1)
            received += len(chunk.payload)
    if told:
        rows += (token, asked, told, received << SIZE_BITS | sent)
    return rows


def _exchange(asked: int, told: int, sizes: int) -> Exchange:
    sent, received = sizes & ((1 << SIZE_BITS) - 1), sizes >> SIZE_BITS
    answered = told or asked
    return Exchange(
        Message(Kind.REQUEST, asked, asked, sent), Message(Kind.RESPONSE, answered, answered, received), timed=told > 0
    )
