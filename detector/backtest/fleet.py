"""Replays a Prometheus's past through the detector, and keeps the alerts that it would have sent."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self

import numpy as np

from detector.clients.matrix import Grid
from detector.clients.prometheus import MAX_SAMPLES
from detector.history.ask import Histories
from detector.history.spool import Spool
from detector.incidents.episodes import left_out
from detector.incidents.incident import Identity, Incident
from detector.learning.fitting import fit_each
from detector.learning.refit import Plan, grids
from detector.model import Floats, Seconds, SeriesKey, Signal
from detector.pull import Puller
from detector.watch import Knowledge, Step, Terms, refitted, step
from toolkit.progress import Follower

MOST_COLUMNS = 240  # asked for at once: of few series, hours
LEAST_COLUMNS = 10
SHOWN = ("observed", "expected", "lower", "upper")


@dataclass(slots=True)
class Told:
    """An alert that would have been sent.

    Attributes:
        incident: as it was when it was first told.
        told_at: when that was.
        ended_at: when its end was told, None where it still fires.
    """

    incident: Incident
    told_at: Seconds
    ended_at: Seconds | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """One series over a while: what was observed and what was usual, in the signal's unit; each of shape (columns,)."""

    times: Floats
    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats


class Record:
    """What was observed and expected of every series, on disk."""

    def __init__(self, grid: Grid, spools: tuple[Spool, ...]) -> None:
        self._grid = grid
        self._spools = spools

    @classmethod
    def opened(cls, grid: Grid, folder: Path, closing: ExitStack) -> Self:
        """Make one in nameless files of a folder. Raises OSError."""
        return cls(grid, tuple(Spool(closing.enter_context(TemporaryFile(dir=folder)), grid) for _ in SHOWN))

    def add(self, first: int, steps: list[Step]) -> None:
        """Take in some evaluations in a row. Raises OSError."""
        known: dict[SeriesKey, int] = {}
        for each in steps:
            for key in each.keys:
                known.setdefault(key, len(known))
        values = np.full((len(SHOWN), len(known), len(steps)), np.nan)
        for column, each in enumerate(steps):
            if each.scores is not None:
                rows = [known[key] for key in each.keys]
                values[:, rows, column] = [getattr(each.scores, name) for name in SHOWN]
        for spool, array in zip(self._spools, values, strict=True):
            spool.add(first, dict(zip(known, array, strict=True)))

    def course(self, key: SeriesKey, begin: Seconds, end: Seconds) -> Course:
        """One series between two times. Raises KeyError: it was never seen."""
        times = self._grid.start + self._grid.step * np.arange(self._grid.columns, dtype=np.float64)
        chosen = (times >= begin) & (times <= end)
        return Course(times[chosen], *(spool.read((key,))[0][chosen].astype(np.float64) for spool in self._spools))


@dataclass(frozen=True, slots=True)
class Past:
    """How to live through it: `folder` holds what waits to be learnt from."""

    puller: Puller
    histories: Histories
    signals: tuple[Signal, ...]
    plan: Plan
    terms: Terms
    folder: Path


@dataclass(slots=True)
class _Diary:
    told: dict[Identity, Told] = field(default_factory=dict)
    over: list[Told] = field(default_factory=list)

    def enter(self, knowledge: Knowledge) -> None:
        active = {incident.identity: incident for incident in knowledge.book.active()}
        for identity in self.told.keys() - active.keys():
            ended = self.told.pop(identity)
            ended.ended_at = knowledge.evaluated_at
            self.over.append(ended)
        for identity in active.keys() - self.told.keys():
            self.told[identity] = Told(active[identity], knowledge.evaluated_at)

    def all(self) -> list[Told]:
        return sorted([*self.over, *self.told.values()], key=lambda told: (told.told_at, told.incident.identity))


def relive(past: Past, grid: Grid, record: Record, progress: Follower) -> list[Told]:
    """Return the alerts that the evaluations of a grid would have led to, by the time of their first telling.

    What is known at each moment is what was known then: history up to it, learned again as often as the plan says.

    Args:
        progress: told the share that is done.

    Raises:
        QueryError: Prometheus gave no usable answer.
        OSError: the folder cannot be used.
    """
    knowledge, diary = Knowledge(told_at=grid.start - grid.step), _Diary()
    first, learnt_at = 0, -np.inf
    while first < grid.columns:
        part = _part(grid, first, knowledge)
        if part.start - learnt_at >= past.plan.interval:
            knowledge, learnt_at = (
                _learnt(past, knowledge, part.start, partial(progress, first / grid.columns)),
                part.start,
            )
        seen = past.puller.observe(part)
        steps = []
        for column in range(part.columns):
            steps.append(step(knowledge, seen, column, past.terms))
            knowledge = steps[-1].knowledge
            diary.enter(knowledge)
        record.add(first, steps)
        first += part.columns
        progress(first / grid.columns)
    return diary.all()


def _part(grid: Grid, first: int, knowledge: Knowledge) -> Grid:
    """The next evaluations, as many as Prometheus answers at once for so many series."""
    series = 0 if knowledge.baselines is None else len(knowledge.baselines.keys)
    columns = LEAST_COLUMNS if not series else max(LEAST_COLUMNS, min(MOST_COLUMNS, MAX_SAMPLES // series))
    return Grid(grid.start + first * grid.step, grid.step, min(columns, grid.columns - first))


def _learnt(past: Past, knowledge: Knowledge, now: Seconds, doing: Callable[[str], None]) -> Knowledge:
    plan = past.plan
    doing("asking for history")
    before, recent = grids(plan, now - 1.0)
    found = past.histories.all(before, past.folder, recent)
    histories = (left_out(history, knowledge.episodes) for history in found)
    baselines = fit_each(
        histories, past.signals, plan.evaluation, plan.pool, lambda series: doing(f"{series} series learnt")
    )
    return refitted(knowledge, baselines)
