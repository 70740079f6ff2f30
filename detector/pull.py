"""Gathers from Prometheus what one evaluation or one fit needs, several queries at a time."""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.clients.matrix import Grid, Matrix, joined
from detector.clients.prometheus import Prometheus, QueryError, columns_of
from detector.clock import floor_to
from detector.coverage import CLASSES, callees, classes_of, look
from detector.kept import Kept
from detector.model import History, Samples, Seconds, SeriesKey, Signal
from detector.novelty import HOUR, Novelty
from detector.precision import ERRORS, LOSSES
from detector.shard import Shard
from detector.shelf import Counted, Shelf, Spooled
from detector.sight import EDGES, SCRAPES, SERVICES, STARTS, TARGETS, Look
from detector.signals import duration, with_window
from detector.spool import MOST_SERIES, Coarse, Spool

log = logging.getLogger(__name__)

Count = Callable[[str], None]
HISTORIES_AT_ONCE = 2
# Where series come and go, there are many more of them in a day than now: how many shows as parts grow.
FIRST_COLUMNS = 24
MINUTE = 60.0
GIVE_WAY_SECONDS = 20.0  # to an evaluation, whose queries else wait for those of history
REPEATED_SECONDS = 30.0  # VictoriaMetrics' -search.latencyOffset
GROWTH = 8
CLASSES_SECONDS = 600.0  # between questions for the classes of services


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
        classes: of services, where the exporters told any; None: unknown this time.
    """

    history: History
    looks: tuple[Look, ...]
    callees: Mapping[str, frozenset[str]]
    failures: tuple[Failure, ...]
    classes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions of one or several evaluations, under way: a Prometheus may take minutes to answer them all."""

    grid: Grid
    outcomes: tuple[Future[Matrix | QueryError], ...]

    @property
    def answered(self) -> bool:
        """Whether there is an answer to each, good or bad."""
        return all(outcome.done() for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was asked for a time that is good for several evaluations."""

    at: Seconds
    outcome: Future[Matrix | QueryError]

    def is_of(self, at: Seconds) -> bool:
        failed = self.outcome.done() and isinstance(self.outcome.result(), QueryError)
        return self.at == at and not failed


class Puller:
    """Asks for the signals and for coverage."""

    def __init__(
        self,
        prometheus: Prometheus,
        signals: Sequence[Signal],
        window: Seconds,
        executor: Executor,
        skipped: Count,
        shard: Shard = Shard(),
        limit: int = MOST_SERIES,
        keep: bool = False,
    ) -> None:
        """`skipped` is told the reason for each series of this shard that cannot be watched.

        `limit` is the most series of one signal that are learnt from; the newest are. `keep` is whether history stays
        on disk, so that the next time only what is new is asked for.
        """
        self._prometheus = prometheus
        self._queries = {signal.name: with_window(signal.query, window) for signal in signals}
        self._counts = {signal.name: with_window(signal.counts, window) for signal in signals if signal.counts}
        self._spans = {signal.name: signal.history for signal in signals}
        self._rare = {signal.name: signal for signal in signals if signal.every}
        self._novelties = {
            signal.name: Novelty(prometheus, signal, window, shard.has) for signal in signals if signal.kinds
        }
        self._kept: dict[str, _Kept] = {}
        self._under_way: tuple[Future[Matrix | QueryError], ...] = ()
        self._closed = threading.Event()
        self._window = window
        self._executor = executor
        self._skipped = skipped
        self._shard = shard
        self._limit = limit
        self._keep = keep

    def observe(self, grid: Grid) -> Observations:
        """The newest points and who can be seen, once all is answered. Raises like `read`."""
        return self.read(self.ask(grid))

    def ask(self, grid: Grid) -> Asked:
        """Begin to ask for the newest points and who can be seen."""
        most, rest = duration(0.6 * self._window), duration(0.4 * self._window)
        scrapes = with_window(SCRAPES.replace("$most", most).replace("$rest", rest), self._window)
        certainty = [with_window(query, self._window) for query in (ERRORS, LOSSES)]
        behind_them = [SERVICES, scrapes, TARGETS, STARTS, *certainty, EDGES]
        signals = [self._begin(name, query, grid) for name, query in self._queries.items()]
        behind = [self._executor.submit(self._ask, query, grid) for query in (*self._counts.values(), *behind_them)]
        self._under_way = (*signals, *behind, self._begin_rare(CLASSES, floor_to(grid.end, CLASSES_SECONDS)))
        return Asked(grid, self._under_way)

    def close(self) -> None:
        """Ask for no more history: whoever takes it is told so by an error."""
        self._closed.set()

    def read(self, asked: Asked) -> Observations:
        """What was answered; waits for answers that are not there yet.

        Raises:
            QueryError: coverage is unknown, or no signal could be asked for.
        """
        grid, outcomes = asked.grid, [outcome.result() for outcome in asked.outcomes]
        behind, classes = outcomes[len(self._queries) : -1], outcomes[-1]
        coverage = [_matrix(outcome) for outcome in behind[len(self._counts) :]]
        answers, failures = _sorted_out(self._queries, outcomes)
        counts, uncounted = _sorted_out(self._counts, behind)
        # Shares of nobody knows how many might be chance.
        failures += tuple(failure for failure in uncounted if answers.pop(failure.signal, None) is not None)
        if self._queries and not answers:
            raise QueryError("refused", f"no signal could be asked for: {failures[0].reason}")
        return Observations(
            history=self._history(answers, counts, grid),
            looks=tuple(look(coverage, column) for column in range(grid.columns)),
            callees=callees(coverage[-1]),
            failures=failures,
            classes=None if isinstance(classes, QueryError) else classes_of(classes),
        )

    def histories(self, grid: Grid, folder: Path, recent: Grid | None = None) -> Iterator[History]:
        """All signals over a long time, a few series at a time: one query for each as far as the limits allow.

        Args:
            folder: where what has come lies until it is taken, or for good, on a disk.
            recent: the newest of it at closer steps; None: there is none.

        Raises:
            QueryError: a signal could not be read, or this was closed.
            OSError: the folder cannot be used.
        """
        with ExitStack() as files, ThreadPoolExecutor(HISTORIES_AT_ONCE, "history") as executor:
            shelf = Shelf(folder, files, set())

            def spooled(signal: str) -> Spooled:
                part = grid.newest(self._spans[signal])
                # What is asked for every few minutes only stays as it was in between.
                near = None if recent is None or signal in self._rare else self._counted(signal, recent, shelf)
                return Spooled(self._counted(signal, part, shelf), near)

            # While one is learnt from, Prometheus works on the next and the one after it is decoded.
            for spool in _ahead(executor, spooled, self._queries, HISTORIES_AT_ONCE):
                for history in spool.histories():
                    self._be_open()
                    yield history
                spool.end()
        shelf.clear()

    def _counted(self, signal: str, grid: Grid, shelf: Shelf) -> Counted:
        counts = self._stored(signal, self._counts[signal], grid, shelf) if signal in self._counts else None
        return Counted(self._stored(signal, self._queries[signal], grid, shelf), counts)

    def _stored(self, signal: str, query: str, grid: Grid, shelf: Shelf) -> Spool | Kept:
        if self._keep and signal not in self._novelties:
            try:
                return self._kept_history(signal, query, grid, shelf)
            except OSError as error:  # as where the disk is full: then it is asked for anew each time
                log.warning("history not kept", extra={"reason": str(error)})
                self._keep = False
                raise
        spool = Spool(shelf.file(), grid, self._limit)
        if signal in self._novelties:  # what is new stays so for an hour
            coarse = Coarse(spool, grid, HOUR)
            self._spool(signal, query, coarse.grid, coarse)
        else:
            self._spool(signal, query, grid, spool)
        return spool

    def _kept_history(self, signal: str, query: str, grid: Grid, shelf: Shelf) -> Kept:
        kept = shelf.kept(signal, f"{query} {self._shard}", grid, self._limit)
        self._spool(signal, query, grid, kept, kept.known)
        kept.commit()
        return kept

    def _begin(self, name: str, query: str, grid: Grid) -> Future[Matrix | QueryError]:
        if name not in self._rare or grid.columns > 1:
            return self._executor.submit(self._ask, query, grid)
        # By the clock, so that all detectors ask at the same times, and of different signals in different minutes.
        every = self._rare[name].every
        shift = MINUTE * self._rare[name].priority % every
        return self._begin_rare(name, floor_to(grid.end - shift, every) + shift)

    def _begin_rare(self, name: str, at: Seconds) -> Future[Matrix | QueryError]:
        kept = self._kept.get(name)
        if kept is None or not kept.is_of(at):
            kept = self._kept[name] = _Kept(at, self._executor.submit(self._ask_rare, name, at))
        return kept.outcome

    def _ask_rare(self, name: str, at: Seconds) -> Matrix | QueryError:
        """Ask for a signal, or for what is no signal by its query."""
        if name not in self._novelties:
            return self._ask(self._queries.get(name, name), Grid(at, 1.0, 1))
        try:
            return self._novelties[name].look(at)
        except QueryError as error:
            return error

    def _ask(self, query: str, grid: Grid) -> Matrix | QueryError:
        try:
            return self._newest(query, grid)
        except QueryError as error:
            return error

    def _newest(self, query: str, grid: Grid) -> Matrix:
        """Ask for columns up to now."""
        single = 1 if grid.columns == 1 else repeated(grid)
        older = Grid(grid.start, grid.step, grid.columns - single)
        parts = [self._prometheus.query_range(query, older)] if older.columns else []
        times = (grid.start + column * grid.step for column in range(older.columns, grid.columns))
        parts.extend(self._prometheus.query(query, at) for at in times)
        return parts[0] if len(parts) == 1 else joined(parts, grid)

    def _spool(self, signal: str, query: str, grid: Grid, spool: Spool | Coarse | Kept, known: int = 0) -> None:
        """Ask for all but the first so many columns that are known.

        In parts, the newest first, each sized by the series of the one before and smaller after a failure.
        """
        now = series = len(self._prometheus.query(query, grid.end).labels)
        left, most, widest = grid.columns, FIRST_COLUMNS, grid.columns
        while left > known:
            columns = min(left - known, most, widest, columns_of(series))
            part = Grid(grid.start + (left - columns) * grid.step, grid.step, columns)
            self._give_way()
            try:
                matrix = self._prometheus.query_range(query, part, np.float32)
            except QueryError as error:
                if error.reason not in ("transport", "refused") or columns == 1:  # both may be its time-out or ours
                    raise
                widest = -(-columns // GROWTH)
                continue
            for _ in range(spool.add(left - columns, self._rows(signal, matrix))):
                self._skipped("limit")
            left, most, series = left - columns, GROWTH * columns, max(now, len(matrix.labels))

    def _give_way(self) -> None:
        """Let an evaluation have its answers first, however large history is; not for ever, for it must come too."""
        wait(self._under_way, GIVE_WAY_SECONDS)
        self._be_open()

    def _be_open(self) -> None:
        if self._closed.is_set():
            raise QueryError("transport", "the detector ends")

    def _history(self, matrices: Mapping[str, Matrix], counts: Mapping[str, Matrix], grid: Grid) -> History:
        rows, behind = self._rows_of(matrices), self._rows_of(counts)
        keys = tuple(sorted(rows))
        values = np.stack([rows[key] for key in keys]) if keys else np.empty((0, grid.columns))
        known = np.full(values.shape, np.nan) if behind else None
        if known is not None:
            for row, key in enumerate(keys):
                if key in behind:
                    known[row] = behind[key]
        return History(keys, grid.start, grid.step, values, counts=known)

    def _rows_of(self, matrices: Mapping[str, Matrix]) -> dict[SeriesKey, Samples]:
        rows: dict[SeriesKey, Samples] = {}
        for name, matrix in matrices.items():
            rows.update(self._rows(name, matrix))
        return rows

    def _rows(self, signal: str, matrix: Matrix) -> dict[SeriesKey, Samples]:
        rows: dict[SeriesKey, Samples] = {}
        for labels, row in zip(matrix.labels, matrix.values, strict=True):
            key = SeriesKey(labels.get("service_name", ""), signal)
            if not key.service_name:
                self._skipped("no_service_name")
            elif not self._shard.has(key.service_name):
                continue
            elif key in rows:
                self._skipped("not_one_per_service")
            else:
                rows[key] = row
        return rows


def repeated(grid: Grid) -> int:
    """Return how many columns up to now cannot be asked for as a range.

    At steps of less than a minute VictoriaMetrics gives for the newest half minute what was before it again, once for
    each column: one bad moment would look like one that lasts. At single times it does not.
    """
    return min(grid.columns, math.ceil(REPEATED_SECONDS / grid.step) + 1) if grid.step < MINUTE else 0


def _sorted_out(
    names: Iterable[str], outcomes: Iterable[Matrix | QueryError]
) -> tuple[dict[str, Matrix], tuple[Failure, ...]]:
    answers: dict[str, Matrix] = {}
    failures: list[Failure] = []
    for name, outcome in zip(names, outcomes, strict=False):
        if isinstance(outcome, QueryError):
            failures.append(Failure(name, str(outcome)))
        else:
            answers[name] = outcome
    return answers, tuple(failures)


def _matrix(outcome: Matrix | QueryError) -> Matrix:
    if isinstance(outcome, QueryError):
        raise outcome
    return outcome


def _ahead(executor: Executor, work: Callable[[str], Spooled], names: Iterable[str], most: int) -> Iterator[Spooled]:
    """What becomes of each name, in their order; never more than `most` are under way beside the one taken."""
    waiting: deque[Future[Spooled]] = deque()
    for name in names:
        waiting.append(executor.submit(work, name))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
