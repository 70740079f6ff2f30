"""What the rest of the exporter may still spend within a window, so that the capture leaves it that.

A look at a host where much has changed costs many times what most looks cost, and comes without notice.
"""

import math

from exporter.services.ledger import Ledger

# Of what all may spend in a window. The capture goes on with the remainder, whatever the rest of the exporter takes.
MOST = 0.85
LEAST = 0.15  # kept free for it, even if no window of late was that dear
REMEMBERED_SECONDS = 600.0  # for about so long the dearest window is kept free for another one like it


class Reserve:
    """Books the rest of the exporter.

    Args:
        window_seconds: how long the window is.
        seconds: of processor time that all may spend in one.

    Attributes:
        dearest: seconds of processor time of the dearest window of late.
        kept: seconds of processor time that are to be left, beside what was booked.
    """

    def __init__(self, window_seconds: float, seconds: float) -> None:
        self._ledger = Ledger(window_seconds)
        self._seconds = seconds
        self.dearest = LEAST * seconds
        self._now: float | None = None
        self.kept = self.dearest

    def spend(self, now: float, seconds: float) -> float:
        """Book what was spent up to now; return how much of it is to be taken from the capture."""
        self._ledger.spend(now, 0.0)
        charged = max(0.0, min(seconds, MOST * self._seconds - self._ledger.spent))
        self._ledger.spend(now, charged)
        fading = math.exp((self._now - now) / REMEMBERED_SECONDS) if self._now is not None else 1.0
        self._now = now
        self.dearest = max(LEAST * self._seconds, self._ledger.spent, self.dearest * fading)
        self.kept = self.dearest - self._ledger.spent
        return charged
