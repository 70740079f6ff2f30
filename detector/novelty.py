"""Tells who does something new without comparing, at each look, all that everyone does with what they did last week.

How many different things each service does is cheap to count. Only where that number changed in the last hour and a
half, or an exporter began to count anew, can something be new, so only of those services the costly comparison is
asked. What was counted before the first look, or while no answer came, is asked for then: nothing is kept over a
restart, and every detector comes to the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from detector.clients.matrix import Grid, Matrix
from detector.clients.prometheus import Prometheus
from detector.model import Floats, Seconds, Signal
from detector.signals import of_services, with_window

Row = tuple[str, Floats]

DAY: Seconds = 86_400.0
HOUR: Seconds = 3_600.0
# What is new is told for an hour from when it is first scraped on; a window and a look later it surely no longer is.
TOLD_SECONDS: Seconds = 1.5 * HOUR
# Of services that are known for less than a day nothing is new.
KNOWN_SECONDS: Seconds = DAY
BEFORE_HOURS = 26  # looked back over at first, to tell who is known
# Changes with the exporters that count a service and with their starts. Whole numbers, whose sum has but one result.
HOMES = (
    "sum by (service_name) (larimar_service_info "
    "* on (job, instance) group_left () round(max by (job, instance) (process_start_time_seconds)))"
)
MOST_NAMED = 1_000  # more are not asked for by name: the pattern would cost more than it spares


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known of one service.

    Attributes:
        kinds: how many different things it does, and whose count that is.
        changed_at: since when it does so many; minus infinity: longer than counted.
        first_at: when it was first counted.
        last_at: when it was last counted.
    """

    kinds: float
    changed_at: Seconds
    first_at: Seconds
    last_at: Seconds

    def may_be_new(self, at: Seconds) -> bool:
        """Whether something that it does may be new."""
        return self.is_known(at) and at - self.changed_at < TOLD_SECONDS

    def is_known(self, at: Seconds) -> bool:
        """Whether it is known for long enough to tell what is new."""
        return at - self.first_at >= KNOWN_SECONDS


@dataclass(frozen=True, slots=True)
class Counts:
    """All services at the time of the newest count."""

    at: Seconds
    services: Mapping[str, Counted]


def begun(before: Matrix, first: Matrix) -> Counts:
    """Return who was counted when, before the first count and at it; what changed before it is not told."""
    at = first.grid.start
    services = {}
    for name, row in _rows(first):
        services[name] = Counted(float(row[0]), -np.inf, at, at)
    for name, row in _rows(before):
        if name in services:
            # It may have been there since shortly after the count before: better too early than to miss what is new.
            seen_at = before.grid.start + before.grid.step * (float(np.argmax(np.isfinite(row))) - 1)
            services[name] = Counted(services[name].kinds, -np.inf, min(seen_at, at), at)
        else:  # it may come back
            last = before.grid.end - before.grid.step * float(np.argmax(np.isfinite(row[::-1])))
            services[name] = Counted(np.nan, -np.inf, before.grid.start, last)
    return Counts(at, services)


def followed(counts: Counts, newer: Matrix) -> Counts:
    """Return what is known after some more counts, the oldest first."""
    services, grid, rows = dict(counts.services), newer.grid, list(_rows(newer))
    previous = counts.at
    for column in range(grid.columns):
        at = grid.start + column * grid.step
        for name, row in rows:
            if np.isfinite(row[column]):
                services[name] = _counted(services.get(name), float(row[column]), at, previous)
        previous = at
    return Counts(grid.end, {name: one for name, one in services.items() if grid.end - one.last_at < DAY})


def with_homes(kinds: Matrix, homes: Matrix) -> Matrix:
    """Return the counts so that they also change with whose they are; both on one grid."""
    whose = dict(_rows(homes))
    none = np.zeros(kinds.grid.columns)
    values = [
        row + np.nan_to_num(whose.get(labels.get("service_name", ""), none))
        for labels, row in zip(kinds.labels, kinds.values, strict=True)
    ]
    return Matrix(kinds.labels, kinds.grid, np.array(values).reshape(kinds.values.shape))


def _counted(before: Counted | None, kinds: float, at: Seconds, previous: Seconds) -> Counted:
    if before is None:
        return Counted(kinds, at, at, at)
    changed = kinds != before.kinds or before.last_at != previous
    return Counted(kinds, at if changed else before.changed_at, before.first_at, at)


def _rows(matrix: Matrix) -> Iterable[Row]:
    for labels, row in zip(matrix.labels, matrix.values, strict=True):
        if name := labels.get("service_name"):
            yield name, row


class Novelty:
    """Asks for one signal that has `kinds`."""

    def __init__(
        self, prometheus: Prometheus, signal: Signal, window: Seconds, wanted: Callable[[str], bool] = lambda _: True
    ) -> None:
        """`wanted` says of a service's name whether to ask for it."""
        self._prometheus = prometheus
        self._kinds = with_window(signal.kinds, window)
        self._query = signal.query
        self._all = with_window(signal.query, window)
        self._window = window
        self._every = signal.every
        self._wanted = wanted
        self._counts: Counts | None = None

    def look(self, at: Seconds) -> Matrix:
        """What the signal's query would say at a time, which is a whole number of looks after the one before.

        Raises:
            QueryError: something could not be asked for; the next look makes up for it.
        """
        counts = self._counted(at)
        there = {name: one for name, one in counts.services.items() if one.last_at == at and one.is_known(at)}
        suspects = sorted(name for name, one in there.items() if one.may_be_new(at) and self._wanted(name))
        told = {**dict.fromkeys(there.keys() - set(suspects), 0.0), **self._compared(suspects, at)}
        self._counts = counts
        names = sorted(told)
        values = np.array([[told[name]] for name in names], dtype=np.float64).reshape(len(names), 1)
        return Matrix(tuple({"service_name": name} for name in names), Grid(at, 1.0, 1), values)

    def _compared(self, suspects: list[str], at: Seconds) -> dict[str, float]:
        if not suspects:
            return {}
        named = of_services(self._query, self._window, suspects) if len(suspects) <= MOST_NAMED else self._all
        wanted = set(suspects)
        return {name: float(row[0]) for name, row in _rows(self._prometheus.query(named, at)) if name in wanted}

    def _counted(self, at: Seconds) -> Counts:
        """Count anew, and what was not counted since the last time."""
        most = round(TOLD_SECONDS / self._every)
        counts = self._counts
        missed = round((at - counts.at) / self._every) if counts is not None else 0
        if counts is None or not 0 < missed <= most:
            counts, missed = self._begun(at - most * self._every), most
        return followed(counts, self._asked(Grid(at - (missed - 1) * self._every, self._every, missed)))

    def _begun(self, at: Seconds) -> Counts:
        before = Grid(at - BEFORE_HOURS * HOUR, HOUR, BEFORE_HOURS)
        return begun(self._prometheus.query_range(self._kinds, before), self._asked(Grid(at, 1.0, 1)))

    def _asked(self, grid: Grid) -> Matrix:
        kinds, homes = (
            self._prometheus.query(query, grid.start)
            if grid.columns == 1
            else self._prometheus.query_range(query, grid)
            for query in (self._kinds, HOMES)
        )
        return with_homes(kinds, homes)
