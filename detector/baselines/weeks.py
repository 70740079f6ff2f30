"""Stabilised history laid out by week and slot."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.baselines.grid import SLOT_SECONDS, SLOTS, WEEK
from detector.baselines.robust import median, smooth_circle
from detector.model import Floats

# Neighbouring slots, on either side, that lend their values to a slot's median; where there are many days to take it
# from, fewer need to, and a job of less than half an hour is not lost among them.
BORROW = 2
MANY_DAYS, BORROW_OF_MANY = 14, 1


@dataclass(frozen=True, slots=True)
class Weeks:
    """Slot medians of many series.

    Attributes:
        slots: shape (series, weeks, SLOTS), NaN where there is no sample.
        week_of: the week of each column of the history; shape (columns,).
    """

    slots: Floats
    week_of: npt.NDArray[np.int64]


def lay_out(stable: Floats, times: Floats) -> Weeks:
    """Return medians of each slot; weeks begin with the epoch's.

    Args:
        stable: shape (series, columns), NaN where there is no sample.
        times: shape (columns,), ascending.
    """
    week_of = np.floor_divide(times, WEEK).astype(np.int64)
    first = int(week_of[0])
    slot = np.floor_divide(times, SLOT_SECONDS).astype(np.int64) - first * SLOTS
    weeks = int(week_of[-1]) - first + 1
    starts = np.searchsorted(slot, slot, side="left")
    within = np.arange(len(slot)) - starts
    rows = len(stable)
    grid = np.full((rows, weeks * SLOTS, int(within.max()) + 1), np.nan)
    grid[:, slot, within] = stable
    return Weeks(median(grid, 2).reshape(rows, weeks, SLOTS), week_of - first)


def weekly_profile(slots: Floats, otherwise: Floats | None = None) -> Floats:
    """Return the usual week: medians over weeks and neighbouring slots, lightly smoothed; shape (series, SLOTS).

    Args:
        slots: shape (series, weeks, SLOTS), NaN where nothing was seen.
        otherwise: shape (series, SLOTS), for slots that were never seen. None: the median of the rest; of a series
            without any, zero.
    """
    return _finish(median(_borrowed(slots, BORROW), 1), otherwise)


def daily_profile(slots: Floats, otherwise: Floats | None = None) -> Floats:
    """Return the usual day, repeated over the week; otherwise like `weekly_profile`."""
    rows, weeks, _ = slots.shape
    days = slots.reshape(rows, weeks * 7, SLOTS // 7)
    day = None if otherwise is None else otherwise[:, : SLOTS // 7]
    reach = BORROW if days.shape[1] < MANY_DAYS else BORROW_OF_MANY
    return np.tile(_finish(median(_borrowed(days, reach), 1), day), 7)


def _borrowed(slots: Floats, reach: int) -> Floats:
    return np.concatenate([np.roll(slots, shift, axis=2) for shift in range(-reach, reach + 1)], axis=1)


def _finish(profile: Floats, otherwise: Floats | None) -> Floats:
    usual = np.nan_to_num(median(profile, 1))[:, None] if otherwise is None else otherwise
    return smooth_circle(np.where(np.isfinite(profile), profile, usual), 1)
