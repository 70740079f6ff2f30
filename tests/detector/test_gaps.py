"""What gaps in history teach of silence."""

import numpy as np
import pytest

from detector.evaluation import empty_state, evaluate
from detector.learning.fitting import fit
from detector.model import Floats, History, SeriesKey
from tests.detector.worlds import BEGIN, DAY, REQUESTS, WEEK

WEEKS, STEP = 2, 300.0
NOW = BEGIN + WEEKS * WEEK
KEYS = (SeriesKey("web", REQUESTS.name), SeriesKey("api", REQUESTS.name))


def history(gaps: list[int]) -> History:
    """Weeks of two services in good health, without the samples of some columns."""
    values = 50 * np.exp(0.05 * np.random.default_rng(1).standard_normal((len(KEYS), int(WEEKS * WEEK / STEP))))
    values[:, gaps] = np.nan
    return History(KEYS, BEGIN, STEP, values)


def minutes_until_told(known: History, most: int = 60) -> int:
    """Return after how many minutes of silence at noon it is told."""
    baselines = fit(known, (REQUESTS,), 60.0)
    state = empty_state(baselines.keys)
    busy: list[Floats] = list(50 * np.exp(0.05 * np.random.default_rng(2).standard_normal((30, len(KEYS)))))
    for minute, values in enumerate([*busy, *np.full((most, len(KEYS)), np.nan)]):
        result = evaluate(baselines, state, NOW + DAY / 2 + 60.0 * minute, values)
        state = result.state
        if result.findings:
            return minute - len(busy) + 1
    return most


def test_a_scrape_that_failed_once_does_not_hide_that_a_service_stops() -> None:
    assert minutes_until_told(history([int(5.3 * DAY / STEP)])) <= 4


@pytest.mark.long
def test_a_restart_each_week_is_waited_for_and_no_longer() -> None:
    weekly = [int((week * WEEK + 2.5 * DAY) / STEP) for week in range(WEEKS)]
    assert 5 <= minutes_until_told(history(weekly)) <= 10


@pytest.mark.long
def test_hours_of_silence_each_night_are_usual_at_that_hour_and_no_other() -> None:
    nights = [int(day * DAY / STEP) + column for day in range(7 * WEEKS) for column in range(int(2 * 3600 / STEP))]
    assert minutes_until_told(history(nights)) <= 30
