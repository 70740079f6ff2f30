"""Keeps the exporter's processor time within its budget, by looking at less, and says for how much what is seen stands.

In no half minute is more spent than the budget allows. Half of that may be spent at once, so that after calm a rush is
counted exactly. Then this is given up in turn: the detail of operations; then some of the packets that were captured,
which are not read (`picks.py`). Where a source cannot choose, time is given up instead, in which the capture is closed,
and then flows: time is cut into cycles, of which a random part is looked at. How large a part is decided before what it
holds is known, and what was seen stands for the inverse of that: so whatever the load does, and whatever it costs, the
sums are right in the mean.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from exporter.services.cycles import Cycle, Span, overlap, place
from exporter.services.ledger import Ledger
from exporter.services.picking import Picking
from exporter.services.plans import Aperture, Plan, Shed, Spent
from exporter.services.reserve import MOST, Reserve

WINDOW_SECONDS = 30.0
# What follows is in parts of all that may be spent in a window: where it says "left", of what the rest leaves of that.
LEFT_OVER = 0.04  # for what is known only once it was spent
# A slice that costs more than there is may be read to its end within this: what is left out of the most expensive ones
# would be stood for by cheaper ones.
DEBT = 0.03
# Of the budget, until it is known better, what is used beside reading packets; and for how many seconds that counts.
GUESSED_BESIDE, GUESSED_SECONDS = 0.3, 5.0
DETAIL_BELOW = 0.75  # left; the operation of one exchange in EVERY is told
PICKS_BELOW = 0.4  # left, unless what is looked at can be borne steadily
KEPT_OF_PICKS = 0.3  # for slices, should the load last
SLICES_BELOW = 0.6  # the same as for picks, where none can be had
KEPT = 0.58  # for slices
SLACK = 0.03  # left for slices that cost more than was foreseen
BACKLOG = 0.03  # the most of what is read in a cycle: what waits in a ring may take more than there is for many
SLICE_COST = 0.0073  # of what is read in a slice; the more slices, the more they tell of an uneven load
EVERY = 8
HASTE_SECONDS = 1.5  # within about so long what is left beyond KEPT is spent on slices
PICKS_HASTE_SECONDS = 2.5
PICKS_EVERY_SECONDS = 0.09  # half of that where a ring fills faster
# What picks cost beside reading them, which is the more, the more there is to pick from, may take so much of what the
# rest leaves; else there are fewer, rings overflow, and what is picked next stands for that.
PICKS_BESIDE = 0.5
MOST_PICKS_EVERY_SECONDS = 1.0
MOST_PROCESSORS = 0.6  # that one thread can hope for on a machine that has other work
LEAST_INCOME = 0.02  # of the budget, however little is left
LEAST_FOR_PICKS = 0.85  # of what is kept for slices, in a window: so that something is picked all the time
LEAST_LENGTH, MOST_LENGTH = 0.02, 0.1  # seconds of a cycle that are looked at
LEAST_SHARE = 0.02  # of the time; below it flows are sampled as well
MOST_SHARE = 0.9  # of the time in slices; what would bear more is soon looked at whole
MOST_CYCLE_SECONDS = 20.0
MOST_FLOWS = 64
# The load must have been bearable for so long before everything is looked at again.
CALM_SECONDS = 5.0
# The cost is averaged over so many cycles: cycles of nearly the same length are as good as can be on uneven loads.
MOST_CYCLES = 16
COST_SECONDS = 0.25  # over about so long the cost is averaged while everything is looked at
RATIO_SECONDS = 15.0  # what is told of the share kept is an average over about so long
LEAD = 0.004  # seconds before a window in which connections are picked up, but nothing counts
TAIL = 0.008  # seconds after a window in which answers are waited for
READYING = 0.04  # seconds before that in which the capture is made ready, which takes the kernel 10 to 25 ms
MOST_LATE = 0.05  # seconds that the loop may have been late recently before it is woken earlier
AHEAD = READYING + LEAD + MOST_LATE  # seconds before a cycle's end in which the next one is decided
FORGIVEN = 0.99  # of the greatest delay, with each step
GROWTH = 1.1  # of what a ring was found to hold, with each cycle in which it held


class Governor:
    """Decides what to look at.

    Args:
        budget: share of one processor, above 0.
        now: seconds, never falling.
        spent: what was used before.
        chance: returns a random number from 0 to below 1.
        chooses_flows: whether some flows can be captured without the others.
        chooses_blocks: whether some of what was captured can be read without the rest.

    Raises:
        ValueError: the budget is not positive.
    """

    def __init__(
        self,
        budget: float,
        now: float,
        spent: Spent,
        chance: Callable[[], float],
        chooses_flows: bool = True,
        chooses_blocks: bool = False,
    ) -> None:
        if budget <= 0.0:
            raise ValueError(f"a budget of {budget} processors")
        self._budget = budget
        self._chance = chance
        self._most_flows = MOST_FLOWS if chooses_flows else 1
        self._most = budget * WINDOW_SECONDS
        self._ledger, self._reserve = Ledger(WINDOW_SECONDS), Reserve(WINDOW_SECONDS, self._most)
        self._beside = GUESSED_BESIDE * budget  # processors used of late for all but reading packets
        self._began = now
        self._known = GUESSED_SECONDS  # for which that is known
        self._planned = 0.0  # seconds of processor time that the latest cycle will cost
        self._spent = self._learnt = spent
        self._now = self._opened = now
        self._whole = True
        self._chooses_blocks = chooses_blocks
        self._picks: Picking | None = None
        self._cost = self._open_seconds = 0.0  # of looking at everything, processors; since the last estimate of it
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
            if strained or (self._left() < self._too_little() and self._cost > self._steady(now)):
                self._begin_part(now)
        elif self._picks is not None:
            self._go_on_picking(now, self._picks)
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

    def picked(self, part: float, seconds: float, everything: float) -> None:
        """Such a part of the packets was read of late.

        Args:
            seconds: of processor time that were spent on picks since the last call.
            everything: seconds that reading all would have taken instead.
        """
        if self._picks is not None:
            self._picks.take(part, seconds, everything)

    def missed(self, seconds: float) -> None:
        """What spans stood for so long was not read after all; the next cycle stands for it."""
        self._unseen += seconds

    def shed(self) -> Shed:
        """Return what was not looked at so far."""
        ratio = self._kept / self._passed if self._passed else 1.0
        return Shed(self._operations, self._time, self._flow_seconds, ratio)

    def _account(self, now: float, spent: Spent) -> None:
        """Book what was spent; note what was seen meanwhile."""
        seconds = max(0.0, now - self._now)
        capture = max(0.0, spent.capture - self._spent.capture)
        charged = self._reserve.spend(now, max(0.0, spent.rest - self._spent.rest))
        self._ledger.spend(now, charged + capture)
        reading = min(capture, max(0.0, spent.reading - self._spent.reading))
        if seconds > 0.0:
            fading = math.exp(-seconds / RATIO_SECONDS)
            self._known = self._known * fading + seconds
            self._beside += seconds / self._known * ((charged + capture - reading) / seconds - self._beside)
            self._note(now, seconds, fading)
            if self._plan.aperture is Aperture.OPEN:
                self._open_seconds += seconds
            everything = reading
            if self._picks is not None:
                everything += self._picks.account(seconds, self._income(now), capture - reading)
            if self._whole or self._picks is not None:
                self._cost += (1 - math.exp(-seconds / COST_SECONDS)) * (everything / seconds - self._cost)
        self._now, self._spent = now, spent

    def _always(self) -> float:
        """Return how many processors all but reading packets will go on to use, as far as it is charged."""
        return min(self._beside, MOST * self._budget)

    def _spendable(self) -> float:
        """Return how many seconds of processor time may be spent now, beside what is always spent."""
        unknown = max(0.0, self._began + WINDOW_SECONDS - self._now)  # what left the window was spent on that too
        kept = max(self._reserve.kept, unknown * self._always())
        return (1 - LEFT_OVER) * self._most - self._ledger.spent - kept

    def _bears(self) -> float:
        """Return how many seconds of processor time reading packets may take in any window."""
        return (1 - LEFT_OVER) * self._most - max(self._reserve.kept, WINDOW_SECONDS * self._always())

    def _left(self) -> float:
        """Return what may be spent now, as a part of what reading may take in a window."""
        return self._spendable() / self._bears()

    def _readable(self) -> float:
        """Return how many seconds of processor time may be spent on what the rings hold."""
        room, most = self._spendable(), BACKLOG * self._most
        if self._whole:
            most = max(most, room - self._too_little() * self._bears())
        else:
            most = max(most, 2 * self._planned) + self._learnt.capture - self._spent.capture
        return max(0.0, min(most, room + DEBT * self._most))

    def _steady(self, now: float) -> float:
        """Return how many processors may be used from now on for as long as one likes."""
        most = (1 - LEFT_OVER - SLACK) * self._most - self._planned
        bears = self._ledger.bears(now, most - self._reserve.kept)
        return max(LEAST_INCOME * self._budget, bears - self._always())

    def _income(self, now: float) -> float:
        """Return how many processors may be used for picks or slices now."""
        kept, haste = (KEPT, HASTE_SECONDS) if self._picks is None else (KEPT_OF_PICKS, PICKS_HASTE_SECONDS)
        kept *= self._bears()
        hasty = self._spendable() - kept - self._planned
        least = LEAST_FOR_PICKS * kept / WINDOW_SECONDS if self._picks is not None and self._spendable() > 0.0 else 0.0
        return min(MOST_PROCESSORS, max(self._steady(now), least, hasty / haste))

    def _too_little(self) -> float:
        """Return of what is left, below which not everything is looked at any more."""
        return PICKS_BELOW if self._chooses_blocks else SLICES_BELOW

    def _note(self, now: float, seconds: float, fading: float) -> None:
        while self._seen and self._seen[0].end <= self._now:
            self._seen.popleft()
        seen = overlap(tuple(self._seen), self._now, now) if self._picks is None else seconds * self._picks.part
        self._time += seconds - seen
        self._flow_seconds += seen * (1 - 1 / self._plan.flows)
        self._operations += seen * (1 - 1 / self._plan.every)
        self._kept = self._kept * fading + seen / self._plan.flows
        self._passed = self._passed * fading + seconds

    def _decide(self, now: float) -> Plan:
        """Return the plan that follows from the spans."""
        if self._picks is not None:
            until = now + self._picks_every(self._picks)
            return Plan(Aperture.OPEN, False, EVERY, seconds=self._picks.allowance, until=until, picks=True)
        seconds = self._readable()
        if self._whole and self._seen and self._seen[-1].end == math.inf:
            every = EVERY if self._left() < DETAIL_BELOW else 1
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

    def _picks_every(self, picks: Picking) -> float:
        """Return how many seconds to wait for the next picks, unless a ring fills."""
        bears = PICKS_BESIDE * ((1 - LEFT_OVER) * self._most - self._reserve.dearest) / WINDOW_SECONDS
        return max(PICKS_EVERY_SECONDS, min(MOST_PICKS_EVERY_SECONDS, 2 * picks.beside / bears))

    def _closes(self) -> float:
        return max((span.end + TAIL for span in self._seen), default=-math.inf)

    def _opens(self, span: Span) -> float:
        """Return when to capture for a span; other flows are not chosen while those of the last one are looked at."""
        other = bool(self._seen) and self._seen[-1].flows != span.flows
        opens = span.start - LEAD - self._late
        return max(opens, self._closes()) if other else opens

    def _begin_part(self, now: float) -> None:
        """Everything costs too much: from now on only a part is looked at."""
        self._whole = False
        while self._coming:  # the whole had been about to begin
            span = self._coming.popleft()
            self._unseen += span.length * span.weight / span.flows if span.end < math.inf else 0.0
        if self._seen and self._seen[-1].end == math.inf:
            self._seen[-1] = replace(self._seen[-1], end=now)
        if self._chooses_blocks:
            self._picks = Picking(now, BACKLOG * self._most)
        else:
            self._begin_cycles(now)

    def _go_on_picking(self, now: float, picks: Picking) -> None:
        if self._cost > MOST_SHARE * self._steady(now):
            picks.calm_since = now
        if now - picks.calm_since >= CALM_SECONDS:
            self._picks, self._whole, self._unseen = None, True, 0.0
            self._seen.append(Span(now, math.inf))

    def _begin_cycles(self, now: float) -> None:
        """From now on the capture is closed but for slices."""
        self._cost = max(self._cost, self._steady(now))
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
        if self._cost > MOST_SHARE * self._steady(now):
            self._calm_since = now

    def _plan_cycle(self, start: float) -> None:
        """Choose how long the cycle is, so that the budget bears what is looked at, and where in it that lies."""
        self._number += 1
        self._flows = self._one_flow_in()
        cost = max(self._cost, 1e-9) / self._flows
        bearable = SLICE_COST * self._most / cost
        length = min(self._most_length, max(LEAST_LENGTH, bearable)) * (0.75 + 0.5 * self._chance())
        costs = cost * (length + LEAD + TAIL + self._late)
        seconds = max(length / MOST_SHARE, min(MOST_CYCLE_SECONDS, costs / self._income(start)))
        self._planned = costs
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
