"""Gathers from Prometheus what one evaluation needs, several queries at a time."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from detector.clients.matrix import Grid, Matrix, joined
from detector.clients.prometheus import Prometheus, QueryError
from detector.clock import floor_to
from detector.coverage.looks import CLASSES, callees, classes_of, look
from detector.coverage.precision import ERRORS, LOSSES
from detector.coverage.sight import EDGES, SCRAPES, SERVICES, STARTS, TARGETS, Look
from detector.model import History, Samples, Seconds, SeriesKey, Signal
from detector.novelty import Novelty
from detector.reader import Reader
from detector.recorded import Recorded
from detector.rules import rules
from detector.signals import duration, with_window

MINUTE = 60.0
REPEATED_SECONDS = 30.0  # VictoriaMetrics' -search.latencyOffset
MOST_UNANSWERED = 4  # as many as are asked at once
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


class Round:
    """The questions of an evaluation: once nobody seems to be there, the rest of them are not asked.

    A server that accepts connections and answers nothing would else take the time-out of every question.
    """

    def __init__(self) -> None:
        self._answered = False
        self._unanswered: list[QueryError] = []

    def outcome(self, ask: Callable[[], Matrix]) -> Matrix | QueryError:
        """What a question leads to."""
        if not self._answered and len(self._unanswered) >= MOST_UNANSWERED:
            return self._unanswered[0]
        try:
            found = ask()
        except QueryError as error:
            if error.reason == "transport":
                self._unanswered.append(error)
            else:
                self._answered = True
            return error
        self._answered = True
        return found


class Puller:
    """Asks for the signals and for coverage."""

    def __init__(
        self,
        prometheus: Prometheus,
        signals: Sequence[Signal],
        window: Seconds,
        executor: Executor,
        reader: Reader,
    ) -> None:
        """`executor` asks several things at a time, and `reader` says whose the answers are."""
        self._prometheus = prometheus
        self._queries = {signal.name: with_window(signal.query, window) for signal in signals}
        self._counts = {signal.name: with_window(signal.counts, window) for signal in signals if signal.counts}
        self._rare = {signal.name: signal for signal in signals if signal.every}
        self._novelties = {
            signal.name: Novelty(prometheus, signal, window, reader.wants) for signal in signals if signal.kinds
        }
        self._recorded = Recorded(prometheus, rules(signals, window))
        self._kept: dict[str, _Kept] = {}
        self._window = window
        self._executor = executor
        self._reader = reader

    def observe(self, grid: Grid) -> Observations:
        """The newest points and who can be seen, once all is answered. Raises like `read`."""
        return self.read(self.ask(grid))

    def ask(self, grid: Grid) -> Asked:
        """Begin to ask for the newest points and who can be seen."""
        most, rest = duration(0.6 * self._window), duration(0.4 * self._window)
        scrapes = with_window(SCRAPES.replace("$most", most).replace("$rest", rest), self._window)
        certainty = [with_window(query, self._window) for query in (ERRORS, LOSSES)]
        behind_them = [SERVICES, scrapes, TARGETS, STARTS, *certainty, EDGES]
        if self._recorded.is_due(grid.end):
            self._executor.submit(self._recorded.look, grid.end)
        round_ = Round()
        signals = [self._begin(name, query, grid, round_) for name, query in self._queries.items()]
        others = (*self._counts.values(), *behind_them)
        behind = [self._executor.submit(self._ask, query, grid, round_) for query in others]
        classes = self._begin_rare(CLASSES, floor_to(grid.end, CLASSES_SECONDS), round_)
        return Asked(grid, (*signals, *behind, classes))

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

    def _begin(self, name: str, query: str, grid: Grid, round_: Round) -> Future[Matrix | QueryError]:
        if name not in self._rare or grid.columns > 1:
            return self._executor.submit(self._ask, query, grid, round_)
        # By the clock, so that all detectors ask at the same times, and of different signals in different minutes.
        every = self._rare[name].every
        shift = MINUTE * self._rare[name].priority % every
        return self._begin_rare(name, floor_to(grid.end - shift, every) + shift, round_)

    def _begin_rare(self, name: str, at: Seconds, round_: Round) -> Future[Matrix | QueryError]:
        kept = self._kept.get(name)
        if kept is None or not kept.is_of(at):
            kept = self._kept[name] = _Kept(at, self._executor.submit(self._ask_rare, name, at, round_))
        return kept.outcome

    def _ask_rare(self, name: str, at: Seconds, round_: Round) -> Matrix | QueryError:
        """Ask for a signal, or for what is no signal by its query."""
        if name not in self._novelties:
            return self._ask(self._queries.get(name, name), Grid(at, 1.0, 1), round_)
        return round_.outcome(lambda: self._novelties[name].look(at))

    def _ask(self, query: str, grid: Grid, round_: Round) -> Matrix | QueryError:
        def work() -> Matrix:
            recorded = self._recorded.read(query, grid)
            return self._newest(query, grid) if recorded is None else recorded

        return round_.outcome(work)

    def _newest(self, query: str, grid: Grid) -> Matrix:
        """Ask for columns up to now."""
        single = 1 if grid.columns == 1 else repeated(grid)
        older = Grid(grid.start, grid.step, grid.columns - single)
        parts = [self._prometheus.query_range(query, older)] if older.columns else []
        times = (grid.start + column * grid.step for column in range(older.columns, grid.columns))
        parts.extend(self._prometheus.query(query, at) for at in times)
        return parts[0] if len(parts) == 1 else joined(parts, grid)

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
            rows.update(self._reader.rows(name, matrix))
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
