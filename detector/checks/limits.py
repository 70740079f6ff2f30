"""From which value on a statistic is abnormal: tails learnt from replayed history, pooled over series of one signal."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from detector.baselines.portions import portions
from detector.baselines.robust import median, quantile
from detector.checks.joined import joined
from detector.checks.shift import CLIPS
from detector.checks.sides import SIDED, above, below, both
from detector.checks.statistics import CHECKS, FLATLINE, LATE, OVERRUN, SILENCE, STEP_CLIP
from detector.model import Floats

# Of a series' block maxima, this share lies below the tail.
TAIL_FROM = 0.9
# Fewer blocks than these say nothing of a tail.
LEAST_BLOCKS = 48
BLOCK_SECONDS = 3_600.0
WEEK_BLOCKS = 168.0
# How often each check may be wrong in one week of one series.
RATE_PER_WEEK = 0.006
# How much of the scale is the signal's rather than the series' own.
POOLED_SHARE = 0.3
# The same of the ratio of closer to coarse samples, which a few days tell roughly; and what it may be.
POOLED_RATIO, RATIO_RANGE = 0.5, (0.1, 1.1)
# A value that stood for longer than this share of history may do so for any time.
MOST_STILL_SHARE = 1 / 48
STANDING = FLATLINE - len(CHECKS)
HIGHEST_BLOCKS, LEAST_STATISTIC = 3, 1e-6
SHAPE_RANGE = (0.05, 0.3)
# An excess beyond so many times the usual one is taken for an incident in the history, and for no more than this.
MOST_EXCESS = 8.0
# Per check: the least limit, whatever the tail says; and the limit while nothing is known of the tail.
LEAST_LIMITS = both(np.array([4.5, 1.2, 0.6, 0.25, 4.5, 2.0, 1.5, 300.0, np.inf, np.inf, 6.0]))
# What comes back once a week is no incident: limits lie this far above what as many days as there are weeks have seen.
HABIT_MARGIN = 1.15
DAY_BLOCKS = 24
DAILY = 2
# Smoothed statistics cannot exceed what a point is clipped at. What comes near it in history says nothing alone, but
# still counts together with others.
MOST_LIMITS = both(np.array([np.inf, *(1.15 * CLIPS), np.inf, 1.15 * STEP_CLIP, 6.0, np.inf, np.inf, np.inf, np.inf]))
FIRST_LIMITS = both(np.array([6.0, 4.5, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, 12.0]))


@dataclass(frozen=True, slots=True)
class Tails:
    """The tails of many series' block maxima; every array of shape (series, COLUMNS), see `sides`.

    Attributes:
        start: where the tail begins; NaN where there are too few blocks.
        excess: its mean excess, robust against a few incidents.
        weight: the second probability-weighted moment of the excesses over the first; NaN where there is no tail.
        habit: what was reached on at least two days, and on as many as there are weeks; zero if that is unknown.
        ratio: how many times as far as single samples of a coarse history go those that alerts are held on, where the
            tail starts; NaN where that is unknown.
        excess_ratio: the same of the mean excess.
        still: for how many seconds at least it may repeat one value, infinite where that cannot be told, and
        longest: after how many seconds at work it is too long, likewise, and
        pause: after how many at rest it is overdue; shape (series,).
    """

    start: Floats
    excess: Floats
    weight: Floats
    habit: Floats
    ratio: Floats
    excess_ratio: Floats
    still: Floats
    longest: Floats
    pause: Floats

    def rows(self, chosen: npt.NDArray[np.int64] | slice) -> "Tails":
        """Return the tails of some rows."""
        return Tails(*(getattr(self, field.name)[chosen] for field in fields(self)))


def tails(maxima: Floats, silences: Floats, longest: Floats, pause: Floats, spacing: float = 0.0) -> Tails:
    """Describe the tails of block maxima; NaN where a block holds nothing.

    Args:
        maxima: shape (series, COLUMNS, blocks).
        silences: the greatest evidence of silence; shape (series, blocks). How long a single point of a coarse history
            was silent is not known: a few of them, as scrapes fail, are no tail, but what comes back is a habit.
        longest, pause: as of `Tails`.
        spacing: seconds between samples.
    """
    rows = portions(len(maxima))
    return _together([_tails(maxima[some], silences[some], longest[some], pause[some], spacing) for some in rows])


def _tails(maxima: Floats, silences: Floats, longest: Floats, pause: Floats, spacing: float) -> Tails:
    start, robust, weight = _tail(maxima)
    habit = _habit(np.concatenate([maxima[:, :-1], silences[:, None]], axis=1))
    habit[:, STANDING] = 0.0  # see `still`
    unknown = np.full_like(start, np.nan)
    return Tails(start, robust, weight, habit, unknown, unknown, _still(maxima[:, STANDING], spacing), longest, pause)


def _still(standing: Floats, spacing: float) -> Floats:
    """Return for how many seconds series may repeat one value that repeated none for long in all of history.

    What stands still for much of its time may stand for longer yet: of that too few standstills were seen.

    Args:
        standing: the longest in each block, up to then; shape (series, blocks).
        spacing: seconds between samples, by two of which a standstill may be longer than it seems.
    """
    known = np.isfinite(standing).sum(1) * BLOCK_SECONDS
    most = np.nan_to_num(standing).max(axis=1, initial=0.0)
    # Where not even two samples were alike, closer ones tell more.
    limit = np.where(most > 0, HABIT_MARGIN * most + 2 * spacing, 0.0)
    return np.where(most <= MOST_STILL_SHARE * known, limit, np.inf)


def _together(parts: Sequence[Tails]) -> Tails:
    return Tails(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Tails)))


def closer(found: Tails, coarse: Floats, recent: Floats, neighbours: Sequence[int]) -> Tails:
    """Take in what closer samples of the newest hours told.

    Alerts are held until neighbouring samples agree, which coarse ones never show: how much less far those go is told
    from hours of which both are known. What counts neighbouring samples is known of the closer ones alone.

    Args:
        coarse: block maxima of all of the history; shape (series, COLUMNS, blocks).
        recent: of its newest hours; shape (series, COLUMNS, fewer blocks).
        neighbours: columns of what counts neighbouring samples.
    """
    rows = portions(len(coarse))
    return _together([_closer(found.rows(some), coarse[some], recent[some], neighbours) for some in rows])


def _closer(found: Tails, coarse: Floats, recent: Floats, neighbours: Sequence[int]) -> Tails:
    newest = coarse[:, :, -recent.shape[2] :]
    before, now = _tail(newest), _tail(recent)
    habits = np.nan_to_num(np.clip(_over(_highest(recent), _highest(newest)), *RATIO_RANGE), nan=1.0)
    # However far apart its samples are, what is silent for as long is as silent.
    habits[:, SILENCE - len(CHECKS)] = 1.0
    habit = found.habit * habits
    # What comes back each day, a few minutes before a job begins, coarse samples may never have met.
    habit[:, : 2 * SIDED] = np.maximum(habit[:, : 2 * SIDED], _often(recent[:, : 2 * SIDED]))
    result = replace(found, ratio=_over(now[0], before[0]), excess_ratio=_over(now[1], before[1]), habit=habit)
    arrays = {name: getattr(result, name).copy() for name in ("start", "excess", "weight", "ratio", "excess_ratio")}
    for array, own in zip(arrays.values(), (*now, np.ones_like(now[0]), np.ones_like(now[0])), strict=True):
        array[:, neighbours] = own[:, neighbours]
    for name in ("ratio", "excess_ratio"):
        arrays[name][:, SILENCE - len(CHECKS)] = 1.0
    return replace(result, **arrays)


def _over(now: Floats, before: Floats) -> Floats:
    """Return how many times as much there is now; NaN where either is as good as nothing, or unknown."""
    known = (before > LEAST_STATISTIC) & (now > LEAST_STATISTIC)
    return np.where(known, now / np.where(known, before, 1.0), np.nan)


def _highest(maxima: Floats) -> Floats:
    """Return the mean of the few highest blocks, which may be those of what comes back each day."""
    return np.asarray(np.sort(np.nan_to_num(maxima), axis=2)[..., -HIGHEST_BLOCKS:].mean(2))


def _tail(maxima: Floats) -> tuple[Floats, Floats, Floats]:
    """Return start, excess and weight, as of `Tails`."""
    count = np.isfinite(maxima).sum(2)
    start = quantile(maxima, TAIL_FROM, 2)
    over = maxima - start[..., None]
    over = np.where(over > 0, over, np.nan)
    exceeding = np.isfinite(over).sum(2)
    # Of an exponential tail, the median excess over log 2 is the mean: half the excesses may be an incident's.
    usual = np.nan_to_num(median(over, 2)) / np.log(2.0)
    over = np.minimum(over, MOST_EXCESS * usual[..., None])
    mean = np.nansum(over, 2) / np.maximum(exceeding, 1)
    robust = np.minimum(mean, 1.5 * usual)
    rank = np.cumsum(np.isfinite(np.sort(over, axis=2)), axis=2)
    share = (exceeding[..., None] - rank) / np.maximum(exceeding[..., None] - 1, 1)
    second = np.nansum(np.sort(over, axis=2) * share, 2) / np.maximum(exceeding, 1)
    weight = np.where(exceeding >= 5, second / np.where(mean > 0, mean, 1.0), np.nan)
    few = count < LEAST_BLOCKS
    return np.where(few, np.nan, start), robust, np.where(few | (mean <= 0), np.nan, weight)


def _habit(maxima: Floats) -> Floats:
    """Return the daily maximum of the w-th greatest day, of w weeks; shape (series, checks)."""
    series, checks, blocks = maxima.shape
    days = blocks // DAY_BLOCKS
    if days < 7:
        return np.zeros((series, checks))
    daily = np.nan_to_num(maxima[..., : days * DAY_BLOCKS]).reshape(series, checks, days, DAY_BLOCKS).max(3)
    return np.asarray(np.sort(daily, axis=2)[..., -max(2, days // 7)])


def _often(recent: Floats) -> Floats:
    """Return what was reached on two days of the few newest; zero where there are none; shape (series, columns)."""
    series, columns, blocks = recent.shape
    days = -(-blocks // DAY_BLOCKS)
    if days <= DAILY:
        return np.zeros((series, columns))
    daily = np.zeros((series, columns, days * DAY_BLOCKS))
    daily[..., -blocks:] = np.nan_to_num(recent)
    return np.asarray(np.sort(daily.reshape(series, columns, days, DAY_BLOCKS).max(3), axis=2)[..., -DAILY])


def limits(found: Tails, groups: npt.NDArray[np.int64], rate_per_week: float = RATE_PER_WEEK) -> Floats:
    """Return limits that each check of a series passes `rate_per_week` times when nothing is wrong.

    Args:
        found: tails of all series.
        groups: which series share a signal, and so the shape of their tails; shape (series,).

    Source: Hosking and Wallis, Parameter and quantile estimation for the generalized Pareto distribution, 1987.
    """
    # What may stand still for ever tells nothing of others.
    starts = found.start.copy()
    starts[np.isinf(found.still), STANDING] = np.nan
    found, result = replace(found, start=starts), np.empty_like(starts)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        some = found.rows(rows)
        start, excess = some.start * _ratios(some.ratio), some.excess * _ratios(some.excess_ratio, 1.0)
        scaled = replace(some, start=start, excess=excess)
        result[rows] = _group_limits(scaled, rate_per_week)
    clipped = np.maximum(np.clip(result, LEAST_LIMITS, MOST_LIMITS), HABIT_MARGIN * found.habit)
    # What is a habit of each check is one of all together, for it happens at the same times.
    habit = np.nan_to_num(found.habit / clipped)
    together = np.maximum(np.maximum(joined(above(habit)), joined(below(habit))), 1.0)
    found_limits = np.where(np.isnan(result), FIRST_LIMITS, clipped * together[:, None])
    found_limits[:, STANDING] = np.maximum(found_limits[:, STANDING], found.still)
    found_limits[:, OVERRUN - len(CHECKS)] = found.longest
    found_limits[:, LATE - len(CHECKS)] = found.pause
    return found_limits


def usual_limit(maxima: Floats) -> Floats:
    """Return what a tail of the usual shape exceeds as often as checks may be wrong; NaN of too few blocks.

    Args:
        maxima: block maxima; shape (series, blocks).
    """
    start, excess, _ = _tail(maxima[:, None])
    shape = sum(SHAPE_RANGE) / 2
    return np.asarray(start + excess * (1 - shape) * _growth(shape, RATE_PER_WEEK))[:, 0]


def _growth(shape: Floats | float, rate_per_week: float) -> Floats:
    """Return by how many scales a tail is exceeded so often."""
    return np.asarray((np.power((1 - TAIL_FROM) * WEEK_BLOCKS / rate_per_week, shape) - 1) / shape)


def _ratios(found: Floats, pooled: float = POOLED_RATIO) -> Floats:
    """Return each series' ratios, shrunk towards those of all; 1 where none is known."""
    own = np.log(np.clip(found, *RATIO_RANGE))
    of_all = np.nan_to_num(median(own, 0))
    return np.exp(of_all + (1 - pooled) * np.nan_to_num(own - of_all))


def _group_limits(found: Tails, rate_per_week: float) -> Floats:
    weight = np.nan_to_num(median(found.weight, 0), nan=0.5)
    shape = np.clip(2.0 - 1.0 / np.maximum(1.0 - 2.0 * weight, 1e-3), *SHAPE_RANGE)
    pooled = np.nan_to_num(median(np.where(np.isnan(found.start), np.nan, found.excess), 0))
    scale = ((1 - POOLED_SHARE) * found.excess + POOLED_SHARE * pooled) * (1 - shape)
    return np.asarray(found.start + scale * _growth(shape, rate_per_week))
