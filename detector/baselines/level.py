"""Series too short or too irregular for a season: a robust level and its spread."""

import numpy as np

from detector.baselines.grid import DAY, HOUR, HOURS_PER_DAY
from detector.baselines.robust import MAD_TO_DEVIATION, deviation, median, smooth_circle
from detector.model import Floats

# An hour's spread is never taken below this share of the whole series' spread, nor this one of its standard deviation.
MEDIAN_SHARE, STANDARD_SHARE = 0.3, 0.05
LEAST_SPREAD = 1e-9
# A series that hardly moves within an hour is not taken to be stiller than this, in deviations.
LEAST_AGILITY = 0.02
# Samples an hour of the day needs for a spread of its own.
HOUR_SAMPLES = 24


def levels(stable: Floats) -> Floats:
    """Return the median of each series, zero where it holds nothing; shape (series,)."""
    return np.nan_to_num(median(stable, 1))


def noise(stable: Floats) -> Floats:
    """Return the deviation of each series' noise, told from neighbours, so that no slow change adds to it."""
    if stable.shape[1] < 2:
        return np.zeros(len(stable))
    return np.asarray(np.nan_to_num(deviation(np.diff(stable, axis=1), 1)) / np.sqrt(2.0))


def agility(residual: Floats, spread: Floats, per_hour: int) -> Floats:
    """Return how far each series usually is from its last hour's mean, in deviations; 1 where that is unknown.

    Args:
        residual: history minus its season, shape (series, columns), NaN where there is no sample.
        spread: usual deviation by hour of the day; shape (series, 24).
        per_hour: columns in one hour.
    """
    if residual.shape[1] < per_hour + 2:
        return np.ones(len(residual))
    usual = deviation(from_last_hour(residual, per_hour), 1) / np.asarray(median(spread, 1))
    return np.where(np.isfinite(usual), np.maximum(usual, LEAST_AGILITY), 1.0)


def from_last_hour(values: Floats, per_hour: int) -> Floats:
    """Return how far each sample is from the mean of the hour before it, as soon as there was one; NaN without either.

    Args:
        values: shape (series, columns), NaN where there is no sample.
        per_hour: columns in one hour.
    """
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=1)
    count = np.cumsum(known, axis=1)
    there = count[:, per_hour:] - count[:, :-per_hour]
    before = np.where(there > 0, (total[:, per_hour:] - total[:, :-per_hour]) / np.maximum(there, 1), np.nan)
    return np.asarray(values[:, per_hour + 1 :] - before[:, :-1])


def spreads(residual: Floats, times: Floats) -> Floats:
    """Return the usual deviation by hour of the day, with floors, so that no quiet hour divides by nothing.

    Args:
        residual: history minus season and level, shape (series, columns), NaN where there is no sample.
        times: shape (columns,).

    Returns:
        shape (series, 24), positive.
    """
    overall = np.nan_to_num(deviation(residual, 1))
    hour = np.floor_divide(times % DAY, HOUR).astype(np.int64)
    daily = np.repeat(overall[:, None], HOURS_PER_DAY, axis=1)
    for each in range(HOURS_PER_DAY):
        columns = residual[:, hour == each]
        enough = np.isfinite(columns).sum(1) >= HOUR_SAMPLES
        if enough.any():
            daily[enough, each] = MAD_TO_DEVIATION * median(np.abs(columns[enough]), 1)
    return np.maximum(smooth_circle(daily, 1), _least(residual, overall)[:, None])


def _least(residual: Floats, overall: Floats) -> Floats:
    count = np.maximum(np.isfinite(residual).sum(1), 1)
    mean = np.nansum(residual, 1) / count
    standard = np.sqrt(np.nansum(np.square(residual - mean[:, None]), 1) / count)
    return np.asarray(np.maximum(np.maximum(MEDIAN_SHARE * overall, STANDARD_SHARE * standard), LEAST_SPREAD))
