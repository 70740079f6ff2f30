"""Has evaluations come first: what can wait begins nothing that would take from one."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from detector.model import Seconds

# Where evaluations take all of the time, what can wait has this part of it all the same, by turns.
HELD_SECONDS: Seconds = 30.0
FREE_SECONDS: Seconds = 10.0
LOOK_SECONDS: Seconds = 0.05  # an evaluation that ends is noticed so much later at most


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whose turn it is, by the clock of `Precedence`.

    Attributes:
        due_at: when the next evaluation begins.
        since: since when one is under way; None: none is.
    """

    due_at: Seconds
    since: Seconds | None

    def held_since(self, now: Seconds, takes: Seconds) -> Seconds | None:
        """Since when what takes so long has to wait; None: it need not."""
        if self.since is not None:
            return self.since
        last = self.due_at - min(takes, HELD_SECONDS)
        return last if now > last else None


class Precedence:
    """Known to both: one thread evaluates and says when, others ask before each piece of what they do."""

    def __init__(
        self, now: Callable[[], Seconds] = time.monotonic, pause: Callable[[Seconds], object] = time.sleep
    ) -> None:
        """`now` is a clock that no one sets, and `pause` waits by it."""
        self._now = now
        self._pause = pause
        self._turn = _Turn(float("inf"), None)  # replaced whole, so that no reader sees half of it
        self._evaluates = 0

    def expect(self, seconds: Seconds) -> None:
        """An evaluation is to begin in so many seconds; none is under way. From the thread that evaluates."""
        self._evaluates = threading.get_ident()
        self._turn = _Turn(self._now() + seconds, None)

    def begin(self) -> None:
        """An evaluation is under way."""
        if self._turn.since is None:
            self._turn = _Turn(self._turn.due_at, self._now())

    def is_free(self, takes: Seconds = 0.0) -> bool:
        """Whether what takes so long may begin."""
        now = self._now()
        since = self._turn.held_since(now, takes)
        return since is None or (now - since) % (HELD_SECONDS + FREE_SECONDS) >= HELD_SECONDS

    def give_way(self, takes: Seconds = 0.0) -> None:
        """Wait until what takes so long may begin; the thread that evaluates would wait for itself, and does not."""
        while threading.get_ident() != self._evaluates and not self.is_free(takes):
            self._pause(LOOK_SECONDS)
