"""When to look: short windows at random, placed so that every moment is as likely to be seen as any other."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """When to look, in seconds from the beginning of a period."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Return how long it lasts."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Windows:
    """One window in each period.

    Attributes:
        seconds: how long a window lasts.
        period: how long a period does.
        dice: returns a number from 0 up to 1, all as likely.
    """

    seconds: float
    period: float
    dice: Callable[[], float]

    @property
    def share(self) -> float:
        """Return how likely a moment is within a window."""
        return self.seconds / (self.period + self.seconds)

    def next(self) -> Window:
        """Return the window of a new period.

        It may begin before the period or last beyond it, and is cut then: else its edges would be seen less often.
        """
        start = self.dice() * (self.period + self.seconds) - self.seconds
        return Window(max(0.0, start), min(self.period, start + self.seconds))

    def scale(self, window: Window, lasted: float) -> float:
        """Return for how many events one stands that was seen in a window which really lasted so many seconds."""
        return window.seconds / lasted / self.share if lasted > 0 else 0.0
