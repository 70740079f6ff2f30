"""How far off the scaled counts may be, as told by how much the windows differ from one another."""

import math
from collections import deque

from exporter.services.sampling import NANOSECONDS, Window

HORIZON_SECONDS = 60.0
# What is read of a window comes a moment after it, and long after it where the credit is used up.
SETTLED_CYCLES = 8


class Precision:
    """The standard error of the number of all requests of about the last minute.

    Of a cycle only what is looked at is known, so what neighbouring cycles differ by stands for what the parts of one
    differ by. A trend of the load makes that too much rather than too little.
    """

    def __init__(self) -> None:
        self._windows: deque[list[Window]] = deque()  # by cycle
        self._requests = self._variance = 0.0
        self._rate = math.nan

    def look(self, window: Window) -> None:
        """A window begins; those that are long over are added up."""
        if not self._windows or self._windows[-1][0].cycle != window.cycle:
            self._windows.append([])
        self._windows[-1].append(window)
        if len(self._windows) > SETTLED_CYCLES:
            self._add(self._windows.popleft())

    def error_ratio(self, whole_seconds: float) -> float:
        """Return the standard error of the requests that were counted, divided by them; 0 if nothing was left out.

        Args:
            whole_seconds: for how long nothing has been left out.
        """
        if self._requests <= 0.0:
            return 0.0
        return math.sqrt(self._variance) / self._requests * math.exp(-whole_seconds / HORIZON_SECONDS)

    def _add(self, windows: list[Window]) -> None:
        """Take the windows of a cycle, which stand for all of it."""
        seconds = windows[0].cycle_lasts / NANOSECONDS
        if windows[0].cycle == 0:  # everything was looked at, and nothing had to be added up
            self._variance *= math.exp(-2 * (windows[0].end - windows[0].start) / NANOSECONDS / HORIZON_SECONDS)
            self._rate = math.nan
            return
        fading = math.exp(-seconds / HORIZON_SECONDS)
        requests = sum(window.requests for window in windows)
        rate = requests / max(seconds, 1e-9)
        differs = 0.0 if math.isnan(self._rate) else (rate - self._rate) * seconds
        self._rate = rate
        self._requests = self._requests * fading + requests
        self._variance = self._variance * fading**2 + (1 - 1 / windows[0].weight) * differs**2 / 2
