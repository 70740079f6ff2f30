"""Time as an argument: the detector reads and waits by this clock only."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from detector.model import Seconds

PART_SECONDS = 5.0  # of a wait, between looks at the clock
SET_BACK_SECONDS = 1.0  # what NTP slews is no jump


class Clock(Protocol):
    """A clock that can be waited by."""

    def now(self) -> Seconds:
        """Seconds since the epoch."""
        ...

    def wait_until(self, at: Seconds) -> bool:
        """Wait; False where waiting was ended because the detector should stop."""
        ...


class SystemClock:
    """The machine's time.

    Args:
        stop: ends every wait.
        now: seconds since the epoch.
        part: the longest time without a look at the clock, in seconds.
    """

    def __init__(
        self, stop: threading.Event, now: Callable[[], Seconds] = time.time, part: Seconds = PART_SECONDS
    ) -> None:
        self._stop = stop
        self._now = now
        self._part = part

    def now(self) -> Seconds:
        """Seconds since the epoch."""
        return self._now()

    def wait_until(self, at: Seconds) -> bool:
        """Wait in short parts; a clock that is set back ends the wait, for it may now be hours until `at`."""
        before = now = self._now()
        while now < at and now > before - SET_BACK_SECONDS:
            if self._stop.wait(min(at - now, self._part)):
                return False
            before, now = now, self._now()
        return not self._stop.is_set()


def floor_to(at: Seconds, interval: Seconds) -> Seconds:
    """The newest whole multiple of `interval` not after `at`: the same grid in every detector."""
    return at // interval * interval
