"""For how much an exchange stands while the capture looks at windows of time only.

What counts is when a packet was captured, never when it was read: each half of an exchange stands for as much as the
window does in which its first packet lies, and for nothing outside of all windows. Compiled with the types of
`sampling.pxd`.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from exporter.model import Exchange, Nanoseconds
from exporter.services.counters import WHOLE, Share

NANOSECONDS = 1_000_000_000
FOREVER: Nanoseconds = (1 << 63) - 1
LAST = FOREVER
# What waits for its answer for longer than this counts nothing any more once it gets one.
MEMORY: Nanoseconds = 900_000_000_000
MAX_WINDOWS = 8192
# Of the generator of which exchanges are told (Park and Miller, 1988): no product exceeds 64 bits.
MULTIPLIER, MODULUS = 48_271, 2_147_483_647
# Exchanges nearly as long as the window and what follows it are seen so seldom that one would stand for too many.
TIMED_PART = 0.9


@dataclass
class Window:
    """A time in which packets are looked at.

    Attributes:
        start, end: in capture time; the end is no part of it.
        weight: the inverse of the chance that a moment like these is looked at and its flow is kept.
        cycle: number of the cycle; 0 where everything is looked at.
        cycle_end: when the next one begins; its windows are chosen independently.
        cycle_lasts: nanoseconds.
        looked: nanoseconds of all windows of the cycle.
        tail: nanoseconds after the end in which answers are still captured.
        requests: that were counted in it so far, by weight.
        passed: packets that it stands for; 0 where it stands for a time.
        untold: for how much an exchange stands whose both ends lie in it and whose operation is not told.
    """

    start: Nanoseconds
    end: Nanoseconds
    weight: float = 1.0
    cycle: int = 0
    cycle_end: Nanoseconds = FOREVER
    cycle_lasts: Nanoseconds = 0
    looked: Nanoseconds = 0
    tail: Nanoseconds = 0
    requests: float = 0.0
    passed: float = 0.0
    untold: Share | None = None


class Sampling:
    """What is looked at.

    Args:
        seed: of the random numbers by which exchanges are told with their operation.

    Attributes:
        samples: whether anything is left out.
    """

    __slots__ = (
        "_every",
        "_last",
        "_left",
        "_loss",
        "_plain",
        "_random",
        "_starts",
        "_told_plainly",
        "_whole_since",
        "_windows",
        "samples",
    )

    def __init__(self, seed: int = 1) -> None:
        self._random = 1 + seed % (MODULUS - 1)
        self._windows: list[Window] = [Window(0, LAST)]
        self._starts: list[Nanoseconds] = [0]
        self._last = self._windows[0]
        self._whole_since = 0
        self.samples = False
        self._loss = 1.0
        self._every = 1
        self._left = 1
        self._plain = self._told_plainly = WHOLE

    def look(self, window: Window) -> None:
        """Take a window into account; where the clock was put back it replaces those that lie later."""
        later = bisect_left(self._starts, window.start)
        del self._starts[later:], self._windows[later:]
        self.end(window.start)
        old = bisect_right(self._starts, window.start - MEMORY) - 1
        old = max(old, len(self._starts) - MAX_WINDOWS, 0)
        self._windows = [*self._windows[old:], window]
        self._starts = [*self._starts[old:], window.start]
        self._last = window
        self._whole_since = window.start if window.end == LAST and window.weight == 1.0 else LAST
        self._settle()

    def end(self, at: Nanoseconds) -> None:
        """End the latest window at a moment, if it lasts longer."""
        latest = self._windows[len(self._windows) - 1] if self._windows else None
        if latest is not None and latest.end > at:
            latest.end = max(at, latest.start)
            self._whole_since = LAST
            self._settle()

    def cut(self, at: Nanoseconds) -> float:
        """Have nothing count that was captured since; return the nanoseconds that windows would have stood for."""
        lost = 0.0
        for window in self._windows:
            if window.end > at:
                start = max(window.start, at)
                if window.end != LAST:
                    lost += (window.end - start) * window.weight
                window.end = start
        self._whole_since = LAST
        self._settle()
        return lost

    def keep(self, loss: float, every: int) -> None:
        """Have each exchange read from now on stand for `loss` more, and the operation of one in `every` be told.

        Raises:
            ValueError: less than all is left over.
        """
        if loss < 1.0 or every < 1:
            raise ValueError(f"cannot have each exchange stand for {loss}, every {every}th with its operation")
        self._loss = loss
        # Nearly all exchanges are one of these two; a new one for each would cost more than counting it.
        self._plain = Share(loss, loss, loss, 0.0)
        self._told_plainly = Share(loss, loss, loss, loss * every)
        if every != self._every:
            self._every = every
            self._left = self._next()
        self._settle()

    def weight(self, at: Nanoseconds) -> float:
        """Return for how much a packet stands that was captured at `at`, 0 outside of all windows."""
        window = self._window(at)
        return self._loss * window.weight if window is not None else 0.0

    def share(self, exchange: Exchange, orphan: bool) -> Share:
        """Return for how much an exchange stands.

        Args:
            orphan: whether an answer without its request is stood for by others that have theirs.
        """
        request, response = exchange.request, exchange.response
        asked = request.first_at if request is not None else LAST
        answered = response.first_at if response is not None else LAST
        every = float(self._told())
        if asked >= self._whole_since and answered >= self._whole_since:
            if request is None and orphan:
                return Share(0.0, self._loss, 0.0, 0.0)
            return self._told_plainly if every > 0.0 else self._plain
        if request is not None and response is not None:
            return self._both(asked, answered, response.last_at, every)
        responses = self.weight(answered) if response is not None else 0.0
        if request is None:
            requests = 0.0 if orphan else responses
            durations = 0.0
        else:
            window = self._window(asked)
            requests = self._loss * window.weight if window is not None else 0.0
            durations = 0.0
            if window is not None:
                window.requests += requests
        return Share(requests, responses, durations, requests * every)

    def turned(self, asked: Nanoseconds, answered: Nanoseconds) -> Share:
        """Return the same for an exchange whose halves were captured at once each, at these times."""
        every = float(self._told())
        if asked >= self._whole_since and answered >= self._whole_since:
            return self._told_plainly if every > 0.0 else self._plain
        return self._both(asked, answered, answered, every)

    def _both(self, asked: Nanoseconds, answered: Nanoseconds, ended: Nanoseconds, every: float) -> Share:
        window = self._window(asked)
        requests = durations = 0.0
        if window is not None:
            requests = self._loss * window.weight
            window.requests += requests
            if every == 0.0 and asked <= answered < window.end and ended - asked <= window.tail:
                return self._untold(window, requests)
            durations = self._timed(window, asked, ended)
        return Share(requests, self.weight(answered), durations, requests * every)

    def _untold(self, window: Window, weight: float) -> Share:
        """Return the share of an exchange within a window, one object for all."""
        if window.untold is None or window.untold.requests != weight:
            window.untold = Share(weight, weight, weight, 0.0)
        return window.untold

    def _timed(self, window: Window, asked: Nanoseconds, answered: Nanoseconds) -> float:
        """Return for how many exchanges one stands of which both ends were seen: long ones are cut more often."""
        duration = answered - asked
        if duration <= window.tail:
            return self._loss * window.weight
        together = duration <= window.tail + TIMED_PART * window.looked
        if window.cycle == 0:
            if answered <= window.end + window.tail:
                return self._loss
        elif answered < window.cycle_end:
            if answered > window.end + window.tail or not together:
                return 0.0
            return self._loss * window.weight * window.looked / (window.tail + window.looked - duration)
        later = self._window(answered)
        if later is None:
            return 0.0
        # Both ends were looked at by chances of their own. What is too long to be seen at once, but may lie within a
        # single cycle, others stand for.
        apart = 1.0 if together or window.cycle == 0 else max(1.0, float(window.cycle_lasts) / duration)
        return self._loss * window.weight * later.weight * apart

    def _window(self, at: Nanoseconds) -> Window | None:
        last = self._last
        if last.start <= at < last.end:
            return last
        place = bisect_right(self._starts, at) - 1
        if place < 0:
            return None
        found = self._windows[place]
        return found if at < found.end else None

    def _settle(self) -> None:
        self.samples = len(self._windows) > 1 or self._whole_since == LAST or self._loss != 1.0 or self._every != 1

    def _told(self) -> int:
        """Return for how many more operations this exchange's stands; 0 where it is not told."""
        self._left -= 1
        if self._left > 0:
            return 0
        self._left = self._next()
        return self._every

    def _next(self) -> int:
        """Return the distance to the next exchange that is told with its operation: `every` on average, by chance."""
        self._random = self._random * MULTIPLIER % MODULUS
        return 1 + self._random % (2 * self._every - 1)
