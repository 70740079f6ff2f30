"""How much neighbouring points differ: a series that becomes restless without leaving its band."""

import numpy as np

from detector.model import Floats

SPAN_SECONDS = 1_800.0
MOST_CHANGE = 8.0


def restlessness(before: Floats, change: Floats, elapsed: Floats) -> Floats:
    """Return the smoothed absolute change between points, in deviations; all of shape (series,)."""
    share = -np.expm1(-elapsed / SPAN_SECONDS)
    return before + (np.minimum(np.abs(change), MOST_CHANGE) - before) * share
