"""For how much an exchange stands while the capture looks at a part of them only.

Compiled with the types of `sampling.pxd`.
"""

from collections.abc import Callable

from exporter.services.counters import WHOLE, Share


class Sampling:
    """What is kept at this moment.

    Args:
        dice: returns a random whole number from 1 to its argument, both included.

    Attributes:
        samples: whether anything is left out.
        orphan: the share of an answer whose request passed while nobody looked.
    """

    __slots__ = ("_dice", "_every", "_left", "_plain", "_told", "orphan", "samples")

    def __init__(self, dice: Callable[[int], int] | None = None) -> None:
        self._dice = dice
        self.orphan = WHOLE
        self.samples = False
        self._every = 1
        self._left = 1
        self._plain = self._told = WHOLE

    def keep(self, weight: float, every: int) -> None:
        """Have each exchange stand for `weight`, and the operation of one in `every` for so many times more.

        Raises:
            ValueError: less than all is left over, or no dice to choose by.
        """
        if weight < 1.0 or every < 1 or (every > 1 and self._dice is None):
            raise ValueError(f"cannot have each exchange stand for {weight}, every {every}th with its operation")
        self.samples = weight != 1.0 or every != 1
        self._told = Share(weight, weight, weight * every)
        self._plain = Share(weight, weight, 0.0)
        self.orphan = Share(weight, 0.0, 0.0)
        if every != self._every:
            self._every = every
            self._left = self._next()

    def share(self) -> Share:
        """Return the share of the next exchange."""
        self._left -= 1
        if self._left > 0:
            return self._plain
        self._left = self._next()
        return self._told

    def _next(self) -> int:
        """Return the distance to the next exchange that is told with its operation: `every` on average, by chance."""
        return self._dice(2 * self._every - 1) if self._dice is not None and self._every > 1 else 1
