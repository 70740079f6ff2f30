"""How strict to be, from how many false alerts people accept."""

import numpy as np

# Scores that leave four fifths of so many false alerts per series and week, as measured with `benchmarks.faults` over
# seeds that it is not judged on: what leaves all of them would leave more every other week. Between and beyond them
# both are taken to follow a power law.
RATES = np.array([0.01, 0.03, 0.1, 0.3, 1.0])
SCORES = np.array([1.18, 1.064, 0.941, 0.842, 0.73])
# A small fleet's budget would let each series be wrong often, so it is not used up: this much is a series allowed.
MOST_RATE = 0.05


def strictness(rate_per_week: float) -> float:
    """Return the score from which on a series is anomalous if it may be wrong so often in a week.

    Raises:
        ValueError: the rate is not positive.
    """
    if not rate_per_week > 0:
        raise ValueError(f"a rate of false alerts must be positive, not {rate_per_week}")
    x, rates, scores = np.log(rate_per_week), np.log(RATES), np.log(SCORES)
    place = int(np.clip(np.searchsorted(rates, x) - 1, 0, len(rates) - 2))
    slope = (scores[place + 1] - scores[place]) / (rates[place + 1] - rates[place])
    return float(np.exp(scores[place] + slope * (x - rates[place])))


def shared(alerts_per_week: float, series: int) -> float:
    """Return the strictness that shares a fleet's budget among its series."""
    return strictness(min(alerts_per_week / max(series, 1), MOST_RATE))
