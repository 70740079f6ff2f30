"""Which packets to read where there is not the time for all that were captured.

The kernel hands packets over in blocks, and tells how many each holds before any is read. Of some blocks one is picked,
each with a chance in proportion to its packets, and stands for all of them. So no kind of traffic is counted too often
or too seldom in the mean; and as what was picked stands for exactly as many packets as have passed, a rush is told well
by a few of its blocks, whenever it ends.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from exporter.model import Nanoseconds
from exporter.services.sampling import FOREVER, Window

# Before and behind what is picked so much is read too, though it counts nothing: connections are picked up again, and
# answers are waited for. No more than a part of what is picked, else the former cost more than the latter.
LEAST_MARGIN: Nanoseconds = 250_000
MOST_MARGIN: Nanoseconds = 4_000_000
MARGIN_PART = 8
GATHERED: Nanoseconds = 500_000_000  # how long blocks wait where one of them is too much now
LATE: Nanoseconds = 100_000_000  # what was captured so long ago waits no longer for what comes after it
HORIZON: Nanoseconds = 60_000_000_000
KEPT: Nanoseconds = 5_000_000_000  # within which all rings hand over what they captured
MOST_PASSED_OVER = 3  # times in a row, where more was spent than may be
LEAST_PART = 0.01
MOST_STOOD = 16.0  # times as many packets as there are may be stood for: of a rush that ended, a trickle tells little
MOST_PIECES = 16  # of a block, of which one is picked where a block is too much
MOST_LOSS = 16.0  # times as many packets as there are may one stand for where others were dropped beside them
LEAST_RATIO = 0.003  # of what is picked: connections that are picked up in their midst are told a little late
NEWEST = 0.3  # of what is averaged, is the latest
COST_PACKETS = 3000.0  # over about so many the cost of one is averaged


@dataclass(frozen=True, slots=True)
class Block:
    """Packets that were captured one after the other.

    Attributes:
        begins, ends: from when to when, in nanoseconds since the epoch.
        moment: returns when the packet of a number, from 0 on, was captured; None where that is not known.
    """

    begins: Nanoseconds
    ends: Nanoseconds
    packets: int
    moment: Callable[[int], Nanoseconds] | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """A time of which all packets are read; `until` is no part of it."""

    since: Nanoseconds = 0
    until: Nanoseconds = FOREVER


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a block that is picked, `number` of so many with as many packets, from 0 on."""

    number: int
    of: int

    def first(self, block: Block) -> int:
        """Return the number of its first packet."""
        return block.packets * self.number // self.of

    def ends(self, block: Block) -> int:
        """Return the number of the packet after its last."""
        return block.packets * (self.number + 1) // self.of

    def packets(self, block: Block) -> int:
        """Return how many packets it has."""
        return self.ends(block) - self.first(block)


class Picks:
    """Picks blocks, and tells what of each is to be read.

    Args:
        chance: returns a random number from 0 to below 1.

    Attributes:
        decided: up to when it is known what is read.
        part: of the packets that was read of late.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._cost = self._known = 0.0  # seconds of processor time for each packet; packets it was found from
        self._extents: list[Extent] = []
        self._number = 0
        # Packets that were dropped, for which nothing stands yet; that passed since it began; of these, for which
        # nothing stood.
        self._dropped = self._passed = self._owed = 0.0
        self._passed_over = 0  # times in a row
        self._unread = 0.0  # packets that are to be read
        self._picked = False
        self.decided: Nanoseconds = 0
        self.part = 1.0

    def learn(self, packets: int, seconds: float) -> None:
        """Note what reading cost."""
        self._known = self._known * math.exp(-packets / COST_PACKETS) + packets
        self._cost += (seconds / packets - self._cost) * packets / self._known
        self._unread = max(0.0, self._unread - packets)

    def caught_up(self) -> None:
        """Note that all was read that is to be read."""
        self._unread = 0.0

    def begin(self, at: Nanoseconds) -> None:
        """All before a moment is still read, but from then on only what is picked."""
        self.decided, self.part = at, 1.0
        self._extents = [Extent(0, at)]
        self._dropped = self._owed = self._passed = self._unread = 0.0
        self._passed_over = 0

    def end(self) -> Window:
        """Return the window of all that comes; everything is read from now on."""
        self._extend(Extent(self.decided, FOREVER))
        return Window(self.decided, FOREVER)

    def dropped(self, packets: int) -> None:
        """So many were lost, for which what is picked next stands as well."""
        self._dropped += packets

    def choose(self, blocks: Sequence[Block], seconds: float, now: Nanoseconds, crowded: bool) -> tuple[Window, ...]:
        """Return what is looked at of the blocks' time, nothing where they wait for others.

        Args:
            blocks: of the busiest ring, in order.
            seconds: of processor time that may be spent on them; below 0 where more was spent before.
            crowded: whether there is no room to wait for more.
        """
        blocks = [block for block in blocks if block.ends >= self.decided and block.packets > 0]
        total = sum(block.packets for block in blocks)
        if not total:
            return ()
        seconds -= self._cost * self._unread
        if self._cost * total <= seconds:
            self._passed += total + self._dropped
            self._unread += total
            return (self._whole(blocks[-1].ends + 1, min(MOST_LOSS, 1 + self._dropped / total)),)
        each = self._cost * sum(block.packets**2 for block in blocks) / total  # seconds for one pick, in the mean
        bearable = max(seconds, 0.0) / each
        if bearable < 1 and not crowded and now - blocks[0].begins < GATHERED:
            return ()
        if seconds < 0 and crowded and self._passed_over < MOST_PASSED_OVER:
            self._pass_over(blocks, total)
            return ()
        return self._pick(blocks, total, bearable)

    def parts(self, block: Block, now: Nanoseconds) -> tuple[Extent, ...] | None:
        """Return what of a block is to be read, None if that is not known yet."""
        open_end = self._extents[-1].until == FOREVER if self._extents else True
        if not open_end and block.ends + MOST_MARGIN > self.decided and block.ends > now - LATE:
            return None
        if not open_end and block.ends > self.decided:
            return None
        return tuple(one for one in self._extents if one.since <= block.ends and one.until > block.begins)

    def error_ratio(self, now: Nanoseconds) -> float:
        """Return the part of the packets of the last minute for which nothing stood; 0 without picks."""
        fading = math.exp(min(0, self.decided - now) / HORIZON)
        is_certain = not (self._picked and self._passed)
        return 0.0 if is_certain else math.hypot(self._owed / self._passed, LEAST_RATIO) * fading

    def costs(self, packets: int) -> float:
        """Return how many seconds of processor time reading so many packets takes."""
        return self._cost * packets

    def _whole(self, end: Nanoseconds, weight: float) -> Window:
        window = Window(self.decided, end, weight, cycle_end=end)
        self._extend(Extent(self.decided, end))
        self.decided, self._dropped = end, 0.0
        self.part += NEWEST * (1.0 - self.part)
        return window

    def _pass_over(self, blocks: Sequence[Block], total: int) -> None:
        """Read nothing of the blocks; what is picked next stands for them as well."""
        self._passed_over += 1
        self._passed += total + self._dropped
        self._owed += total + self._dropped
        self._dropped = 0.0
        self.decided = max(self.decided, blocks[-1].ends + 1)
        self.part = max(LEAST_PART, self.part - NEWEST * self.part)

    def _pick(self, blocks: Sequence[Block], total: int, bearable: float) -> tuple[Window, ...]:
        """Return the windows of the blocks that are picked: as many as can be borne, one of each equal share."""
        pieces = math.ceil(1 / max(bearable, 1 / MOST_PIECES))
        hits = self._hits(blocks, total, picks := int(max(bearable, 1.0)))
        passed = total + self._dropped
        stands = min(MOST_STOOD * passed, passed + self._owed)
        self._passed += passed
        self._owed += passed - stands
        self._dropped, self._passed_over = 0.0, 0
        lasts = round((blocks[-1].ends - self.decided) / picks)
        windows = []
        for block, hit in zip(blocks, hits, strict=True):
            if hit:
                windows.append(self._window(block, self._piece(block, pieces), stands * hit / picks, lasts))
            self.decided = max(self.decided, block.ends + 1)
        read = sum(block.packets for block, hit in zip(blocks, hits, strict=True) if hit) / pieces
        self.part = max(LEAST_PART, self.part + NEWEST * (read / total - self.part))
        return tuple(windows)

    def _hits(self, blocks: Sequence[Block], total: int, picks: int) -> list[int]:
        """Return how often each block is picked."""
        ends = list(accumulate(block.packets for block in blocks))
        hits = [0] * len(blocks)
        for number in range(picks):
            point = (number + self._chance()) * total / picks
            hits[min(bisect_left(ends, point), len(blocks) - 1)] += 1
        return hits

    def _piece(self, block: Block, pieces: int) -> Piece:
        """Return one of so many pieces of a block, each as likely as it has packets."""
        pieces = min(pieces, block.packets) if block.moment is not None else 1
        point = int(self._chance() * block.packets)
        return next(piece for piece in (Piece(number, pieces) for number in range(pieces)) if piece.ends(block) > point)

    def _window(self, block: Block, piece: Piece, stands: float, lasts: Nanoseconds) -> Window:
        """Return the window of a piece of a block that stands for so many packets and so long, and have it read."""
        start, end = self._begins(block, piece), self._begins(block, Piece(piece.number + 1, piece.of))
        looked = end - start
        margin = min(MOST_MARGIN, max(LEAST_MARGIN, looked // MARGIN_PART))
        self._extend(Extent(start - margin, end + margin))
        self._number += 1
        self._picked = True
        self._unread += piece.packets(block)
        weight = stands / max(piece.packets(block), 1)
        return Window(start, end, weight, -self._number, end + margin, lasts, looked, margin, passed=stands)

    def _begins(self, block: Block, piece: Piece) -> Nanoseconds:
        """Return when a piece begins, or the last one ends."""
        if piece.number == piece.of:
            return max(block.ends, self.decided) + 1
        if piece.number == 0 or block.moment is None:
            return self.decided
        return max(block.moment(piece.first(block)), self.decided)

    def _extend(self, extent: Extent) -> None:
        """Read one more extent; those are forgotten of which every ring has handed over all."""
        last = self._extents[-1] if self._extents else None
        if last is not None and last.until >= extent.since:
            self._extents[-1] = Extent(last.since, max(last.until, extent.until))
        else:
            self._extents.append(extent)
        while len(self._extents) > 1 and self._extents[0].until < self.decided - KEPT:
            del self._extents[0]
