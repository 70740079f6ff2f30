"""A load of exchanges, and an edge that captures what the governor says: late, in parts, and as far as it may read."""

import math
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import NamedTuple

from exporter.model import Exchange, Kind, Message, Nanoseconds
from exporter.protocols.base import Family
from exporter.services.counters import Side
from exporter.services.governor import TAIL, Governor
from exporter.services.operations import Operations
from exporter.services.picks import Block, Picks
from exporter.services.plans import Aperture, Plan, Spent
from exporter.services.precision import Precision
from exporter.services.sampling import FOREVER, Sampling, Window

EPOCH: Nanoseconds = 1_700_000_000_000_000_000
BLOCK_PACKETS, RETIRE_SECONDS = 100, 0.06  # as the ring's blocks are, in proportion to what a packet costs here
ROOM_BLOCKS = 32
DRAIN_SECONDS = 0.1
BIND_SECONDS = 0.012


@dataclass(frozen=True, slots=True)
class Asked:
    """An exchange of a connection, in seconds; one that failed if `failed`."""

    asked: float
    answered: float
    connection: int = 0
    failed: bool = False


class Packet(NamedTuple):
    """The one packet of a half of an exchange; `stamp` is its moment as packets are stamped."""

    at: float
    number: int
    request: bool
    stamp: Nanoseconds


@dataclass
class World:
    """Runs the governor on a load.

    Attributes:
        load: all exchanges.
        cost: seconds of processor time for each packet that is read.
        look: the same for each look at the rings, whatever is read of them.
        late: seconds by which the loop wakes too late, at a moment, by chance.
        rest: processors used by the rest of the process.
        picks: whether some of what was captured can be read without the rest.
        counted: what was counted.
        spent_at: (moment, processor time spent so far).
    """

    load: list[Asked]
    cost: float = 50e-6
    look: float = 100e-6
    budget: float = 0.05
    late: Callable[[float, random.Random], float] = lambda _now, _dice: 0.0
    rest: float = 0.0
    picks: bool = True
    counted: Side = field(default_factory=lambda: Side(Operations(Family.PLAIN, 20)))
    spent_at: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    plans: list[tuple[float, Plan]] = field(default_factory=list)
    error_ratio: float = 0.0
    backlog: int = 0

    def run(self, seconds: float, seed: int = 1) -> Governor:
        """Let time pass, then have everything read that was captured."""
        self._begin(seed)
        governor = Governor(self.budget, 0.0, Spent(), self.dice.random, chooses_blocks=self.picks)
        now = 0.0
        while now < seconds:
            plan = governor.step(now, Spent(self.spent, self.rest * now, self.reading), self.backlog > 10_000)
            self.plans.append((now, plan))
            opened = self._follow(plan, governor, now)
            self.sampling.keep(1.0, 1)
            if plan.picks:
                self._pick(plan, governor, now)
            else:
                self._read(plan.seconds)
            self.spent += self.look
            self.spent_at.append((now, self.spent))
            drained = plan.until if plan.picks else min(plan.until, now + DRAIN_SECONDS)
            following = max(now + 0.002, opened, drained + self.late(now, self.dice))
            if plan.aperture is Aperture.OPEN:
                self._capture(self.opened if opened > now else now, following, plan.flows)
            now = following
        self._read(float("inf"))
        for request in list(self.waiting.values()):
            self._count(Exchange(request, None))
        return governor

    def most_spent(self, window_seconds: float) -> float:
        """Return the processor time of the most expensive window."""
        moments = [moment for moment, _ in self.spent_at]
        spent = [spent for _, spent in self.spent_at]
        ends = (bisect_left(moments, moment + window_seconds) - 1 for moment in moments)
        return max(spent[end] - before for end, before in zip(ends, spent, strict=True))

    def _begin(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.sampling, self.precision = Sampling(self.dice.getrandbits(31)), Precision()
        halves = [(one.asked, True) for one in self.load], [(one.answered, False) for one in self.load]
        self.packets = sorted(
            Packet(at, number, asks, wall(at)) for half in halves for number, (at, asks) in enumerate(half)
        )
        self.moments = [packet.at for packet in self.packets]
        self.queue: deque[Packet] = deque()
        self.waiting: dict[int, Message] = {}
        self.spent = 0.0
        self.aperture, self.whole, self.opened, self.salt = Aperture.OPEN, True, 0.0, 0
        self.chooser, self.picking, self.picked_at, self.reading = Picks(self.dice.random), False, 0.0, 0.0

    def _follow(self, plan: Plan, governor: Governor, now: float) -> float:
        """Do as the governor says; return when it is done."""
        if plan.picks != self.picking:
            self._change(plan, now)
        elif self.whole and not plan.whole:
            self.sampling.end(wall(now))
        if plan.picks:
            self.aperture, self.whole, self.error_ratio = plan.aperture, plan.whole, self._stated(now)
            return now
        if plan.aperture is Aperture.OPEN:
            if self.aperture is not Aperture.OPEN:
                self._read(plan.seconds)
                if self.queue:  # there was no time for all of it
                    governor.missed(self.sampling.cut(self.queue[0].stamp) / 1e9 / plan.flows)
                    self.queue.clear()
                self.opened = now + (BIND_SECONDS if self.aperture is Aperture.SHUT else 0.0)
                self.salt = self.dice.getrandbits(32)
            for span in governor.opened(max(now, self.opened), self.opened):
                end = wall(span.end) if span.end < float("inf") else FOREVER
                cycle = span.cycle
                lasts, looked, tail = (round(seconds * 1e9) for seconds in (cycle.seconds, cycle.looked, TAIL))
                cycle_end = wall(cycle.end) if cycle.number else FOREVER
                window = Window(wall(span.start), end, span.weight, cycle.number, cycle_end, lasts, looked, tail)
                self.sampling.look(window)
                self.precision.look(window)
        self.aperture, self.whole = plan.aperture, plan.whole
        self.error_ratio = self._stated(now)
        return max(now, self.opened)

    def _stated(self, now: float) -> float:
        return math.hypot(self.precision.error_ratio(0.0, wall(now)), self.chooser.error_ratio(wall(now)))

    def _change(self, plan: Plan, now: float) -> None:
        self.picking = plan.picks
        if plan.picks:
            self.chooser.begin(self.queue[0].stamp if self.queue else wall(now))
            self.sampling.end(self.chooser.decided)
        else:
            self._pick_all(now)
            window = self.chooser.end()
            self.sampling.look(window)
            self.precision.look(window)

    def _blocks(self, now: float) -> list[Block]:
        """Return the blocks that the kernel has handed over."""
        blocks: list[Block] = []
        waiting = [packet.stamp for packet in self.queue if packet.stamp >= self.chooser.decided]
        first, retires = 0, round(RETIRE_SECONDS * 1e9)
        while first < len(waiting):
            end = min(first + BLOCK_PACKETS, bisect_left(waiting, waiting[first] + retires))
            if end - first < BLOCK_PACKETS and waiting[first] + retires > wall(now):
                break
            times = waiting[first:end]
            blocks.append(Block(times[0], times[-1], len(times), times.__getitem__))
            first = end
        return blocks

    def _pick(self, plan: Plan, governor: Governor, now: float) -> None:
        blocks, passed = self._blocks(now), bisect_left(self.moments, now) - bisect_left(self.moments, self.picked_at)
        crowded = len(blocks) > ROOM_BLOCKS / 2
        for window in self.chooser.choose(blocks, plan.seconds, wall(now), crowded):
            self.sampling.look(window)
            self.precision.look(window)
        spent = self._pick_all(now)
        self.chooser.caught_up()
        self.picked_at = now
        governor.picked(self.chooser.part, spent, self.chooser.costs(passed))

    def _pick_all(self, now: float) -> float:
        """Read what is picked of all that is decided; return the processor time that it took."""
        spent = self.reading
        while self.queue:
            at = self.queue[0].stamp
            parts = self.chooser.parts(Block(at, at, 1), wall(now))
            if parts is None:
                break
            if parts:
                self._read_packets(_before(self.queue, parts[0].until))
            else:
                self.queue.popleft()
        return self.reading - spent

    def _capture(self, start: float, end: float, flows: int) -> None:
        first, last = bisect_left(self.moments, start), bisect_left(self.moments, end)
        for packet in self.packets[first:last]:
            if (
                flows == 1
                or random.Random(self.load[packet.number].connection * 65_537 ^ self.salt).random() < 1 / flows
            ):
                self.queue.append(packet)

    def _read(self, seconds: float) -> None:
        waiting = len(self.queue)
        self._read_packets(waiting if seconds == float("inf") else min(waiting, int(seconds / self.cost)))
        self.backlog = len(self.queue)

    def _read_packets(self, count: int) -> None:
        for packet in islice(self.queue, count):
            one = self.load[packet.number]
            if packet.request:
                self.waiting[packet.number] = Message(Kind.REQUEST, packet.stamp, packet.stamp, 100)
                continue
            answer = Message(Kind.RESPONSE, packet.stamp, packet.stamp, 1000, failed=one.failed)
            self._count(Exchange(self.waiting.pop(packet.number, None), answer))
        for _ in range(count):
            self.queue.popleft()
        self.spent += count * self.cost
        self.reading += count * self.cost
        if count:
            self.chooser.learn(count, count * self.cost)

    def _count(self, exchange: Exchange) -> None:
        self.counted.add(exchange, self.sampling.share(exchange, True))


def _before(packets: Iterable[Packet], stamp: Nanoseconds) -> int:
    """Return how many packets, from the first on, were captured before a moment."""
    return sum(1 for _ in takewhile(lambda packet: packet.stamp < stamp, packets))


def wall(moment: float) -> Nanoseconds:
    """Return a moment as packets are stamped."""
    return EPOCH + round(moment * 1e9)
