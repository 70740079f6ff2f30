"""How far the newest point lies from the usual, in deviations."""

import numpy as np

from detector.model import Floats

# What is remembered of one point at most.
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
    return np.asarray(distance[np.arange(len(distance)), nearest])
