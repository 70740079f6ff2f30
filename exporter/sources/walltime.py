"""What the monotonic clock's times are by the clock on the wall."""

import time
from collections.abc import Callable

TRIES = 5
CERTAIN = 5_000  # nanoseconds between two looks at one clock: the look at the other between them is as exact
STEPPED = 200_000  # nanoseconds: less is chance, and times that are compared with each other stay comparable


class WallTime:
    """Follows the clock on the wall when it is set; both clocks go equally fast.

    Args:
        monotonic, wall: nanoseconds.

    Attributes:
        shift: what to add to the monotonic clock's times.
    """

    def __init__(
        self, monotonic: Callable[[], int] = time.monotonic_ns, wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._monotonic, self._wall = monotonic, wall
        self.shift = self._measured()[0]

    def look(self) -> None:
        """See whether the clock was set."""
        shift, doubt = self._measured()
        if abs(shift - self.shift) > STEPPED + doubt:
            self.shift = shift

    def _measured(self) -> tuple[int, int]:
        """Return the difference of the clocks, and by how much it may be wrong."""
        best = (0, 1 << 62)
        for _ in range(TRIES):
            before = self._monotonic()
            wall = self._wall()
            doubt = self._monotonic() - before
            if doubt < best[1]:
                best = wall - before - doubt // 2, doubt
            if doubt < CERTAIN:
                break
        return best
