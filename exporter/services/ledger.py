"""What was spent of late, and what may be spent from now on, so that no window of time takes more than is allowed."""

from collections import deque
from dataclasses import dataclass

BINS = 120  # in a window


@dataclass(slots=True)
class Bin:
    """What was spent until `end`."""

    end: float
    seconds: float


class Ledger:
    """Remembers what was spent within a sliding window, in bins: what is in one leaves the window as a whole.

    Args:
        window_seconds: how long the window is.

    Attributes:
        spent: seconds of processor time within the window that ended with the last call.
    """

    def __init__(self, window_seconds: float) -> None:
        self._window = window_seconds
        self._bins: deque[Bin] = deque()
        self.spent = 0.0

    def spend(self, now: float, seconds: float) -> None:
        """Note what was spent up to now."""
        while self._bins and self._bins[0].end + self._window <= now:
            self.spent -= self._bins.popleft().seconds
        if not self._bins or now >= self._bins[-1].end:
            self._bins.append(Bin(now + self._window / BINS, 0.0))
            self.spent = max(0.0, self.spent)  # rounding must not add up
        self._bins[-1].seconds += seconds
        self.spent += seconds

    def bears(self, now: float, most: float) -> float:
        """Return how many processors may be used from now on, steadily, so that no window ever takes more than `most`.

        Of what was spent, each part is free again once it leaves the window.
        """
        free = most - self.spent
        bears = (free + self.spent) / self._window
        for one in self._bins:
            bears = min(bears, free / max(one.end + self._window - now, 1e-9))
            free += one.seconds
        return max(0.0, bears)
