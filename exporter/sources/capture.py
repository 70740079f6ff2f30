"""Captures every interface that is up, each by a ring of its own, and follows those that come and go."""

import logging
from dataclasses import dataclass

from exporter.net.engine import Engine
from exporter.sources.errors import SourceError
from exporter.sources.interfaces import Interface, interfaces_up
from exporter.sources.ring import BLOCK_BYTES, Ring

log = logging.getLogger(__name__)

LEAST_RING_BYTES = 4 * BLOCK_BYTES
MOST_RING_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class CaptureStats:
    """What all rings counted since the start.

    Attributes:
        packets: that passed the kernel's filter, dropped ones included.
        dropped: for which a ring had no room.
        interfaces: captured now.
        refused: up, but not captured: no ring could be opened, or the memory is used up.
    """

    packets: int = 0
    dropped: int = 0
    interfaces: int = 0
    refused: int = 0


class Capture:
    """The rings of one host or network namespace.

    Raises:
        SourceError: no interface at all can be captured; says what is missing.
    """

    def __init__(
        self, interfaces: tuple[str, ...], snap_bytes: int, memory_bytes: int, datagrams: bool = False
    ) -> None:
        """Open the rings.

        Args:
            interfaces: the names to capture; every interface where it is empty.
            snap_bytes: how much of a packet to copy at most.
            memory_bytes: for packets and flows; half of it is for the rings.
            datagrams: whether UDP is wanted beside TCP and tunnels.
        """
        self._names = interfaces
        self._snap_bytes = snap_bytes
        self._ring_bytes = memory_bytes // 2
        self._datagrams = datagrams
        self._rings: dict[int, Ring] = {}
        self._refused: dict[int, str] = {}
        self._gone_packets = self._gone_dropped = 0
        self._dropped = 0
        up = self._wanted()
        if not up:
            raise SourceError("no interface to capture is up: " + (", ".join(interfaces) or "there is none"))
        # Two shares are left for interfaces that come later.
        self._share = max(LEAST_RING_BYTES, min(MOST_RING_BYTES, self._ring_bytes // (len(up) + 2)))
        self.refresh()
        if not self._rings:
            raise SourceError(next(iter(self._refused.values())))

    def refresh(self) -> None:
        """Open rings on interfaces that came up, close those of interfaces that went."""
        up = {interface.index: interface for interface in self._wanted()}
        for index in [index for index, ring in self._rings.items() if up.get(index) != ring.interface]:
            self._close(index)
        self._refused = {index: reason for index, reason in self._refused.items() if index in up}
        for index, interface in up.items():
            if index not in self._rings:
                self._open(interface)

    def drain(self, engine: Engine) -> int:
        """Have the engine read all that was captured; return the number of packets."""
        packets = sum(ring.drain(engine) for ring in self._rings.values())
        dropped = self.stats().dropped
        if dropped > self._dropped:
            self._dropped = dropped
            engine.lost()
        return packets

    def stats(self) -> CaptureStats:
        """Return the kernel's counts, those of closed rings included."""
        counts = [ring.stats() for ring in self._rings.values()]
        return CaptureStats(
            self._gone_packets + sum(count.packets for count in counts),
            self._gone_dropped + sum(count.dropped for count in counts),
            len(self._rings),
            len(self._refused),
        )

    def close(self) -> None:
        """Close every ring."""
        for index in list(self._rings):
            self._close(index)

    def _wanted(self) -> tuple[Interface, ...]:
        return tuple(interface for interface in interfaces_up() if not self._names or interface.name in self._names)

    def _open(self, interface: Interface) -> None:
        used = sum(ring.size_bytes for ring in self._rings.values())
        size = min(self._share, self._ring_bytes - used)
        try:
            if size < LEAST_RING_BYTES and self._rings:
                raise SourceError(f"no memory left for a ring on interface {interface.name}")
            self._rings[interface.index] = Ring(interface, self._snap_bytes, size, self._datagrams)
            self._refused.pop(interface.index, None)
        except SourceError as error:
            if interface.index not in self._refused:
                log.warning("interface not captured", extra={"interface": interface.name, "reason": str(error)})
            self._refused[interface.index] = str(error)

    def _close(self, index: int) -> None:
        ring = self._rings.pop(index)
        counts = ring.stats()
        self._gone_packets += counts.packets
        self._gone_dropped += counts.dropped
        ring.close()
