"""Which series are still to be expected: what was there only for a while is forgotten after as long a while. Pure.

Services may come and go by thousands an hour. Were each remembered until the next fit, there would soon be no room for
those that are there; were each forgotten at once, a nightly job would be new every night.
"""

import numpy as np
import numpy.typing as npt

from detector.baselines import Baselines
from detector.evaluation import State
from detector.model import History, Seconds, of_rows

Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

LEAST_SECONDS: Seconds = 3600.0  # even what was there for a minute may be restarting
MOST_SECONDS: Seconds = 28 * 86_400.0
FIRING_SECONDS: Seconds = 86_400.0  # an alert of what is gone for good is told for a day
FEW_SHARE = 0.05  # of all series: to forget so few is not worth the copying


def gone(baselines: Baselines, state: State) -> Bools:
    """Return which series are missing for longer than they had been there; shape (series,)."""
    there = np.minimum(np.maximum(baselines.span, baselines.step * state.memory.seen), MOST_SECONDS)
    patience = np.maximum(there, np.where(state.held.firing, FIRING_SECONDS, LEAST_SECONDS))
    return np.asarray(state.absent >= patience)


def remembered(baselines: Baselines, state: State, new: int, limit: int) -> Rows:
    """Return the rows to go on with when so many new series come; of more than the limit, the longest missing go.

    Those whose alerts fire stay, and those that are there.
    """
    lost = gone(baselines, state)
    if not new and lost.sum() <= FEW_SHARE * len(lost):
        return np.arange(len(lost))
    excess = len(lost) - int(lost.sum()) + new - limit
    if excess > 0:
        missing = np.flatnonzero(~lost & (state.absent > 0) & ~state.held.firing)
        lost[missing[np.argsort(-state.absent[missing], kind="stable")[:excess]]] = True
    return np.flatnonzero(~lost)


def lasting(history: History) -> History:
    """Return those series that ended no longer ago than they had lasted, by the whole span of their samples."""
    known = np.isfinite(history.values)
    first = known.argmax(axis=1)
    after = known[:, ::-1].argmax(axis=1)  # columns after the last sample
    lasted = history.values.shape[1] - 1 - after - first
    kept = known.any(axis=1) & (after * history.step <= np.maximum(lasted * history.step, LEAST_SECONDS))
    if kept.all():
        return history
    return of_rows(history, np.flatnonzero(kept))
