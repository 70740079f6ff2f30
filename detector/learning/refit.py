"""Learns what is usual from history, beside the evaluations."""

import logging
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from detector.baselines import Baselines, ModelState
from detector.calibration import COARSE, RECENT_SECONDS
from detector.clients.matrix import Grid
from detector.clients.prometheus import QueryError
from detector.clock import floor_to
from detector.coverage.presence import lasting
from detector.history.ask import Histories
from detector.incidents.episodes import Episodes, left_out
from detector.learning.fitting import fit_each
from detector.learning.pools import Pool
from detector.model import Seconds, Signal

log = logging.getLogger(__name__)

YOUNG_SECONDS = 1800.0  # between fits while there are series that know little of themselves
YOUNG_SERIES = 20_000  # with more, learning again that often would cost more than it gives
RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to learn from, in seconds: how far back, at what resolution, for evaluations how far apart, how often.

    `pool` is where; None: in this process.
    """

    duration: Seconds
    step: Seconds
    evaluation: Seconds
    interval: Seconds
    pool: Pool | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learnt; no baselines where there was no history. `failure` is why nothing could be."""

    baselines: Baselines | None
    failure: str


def grids(plan: Plan, until: Seconds) -> tuple[Grid, Grid | None]:
    """Return at what times history is asked for, and its newest at the evaluations' steps if it is coarser."""
    whole = _grid(until, plan.step, plan.duration)
    if plan.step <= COARSE * plan.evaluation:
        return whole, None
    return whole, _grid(until, plan.evaluation, min(RECENT_SECONDS, plan.duration))


def _grid(until: Seconds, step: Seconds, span: Seconds) -> Grid:
    columns = max(1, int(span // step))
    return Grid(floor_to(until, step) - (columns - 1) * step, step, columns)


class Refitter:
    """Fits at the same times and on the same grid in every detector, one fit at a time."""

    def __init__(
        self, histories: Histories, signals: tuple[Signal, ...], plan: Plan, executor: Executor, folder: Path
    ) -> None:
        """`folder` holds what has come of the history until it is learnt from; it is made when needed."""
        self._folder = folder
        self._histories = histories
        self._signals = signals
        self._plan = plan
        self._executor = executor
        self._running: Future[Fitted] | None = None
        self._due_at = 0.0

    @property
    def running(self) -> bool:
        """Whether a fit is under way or waits to be taken."""
        return self._running is not None

    def postpone(self, now: Seconds, baselines: Baselines) -> None:
        """Take baselines of an earlier detector for new enough."""
        self._due_at = self._next(now, baselines)

    def hurry(self) -> None:
        """Fit at the next occasion: the clock by which the next fit was due is not to be trusted."""
        self._due_at = 0.0

    def close(self) -> None:
        """End a fit under way soon, whose outcome nobody takes any more."""
        self._histories.close()

    def start_if_due(self, now: Seconds, episodes: Episodes) -> None:
        """Begin a fit if it is time for one; nothing is learnt from the episodes."""
        if self._running is None and now >= self._due_at:
            self._running = self._executor.submit(self._fit, now, episodes)

    def take(self, now: Seconds) -> Fitted | None:
        """The outcome of a fit that has ended since the last call."""
        if self._running is None or not self._running.done():
            return None
        ended, self._running = self._running, None
        self._due_at = now + RETRY_SECONDS
        fitted = ended.result()
        if not fitted.failure:
            self._due_at = self._next(now, fitted.baselines)
        return fitted

    def _next(self, now: Seconds, baselines: Baselines | None) -> Seconds:
        young = baselines is None or (
            len(baselines.keys) <= YOUNG_SERIES and bool((baselines.models == ModelState.LEARNING).any())
        )
        interval = min(YOUNG_SECONDS, self._plan.interval) if young else self._plan.interval
        return floor_to(now, interval) + interval

    def _fit(self, now: Seconds, episodes: Episodes) -> Fitted:
        grid, recent = grids(self._plan, now)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            histories = self._histories.all(grid, self._folder, recent)
            usual = (left_out(lasting(history), episodes) for history in histories)
            plan = self._plan
            fitted = fit_each(usual, self._signals, plan.evaluation, plan.pool, folder=self._folder)
            return Fitted(fitted, "")
        except (QueryError, OSError) as error:
            return Fitted(None, str(error))
