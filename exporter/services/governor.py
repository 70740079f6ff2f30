"""Keeps the exporter's processor time within its budget, by looking at less, and says for how much what is seen stands.

A bucket of processor time fills with the budget and is emptied by what is spent. While it empties, this is given up in
turn: the detail of operations; then time, in which the capture is closed; then flows. Time is cut into cycles, and in
each a slice at a random place is looked at and stands for the whole cycle: whatever the load does, no moment is
likelier to be seen than another, and over the long run the weights add up to the whole time, exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

# The bucket's rate and size together let at most the budget be spent in any 30 seconds, with a little to spare.
WINDOW_SECONDS = 30.0
FILLED = 0.85
BURST_SECONDS = WINDOW_SECONDS * (1 - FILLED) * 0.8  # of the budget
# What the rest of the exporter spends is taken from the capture's share, but never all of it.
MOST_FOR_REST = 0.6
DETAIL_BELOW = 0.75  # of the bucket; the operation of one exchange in EVERY is told
SLICES_BELOW = 0.5
EVERY = 8
# Slices shorter than this lose too many exchanges at their edges, longer ones come too seldom.
LEAST_SLICE_SECONDS = 0.02
MOST_SLICE_SECONDS = 0.5
SLICE_COST = 0.1  # of the bucket
LEAST_SHARE = 0.02  # of the time; below it flows are sampled as well
MOST_SHARE = 0.9  # of the time in slices; what would bear more is soon looked at whole
MOST_FLOWS = 64
# The load must have been bearable for so long before everything is looked at again.
CALM_SECONDS = 5.0
LEAST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.05, 1.0  # until a slice that could not be paid for is tried again
RATIO_SECONDS = 15.0  # what is told of the share kept is an average over about so long
SMOOTHED = 0.3  # weight of the newest slice in the estimated cost
COST_SECONDS = 1.0  # over about so long the cost is averaged while everything is looked at
LAST_SLICE_SECONDS = 2.0  # ends the slices: what was passed over before it is spread over so long


class Mode(Enum):
    """What the governor is doing."""

    WHOLE = "whole"  # looks at everything
    SLICE = "slice"  # looks for a while
    PAUSE = "pause"  # does not look, before the cycle's slice
    REST = "rest"  # does not look, after it
    RETURN = "return"  # a last, long slice before everything is looked at again


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do until the next step.

    Attributes:
        open: whether packets are captured.
        weight: for how many exchanges one stands that is read from now on.
        every: the operation of one exchange in so many is told.
        flows: one flow in so many is captured.
        seconds: of processor time that may be spent on reading.
        until: when the next step is due at the latest.
    """

    open: bool = True
    weight: float = 1.0
    every: int = 1
    flows: int = 1
    seconds: float = math.inf
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used since the start, in seconds of processor time: by the capture, and by the rest of the process."""

    capture: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Shed:
    """What was not looked at since the start, in seconds of traffic, by the reason; and the share kept of late."""

    operations: float = 0.0
    time: float = 0.0
    flows: float = 0.0
    ratio: float = 1.0


class Governor:
    """Decides what to look at.

    Args:
        budget: share of one processor, above 0.
        now: seconds, never falling.
        spent: what was used before.
        chance: returns a random number from 0 to below 1.

    Raises:
        ValueError: the budget is not positive.
    """

    def __init__(self, budget: float, now: float, spent: Spent, chance: Callable[[], float]) -> None:
        if budget <= 0.0:
            raise ValueError(f"a budget of {budget} processors")
        self._budget = budget
        self._chance = chance
        self._size = budget * BURST_SECONDS
        self._credit = self._size
        self._income = budget * FILLED
        self._spent = spent
        self._owed = 0.0  # by the rest of the process
        self._now = now
        self._mode = Mode.WHOLE
        self._plan = Plan()
        self._cost = 0.0  # of looking at everything, processors
        self._calm_since = math.inf
        self._covered = now  # up to here what was seen stands for everything
        self._cycle_ends = now
        self._opened = now
        self._length = 0.0  # of the slice that is over
        self._slice_cost = 0.0
        self._operations = self._time = self._flows = 0.0
        self._kept = self._passed = 0.0

    def step(self, now: float, spent: Spent) -> Plan:
        """Return what to do from `now` on."""
        self._account(now, spent)
        if self._mode is Mode.WHOLE:
            every = EVERY if self._credit < self._size * DETAIL_BELOW else 1
            self._plan = Plan(every=every, seconds=max(0.0, self._credit))
            if self._credit < self._size * SLICES_BELOW:
                self._begin_slices(now)
        elif now >= self._plan.until:
            self._turn(now)
        self._plan = replace(self._plan, seconds=max(0.0, self._credit))
        return self._plan

    def opened(self, now: float) -> None:
        """The slice that `step` asked for began only now, as the kernel took its time."""
        self._plan = replace(self._plan, until=self._plan.until + now - self._opened)
        self._opened = now

    def shed(self) -> Shed:
        """Return what was not looked at so far."""
        ratio = self._kept / self._passed if self._passed else 1.0
        return Shed(self._operations, self._time, self._flows, ratio)

    def _account(self, now: float, spent: Spent) -> None:
        """Fill the bucket and empty it by what was spent; note what was seen meanwhile."""
        seconds = max(0.0, now - self._now)
        capture = max(0.0, spent.capture - self._spent.capture)
        most = MOST_FOR_REST * self._budget
        self._owed = min(self._owed + max(0.0, spent.rest - self._spent.rest), most * WINDOW_SECONDS)
        charged = min(self._owed, most * seconds)
        self._owed -= charged
        self._credit = min(self._size, self._credit + FILLED * self._budget * seconds - charged - capture)
        self._slice_cost += capture
        if seconds > 0.0:
            fading = math.exp(-seconds / RATIO_SECONDS)
            self._income += (1 - fading) * (FILLED * self._budget - charged / seconds - self._income)
            self._note(seconds, min(seconds, now - self._opened) if self._plan.open else 0.0, fading)
            if self._mode is Mode.WHOLE:
                self._cost += (1 - math.exp(-seconds / COST_SECONDS)) * (capture / seconds - self._cost)
        self._now, self._spent = now, spent

    def _note(self, seconds: float, seen: float, fading: float) -> None:
        plan = self._plan
        self._time += seconds - seen
        self._flows += seen * (1 - 1 / plan.flows)
        self._operations += seen * (1 - 1 / plan.every)
        self._kept = self._kept * fading + seen / plan.flows
        self._passed = self._passed * fading + seconds

    def _begin_slices(self, now: float) -> None:
        """Everything costs too much."""
        self._covered = self._cycle_ends = self._calm_since = now
        self._begin_cycle(now)

    def _turn(self, now: float) -> None:
        """Go on to the next part of the cycle; a cycle begins when the last one's slice was read and paid for."""
        if self._mode is Mode.PAUSE:
            self._open(now)
        elif self._mode is not Mode.REST:
            self._close(now)
        elif self._credit >= self._size * SLICE_COST:
            self._learn(now)
            self._begin_cycle(now)
        else:  # looking at the clock costs as well
            wanted = (self._size * SLICE_COST - self._credit) / max(self._income, 1e-9)
            self._plan = replace(self._plan, until=now + min(MOST_WAIT_SECONDS, max(LEAST_WAIT_SECONDS, wanted)))

    def _learn(self, now: float) -> None:
        """Estimate what everything would cost from the slice that is over and read."""
        cost = self._slice_cost * self._plan.flows / max(self._length, 1e-9)
        self._cost += SMOOTHED * (cost - self._cost)
        if self._cost > MOST_SHARE * self._income or self._credit < self._size * DETAIL_BELOW:
            self._calm_since = now

    def _begin_cycle(self, now: float) -> None:
        """Choose how long the cycle is, so that the budget bears its slice, and wait for the slice's random place."""
        flows = self._one_flow_in()
        self._length = self._slice_length(flows)
        thrift = min(1.5, 2 * self._credit / self._size)  # keeps the bucket half full
        share = min(MOST_SHARE, max(LEAST_SHARE / 2, thrift * self._income * flows / max(self._cost, 1e-9)))
        idle = self._length * (1 / share - 1)
        self._cycle_ends = now + idle + self._length
        self._mode = Mode.PAUSE
        self._plan = Plan(False, self._plan.weight, EVERY, flows, until=now + self._chance() * idle)

    def _open(self, now: float) -> None:
        returning = now - self._calm_since >= CALM_SECONDS
        if returning:
            self._length = LAST_SLICE_SECONDS
            self._cycle_ends = max(self._cycle_ends, now + LAST_SLICE_SECONDS)
        flows = self._plan.flows
        weight = max(1.0, (self._cycle_ends - self._covered) / self._length)
        self._mode = Mode.RETURN if returning else Mode.SLICE
        self._opened, self._slice_cost = now, 0.0
        self._plan = Plan(True, weight * flows, EVERY, flows, until=now + self._length)

    def _close(self, now: float) -> None:
        """End a slice."""
        if self._mode is Mode.RETURN and self._credit > self._size * SLICES_BELOW:
            self._mode = Mode.WHOLE
            self._plan = Plan()
            return
        self._length = now - self._opened
        self._covered += self._plan.weight / self._plan.flows * self._length
        self._mode = Mode.REST
        self._plan = replace(self._plan, open=False, until=max(now, self._cycle_ends))

    def _one_flow_in(self) -> int:
        """Return one flow in how many is to be looked at, a power of two."""
        short = LEAST_SHARE * self._cost / max(self._income, 1e-9)
        return 1 if short <= 1.0 else min(MOST_FLOWS, 1 << math.ceil(math.log2(short)))

    def _slice_length(self, flows: int) -> float:
        bearable = SLICE_COST * self._size * flows / max(self._cost, 1e-9)
        return min(MOST_SLICE_SECONDS, max(LEAST_SLICE_SECONDS, bearable))
