"""A service of a few events a minute is silent now and then; that it has stopped is told all the same, and soon."""

import numpy as np
import pytest

from detector.baselines import Baselines
from detector.evaluation import empty_state, evaluate
from detector.learning.fitting import fit
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal
from tests.detector.worlds import BEGIN, DAY

MINUTES, NOON = 1440, 720
HISTORY_STEP, INTERVAL = 300.0, 60.0
WEEKS, RECENT_DAYS = 3, 3
MONDAY = 21 + next(day for day in range(7) if (BEGIN // DAY + 3 + day) % 7 == 0)  # days after BEGIN

SALES = Signal("sales", "", "sales per minute", Bad.BOTH, Kind.RATE, "m", "a", 0.05, True, 1)
KEY = SeriesKey("shop", SALES.name)


def sales(first: int, days: int, busy: float, seed: int) -> Floats:
    """Return so many days' sales by the minute; at noon of a workday there are `busy` of them; shape (1, minutes)."""
    minutes = np.arange(first * MINUTES, (first + days) * MINUTES)
    daily = 0.52 - 0.48 * np.cos(2 * np.pi * minutes / MINUTES)
    weekend = np.where((BEGIN // DAY + minutes // MINUTES + 3) % 7 >= 5, 0.4, 1.0)
    sold = np.random.default_rng(seed).poisson(busy * daily * weekend)[None].astype(np.float64)
    return (sold + np.roll(sold, 1)) / 2  # as through the window of two evaluations that rates are taken over


def learnt(busy: float) -> Baselines:
    past, newest = sales(0, 7 * WEEKS, busy, 1), (7 * WEEKS - RECENT_DAYS) * MINUTES
    recent = History((KEY,), BEGIN + newest * INTERVAL, INTERVAL, past[:, newest:])
    coarse = past[:, :: int(HISTORY_STEP / INTERVAL)]
    return fit(History((KEY,), BEGIN, HISTORY_STEP, coarse, recent=recent), (SALES,), INTERVAL)


def alerts(baselines: Baselines, first: int, values: Floats) -> list[int]:
    """Return at which minutes from a day's beginning on an alert was firing."""
    state, firing = empty_state((KEY,)), []
    for minute in range(values.shape[1]):
        evaluated = evaluate(baselines, state, BEGIN + first * DAY + minute * INTERVAL, values[:, minute])
        state = evaluated.state
        firing += [minute] * len(evaluated.findings)
    return firing


@pytest.mark.parametrize(("busy", "within"), [(1.0, 30), (3.0, 12), (8.0, 6)])
def test_sales_that_stop_at_noon_are_missed_though_weekends_sell_little(busy: float, within: int) -> None:
    baselines, values = learnt(busy), sales(MONDAY, 1, busy, 2)
    values[:, NOON : NOON + 60] = 0.0
    assert alerts(baselines, MONDAY, values[:, : NOON + 60])[0] in range(NOON, NOON + within + 1)


@pytest.mark.parametrize("busy", [0.3, 1.0, 3.0])
def test_a_week_of_few_sales_is_no_alert(busy: float) -> None:
    assert alerts(learnt(busy), MONDAY, sales(MONDAY, 7, busy, 3)) == []
