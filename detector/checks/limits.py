"""From which value on a statistic is abnormal: tails learnt from replayed history, pooled over series of one signal."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.baselines.robust import median, quantile
from detector.checks.joined import joined
from detector.checks.shift import CLIPS
from detector.checks.sides import above, below, both
from detector.checks.statistics import CHECKS, OVERRUN, STEP_CLIP
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
SHAPE_RANGE = (0.05, 0.3)
# An excess beyond so many times the usual one is taken for an incident in the history, and for no more than this.
MOST_EXCESS = 8.0
# Per check: the least limit, whatever the tail says; and the limit while nothing is known of the tail.
LEAST_LIMITS = both(np.array([4.5, 1.2, 0.6, 0.25, 4.5, 2.0, 1.5, 300.0, np.inf, 6.0]))
# What comes back once a week is no incident: limits lie this far above what as many days as there are weeks have seen.
HABIT_MARGIN = 1.15
DAY_BLOCKS = 24
# Smoothed statistics cannot exceed what a point is clipped at. What comes near it in history says nothing alone, but
# still counts together with others.
MOST_LIMITS = both(np.array([np.inf, *(1.15 * CLIPS), np.inf, 1.15 * STEP_CLIP, 6.0, np.inf, np.inf, np.inf]))
FIRST_LIMITS = both(np.array([6.0, 4.5, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, 12.0]))


@dataclass(frozen=True, slots=True)
class Tails:
    """The tails of many series' block maxima; every array of shape (series, COLUMNS), see `sides`.

    Attributes:
        start: where the tail begins; NaN where there are too few blocks.
        excess: its mean excess, robust against a few incidents.
        weight: the second probability-weighted moment of the excesses over the first; NaN where there is no tail.
        habit: what was reached on at least two days, and on as many as there are weeks; zero if that is unknown.
        longest: after how many seconds at work it is too long, infinite where that cannot be told; shape (series,).
    """

    start: Floats
    excess: Floats
    weight: Floats
    habit: Floats
    longest: Floats

    def rows(self, chosen: npt.NDArray[np.int64]) -> "Tails":
        """Return the tails of some rows."""
        return Tails(
            self.start[chosen], self.excess[chosen], self.weight[chosen], self.habit[chosen], self.longest[chosen]
        )


def tails(maxima: Floats, silences: Floats, longest: Floats) -> Tails:
    """Describe the tails of block maxima; NaN where a block holds nothing.

    Args:
        maxima: shape (series, COLUMNS, blocks).
        silences: the greatest evidence of silence; shape (series, blocks). How long a single point of a coarse history
            was silent is not known: a few of them, as scrapes fail, are no tail, but what comes back is a habit.
        longest: as of `Tails`.
    """
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
    habit = _habit(np.concatenate([maxima[:, :-1], silences[:, None]], axis=1))
    return Tails(np.where(few, np.nan, start), robust, np.where(few | (mean <= 0), np.nan, weight), habit, longest)


def _habit(maxima: Floats) -> Floats:
    """Return the daily maximum of the w-th greatest day, of w weeks; shape (series, checks)."""
    series, checks, blocks = maxima.shape
    days = blocks // DAY_BLOCKS
    if days < 7:
        return np.zeros((series, checks))
    daily = np.nan_to_num(maxima[..., : days * DAY_BLOCKS]).reshape(series, checks, days, DAY_BLOCKS).max(3)
    return np.asarray(np.sort(daily, axis=2)[..., -max(2, days // 7)])


def limits(found: Tails, groups: npt.NDArray[np.int64], rate_per_week: float = RATE_PER_WEEK) -> Floats:
    """Return limits that each check of a series passes `rate_per_week` times when nothing is wrong.

    Args:
        found: tails of all series.
        groups: which series share a signal, and so the shape of their tails; shape (series,).

    Source: Hosking and Wallis, Parameter and quantile estimation for the generalized Pareto distribution, 1987.
    """
    result = np.empty_like(found.start)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        result[rows] = _group_limits(found.rows(rows), rate_per_week)
    clipped = np.maximum(np.clip(result, LEAST_LIMITS, MOST_LIMITS), HABIT_MARGIN * found.habit)
    # What is a habit of each check is one of all together, for it happens at the same times.
    habit = np.nan_to_num(found.habit / clipped)
    together = np.maximum(np.maximum(joined(above(habit)), joined(below(habit))), 1.0)
    found_limits = np.where(np.isnan(result), FIRST_LIMITS, clipped * together[:, None])
    found_limits[:, OVERRUN - len(CHECKS)] = found.longest
    return found_limits


def _group_limits(found: Tails, rate_per_week: float) -> Floats:
    weight = np.nan_to_num(median(found.weight, 0), nan=0.5)
    shape = np.clip(2.0 - 1.0 / np.maximum(1.0 - 2.0 * weight, 1e-3), *SHAPE_RANGE)
    pooled = np.nan_to_num(median(np.where(np.isnan(found.start), np.nan, found.excess), 0))
    scale = ((1 - POOLED_SHARE) * found.excess + POOLED_SHARE * pooled) * (1 - shape)
    growth = (np.power((1 - TAIL_FROM) * WEEK_BLOCKS / rate_per_week, shape) - 1) / shape
    return np.asarray(found.start + scale * growth)
