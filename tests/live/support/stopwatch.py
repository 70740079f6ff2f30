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
    def lap(self) -> Iterator[None]:
        """Time one call."""
        begun = time.perf_counter()
        yield
        self._seconds.append(time.perf_counter() - begun)

    @property
    def median_seconds(self) -> float:
        """The median of the calls."""
        return statistics.median(self._seconds)
