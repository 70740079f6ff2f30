"""What rings of either kind offer: memory into which the kernel writes the packets of one interface."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exporter.services.picks import Block, Extent
from exporter.services.sampling import FOREVER
from exporter.sources.ingresstap import IngressTap
from exporter.sources.interfaces import Interface
from exporter.sources.source import Choice, Drained
from exporter.sources.tap import Tap

FOR_LONG = 0.6  # of the free room; packets of 64 KB leave a part of it unused
EVERYTHING = (Extent(),)
AnyTap = Tap | IngressTap


class PacketReader(Protocol):
    """What reads the packets of rings; `exporter.net.engine.Engine` is one."""

    def block(
        self, memory: mmap.mmap, base: int, size: int, link: int, zone: int, since: int = 0, until: int = FOREVER
    ) -> int:
        """Read a block's packets of a time; return how many. `zone` is 0 but for the loopback of another namespace."""
        ...

    def entries(
        self,
        memory: mmap.mmap | bytes,
        at: int,
        end: int,
        shift: int,
        link: int,
        zone: int,
        since: int = 0,
        until: int = FOREVER,
    ) -> int:
        """Read the packets of a BPF ring buffer's entries of a time; return how many."""
        ...

    def moment(self, memory: mmap.mmap, base: int, size: int, number: int) -> int:
        """Return when one of a block's packets was captured."""
        ...

    def resume(self, at: int) -> None:
        """Nothing was read for a while before a moment."""
        ...


@dataclass(frozen=True, slots=True)
class RingStats:
    """What was counted since the ring was opened.

    Attributes:
        packets: that passed the filter, dropped ones included.
        dropped: for which there was no room.
    """

    packets: int
    dropped: int


class PacketRing(Protocol):
    """Captures one interface, from its opening on."""

    interface: Interface

    @property
    def tap(self) -> AnyTap:
        """By what it is captured, and no longer captured for a while."""
        ...

    @property
    def size_bytes(self) -> int:
        """How much memory the ring takes."""
        ...

    @property
    def fullness(self) -> float:
        """Which share of the ring waits; may be asked while another thread drains."""
        ...

    def drain(
        self, reader: PacketReader, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        """Have `reader` read what is ready, for as long as it may.

        Args:
            choice: of what is read; everything where there is none.
        """
        ...

    def fileno(self) -> int:
        """Return the descriptor that can be read from once much waits."""
        ...

    def blocks(self, reader: PacketReader) -> tuple[Block, ...]:
        """Return what is ready, in order; `reader` finds their packets before they are released."""
        ...

    def skip(self) -> int:
        """Give back what is ready unread; return when the first packet was captured, 0 without any."""
        ...

    def stats(self) -> RingStats:
        """Return the counts."""
        ...

    def close(self) -> None:
        """Stop capturing and give the memory back."""
        ...
