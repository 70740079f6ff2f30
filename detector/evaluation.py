"""One evaluation of all series: observed points and baselines in, scores and findings out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from detector.baselines.arrays import Baselines, ModelState, take
from detector.baselines.grid import read_hours
from detector.baselines.prior import LEAST_SAMPLES
from detector.baselines.stabilise import LINEAR, forward, inverse, is_nothing, usable
from detector.checks import (
    CHECKS,
    FLATLINE,
    LATE,
    OVERRUN,
    RESIDUAL,
    SILENCE,
    SPREAD,
    STEP,
    Memory,
    Point,
    empty_memory,
    observe,
)
from detector.checks.counted import by_chance
from detector.checks.hold import Held, empty_held, hold, wariness
from detector.checks.joined import JOINED_LIMIT, WEIGHTS, joined
from detector.checks.late import overdue
from detector.checks.sides import SIDED, above, below, split
from detector.coverage.precision import Doubt
from detector.model import Finding, Floats, Samples, SeriesKey, Way

# A lasting departure may be smaller than a momentary one to be worth an alert; restlessness smaller still.
# In the order of CHECKS.
LEAST_SHARES = np.array([1.0, 1.0, 0.8, 0.6, 1.0, 1.0])
LEAST_RESTLESSNESS = 0.5
WAYS = {SPREAD: Way.RESTLESS, FLATLINE: Way.STILL, OVERRUN: Way.ENDLESS, LATE: Way.LATE}
ENDLESS, UNBEGUN = OVERRUN - len(CHECKS), LATE - len(CHECKS)
# What is expected may fall short of a floor by rounding and still be as deep as it.
ROOM = 1.01
# What the memory counts from the profiles.
ANEW = ("level", "seen", "near", "stepped")
UNREACHABLE = 1e9
# What is there for less than a day may be a job that ends, unless nothing is known for much longer.
PASSING_SECONDS = 86_400.0
PASSING_SHARE = 0.5
LEAST_DEPARTURE = 1e-12
MOST_SCORE = 1e6
Remembered = TypeVar("Remembered", Memory, Held)


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of each series between evaluations; rows are those of the baselines.

    Attributes:
        keys: which series.
        memory: of the checks.
        held: of alerts.
        absent: for how long there has been no sample, not counting when none could be seen; in seconds, shape
            (series,).
    """

    keys: tuple[SeriesKey, ...]
    memory: Memory
    held: Held
    absent: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """One evaluation's numbers; each of shape (series,), in the signals' units, NaN where unknown.

    Attributes:
        score: above 1 is anomalous; NaN where there is no verdict.
        observed: as given.
        expected, lower, upper: what is usual now and its band.
        check: which check scored highest, as an index of CHECKS; shape (series,).
    """

    score: Floats
    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    check: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation gave."""

    state: State
    scores: Scores
    findings: tuple[Finding, ...]


def empty_state(keys: Sequence[SeriesKey]) -> State:
    """Return the state of series never evaluated."""
    return State(tuple(keys), empty_memory(len(keys)), empty_held(len(keys)), np.zeros(len(keys)))


def adopt(state: State, baselines: Baselines, anew: npt.NDArray[np.bool_] | None = None) -> State:
    """Carry the state over to other baselines: new series begin empty, lost ones are forgotten, alerts are kept.

    The levels start over where they were learnt `anew` (shape (series,), None: everywhere), for they are counted from
    the profiles, and the new profiles contain the one. How many samples were seen stays, unless nothing was learnt from
    them: coarse history has fewer, and who was known well enough to be judged would be so no longer.
    """
    known = {key: row for row, key in enumerate(state.keys)}
    rows = np.array([known.get(key, -1) for key in baselines.keys], dtype=np.int64)
    fresh = empty_state(baselines.keys)
    memory = _adopt(state.memory, fresh.memory, rows)
    over = np.ones(len(rows), np.bool_) if anew is None else anew
    resets = {name: over & (baselines.samples == 0) if name == "seen" else over for name in ANEW}
    levels = {
        name: np.where(reset, getattr(fresh.memory, name), getattr(memory, name)) for name, reset in resets.items()
    }
    absent = np.where(rows >= 0, state.absent[rows], 0.0) if len(state.keys) else fresh.absent
    return State(baselines.keys, replace(memory, **levels), _adopt(state.held, fresh.held, rows), absent)


def _adopt(old: Remembered, fresh: Remembered, rows: npt.NDArray[np.int64]) -> Remembered:
    kept = np.flatnonzero(rows >= 0)
    arrays = {}
    for field in fields(fresh):
        array = getattr(fresh, field.name).copy()
        array[kept] = getattr(old, field.name)[rows[kept]]
        arrays[field.name] = array
    return replace(fresh, **arrays)


def evaluate(
    baselines: Baselines,
    state: State,
    at: float,
    observed: Samples,
    visible: npt.NDArray[np.bool_] | None = None,
    tolerance: Floats | None = None,
    counts: Floats | None = None,
    doubt: Doubt | None = None,
) -> Evaluated:
    """Judge one point of every series; `baselines` have limits, `state` is of the same series in the same order.

    Args:
        at: the evaluation's time.
        observed: shape (series,), in the signals' units; NaN: there is no sample. An infinity says nothing at all.
        visible: where the series' source was seen; a missing sample elsewhere is no silence. None: everywhere.
        tolerance: shape (series,), how many times more than usual is allowed; None: no more.
        counts: shape (series,), how many events each share is of; NaN where that is unknown, None: of none known.
        doubt: how far the points may be off; None: they are exact.

    Raises:
        ValueError: state or observed are not of the baselines' series.
    """
    if state.keys != baselines.keys or observed.shape != (len(baselines.keys),):
        raise ValueError(f"{len(state.keys)} states and {observed.shape} points for {len(baselines.keys)} baselines")
    seen = _seen(observed, visible)
    point = _point(baselines, state.memory, at, usable(observed.astype(np.float64)), seen, counts)
    allowed = wariness(state.held, at) * (1.0 if tolerance is None else tolerance)
    allowed = allowed * (1.0 if doubt is None else _widened(baselines, state.memory, point, doubt))
    usual = _usual(baselines, state.memory, point, allowed)
    result = observe(state.memory, point)
    _withhold(result.statistics, baselines, state.memory, usual, point)
    departure, check = _score(baselines, usual, point, result.statistics)
    score = departure / allowed
    silent = result.statistics[:, SILENCE] >= allowed * baselines.limits[:, -1]
    scores = Scores(score, point.observed, usual.expected, usual.lower, usual.upper, check)
    uncounted = baselines.shares if counts is None else baselines.shares & np.isnan(counts)
    held = hold(state.held, score, at, silent, baselines.step, baselines.durations, uncounted)
    after = State(state.keys, result.memory, held, _absent(state.absent, point.observed, seen, baselines.step))
    return Evaluated(after, scores, _findings(baselines, after, usual, point, scores))


def _seen(observed: Samples, visible: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_]:
    """Return of which series it is told what they were, or that they were not."""
    sampled = np.isnan(observed) | np.isfinite(usable(observed.astype(np.float64)))
    return sampled if visible is None else visible & sampled


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual now: in the signals' units but for the least departures worth an alert, which are stabilised."""

    expected: Floats
    lower: Floats
    upper: Floats
    above: Floats
    below: Floats


def _withhold(statistics: Floats, baselines: Baselines, memory: Memory, usual: _Usual, point: Point) -> None:
    """Take out what says nothing: of series hardly known, and of silence where little or nothing was to be expected."""
    statistics[baselines.samples + memory.seen < LEAST_SAMPLES] = np.nan
    left = _passing(baselines, memory) & np.isnan(point.observed)
    statistics[~_busy(baselines, usual) | left, SILENCE] = np.nan


def _passing(baselines: Baselines, memory: Memory) -> npt.NDArray[np.bool_]:
    """Return which series may be there only for a while, so that it says nothing if they vanish; shape (series,)."""
    there = np.maximum(baselines.span, baselines.step * memory.seen)
    return np.asarray(there < min(PASSING_SECONDS, PASSING_SHARE * there.max(initial=0.0)))


def _absent(before: Floats, observed: Floats, seen: npt.NDArray[np.bool_], step: float) -> Floats:
    """Return for how long each series has been missing; shape (series,)."""
    return np.where(np.isfinite(observed), 0.0, np.where(seen, before + step, before))


def _point(
    baselines: Baselines,
    memory: Memory,
    at: float,
    observed: Floats,
    visible: npt.NDArray[np.bool_],
    counts: Floats | None,
) -> Point:
    now = np.array([at])
    learning = baselines.models == ModelState.LEARNING
    usual = baselines.usual(now)[:, 0]
    spread = read_hours(baselines.spread, now)[:, 0]
    if counts is not None:
        spread = np.maximum(spread, by_chance(usual[:, 0] + memory.centre(baselines.reach), counts))
    return Point(
        at=at,
        step=baselines.step,
        observed=observed,
        stable=forward(observed, baselines.scales),
        usual=usual,
        scales=baselines.scales,
        spread=spread,
        agility=baselines.agility.astype(np.float64),
        reach=baselines.reach,
        quiet=read_hours(baselines.quiet, now)[:, 0],
        # Only of some signals is a missing sample silence.
        visible=visible & (baselines.silence | np.isfinite(observed)),
        young=np.where(learning, baselines.samples.astype(np.int64), -1),
    )


def _usual(baselines: Baselines, memory: Memory, point: Point, allowed: Floats) -> _Usual:
    centre = point.usual[:, 0] + memory.centre(point.reach)
    expected = inverse(centre, baselines.scales)
    up, down = _least(baselines, expected)
    # The band ends where one point alone would be anomalous.
    width = allowed * JOINED_LIMIT / WEIGHTS[RESIDUAL] * point.spread
    upper = inverse(centre + np.maximum(width * baselines.limits[:, RESIDUAL], up), baselines.scales)
    lower = inverse(centre - np.maximum(width * baselines.limits[:, SIDED + RESIDUAL], down), baselines.scales)
    unknown = baselines.samples + memory.seen == 0
    expected, lower, upper = (np.where(unknown, np.nan, each) for each in (expected, lower, upper))
    return _Usual(expected, lower, upper, up, down)


def _widened(baselines: Baselines, memory: Memory, point: Point, doubt: Doubt) -> Floats:
    """Return how many times wider the usual deviation is with what the points may be off; shape (series,)."""
    expected = inverse(point.usual[:, 0] + memory.centre(point.reach), baselines.scales)
    stable = forward(expected, baselines.scales)
    off = forward(expected + doubt.at(expected), baselines.scales) - stable
    return np.hypot(1.0, np.nan_to_num(off) / point.spread)


def _least(baselines: Baselines, expected: Floats) -> tuple[Floats, Floats]:
    """Return the least departure worth an alert, above and below what is expected, stabilised."""
    scales, floors = baselines.scales, baselines.floors
    centre = forward(expected, scales)
    up = forward(expected + floors, scales) - centre
    down = centre - forward(expected - floors, scales)
    # A floor deeper than what is expected leaves nothing to fall to.
    deep = (baselines.codes != LINEAR) & (ROOM * expected < floors)
    return np.maximum(up, baselines.least), np.maximum(np.where(deep, UNREACHABLE, down), baselines.least)


def _score(
    baselines: Baselines, usual: _Usual, point: Point, statistics: Floats
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return each series' score, NaN without any verdict, and the check that says most; both of shape (series,)."""
    # Not cut off: of a series that never moved, a departure of any size is a huge number of tiny deviations.
    columns = np.nan_to_num(split(statistics, baselines.bad, np.inf))
    unusual = np.clip(columns / baselines.limits.astype(np.float64), 0.0, MOST_SCORE)
    # That a job nears its end agrees with nothing.
    unusual[:, ENDLESS] *= unusual[:, ENDLESS] >= 1.0
    unusual[:, UNBEGUN] = overdue(columns[:, UNBEGUN], baselines.limits[:, UNBEGUN].astype(np.float64))
    # Rounding may leave nothing of a floor under a large number: then anything matters.
    up, down = np.maximum(usual.above, LEAST_DEPARTURE), np.maximum(usual.below, LEAST_DEPARTURE)
    restless = columns[:, SPREAD - len(CHECKS)] * point.spread / (LEAST_RESTLESSNESS * up)
    sides = []
    for side, least in ((above, up), (below, down)):
        ratios = side(unusual)
        worth = ratios.copy()
        worth[:, :SIDED] = side(columns)[:, :SIDED] * _units(point) / least[:, None] / LEAST_SHARES
        worth[:, SPREAD] = restless
        # However unusual: nothing is an alert that no check finds large enough to matter.
        sides.append(np.minimum(joined(ratios), worth.max(axis=1)))
    higher = sides[0] >= sides[1]
    check = (WEIGHTS * np.where(higher[:, None], above(unusual), below(unusual))).argmax(axis=1)
    unknown = np.isnan(statistics).all(axis=1)
    return np.where(unknown, np.nan, np.where(higher, sides[0], sides[1])), check


def _units(point: Point) -> Floats:
    """Return what one of each sided statistic is worth, stabilised; shape (series, SIDED)."""
    units = np.repeat(point.spread[:, None], SIDED, axis=1)
    units[:, STEP:SIDED] *= point.agility[:, None]
    return units


def _busy(baselines: Baselines, usual: _Usual) -> npt.NDArray[np.bool_]:
    """Return where something is expected that is worth missing."""
    expected = np.nan_to_num(usual.expected)
    return baselines.silence & (expected > 0) & (ROOM * expected >= baselines.floors)


def _findings(baselines: Baselines, state: State, usual: _Usual, point: Point, scores: Scores) -> tuple[Finding, ...]:
    silent = point.visible & is_nothing(point.observed, point.scales.offsets) & _busy(baselines, usual)
    rows = np.flatnonzero(state.held.firing)
    trends = _trends(baselines, state.memory, rows)
    return tuple(
        Finding(
            key=baselines.keys[row],
            at=point.at,
            since=float(state.held.since[row]),
            # An alert is held over a point without a verdict.
            score=float(np.nan_to_num(scores.score[row], nan=1.0)),
            observed=float(point.observed[row]),
            expected=float(scores.expected[row]),
            lower=float(scores.lower[row]),
            upper=float(scores.upper[row]),
            silent=bool(silent[row]),
            trend=trend,
            way=WAYS.get(int(scores.check[row]), Way.AWAY),
        )
        for row, trend in zip(rows.tolist(), trends.tolist(), strict=True)
    )


def _trends(baselines: Baselines, memory: Memory, rows: npt.NDArray[np.int64]) -> Floats:
    """Return the levels of some series over the whole of their weeks, in the signals' units."""
    some = take(baselines, rows)
    return inverse(some.average() + memory.centre(baselines.reach)[rows], some.scales)
