import numpy as np
import pytest

from detector.baselines.choose import learn
from detector.endurance import exponents, stands_for
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal
from tests.detector.worlds import BEGIN

HISTORY_STEP, INTERVAL = 300.0, 60.0
APART = int(HISTORY_STEP / INTERVAL)
MINUTES, DAYS, RECENT_DAYS = 1440, 21, 3
REQUESTS = Signal("requests", "", "requests per second", Bad.BOTH, Kind.RATE, "m", "a", 0.001, True, 1)


def stood_for(values: Floats) -> float:
    """For how many evaluations a sample of one series stands, by its minutes."""
    keys, first = (SeriesKey("web", REQUESTS.name),), (DAYS - RECENT_DAYS) * MINUTES
    recent = History(keys, BEGIN + first * INTERVAL, INTERVAL, values[None, first:])
    history = History(keys, BEGIN, HISTORY_STEP, values[None, ::APART], recent=recent)
    return float(stands_for(learn(history, {REQUESTS.name: REQUESTS}, INTERVAL), HISTORY_STEP, INTERVAL)[0])


def requests(each_minute: float) -> Floats:
    minutes = np.arange(DAYS * MINUTES)
    daily = 1 - 0.5 * np.cos(2 * np.pi * minutes / MINUTES)
    return np.random.default_rng(3).poisson(each_minute * daily).astype(np.float64)


@pytest.mark.parametrize("each_minute", [0.2, 1.0, 3.0])
def test_of_events_that_come_one_by_one_a_sample_stands_for_itself(each_minute: float) -> None:
    assert stood_for(requests(each_minute)) == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize("each_minute", [0.2, 1.0, 2.0])
def test_through_a_window_of_two_evaluations_it_stands_for_two(each_minute: float) -> None:
    events = requests(each_minute)
    assert stood_for((events + np.roll(events, 1)) / 2) == pytest.approx(2.0, abs=0.6)


def test_of_what_is_off_for_hours_it_stands_for_all_up_to_the_next() -> None:
    events = requests(50.0)
    for begin in range(0, len(events), 400):
        events[begin : begin + 100] = 0.0
    assert stood_for(events) > 4.0


def test_of_what_is_at_work_by_plan_it_stands_for_all_up_to_the_next() -> None:
    events = np.zeros(DAYS * MINUTES)
    for day, late in enumerate(np.random.default_rng(4).normal(0, 3, DAYS)):
        begin = day * MINUTES + 300 + round(late)
        events[begin : begin + 45] = 20.0
    assert stood_for(events) > 0.7 * APART


def test_where_silence_is_too_rare_to_tell_it_stands_for_all_up_to_the_next() -> None:
    assert stood_for(requests(50.0)) == APART


def test_samples_as_close_as_evaluations_stand_for_themselves() -> None:
    history = History((SeriesKey("web", REQUESTS.name),), BEGIN, INTERVAL, requests(1.0)[None])
    assert stands_for(learn(history, {REQUESTS.name: REQUESTS}, INTERVAL), INTERVAL, INTERVAL) == [1.0]


def test_exponents_tell_chance_from_what_lasts() -> None:
    silent, quiet = np.full((4, 2), 500.0), np.full((4, 2), 0.25)
    found = exponents(silent, np.array([250.0, 500.0, 1000.0, 0.0]), quiet)
    assert found == pytest.approx([1.0, 0.5, 0.002, 2.0], rel=0.02)
