"""One scrape: every collector in turn, timed; one that fails leaves the others alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from toolkit.families import Family, gauge, single

FAMILY_NAMES = (
    "larimar_scrape_collector_duration_seconds",
    "larimar_scrape_collector_success",
    "larimar_series",
    "larimar_series_limit",
    "larimar_series_omitted",
)
T = TypeVar("T")
Families = Callable[[], Iterable[Family]]
Guard = Callable[[str, Families], tuple[Family, ...] | None]
"""Runs the collector of a name; None where it failed, which the guard has then logged and counted."""


@dataclass(frozen=True, slots=True)
class NamedCollector:
    """A group of metrics, as `--no-collector.<name>` knows it."""

    name: str
    families: Families


class Droppable(Protocol):
    """What is computed for each scrape."""

    def drop(self) -> None: ...


class Shared(Generic[T]):
    """A value that several collectors share: computed once per scrape, when the first of them needs it.

    Args:
        take: returns it as it is now.
    """

    def __init__(self, take: Callable[[], T]) -> None:
        self._take = take
        self._taken: list[T] = []

    def get(self) -> T:
        """Return the value for this scrape."""
        if not self._taken:
            self._taken.append(self._take())
        return self._taken[0]

    def drop(self) -> None:
        """Compute it again for the next scrape."""
        self._taken.clear()


class Scrape:
    """All collectors as one.

    Args:
        collectors: in the order of the page, what matters most first.
        guard: runs each of them so that its failure is not the scrape's.
        clock: seconds, never falling.
        series_limit: how many series of the collectors a page holds; those beyond it are left out.
        shared: what is computed for each scrape.
    """

    def __init__(
        self,
        collectors: Sequence[NamedCollector],
        guard: Guard,
        clock: Callable[[], float],
        series_limit: int,
        shared: Sequence[Droppable] = (),
    ) -> None:
        self._collectors = tuple(collectors)
        self._guard = guard
        self._clock = clock
        self._series_limit = series_limit
        self._shared = tuple(shared)

    def collect(self) -> Iterator[Family]:
        """Yield the families of all collectors, then the duration and success of each."""
        duration = gauge(FAMILY_NAMES[0], "Duration of the collector.", labels=("collector",))
        success = gauge(FAMILY_NAMES[1], "Whether a collector succeeded.", labels=("collector",))
        series = omitted = 0
        self._drop_shared()
        for collector in self._collectors:
            started = self._clock()
            families = self._guard(collector.name, collector.families)
            duration.add((collector.name,), self._clock() - started)
            success.add((collector.name,), families is not None)
            for family in families or ():
                omitted += family.keep(self._series_limit - series)
                series += len(family.numbers)
                yield family
        self._drop_shared()
        yield duration
        yield success
        yield single(FAMILY_NAMES[2], "Series of the collectors on this page.", series)
        yield single(
            FAMILY_NAMES[3], "Most series of the collectors that a page holds; set by series.limit.", self._series_limit
        )
        yield single(FAMILY_NAMES[4], "Series left out of this page as they were beyond the limit.", omitted)

    def _drop_shared(self) -> None:
        for one in self._shared:
            one.drop()
