"""Captures every interface that is up, each by a ring of its own, and follows those that come and go."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.net.engine import Engine
from exporter.net.lengths import Bodies
from exporter.sources import bpf
from exporter.sources.bpf import ALL, Sample, Snap
from exporter.sources.cutting import Cutting
from exporter.sources.errors import SourceError
from exporter.sources.interfaces import Interface, interfaces_up
from exporter.sources.ring import BLOCK_BYTES, Ring
from exporter.sources.source import CaptureStats, Drained

log = logging.getLogger(__name__)

METHOD = "ring"
LEAST_RING_BYTES = 4 * BLOCK_BYTES
MOST_RING_BYTES = 16 << 20
# Packets up to so long are copied whole, since messages may be pipelined in them: a client that publishes without a
# pause fills packets of 64 KB. Segmentation offload makes such of large bodies as well: of those from servers that were
# found to send them the head is copied. Where drops go on, the next lower step is taken, at last the configured cut.
WHOLE_BYTES = (bpf.WHOLE, 32_768, 8_192)
STUBBORN_DRAINS = 4  # with drops in a row; what is learnt of bodies in the first of them ends most
MOST_HEADERS_BYTES = 14 + 40 + 60  # Ethernet, IPv6 and TCP with all of its options


@dataclass(slots=True)
class Share:
    """One interface's ring, how far its copying is cut down, its drops, and in how many drains in a row they came."""

    ring: Ring
    cutting: Cutting = field(default_factory=lambda: Cutting(len(WHOLE_BYTES)))
    dropped: int = 0
    dropping: int = 0


class Capture:
    """The rings of one host or network namespace.

    Raises:
        SourceError: no interface at all can be captured; says what is missing.
    """

    chooses_flows = True

    def __init__(
        self, interfaces: tuple[str, ...], snap_bytes: int, memory_bytes: int, datagrams: bool = False
    ) -> None:
        """Open the rings.

        Args:
            interfaces: the names to capture; every interface where it is empty.
            snap_bytes: how much to copy of packets that are too long to be copied whole.
            memory_bytes: for packets and flows; half of it is for the rings.
            datagrams: whether UDP is wanted beside TCP and tunnels.
        """
        self._names = interfaces
        self._snap_bytes = snap_bytes
        self._bodies: frozenset[Bodies] = frozenset()
        self._ring_bytes = memory_bytes // 2
        self._datagrams = datagrams
        self._rings: dict[int, Share] = {}
        self._refused: dict[int, str] = {}
        self._gone_packets = self._gone_dropped = 0
        self._paused = False
        self._sample = ALL
        up = self._wanted()
        if not up:
            raise SourceError("no interface to capture is up: " + (", ".join(interfaces) or "there is none"))
        # One share is left for interfaces that come later.
        self._share = max(LEAST_RING_BYTES, min(MOST_RING_BYTES, self._ring_bytes // (len(up) + 1)))
        self.refresh()
        if not self._rings:
            raise SourceError(next(iter(self._refused.values())))

    def refresh(self) -> None:
        """Open rings on interfaces that came up, close those of interfaces that went."""
        up = {interface.index: interface for interface in self._wanted()}
        for index in [index for index, share in self._rings.items() if up.get(index) != share.ring.interface]:
            self._close(index)
        for share in self._rings.values():
            self._step(share, share.cutting.refreshed)
        known = self._refused.keys() & up.keys()
        self._refused = {index: reason for index, reason in self._refused.items() if index in up}
        for index, interface in up.items():
            if index not in self._rings:
                self._open(interface)
        if self._rings:  # else the one error of all of them is raised
            for index in self._refused.keys() - known:
                reason = self._refused[index]
                log.warning("interface not captured", extra={"interface": up[index].name, "reason": reason})

    def drain(self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True) -> Drained:
        """Have the engine read what was captured, for as long as it may."""
        packets, fullness = 0, 0.0
        engine.learn(max(1, self._snap_bytes - MOST_HEADERS_BYTES))
        for share in self._rings.values():
            # A drop that is told now may lie before or behind what the last drain read.
            before = share.dropping
            engine.hurry(self._drops(share, engine) or before > 0)
            drained = share.ring.drain(engine, may_go_on)
            packets += drained.packets
            fullness = max(fullness, drained.fullness)
        if engine.bodies() != self._bodies:
            self._bodies = engine.bodies()
            for share in self._rings.values():
                share.ring.cut(self._snap(share.cutting.step), self._sample)
        return Drained(packets, fullness)

    def skip(self) -> int:
        """Leave unread what was captured so far; return when the first of it was captured, 0 where there is nothing."""
        return min(filter(None, (share.ring.skip() for share in self._rings.values())), default=0)

    def _drops(self, share: Share, engine: Engine) -> bool:
        """Return whether the ring had no room for packets since it was last asked; copy less if that goes on."""
        dropped = share.ring.stats().dropped
        if dropped == share.dropped:
            share.dropping = 0
            return False
        share.dropped = dropped
        share.dropping += 1
        engine.lost()
        if share.dropping % STUBBORN_DRAINS == 0:
            self._step(share, share.cutting.dropped)
        return True

    def pause(self) -> None:
        """Capture nothing from now on; what was captured stays to be read."""
        self._paused = True
        for share in self._rings.values():
            share.ring.pause()

    def leave(self) -> None:
        """Spare the packets all cost while paused; takes the kernel some 10 to 25 ms for each ring."""
        for share in self._rings.values():
            self._try(share.ring.interface, share.ring.leave)

    def prepare(self) -> None:
        """Come back, still paused; takes the kernel as long."""
        for share in self._rings.values():
            self._try(share.ring.interface, share.ring.prepare)

    def resume(self, sample: Sample) -> None:
        """Capture again, these flows.

        What takes the kernel a while is done first, so that all interfaces begin at the same moment.
        """
        self._sample = sample
        self._paused = False
        for share in self._rings.values():
            share.ring.cut(self._snap(share.cutting.step), sample)
            self._try(share.ring.interface, share.ring.prepare)
        for share in self._rings.values():
            share.ring.resume()

    def _try(self, interface: Interface, action: Callable[[], None]) -> None:
        """Do what fails where an interface has gone; the next refresh closes its ring."""
        try:
            action()
        except OSError as error:
            log.debug("interface gone", extra={"interface": interface.name, "reason": str(error)})

    def stats(self) -> CaptureStats:
        """Return the kernel's counts, those of closed rings included."""
        counts = [share.ring.stats() for share in self._rings.values()]
        return CaptureStats(
            self._gone_packets + sum(count.packets for count in counts),
            self._gone_dropped + sum(count.dropped for count in counts),
            len(self._rings),
            len(self._refused),
            METHOD,
        )

    def close(self) -> None:
        """Close every ring."""
        for index in list(self._rings):
            self._close(index)

    def _wanted(self) -> tuple[Interface, ...]:
        return tuple(interface for interface in interfaces_up() if not self._names or interface.name in self._names)

    def _open(self, interface: Interface) -> None:
        used = sum(share.ring.size_bytes for share in self._rings.values())
        size = min(self._share, self._ring_bytes - used)
        try:
            if size < LEAST_RING_BYTES and self._rings:
                raise SourceError(f"no memory left for a ring on interface {interface.name}")
            self._rings[interface.index] = Share(Ring(interface, self._snap(0), size, self._datagrams))
            self._refused.pop(interface.index, None)
            if self._paused:
                self._rings[interface.index].ring.pause()
        except SourceError as error:
            self._refused[interface.index] = str(error)

    def _snap(self, step: int) -> Snap:
        whole = WHOLE_BYTES[step] if step < len(WHOLE_BYTES) else 0
        return Snap(max(whole, self._snap_bytes), self._snap_bytes, self._bodies)

    def _step(self, share: Share, happened: Callable[[], None]) -> None:
        """Change how much of the interface's packets is copied, if that comes of what happened."""
        step = share.cutting.step
        happened()
        if step != share.cutting.step:
            share.ring.cut(self._snap(share.cutting.step), self._sample)

    def _close(self, index: int) -> None:
        ring = self._rings.pop(index).ring
        counts = ring.stats()
        self._gone_packets += counts.packets
        self._gone_dropped += counts.dropped
        ring.close()
