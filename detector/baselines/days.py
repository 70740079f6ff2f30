"""What was usual at a time of day, on that day of the week and on the others."""

import numpy as np

from detector.baselines.clocks import unsettled
from detector.baselines.grid import DAY, HOUR, ByTheSlot, Weekly, read_week
from detector.model import Floats

# A day of the week, then the six after it.
DAYS = DAY * np.arange(7)
# The same day by clocks that were set forth or back.
SHIFTS = np.array([-HOUR, HOUR])


def read_days(weekly: Weekly | ByTheSlot, times: Floats) -> Floats:
    """Return what each day of the week says of these times of day, their own day first.

    Where clocks may just have been changed, an hour before and after on the own day come last.

    Args:
        weekly: shape (series, SLOTS).
        times: shape (columns,), ascending, seconds since the epoch.

    Returns:
        shape (series, columns, 7 or 9).
    """
    allowed = unsettled(times)
    others = np.broadcast_to(DAYS, (len(times), len(DAYS)))
    if allowed.any():
        others = np.concatenate([others, allowed[:, None] * SHIFTS], axis=1)
    return read_week(weekly, (times[:, None] + others).ravel()).reshape(len(weekly), *others.shape)
