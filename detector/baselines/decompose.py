"""Splitting hourly series into trend and season by statsmodels' STL."""

import warnings

import numpy as np

from detector.baselines.robust import median
from detector.model import Floats

# Loess is computed at every jump-th point and interpolated between: 20 times faster on four hourly weeks, and the trend
# stays within a twentieth of the noise's deviation (tests/detector/baselines/test_decompose.py holds it).
# One inner pass, as in R, and four robust ones come nearer to the limit of many than two and three do, in two thirds of
# the time.
JUMPS = {"seasonal_jump": 5, "trend_jump": 12, "low_pass_jump": 12}


def trends(hourly: Floats, period: int) -> Floats:
    """Return the robust trend of each series, its season taken out.

    Args:
        hourly: shape (series, hours), NaN where there is no sample.
        period: hours in the season; at least two seasons of hours are needed.

    Returns:
        shape (series, hours), finite; zeros where a series holds nothing.

    Raises:
        ValueError: there are fewer than two seasons.
    """
    if hourly.shape[1] < 2 * period:
        raise ValueError(f"{hourly.shape[1]} hours are fewer than two seasons of {period}")
    filled = fill(hourly, period)
    result = np.zeros_like(filled)
    with warnings.catch_warnings():
        # A constant series has no residual to weigh by: statsmodels divides by its zero spread.
        warnings.simplefilter("ignore", RuntimeWarning)
        for row, series in enumerate(filled):
            result[row] = _trend(series, period)
    return result


def _trend(series: Floats, period: int) -> Floats:
    # With all that it needs 100 MB, of which who only evaluates has no use.
    from statsmodels.tsa.stl._stl import STL  # noqa: PLC0415

    fitted = STL(series, period=period, seasonal=7, robust=True, **JUMPS).fit(inner_iter=1, outer_iter=4)
    trend = np.asarray(fitted.trend, dtype=np.float64)
    return trend if np.isfinite(trend).all() else np.full_like(series, np.median(series))


def fill(hourly: Floats, period: int) -> Floats:
    """Fill holes with the season's usual value there, else with the series' median, else zero."""
    rows, hours = hourly.shape
    padded = np.full((rows, -(-hours // period) * period), np.nan)
    padded[:, :hours] = hourly
    season = median(padded.reshape(rows, -1, period), 1)
    usual = np.tile(season, padded.shape[1] // period)[:, :hours]
    overall = np.nan_to_num(median(hourly, 1))[:, None]
    return np.where(np.isfinite(hourly), hourly, np.where(np.isfinite(usual), usual, overall))
