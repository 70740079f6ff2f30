import numpy as np
import pytest

from detector.baselines.grid import DAY, WEEK, read_week
from detector.baselines.seasonal import Season, find, residuals
from detector.model import Floats

BEGIN = 1_700_006_400.0


def times(days: float, step: float = 600.0) -> Floats:
    return np.arange(BEGIN, BEGIN + days * DAY, step, dtype=np.float64)


def daily(at: Floats) -> Floats:
    return np.asarray(np.sin(2 * np.pi * (at % DAY) / DAY))


def weekly(at: Floats) -> Floats:
    return daily(at) * np.where(at % WEEK < 2 * DAY, 0.2, 1.0)


def noise(at: Floats, seed: int = 1) -> Floats:
    return 0.1 * np.random.default_rng(seed).standard_normal(len(at))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(2, Season.NONE), (10, Season.DAY), (20, Season.WEEK), (28, Season.WEEK)],
)
def test_the_longest_season_that_history_can_show_is_found(days: int, expected: Season) -> None:
    at = times(days)
    assert find((weekly(at) + noise(at))[None], at).seasons.tolist() == [expected]


@pytest.mark.parametrize("minute", [12, 25, 45])
def test_a_job_of_twenty_five_minutes_each_day_is_a_season(minute: int) -> None:
    at = times(21, 60.0)
    # Never quite on time.
    late = np.random.default_rng(3).normal(0, 120, 22)[np.floor_divide(at - BEGIN, DAY).astype(np.int64)]
    since = at % DAY - 3 * 3600 - minute * 60 - late
    found = find(np.where((since >= 0) & (since < 1500), 100.0, 0.0)[None], at)
    assert found.seasons.tolist() == [Season.DAY]
    middle = np.array([BEGIN + 3 * 3600 + minute * 60 + 750.0])
    assert read_week(found.profile, middle)[0, 0] > 50


def test_noise_walks_and_constants_have_no_season() -> None:
    at = times(28)
    walk = np.cumsum(noise(at, 2))
    found = find(np.stack([noise(at), np.zeros(len(at)), np.full(len(at), np.nan), walk]), at)
    assert found.seasons.tolist() == [Season.NONE] * 4


@pytest.mark.parametrize("days", [4, 28])
def test_same_days_need_no_week(days: int) -> None:
    at = times(days)
    assert find((daily(at) + noise(at))[None], at).seasons.tolist() == [Season.DAY]


def test_profile_follows_the_season_beside_growth_gaps_and_an_incident() -> None:
    at = times(28)
    values = weekly(at) + noise(at) + (at - BEGIN) / (28 * DAY)
    values[1000:1100] = np.nan
    values[2000:2020] = 30.0
    found = find(values[None], at)
    assert found.seasons.tolist() == [Season.WEEK]
    ahead = np.arange(BEGIN + 28 * DAY, BEGIN + 35 * DAY, 600.0, dtype=np.float64)
    error = read_week(found.profile, ahead)[0] - weekly(ahead)
    assert np.abs(error - np.median(error)).max() < 0.25


def test_residuals_of_a_week_do_not_know_that_week() -> None:
    at = times(28)
    values = weekly(at) + noise(at)
    week = (at >= BEGIN + 14 * DAY) & (at < BEGIN + 14 * DAY + 3600)
    values[week] += 5
    found = find(values[None], at)
    rest = residuals(values[None], at, found.left_out, found.week_of)
    assert np.median(rest[0, week]) == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize("hours", [1, 10, 40])
def test_a_week_of_which_all_others_tell_little_is_not_judged_by_what_they_lack(hours: int) -> None:
    # History begins some hours before the epoch's week does, so that the rest of it has only those to be judged by.
    week = BEGIN // WEEK * WEEK
    at = np.arange(week - hours * 3600.0, week + 5.6 * DAY, 300.0, dtype=np.float64)
    values = daily(at) + noise(at)
    found = find(values[None], at)
    assert found.seasons.tolist() == [Season.DAY]
    rest = residuals(values[None], at, found.left_out, found.week_of)[0]
    assert np.abs(rest - np.median(rest)).max() < 1.0


def test_step_longer_than_a_slot_and_odd_start_are_no_trouble() -> None:
    at = np.arange(BEGIN + 1234, BEGIN + 28 * DAY, 1700.0, dtype=np.float64)
    found = find((daily(at) + noise(at))[None], at)
    assert found.seasons[0] != Season.NONE
    assert np.isfinite(found.profile).all()
