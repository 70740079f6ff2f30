"""For how many packets those stand that were read, when a ring had no room for others; pure."""

from exporter.sources.source import CaptureStats

MOST_LOSS = 4.0  # a drain of which less was kept tells little of the rest; what follows stands for it as well


class Losses:
    """For how many packets each one stands that a ring had room for.

    Args:
        seen: the kernel's counts at the start.

    Attributes:
        dropping: whether packets were dropped since the last look.
    """

    def __init__(self, seen: CaptureStats) -> None:
        self.dropping = False
        self._seen = seen
        self._missing = 0.0  # dropped, and not yet stood for; each for as many as the window's weight says
        self._waiting = 0  # in the rings
        self._loss = self._weight = 1.0

    def look(self, seen: CaptureStats, weight: float) -> float:
        """Return how much more what is read next stands for, by the kernel's newest counts.

        Args:
            weight: of the window that is looked at.
        """
        dropped = seen.dropped - self._seen.dropped
        self.dropping = dropped > 0
        self._missing += dropped * weight
        self._waiting = max(0, self._waiting + seen.packets - self._seen.packets - dropped)
        if seen.interfaces != self._seen.interfaces:  # what waited in a ring that was closed is never read
            self._waiting = min(self._waiting, seen.packets - self._seen.packets)
        self._seen, self._weight, self._loss = seen, weight, 1.0
        if self._missing >= weight and self._waiting:
            self._loss = min(MOST_LOSS, 1 + self._missing / self._waiting / weight)
        return self._loss

    def read(self, packets: int) -> None:
        """So many were read."""
        self._waiting = max(0, self._waiting - packets)
        self._missing = max(0.0, self._missing - (self._loss - 1) * packets * self._weight)

    def skip(self) -> None:
        """What waited was not read."""
        self._waiting = 0

    def passed(self, seen: CaptureStats) -> int:
        """Return how many packets came since the last look."""
        return seen.packets - self._seen.packets

    def pass_over(self, seen: CaptureStats) -> int:
        """Return how many packets were dropped since the last look, which others stand for."""
        dropped = seen.dropped - self._seen.dropped
        self.dropping = dropped > 0
        self._seen, self._missing, self._loss = seen, 0.0, 1.0
        self._waiting = 0
        return dropped
