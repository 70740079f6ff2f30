"""How long ago a job last ran: one that begins at about the same time each day and does not is missed soon after."""

import math

import numpy as np
from scipy.special import stdtrit

from detector.checks.overrun import Bools, limits_of_jobs, runs
from detector.model import Floats

# Pauses that differ by no more than this, over the median one, are those of a schedule.
LEAST_PAUSES, MOST_UNEVEN = 5, 1.1
LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 3600.0, 36 * 3600.0
# Overdue from the longest pause on, and as many deviations of pauses later.
DEVIATIONS_LATE = 2.0
# Of how many pauses one may be longer by chance: a job of each night begins too late once in three years. The fewer
# pauses are known, the less their longest and their deviation say of those to come.
CHANCE = 1e-3
# How much later a job is as surely missing again: a score of one more.
SCORE_SECONDS = 600.0


def last_busy(before: Floats, busy: Bools, at: float, since: Floats, most: float) -> Floats:
    """Return when each series was last at work; NaN where it may have been since; all of shape (series,).

    Args:
        before: at the sample before.
        since: seconds since then; after a gap of more than `most` it is not known what happened in it.
    """
    return np.where(busy, at, np.where(since <= most, before, np.nan))


def longest_pause(busy: Bools, known: Bools, times: Floats, most: float) -> Floats:
    """Return after how many seconds of rest each series is overdue; infinite where it has no schedule.

    Args:
        busy: where there is something; shape (series, columns).
        known: where there is a sample; shape (series, columns).
        times: shape (columns,).
        most: of a longer gap it is not known what happened in it.
    """
    return limits_of_jobs(busy, known, times, lambda busy, at: _limit(runs(~busy, at, most)))


def overdue(rested: Floats, limit: Floats) -> Floats:
    """Return how much later than ever a job is: 1 where it is due at the latest, nothing before; shape (series,)."""
    late = np.maximum(rested - np.where(np.isfinite(limit), limit, 0.0), 0.0)
    return np.where(np.isfinite(limit) & (rested >= limit), 1.0 + late / SCORE_SECONDS, 0.0)


def _limit(pauses: Floats) -> float:
    if len(pauses) < LEAST_PAUSES:
        return np.inf
    median, longest = float(np.median(pauses)), float(pauses.max())
    if not LEAST_PAUSE_SECONDS <= median <= MOST_PAUSE_SECONDS or longest > MOST_UNEVEN * median:
        return np.inf
    return max(longest + DEVIATIONS_LATE * float(pauses.std()), _foreseen(pauses))


def _foreseen(pauses: Floats) -> float:
    """Return what the next pause exceeds as rarely as CHANCE: the prediction interval of a normal sample."""
    count = len(pauses)
    return float(pauses.mean() + stdtrit(count - 1, 1 - CHANCE) * pauses.std(ddof=1) * math.sqrt(1 + 1 / count))
