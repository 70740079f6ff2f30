"""When clocks are set forth or back somewhere: what people do by them then comes an hour earlier or later.

No time zone is known of a service, so nothing is taken from one: on the days at which clocks change in any of the
zones that most people live in, an hour's shift is allowed, and afterwards it is read from the service's own days.
"""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from detector.baselines.grid import DAY, HOUR, SLOT_SECONDS, SLOTS, SLOTS_PER_DAY
from detector.baselines.robust import median
from detector.model import Floats, Seconds

# Clocks change on the Sunday that is among the seven days from these on, by month and day.
SUNDAYS = (
    (3, 8),  # North America
    (3, 25),  # Europe
    (4, 1),  # Australia, New Zealand
    (4, 2),  # Chile
    (9, 2),  # Chile
    (9, 24),  # New Zealand
    (10, 1),  # Australia
    (10, 25),  # Europe
    (11, 1),  # North America
)
# From New Zealand to Alaska, two o'clock on Sunday lies within half a day of midnight in UTC.
UNCERTAIN_SECONDS = 0.5 * DAY
# From then on so much must have been seen to tell whether a service's days were shifted.
TOLD_BY_SECONDS = DAY
# Half a day more, so that what was seen is learnt before an hour's shift is no longer allowed.
ALLOWED_SECONDS = UNCERTAIN_SECONDS + TOLD_BY_SECONDS + DAY
# What is compared with the days before a change at most.
COMPARED_SLOTS = 7 * SLOTS_PER_DAY
SHIFT_SLOTS = round(HOUR / SLOT_SECONDS)
# A shift must lower the error by this much of what it is without one.
GAIN = 0.3
Shifts = npt.NDArray[np.int8]


def changes(begin: Seconds, end: Seconds) -> tuple[Seconds, ...]:
    """Return the midnights in UTC of the Sundays of changes from `begin` to `end`, the oldest first."""
    first, last = (datetime.fromtimestamp(at, UTC).date() for at in (begin, end))
    years = range(first.year, last.year + 1)
    midnights = {_midnight(_sunday(date(year, month, day))) for year in years for month, day in SUNDAYS}
    return tuple(sorted(at for at in midnights if begin <= at <= end))


def _sunday(day: date) -> date:
    """Return the first Sunday that is not before a day."""
    return day + timedelta(days=6 - day.weekday())


def _midnight(day: date) -> Seconds:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def unsettled(times: Floats) -> npt.NDArray[np.bool_]:
    """Return at which times an hour's shift is no anomaly, of shape (columns,): times are ascending."""
    result = np.zeros(len(times), np.bool_)
    if len(times):
        for at in changes(float(times[0]) - ALLOWED_SECONDS, float(times[-1]) + UNCERTAIN_SECONDS):
            result |= (times >= at - UNCERTAIN_SECONDS) & (times < at + ALLOWED_SECONDS)
    return result


def shifts(slots: Floats, begin: Seconds) -> Shifts | None:
    """Return by how many slots what was usual in each slot comes later now; None where no clock was changed.

    Args:
        slots: one median for each slot, shape (series, slots), NaN where there is no sample.
        begin: of the first slot.

    Returns:
        shape (series, slots).
    """
    count = slots.shape[1]
    places = [round((at - begin) / SLOT_SECONDS) for at in changes(begin, begin + count * SLOT_SECONDS)]
    result = np.zeros(slots.shape, np.int8)
    # The newest first: what is before an older change is compared with days that are as they are now.
    for place in reversed(places):
        found = _shift(moved(slots, result), place)
        result[:, :place] += found[:, None]
    return result if result.any() else None


def moved(slots: Floats, by: Shifts) -> Floats:
    """Return slots with everything `by` so many slots later, as it would be now; both of shape (series, slots)."""
    return _taken(slots, np.arange(slots.shape[1]) - by)


def moved_back(slots: Floats, by: Shifts) -> Floats:
    """Return slots as they were then, from what they would be now; both of shape (series, slots), a circle."""
    return _taken(slots, (np.arange(slots.shape[1]) + by) % slots.shape[1])


def _taken(slots: Floats, places: npt.NDArray[np.int64]) -> Floats:
    return np.take_along_axis(slots, np.clip(places, 0, slots.shape[1] - 1), axis=1)


def _shift(slots: Floats, place: int) -> Shifts:
    """Return by how many slots the days from a place on come later than those before; shape (series,)."""
    uncertain, needed = (round(span / SLOT_SECONDS) for span in (UNCERTAIN_SECONDS, TOLD_BY_SECONDS))
    after = slots[:, place + uncertain : place + uncertain + COMPARED_SLOTS]
    before = slots[:, : max(place - uncertain, 0)]
    none = np.zeros(len(slots), np.int8)
    if after.shape[1] < needed or before.shape[1] < SLOTS:
        return none
    week = _week(before, (place + uncertain) % SLOTS)
    choices = (0, SHIFT_SLOTS, -SHIFT_SLOTS)
    errors = np.stack([_error(after, np.roll(week, by, axis=1)) for by in choices], axis=1)
    best = errors.argmin(1)
    clear = errors[np.arange(len(slots)), best] < (1 - GAIN) * errors[:, 0]
    return np.where(clear, np.array(choices, np.int8)[best], none)


def _week(before: Floats, first: int) -> Floats:
    """Return the usual week of slots that begin with one of place 0, from the place `first` of a week on."""
    weeks = -(-before.shape[1] // SLOTS)
    padded = np.full((len(before), weeks * SLOTS), np.nan)
    padded[:, : before.shape[1]] = before
    return np.roll(median(padded.reshape(len(before), weeks, SLOTS), 1), -first, axis=1)


def _error(after: Floats, week: Floats) -> Floats:
    """Return the mean distance of days from a week once both have the same level; infinite where there is none."""
    rest = after - week[:, : after.shape[1]]
    distance = np.abs(rest - median(rest, 1)[:, None])
    count = np.isfinite(distance).sum(1)
    return np.where(count >= SLOTS_PER_DAY // 2, np.nansum(distance, 1) / np.maximum(count, 1), np.inf)
