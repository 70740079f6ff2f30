"""How far off the scaled counts may be, as told by how much the windows differ from one another."""

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import zip_longest

from exporter.services.sampling import NANOSECONDS, Window

HORIZON_SECONDS = 60.0
# What is read of a window comes a moment after it, and long after it where the credit is used up.
SETTLED_CYCLES = 8


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
    """Requests of sampled cycles and the variance of their number, both fading."""

    requests: float = 0.0
    variance: float = 0.0


class Precision:
    """The standard error of the number of all requests of about the last minute.

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

    def error_ratio(self, whole_seconds: float) -> float:
        """Return the standard error of the requests that were counted, divided by them; 0 if nothing was left out.

        Args:
            whole_seconds: for how long nothing has been left out.
        """
        sums, before = self._sums, self._before
        read = list(self._recent)[:-1]  # what the latest cycle has seen may not yet be
        for one, after in zip_longest(read, read[1:]):
            sums = _added(sums, before, one, after)
            before = one
        if sums.requests <= 0.0:
            return 0.0
        return math.sqrt(sums.variance) / sums.requests * math.exp(-whole_seconds / HORIZON_SECONDS)


def _added(sums: Sums, before: Looked | None, one: Looked, after: Looked | None) -> Sums:
    """Return the sums with one cycle more; nothing is known of one without any that is sampled beside it."""
    if not one.samples:
        fading = math.exp(-(one.windows[0].end - one.windows[0].start) / NANOSECONDS / HORIZON_SECONDS)
        return Sums(sums.requests + one.requests, sums.variance * fading**2)
    beside = [other for other in (before, after) if other is not None and one.is_like(other)]
    if beside:
        squares = sum(((one.rate - other.rate) * one.extent) ** 2 for other in beside) / len(beside) / 2
    else:
        squares = one.requests**2
    fading = math.exp(-one.seconds / HORIZON_SECONDS)
    left_out = max(0.0, 1 - 1 / one.windows[0].weight)
    return Sums(sums.requests * fading + one.requests, sums.variance * fading**2 + left_out * squares)
