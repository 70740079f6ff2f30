"""How far off the scaled counts may be, as told by how much the windows differ from one another."""

import math
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from exporter.model import Nanoseconds
from exporter.services.sampling import FOREVER, NANOSECONDS, Window

HORIZON_SECONDS = 60.0
# What is read of a window comes a moment after it, and long after it where the credit is used up.
SETTLED_CYCLES = 8
SETTLED: Nanoseconds = 200_000_000
SEEN_PART = 2 / 3  # of a degree of freedom is told by each of many neighbours
# The relative error of one cycle or pick, and of what was dropped, as it is usual; and how many cycles that counts for.
USUAL_RATIO, GUESSED = 0.15, 1.0


@dataclass(slots=True)
class Looked:
    """The windows of one cycle, which stand for all of it."""

    windows: list[Window] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long the cycle is."""
        return self.windows[0].cycle_lasts / NANOSECONDS

    @property
    def extent(self) -> float:
        """How many packets it stands for, or seconds."""
        return self.windows[0].passed or self.seconds

    @property
    def requests(self) -> float:
        """How many were counted so far, by weight."""
        return sum(window.requests for window in self.windows)

    @property
    def rate(self) -> float:
        """Requests for each packet, or in a second."""
        return self.requests / max(self.extent, 1e-9)

    @property
    def samples(self) -> bool:
        """Whether anything was left out."""
        return self.windows[0].cycle != 0

    def is_like(self, other: "Looked | None") -> bool:
        """Return whether the other is sampled, and stands for the same kind of thing."""
        return other is not None and other.samples and bool(self.windows[0].passed) == bool(other.windows[0].passed)


@dataclass(frozen=True, slots=True)
class Sums:
    """What cycles add up to, all fading with time.

    Attributes:
        requests: that were counted.
        variance: of their number, by how much neighbouring cycles differ.
        fourths: sum of the squares of what each cycle adds to the variance.
        squares: sum of the squares of the requests of each sampled cycle, as far as others were left out.
        missing: variance of their number due to packets that were dropped.
    """

    requests: float = 0.0
    variance: float = 0.0
    fourths: float = 0.0
    squares: float = 0.0
    missing: float = 0.0

    def faded(self, seconds: float) -> "Sums":
        """Return the same after some time."""
        kept = math.exp(-seconds / HORIZON_SECONDS)
        return Sums(
            self.requests * kept,
            self.variance * kept**2,
            self.fourths * kept**4,
            self.squares * kept**2,
            self.missing * kept**2,
        )

    def error_ratio(self) -> float:
        """Return the relative error that half of what Student's distribution has 95 % within of it comes to.

        A few cycles tell little of how much all differ: then so does what is usual, as if it had been seen GUESSED
        times, and the fewer there are the more is stated.
        """
        if self.requests <= 0.0:
            return 0.0
        seen = SEEN_PART * self.variance**2 / self.fourths if self.fourths else 0.0
        guess = USUAL_RATIO**2 * self.squares
        variance = (seen * self.variance + GUESSED * guess) / (seen + GUESSED)
        stated = variance * student(seen + GUESSED) ** 2
        return math.sqrt(stated + self.missing) / self.requests


class Precision:
    """The standard error of the number of all requests of about the last minute that was sampled.

    Of a cycle only what is looked at is known, so what neighbouring cycles differ by stands for what the parts of one
    differ by. A trend of the load makes that too much rather than too little.
    """

    def __init__(self) -> None:
        self._recent: deque[Looked] = deque()  # the latest one is being looked at
        self._before: Looked | None = None
        self._sums = Sums()

    def look(self, window: Window) -> None:
        """A window begins; those that are long over are added up."""
        if not self._recent or self._recent[-1].windows[0].cycle != window.cycle:
            self._recent.append(Looked())
        self._recent[-1].windows.append(window)
        if len(self._recent) > SETTLED_CYCLES:
            settled = self._recent.popleft()
            self._sums = _added(self._sums, self._before, settled, self._recent[0])
            self._before = settled

    def error_ratio(self, whole_seconds: float, now: Nanoseconds = FOREVER) -> float:
        """Return the standard error of the requests that were counted, divided by them; 0 if nothing was left out.

        Args:
            whole_seconds: for how long nothing has been left out.
            now: as packets are stamped.
        """
        sums, before = self._sums, self._before
        read = [one for one in self._recent if one.windows[-1].cycle_end + SETTLED < now]
        for one, after in zip_longest(read, read[1:]):
            sums = _added(sums, before, one, after)
            before = one
        return sums.error_ratio() * math.exp(-whole_seconds / HORIZON_SECONDS)


def student(freedom: float) -> float:
    """Return within how many times the error 95 % lie, by that of the normal distribution, for degrees from 2 on.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5, for a probability of 0.975.
    """
    return 1 + (1.2102 + (1.4402 + 1.3038 / freedom) / freedom) / freedom


def _added(sums: Sums, before: Looked | None, one: Looked, after: Looked | None) -> Sums:
    """Return the sums with one cycle more; nothing is known of one without any that is sampled beside it."""
    weight = one.windows[0].weight
    left_out = max(0.0, 1 - 1 / weight)
    if not one.samples:
        sums = sums.faded((one.windows[0].end - one.windows[0].start) / NANOSECONDS)
        missing = (USUAL_RATIO * left_out * one.requests) ** 2
        return replace(sums, requests=sums.requests + one.requests, missing=sums.missing + missing)
    sums = sums.faded(one.seconds)
    beside = [other for other in (before, after) if other is not None and one.is_like(other)]
    squares = sum(((one.rate - other.rate) * one.extent) ** 2 for other in beside)
    differ = left_out * squares / max(1, len(beside)) / 2
    return Sums(
        sums.requests + one.requests,
        sums.variance + differ,
        sums.fourths + differ**2,
        sums.squares + left_out * one.requests**2,
        sums.missing,
    )
