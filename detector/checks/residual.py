"""How far the newest point lies from the usual, in deviations, on the side that harms."""

import numpy as np
import numpy.typing as npt

from detector.model import Floats

# What smoothed statistics see at most of one point.
CLIP = 12.0
# Beyond this many deviations a score says no more.
MOST = 1e6


def departure(stable: Floats, usual: Floats, level: Floats) -> Floats:
    """Return the smallest departure from any of the days that this one may be like.

    A holiday looks like a Sunday: what is usual at this time on some day of the week is no anomaly.

    Args:
        stable: observed, stabilised; shape (series,), NaN where there is no sample.
        usual: profile of the day itself and of others; shape (series, days).
        level: added to each; shape (series,).
    """
    distance = (stable - level)[:, None] - usual
    nearest = np.argmin(np.abs(distance), axis=1)
    return np.asarray(np.take_along_axis(distance, nearest[:, None], 1)[:, 0])


def harmful(deviations: Floats, bad: npt.NDArray[np.int8]) -> Floats:
    """Return deviations in the direction that harms, never negative; NaN stays NaN."""
    up = np.where(bad >= 0, deviations, -np.inf)
    down = np.where(bad <= 0, -deviations, -np.inf)
    return np.clip(np.maximum(up, down), 0.0, MOST)
