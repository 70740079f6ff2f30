"""What is usual for many series, as arrays: picklable, storable, growing and shrinking with the series watched."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.baselines import profiles
from detector.baselines.days import read_days
from detector.baselines.packed import STEPS
from detector.baselines.profiles import Profiles
from detector.baselines.stabilise import Scales
from detector.model import Floats, SeriesKey

Floats32 = npt.NDArray[np.float32]
Bytes8 = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

# Of the least departure worth an alert: what stays off by less is worth none, however long. A series whose level is
# still being found moves with it.
REACH_SHARE = 0.5


class ModelState(IntEnum):
    """Which baseline a series has; the lower-case name is the value of a label."""

    LEARNING = 0
    LEVEL = 1
    SEASONAL = 2


@dataclass(frozen=True, slots=True)
class Baselines:
    """Baselines of many series, one row each; in stabilised units unless said otherwise.

    Attributes:
        keys: which series.
        models: ModelState of each; shape (series,).
        codes, offsets: how each is stabilised, see `stabilise.Scales`.
        centre, swing: shape (series,), and
        profile: the usual value in each slot of the week, see `packed.Packed`.
        mean: of the profile, in its steps; shape (series,).
        spread: usual deviation from the profile by hour of the day, in UTC; shape (series, 24).
        agility: how far each usually is from where it was within the last hour, in deviations; shape (series,).
        quiet: share of samples that are zero or missing, by hour of the day; shape (series, 24).
        floors: the least change worth an alert, in the signal's unit; shape (series,).
        least: the least departure worth an alert, stabilised; shape (series,).
        bad: 1 where only more harms, -1 where only less does, 0 for both; shape (series,).
        silence: whether falling to nothing is an anomaly; shape (series,).
        durations: whether it tells how long something takes; shape (series,).
        shares: whether it is a share of counted events; shape (series,).
        limits: from which value on each check's statistic is abnormal, see `checks.sides`; infinite: never; shape
            (series, columns).
        traits: what it is like, whatever its level, NaN where that is unknown, see `likeness.traits`; shape (series,
            traits).
        samples: how many samples it was learnt from; shape (series,).
        span: seconds from the first of those to the last; shape (series,).
        step: seconds between evaluations it was calibrated for.
    """

    keys: tuple[SeriesKey, ...]
    models: Bytes8
    codes: Bytes8
    offsets: Floats
    centre: Floats
    swing: Floats
    profile: Profiles
    mean: Floats32
    spread: Floats32
    agility: Floats32
    quiet: Floats32
    floors: Floats
    least: Floats32
    bad: Bytes8
    silence: Bools
    durations: Bools
    shares: Bools
    limits: Floats32
    traits: Floats32
    samples: npt.NDArray[np.int32]
    span: Floats32
    step: float

    @property
    def scales(self) -> Scales:
        """How the series are stabilised."""
        return Scales(self.codes, self.offsets)

    @property
    def reach(self) -> Floats:
        """How far each may move to stay without any fault, stabilised; shape (series,)."""
        return np.where(self.models == ModelState.LEARNING, 0.0, REACH_SHARE * self.least.astype(np.float64))

    def usual(self, times: Floats) -> Floats:
        """Return what each day of the week says of these times of day; shape (series, columns, 7 or 9).

        Args:
            times: shape (columns,), seconds since the epoch; their own day comes first, see `days`.
        """
        steps = read_days(self.profile, times)
        return self.centre[:, None, None] + (self.swing / STEPS)[:, None, None] * steps

    def average(self) -> Floats:
        """Return the mean of each profile; shape (series,)."""
        return np.asarray(self.centre + self.swing / STEPS * self.mean)


ARRAYS = tuple(field.name for field in fields(Baselines) if field.name not in ("keys", "profile", "step"))


def take(baselines: Baselines, rows: npt.NDArray[np.int64]) -> Baselines:
    """Return the baselines of some rows, in that order."""
    arrays = {name: getattr(baselines, name)[rows] for name in ARRAYS}
    keys = tuple(baselines.keys[row] for row in rows)
    return replace(baselines, keys=keys, profile=baselines.profile.take(rows), **arrays)


def join(parts: Sequence[Baselines]) -> Baselines:
    """Return the rows of several baselines, one after another.

    Raises:
        ValueError: there are none.
    """
    if not parts:
        raise ValueError("no baselines to join")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    profile = profiles.join([part.profile for part in parts])
    return replace(parts[0], keys=tuple(key for part in parts for key in part.keys), profile=profile, **arrays)
