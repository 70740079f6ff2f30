"""Where packets come from: what the rings and what stands in for them offer alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exporter.net.engine import Engine
from exporter.services.picks import Block, Extent
from exporter.sources.classicfilter import Sample
from exporter.sources.filters import FilterStatus


@dataclass(frozen=True, slots=True)
class Drained:
    """What was read at once.

    Attributes:
        fullness: which share of the ring's blocks waited, whether there was the time to read them or not.
        read: which share was read.
    """

    packets: int
    fullness: float
    read: float = 0.0


@dataclass(frozen=True, slots=True)
class CaptureStats:
    """What was counted since the start.

    Attributes:
        packets: that passed the kernel's filter, dropped ones included.
        dropped: for which a ring had no room.
        interfaces: captured now.
        refused: up, but not captured: no ring could be opened, or the memory is used up.
        method: how packets are captured; empty where they are not.
        filter: what the kernel does before it copies them; empty where that is not known.
    """

    packets: int = 0
    dropped: int = 0
    interfaces: int = 0
    refused: int = 0
    method: str = ""
    filter: FilterStatus = FilterStatus()  # noqa: RUF009  # frozen


class Choice(Protocol):
    """What of each block is to be read; `exporter.services.picks.Picks` is one."""

    def parts(self, block: Block, now: int) -> tuple[Extent, ...] | None:
        """Return the extents that a block has part in, None where that is not known yet."""
        ...


class PacketSource(Protocol):
    """Captures the interfaces of a host.

    Attributes:
        chooses_flows: whether it can capture some flows and leave out others.
        chooses_blocks: whether it can read some of what was captured and leave out the rest.
    """

    chooses_flows: bool
    chooses_blocks: bool

    def drain(
        self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        """Have the engine read what was captured, for as long as it may, or what is chosen of it."""
        ...

    def blocks(self, engine: Engine) -> tuple[Block, ...]:
        """Return what can be read now on the busiest interface, in order; nothing where it cannot be chosen."""
        ...

    def descriptors(self) -> tuple[int, ...]:
        """Return what can be read from once packets wait; empty where there is no such thing."""
        ...

    def fullness(self) -> float:
        """Return which share of the fullest ring waits to be read; may be asked while others use the source."""
        ...

    def skip(self) -> int:
        """Leave unread what was captured so far; return when the first of it was captured, 0 where there is nothing."""
        ...

    def pause(self) -> None:
        """Capture nothing from now on; what was captured stays to be read."""
        ...

    def leave(self) -> None:
        """Spare the packets all cost while paused, even if it takes a while."""
        ...

    def prepare(self) -> None:
        """Do now what takes a while to capture again; still paused."""
        ...

    def resume(self, sample: Sample) -> None:
        """Capture again, these flows where the source can choose."""
        ...

    def scout(self) -> None:
        """Find out which interfaces came and went, without holding up those who use the source meanwhile."""
        ...

    def refresh(self) -> None:
        """Capture on interfaces that came, no longer on those that went."""
        ...

    def stats(self) -> CaptureStats:
        """Return what was counted since the start."""
        ...

    def close(self) -> None:
        """Stop capturing."""
        ...
