"""The capture as the governor has it: reads no more than may be spent, and says for how much what it reads stands."""

import math
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from random import SystemRandom

from exporter.net.engine import Engine
from exporter.services.calibration import Calibration
from exporter.services.cycles import Span
from exporter.services.governor import TAIL, Governor
from exporter.services.picks import Picks
from exporter.services.plans import Aperture, Plan, Shed, Spent
from exporter.services.precision import Precision
from exporter.services.sampling import FOREVER, NANOSECONDS, Sampling, Window
from exporter.sources.classicfilter import Sample
from exporter.sources.losses import Losses
from exporter.sources.source import CaptureStats, Drained, PacketSource

STRAINED_FULLNESS = 0.75  # of a ring, at which it may overflow before it is read next
CROWDED_FULLNESS = 0.5  # at which a ring has no room to wait for more
FILLING_FULLNESS = 0.3
# Whoever scrapes, and every other thread, waits for a drain: what is left is read by the next one.
MOST_DRAIN_SECONDS = 0.01
# A ring of which so much waits is read before its turn.
WAITING_FULLNESS = 0.5
# How often rings are looked at meanwhile, by how fast they fill; to be woken costs more than what it is for.
LEAST_LOOK_SECONDS, MOST_LOOK_SECONDS = 0.008, 0.03
# Leaving an interface and coming back takes the kernel some 12 ms each time and spares its packets 0.1 us each: worth
# it in pauses that are much longer.
LEAVING_SECONDS = 0.25  # for each interface


@dataclass(frozen=True, slots=True)
class Round:
    """What one drain found.

    Attributes:
        open: whether packets are captured that must be read soon.
        fullness: which share of the fullest ring waited to be read.
        due_seconds: after so long the next drain is due at the latest.
        is_cut: whether there was more to read, and it may be read, but others wait.
    """

    open: bool = True
    fullness: float = 0.0
    due_seconds: float = math.inf
    is_cut: bool = False


class Binding(Enum):
    """What to do about the interfaces next, which takes the kernel a while."""

    STAY = "stay"
    LEAVE = "leave"
    COME = "come"


@dataclass(frozen=True, slots=True)
class Governing:
    """What the governor did so far.

    Attributes:
        budget: share of one processor that may be used.
        cpu_seconds: processor time of the capture.
        rest_seconds: processor time of the rest of the process since the capture began.
        shed: what was not looked at.
        error_ratio: standard error of the last minute's counts, relative.
    """

    budget: float = 0.0
    cpu_seconds: float = 0.0
    rest_seconds: float = 0.0
    shed: Shed = field(default_factory=lambda: Shed(ratio=0.0))
    error_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks that the capture goes by.

    Attributes:
        now: seconds, never falling.
        wall: nanoseconds since the epoch, as packets are stamped.
        spent: the processor time of the thread that asks, and of the rest of the process.
        packets: that passed the host's interfaces, whether they were captured or not; -1 where that is not known.
    """

    now: Callable[[], float]
    wall: Callable[[], int]
    spent: Callable[[], Spent]
    packets: Callable[[], int] = lambda: -1


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
        self._plan = Plan()
        self._binding = Binding.STAY
        self._away = False
        self._opened = 0.0
        self._whole_since = math.inf
        self._began = self._last = Spent()
        self._strained = False
        self._fullness = 0.0
        self._losses = Losses(capture.stats())
        self._precision = Precision()
        self._calibration = Calibration()
        self._picks = Picks(chance)
        self._choice: Picks | None = None
        self._weight = 1.0
        self._reading = 0.0  # seconds of processor time since the start
        self._most = 0.0  # seconds of processor time of this thread at which to stop reading
        self._until = math.inf  # and of the clock

    def drain(self) -> Round:
        """Read what the rings hold, as far as may be spent."""
        before = replace(self._clocks.spent(), reading=self._reading)
        now = self._clocks.now()
        if self._governor is None:  # by the clock of the thread that drains
            self._governor = Governor(
                *(self._budget, now, before, self._chance, self._capture.chooses_flows, self._capture.chooses_blocks)
            )
            self._began = before
        plan = self._governor.step(now, before, self._strained)
        self._most = before.capture + plan.seconds
        plan = self._follow(plan, self._governor)
        self._until = now + MOST_DRAIN_SECONDS
        drained = self._pick(plan, self._governor) if plan.picks else self._read(plan)
        may_go_on = plan.picks or self._may_spend()
        is_cut = drained.read < drained.fullness and may_go_on and self._clocks.now() >= self._until
        self._until = math.inf
        self._strained = self._losses.dropping or drained.fullness > STRAINED_FULLNESS
        self._last = self._clocks.spent()
        self._fullness = drained.fullness
        due = plan.until - self._clocks.now()
        if plan.picks:  # which are the better, the more there is to pick from
            due = due if drained.fullness < FILLING_FULLNESS else due / 2
            return Round(open=False, due_seconds=due, is_cut=is_cut)
        return Round(plan.aperture is not Aperture.SHUT, drained.fullness, due, is_cut)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait so long, or until a ring fills faster than that; by the thread that drains, which holds nothing.

        While there are hardly any packets, the first block that is full wakes it: a rush fills a ring in less time than
        passes between two drains. While there are many, each block would; then it looks now and then, the sooner the
        faster they come. What is picked from waits in the rings for it.
        """
        began = self._clocks.now()
        end = began + seconds
        descriptors = self._capture.descriptors() if self._may_spend() and not self._plan.picks else ()
        if descriptors and not self._comes(descriptors, seconds):
            seconds = end - self._clocks.now()
        elif descriptors:
            while (now := self._clocks.now()) < end and (fullness := self._capture.fullness()) < WAITING_FULLNESS:
                if stop.wait(min(end - now, look_after(now - began, fullness))):
                    return
            return
        stop.wait(max(0.0, seconds))

    def _comes(self, descriptors: tuple[int, ...], seconds: float) -> bool:
        """Wait at most so long; return whether a block came. An interface that is gone ends the wait as well."""
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        return any(events & select.POLLIN for _descriptor, events in poll.poll(math.ceil(seconds * 1000)))

    def settle(self) -> None:
        """Leave the interfaces or come back, if the last drain found it time to; may last, and must hold nobody up."""
        binding, self._binding = self._binding, Binding.STAY
        if binding is Binding.LEAVE:
            self._away = True
            self._capture.leave()
        elif binding is Binding.COME:
            self._away = False
            self._capture.prepare()

    def scout(self) -> None:
        """Find out which interfaces came and went; from another thread than the one that drains."""
        self._capture.scout()

    def refresh(self) -> None:
        """Capture on interfaces that came, no longer on those that went."""
        self._capture.refresh()

    def stats(self) -> CaptureStats:
        """Return the kernel's counts."""
        return self._capture.stats()

    def governing(self) -> Governing:
        """Return what the governor did so far."""
        shed = self._governor.shed() if self._governor is not None else Shed()
        return Governing(
            self._budget,
            self._last.capture - self._began.capture,
            self._last.rest - self._began.rest,
            shed,
            self._error_ratio(),
        )

    def close(self) -> None:
        """Close the rings."""
        self._capture.close()

    def _read(self, plan: Plan) -> Drained:
        """Read as much as may be spent."""
        self._sampling.keep(self._losses.look(self._capture.stats(), self._weight), plan.every)
        drained = self._drain(self._may_go_on)
        self._losses.read(drained.packets)
        return drained

    def _pick(self, plan: Plan, governor: Governor) -> Drained:
        """Read what is picked, whose cost is known well enough before; what there is no time for comes next."""
        stats = self._capture.stats()
        packets = self._losses.passed(stats)
        self._picks.dropped(self._losses.pass_over(stats))
        crowded = self._fullness > CROWDED_FULLNESS
        for window in self._picks.choose(
            self._capture.blocks(self._engine), plan.seconds, self._clocks.wall(), crowded
        ):
            self._sampling.look(window)
            self._precision.look(window)
        self._sampling.keep(1.0, plan.every)
        before = self._reading
        drained = self._drain(lambda: self._clocks.now() < self._until)
        if self._clocks.now() < self._until:
            self._picks.caught_up()
        governor.picked(self._picks.part, self._reading - before, self._picks.costs(packets))
        return drained

    def _drain(self, may_go_on: Callable[[], bool]) -> Drained:
        """Read, and learn what that costs."""
        before = self._clocks.spent().capture
        drained = self._capture.drain(self._engine, may_go_on, self._choice)
        if drained.packets:
            seconds = self._clocks.spent().capture - before
            self._reading += seconds
            self._picks.learn(drained.packets, seconds)
        return drained

    def _may_go_on(self) -> bool:
        return self._may_spend() and self._clocks.now() < self._until

    def _may_spend(self) -> bool:
        return self._clocks.spent().capture < self._most

    def _error_ratio(self) -> float:
        whole_seconds = max(0.0, self._clocks.now() - self._whole_since)
        chance = self._precision.error_ratio(whole_seconds, self._clocks.wall())
        owed = self._picks.error_ratio(self._clocks.wall())
        return math.hypot(chance, owed, self._calibration.doubt_ratio()) if chance or owed else 0.0

    def _follow(self, plan: Plan, governor: Governor) -> Plan:
        """Open or close the rings, and have the windows known by the clock of the packets; return what is followed."""
        if plan.aperture is Aperture.OPEN and self._away:  # nobody may wait until the kernel is back
            plan = replace(plan, aperture=Aperture.READY, until=self._clocks.now())
        last, self._plan = self._plan, plan
        if plan.picks != last.picks:
            self._change(plan)
        elif last.whole and not plan.whole:
            self._sampling.end(self._clocks.wall())
        if plan.picks:
            return plan
        if plan.aperture is Aperture.OPEN:
            if last.aperture is not Aperture.OPEN or last.flows != plan.flows:
                self._open(plan, governor)
            for span in governor.opened(self._clocks.now(), self._opened):
                self._look(span)
        elif plan.aperture is Aperture.READY:
            if last.aperture is Aperture.OPEN:
                self._shut()
            self._binding = Binding.COME
        elif last.aperture is not Aperture.SHUT:
            self._shut()
            if plan.opens - self._clocks.now() > LEAVING_SECONDS * max(1, self._capture.stats().interfaces):
                self._binding = Binding.LEAVE
        return plan

    def _change(self, plan: Plan) -> None:
        """Begin to pick, or end it."""
        if plan.picks:
            blocks = self._capture.blocks(self._engine)
            self._picks.begin(blocks[0].begins if blocks else self._clocks.wall())
            self._sampling.end(self._picks.decided)
            self._choice, self._whole_since = self._picks, math.inf
        else:
            window = self._picks.end()
            self._sampling.look(window)
            self._precision.look(window)
            self._whole_since, self._weight = self._clocks.now(), 1.0

    def _open(self, plan: Plan, governor: Governor) -> None:
        """Capture; connections go on with their next segment, without waiting for what passed.

        What there was no time to read of earlier windows is left out: what is late grows later, until rings overflow.
        """
        self._read(plan)
        unread = 0 if self._may_spend() else self._capture.skip()
        if unread:
            governor.missed(self._sampling.cut(unread) / NANOSECONDS / plan.flows)
            self._losses.skip()
        self._calibrate(was_open=False)
        self._capture.resume(Sample(plan.flows, SystemRandom().getrandbits(32)))
        self._engine.resume(self._clocks.wall())
        self._opened = self._clocks.now()

    def _shut(self) -> None:
        self._capture.pause()
        self._calibrate(was_open=True)

    def _calibrate(self, was_open: bool) -> None:
        packets = self._clocks.packets()
        if packets >= 0:
            self._calibration.see(self._clocks.now(), packets, was_open)

    def _look(self, span: Span) -> None:
        now, wall = self._clocks.now(), self._clocks.wall()
        start = wall + round((span.start - now) * NANOSECONDS)
        end = wall + round((span.end - now) * NANOSECONDS) if span.end < math.inf else FOREVER
        self._whole_since = span.start if end == FOREVER else math.inf
        cycle = span.cycle
        lasts, looked, tail = (round(seconds * NANOSECONDS) for seconds in (cycle.seconds, cycle.looked, TAIL))
        cycle_end = wall + round((cycle.end - now) * NANOSECONDS) if cycle.number else FOREVER
        self._weight = span.weight * self._calibration.factor() if cycle.number else 1.0
        window = Window(start, end, self._weight, cycle.number, cycle_end, lasts, looked, tail)
        self._sampling.look(window)
        self._precision.look(window)


def look_after(seconds: float, fullness: float) -> float:
    """Return after how many seconds to look at the rings again: halfway to when they are too full, at this speed.

    Args:
        seconds: for which packets came.
        fullness: which share of the fullest ring they take.
    """
    left = seconds * (WAITING_FULLNESS / fullness - 1) if fullness else math.inf
    return min(MOST_LOOK_SECONDS, max(LEAST_LOOK_SECONDS, left / 2))
