"""Quantiles of durations in bounded memory: exact for a while, then within half a percent."""

import math
from array import array

from exporter.model import Nanoseconds

EXACT = 20_000
# Each bucket is 1 % wide; durations fit in a few thousand of them.
LOG_WIDTH = math.log(1.01)


class Quantiles:
    """The durations of one endpoint.

    Attributes:
        count: how many were added.
        total: their sum.
    """

    __slots__ = ("_buckets", "_exact", "count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total: Nanoseconds = 0
        self._exact: array[int] = array("q")
        self._buckets: dict[int, int] = {}

    def add(self, duration: Nanoseconds) -> None:
        """Count one duration, not negative."""
        self.count += 1
        self.total += duration
        if self._buckets:
            self._put(duration)
            return
        self._exact.append(duration)
        if len(self._exact) > EXACT:
            for value in self._exact:
                self._put(value)
            self._exact = array("q")

    def quantile(self, share: float) -> Nanoseconds:
        """Return the value at position `int(share * count)` in ascending order, `share` in [0, 1).

        Raises:
            ValueError: there is none.
        """
        if not self.count:
            raise ValueError("no durations, no quantile")
        position = int(share * self.count)
        if not self._buckets:
            return sorted(self._exact)[position]
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen > position:
                return round(math.exp((bucket + 0.5) * LOG_WIDTH)) - 1
        raise AssertionError("the buckets hold fewer than were counted")

    def _put(self, duration: Nanoseconds) -> None:
        bucket = int(math.log(duration + 1) / LOG_WIDTH)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
