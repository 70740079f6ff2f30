"""A line and Fourier terms of day and week, fitted by least squares every day, in the manner of Prophet."""

import numpy as np

from benchmarks.incumbents.incumbent import LEAST, Incumbent, steps_in
from detector.model import Floats

DAY = 86_400.0
WEEK = 7 * DAY
HISTORY_SECONDS = 3 * WEEK
DAILY_TERMS, WEEKLY_TERMS = 4, 3
# Of coefficients, as in Prophet: keeps seasons that were seen once from running wild.
RIDGE = 1e-3
INTERVAL_DEVIATIONS = 2.576  # 99 % of a normal distribution


def score(values: Floats, times: Floats) -> Floats:
    """Return each point's distance from the forecast over half the forecast's interval."""
    result = np.zeros(values.shape)
    day, history = steps_in(DAY, times), steps_in(HISTORY_SECONDS, times)
    for begin in range(day, values.shape[1], day):
        known, ahead = slice(max(0, begin - history), begin), slice(begin, begin + day)
        expected, deviation = _forecast(values[:, known], times[known], times[ahead])
        result[:, ahead] = np.abs(values[:, ahead] - expected) / (INTERVAL_DEVIATIONS * deviation[:, None])
    return np.nan_to_num(result)


def _forecast(values: Floats, times: Floats, ahead: Floats) -> tuple[Floats, Floats]:
    """Return what is expected at the times ahead, shape (series, ahead), and the residuals' deviation."""
    held = np.isfinite(values)
    centre = np.nan_to_num(np.nanmean(np.where(held.any(axis=1, keepdims=True), values, 0.0), axis=1))[:, None]
    centred = np.where(held, values - centre, 0.0)
    terms = _terms(times, times)
    weights = terms.T @ terms + RIDGE * len(times) * np.eye(terms.shape[1])
    fitted = np.linalg.solve(weights, terms.T @ centred.T)
    residual = np.where(held, centred - (terms @ fitted).T, 0.0)
    deviation = np.sqrt((residual**2).sum(1) / np.maximum(held.sum(1), 1)) + LEAST
    return centre + (_terms(ahead, times) @ fitted).T, deviation


def _terms(at: Floats, times: Floats) -> Floats:
    """Return the columns of the regression; shape (times, terms)."""
    span = max(float(times[-1] - times[0]), 1.0)
    columns = [np.ones_like(at), (at - times[-1]) / span]
    for period, count in ((DAY, DAILY_TERMS), (WEEK, WEEKLY_TERMS)):
        for each in range(1, count + 1):
            angle = 2 * np.pi * each * at / period
            columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=1)


FOURIER = Incumbent("fourier", "trend and Fourier terms, like Prophet (re-implementation)", score)
