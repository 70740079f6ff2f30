"""How a series behaves around its own last hour, free of its level: so it can be compared with others, and stand for
one of which nothing else is known yet."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from detector.baselines.choose import Learnt, clean
from detector.baselines.level import STANDARD_SHARE, from_last_hour, levels
from detector.baselines.portions import portions
from detector.baselines.robust import deviation
from detector.baselines.stabilise import LINEAR, ROOT, Scales, forward, inverse, is_nothing
from detector.checks.hold import REMEMBERED, all_but_one
from detector.checks.limits import BLOCK_SECONDS, usual_limit
from detector.checks.shift import CLIPS, SPANS_SECONDS
from detector.model import Floats, of_rows

# Deviations are not taken for smaller than this share of the usual value.
LEAST_DEVIATION = 1e-3
# Neighbours so far apart tell how long a departure lasts.
APART_SECONDS = 300.0
LEAST_HOURS, LEAST_LIMIT = 2, 1.0
SMALLEST = 1e-12


class Trait(IntEnum):
    """Of a series whose level is that of its last hour; deviations are a share of the usual value.

    DEVIATION: logarithm of the usual deviation. RESIDUAL_ABOVE to SHIFT_BELOW: logarithms of what the checks'
    statistics reach once in a long while, in such deviations. LASTING: correlation of samples five minutes apart.
    QUIET: share of samples that are nothing. STILL: logarithm of the seconds for which it may repeat one value, known
    only once limits are.
    """

    DEVIATION = 0
    RESIDUAL_ABOVE = 1
    SHIFT_ABOVE = 2
    RESIDUAL_BELOW = 3
    SHIFT_BELOW = 4
    LASTING = 5
    QUIET = 6
    STILL = 7


LIMITS = (Trait.RESIDUAL_ABOVE, Trait.SHIFT_ABOVE, Trait.RESIDUAL_BELOW, Trait.SHIFT_BELOW)


def traits_of(learnt: Learnt) -> Floats:
    """Return the traits of what was learnt, by its closest samples; shape (series, len(Trait))."""
    near, found = learnt.recent or learnt, []
    for rows in portions(len(learnt.trend)):
        scales, whole = learnt.baselines.scales.rows(rows), of_rows(learnt.history, rows)
        values = clean(whole)
        unit = units(inverse(levels(forward(values, scales)), scales), scales, learnt.baselines.shares[rows])
        stable = forward(clean(of_rows(near.history, rows)), scales)
        found.append(measure(stable, near.history.step, unit, _quiet(values, whole.unlearnt, scales)))
    return np.concatenate(found)


def _quiet(values: Floats, unlearnt: npt.NDArray[np.bool_] | None, scales: Scales) -> Floats:
    """Return the share of samples since each first that are nothing, or missing; NaN without any; shape (series,)."""
    begun = np.maximum.accumulate(np.isfinite(values), axis=1)
    begun = begun if unlearnt is None else begun & ~unlearnt
    idle = begun & is_nothing(values, scales.offsets[:, None])
    return np.where(begun.any(1), idle.sum(1) / np.maximum(begun.sum(1), 1), np.nan)


def units(usual: Floats, scales: Scales, shares: npt.NDArray[np.bool_]) -> Floats:
    """Return what a small departure by all of the usual value, of shares by one, is stabilised; shape (series,)."""
    size = np.nan_to_num(np.abs(usual))
    linear = np.where(shares, 1.0, size)
    rooted = np.where(scales.codes == ROOT, 0.5 * np.sqrt(size + scales.offsets), 1.0)
    return np.maximum(np.where(scales.codes == LINEAR, linear, rooted), SMALLEST)


def measure(stable: Floats, step: float, unit: Floats, quiet: Floats) -> Floats:
    """Return the traits of many series, NaN where they are unknown; shape (series, len(Trait)).

    Args:
        stable: stabilised samples, as far apart as they are evaluated if possible; shape (series, columns).
        step: seconds between them.
        unit: as `units` gives it; shape (series,).
        quiet: share of samples that are nothing; shape (series,).
    """
    found = np.full((len(stable), len(Trait)), np.nan)
    found[:, Trait.QUIET] = quiet
    distance = from_last_hour(stable, max(1, round(3600.0 / step)))
    if distance.shape[1] < LEAST_HOURS * 3600.0 / step:
        return found
    usual = _deviation(distance)
    usual = np.where(np.isfinite(usual), np.maximum(usual, LEAST_DEVIATION * unit), np.nan)
    found[:, Trait.DEVIATION] = np.log(usual / unit)
    scaled = distance / usual[:, None]
    found[:, Trait.LASTING] = _lasting(scaled, max(1, round(APART_SECONDS / step)))
    for trait, statistic in _statistics(scaled, step):
        # Samples that lie too far apart to agree stand for those that do.
        held = _agreed(statistic) if step < APART_SECONDS else statistic
        found[:, trait] = np.log(np.maximum(usual_limit(_blocks(held, step)), LEAST_LIMIT))
    return found


def _deviation(distance: Floats) -> Floats:
    """Return the usual distance, not far below the standard deviation where most are none."""
    count = np.maximum(np.isfinite(distance).sum(1), 1)
    standard = np.sqrt(np.nansum(np.square(distance), 1) / count)
    return np.asarray(np.maximum(deviation(distance, 1), STANDARD_SHARE * standard))


def _lasting(scaled: Floats, lag: int) -> Floats:
    clipped = np.nan_to_num(np.clip(scaled, -CLIPS[0], CLIPS[0]))
    total = np.square(clipped).sum(1)
    together = (clipped[:, lag:] * clipped[:, :-lag]).sum(1)
    return np.asarray(np.clip(together / np.maximum(total, SMALLEST), 0.0, 0.99))


def _statistics(scaled: Floats, step: float) -> list[tuple[Trait, Floats]]:
    known = np.nan_to_num(scaled)
    share = -np.expm1(-step / SPANS_SECONDS[0])
    smoothed = lfilter([share], [1.0, share - 1.0], np.clip(known, -CLIPS[0], CLIPS[0]), axis=1)
    return [
        (Trait.RESIDUAL_ABOVE, known),
        (Trait.SHIFT_ABOVE, smoothed),
        (Trait.RESIDUAL_BELOW, -known),
        (Trait.SHIFT_BELOW, -smoothed),
    ]


def _agreed(statistic: Floats) -> Floats:
    """Return what four of five neighbours reach."""
    padded = np.concatenate([np.zeros((len(statistic), REMEMBERED)), statistic], axis=1)
    before = np.lib.stride_tricks.sliding_window_view(padded[:, :-1], REMEMBERED, axis=1)
    return np.maximum(all_but_one(before, statistic, 5), 0.0)


def _blocks(statistic: Floats, step: float) -> Floats:
    """Return the greatest of each hour; shape (series, hours)."""
    size = max(1, round(BLOCK_SECONDS / step))
    hours = statistic.shape[1] // size
    return np.asarray(statistic[:, : hours * size].reshape(len(statistic), hours, size).max(2))
