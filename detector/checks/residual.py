"""How far the newest point lies from the usual, in deviations."""

import numpy as np

from detector.checks.bounded import between
from detector.model import Floats

# What is remembered of one point at most.
CLIP = 12.0
# Other days explain a point unless this day was this much further from them than from its own, in deviations, over
# hours of this half-life; of one point no more than the farthest counts.
MOST_UNLIKE, FARTHEST = 0.5, 4.0
LIKENESS_HALF_LIFE_SECONDS = 3 * 3600.0
# Beyond this many deviations a score says no more.
MOST = 1e6


def departure(distances: Floats, unlike: Floats) -> Floats:
    """Return the smallest departure from any of the days that this one may be like.

    A holiday looks like a Sunday: what is usual at this time on some day of the week is no anomaly. But what has been
    like its own day for hours, and unlike a Sunday, does not become one at noon.

    Args:
        distances: from what is usual on the day itself and on others, in any unit; shape (series, days), NaN where
            there is no sample.
        unlike: how far this day was on the whole from each day of the week so far, with sign, its own first; shape
            (series, DAYS).

    Returns:
        shape (series,), in the distances' unit.
    """
    size = np.abs(distances)
    # Where clocks may just have been changed, days begin at other hours than they did.
    if distances.shape[1] == unlike.shape[1]:
        off = np.abs(unlike)
        size = np.where(off > off[:, :1] + MOST_UNLIKE, np.inf, size)
    nearest = np.argmin(size, axis=1)
    return np.asarray(distances[np.arange(len(distances)), nearest])


def unlikeness(before: Floats, distances: Floats, elapsed: Floats) -> Floats:
    """Return how far this day was on the whole from each day of the week so far, with sign.

    Of what is restless, such as small numbers, each point is far from every day: only their mean tells days apart.

    Args:
        before: after the point before; zero where this is the day's first, for what it will be like is open then; shape
            (series, DAYS).
        distances: of the newest point from each, in deviations, finite; shape (series, DAYS).
        elapsed: seconds since the point before; shape (series,).
    """
    share = -np.expm1(-elapsed * np.log(2.0) / LIKENESS_HALF_LIFE_SECONDS)[:, None]
    return np.asarray(before + (between(distances, -FARTHEST, FARTHEST) - before) * share)
