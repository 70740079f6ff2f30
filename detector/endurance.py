"""How much a silent sample of a coarse history says of the evaluations up to the next, which nobody looked at."""

import numpy as np
import numpy.typing as npt

from detector.baselines.arrays import Baselines, take
from detector.baselines.choose import Learnt, clean
from detector.baselines.grid import HOUR, HOURS_PER_DAY, WEEK
from detector.baselines.portions import portions
from detector.baselines.stabilise import inverse, is_nothing
from detector.checks.silence import on_this_day
from detector.model import Floats, of_rows

Bools = npt.NDArray[np.bool_]

HOURS_PER_WEEK = round(WEEK / HOUR)
# An exponent is between these, narrowed down so often: to 2 %. Beyond 1 it only makes up for days unlike others.
LEAST_EXPONENT, MOST_EXPONENT, NARROWED = 0.002, 2.0, 9
# So many silences that chance would have ended are believed as much as what is assumed where there were none.
WORTH = 10.0


def stands_for(learnt: Learnt, spacing: float, step: float) -> Floats:
    """Return how many evaluations each sample stands for, as far as silence goes.

    Evidence adds up with evaluations: an outage has gathered it at each of them, and so has what is seen through a
    window that is longer than they lie apart. Of events that come one by one, a silent sample says nothing of the next.
    How much longer silence lasts than chance would have it is told, for both distances, by history and its closer part.

    Args:
        learnt: baselines and their history.
        spacing: seconds between its samples.
        step: seconds between evaluations.

    Returns:
        shape (series,); from 1 to how many there are, which is assumed where silence is too rare to tell.
    """
    most = max(spacing / step, 1.0)
    if most <= 1.0 or learnt.recent is None:
        return np.full(len(learnt.trend), most)
    # Of the same days, so that what they have of their own weighs the same in both.
    same = learnt.times >= learnt.recent.times[0]
    apart, close = _exponents(learnt, same), _exponents(learnt.recent, np.ones(len(learnt.recent.times), np.bool_))
    told = np.clip(apart[0] / close[0], 1.0, most)
    belief = apart[1] / (apart[1] + WORTH)
    return np.asarray(most ** (1 - belief) * told**belief)


def exponents(silent: Floats, lasted: Floats, quiet: Floats) -> Floats:
    """Return to which power how likely nothing is tells how likely it is right behind nothing; shape (series,).

    It is 1 where one sample says nothing of the next, a half where both see half of the same through a window, and as
    good as 0 where silence, once begun, goes on.

    Args:
        silent: samples that are nothing and have one behind them, by hour; shape (series, hours).
        lasted: how many of them all were followed by nothing; shape (series,).
        quiet: how likely nothing is in each hour; shape (series, hours).
    """
    low, high = np.full(len(silent), LEAST_EXPONENT), np.full(len(silent), MOST_EXPONENT)
    for _ in range(NARROWED):
        middle = np.sqrt(low * high)
        lasts = (silent * quiet ** middle[:, None]).sum(axis=1) > lasted  # less would: the exponent is greater
        low, high = np.where(lasts, middle, low), np.where(lasts, high, middle)
    return np.asarray(np.sqrt(low * high))


def _exponents(learnt: Learnt, chosen: Bools) -> tuple[Floats, Floats]:
    """Return the exponents of some samples of a history, and how many silences chance would have ended in them.

    Returns:
        two arrays of shape (series,); what is silent at the same hours each day ends by plan, not by chance.
    """
    times, found = learnt.times[chosen], []
    hours = np.floor_divide(times[:-1] % WEEK, HOUR).astype(np.int64)
    belongs = (hours[:, None] == np.arange(HOURS_PER_WEEK)).astype(np.float32)
    for rows in portions(len(learnt.trend)):
        nothing, begun = (each[:, chosen] for each in _nothing(learnt, rows))
        followed = nothing[:, :-1] & begun[:, :-1] & begun[:, 1:]
        silent = np.asarray(followed.astype(np.float32) @ belongs, dtype=np.float64)
        quiet = _quiet(learnt.baselines, rows)
        count = silent.sum(axis=1)
        lasted = np.minimum((followed & nothing[:, 1:]).sum(axis=1), count - 0.5)  # no silence is known to be endless
        found.append((exponents(silent, lasted, quiet), (silent * (1.0 - quiet)).sum(axis=1)))
    return np.concatenate([each for each, _ in found]), np.concatenate([ended for _, ended in found])


def _nothing(learnt: Learnt, rows: slice) -> tuple[Bools, Bools]:
    """Return where some series are nothing, or missing, and where there could be something."""
    history = of_rows(learnt.history, rows)
    values = clean(history)
    begun = np.maximum.accumulate(np.isfinite(values), axis=1)
    if history.unlearnt is not None:
        begun &= ~history.unlearnt
    return is_nothing(values, learnt.baselines.offsets[rows, None]), begun


def _quiet(baselines: Baselines, rows: slice) -> Floats:
    """Return how likely nothing is in each hour of the week; shape (rows, HOURS_PER_WEEK)."""
    some = take(baselines, np.arange(rows.start, rows.stop))
    times = HOUR * (np.arange(HOURS_PER_WEEK, dtype=np.float64) + 0.5)
    usual = some.usual(times)
    days = usual.shape[2]
    expected = inverse(usual.reshape(len(usual), len(times) * days), some.scales).reshape(-1, days)
    daily = np.tile(some.quiet.astype(np.float64), HOURS_PER_WEEK // HOURS_PER_DAY)
    return on_this_day(daily.ravel(), expected).reshape(daily.shape)
