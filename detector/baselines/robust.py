"""Robust statistics over arrays with holes, silent about rows that hold nothing."""

import numpy as np
import numpy.typing as npt

from detector.model import Floats

# Of a normal distribution, its standard deviation over its median absolute deviation.
MAD_TO_DEVIATION = 1.4826


def median(values: npt.NDArray[np.floating], axis: int | tuple[int, ...]) -> Floats:
    """Return the median along the axes without the NaN; NaN where there is nothing else."""
    ordered = np.sort(_joined(values, axis), axis=-1)  # NaN sort last
    count = np.isfinite(ordered).sum(-1)[..., None]
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, -1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, ordered.shape[-1] - 1), -1)
    return np.where(count > 0, (low + high) / 2, np.nan)[..., 0]


def _joined(values: npt.NDArray[np.floating], axis: int | tuple[int, ...]) -> Floats:
    """Return the values with the axes joined into one, the last."""
    axes = (axis,) if isinstance(axis, int) else axis
    moved = np.moveaxis(values, axes, range(-len(axes), 0))
    return np.asarray(moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1), dtype=np.float64)


def quantile(values: Floats, share: float, axis: int) -> Floats:
    """Return a quantile along an axis without the NaN, between neighbours linearly; NaN where there is nothing else."""
    # NumPy's own goes through the rows one by one once there may be NaN: ten times as long.
    ordered = np.sort(np.moveaxis(values, axis, -1), axis=-1)  # NaN sort last
    count = np.isfinite(ordered).sum(-1)[..., None]
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.int64)
    lower = np.take_along_axis(ordered, low, -1)
    upper = np.take_along_axis(ordered, np.minimum(low + 1, np.maximum(count - 1, 0)), -1)
    return np.where(count > 0, lower + (upper - lower) * (place - low), np.nan)[..., 0]


def deviation(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    """Return the median distance from zero as a standard deviation; NaN where there is nothing."""
    return MAD_TO_DEVIATION * median(np.abs(values), axis)


def smooth_circle(values: Floats, reach: int) -> Floats:
    """Return the running mean over 2 * reach + 1 neighbours along the last axis, which closes on itself."""
    total = values.copy()
    for shift in range(1, reach + 1):
        total += np.roll(values, shift, axis=-1) + np.roll(values, -shift, axis=-1)
    return total / (2 * reach + 1)


def block_medians(values: Floats, size: int) -> Floats:
    """Return medians of consecutive blocks of `size` columns; the last, incomplete block is left out."""
    rows, columns = values.shape
    blocks = columns // size
    return median(values[:, : blocks * size].reshape(rows, blocks, size), 2)
