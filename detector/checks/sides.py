"""Statistics by the side to which they depart: noise is seldom as wide above as below, so each has its own limits."""

import numpy as np
import numpy.typing as npt

from detector.checks.bounded import between
from detector.checks.residual import MOST
from detector.checks.statistics import CHECKS, SPREAD
from detector.model import Floats

# Columns: the checks with a side above, then below, then those without one.
SIDED = SPREAD
COLUMNS = SIDED + len(CHECKS)


def split(statistics: Floats, bad: npt.NDArray[np.int8], most: float = MOST) -> Floats:
    """Return statistics of shape (series, checks) by side; zero on a side that does no harm; NaN stays NaN.

    Args:
        bad: 1 where only more harms, -1 where only less does, 0 for both; shape (series,).
        most: what statistics with a side are cut off at.

    Returns:
        shape (series, COLUMNS).
    """
    signed = statistics[:, :SIDED]
    nothing = 0.0 * signed  # NaN stays NaN
    above = between(np.where(bad[:, None] >= 0, signed, nothing), 0.0, most)
    below = between(np.where(bad[:, None] <= 0, -signed, nothing), 0.0, most)
    return np.concatenate([above, below, statistics[:, SIDED:]], axis=1)


def above(columns: Floats) -> Floats:
    """Return the columns of the side above, and of what has no side; shape (..., checks)."""
    return np.concatenate([columns[..., :SIDED], columns[..., 2 * SIDED :]], axis=-1)


def below(columns: Floats) -> Floats:
    """Return the columns of the side below, and of what has no side; shape (..., checks)."""
    return columns[..., SIDED:]


def both(checks: Floats) -> Floats:
    """Return what holds of checks, shape (checks,), for each column; shape (COLUMNS,)."""
    return np.concatenate([checks[:SIDED], checks])
