"""Captures every interface that is up, each by a ring of its own, and follows those that come and go."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporter.net.engine import Engine
from exporter.net.lengths import Bodies
from exporter.services.picks import Block
from exporter.sources import classicfilter
from exporter.sources.bpfring import BpfRing
from exporter.sources.classicfilter import ALL, Sample, Snap
from exporter.sources.cutting import Cutting
from exporter.sources.ebpf.kernel import BpfError
from exporter.sources.errors import SourceError
from exporter.sources.filters import AUTO, Filters
from exporter.sources.interfaces import Interface, Place, interfaces_up
from exporter.sources.namespaces import Namespaces
from exporter.sources.ring import BLOCK_BYTES, Ring
from exporter.sources.rings import PacketRing
from exporter.sources.scout import Found, Scout
from exporter.sources.source import CaptureStats, Choice, Drained

log = logging.getLogger(__name__)

BPF, RING = "bpf", "ring"
LEAST_RING_BYTES = 4 * BLOCK_BYTES
MOST_RING_BYTES = 16 << 20
# Packets up to so long are copied whole, since messages may be pipelined in them: a client that publishes without a
# pause fills packets of 64 KB. Segmentation offload makes such of large bodies as well: of those from servers that were
# found to send them the head is copied. Where drops go on, the next lower step is taken, at last the configured cut.
WHOLE_BYTES = (classicfilter.WHOLE, 32_768, 8_192)
STUBBORN_DRAINS = 4  # of a whole ring, with drops in a row; what is learnt of bodies in the first of them ends most
MOST_HEADERS_BYTES = 14 + 40 + 60  # Ethernet, IPv6 and TCP with all of its options


@dataclass(slots=True)
class Share:
    """One interface's ring, and how far its copying is cut down.

    Attributes:
        dropped: packets for which it had no room.
        dropping: how often in a row, each time it was read through, some were dropped meanwhile.
        read: how much of the ring was read since that was last judged; 1 is all of it.
        doubted: how much of it may still be read before the last packet that was dropped is passed.
    """

    ring: PacketRing
    cutting: Cutting = field(default_factory=lambda: Cutting(len(WHOLE_BYTES)))
    dropped: int = 0
    dropping: int = 0
    read: float = 1.0
    doubted: float = 0.0

    def was_read(self, drained: Drained) -> None:
        """Take note of what was read of the ring."""
        waits = drained.fullness > drained.read
        self.doubted = max(0.0, self.doubted - drained.read) if waits else 0.0
        self.read = self.read + drained.read if waits else 1.0


class Capture:
    """The rings of one host or network namespace.

    Raises:
        SourceError: no interface at all can be captured; says what is missing.
    """

    chooses_flows = chooses_blocks = True

    def __init__(
        self,
        interfaces: tuple[str, ...],
        snap_bytes: int,
        memory_bytes: int,
        datagrams: bool = False,
        filters: str = AUTO,
        method: str = AUTO,
        namespaces: Namespaces | None = None,
    ) -> None:
        """Open the rings.

        Args:
            interfaces: the names to capture; every interface where it is empty.
            snap_bytes: how much to copy of packets that are too long to be copied whole.
            memory_bytes: for packets and flows; half of it is for the rings.
            datagrams: whether UDP is wanted beside TCP and tunnels.
            filters: which filters, one of `sources.filters.CHOICES`.
            method: `bpf` for rings that an eBPF filter writes, `ring` for those of packet sockets, or `auto`.
            namespaces: the network namespaces to follow beside this process's own.
        """
        self._filters = Filters(filters)
        self._method = method
        self._scout = Scout(interfaces, namespaces)
        self._found: Found | None = None
        self._ended: list[PacketRing] = []
        self._snap_bytes = snap_bytes
        self._bodies = self._messages = frozenset[Bodies]()
        self._datagrams = datagrams
        self._ring_bytes, self._used = memory_bytes // 2, 0  # of rings in all, and of those that are not closed
        self._rings: dict[Place, Share] = {}
        self._refused: Mapping[Place, str] = {}
        self._closed_ways: Mapping[int, str] = {}
        self._gone_packets = self._gone_dropped = 0
        self._paused, self._turn, self._sample = False, 0, ALL
        up = [interface for interface in interfaces_up() if not interfaces or interface.name in interfaces]
        # One share is left for interfaces that come later.
        self._share = max(LEAST_RING_BYTES, min(MOST_RING_BYTES, self._ring_bytes // (len(up) + 1)))
        self.refresh()
        self._require_rings(interfaces)

    def _require_rings(self, interfaces: tuple[str, ...]) -> None:
        if not self._rings:
            self._filters.close()
            missing = "no interface to capture is up: " + (", ".join(interfaces) or "there is none")
            raise SourceError(next(iter(self._refused.values()), missing))

    def scout(self) -> None:
        """Look for interfaces that came and went, and open rings on the former; what takes long, and stops nobody."""
        while self._ended:
            self._give_back(self._ended.pop())
        known = {place: share.ring.interface for place, share in self._rings.copy().items()}
        for ring in self._found.rings.values() if self._found is not None else ():  # nobody took them over
            self._give_back(ring)
        self._found = self._scout.look(known, self._open)

    def refresh(self) -> None:
        """Capture on interfaces that came up, no longer on those that went; `scout` has found them, or does so now."""
        if self._found is None:
            self.scout()
        found, self._found = self._found, None
        assert found is not None, "just looked"
        for place in [place for place, share in self._rings.items() if found.up.get(place) != share.ring.interface]:
            self._end(place)
        for share in self._rings.values():
            self._step(share, share.cutting.refreshed)
        for place, ring in found.rings.items():
            self._begin(place, ring)
        self._tell_refused(found)

    def _begin(self, place: Place, ring: PacketRing) -> None:
        """Capture by a ring that is open, but keeps nothing yet."""
        self._rings[place] = Share(ring)
        ring.tap.cut(self._snap(0), self._sample)
        if not self._paused:
            ring.tap.resume()

    def _tell_refused(self, found: Found) -> None:
        """Log what is not captured, once for each interface and namespace."""
        known, self._refused = self._refused, found.refused
        ways, self._closed_ways = self._closed_ways, found.closed_ways
        if not self._rings:  # the one error of all of them is raised
            return
        for place in found.refused.keys() - known.keys():
            name, reason = found.up[place].name, found.refused[place]
            log.warning("interface not captured", extra={"interface": name, "reason": reason})
        for inode in found.closed_ways.keys() - ways.keys():
            log.warning("network namespace not followed", extra={"reason": found.closed_ways[inode]})

    def _give_back(self, ring: PacketRing) -> None:
        self._used -= ring.size_bytes
        ring.close()

    def drain(
        self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        """Have the engine read what was captured, for as long as it may, or what is chosen of it."""
        packets, fullness = 0, 0.0
        engine.learn(max(1, self._snap_bytes - MOST_HEADERS_BYTES))
        self._filters.say()
        for share in self._in_turn():
            # A drop that is told now may lie before or behind what the last drain read.
            before = share.dropping
            engine.hurry(self._drops(share, engine) or before > 0)
            drained = share.ring.drain(engine, may_go_on, choice)
            share.was_read(drained)
            packets += drained.packets
            fullness = max(fullness, drained.fullness)
        if engine.bodies() != self._bodies or (engine.messages() != self._messages and self._filters.is_ebpf):
            self._bodies, self._messages = engine.bodies(), engine.messages()
            for share in self._rings.values():
                share.ring.tap.cut(self._snap(share.cutting.step), self._sample)
        return Drained(packets, fullness)

    def descriptors(self) -> tuple[int, ...]:
        """Return those of the rings."""
        return tuple(share.ring.fileno() for share in tuple(self._rings.values()))

    def fullness(self) -> float:
        """Return which share of the fullest ring waits."""
        return max((share.ring.fullness for share in tuple(self._rings.values())), default=0.0)

    def _in_turn(self) -> tuple[Share, ...]:
        """Return the rings, another one first each time: there may not be the time to read all."""
        shares = tuple(self._rings.values())
        self._turn = (self._turn + 1) % max(1, len(shares))
        return shares[self._turn :] + shares[: self._turn]

    def blocks(self, engine: Engine) -> tuple[Block, ...]:
        """Return what can be read of the ring that holds most packets, in order."""
        ready = (share.ring.blocks(engine) for share in self._rings.values())
        return max(ready, key=lambda blocks: sum(block.packets for block in blocks), default=())

    def skip(self) -> int:
        """Leave unread what was captured so far; return when the first of it was captured, 0 where there is nothing."""
        return min(filter(None, (share.ring.skip() for share in self._rings.values())), default=0)

    def _drops(self, share: Share, engine: Engine) -> bool:
        """Return whether the ring had no room for packets since it was last asked; copy less if that goes on."""
        dropped = share.ring.stats().dropped
        if dropped == share.dropped:
            share.dropping = share.dropping if share.read < 1.0 else 0
            return share.doubted > 0.0
        share.dropped, share.doubted = dropped, 1.0
        engine.lost()
        if share.read >= 1.0:
            share.read = 0.0
            share.dropping += 1
            if share.dropping % STUBBORN_DRAINS == 0:
                self._step(share, share.cutting.dropped)
        return True

    def pause(self) -> None:
        """Capture nothing from now on; what was captured stays to be read."""
        self._paused = True
        for share in self._rings.values():
            share.ring.tap.pause()

    def leave(self) -> None:
        """Spare the packets all cost while paused; takes the kernel some 10 to 25 ms for each ring."""
        for share in tuple(self._rings.values()):
            self._try(share.ring.interface, share.ring.tap.leave)

    def prepare(self) -> None:
        """Come back, still paused; takes the kernel as long."""
        for share in tuple(self._rings.values()):
            self._try(share.ring.interface, share.ring.tap.prepare)

    def resume(self, sample: Sample) -> None:
        """Capture again, these flows.

        What takes the kernel a while is done first, so that all interfaces begin at the same moment.
        """
        self._sample = sample
        self._paused = False
        for share in self._rings.values():
            share.ring.tap.cut(self._snap(share.cutting.step), sample)
            self._try(share.ring.interface, share.ring.tap.prepare)
        for share in self._rings.values():
            share.ring.tap.resume()

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
            len(self._refused) + len(self._closed_ways) + self._scout.left_out,
            BPF if any(isinstance(share.ring, BpfRing) for share in self._rings.values()) else RING,
            self._filters.status(),
        )

    def close(self) -> None:
        """Close every ring."""
        for place in list(self._rings):
            self._end(place)
        for ring in self._found.rings.values() if self._found is not None else ():
            self._give_back(ring)
        while self._ended:
            self._give_back(self._ended.pop())
        self._filters.close()

    def _open(self, interface: Interface) -> PacketRing:
        """Open a ring that keeps nothing yet.

        Raises:
            SourceError: it cannot be had, or the memory is used up.
        """
        share = LEAST_RING_BYTES if interface.zone else self._share  # there may be many other namespaces
        size = min(share, self._ring_bytes - self._used)
        if size < LEAST_RING_BYTES and self._used:
            raise SourceError(f"no memory left for a ring on interface {interface.name}")
        ring = self._ring(interface, size)
        self._used += ring.size_bytes
        return ring

    def _ring(self, interface: Interface, size: int) -> PacketRing:
        """Open a ring of the best kind that is to be had.

        Raises:
            SourceError: there is none.
        """
        if self._method != RING and self._filters.is_ebpf:
            try:
                return BpfRing(interface, self._snap(0), size, self._filters, self._datagrams, paused=True)
            except BpfError as error:
                if self._method == BPF:
                    raise
                self._method = RING
                log.warning("no BPF ring, using packet rings", extra={"reason": str(error)})
        elif self._method == BPF:
            raise SourceError(f"a BPF ring needs the eBPF filter, which is not in use: {self._filters.status().reason}")
        return Ring(interface, self._snap(0), size, self._datagrams, self._filters.make(), paused=True)

    def _snap(self, step: int) -> Snap:
        whole = WHOLE_BYTES[step] if step < len(WHOLE_BYTES) else 0
        return Snap(max(whole, self._snap_bytes), self._snap_bytes, self._bodies, self._messages)

    def _step(self, share: Share, happened: Callable[[], None]) -> None:
        """Change how much of the interface's packets is copied, if that comes of what happened."""
        step = share.cutting.step
        happened()
        if step != share.cutting.step:
            share.ring.tap.cut(self._snap(share.cutting.step), self._sample)

    def _end(self, place: Place) -> None:
        """Capture no more on an interface; its ring is closed later, which takes the kernel a while."""
        ring = self._rings.pop(place).ring
        counts = ring.stats()
        self._gone_packets += counts.packets
        self._gone_dropped += counts.dropped
        self._ended.append(ring)
