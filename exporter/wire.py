"""What goes over the wire, from the rings to the counters, behind one lock."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import SystemRandom

from exporter.net.counters import EngineCounters
from exporter.net.engine import Engine
from exporter.net.layout import SLOT_BYTES
from exporter.protocols import PROTOCOLS
from exporter.protocols.base import without_values
from exporter.protocols.conversation import CONVERSATION_BYTES, Conversations
from exporter.services.attribution import Attribution, AttributionCounters, Patience
from exporter.services.connecting import Connecting
from exporter.services.connects import Connects, ConnectsSnapshot
from exporter.services.families import family_of
from exporter.services.outlines import Outlines, outlines
from exporter.services.sampling import Sampling
from exporter.services.traffic import Caps, Traffic, TrafficSnapshot
from exporter.services.view import HostView
from exporter.sources.governed import Clocks, GovernedCapture, Governing, Round, spent
from exporter.sources.passed import packets_passed
from exporter.sources.source import CaptureStats, PacketSource
from toolkit.turns import Turns

# A service that is gone keeps its series for as long as its resources do (services/resources.py).
RETENTION_SECONDS = 3600.0
# So long a drain waits for a scrape that is next: on a machine without an idle processor it may not run for a while.
PATIENCE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class WireCounters:
    """The counts of every stage, and what was folded into `~other` by label.

    `estimated` is how many messages of a protocol only the lengths of packets told of.
    """

    capture: CaptureStats
    engine: EngineCounters
    estimated: Mapping[str, int]
    attribution: AttributionCounters
    limited: Mapping[str, float]
    governing: Governing


@dataclass(frozen=True, slots=True)
class Shares:
    """What the memory that is not for the rings is for.

    Attributes:
        waiting_bytes: of segments that wait for earlier ones.
        flows: slots of the flow table.
        consumers: connections that are parsed; those unseen for longest are recognised again when they go on.
    """

    waiting_bytes: int
    flows: int
    consumers: int

    @classmethod
    def of(cls, memory_bytes: int) -> "Shares":
        """Divide; half of the memory is for the rings (sources/capture.py)."""
        waiting_bytes = memory_bytes // 16
        half = (memory_bytes // 2 - waiting_bytes) // 2
        return cls(waiting_bytes, half // SLOT_BYTES, half // CONVERSATION_BYTES)


class Wire:
    """The packet path and what it counts; every method may be called from any thread.

    Args:
        capture: where packets come from; None where none may be captured.
        memory_bytes: for the rings and the flow table.
        cpu_budget: share of one processor that the exporter may use.
        clocks: what time it is, and what was spent.
        values: whether the numbers that requests carry may be looked at.
    """

    def __init__(
        self,
        capture: PacketSource | None,
        memory_bytes: int,
        cpu_budget: float = 0.05,
        clocks: Clocks = Clocks(time.monotonic, time.time_ns, spent, packets_passed),  # noqa: B008  # frozen
        values: bool = True,
    ) -> None:
        self._lock = Turns()
        dice = SystemRandom()
        sampling = Sampling(dice.getrandbits(31))
        caps = Caps()
        self._traffic = Traffic(family_of, caps, RETENTION_SECONDS)
        self._attribution = Attribution(self._traffic, Patience(), sampling)
        self._connects = Connects(self._traffic.admitted, caps.edges)
        self._connecting = Connecting(self._connects, self._attribution.places, sampling.weight)
        shares = Shares.of(memory_bytes)
        self._conversations = Conversations(self._attribution, PROTOCOLS if values else without_values(PROTOCOLS))
        self._engine = Engine(
            self._conversations,
            max_flows=shares.flows,
            buffer_bytes=shares.waiting_bytes,
            datagrams=True,
            seed=dice.getrandbits(32),
            watcher=self._connecting,
        )
        self._engine.limit(shares.consumers)
        self._capture = (
            GovernedCapture(capture, self._engine, sampling, cpu_budget, clocks, dice.random) if capture else None
        )

    @property
    def captures(self) -> bool:
        """Whether packets are captured at all."""
        return self._capture is not None

    def drain(self) -> Round:
        """Read what the rings hold, as far as the budget allows; by the thread that follows the interfaces."""
        if self._capture is None:
            return Round()
        with self._lock.yielding(PATIENCE_SECONDS):
            drained = self._capture.drain()
        self._capture.settle()  # may take long, and holds nobody up
        return drained

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait so long, until a ring fills or until it is to stop; by the thread that drains."""
        if self._capture is None:
            stop.wait(seconds)
        else:
            self._capture.wait(seconds, stop)

    def expire(self, at_ns: int) -> None:
        """End the connections that were idle for too long, by the clock of the packets."""
        with self._lock:
            self._engine.expire(at_ns)

    def attribute(self, view: HostView, now: float) -> None:
        """Credit connections to the services that the newest look at the host knows."""
        with self._lock:
            self._attribution.update(view, now)
            self._attribution.rename(view.renamed)
            self._connects.rename(view.renamed)
            self._connecting.update(now)
            self._connects.forget(self._traffic.retain(view.services, now))

    def follow_interfaces(self) -> None:
        """Capture on interfaces that came, no longer on those that went."""
        if self._capture is None:
            return
        self._capture.scout()  # may take long, and holds nobody up
        with self._lock:
            self._capture.refresh()

    def traffic(self) -> TrafficSnapshot:
        """Return the counters of services and edges."""
        with self._lock:
            return self._traffic.snapshot()

    def connects(self) -> ConnectsSnapshot:
        """Return what TCP did for services and edges."""
        with self._lock:
            return self._connects.snapshot()

    def outlines(self) -> Outlines:
        """Return a few numbers of every service."""
        with self._lock:
            return outlines(self._traffic, self._connects)

    def counters(self) -> WireCounters:
        """Return the counts of every stage."""
        with self._lock:
            return WireCounters(
                self._capture.stats() if self._capture is not None else CaptureStats(),
                self._engine.counters(),
                dict(self._conversations.estimates),
                self._attribution.counters(),
                self._limited(),
                self._capture.governing() if self._capture is not None else Governing(),
            )

    def _limited(self) -> Mapping[str, float]:
        limited = self._traffic.limited()
        return {**limited, "edge": limited["edge"] + self._connects.folded}

    def close(self, at_ns: int) -> None:
        """End every connection and close the rings."""
        with self._lock:
            self._engine.close(at_ns)
            if self._capture is not None:
                self._capture.close()
