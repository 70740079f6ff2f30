"""Where a moment lies in the week: slots of ten minutes, and reading weekly arrays between their centres."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from detector.model import Floats

DAY = 86_400.0
WEEK = 7 * DAY
HOUR = 3_600.0
SLOT_SECONDS = 600.0
SLOTS_PER_DAY = int(DAY / SLOT_SECONDS)
SLOTS = 7 * SLOTS_PER_DAY
HOURS_PER_DAY = 24

Ints = npt.NDArray[np.int64]
Weekly = npt.NDArray[np.floating] | npt.NDArray[np.int16]


class ByTheSlot(Protocol):
    """Weekly arrays of which some slots can be had; shape (series, SLOTS)."""

    def __len__(self) -> int:
        """How many series."""
        ...

    def at(self, slots: Ints) -> Weekly:
        """Some slots of all series; shape (series, slots)."""
        ...


def read_week(weekly: Weekly | ByTheSlot, times: Floats) -> Floats:
    """Read weekly arrays at any times, linearly between slot centres.

    Args:
        weekly: shape (series, SLOTS).
        times: shape (columns,), seconds since the epoch.

    Returns:
        shape (series, columns).
    """
    position = times / SLOT_SECONDS - 0.5
    whole = np.floor(position)
    share = position - whole
    left = whole.astype(np.int64) % SLOTS
    slots = np.concatenate([left, (left + 1) % SLOTS])
    both = weekly[:, slots] if isinstance(weekly, np.ndarray) else weekly.at(slots)
    before, after = both[:, : len(left)], both[:, len(left) :]
    return np.asarray(before * (1.0 - share) + after * share, dtype=np.float64)


def read_hours(daily: npt.NDArray[np.floating], times: Floats) -> Floats:
    """Read arrays of 24 hourly values, linearly between the hours' centres; shape (series, columns)."""
    position = times / HOUR - 0.5
    whole = np.floor(position)
    share = position - whole
    left = whole.astype(np.int64) % HOURS_PER_DAY
    right = (left + 1) % HOURS_PER_DAY
    return np.asarray(daily[:, left] * (1.0 - share) + daily[:, right] * share, dtype=np.float64)
