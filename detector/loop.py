"""The detector's loop: evaluates at each time of the grid, fits at intervals, and notifies every Alertmanager."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from detector.chronicle import Chronicle
from detector.clients.listener import Listener
from detector.clients.matrix import Grid
from detector.clients.notifier import Notifier
from detector.clients.prometheus import QueryError
from detector.clock import Clock, floor_to
from detector.history.precedence import Precedence
from detector.incidents.episodes import within
from detector.incidents.feedback import heard
from detector.incidents.incident import Book, Identity
from detector.incidents.lifecycle import PROMETHEUS, see
from detector.incidents.payload import Sender
from detector.learning.refit import Refitter
from detector.metrics import Metrics, Snapshot
from detector.model import Seconds
from detector.pull import Asked, Observations, Puller
from detector.state import Store
from detector.watch import Knowledge, Step, Terms, refitted, rewound, step
from toolkit.memory import give_back

log = logging.getLogger(__name__)

CATCH_UP_COLUMNS = 60  # evaluations made up for after a pause; what is older has no one to be told of it
WARM_UP_COLUMNS = 30  # evaluations replayed for the checks' memory when there is none
MEMORY_EVERY_SECONDS = 300.0
HEAR_SECONDS = 60.0
LATE_INTERVALS = 3  # without an evaluation for so long, the detector is not ready
SERIOUS_FAILURES = 3
LOOK_AGAIN_SECONDS = 0.05  # for answers that are under way


@dataclass(frozen=True, slots=True)
class Timing:
    """In seconds: between evaluations, between repeats of alerts, and how long scrapes may take to land."""

    interval: Seconds
    resend: Seconds
    delay: Seconds


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop works with; `history` is how far back it learns from, `history_step` the resolution of that."""

    puller: Puller
    precedence: Precedence
    refitter: Refitter
    chronicle: Chronicle
    listener: Listener
    notifier: Notifier
    sender: Sender
    store: Store
    metrics: Metrics
    terms: Terms
    timing: Timing
    history: Seconds
    history_step: Seconds


class Detector:
    """Its state changes only in `tick`, which one thread calls and which waits for nobody.

    While Prometheus takes its time, firing alerts are sent again all the same: else they would expire.
    """

    def __init__(self, parts: Parts, now: Seconds) -> None:
        self._parts = parts
        self._knowledge = parts.store.load()
        self._asked: Asked | None = None
        self._asked_at = 0.0  # by a clock of its own, that no one sets
        self._failures = 0
        self._retry_at = 0.0
        self._sent_at = self._heard_at = 0.0
        self._saved_at = now
        self._sighted_at = now  # when Prometheus last gave a usable answer
        self._reason = "no evaluation yet"
        self._unread: frozenset[str] = frozenset()
        self._callees: Mapping[str, frozenset[str]] = {}
        self._ended: dict[Identity, Seconds] = {}  # since when the end of an incident is known
        if self._knowledge.baselines is not None:
            parts.refitter.postpone(now, self._knowledge.baselines)

    def run(self, clock: Clock) -> None:
        """Work until the clock says stop."""
        while True:
            try:
                self.tick(clock.now())
            except Exception:  # the one place where anything is survived
                log.exception("evaluation failed unexpectedly")
                self._parts.metrics.failures.inc()
                self._retry_at = clock.now() + self._parts.timing.interval
            now = clock.now()
            self._give_room(now)
            if not clock.wait_until(self.next_at(now)):
                return

    def next_at(self, now: Seconds) -> Seconds:
        """When to call `tick` again."""
        timing = self._parts.timing
        if self._asked is not None:
            return now + LOOK_AGAIN_SECONDS
        due = self._next_evaluation() + timing.delay
        wake = min(max(due, self._retry_at), self._sent_at + timing.resend)
        soonest = now + min(1.0, timing.interval / 4)
        if self._parts.refitter.running:
            return min(wake, soonest) if wake > now else soonest
        return max(wake, soonest)

    def _give_room(self, now: Seconds) -> None:
        """Say how much time there is for what can wait."""
        due = max(self._next_evaluation() + self._parts.timing.delay, self._retry_at)
        if self._asked is None:
            self._parts.precedence.expect(due - now if self._can_judge() else math.inf)

    def tick(self, now: Seconds) -> None:
        """Do all that is due."""
        before = self._knowledge.book
        newest = floor_to(now - self._parts.timing.delay, self._parts.timing.interval)
        self._heed_clock(newest)
        self._learn(now)
        self._hear(now)
        if self._asked is None and self._is_due(newest, now):
            self._ask(newest)
        if self._asked is not None and self._asked.answered:
            self._evaluate(self._asked, now)
        self._inquire()
        changed = _seen_of(before) != _seen_of(self._knowledge.book)
        if changed or now - self._sent_at >= self._parts.timing.resend:
            self._tell(now)

    def not_ready(self, now: Seconds) -> list[str]:
        """Why the detector cannot do its work; nothing where it can."""
        reasons = []
        timing = self._parts.timing
        late = now - self._knowledge.evaluated_at > LATE_INTERVALS * timing.interval + timing.delay
        if late or self._failures >= SERIOUS_FAILURES:
            reasons.append(f"evaluation: {self._reason or 'late'}")
        for url, tally in self._parts.notifier.tallies().items():
            if tally.failing >= SERIOUS_FAILURES:
                reasons.append(f"Alertmanager {url}: {tally.failing} attempts failed in a row")
        return reasons

    def close(self) -> None:
        """Leave everything on disk; alerts stay as they are, for the next detector goes on with them."""
        self._parts.precedence.expect(math.inf)
        self._parts.refitter.close()
        self._save_memory()
        self._save_book()

    def _next_evaluation(self) -> Seconds:
        return self._knowledge.evaluated_at + self._parts.timing.interval

    def _is_due(self, newest: Seconds, now: Seconds) -> bool:
        """Whether there is something to evaluate; until the first fit has ended there is nothing to judge by."""
        return newest > self._knowledge.evaluated_at and now >= self._retry_at and self._can_judge()

    def _can_judge(self) -> bool:
        return self._knowledge.baselines is not None or not self._parts.refitter.running

    def _heed_clock(self, newest: Seconds) -> None:
        """A clock that was set back must not stop evaluations until it has caught up."""
        ahead = max(self._knowledge.evaluated_at, self._knowledge.told_at) - newest
        if ahead <= self._parts.timing.interval:
            return
        log.warning("the clock went back", extra={"seconds": ahead})
        self._knowledge = rewound(self._knowledge, newest - self._parts.timing.interval)
        self._asked = None  # about a time that is yet to come
        self._retry_at = self._sent_at = 0.0
        self._saved_at, self._sighted_at = min(self._saved_at, newest), min(self._sighted_at, newest)
        self._ended = {identity: min(known, newest) for identity, known in self._ended.items()}
        self._parts.refitter.hurry()

    def _learn(self, now: Seconds) -> None:
        self._parts.refitter.start_if_due(now, self._knowledge.episodes)
        fitted = self._parts.refitter.take(now)
        if fitted is None:
            return
        if fitted.failure:
            self._parts.metrics.fit_failures.inc()
            log.warning("history not read", extra={"reason": fitted.failure})
            return
        episodes = within(self._knowledge.episodes, now - self._parts.history)
        self._knowledge = replace(refitted(self._knowledge, fitted.baselines), episodes=episodes)
        self._parts.metrics.fits.inc()
        series = 0 if fitted.baselines is None else len(fitted.baselines.keys)
        log.info("baselines fitted", extra={"series": series})
        self._save(self._parts.store.save_baselines)
        give_back()

    def _hear(self, now: Seconds) -> None:
        before = self._knowledge.feedback
        feedback = heard(before, self._parts.listener.take(), now)
        if feedback.keys() != before.keys():
            self._knowledge = replace(self._knowledge, feedback=feedback)
            changed = {"said": len(feedback.keys() - before.keys()), "taken_back": len(before.keys() - feedback.keys())}
            log.info("false alarms reported", extra=changed)
        if abs(now - self._heard_at) >= HEAR_SECONDS:  # also after the clock was set back
            self._heard_at = now
            self._parts.listener.ask()

    def _ask(self, newest: Seconds) -> None:
        self._parts.precedence.begin()
        self._asked_at = time.monotonic()
        self._asked = self._parts.puller.ask(self._grid(newest))

    def _inquire(self) -> None:
        """Find out what was going on around incidents; what has come is told at once, while people are first told."""
        chronicle, knowledge = self._parts.chronicle, self._knowledge
        chronicle.ask(knowledge.book, self._callees, knowledge.evaluated_at)
        self._knowledge = replace(knowledge, book=chronicle.take(knowledge.book))

    def _evaluate(self, asked: Asked, now: Seconds) -> None:
        self._asked = None
        try:
            seen = self._parts.puller.read(asked)
            last = self._newest_of(seen, asked.grid)
        except QueryError as error:
            self._failed(error, now)
            return
        finally:
            self._parts.metrics.evaluation_seconds.observe(time.monotonic() - self._asked_at)
        self._succeeded(seen, last, now)

    def _grid(self, newest: Seconds) -> Grid:
        """All evaluations since the last one, or those that bring the checks' memory up to date."""
        interval, known = self._parts.timing.interval, self._knowledge.evaluated_at
        most = CATCH_UP_COLUMNS if known else WARM_UP_COLUMNS
        missed = round((newest - known) / interval)
        columns = max(1, min(most, missed))
        return Grid(newest - (columns - 1) * interval, interval, columns)

    def _newest_of(self, seen: Observations, grid: Grid) -> Step:
        """Evaluate every column; only the newest is kept, for each is as large as all that is known."""
        if not self._knowledge.told_at:
            # A first look tells of what is, not of what was while nobody watched.
            self._knowledge = replace(self._knowledge, told_at=grid.end - grid.step)
        for column in range(grid.columns):
            newest = step(self._knowledge, seen, column, self._parts.terms)
            self._knowledge = newest.knowledge
        return newest

    def _failed(self, error: QueryError, now: Seconds) -> None:
        self._failures += 1
        self._reason = f"Prometheus gives no usable answer: {error}"
        self._retry_at = now + min(2.0 ** (self._failures - 1), self._parts.timing.interval)
        self._parts.metrics.failures.inc()
        if self._failures == 1:  # said once, and once more when it is over: the metrics count the rest
            log.warning("evaluation failed", extra={"reason": str(error)})
        # While Prometheus is silent the exporters stay as they were seen last.
        unseen = {name: incident.starts_at for name, incident in self._knowledge.book.sights.items()}
        unseen.setdefault(PROMETHEUS, self._sighted_at)
        self._see(unseen, floor_to(now, self._parts.timing.interval))

    def _see(self, unseen: Mapping[str, Seconds], at: Seconds) -> None:
        book = see(self._knowledge.book, unseen, at, self._parts.terms.rules)
        self._knowledge = replace(self._knowledge, book=book)

    def _succeeded(self, seen: Observations, last: Step, now: Seconds) -> None:
        if self._failures:
            log.info("evaluations go on", extra={"failures": self._failures})
        self._failures, self._retry_at, self._sighted_at, self._reason = 0, 0.0, now, ""
        self._callees = seen.callees
        self._see(self._knowledge.sight.unseen(self._knowledge.evaluated_at), self._knowledge.evaluated_at)
        unread = frozenset(failure.signal for failure in seen.failures)
        for failure in seen.failures:
            if failure.signal not in self._unread:
                log.warning("signal not read", extra={"signal": failure.signal, "reason": failure.reason})
        self._unread = unread
        self._count(last)
        self._parts.metrics.snapshot = Snapshot(
            keys=last.keys,
            scores=last.scores,
            baselines=self._knowledge.baselines,
            hidden=last.hidden,
            feedback=self._knowledge.feedback,
            book=self._knowledge.book,
            evaluated_at=self._knowledge.evaluated_at,
            step=self._parts.history_step,
        )
        self._save_book()
        if now - self._saved_at >= MEMORY_EVERY_SECONDS:
            self._saved_at = now
            self._save_memory()

    def _count(self, last: Step) -> None:
        metrics = self._parts.metrics
        metrics.evaluations.inc()
        if last.skipped:
            metrics.skipped.labels("limit").inc(last.skipped)
        metrics.suppressed.labels("coverage").inc(last.withheld)
        if last.scores is not None:
            learning = np.isfinite(last.scores.observed) & np.isnan(last.scores.score)
            metrics.suppressed.labels("learning").inc(int(learning.sum()))
        flapping = metrics.suppressed.labels("flapping")
        flapping.inc(max(0, self._knowledge.book.flaps - metrics.snapshot.book.flaps))

    def _tell(self, now: Seconds) -> None:
        self._sent_at = now
        book = self._knowledge.book
        active = {one.identity for one in book.active()}
        ended = [one.identity for one in book.resolved if one.identity not in active]
        self._ended = {identity: self._ended.get(identity, now) for identity in ended}
        self._parts.notifier.send(self._parts.sender.alerts(book, self._ended, now))
        self._parts.metrics.snapshot = replace(self._parts.metrics.snapshot, book=self._knowledge.book)

    def _save_book(self) -> None:
        self._save(self._parts.store.save_book)

    def _save_memory(self) -> None:
        self._save(self._parts.store.save_memory)

    def _save(self, write: Callable[[Knowledge], None]) -> None:
        try:
            write(self._knowledge)
        except OSError as error:
            log.error("state not saved", extra={"reason": str(error)})


def _seen_of(book: Book) -> set[tuple[Identity, bool]]:
    """What people are to be told of at once: who fires, and whether it is known what was going on."""
    return {(one.identity, one.background is not None) for one in book.active()}
