"""Time as an argument: the detector waits by it and never looks at another."""

import threading
import time
from typing import Protocol

from detector.model import Seconds


class Clock(Protocol):
    """Says what time it is, and waits."""

    def now(self) -> Seconds:
        """Seconds since the epoch."""
        ...

    def wait_until(self, at: Seconds) -> bool:
        """Wait; False where waiting was ended because the detector should stop."""
        ...


class SystemClock:
    """The machine's time."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> Seconds:
        """Seconds since the epoch."""
        return time.time()

    def wait_until(self, at: Seconds) -> bool:
        """Wait in short parts, for the machine's time may be set meanwhile."""
        while (left := at - time.time()) > 0:
            if self._stop.wait(min(left, 5.0)):
                return False
        return not self._stop.is_set()


def floor_to(at: Seconds, interval: Seconds) -> Seconds:
    """The newest whole multiple of `interval` not after `at`: the same grid in every detector."""
    return at // interval * interval
