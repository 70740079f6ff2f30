"""What a client itself measured."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """The durations of calls, from any thread."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    @contextmanager
    def lap(self, calls: int = 1) -> Iterator[None]:
        """Time one call, or several that wait for each other."""
        begun = time.perf_counter()
        yield
        self._seconds += [time.perf_counter() - begun] * calls

    @property
    def mean_seconds(self) -> float:
        """The mean of the calls."""
        return statistics.fmean(self._seconds)

    @property
    def median_seconds(self) -> float:
        """The median of the calls."""
        return statistics.median(self._seconds)
