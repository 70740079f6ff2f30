"""Variance-stabilising scales, so that a band is multiplicative where the numbers are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.baselines.robust import block_medians, deviation, median
from detector.model import Floats, Kind

LINEAR, ROOT, LOG = 0, 1, 2
Codes = npt.NDArray[np.int8]

# Values this small a share of a series' usual ones are as good as nothing.
OFFSET_SHARE = 0.05
# Below this share of a scale's offset there is as good as nothing.
NOTHING_SHARE = 0.2
# No metric comes near, and single precision can hold its multiples.
MOST_VALUE = 1e30
# Between these slopes of log spread on log level lies the square root's 0.5.
ROOT_FROM, LOG_FROM = 0.25, 0.75
# The least range of log level from which a slope can be read, and the least number of hours.
LEVEL_RANGE, LEVEL_BLOCKS = 0.1, 48
SPARSE_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Scales:
    """How each series is stabilised.

    Attributes:
        codes: LINEAR, ROOT or LOG; shape (series,).
        offsets: added before root or logarithm, in the signal's unit, positive; shape (series,).
    """

    codes: Codes
    offsets: Floats

    def rows(self, chosen: slice | npt.NDArray[np.int64]) -> "Scales":
        """Return the scales of some rows."""
        return Scales(self.codes[chosen], self.offsets[chosen])


def choose(values: Floats, kinds: tuple[Kind, ...], floors: Floats, per_hour: int) -> Scales:
    """Choose each series' scale from its kind and from how its spread grows with its level.

    Args:
        values: shape (series, columns), in the signals' units, NaN where there is no sample.
        kinds: one per series.
        floors: the least change that matters, in the signals' units; shape (series,).
        per_hour: columns in one hour.
    """
    positive = np.where(values > 0, values, np.nan)
    usual = np.nan_to_num(median(positive, 1))
    offsets = np.maximum(np.maximum(OFFSET_SHARE * usual, floors), 1e-12)
    observed = np.maximum(np.isfinite(values).sum(1), 1)
    sparse = (values == 0).sum(1) / observed > SPARSE_SHARE
    slope = _slopes(positive, per_hour)
    found = np.where(slope > LOG_FROM, LOG, np.where(slope > ROOT_FROM, ROOT, LINEAR))
    codes = np.where(np.isnan(slope), np.where(sparse, ROOT, LOG), found).astype(np.int8)
    fixed = {Kind.DURATION: LOG, Kind.RATIO: LINEAR}
    for row, kind in enumerate(kinds):
        codes[row] = fixed.get(kind, codes[row])
    codes[(values < 0).any(1)] = LINEAR
    return Scales(codes, offsets)


def _slopes(positive: Floats, per_hour: int) -> Floats:
    """Return the slope of log spread on log level over hourly blocks; NaN where it cannot be told."""
    size = max(per_hour, 4)
    rows, columns = positive.shape
    blocks = columns // size
    if blocks < LEVEL_BLOCKS:
        return np.full(rows, np.nan)
    level = block_medians(positive, size)
    steps = np.diff(positive[:, : blocks * size].reshape(rows, blocks, size), axis=2)
    spread = deviation(steps, 2)
    usable = (level > 0) & (spread > 0)
    x = np.where(usable, np.log(np.where(usable, level, 1.0)), 0.0)
    y = np.where(usable, np.log(np.where(usable, spread, 1.0)), 0.0)
    count = np.maximum(usable.sum(1), 1)
    x = np.where(usable, x - (x.sum(1) / count)[:, None], 0.0)
    y = np.where(usable, y - (y.sum(1) / count)[:, None], 0.0)
    variance = (x * x).sum(1) / count
    known = (variance > LEVEL_RANGE**2) & (count >= LEVEL_BLOCKS)
    slope = (x * y).sum(1) / count / np.where(known, variance, 1.0)
    return np.where(known, slope, np.nan)


def is_nothing(values: Floats, offsets: Floats) -> npt.NDArray[np.bool_]:
    """Return where values are as good as zero, or missing; offsets are those of the series' scales."""
    return np.isnan(values) | (values <= NOTHING_SHARE * offsets)


def usable(values: Floats) -> Floats:
    """Return values without infinities and what would overflow; NaN in their place."""
    return np.where(np.abs(values) < MOST_VALUE, values, np.nan)


def forward(values: Floats, scales: Scales) -> Floats:
    """Stabilise values of shape (series,) or (series, columns); what is below zero counts as zero but on LINEAR."""
    codes, offsets = _shaped(values, scales)
    shifted = np.maximum(values, 0.0) + offsets
    return np.where(codes == LOG, np.log(shifted), np.where(codes == ROOT, np.sqrt(shifted), values))


def inverse(stable: Floats, scales: Scales) -> Floats:
    """Undo `forward`; on LOG and ROOT never below zero."""
    codes, offsets = _shaped(stable, scales)
    # A band of a thousandfold is as wide as any: beyond it exp would overflow.
    log = np.exp(np.clip(stable, -700.0, 700.0)) - offsets
    root = np.square(np.maximum(stable, 0.0)) - offsets
    return np.where(codes == LINEAR, stable, np.maximum(np.where(codes == LOG, log, root), 0.0))


def _shaped(values: Floats, scales: Scales) -> tuple[Codes, Floats]:
    if values.ndim == 1:
        return scales.codes, scales.offsets
    return scales.codes[:, None], scales.offsets[:, None]
