"""One evaluation of all series: observed points and baselines in, scores and findings out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from detector.baselines.arrays import Baselines, ModelState
from detector.baselines.grid import read_days, read_hours
from detector.baselines.prior import LEAST_SAMPLES
from detector.baselines.stabilise import forward, inverse
from detector.checks import (
    DRIFT,
    FLATLINE,
    RESIDUAL,
    SHIFT_MINUTES,
    SILENCE,
    SPREAD,
    Memory,
    Point,
    empty_memory,
    observe,
)
from detector.checks.hold import Held, empty_held, hold
from detector.checks.silence import is_nothing
from detector.model import Finding, Floats, SeriesKey

# A lasting departure may be smaller than a momentary one to be worth an alert; restlessness smaller still.
LEAST_SHARES = {SHIFT_MINUTES: 1.0, SHIFT_MINUTES + 1: 0.8, DRIFT: 0.6, SPREAD: 0.5}
MOST_SCORE = 1e6
Remembered = TypeVar("Remembered", Memory, Held)


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of each series between evaluations; rows are those of the baselines.

    Attributes:
        keys: which series.
        memory: of the checks.
        held: of alerts.
    """

    keys: tuple[SeriesKey, ...]
    memory: Memory
    held: Held


@dataclass(frozen=True, slots=True)
class Scores:
    """One evaluation's numbers; each of shape (series,), in the signals' units, NaN where unknown.

    Attributes:
        score: above 1 is anomalous; NaN where there is no verdict.
        observed: as given.
        expected, lower, upper: what is usual now and its band; a side that never harms is unbounded: infinite.
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
    return State(tuple(keys), empty_memory(len(keys)), empty_held(len(keys)))


def adopt(state: State, baselines: Baselines) -> State:
    """Carry the state over to refitted baselines: new series begin empty, lost ones are forgotten, alerts are kept.

    The level starts anew, for the new profiles contain it.
    """
    known = {key: row for row, key in enumerate(state.keys)}
    rows = np.array([known.get(key, -1) for key in baselines.keys], dtype=np.int64)
    fresh = empty_state(baselines.keys)
    memory = _adopt(state.memory, fresh.memory, rows)
    memory = replace(memory, level=fresh.memory.level, seen=fresh.memory.seen)
    return State(baselines.keys, memory, _adopt(state.held, fresh.held, rows))


def _adopt(old: Remembered, fresh: Remembered, rows: npt.NDArray[np.int64]) -> Remembered:
    kept = np.flatnonzero(rows >= 0)
    arrays = {}
    for field in fields(fresh):
        array = getattr(fresh, field.name).copy()
        array[kept] = getattr(old, field.name)[rows[kept]]
        arrays[field.name] = array
    return replace(fresh, **arrays)


def evaluate(
    baselines: Baselines, state: State, at: float, observed: Floats, visible: npt.NDArray[np.bool_] | None = None
) -> Evaluated:
    """Judge one point of every series.

    Args:
        baselines: with limits.
        state: of the same series, in the same order.
        at: the evaluation's time.
        observed: shape (series,), in the signals' units; NaN where there is no sample, infinities count as none.
        visible: where the series' source was seen at all; a missing sample elsewhere is a blind spot, not silence.
            None: seen everywhere.

    Raises:
        ValueError: state or observed are not of the baselines' series.
    """
    if state.keys != baselines.keys or observed.shape != (len(baselines.keys),):
        raise ValueError(f"{len(state.keys)} states and {observed.shape} points for {len(baselines.keys)} baselines")
    seen = np.ones(len(observed), np.bool_) if visible is None else visible
    point = _point(baselines, state.memory, at, np.where(np.abs(observed) < 1e100, observed, np.nan), seen)
    result = observe(state.memory, point)
    scores = _scores(baselines, state.memory, point, result.statistics)
    held = hold(state.held, scores.score, at)
    after = State(state.keys, result.memory, held)
    return Evaluated(after, scores, _findings(baselines, after, point, scores))


def _point(baselines: Baselines, memory: Memory, at: float, observed: Floats, visible: npt.NDArray[np.bool_]) -> Point:
    now = np.array([at])
    usual = read_days(baselines.profile, now)[:, 0]
    learning = baselines.models == ModelState.LEARNING
    expected = inverse(usual[:, 0] + memory.level, baselines.scales)
    expected = np.where(learning & (baselines.samples + memory.seen == 0), np.nan, expected)
    return Point(
        at=at,
        step=baselines.step,
        observed=observed,
        stable=forward(observed, baselines.scales),
        usual=usual,
        expected=expected,
        spread=read_hours(baselines.spread, now)[:, 0],
        quiet=read_hours(baselines.quiet, now)[:, 0],
        # Only of some signals is a missing sample silence.
        visible=visible & (baselines.silence | np.isfinite(observed)),
        young=np.where(learning, baselines.samples.astype(np.int64), -1),
    )


def _scores(baselines: Baselines, memory: Memory, point: Point, statistics: Floats) -> Scores:
    """Set statistics against limits, which are never less than the least change worth an alert."""
    above, below = _least(baselines, point)
    limits = baselines.limits.astype(np.float64)
    ratio = np.empty_like(statistics)
    for column in range(RESIDUAL, SPREAD):
        share = LEAST_SHARES.get(column, 1.0)
        upper = np.maximum(limits[:, column], share * above / point.spread)
        lower = np.maximum(limits[:, column], share * below / point.spread)
        up = np.where(baselines.bad >= 0, statistics[:, column] / upper, -np.inf)
        down = np.where(baselines.bad <= 0, -statistics[:, column] / lower, -np.inf)
        ratio[:, column] = np.maximum(up, down)
    restless = np.maximum(limits[:, SPREAD], LEAST_SHARES[SPREAD] * above / point.spread)
    ratio[:, SPREAD] = statistics[:, SPREAD] / restless
    ratio[:, FLATLINE] = statistics[:, FLATLINE] / limits[:, FLATLINE]
    ratio[:, SILENCE] = np.where(_busy(baselines, point), statistics[:, SILENCE] / limits[:, SILENCE], np.nan)
    known = np.where(np.isnan(ratio), -np.inf, np.clip(ratio, 0.0, MOST_SCORE))
    known[(baselines.samples + memory.seen < LEAST_SAMPLES)] = -np.inf
    score = known.max(axis=1)
    score = np.where(np.isneginf(score), np.nan, score)
    lower, upper = _band(baselines, memory, point, limits, above, below)
    return Scores(score, point.observed, point.expected, lower, upper, known.argmax(axis=1))


def _least(baselines: Baselines, point: Point) -> tuple[Floats, Floats]:
    """Return the least departure worth an alert, above and below what is expected, stabilised."""
    centre = forward(point.expected, baselines.scales)
    above = forward(point.expected + baselines.floors, baselines.scales) - centre
    # A floor deeper than what is expected leaves nothing to fall to.
    room = baselines.floors <= point.expected
    below = np.where(room, centre - forward(point.expected - baselines.floors, baselines.scales), np.inf)
    linear_below = np.where(baselines.codes == 0, baselines.floors, below)
    least = baselines.least.astype(np.float64)
    return np.maximum(np.nan_to_num(above), least), np.maximum(linear_below, least)


def _busy(baselines: Baselines, point: Point) -> npt.NDArray[np.bool_]:
    """Return where there was something to expect, more than the least change, so that nothing is a loss."""
    return baselines.silence & (np.nan_to_num(point.expected) > np.maximum(baselines.floors, 1e-12))


def _band(
    baselines: Baselines, memory: Memory, point: Point, limits: Floats, above: Floats, below: Floats
) -> tuple[Floats, Floats]:
    centre = point.usual[:, 0] + memory.level
    width = limits[:, RESIDUAL] * point.spread
    upper = inverse(centre + np.maximum(width, above), baselines.scales)
    reach = np.maximum(width, np.where(np.isfinite(below), below, 1e12))
    lower = inverse(centre - reach, baselines.scales)
    unknown = np.isnan(point.expected)
    lower = np.where(baselines.bad > 0, np.minimum(lower, point.expected), lower)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)


def _findings(baselines: Baselines, state: State, point: Point, scores: Scores) -> tuple[Finding, ...]:
    nothing = is_nothing(point.observed, point.expected, point.visible) & _busy(baselines, point)
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
            silent=bool(nothing[row]),
        )
        for row in np.flatnonzero(state.held.firing)
    )
