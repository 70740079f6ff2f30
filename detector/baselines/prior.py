"""Cold start: what is assumed of a series of which little is known."""

import numpy as np

from detector.baselines.stabilise import LINEAR, LOG, ROOT, Scales
from detector.model import Floats, Kind

# Samples before which nothing is said.
LEAST_SAMPLES = 20
# Span of history from which a series has a level of its own rather than a prior, in seconds: with less than two days a
# morning's rise cannot be told from a fault.
LEVEL_SPAN = 2 * 86_400.0

# The least change that is worth an alert, as a share of the usual value: what users would hardly notice is none.
LEAST_CHANGE = {Kind.RATE: 0.25, Kind.RATIO: 0.0, Kind.DURATION: 0.3, Kind.GAUGE: 0.15, Kind.BOUNDED: 0.1}
# Deviation assumed of a series never seen before, as a share of its usual value (RATIO: in shares of one). A band is
# several deviations wide.
DEVIATION = {Kind.RATE: 0.25, Kind.RATIO: 0.005, Kind.DURATION: 0.25, Kind.GAUGE: 0.2, Kind.BOUNDED: 0.1}


def least_changes(usual: Floats, kinds: tuple[Kind, ...], scales: Scales) -> Floats:
    """Return the least departure worth an alert, stabilised; `usual` is in the signals' units; shape (series,)."""
    return _shares(usual, kinds, scales, LEAST_CHANGE)


def deviations(usual: Floats, kinds: tuple[Kind, ...], scales: Scales) -> Floats:
    """Return the deviation assumed of series never seen before, stabilised; all of shape (series,)."""
    return _shares(usual, kinds, scales, DEVIATION)


def _shares(usual: Floats, kinds: tuple[Kind, ...], scales: Scales, table: dict[Kind, float]) -> Floats:
    """Turn shares of the usual value into stabilised units."""
    share = np.array([table[kind] for kind in kinds], dtype=np.float64)
    ratio = np.array([kind is Kind.RATIO for kind in kinds], dtype=np.bool_)
    size = np.maximum(np.nan_to_num(np.abs(usual)), 0.0)
    with_offset = size + scales.offsets
    result = np.where(scales.codes == LINEAR, share * np.where(ratio, 1.0, size), 0.0)
    result = np.where(scales.codes == ROOT, share * 0.5 * np.sqrt(with_offset), result)
    return np.where(scales.codes == LOG, np.log1p(share), result)
