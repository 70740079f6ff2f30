"""Series with a daily or weekly season, found in the data and verified on weeks or days left out."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from detector.baselines.clocks import Shifts, moved, moved_back, shifts
from detector.baselines.decompose import trends
from detector.baselines.grid import HOUR, HOURS_PER_DAY, SLOTS, WEEK, read_week
from detector.baselines.robust import median
from detector.baselines.weeks import Weeks, daily_profile, lay_out, weekly_profile
from detector.model import Floats

# Days of history from which each season is looked for.
DAYS_FOR_DAY, DAYS_FOR_WEEK = 3, 14
# A season must lower the error on what was left out by this much of the simpler baseline's.
GAIN = 0.1
HOURS_PER_WEEK = 7 * HOURS_PER_DAY
SLOTS_PER_HOUR = SLOTS // HOURS_PER_WEEK


class Season(IntEnum):
    """The longest season that a series was found to have."""

    NONE = 0
    DAY = 1
    WEEK = 2


@dataclass(frozen=True, slots=True)
class Seasonal:
    """What the seasons of some series say.

    Attributes:
        seasons: Season of each; shape (series,).
        profile: usual value in each slot of the week, without the level, by the clocks as they are at the end; shape
            (series, SLOTS).
        left_out: the same for each week by its own clocks, learnt without that week; shape (series, weeks, SLOTS).
        week_of: the week of each column of the history.
        trend: the level of each column, as seen from both sides; shape (series, columns).
    """

    seasons: npt.NDArray[np.int8]
    profile: Floats
    left_out: Floats
    week_of: npt.NDArray[np.int64]
    trend: Floats


def find(stable: Floats, times: Floats) -> Seasonal:
    """Find the seasons of series and what they say.

    Args:
        stable: stabilised history, shape (series, columns), NaN where there is no sample.
        times: shape (columns,).
    """
    weeks = lay_out(stable, times)
    rows, count, _ = weeks.slots.shape
    first = float(np.floor_divide(times[0], WEEK) * WEEK)
    flat = weeks.slots.reshape(rows, -1)
    by = shifts(flat, first)
    flat = flat if by is None else moved(flat, by)
    hourly = median(flat.reshape(rows, -1, SLOTS_PER_HOUR), 2)
    seasons = _seasons(flat, hourly, count)
    trend = _trend(hourly, seasons)
    centred = (flat - np.repeat(trend, SLOTS_PER_HOUR, axis=1)).reshape(weeks.slots.shape)
    profile, left_out = _profiles(Weeks(centred, weeks.week_of), seasons)
    left_out = left_out if by is None else _by_own_clocks(left_out, by)
    hour = np.minimum(((times - first) // HOUR).astype(np.int64), trend.shape[1] - 1)
    return Seasonal(seasons, profile, left_out, weeks.week_of, trend[:, hour])


def _by_own_clocks(left_out: Floats, by: Shifts) -> Floats:
    """Return each week's profile as that week's own days were."""
    weekly = by.reshape(left_out.shape)
    return np.stack([moved_back(left_out[:, week], weekly[:, week]) for week in range(left_out.shape[1])], axis=1)


def residuals(stable: Floats, times: Floats, left_out: Floats, week_of: npt.NDArray[np.int64]) -> Floats:
    """Return history minus the season learnt without its week, but with its level; shape (series, columns).

    Args:
        stable: stabilised history, shape (series, columns).
        times: shape (columns,).
        left_out, week_of: as of `Seasonal`.
    """
    result = np.empty_like(stable)
    for week in range(left_out.shape[1]):
        columns = week_of == week
        result[:, columns] = stable[:, columns] - read_week(left_out[:, week], times[columns])
    return result


def _seasons(flat: Floats, hourly: Floats, weeks: int) -> npt.NDArray[np.int8]:
    """Return each series' season; `flat` are its slots, and `hourly` their medians.

    Of a job that is over within half an hour the medians of hours show nothing, but their means do.
    """
    slots = flat.reshape(len(flat), -1, SLOTS_PER_HOUR)
    count = np.isfinite(slots).sum(2)
    means = np.where(count > 0, np.nansum(slots, 2) / np.maximum(count, 1), np.nan)
    by_medians, by_means = (_verify(each.reshape(len(each), weeks, HOURS_PER_WEEK)) for each in (hourly, means))
    return np.maximum(by_medians, by_means)


def _verify(hourly: Floats) -> npt.NDArray[np.int8]:
    """Choose the longest season that predicts what it has not seen; hourly has shape (series, weeks, 168)."""
    rows, weeks, _ = hourly.shape
    days = hourly.reshape(rows, weeks * 7, HOURS_PER_DAY)
    known = np.isfinite(days)
    centred = hourly - median(hourly, (1, 2))[:, None, None]
    # The level of each week is taken out, so that growth does not hide a season.
    drift = centred - np.nan_to_num(median(centred, 2))[:, :, None]
    seasons = np.zeros(rows, np.int8)
    plain = _error(drift)
    covered = (known.sum(2) >= HOURS_PER_DAY // 2).sum(1)
    day = _error(_left_out_days(drift))
    seasons[(covered >= DAYS_FOR_DAY) & (day < (1 - GAIN) * plain)] = Season.DAY
    if weeks > 1:
        best = np.where(seasons == Season.DAY, day, plain)
        week = _error(drift - _without_each(drift))
        seasons[(covered >= DAYS_FOR_WEEK) & (week < (1 - GAIN) * best)] = Season.WEEK
    return seasons


def _error(residual: Floats) -> Floats:
    """Return the mean absolute residual of each series; infinite where there is none."""
    flat = np.abs(residual.reshape(len(residual), -1))
    count = np.isfinite(flat).sum(1)
    return np.where(count > 0, np.nansum(flat, 1) / np.maximum(count, 1), np.inf)


def _left_out_days(drift: Floats) -> Floats:
    rows, weeks, _ = drift.shape
    days = drift.reshape(rows, weeks * 7, HOURS_PER_DAY)
    return days - _without_each(days)


def _without_each(units: Floats) -> Floats:
    """Return the median of all units but each one; NaN where no other unit has a value; shape as given."""
    result = np.empty_like(units)
    for unit in range(units.shape[1]):
        result[:, unit] = median(np.delete(units, unit, axis=1), 1)
    return result


def _trend(hourly: Floats, seasons: npt.NDArray[np.int8]) -> Floats:
    """Return each series' hourly level: STL's trend where there is a season, else its median."""
    result = np.repeat(np.nan_to_num(median(hourly, 1))[:, None], hourly.shape[1], axis=1)
    for season, period in ((Season.DAY, HOURS_PER_DAY), (Season.WEEK, HOURS_PER_WEEK)):
        rows = np.flatnonzero(seasons == season)
        known = np.flatnonzero(np.isfinite(hourly[rows]).any(0))
        if len(known) and known[-1] + 1 - known[0] >= 2 * period:
            span = slice(int(known[0]), int(known[-1]) + 1)
            result[rows, span] = trends(hourly[rows, span], period)
            result[rows, : span.start] = result[rows, span.start][:, None]
            result[rows, span.stop :] = result[rows, span.stop - 1][:, None]
    return result


def _profiles(weeks: Weeks, seasons: npt.NDArray[np.int8]) -> tuple[Floats, Floats]:
    """Return the profile of all weeks, and of all but each."""
    rows, count, _ = weeks.slots.shape
    profile, left_out = np.zeros((rows, SLOTS)), np.zeros((rows, count, SLOTS))
    for season, learn in ((Season.DAY, daily_profile), (Season.WEEK, weekly_profile)):
        chosen = np.flatnonzero(seasons == season)
        if not len(chosen):
            continue
        slots = weeks.slots[chosen]
        profile[chosen] = learn(slots)
        for week in range(count):
            others = np.delete(slots, week, axis=1)
            # What no other week has seen, this one alone can tell.
            left_out[chosen, week] = learn(others, profile[chosen]) if others.shape[1] else profile[chosen]
    return profile, left_out
