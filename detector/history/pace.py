"""How much of a query's history to ask for at once, by what its parts took so far. Pure."""

from detector.clients.prometheus import columns_of
from detector.model import Seconds

# Where series come and go, there are many more of them in a day than now: how many shows as parts grow.
FIRST_COLUMNS = 24
GROWTH = 8
LONG_SECONDS: Seconds = 4.0  # what is longer is often not over by the time of the next evaluation, and waits for that
# VictoriaMetrics unpacks much the same for few columns as for many: were parts shorter than so many times the shortest,
# most of its work would be in vain.
LEAST_PARTS_TAKE = 2.0


class Pace:
    """Parts of one query's history, the newest first."""

    def __init__(self, series: int, takes: Seconds) -> None:
        """`series` is how many there are now, and `takes` how long a small query took before."""
        self._now = self._series = series
        self._shortest = (FIRST_COLUMNS, takes)
        self._each: Seconds = 0.0  # for one column more
        self._most = FIRST_COLUMNS
        self._widest = 1 << 30

    def columns(self, left: int) -> int:
        """How many columns the next part has, of so many left: at least one."""
        return max(1, min(left, self._most, self._widest, self._brief(), columns_of(self._series)))

    def takes(self, columns: int) -> Seconds:
        """About how long a part takes."""
        first, seconds = self._shortest
        return max(0.0, seconds + (columns - first) * self._each)

    def answered(self, columns: int, series: int, took: Seconds) -> None:
        """Learn of a part that was answered with so many series."""
        self._series, self._most = max(self._now, series), GROWTH * columns
        first, seconds = self._shortest
        if columns > first:
            self._each = max(0.0, (took - seconds) / (columns - first))
        else:
            self._shortest = (columns, took)
            self._each /= 2  # what one slow answer said is not believed for ever

    def failed(self, columns: int) -> None:
        """Have parts be smaller from now on."""
        self._widest = -(-columns // GROWTH)

    def _brief(self) -> int:
        """How many columns are answered in time."""
        if not self._each:
            return 1 << 30
        first, seconds = self._shortest
        return first + int((max(LONG_SECONDS, LEAST_PARTS_TAKE * seconds) - seconds) / self._each)
