"""Whoever scrapes never waits for sockets that are opened, closed or bound anew."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from exporter.app import pause_after
from exporter.net.engine import Engine
from exporter.services.picks import Block
from exporter.services.plans import Spent
from exporter.sources.classicfilter import Sample
from exporter.sources.governed import MOST_DRAIN_SECONDS, Clocks
from exporter.sources.source import CaptureStats, Choice, Drained
from exporter.wire import Wire

WAITED_SECONDS = 5.0  # by a scrape that is held up
MEMORY_BYTES = 4 << 20
STEP_SECONDS = 0.01


@dataclass
class Clock:
    """Time that passes with each look at the spent time, all of it in the capture while there are packets."""

    now: float = 100.0
    spent: float = 0.0

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: round(self.now * 1e9), lambda: Spent(self.spent, 0.0))


@dataclass
class SlowSource:
    """A source whose slow calls last until somebody else has scraped, as a kernel would that takes its time."""

    clock: Clock
    scrape: Callable[[], object] = lambda: None
    calls: list[str] = field(default_factory=list)
    held_up: list[str] = field(default_factory=list)
    chooses_flows: bool = True
    chooses_blocks: bool = False
    is_open: bool = True
    is_bound: bool = True

    def drain(
        self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        self.clock.spent += STEP_SECONDS * self.is_open  # a load that takes a processor of its own
        return Drained(int(self.is_open), 0.0)

    def blocks(self, engine: Engine) -> tuple[Block, ...]:
        return ()

    def descriptors(self) -> tuple[int, ...]:
        return ()

    def fullness(self) -> float:
        return 0.0

    def skip(self) -> int:
        return 0

    def pause(self) -> None:
        self.is_open = False

    def leave(self) -> None:
        self._take_long("leave")
        self.is_bound = False

    def prepare(self) -> None:
        if not self.is_bound:
            self._take_long("prepare")
            self.is_bound = True

    def resume(self, sample: Sample) -> None:
        self.prepare()
        self.is_open = True
        self.calls.append("resume")

    def scout(self) -> None:
        self._take_long("scout")

    def refresh(self) -> None:
        self.calls.append("refresh")

    def stats(self) -> CaptureStats:
        return CaptureStats(interfaces=1)

    def close(self) -> None:
        self.is_open = False

    def _take_long(self, name: str) -> None:
        self.calls.append(name)
        scraping = threading.Thread(target=self.scrape, daemon=True)
        scraping.start()
        scraping.join(WAITED_SECONDS)
        if scraping.is_alive():
            self.held_up.append(name)


def watched(clock: Clock) -> tuple[Wire, SlowSource]:
    source = SlowSource(clock)
    wire = Wire(source, MEMORY_BYTES, 0.05, clock.clocks())
    source.scrape = lambda: (wire.counters(), wire.traffic(), wire.connects(), wire.outlines())
    return wire, source


def drain_until(wire: Wire, source: SlowSource, clock: Clock, name: str, step_seconds: float) -> None:
    """Drain under a load beyond the budget until the source was told to do something and captured after it."""
    for _ in range(10_000):
        wire.drain()
        clock.now += step_seconds
        if source.held_up or (name in source.calls and source.calls[-1] == "resume"):
            return
    pytest.fail(f"never told to {name}: {source.calls}")


def test_a_scrape_does_not_wait_for_rings_that_leave_and_come_back() -> None:
    clock = Clock()
    wire, source = watched(clock)
    drain_until(wire, source, clock, "leave", STEP_SECONDS)
    assert source.held_up == []
    assert source.calls[-3:] == ["leave", "prepare", "resume"]


def test_neither_where_the_loop_comes_too_late_to_prepare() -> None:
    clock = Clock()
    wire, source = watched(clock)
    while "leave" not in source.calls:
        wire.drain()
        clock.now += STEP_SECONDS
    drain_until(wire, source, clock, "leave", step_seconds=0.3)
    assert source.held_up == []
    assert source.calls[-3:] == ["leave", "prepare", "resume"]


def test_a_scrape_does_not_wait_for_the_look_at_the_interfaces() -> None:
    wire, source = watched(Clock())
    wire.follow_interfaces()
    assert source.calls == ["scout", "refresh"]
    assert source.held_up == []


@dataclass
class EndlessSource(SlowSource):
    """A source with more to read than anybody has the time for; each look at it lasts a millisecond."""

    def drain(
        self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        for _ in range(1000):
            if not may_go_on():
                break
            self.clock.now += 0.001
        return Drained(1, 1.0, 0.1)


def test_a_drain_ends_before_others_wait_for_long_and_says_that_there_is_more() -> None:
    clock = Clock()
    wire = Wire(EndlessSource(clock), MEMORY_BYTES, 64, clock.clocks())
    before = clock.now
    drained = wire.drain()
    assert clock.now - before <= 2 * MOST_DRAIN_SECONDS
    assert drained.is_cut
    assert drained.fullness == pytest.approx(1.0)
    assert pause_after(drained) == 0.0
