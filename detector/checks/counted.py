"""How far a share of counted events is off by chance: the fewer events behind it, the more."""

import numpy as np

from detector.model import Floats

# What is added to the variance of a number of events: of what was never seen, the first few say little.
LEAST_VARIANCE = 0.5


def by_chance(expected: Floats, counts: Floats) -> Floats:
    """Return the deviation of shares of `counts` events that is due to chance; zero where they were not counted.

    Args:
        expected: the usual share; shape (series,).
        counts: how many events a share is of; NaN where unknown; shape (series,).

    Source: the score test of a binomial proportion, its variance as expected, not as observed.
    """
    share = np.clip(expected, 0.0, 1.0)
    known = np.where(np.isfinite(counts), np.maximum(counts, 0.0), 0.0)
    variance = share * (1 - share) * known + LEAST_VARIANCE
    return np.where(known > 0, np.sqrt(variance) / np.maximum(known, 1.0), 0.0)
