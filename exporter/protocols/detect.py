"""Decides by the first bytes of a connection which protocol it speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exporter.model import Flow, Nanoseconds
from exporter.protocols.base import Match, ProtocolSpec
from exporter.protocols.http2_frames import PREFACE
from exporter.protocols.preface import preface_size

# Enough for any protocol's first message head; what is longer is judged by its beginning.
HEAD_BYTES = 4096
# Undecided connections hold this much of each direction at most, beside the segment that went beyond it.
HELD_BYTES = 8192
HELD_CHUNKS = 1024
CLIENT = 0  # the direction of a connection's beginning


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is thought of a connection.

    Attributes:
        match: how sure.
        spec: the likeliest protocol; None where every one said no.
        swapped: whether the client and the server of the flow are the other way round.
        hinted: whether the server's port speaks for it.
    """

    match: Match
    spec: ProtocolSpec | None = None
    swapped: bool = False
    hinted: bool = False


UNDECIDED = Verdict(Match.NO)


@dataclass(slots=True)
class Chunk:
    """One segment's bytes, or that so many were not copied, held until the protocol is known.

    Attributes:
        lost: how many bytes were not copied; where they are `unheard` their direction is not captured at all.
    """

    direction: int
    payload: bytes
    at: Nanoseconds
    lost: int = 0
    unheard: bool = False


def judge(heads: Sequence[bytes], flow: Flow, specs: Sequence[ProtocolSpec]) -> Verdict:
    """Return the surest protocol for the first bytes of `flow.client` and `flow.server`; either may be empty.

    Among equally sure ones the port decides, then the order of `specs`; both orientations are tried unless the
    flow is sure of its sides.
    """
    best = UNDECIDED
    for swapped in (False,) if flow.sure else (False, True):
        client, server = (heads[1], heads[0]) if swapped else (heads[0], heads[1])
        port = flow.client.port if swapped else flow.server.port
        certain = best.match is Match.YES
        for spec in specs:
            hinted = port in spec.ports
            if certain and not hinted:  # whatever it says does not outrank that; nor does anything if that is hinted
                continue
            match = spec.match(client, server)
            if match is Match.NO:
                continue
            if match > best.match or (match is best.match and hinted and not best.hinted):
                best = Verdict(match, spec, swapped, hinted)
                certain = match is Match.YES
                if hinted and match is Match.YES:  # nothing outranks it
                    return best
    return best


class Recognition:
    """Holds the first bytes of both directions until they tell the protocol.

    With `latest_only`, as on a connection joined in its midst, each new burst of a direction replaces its last one:
    what came before may have been the middle of a message. A burst too long to hold is then passed over.

    Attributes:
        chunks: what is held, in the order of capture.
        verdict: what is thought of it.
        bursts: how often the direction has changed.
        flow: whose bytes they are.
    """

    __slots__ = (
        *("_cut", "_heads", "_last", "_latest_only", "_sizes", "_specs", "_unprefaced"),
        *("bursts", "chunks", "flow", "verdict"),
    )

    def __init__(self, flow: Flow, specs: Sequence[ProtocolSpec], latest_only: bool) -> None:
        self.flow = flow
        self._specs = specs
        self._latest_only = latest_only
        self._heads = [b"", b""]
        self._sizes = [0, 0]
        self._cut = [False, False]  # what follows does not continue the head
        self._unprefaced = latest_only  # a proxy's words stand at the connection's beginning only, and have passed
        self._last = -1
        self.bursts = 0
        self.chunks: list[Chunk] = []
        self.verdict = UNDECIDED

    def add(self, direction: int, payload: bytes, at: Nanoseconds) -> Verdict:
        """Take the next bytes and return what is thought now."""
        if direction != self._last:
            self._last = direction
            self.bursts += 1
            if self._latest_only:
                self._forget(direction)
        elif self._cut[direction]:
            self._forget(direction)
        elif self._latest_only and self.full(direction):
            self._forget(direction)
            self._sizes[direction] = HELD_BYTES + 1
            return self.verdict
        self.chunks.append(Chunk(direction, payload, at))
        self._sizes[direction] += len(payload)
        room = HEAD_BYTES - len(self._heads[direction])
        if room > 0:
            self._heads[direction] += payload[:room]
            if direction == CLIENT and not self._unprefaced and not self._behind_preface():
                return self.verdict
            self.verdict = judge(self._heads, self.flow, self._specs)
        return self.verdict

    def _behind_preface(self) -> bool:
        """Leave out what a proxy said before the client; return whether it is told that nothing of it is to come."""
        left = preface_size(self._heads[CLIENT])
        if left < 0:
            return False
        self._unprefaced = True
        if not left:
            return True
        self._heads[CLIENT] = self._heads[CLIENT][left:]
        self._sizes[CLIENT] -= left
        chunks, self.chunks = self.chunks, []
        for chunk in chunks:
            passed = min(left, len(chunk.payload)) if chunk.direction == CLIENT else 0
            left -= passed
            if passed < len(chunk.payload):
                self.chunks.append(replace(chunk, payload=chunk.payload[passed:]))
        return True

    def judged(self, spec: ProtocolSpec | None, otherwise: Verdict) -> Verdict:
        """Return that it is likely one protocol that is hinted at, if these bytes fit it, else `otherwise`."""
        if spec is None or spec.match(self._heads[0], self._heads[1]) < Match.MAYBE:
            return otherwise
        return Verdict(Match.MAYBE, spec, hinted=True)

    def missed(self, flow: Flow, direction: int, size_bytes: int, at: Nanoseconds, is_tail: bool) -> "Recognition":
        """Account for bytes that passed unseen; return what goes on: another one, unless they end the last packet."""
        if not is_tail:
            return Recognition(flow, self._specs, latest_only=True)
        self.cut(direction, size_bytes, at)
        return self

    def cut(self, direction: int, size_bytes: int, at: Nanoseconds) -> None:
        """Account for the rest of the last packet, which was not copied: its head is all that there is to judge by."""
        self._latest_only = True
        self._cut[direction] = True
        self.bursts = 0  # as little is seen of each, more of them are looked at
        if len(self.chunks) <= HELD_CHUNKS:
            self.chunks.append(Chunk(direction, b"", at, size_bytes))

    def unheard(self, direction: int, size_bytes: int, at: Nanoseconds) -> None:
        """Account for bytes of a direction that is not captured."""
        if direction != self._last:
            self._last = direction
            self.bursts += 1
        if len(self.chunks) <= HELD_CHUNKS:
            self.chunks.append(Chunk(direction, b"", at, size_bytes, unheard=True))

    def full(self, direction: int) -> bool:
        """Return whether more would be too much to hold."""
        return self._sizes[direction] > HELD_BYTES or len(self.chunks) > HELD_CHUNKS

    def mutual(self) -> bool:
        """Return whether both directions have spoken."""
        return bool(self._heads[0] and self._heads[1])

    def _forget(self, direction: int) -> None:
        # What a connection of HTTP/2 began with holds for all that follows, which does not tell it as surely.
        kept = PREFACE if self._heads[direction].startswith(PREFACE) else b""
        self.chunks = [chunk for chunk in self.chunks if chunk.direction != direction]
        self._heads[direction] = kept
        self._sizes[direction] = 0
        self._cut[direction] = False
