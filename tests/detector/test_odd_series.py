"""Series unlike a busy service's: constant, sparse, bursty, or of a nightly job. Each is judged by its own ways."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from detector.baselines import Baselines
from detector.evaluation import empty_state, evaluate
from detector.learning.fitting import fit
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal, Way
from tests.detector.worlds import BEGIN, DAY, WEEK

NOW = BEGIN + 3 * WEEK
MINUTES = 1440
HISTORY_STEP, INTERVAL = 300.0, 60.0
NIGHTLY, LASTS = 150, 30  # minutes

CONSTANT = Signal("constant", "", "replicas", Bad.BOTH, Kind.GAUGE, "m", "a", 0.5, True, 1)
SPARSE = Signal("sparse", "", "events per second", Bad.BOTH, Kind.RATE, "m", "a", 0.02, False, 2)
BURSTY = Signal("bursty", "", "waiting", Bad.UP, Kind.GAUGE, "m", "a", 5.0, False, 3)
NIGHTLY_JOB = Signal("nightly", "", "rows per second", Bad.BOTH, Kind.RATE, "m", "a", 1.0, True, 4)
SIGNALS = (CONSTANT, SPARSE, BURSTY, NIGHTLY_JOB)
KEYS = tuple(SeriesKey("odd", signal.name) for signal in SIGNALS)


def days(count: int, seed: int) -> Floats:
    """Return so many days of each series, minute by minute; shape (series, minutes)."""
    chance = np.random.default_rng(seed)
    minutes = count * MINUTES
    values = np.zeros((len(SIGNALS), minutes))
    values[0] = 3.0
    values[1] = (chance.poisson(0.05, minutes + 1)[1:] + chance.poisson(0.05, minutes)) / 120.0
    values[2] = chance.poisson(2.0, minutes)
    for begin in np.flatnonzero(chance.random(minutes) < 0.003):
        burst = slice(int(begin), int(begin) + int(chance.exponential(8)) + 1)
        values[2, burst] += 20 + 20 * chance.pareto(3.0)
    for day in range(count):
        opens = day * MINUTES + NIGHTLY + round(chance.normal(0, 2))
        lasts = round(LASTS * np.exp(chance.normal(0, 0.08)))
        values[3, opens : opens + lasts] = 50 * np.exp(chance.normal(0, 0.1, lasts))
    return values


@pytest.fixture(scope="module")
def learnt() -> Baselines:
    past = days(21, 1)[:, :: int(HISTORY_STEP / INTERVAL)]
    return fit(History(KEYS, BEGIN, HISTORY_STEP, past), SIGNALS, INTERVAL)


@dataclass(frozen=True, slots=True)
class Case:
    """What goes wrong with a series from one minute of a day to another, and by when it must be known."""

    signal: Signal
    begin: int
    end: int
    value: float
    within: int

    def happens(self, values: Floats) -> None:
        values[SIGNALS.index(self.signal), self.begin : self.end] = self.value


def alerts(learnt: Baselines, values: Floats) -> dict[str, list[int]]:
    """Return at which minutes each series' alert was firing."""
    state = empty_state(KEYS)
    firing: dict[str, list[int]] = {signal.name: [] for signal in SIGNALS}
    for minute in range(values.shape[1]):
        evaluated = evaluate(learnt, state, NOW + minute * INTERVAL, values[:, minute])
        state = evaluated.state
        for finding in evaluated.findings:
            firing[finding.key.signal].append(minute)
    return firing


def test_days_like_all_others_are_no_alert(learnt: Baselines) -> None:
    assert NOW % DAY == BEGIN % DAY
    assert alerts(learnt, days(2, 2)) == {signal.name: [] for signal in SIGNALS}


def test_what_never_repeats_itself_and_stands_still_is_told_within_ten_minutes() -> None:
    minutes, frozen = 3 * MINUTES, 60
    course = 100 * np.exp(0.05 * np.random.default_rng(4).standard_normal(minutes + 2 * frozen))
    course[minutes + frozen :] = course[minutes + frozen]
    signal = replace(CONSTANT, name="noisy")
    keys = (SeriesKey("odd", "noisy"),)
    learnt = fit(History(keys, BEGIN, INTERVAL, course[None, :minutes]), (signal,), INTERVAL)
    state, firing = empty_state(keys), []
    for minute in range(2 * frozen):
        at = BEGIN + (minutes + minute) * INTERVAL
        evaluated = evaluate(learnt, state, at, course[minutes + minute : minutes + minute + 1])
        state = evaluated.state
        firing += [minute] * len(evaluated.findings)
        assert all(finding.way is Way.STILL for finding in evaluated.findings)
    assert firing[0] in range(frozen + 5, frozen + 11)


CASES = {
    "one of what was always the same is missing": Case(CONSTANT, 600, 660, 2.0, 5),
    "what was always there is gone": Case(CONSTANT, 600, 660, np.nan, 5),
    "what is rare is often": Case(SPARSE, 600, 660, 20 / 60.0, 5),
    "a burst does not end": Case(BURSTY, 600, 900, 400.0, 60),
    "the job of the night does not run": Case(NIGHTLY_JOB, NIGHTLY - 10, NIGHTLY + 50, 0.0, 40),
    "the job of the night does not end": Case(NIGHTLY_JOB, NIGHTLY + LASTS, NIGHTLY + LASTS + 90, 50.0, 60),
    "the job of the night runs by day": Case(NIGHTLY_JOB, 800, 830, 50.0, 10),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_what_is_unlike_that_series_is_told(learnt: Baselines, case: Case) -> None:
    values = days(1, 3)
    case.happens(values)
    firing = alerts(learnt, values[:, : case.end + 60])
    assert firing.pop(case.signal.name)[0] in range(case.begin, case.begin + case.within + 1)
    assert not any(firing.values())


def test_a_scrape_that_history_lacks_hides_no_end_of_a_service() -> None:
    past = days(21, 1)[:, :: int(HISTORY_STEP / INTERVAL)]
    for day in range(1, 21):  # its host is away for two minutes of each day
        past[:, day * int(DAY / HISTORY_STEP) + 90] = np.nan
    learnt = fit(History(KEYS, BEGIN, HISTORY_STEP, past), SIGNALS, INTERVAL)
    values = days(1, 3)
    CASES["what was always there is gone"].happens(values)
    assert alerts(learnt, values[:, :660])[CONSTANT.name][0] <= 605
