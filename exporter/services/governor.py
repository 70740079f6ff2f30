"""Keeps the exporter's processor time within its budget, by looking at less, and says for how much what is seen stands.

A bucket of processor time fills with the budget and is emptied by what is spent. While it empties, this is given up in
turn: the detail of operations; then time, in which the capture is closed; then flows. Time is cut into cycles of which
a random part is looked at. How large a part is decided before the cycle begins, and what was seen stands for the
inverse of that: so whatever the load does, and whatever it costs, the sums are right in the mean.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from exporter.services.cycles import Cycle, Span, overlap, place

# The bucket's rate and size together let at most the budget be spent in any 30 seconds, with a little to spare. The
# greater the bucket, the more of a short rush is counted exactly; the greater the rate, the more of a lasting load is
# seen.
WINDOW_SECONDS = 30.0
FILLED = 0.7
BURST_SECONDS = WINDOW_SECONDS * (1 - FILLED) * 0.9  # of the budget
# What the rest of the exporter spends is taken from the capture's share, but never all of it.
MOST_FOR_REST = 0.6
DETAIL_BELOW = 0.75  # of the bucket; the operation of one exchange in EVERY is told
SLICES_BELOW = 0.3
EVERY = 8
# Seconds of a cycle that are looked at: many short ones tell more of an uneven load than a few long ones.
LEAST_LENGTH, MOST_LENGTH = 0.02, 0.1
SLICE_COST = 0.027  # of the bucket
RESERVE = 0.13  # of the bucket; below it, or twice what a slice costs, a cycle lasts until there is as much again
# A slice that costs more than there is may be read to its end within this: what is left out of the most expensive ones
# would be stood for by cheaper ones. Also of the bucket.
DEBT = 0.08
LEAST_SHARE = 0.02  # of the time; below it flows are sampled as well
MOST_SHARE = 0.9  # of the time in slices; what would bear more is soon looked at whole
MOST_CYCLE_SECONDS = 20.0
MOST_FLOWS = 64
# The load must have been bearable for so long before everything is looked at again.
CALM_SECONDS = 5.0
# The cost is averaged over so many cycles: cycles of nearly the same length are as good as can be on uneven loads.
MOST_CYCLES = 16
COST_SECONDS = 1.0  # over about so long the cost is averaged while everything is looked at
RATIO_SECONDS = 15.0  # what is told of the share kept is an average over about so long
LEAD = 0.004  # seconds before a window in which connections are picked up, but nothing counts
TAIL = 0.008  # seconds after a window in which answers are waited for
READYING = 0.04  # seconds before that in which the capture is made ready, which takes the kernel 10 to 25 ms
MOST_LATE = 0.05  # seconds that the loop may have been late recently before it is woken earlier
AHEAD = READYING + LEAD + MOST_LATE  # seconds before a cycle's end in which the next one is decided
FORGIVEN = 0.99  # of the greatest delay, with each step
GROWTH = 1.1  # of what a ring was found to hold, with each cycle in which it held


class Aperture(Enum):
    """What is captured."""

    SHUT = "shut"
    READY = "ready"  # nothing, but everything soon
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do until the next step.

    Attributes:
        whole: whether everything is looked at.
        every: the operation of one exchange in so many is told.
        flows: one flow in so many is captured.
        seconds: of processor time that may be spent on reading.
        until: when the next step is due at the latest.
        opens: when the capture is open next, where it is not.
    """

    aperture: Aperture = Aperture.OPEN
    whole: bool = True
    every: int = 1
    flows: int = 1
    seconds: float = math.inf
    until: float = math.inf
    opens: float = math.inf


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used since the start, in seconds of processor time: by the capture, and by the rest of the process."""

    capture: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Shed:
    """What was not looked at since the start, in seconds of traffic, by the reason; and the share kept recently."""

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
        chooses_flows: whether some flows can be captured without the others.

    Raises:
        ValueError: the budget is not positive.
    """

    def __init__(
        self, budget: float, now: float, spent: Spent, chance: Callable[[], float], chooses_flows: bool = True
    ) -> None:
        if budget <= 0.0:
            raise ValueError(f"a budget of {budget} processors")
        self._budget = budget
        self._chance = chance
        self._most_flows = MOST_FLOWS if chooses_flows else 1
        self._size = budget * BURST_SECONDS
        self._credit = self._size
        self._income = budget * FILLED
        self._spent = self._learnt = spent
        self._owed = 0.0  # by the rest of the process
        self._now = self._opened = now
        self._whole = True
        self._open_seconds = 0.0
        self._cost = 0.0  # of looking at everything, processors
        self._calm_since = math.inf
        self._late = 0.0  # the most seconds that a step was late recently
        self._number = 0
        self._cycles = 0  # since the slices began
        self._flows = 1
        self._share = 1.0  # of the cycle that is looked at
        self._coming: deque[Span] = deque()
        self._seen: deque[Span] = deque([Span(now, math.inf)])
        self._cycle_ends = now
        self._unseen = 0.0  # seconds that no window was there for, for which the next one stands
        self._most_length = MOST_LENGTH
        self._plan = Plan()
        self._operations = self._time = self._flow_seconds = 0.0
        self._kept = self._passed = 0.0

    def step(self, now: float, spent: Spent, strained: bool = False) -> Plan:
        """Return what to do from `now` on.

        Args:
            strained: whether a ring was about to overflow, or did, since the last step.
        """
        self._account(now, spent)
        late = now - self._plan.until if self._plan.until < math.inf else 0.0
        self._late = min(MOST_LATE, max(late, self._late * FORGIVEN))
        if strained:
            self._most_length = max(LEAST_LENGTH, self._most_length / 2)
        if self._whole:
            if strained or self._credit < self._size * SLICES_BELOW:
                self._begin_cycles(now)
        elif now >= self._cycle_ends - AHEAD:
            self._go_on(now)
        self._plan = self._decide(now)
        return self._plan

    def opened(self, now: float, since: float) -> tuple[Span, ...]:
        """Return the spans that begin by now or in a moment, as they are looked at in fact.

        Args:
            since: when the capture was opened, which may be too late: what it lacks the rest of the span stands for, or
                if it lacks most of it, the next cycle's.
        """
        begun: list[Span] = []
        while self._coming and self._opens(self._coming[0]) <= now:
            span = self._coming.popleft()
            late = max(0.0, since - span.start)
            if late > span.length / 2:
                self._unseen += span.length * span.weight / span.flows
            else:
                begun.append(_shortened(span, late))
        self._seen.extend(begun)
        return tuple(begun)

    def missed(self, seconds: float) -> None:
        """What spans stood for so long was not read after all; the next cycle stands for it."""
        self._unseen += seconds

    def shed(self) -> Shed:
        """Return what was not looked at so far."""
        ratio = self._kept / self._passed if self._passed else 1.0
        return Shed(self._operations, self._time, self._flow_seconds, ratio)

    def _account(self, now: float, spent: Spent) -> None:
        """Fill the bucket and empty it by what was spent; note what was seen meanwhile."""
        seconds = max(0.0, now - self._now)
        capture = max(0.0, spent.capture - self._spent.capture)
        most = MOST_FOR_REST * self._budget
        self._owed = min(self._owed + max(0.0, spent.rest - self._spent.rest), most * WINDOW_SECONDS)
        charged = min(self._owed, most * seconds)
        self._owed -= charged
        self._credit = min(self._size, self._credit + FILLED * self._budget * seconds - charged - capture)
        if seconds > 0.0:
            fading = math.exp(-seconds / RATIO_SECONDS)
            self._income += (1 - fading) * (FILLED * self._budget - charged / seconds - self._income)
            self._note(now, seconds, fading)
            if self._plan.aperture is Aperture.OPEN:
                self._open_seconds += seconds
            if self._whole:
                self._cost += (1 - math.exp(-seconds / COST_SECONDS)) * (capture / seconds - self._cost)
        self._now, self._spent = now, spent

    def _note(self, now: float, seconds: float, fading: float) -> None:
        while self._seen and self._seen[0].end <= self._now:
            self._seen.popleft()
        seen = overlap(tuple(self._seen), self._now, now)
        self._time += seconds - seen
        self._flow_seconds += seen * (1 - 1 / self._plan.flows)
        self._operations += seen * (1 - 1 / self._plan.every)
        self._kept = self._kept * fading + seen / self._plan.flows
        self._passed = self._passed * fading + seconds

    def _decide(self, now: float) -> Plan:
        """Return the plan that follows from the spans."""
        seconds = max(0.0, self._credit + DEBT * self._size)
        if self._whole and self._seen and self._seen[-1].end == math.inf:
            every = EVERY if self._credit < self._size * DETAIL_BELOW else 1
            return Plan(every=every, seconds=seconds)
        closes = self._closes()
        opens = self._opens(self._coming[0]) if self._coming else math.inf
        changes = (time for time in (closes, opens - READYING, opens, self._cycle_ends - AHEAD) if time > now)
        aperture, latest = Aperture.SHUT, self._seen[-1] if self._seen else None
        if now >= opens or now < closes:
            aperture, latest = Aperture.OPEN, self._coming[0] if now >= opens else latest
        elif now >= opens - READYING:
            aperture = Aperture.READY
        flows = latest.flows if latest is not None else 1
        return Plan(aperture, False, EVERY, flows, seconds, min(changes, default=now), opens)

    def _closes(self) -> float:
        return max((span.end + TAIL for span in self._seen), default=-math.inf)

    def _opens(self, span: Span) -> float:
        """Return when to capture for a span; other flows are not chosen while those of the last one are looked at."""
        other = bool(self._seen) and self._seen[-1].flows != span.flows
        opens = span.start - LEAD - self._late
        return max(opens, self._closes()) if other else opens

    def _begin_cycles(self, now: float) -> None:
        """Everything costs too much: from now on only a part is looked at."""
        self._whole = False
        while self._coming:  # the whole had been about to begin
            span = self._coming.popleft()
            self._unseen += span.length * span.weight / span.flows if span.end < math.inf else 0.0
        if self._seen and self._seen[-1].end == math.inf:
            self._seen[-1] = replace(self._seen[-1], end=now)
        self._cost = max(self._cost, self._income)
        self._learnt, self._open_seconds = self._spent, 0.0
        self._calm_since = self._cycle_ends = now
        self._cycles = 1
        self._plan_cycle(now)

    def _go_on(self, now: float) -> None:
        """Plan what follows the cycle that is about to end."""
        self._learn(now)
        start = max(self._cycle_ends, now)
        self._unseen += start - self._cycle_ends
        if now - self._calm_since < CALM_SECONDS:
            self._plan_cycle(start)
            return
        self._flows = 1
        self._share = 1.0
        self._whole = True
        self._unseen = 0.0
        self._most_length = MOST_LENGTH
        self._coming.append(Span(start, math.inf))

    def _learn(self, now: float) -> None:
        """Estimate what looking at everything would cost from what was spent since the last time."""
        if self._open_seconds > 0.0:
            cost = (self._spent.capture - self._learnt.capture) * self._flows / self._open_seconds
            self._cycles = min(self._cycles + 1, MOST_CYCLES)
            self._cost += (cost - self._cost) / self._cycles
        self._learnt, self._open_seconds = self._spent, 0.0
        self._most_length = min(MOST_LENGTH, self._most_length * GROWTH)
        if self._cost > MOST_SHARE * self._income or self._credit < self._size * DETAIL_BELOW:
            self._calm_since = now

    def _plan_cycle(self, start: float) -> None:
        """Choose how long the cycle is, so that the budget bears what is looked at, and where in it that lies."""
        self._number += 1
        self._flows = self._one_flow_in()
        bearable = SLICE_COST * self._size * self._flows / max(self._cost, 1e-9)
        length = min(self._most_length, max(LEAST_LENGTH, bearable)) * (0.75 + 0.5 * self._chance())
        thrift = min(1.5, max(0.0, self._credit) / (SLICES_BELOW * self._size))  # keeps the bucket at the slices' level
        bears = thrift * self._income * self._flows / max(self._cost, 1e-9)
        share = min(MOST_SHARE, max(LEAST_SHARE / 2, bears))
        needed = max(self._size * RESERVE, 2 * self._cost * (length + LEAD + TAIL) / self._flows)
        recovered = (min(needed, self._size) - self._credit) / max(self._income, 1e-9)
        seconds = max(length / share, min(MOST_CYCLE_SECONDS, recovered))
        weight = (seconds + self._unseen) / length * self._flows
        self._unseen = 0.0
        self._share = length / seconds
        self._cycle_ends = start + seconds
        cycle = Cycle(self._number, start, seconds, length)
        self._coming.extend(place(cycle, weight, self._flows, self._chance()))

    def _one_flow_in(self) -> int:
        """Return one flow in how many is to be looked at: half as many once too little of the time was bearable."""
        if self._share < LEAST_SHARE:
            return min(self._most_flows, self._flows * 2)
        return max(1, self._flows // 2) if self._share > 4 * LEAST_SHARE else self._flows


def _shortened(span: Span, late: float) -> Span:
    """Return a span that began too late, and stands for its beginning too."""
    if late == 0.0 or span.end == math.inf:
        return replace(span, start=span.start + late)
    return replace(span, start=span.start + late, weight=span.weight * span.length / (span.length - late))
