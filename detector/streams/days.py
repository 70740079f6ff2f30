"""What series were at the same time on the days before: a ring of a week."""

import numpy as np

from detector.baselines.robust import median
from detector.model import Floats

DAY = 86_400.0
DAYS = 7
# Finer points than this share a slot, so that a series' week stays small.
LEAST_SLOT_SECONDS = 300.0
# Neighbouring slots, on either side, that count as the same time.
REACH = 2


class Days:
    """A week of many rows; changed in place.

    Args:
        rows: how many.
        step: seconds between points.
    """

    def __init__(self, rows: int, step: float) -> None:
        self._slot_seconds = max(step, LEAST_SLOT_SECONDS)
        self._per_day = max(1, round(DAY / self._slot_seconds))
        self._ring = np.full((rows, DAYS * self._per_day + REACH + 1), np.nan)
        self._newest: int | None = None

    def at(self, at: float) -> Floats:
        """Return the median of the rows around this time on the days before; shape (rows,), NaN where unknown."""
        if self._per_day <= 2 * REACH:
            return np.full(len(self._ring), np.nan)
        self._turn(self._slot(at))
        slot = self._slot(at)
        before = slot - self._per_day * np.arange(1, DAYS + 1)
        near = (before[:, None] + np.arange(-REACH, REACH + 1)).ravel()
        near = near[near > slot - self._ring.shape[1]]
        return median(self._ring[:, near % self._ring.shape[1]], 1)

    def put(self, at: float, values: Floats) -> None:
        """Remember the rows' newest values; shape (rows,), NaN where there is no sample."""
        slot = self._slot(at)
        self._turn(slot)
        column = slot % self._ring.shape[1]
        self._ring[:, column] = np.where(np.isnan(values), self._ring[:, column], values)

    def _slot(self, at: float) -> int:
        return int(at // self._slot_seconds)

    def _turn(self, slot: int) -> None:
        """Forget what the ring held in the slots that have begun since the newest."""
        length = self._ring.shape[1]
        if self._newest is not None and slot > self._newest:
            begun = np.arange(max(self._newest + 1, slot - length + 1), slot + 1)
            self._ring[:, begun % length] = np.nan
        self._newest = slot if self._newest is None else max(slot, self._newest)
