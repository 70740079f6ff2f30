"""Gathers from Prometheus what one evaluation or one fit needs, several queries at a time."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from detector.clients.matrix import Grid, Matrix
from detector.clients.prometheus import Prometheus, QueryError, chunks
from detector.model import Floats, History, Seconds, SeriesKey, Signal
from detector.sight import EDGES, SCRAPES, SERVICES, STARTS, TARGETS, Look, Target
from detector.signals import duration, with_window

Count = Callable[[str], None]
HISTORIES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """A signal that could not be asked for, and why."""

    signal: str
    reason: str


@dataclass(frozen=True, slots=True)
class Observations:
    """What was seen at one or several evaluations.

    Attributes:
        history: of all signals that could be asked for.
        looks: coverage, one for each column.
        callees: who calls whom, at the end.
        failures: signals of which nothing is known this time.
    """

    history: History
    looks: tuple[Look, ...]
    callees: Mapping[str, frozenset[str]]
    failures: tuple[Failure, ...]


class Puller:
    """Asks for the signals and for coverage."""

    def __init__(
        self,
        prometheus: Prometheus,
        signals: Iterable[Signal],
        window: Seconds,
        executor: Executor,
        skipped: Count,
    ) -> None:
        """`skipped` is told the reason for each series that cannot be watched."""
        self._prometheus = prometheus
        self._queries = {signal.name: with_window(signal.query, window) for signal in signals}
        self._window = window
        self._executor = executor
        self._skipped = skipped

    def observe(self, grid: Grid) -> Observations:
        """The newest points and who can be seen.

        Raises:
            QueryError: coverage is unknown, or no signal could be asked for.
        """
        most, rest = duration(0.6 * self._window), duration(0.4 * self._window)
        scrapes = with_window(SCRAPES.replace("$most", most).replace("$rest", rest), self._window)
        asked = [*self._queries.values(), SERVICES, scrapes, TARGETS, STARTS, EDGES]
        futures = [self._executor.submit(self._ask, query, grid) for query in asked]
        outcomes = [future.result() for future in futures]
        coverage = [_matrix(outcome) for outcome in outcomes[len(self._queries) :]]
        answers, failures = self._sorted_out(outcomes)
        if self._queries and not answers:
            raise QueryError("refused", f"no signal could be asked for: {failures[0].reason}")
        return Observations(
            history=self._history(answers, grid),
            looks=tuple(_look(coverage, column) for column in range(grid.columns)),
            callees=_callees(coverage[-1]),
            failures=failures,
        )

    def history(self, grid: Grid) -> History:
        """All signals over a long time, one query for each as far as the limits allow. Raises QueryError."""
        # Two at a time: while one answer is decoded, Prometheus works on the next.
        with ThreadPoolExecutor(HISTORIES_AT_ONCE, "history") as executor:
            answers = executor.map(lambda query: self._long(query, grid), self._queries.values())
            matrices = dict(zip(self._queries, answers, strict=True))
        return self._history(matrices, grid)

    def _sorted_out(self, outcomes: list[Matrix | QueryError]) -> tuple[dict[str, Matrix], tuple[Failure, ...]]:
        answers: dict[str, Matrix] = {}
        failures: list[Failure] = []
        for name, outcome in zip(self._queries, outcomes, strict=False):
            if isinstance(outcome, QueryError):
                failures.append(Failure(name, str(outcome)))
            else:
                answers[name] = outcome
        return answers, tuple(failures)

    def _ask(self, query: str, grid: Grid) -> Matrix | QueryError:
        try:
            return self._prometheus.query(query, grid.start) if grid.columns == 1 else self._range(query, grid)
        except QueryError as error:
            return error

    def _range(self, query: str, grid: Grid) -> Matrix:
        return self._prometheus.query_range(query, grid)

    def _long(self, query: str, grid: Grid) -> Matrix:
        """Ask in parts sized by how many series there are now; what is no more is asked for all the same."""
        count = len(self._prometheus.query(query, grid.end).labels)
        parts = chunks(grid, count)
        return _joined([self._range(query, part) for part in parts], grid)

    def _history(self, matrices: Mapping[str, Matrix], grid: Grid) -> History:
        rows: dict[SeriesKey, Floats] = {}
        for name, matrix in matrices.items():
            rows.update(self._rows(name, matrix))
        keys = tuple(sorted(rows))
        values = np.stack([rows[key] for key in keys]) if keys else np.empty((0, grid.columns))
        return History(keys, grid.start, grid.step, values)

    def _rows(self, signal: str, matrix: Matrix) -> dict[SeriesKey, Floats]:
        rows: dict[SeriesKey, Floats] = {}
        for labels, row in zip(matrix.labels, matrix.values, strict=True):
            key = SeriesKey(labels.get("service_name", ""), signal)
            if not key.service_name:
                self._skipped("no_service_name")
            elif key in rows:
                self._skipped("not_one_per_service")
            else:
                rows[key] = row
        return rows


def _matrix(outcome: Matrix | QueryError) -> Matrix:
    if isinstance(outcome, QueryError):
        raise outcome
    return outcome


def _joined(parts: list[Matrix], grid: Grid) -> Matrix:
    """Parts of one grid, side by side; a series that is missing in a part has no samples there."""
    if len(parts) == 1:
        return parts[0]
    index: dict[frozenset[tuple[str, str]], int] = {}
    for part in parts:
        for labels in part.labels:
            index.setdefault(frozenset(labels.items()), len(index))
    values = np.full((len(index), grid.columns), np.nan)
    column = 0
    for part in parts:
        rows = [index[frozenset(labels.items())] for labels in part.labels]
        values[rows, column : column + part.grid.columns] = part.values
        column += part.grid.columns
    return Matrix(tuple(dict(identity) for identity in index), grid, values)


def _look(coverage: list[Matrix], column: int) -> Look:
    services, scrapes, targets, starts, _ = coverage
    homes: dict[str, set[Target]] = {}
    for labels in _present(services, column):
        homes.setdefault(labels.get("service_name", ""), set()).add(_target(labels))
    return Look(
        homes={name: frozenset(found) for name, found in homes.items()},
        unbroken=frozenset(
            _target(labels)
            for labels, value in zip(scrapes.labels, scrapes.values[:, column], strict=True)
            if value == 1.0
        ),
        targets=frozenset(_target(labels) for labels in _present(targets, column)),
        starts={
            _target(labels): float(value)
            for labels, value in zip(starts.labels, starts.values[:, column], strict=True)
            if not np.isnan(value)
        },
    )


def _present(matrix: Matrix, column: int) -> list[Mapping[str, str]]:
    there = ~np.isnan(matrix.values[:, column])
    return [labels for labels, is_there in zip(matrix.labels, there, strict=True) if is_there]


def _target(labels: Mapping[str, str]) -> Target:
    return Target(labels.get("job", ""), labels.get("instance", ""))


def _callees(edges: Matrix) -> dict[str, frozenset[str]]:
    callees: dict[str, set[str]] = {}
    for labels in edges.labels:
        client, server = labels.get("client", ""), labels.get("server", "")
        if client and server and client != server and not server.startswith("~") and not client.startswith("~"):
            callees.setdefault(client, set()).add(server)
    return {client: frozenset(servers) for client, servers in callees.items()}
