"""How far a fingerprint is from the usual one of its service."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.fingerprint.dimensions import NAMES, Vector

HALF_LIFE_SECONDS = 6 * 3600.0
LEAST_SECONDS = 600.0
"""So long a dimension must have been known before a distance from it is told."""
_LEAST_SPREAD = 0.03  # of a dimension that never moved
_CLIP = 10.0
_MOVED = 3.0
_FARTHEST = 3


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one dimension is from its usual value, in its usual deviations, signed."""

    dimension: str
    deviations: float


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a fingerprint is from the usual.

    Attributes:
        deviations: root of the mean square of the three dimensions that are farthest, in the usual deviations of each,
            clipped to 10: over all, what moved would drown among those that never do.
        moved: the dimensions that are three or more away, the farthest first.
    """

    deviations: float
    moved: Sequence[Shift]


@dataclass(slots=True)
class Level:
    """One dimension's running mean and mean absolute deviation, and of how many seconds they are."""

    mean: float
    deviation: float = 0.0
    seconds: float = 0.0


@dataclass(slots=True)
class Usual:
    """A service's usual fingerprint: means that a jump moves by no more than a few usual deviations at a time."""

    least_seconds: float = LEAST_SECONDS
    _levels: dict[int, Level] = field(default_factory=dict)

    def levels(self) -> Mapping[int, Level]:
        """Return what was learned of each dimension, by its index."""
        return self._levels

    def recall(self, levels: Mapping[int, Level]) -> None:
        """Begin with what was learned before."""
        self._levels = {index: replace(level) for index, level in levels.items()}

    def distance(self, found: Vector) -> Distance | None:
        """Return how far `found` is from the usual; None before the usual is known."""
        shifts = [
            Shift(NAMES[index], shift)
            for index, value in enumerate(found)
            if (shift := self._shift(index, value)) is not None
        ]
        if not shifts:
            return None
        moved = [one for one in shifts if abs(one.deviations) >= _MOVED]
        moved.sort(key=lambda one: -abs(one.deviations))
        farthest = sorted((abs(one.deviations) for one in shifts), reverse=True)[:_FARTHEST]
        return Distance(math.sqrt(sum(shift * shift for shift in farthest) / len(farthest)), moved)

    def learn(self, found: Vector, seconds: float) -> None:
        """Take `found` for what was so for `seconds`."""
        for index, value in enumerate(found):
            if value is None:
                continue
            level = self._levels.get(index)
            if level is None:
                self._levels[index] = Level(value)
                continue
            level.seconds += seconds
            # A plain mean at first, of the latest hours later.
            weight = min(1.0, max(seconds / level.seconds, 1.0 - math.exp2(-seconds / HALF_LIFE_SECONDS)))
            reach = _MOVED * max(level.deviation, _LEAST_SPREAD)
            step = max(-reach, min(reach, value - level.mean))
            level.mean += weight * step
            level.deviation += weight * (abs(step) - level.deviation)

    def _shift(self, index: int, value: float | None) -> float | None:
        level = self._levels.get(index)
        if value is None or level is None or level.seconds < self.least_seconds:
            return None
        # Of a normal distribution the standard deviation is 1.25 times the mean absolute one.
        shift = (value - level.mean) / max(1.25 * level.deviation, _LEAST_SPREAD)
        return max(-_CLIP, min(_CLIP, shift))
