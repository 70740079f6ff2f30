"""Streaming peaks over threshold: how rare the newest value of each row is among all that came before it."""

import numpy as np
import numpy.typing as npt

from detector.model import Floats

# The greatest values kept of each row: more changes little, and this is most of the state.
KEPT = 32
# The tail is this share of all values, and never fewer.
TAIL_SHARE = 0.03
LEAST_TAIL = 10
# Fewer than the least would be fitted to noise; heavier than the greatest, nothing would be rare.
SHAPE_RANGE = (0.05, 0.5)
LEAST_EXCESS = 1e-12
Rows = npt.NDArray[np.int64]


class Tails:
    """The upper tails of many rows, learnt one value at a time; changed in place.

    Args:
        rows: how many.

    Source: Siffer et al., Anomaly Detection in Streams with Extreme Value Theory, 2017, with the generalised Pareto
    distribution fitted by moments (Hosking and Wallis, 1987).
    """

    def __init__(self, rows: int) -> None:
        self._top = np.full((rows, KEPT), -np.inf)
        self._seen = np.zeros(rows, np.int64)

    def observe(self, values: Floats) -> Floats:
        """Take in one value of each row and return its -log10 probability by the values before it.

        Args:
            values: shape (rows,); NaN where there is none.

        Returns:
            shape (rows,); zero below the tail, where there is no value, and for a row's first few.
        """
        result = np.zeros(len(values))
        counts = np.minimum(np.maximum((TAIL_SHARE * self._seen).astype(np.int64), LEAST_TAIL), KEPT - 1)
        starts = np.take_along_axis(self._top, counts[:, None], 1)[:, 0]
        with np.errstate(invalid="ignore"):
            rare = np.flatnonzero((values > starts) & np.isfinite(starts))
        if len(rare):
            result[rare] = self._rarity(rare, values[rare], starts[rare], counts[rare])
        self._keep(values)
        return result

    def _rarity(self, rows: Rows, values: Floats, starts: Floats, counts: Rows) -> Floats:
        within = np.arange(KEPT) < counts[:, None]
        excess = np.where(within, self._top[rows] - starts[:, None], 0.0)
        mean = excess.sum(1) / counts
        variance = (excess**2).sum(1) / counts - mean**2
        flat = mean <= LEAST_EXCESS
        shape = np.clip(0.5 * (1 - mean**2 / np.maximum(variance, 1e-12 * mean**2 + 1e-300)), *SHAPE_RANGE)
        scale = np.where(flat, 1.0, mean) * (1 - shape)
        beyond = np.log10(1 + shape * (values - starts) / scale) / shape
        # A tail without any spread has no shape: the value is the first of its kind.
        first = np.log10(self._seen[rows] + 1.0)
        return np.asarray(np.where(flat, first, np.log10(self._seen[rows] / counts) + beyond))

    def _keep(self, values: Floats) -> None:
        known = np.isfinite(values)
        self._seen += known
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(known & (values > self._top[:, -1]))
        if len(rows):
            kept = self._top[rows]
            kept[:, -1] = values[rows]
            self._top[rows] = -np.sort(-kept, axis=1)
