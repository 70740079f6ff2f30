"""Finds out what was going on around incidents, beside the evaluations."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import numpy as np

from detector.clients.matrix import Grid, Matrix
from detector.clients.prometheus import Prometheus, QueryError
from detector.incidents.background import (
    BEFORE_SECONDS,
    MOST_SERVICES,
    Background,
    Change,
    changes_query,
    rises,
)
from detector.incidents.explanation import only_service
from detector.incidents.incident import Book, Identity, Incident, Phase
from detector.model import Seconds

log = logging.getLogger(__name__)

MOST_STEP_SECONDS = 60.0
AGAIN_SECONDS = 300.0  # how long what is foretold stays as it was said
MOST_LEFT_SECONDS = 7 * 86_400.0  # what an hour's pace says of later is of no use to anybody
MOST_AT_ONCE = 10  # incidents asked about in a round: when everything breaks, that is not what Prometheus is needed for


@dataclass(frozen=True, slots=True)
class _Question:
    """About one incident: when it was opened, whose changes matter, and PromQL of the seconds that are left."""

    identity: Identity
    opened_at: Seconds
    services: tuple[str, ...]
    remaining: str
    known: Background | None


class Chronicle:
    """One round at a time."""

    def __init__(
        self, prometheus: Prometheus, executor: Executor, remaining: Mapping[str, str], interval: Seconds
    ) -> None:
        """`remaining` is PromQL of the seconds left until a limit, by signal; `interval` is between evaluations."""
        self._prometheus = prometheus
        self._executor = executor
        self._remaining = remaining
        self._step = min(interval, MOST_STEP_SECONDS)
        self._failing = False
        self._at = 0.0
        self._asked: Future[dict[Identity, Background]] | None = None

    def ask(self, book: Book, callees: Mapping[str, frozenset[str]], at: Seconds) -> None:
        """Begin a round about what is not known yet, once for each evaluation, whose time is `at`."""
        if self._asked is None and at != self._at:
            self._at = at
            questions = [one for incident in book.services.values() for one in self._questions(incident, callees, at)]
            if questions:
                self._asked = self._executor.submit(self._round, questions[:MOST_AT_ONCE], at)

    def take(self, book: Book) -> Book:
        """The book with what was found out since the last call."""
        if self._asked is None or not self._asked.done():
            return book
        ended, self._asked = self._asked, None
        found = ended.result()
        services = {
            name: replace(incident, background=found.get(incident.identity, incident.background))
            for name, incident in book.services.items()
        }
        return replace(book, services=services) if found else book

    def _questions(self, incident: Incident, callees: Mapping[str, frozenset[str]], at: Seconds) -> Iterable[_Question]:
        known, name = incident.background, incident.identity.service_name
        left = [self._remaining[one.key.signal] for one in incident.findings if one.key.signal in self._remaining]
        if known is not None and not (left and at - known.asked_at >= AGAIN_SECONDS):
            return
        if incident.phase is Phase.FIRING:
            services = (name, *sorted(callees.get(name, ())))[:MOST_SERVICES]
            yield _Question(incident.identity, incident.phase_at, services, left[0] if left else "", known)

    def _round(self, questions: Sequence[_Question], at: Seconds) -> dict[Identity, Background]:
        try:
            found = {question.identity: self._background(question, at) for question in questions}
        except QueryError as error:
            if not self._failing:  # said once: it is asked again after each evaluation
                log.warning("changes not read", extra={"reason": str(error)})
            self._failing = True
            return {}
        self._failing = False
        return found

    def _background(self, question: _Question, at: Seconds) -> Background:
        changes = self._changes(question) if question.known is None else question.known.changes
        left = np.inf
        if question.remaining:
            narrowed = only_service(question.remaining, question.identity.service_name)
            left = float(np.min(self._prometheus.query(narrowed, at).values, initial=np.inf))
        return Background(at, changes, float(at + left) if left <= MOST_LEFT_SECONDS else np.nan)

    def _changes(self, question: _Question) -> tuple[Change, ...]:
        columns = int(BEFORE_SECONDS // self._step) + 1
        grid = Grid(question.opened_at - (columns - 1) * self._step, self._step, columns)
        matrix = self._prometheus.query_range(changes_query(question.services), grid)
        return tuple(sorted(_read(matrix), key=lambda change: (change.at, change.service_name, change.kind)))


def _read(matrix: Matrix) -> Iterable[Change]:
    for labels, counts in zip(matrix.labels, matrix.values, strict=True):
        for column in rises(counts):
            at = matrix.grid.start + column * matrix.grid.step
            yield Change(labels.get("service_name", ""), labels.get("change", ""), at)
