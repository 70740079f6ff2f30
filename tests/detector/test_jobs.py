"""Jobs of each night that take too long, or do not begin."""

import numpy as np
import pytest

from detector.baselines import Baselines
from detector.checks.late import longest_pause
from detector.evaluation import empty_state, evaluate
from detector.learning.fitting import fit
from detector.model import Floats, History, SeriesKey, Way
from tests.detector.worlds import BEGIN, DAY, REQUESTS

STEP, MINUTE, DAYS = 300.0, 60.0, 15
KEYS = (SeriesKey("reports", REQUESTS.name),)
STARTS, LASTS = 3 * 3600.0, 40 * MINUTE


def nights(times: Floats, length: float = 1.0, seed: int = 1) -> Floats:
    """Return what a job does that begins about three o'clock and lasts about forty minutes, times `length`."""
    random = np.random.default_rng(seed)
    day = np.floor_divide(times - BEGIN, DAY).astype(np.int64)
    late, long = random.normal(0, 180, 99)[day], np.exp(random.normal(0, 0.08, 99))[day]
    since = (times - BEGIN) % DAY - STARTS - late
    working = (since >= 0) & (since < LASTS * long * length)
    return np.where(working, 50 * np.exp(0.15 * random.standard_normal(len(times))), 0.0)


@pytest.fixture(scope="module")
def baselines() -> Baselines:
    return fit(
        History(KEYS, BEGIN, STEP, nights(np.arange(BEGIN, BEGIN + DAYS * DAY, STEP))[None]), (REQUESTS,), MINUTE
    )


def told(baselines: Baselines, length: float) -> list[float]:
    """Return at which minutes after three o'clock an alert is held."""
    begin = BEGIN + DAYS * DAY + STARTS
    times = np.arange(begin - 3600, begin + 4 * 3600, MINUTE)
    state, minutes = empty_state(KEYS), []
    for at, value in zip(times, nights(times, length, seed=2), strict=True):
        result = evaluate(baselines, state, at, np.array([value]))
        state = result.state
        if result.findings:
            assert result.findings[0].way in (Way.AWAY, Way.ENDLESS)
            minutes.append((at - begin) / MINUTE)
    return minutes


def test_a_job_as_long_as_usual_is_no_alert(baselines: Baselines) -> None:
    assert told(baselines, 1.0) == []


def test_a_job_that_does_not_end_is_told_soon_after_it_should_have(baselines: Baselines) -> None:
    minutes = told(baselines, 4.0)
    assert 42 <= minutes[0] <= 85
    assert minutes[-1] > 120


def two_nights() -> tuple[float, Floats]:
    """Return a midnight, and times from then until the second night is over, some of the hours between them seldom."""
    begin = BEGIN + DAYS * DAY
    night = np.arange(2 * 3600.0, STARTS + 7200, MINUTE)
    day = np.arange(STARTS + 7200, DAY + 2 * 3600, 10 * MINUTE)
    return begin, begin + np.concatenate([night, day, DAY + night])


def test_a_job_that_does_not_begin_is_told_soon_after_it_should_have(baselines: Baselines) -> None:
    begin, times = two_nights()
    values = np.where(times < begin + DAY, nights(times, seed=2), 0.0)
    state, minutes = empty_state(KEYS), []
    for at, value in zip(times, values, strict=True):
        result = evaluate(baselines, state, at, np.array([value]))
        state = result.state
        if result.findings:
            assert result.findings[0].way is Way.LATE
            minutes.append((at - begin - DAY - STARTS) / MINUTE)
    assert 5 <= minutes[0] <= 45
    assert minutes[-1] > 100


@pytest.mark.parametrize("days", [6, 8, 11, 28])
def test_a_job_that_begins_as_unevenly_as_it_did_is_not_late_however_few_days_are_known(days: int) -> None:
    random, jobs = np.random.default_rng(days), 2000
    begins = np.arange(days + 1) * DAY + STARTS + random.normal(0, 6 * MINUTE, (jobs, days + 1))
    ends = begins + LASTS * np.exp(random.normal(0, 0.08, begins.shape))
    times = np.arange(0, days * DAY, STEP)
    edges = np.sort(np.concatenate([begins[:, :days], ends[:, :days]], axis=1))
    busy = np.array([np.searchsorted(row, times, side="right") % 2 == 1 for row in edges])
    limits = longest_pause(busy, np.ones(busy.shape, np.bool_), times, 900.0)
    assert np.isfinite(limits).mean() > 0.95
    pauses = begins[:, days] - ends[:, days - 1]
    assert (pauses > limits).sum() <= 3
    assert np.median(limits) - pauses.mean() < (1 + 6 / days) * 3600


def test_what_rests_and_works_by_no_schedule_is_never_late() -> None:
    random = np.random.default_rng(4)
    times = np.arange(BEGIN, BEGIN + DAYS * DAY, STEP)
    busy = np.repeat(random.random(len(times) // 12) < 0.1, 12)
    limits = longest_pause(busy[None], np.ones((1, len(times)), np.bool_), times, 900.0)
    assert np.isinf(limits).all()


def test_nothing_is_overdue_that_may_have_run_while_nobody_saw_it(baselines: Baselines) -> None:
    begin, times = two_nights()
    values = np.where(times < begin + DAY, nights(times, seed=2), 0.0)
    values[(times > begin + DAY + STARTS - 1200) & (times < begin + DAY + STARTS + 1200)] = np.nan
    state = empty_state(KEYS)
    for at, value in zip(times, values, strict=True):
        late = evaluate(baselines, state, at, np.array([value]), np.isfinite(np.array([value])))
        state = late.state
    assert np.isnan(state.memory.busy_at).all()
