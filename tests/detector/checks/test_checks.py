from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.baselines.stabilise import LINEAR, Scales
from detector.checks import (
    CHECKS,
    DRIFT,
    FLATLINE,
    RESIDUAL,
    SHIFT_HOUR,
    SILENCE,
    SPREAD,
    STEP,
    STEP_MINUTES,
    Point,
    empty_memory,
    observe,
)
from detector.checks.joined import joined
from detector.checks.limits import FIRST_LIMITS, LEAST_LIMITS, MOST_LIMITS, Tails, closer, limits, tails
from detector.checks.residual import MOST, departure
from detector.checks.sides import COLUMNS, SIDED, above, below, split
from detector.model import Floats

USUAL = np.full((1, 7), 10.0)


def replay(
    values: list[float],
    *,
    step: float = 60.0,
    quiet: float = 0.001,
    visible: bool = True,
    usual: Floats = USUAL,
    begin: float = 0.0,
    reach: float = 0.0,
) -> Floats:
    """The statistics of one series around 10 whose usual deviation is 1, whatever the time; shape (points, checks)."""
    memory, rows = empty_memory(1), []
    for n, value in enumerate(values):
        observed = np.array([value])
        point = Point(
            at=begin + n * step,
            step=step,
            observed=observed,
            stable=observed,
            usual=usual,
            scales=Scales(np.array([LINEAR], np.int8), np.array([0.5])),
            spread=np.ones(1),
            agility=np.full(1, 0.5),
            reach=np.full(1, reach),
            quiet=np.array([quiet]),
            visible=np.array([visible]),
            young=np.array([-1]),
        )
        result = observe(memory, point)
        memory = result.memory
        rows.append(result.statistics[0])
    return np.array(rows)


def test_every_check_has_a_column() -> None:
    assert replay([10.0]).shape == (1, len(CHECKS))
    assert len(LEAST_LIMITS) == len(MOST_LIMITS) == len(FIRST_LIMITS) == COLUMNS


def test_residual_is_the_departure_in_deviations() -> None:
    assert replay([10.0, 14.0, 7.0])[:, RESIDUAL] == pytest.approx([0, 4, -3], abs=0.01)


def test_a_day_like_another_is_no_departure() -> None:
    open_, usual = np.zeros((1, 3)), np.array([[10.0, 10.0, 4.0]])
    assert departure(4.5 - usual, open_) == pytest.approx([0.5])
    assert departure(7.1 - usual, open_) == pytest.approx([-2.9])
    assert np.isnan(departure(np.nan - usual, open_))


def test_a_day_like_its_own_for_hours_does_not_become_another_at_noon() -> None:
    hours = 60
    workday, sunday = [10.0] * 5 * hours, [4.0] * 5 * hours
    usual = np.array([[10.0] * 6 + [4.0]])
    assert replay(sunday, usual=usual)[:, RESIDUAL] == pytest.approx(0)
    noon = replay(workday + sunday, usual=usual)[:, RESIDUAL]
    assert noon[: len(workday)] == pytest.approx(0)
    assert (noon[len(workday) : len(workday) + hours] < -5.9).all()
    midnight = replay(workday + sunday, usual=usual, begin=86_400.0 - 5 * hours * 60)[:, RESIDUAL]
    assert midnight == pytest.approx(0)


def test_a_restless_day_is_told_from_others_by_its_mean() -> None:
    hours, restless = 60, np.resize([2.0, -2.0], 300)
    workday, less = (10.0 + restless).tolist(), (9.0 + restless).tolist()
    usual = np.array([[10.0] * 6 + [9.0]])
    half = hours // 2
    later = replay(workday + less[:half], usual=usual)[-half:, RESIDUAL]
    assert later.mean() == pytest.approx(-1, abs=0.1)


@given(deviation=st.floats(allow_nan=False, allow_infinity=False), bad=st.sampled_from([-1, 0, 1]))
def test_only_the_side_that_harms_counts(deviation: float, bad: int) -> None:
    statistics = np.full((1, len(CHECKS)), deviation)
    columns = split(statistics, np.array([bad], np.int8))
    most = min(abs(deviation), MOST)
    assert above(columns)[0, :SIDED].tolist() == [most if deviation > 0 and bad >= 0 else 0] * SIDED
    assert below(columns)[0, :SIDED].tolist() == [most if deviation < 0 and bad <= 0 else 0] * SIDED
    assert (
        above(columns)[0, SIDED:].tolist() == below(columns)[0, SIDED:].tolist() == [deviation] * (len(CHECKS) - SIDED)
    )


def test_a_step_from_a_wandering_level_stands_out_for_an_hour_and_more() -> None:
    statistics = replay([10 + 0.01 * n + 4 * (n >= 120) for n in range(240)])
    # Half a deviation is what this series usually lies from its last hour.
    assert np.abs(statistics[30:120, STEP]).max() < 4
    assert statistics[120, STEP] > 8
    assert statistics[150, STEP_MINUTES] > 3
    assert statistics[180, STEP] > 4


def test_small_lasting_departures_add_up_and_end_with_recovery() -> None:
    statistics = replay([10.0] * 60 + [12.0] * 240 + [10.0] * 10)
    assert statistics[59, SHIFT_HOUR] == pytest.approx(0, abs=1e-9)
    assert statistics[299, SHIFT_HOUR] > 1.8
    assert statistics[299, DRIFT] > 0.9
    assert (statistics[-5:, SHIFT_HOUR : DRIFT + 1] == 0).all()


def test_the_level_follows_slow_change_but_not_an_incident() -> None:
    half_hour = replay([10.0] * 30 + [30.0] * 30 + [10.0])
    assert abs(half_hour[-1, RESIDUAL]) < 0.05
    days = replay([12.0] * (14 * 24 * 12), step=300.0)
    assert abs(days[-1, RESIDUAL]) < 0.2


def test_what_moved_a_little_to_stay_is_usual_within_the_day() -> None:
    day = 24 * 60
    moved = replay([10.0] * 60 + [11.0] * day, reach=1.5)
    assert moved[60, RESIDUAL] == pytest.approx(1, abs=0.01)
    assert np.abs(moved[-1]).max(where=np.arange(len(CHECKS)) <= DRIFT, initial=0) < 0.1
    back = replay([10.0] * 60 + [11.0] * day + [10.0] * day, reach=1.5)
    assert abs(back[-1, RESIDUAL]) < 0.1
    further = replay([10.0] * 60 + [13.0] * day, reach=1.5)
    assert further[-1, RESIDUAL] > 1


def test_what_departs_far_more_than_it_may_move_is_not_followed() -> None:
    day = 24 * 60
    unmoved, moved = (replay([10.0] * 60 + [16.0] * day, reach=reach) for reach in (0.0, 1.5))
    assert moved[-1, RESIDUAL] == pytest.approx(unmoved[-1, RESIDUAL], abs=0.01)
    # Nor does what had moved stay moved: a fault that follows a release is seen as from before both.
    later = replay([10.0] * 60 + [11.0] * day + [16.0] * day, reach=1.5)
    assert later[-1, RESIDUAL] > moved[-1, RESIDUAL] - 0.5


def test_restlessness_rises_and_a_frozen_value_is_timed() -> None:
    restless = replay([10.0 + 4 * (-1) ** n for n in range(120)])[:, SPREAD]
    assert restless[-1] > 5
    assert replay([11.0] * 31)[:, FLATLINE].max() == 30 * 60
    assert replay([0.0] * 31)[:, FLATLINE].max() == 0


def test_silence_weighs_what_is_usual_at_that_hour() -> None:
    assert replay([10.0, 0.0, 0.0])[:, SILENCE] == pytest.approx([0, 6.9, 13.8], abs=0.1)
    assert replay([10.0, np.nan, np.nan])[:, SILENCE] == pytest.approx([0, 6.9, 13.8], abs=0.1)
    assert replay([0.0] * 100, quiet=0.99)[-1, SILENCE] < 1.1
    assert np.isnan(replay([np.nan] * 3, visible=False)[:, SILENCE]).all()


def maxima(series: int, blocks: int, seed: int) -> Floats:
    return np.random.default_rng(seed).exponential(1.0, (series, COLUMNS, blocks)) + 4


def of(blocks: Floats) -> Tails:
    return tails(blocks, blocks[:, -1], np.full(len(blocks), np.inf), np.full(len(blocks), np.inf))


@pytest.mark.parametrize("days", [1, 2])
def test_what_closer_samples_alone_show_on_two_days_is_a_habit(days: int) -> None:
    coarse, recent = maxima(8, 504, 1), maxima(8, 68, 2)
    for day in range(days):  # such as a job that begins between two coarse samples
        recent[:, STEP, -2 - 24 * day] = 60.0
    found = closer(of(coarse), coarse, recent, [SPREAD - len(CHECKS)])
    above_limits = limits(found, np.zeros(8, np.int64))[:, STEP]
    assert (above_limits > 60).all() if days > 1 else (above_limits < 60).all()


def test_limits_are_passed_about_as_often_as_meant() -> None:
    described = of(maxima(60, 672, 1))
    without_habits = replace(described, habit=0 * described.habit)
    found = limits(without_habits, np.zeros(60, np.int64), rate_per_week=0.5)
    fresh = maxima(60, 168 * 10, 2)
    per_week = (fresh > found[..., None]).sum(axis=2)[:, RESIDUAL].mean() / 10
    assert 0.2 < per_week < 1.0


def test_an_incident_in_history_hardly_moves_the_limits() -> None:
    clean = maxima(20, 672, 1)
    broken = clean.copy()
    broken[:5, :, 100:112] = 1000.0
    groups = np.zeros(20, np.int64)
    before, after = (limits(of(each), groups)[:, RESIDUAL] for each in (clean, broken))
    assert (np.abs(np.log(after / before)) < np.log(1.6)).all()


def test_without_history_the_first_limits_hold() -> None:
    nothing = limits(of(np.full((2, COLUMNS, 1), np.nan)), np.zeros(2, np.int64))
    assert (nothing == FIRST_LIMITS).all()


def test_habits_of_all_checks_together_are_no_alert() -> None:
    described = of(np.random.default_rng(1).exponential(1.0, (20, COLUMNS, 672)))
    habits = np.full_like(described.habit, 50.0)
    found = limits(replace(described, habit=habits), np.zeros(20, np.int64))
    assert (joined(above(habits / found)) <= 1.0 + 1e-9).all()
    assert (joined(below(habits / found)) <= 1.0 + 1e-9).all()
    alone = np.zeros_like(habits)
    alone[:, RESIDUAL] = 50.0
    single = limits(replace(described, habit=alone), np.zeros(20, np.int64))
    assert (single[:, RESIDUAL] < found[:, RESIDUAL]).all()
