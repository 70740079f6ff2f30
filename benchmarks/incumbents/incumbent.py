"""What every incumbent is: a name and a causal score of many series at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detector.model import Floats

# Shape (series, columns) and the columns' times to scores of the same shape, each of its own past alone.
Score = Callable[[Floats, Floats], Floats]
LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Incumbent:
    """One method.

    Attributes:
        name: for the command line.
        likeness: what it is like; each says that it is a reimplementation.
        score: above 1 it would usually alert.
    """

    name: str
    likeness: str
    score: Score


def filled(values: Floats) -> Floats:
    """Return the values with each hole given the last value before it, or zero where there is none."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(values.shape[1]), -1), axis=1)
    held = np.take_along_axis(values, np.maximum(last, 0), 1)
    return np.where(last >= 0, held, 0.0)


def steps_in(seconds: float, times: Floats) -> int:
    """Return how many columns there are in so many seconds, at least one."""
    spacing = float(np.median(np.diff(times))) if len(times) > 1 else seconds
    return max(1, round(seconds / max(spacing, 1.0)))


def trailing_mean(values: Floats, width: int) -> Floats:
    """Return the mean of each column and those before it, `width` in all or as many as there are."""
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    ends = np.arange(1, values.shape[1] + 1)
    begins = np.maximum(ends - width, 0)
    return np.asarray((total[:, ends] - total[:, begins]) / (ends - begins))
