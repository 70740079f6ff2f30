"""STL's remainder beyond three deviations, decomposed anew every day: what most tutorials do."""

import numpy as np
from statsmodels.tsa.seasonal import STL

from benchmarks.incumbents.incumbent import LEAST, Incumbent, filled, steps_in
from detector.model import Floats

DAY = 86_400.0
HISTORY_SECONDS = 14 * DAY
SLOT_SECONDS = 600.0
DEVIATIONS = 3.0
JUMPS = {"seasonal_jump": 5, "trend_jump": 15, "low_pass_jump": 15}


def score(values: Floats, times: Floats) -> Floats:
    """Return each point's distance from the last day's season and trend over three deviations of the remainder."""
    held = filled(values)
    width = steps_in(SLOT_SECONDS, times)
    day = steps_in(DAY, times) // width * width
    history = steps_in(HISTORY_SECONDS, times) // width * width
    result = np.zeros(values.shape)
    for begin in range(2 * day, values.shape[1], day):
        known = held[:, max(0, begin - history) : begin]
        known = known[:, known.shape[1] % width :]
        ahead = held[:, begin : begin + day]
        for row, slots in enumerate(known.reshape(len(known), -1, width).mean(2)):
            expected, deviation = _forecast(slots, day // width)
            usual = np.repeat(expected, width)[: ahead.shape[1]]
            result[row, begin : begin + day] = np.abs(ahead[row] - usual) / (DEVIATIONS * deviation)
    return np.where(np.isfinite(values), result, 0.0)


def _forecast(slots: Floats, period: int) -> tuple[Floats, float]:
    """Return the last season at the last trend, and the remainder's deviation."""
    fitted = STL(slots, period=period, **JUMPS).fit()
    expected = np.asarray(fitted.seasonal)[-period:] + np.asarray(fitted.trend)[-1]
    return expected, float(np.std(np.asarray(fitted.resid))) + LEAST


STL_SIGMA = Incumbent("stl", "STL and three deviations (re-implementation)", score)
