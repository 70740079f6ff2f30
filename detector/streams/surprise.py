"""One score of every series from all its views, on its own scale and on a logarithmic one."""

import numpy as np

from detector.baselines.robust import median
from detector.model import Floats
from detector.streams.days import Days
from detector.streams.tails import Tails
from detector.streams.views import VIEWS, Views

# Points that place a series' scale; there is no score before.
FIRST = 150
# The quadratic mean of all views' -log10 probability from which on a point is anomalous. Chosen on 31 labelled files of
# the Numenta Anomaly Benchmark; chosen on one half of them and judged on the other it costs 3 of 70 points.
LIMIT = 1.5
# What follows within so many points is news only if it is so much more surprising than all before it.
SPAN = 100
NEWS = 1.1
# Of the median: what a logarithm is offset by, so that values near zero do not rule it.
OFFSET_SHARE = 0.1
LEAST_OFFSET_SHARE = 1e-3
LEAST_OFFSET = 1e-9
SCALES = 2
SIDES = 2


class Surprise:
    """Scores many series by their own past, one point at a time; changed in place.

    Args:
        series: how many.
        step: seconds between points.
    """

    def __init__(self, series: int, step: float) -> None:
        self._first: list[tuple[float, Floats]] = []
        self._series = series
        self._step = step
        self._recent = np.zeros((series, SPAN))
        self._points = 0

    def observe(self, at: float, values: Floats) -> Floats:
        """Take in one point of every series and return how anomalous it is.

        Args:
            at: its time, never earlier than the point before.
            values: shape (series,), NaN where there is no sample; infinities count as none.

        Returns:
            shape (series,): above 1 is anomalous; zero where there is nothing new, NaN before the scale is known.
        """
        usable = np.where(np.isfinite(values), values, np.nan)
        if self._points < FIRST:
            self._first.append((at, usable))
            self._points += 1
            if self._points == FIRST:
                self._begin()
            return np.full(self._series, np.nan)
        return self._news(self._joined(at, usable) / LIMIT)

    def _begin(self) -> None:
        """Place the scales by the first points, and let them pass."""
        block = np.stack([values for _, values in self._first], axis=1)
        centre = np.nan_to_num(median(block, 1))
        spread = np.nan_to_num(median(np.abs(block - centre[:, None]), 1))
        least = np.maximum(LEAST_OFFSET_SHARE * np.abs(centre), LEAST_OFFSET)
        self._offset = np.maximum(spread, least) + OFFSET_SHARE * np.abs(centre)
        # What falls below zero has no logarithm.
        self._scales = np.where(np.nanmin(np.where(np.isnan(block), 0.0, block), axis=1) >= 0, SCALES, 1)
        self._views = Views(self._scaled(centre))
        self._tails = Tails(self._series * SCALES * len(VIEWS) * SIDES)
        self._days = Days(self._series, self._step)
        for at, values in self._first:
            self._joined(at, values)
        self._first.clear()

    def _scaled(self, values: Floats) -> Floats:
        """Return values on both scales; shape (series * SCALES,), NaN on a scale that a series has not."""
        logarithm = np.log(np.maximum(values, 0.0) + self._offset)
        return np.stack([values, np.where(self._scales > 1, logarithm, np.nan)], axis=1).ravel()

    def _joined(self, at: float, values: Floats) -> Floats:
        """Return the quadratic mean of all views' rarities; shape (series,)."""
        other_days = self._scaled(self._days.at(at))
        views = self._views.observe(self._scaled(values), other_days)
        self._days.put(at, values)
        sides = np.stack([views, -views], axis=-1)
        rarity = self._tails.observe(sides.ravel()).reshape(self._series, -1)
        count = self._scales * len(VIEWS) * SIDES
        return np.asarray(np.sqrt((rarity**2).sum(1) / count))

    def _news(self, score: Floats) -> Floats:
        """Return the score where it rises above all that was before it, else zero."""
        new = score > NEWS * self._recent.max(1)
        self._recent[:, self._points % SPAN] = score
        self._points += 1
        return np.where(new, score, 0.0)
