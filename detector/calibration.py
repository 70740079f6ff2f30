"""Replays history through the very checks that judge live points, to learn how they behave when nothing is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detector.baselines.arrays import Baselines, ModelState
from detector.baselines.choose import Learnt, clean
from detector.baselines.days import read_days
from detector.baselines.grid import DAY, read_hours
from detector.baselines.portions import portions
from detector.baselines.robust import median
from detector.baselines.seasonal import residuals
from detector.baselines.stabilise import forward, is_nothing
from detector.checks import CHECKS, FLATLINE, SPREAD, Memory, Point, empty_memory, observe
from detector.checks.counted import by_chance
from detector.checks.hold import REMEMBERED, agreed, second_of_three
from detector.checks.late import longest_pause
from detector.checks.limits import BLOCK_SECONDS, Tails, closer, tails
from detector.checks.overrun import longest_usual
from detector.checks.sides import COLUMNS, split
from detector.checks.statistics import MOST_ELAPSED_SECONDS
from detector.endurance import stands_for
from detector.likeness.traits import traits_of
from detector.model import Floats, History, columns_of, of_rows

# The first day of history places level and smoothed values, and is not judged.
SETTLE_SECONDS = DAY
# How much of a coarse history is looked at as closely as it is evaluated, too.
RECENT_SECONDS = 3 * DAY
# Of closer samples this is enough: long smoothed values begin where the days around them lie.
RECENT_SETTLE_SECONDS = 4 * 3600.0
# Columns prepared at a time: bounds memory, and is quick enough.
PREPARED = 144
# Columns of what counts neighbouring points: restlessness and standstill.
NEIGHBOURS = [SPREAD - len(CHECKS), FLATLINE - len(CHECKS)]
# History coarser than this many evaluations cannot tell how neighbouring points agree.
COARSE = 1.5


class _Column(NamedTuple):
    """One moment of history, as `Point` names it."""

    at: float
    observed: Floats
    stable: Floats
    usual: Floats
    spread: Floats
    quiet: Floats
    visible: npt.NDArray[np.bool_]
    counts: Floats | None


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What a replay of history leaves.

    Attributes:
        memory: at history's end.
        maxima: the greatest of each statistic in each block, as alerts are held to it; shape (series, COLUMNS, blocks).
        silences: the greatest evidence of silence in each block, of single points too; shape (series, blocks).
    """

    memory: Memory
    maxima: Floats
    silences: Floats


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Baselines whose profiles lie at the level that history ended with, and the tails of their checks."""

    baselines: Baselines
    tails: Tails


def calibrate(learnt: Learnt, step: float) -> Calibrated:
    """Replay history and describe the tails of each check's statistic.

    Every week is judged by what the others say of it, so a profile cannot explain its own noise.

    Args:
        learnt: baselines and their history.
        step: seconds between evaluations to come. History that is coarser cannot tell how neighbouring points agree:
            then single points stand for agreeing ones, and what counts neighbours has no limit.
    """
    baselines = learnt.baselines
    spacing = float(learnt.times[1] - learnt.times[0]) if len(learnt.times) > 1 else step
    replayed = _replay(learnt, spacing, step)
    found = tails(replayed.maxima, replayed.silences, *_schedules(learnt), spacing)
    if learnt.recent is not None:
        recent = _replay(learnt.recent, step, step, RECENT_SETTLE_SECONDS)
        found = closer(found, replayed.maxima, recent.maxima, NEIGHBOURS)
    start = found.start.copy()
    if learnt.recent is None and spacing > COARSE * step:
        start[:, NEIGHBOURS] = np.nan
    start[baselines.models == ModelState.LEARNING] = np.nan
    seasonal = baselines.models == ModelState.SEASONAL
    # The replay's level is where history ended; the profile lies around it as it lay around the trend's last value.
    centre = baselines.centre - learnt.trend + replayed.memory.level
    centre = np.where(seasonal, centre, baselines.centre)
    fitted = replace(baselines, centre=centre, traits=traits_of(learnt).astype(np.float32))
    return Calibrated(fitted, replace(found, start=start))


def _replay(learnt: Learnt, spacing: float, step: float, settle: float = SETTLE_SECONDS) -> _Replayed:
    """Judge history's columns one after another, but for those within `settle` seconds of the first."""
    baselines, times = learnt.baselines, learnt.times
    held = spacing <= COARSE * step
    judged = times >= times[0] + settle
    block = (np.cumsum(judged) - 1) // max(1, round(BLOCK_SECONDS / spacing))
    series = len(baselines.models)
    maxima = np.full((max(int(block[-1]) + 1, 1), series, COLUMNS), np.nan)
    silences = np.full(maxima.shape[:2], np.nan)
    before = np.zeros((REMEMBERED, series, COLUMNS))
    memory, agility = _settled(learnt), baselines.agility.astype(np.float64)
    young, reach, each = np.full(series, -1), baselines.reach, stands_for(learnt, spacing, step)
    for column, now in enumerate(_columns(learnt)):
        spread = now.spread
        if now.counts is not None:
            spread = np.maximum(spread, by_chance(now.usual[:, 0] + memory.centre(reach), now.counts))
        point = Point(
            *(now.at, spacing, now.observed, now.stable, now.usual, baselines.scales, spread, agility),
            *(reach, now.quiet, now.visible, young),
            each,
        )
        result = observe(memory, point)
        memory = result.memory
        newest = split(result.statistics, baselines.bad)
        earlier = np.moveaxis(before, 0, -1)
        lasting = _lasting(earlier, newest, step, baselines.durations) if held else _apart(earlier, newest)
        before = np.concatenate([before[1:], np.where(np.isnan(newest), 0.0, newest)[None]])
        if judged[column]:
            into, silent = maxima[block[column]], silences[block[column]]
            np.fmax(into, np.where(np.isnan(newest), np.nan, lasting), out=into)
            np.fmax(silent, newest[:, -1], out=silent)
    return _Replayed(memory, np.moveaxis(maxima, 0, -1), silences.T)


def _lasting(before: Floats, newest: Floats, step: float, durations: npt.NDArray[np.bool_]) -> Floats:
    """Return what alerts are held to: of silence two of three, of all else what enough agree on; as `newest`."""
    lasting = agreed(before, newest, step, durations)
    lasting[:, -1] = second_of_three(before[:, -1], newest[:, -1])
    return lasting


def _schedules(learnt: Learnt) -> tuple[Floats, Floats]:
    """Return after how many seconds at work, and at rest, series are too long at it, where that does any harm."""
    longest, pauses, times = [], [], learnt.times
    for rows in portions(len(learnt.trend)):
        values = clean(of_rows(learnt.history, rows))
        busy, known = ~is_nothing(values, learnt.baselines.offsets[rows, None]), np.isfinite(values)
        longest.append(longest_usual(busy, known, times, MOST_ELAPSED_SECONDS))
        pauses.append(longest_pause(busy, known, times, MOST_ELAPSED_SECONDS))
    bad = learnt.baselines.bad
    return (
        np.where(bad < 0, np.inf, np.concatenate(longest)),
        np.where(bad > 0, np.inf, np.concatenate(pauses)),
    )


def _apart(before: Floats, newest: Floats) -> Floats:
    """Return what points count that lie too far apart to agree: of silence nothing at a single one; as `newest`.

    What was missing at one look only, as where a scrape failed, may have been there right before and after it.
    """
    lasting = newest.copy()
    lasting[:, -1] = np.where(before[:, -1, -1] > 0, newest[:, -1], 0.0)
    return lasting


def _settled(learnt: Learnt) -> Memory:
    """Return memory whose level is that of the first day of each series."""
    levels = [_first_day(learnt, rows) for rows in portions(len(learnt.trend))]
    return replace(empty_memory(len(learnt.trend)), level=np.concatenate(levels))


def _first_day(learnt: Learnt, rows: slice) -> Floats:
    """Return the usual distance of some series from their seasons on the first day of each; shape (rows,)."""
    scales, times = learnt.baselines.scales, learnt.times
    stable = forward(clean(of_rows(learnt.history, rows)), scales.rows(rows))
    begin = times[np.argmax(np.isfinite(stable), axis=1)]
    within = (times >= begin[:, None]) & (times < begin[:, None] + SETTLE_SECONDS)
    rest = residuals(stable, times, learnt.left_out[rows], learnt.week_of)
    return np.nan_to_num(median(np.where(within, rest, np.nan), 1))


def _columns(learnt: Learnt) -> Iterator[_Column]:
    """Yield history's columns with what is expected of each by the other weeks."""
    baselines, history, times = learnt.baselines, learnt.history, learnt.times
    begun = np.zeros(len(history.keys), np.bool_)
    for begin in range(0, len(times), PREPARED):
        for week in np.unique(learnt.week_of[begin : begin + PREPARED]):
            columns = begin + np.flatnonzero(learnt.week_of[begin : begin + PREPARED] == week)
            some = columns_of(history, columns)
            values = clean(some)
            visible = _visible(some, values, baselines.silence, begun)
            stable = forward(values, baselines.scales)
            days = read_days(learnt.left_out[:, week], times[columns])
            spread, quiet = (read_hours(daily, times[columns]) for daily in (baselines.spread, baselines.quiet))
            for place, column in enumerate(columns):
                yield _Column(
                    float(times[column]),
                    values[:, place],
                    stable[:, place],
                    days[:, place],
                    spread[:, place],
                    quiet[:, place],
                    visible[:, place],
                    None if some.counts is None else some.counts[:, place].astype(np.float64),
                )


def _visible(
    history: History, values: Floats, silence: npt.NDArray[np.bool_], begun: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return where it is told what series were, or that they were not; `begun` is which had a sample, and is kept so.

    Only of those whose silence says something is a missing sample told, from their first one on.
    """
    known = np.isfinite(values)
    since = np.maximum.accumulate(known, axis=1) | begun[:, None]
    begun |= known.any(axis=1)
    visible = np.where(silence[:, None], since, known)
    return visible if history.unlearnt is None else visible & ~history.unlearnt
