"""The capture as the governor has it: reads no more than may be spent, and says for how much what it reads stands."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.net.engine import Engine
from exporter.services.governor import Governor, Plan, Shed, Spent
from exporter.services.sampling import Sampling
from exporter.sources.bpf import Sample
from exporter.sources.source import CaptureStats, PacketSource

MOST_LOSS = 100.0  # a drain of which less than a hundredth was kept tells nothing of the rest


@dataclass(frozen=True, slots=True)
class Round:
    """What one drain found.

    Attributes:
        open: whether packets are captured.
        fullness: which share of the fullest ring waited to be read.
        due_seconds: after so long the next drain is due at the latest.
    """

    open: bool = True
    fullness: float = 0.0
    due_seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class Governing:
    """What the governor did so far.

    Attributes:
        budget: share of one processor that may be used.
        cpu_seconds: processor time of the capture.
        shed: what was not looked at.
    """

    budget: float = 0.0
    cpu_seconds: float = 0.0
    shed: Shed = field(default_factory=lambda: Shed(ratio=0.0))


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks that the capture goes by.

    Attributes:
        now: seconds, never falling.
        wall: nanoseconds since the epoch, as packets are stamped.
        spent: the processor time of the thread that asks, and of the rest of the process.
    """

    now: Callable[[], float]
    wall: Callable[[], int]
    spent: Callable[[], Spent]


def spent() -> Spent:
    """Return the processor time of this thread and of the rest of the process."""
    own = time.thread_time()
    return Spent(own, time.process_time() - own)


class GovernedCapture:
    """The rings, read within the budget; only one thread drains.

    Args:
        budget: share of one processor.
        chance: returns a random number from 0 to below 1.
    """

    def __init__(
        self,
        capture: PacketSource,
        engine: Engine,
        sampling: Sampling,
        budget: float,
        clocks: Clocks,
        chance: Callable[[], float],
    ) -> None:
        self._capture = capture
        self._engine = engine
        self._sampling = sampling
        self._budget = budget
        self._clocks = clocks
        self._chance = chance
        self._governor: Governor | None = None
        self._open = True
        self._cpu_seconds = 0.0
        self._seen = capture.stats()

    def drain(self) -> Round:
        """Read what the rings hold, as far as may be spent."""
        before = self._clocks.spent()
        now = self._clocks.now()
        if self._governor is None:  # by the clock of the thread that drains
            self._governor = Governor(self._budget, now, before, self._chance)
        plan = self._governor.step(now, before)
        self._follow(plan, self._governor)
        seen = self._capture.stats()
        self._sampling.keep(plan.weight * self._loss(seen), plan.every)
        most = before.capture + plan.seconds
        drained = self._capture.drain(self._engine, lambda: self._clocks.spent().capture < most)
        if self._clocks.spent().capture < most:
            self._seen = seen  # all of it was read
        self._cpu_seconds += self._clocks.spent().capture - before.capture
        return Round(plan.open, drained.fullness, plan.until - self._clocks.now())

    def refresh(self) -> None:
        """Capture on interfaces that came, no longer on those that went."""
        self._capture.refresh()

    def stats(self) -> CaptureStats:
        """Return the kernel's counts."""
        return self._capture.stats()

    def governing(self) -> Governing:
        """Return what the governor did so far."""
        shed = self._governor.shed() if self._governor is not None else Shed()
        return Governing(self._budget, self._cpu_seconds, shed)

    def close(self) -> None:
        """Close the rings."""
        self._capture.close()

    def _follow(self, plan: Plan, governor: Governor) -> None:
        """Open or close the rings; at a slice's beginning connections forget what they waited for."""
        if plan.open == self._open:
            return
        self._open = plan.open
        if not plan.open:
            self._capture.pause()
            return
        self._capture.resume(Sample(plan.flows, secrets.randbits(32)))
        self._engine.resume(self._clocks.wall())
        governor.opened(self._clocks.now())

    def _loss(self, seen: CaptureStats) -> float:
        """Return for how many packets each one stands that the rings had room for since they were last read out."""
        offered, dropped = seen.packets - self._seen.packets, seen.dropped - self._seen.dropped
        return min(MOST_LOSS, offered / max(1, offered - dropped)) if dropped > 0 else 1.0
