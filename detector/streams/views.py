"""Causal views of series: what changes when something happens, each in O(1) of a point."""

import numpy as np
import numpy.typing as npt

from detector.model import Floats

# Spans of the smoothed values, in points; distances of the newest value from the first three are views.
SPANS = np.array([5.0, 20.0, 60.0, 200.0])
NEAR = 3
# How restless a series is now, set against how restless it usually is.
RESTLESS_SPAN, USUAL_SPAN = 20.0, 300.0
# Points before restlessness can be told.
LEAST_POINTS = 20
LEAST_CHANGE = 1e-12
Bools = npt.NDArray[np.bool_]
VIEWS = (
    "change",
    *(f"distance from {span:g} points" for span in SPANS[:NEAR]),
    "5 points against 60",
    "20 points against 200",
    "restlessness",
    "distance from other days",
    "value",
)


class Views:
    """The views of many rows, one point at a time; changed in place.

    Args:
        centres: a usual value of each row, from which the view `value` is counted; shape (rows,).
    """

    def __init__(self, centres: Floats) -> None:
        rows = len(centres)
        self._centres = centres
        self._last = np.full(rows, np.nan)
        self._smooth = np.full((rows, len(SPANS)), np.nan)
        self._restless = np.zeros(rows)
        self._usual = np.zeros(rows)
        self._points = np.zeros(rows, np.int64)

    def observe(self, values: Floats, other_days: Floats) -> Floats:
        """Take in one point of every row and return its views.

        Args:
            values: shape (rows,), NaN where there is no sample.
            other_days: what the rows were at this time on other days; shape (rows,), NaN where unknown.

        Returns:
            shape (rows, views), signed; NaN where there is no sample.
        """
        known = np.isfinite(values)
        first = known & np.isnan(self._last)
        self._last[first] = values[first]
        self._smooth[first] = values[first, None]
        change = values - self._last
        distance = values[:, None] - self._smooth
        self._take(known, values, change, distance)
        smooth = self._smooth
        columns = (
            change,
            *(distance[:, near] for near in range(NEAR)),
            np.where(known, smooth[:, 0] - smooth[:, 2], np.nan),
            np.where(known, smooth[:, 1] - smooth[:, 3], np.nan),
            np.where(known, self._restlessness(), np.nan),
            np.where(known, np.nan_to_num(values - other_days), np.nan),
            values - self._centres,
        )
        return np.stack(columns, axis=1)

    def _take(self, known: Bools, values: Floats, change: Floats, distance: Floats) -> None:
        self._smooth += np.where(known[:, None], distance / SPANS, 0.0)
        self._last[known] = values[known]
        size = np.abs(change)
        self._restless += np.where(known, (size - self._restless) / RESTLESS_SPAN, 0.0)
        self._usual += np.where(known, (size - self._usual) / USUAL_SPAN, 0.0)
        self._points += known

    def _restlessness(self) -> Floats:
        ratio = np.log((self._restless + LEAST_CHANGE) / (self._usual + LEAST_CHANGE))
        return np.where(self._points > LEAST_POINTS, ratio, 0.0)
