"""Looks at the host stay within their part of the budget, and no rarer than that requires."""

import pytest

from exporter.services.pacing import LONGEST_PAUSE_SECONDS, MOST_PART, PART, SAVED_SECONDS, Pace

BUDGET = 0.05


def spent_within(seconds: float, each: float) -> tuple[float, int]:
    """Return what looks that cost so much each spend within a time, and how many those are."""
    pace, now, looks = Pace(BUDGET, 1.0, 0.0), 0.0, 0
    while now < seconds:
        looks += 1
        now += each  # it lasts as long as it works
        now += pace.pause(now, each, each)
    return looks * each, looks


def test_cheap_looks_follow_each_other_every_second() -> None:
    spent, looks = spent_within(60.0, 0.01)
    assert looks == 60
    assert spent < BUDGET * 60


@pytest.mark.parametrize("each", [0.03, 0.1, 0.15])
def test_dear_looks_stay_within_their_part_of_the_budget(each: float) -> None:
    spent, looks = spent_within(30.0, each)
    assert spent <= PART * BUDGET * 30 + SAVED_SECONDS * BUDGET + each
    assert looks >= 3


def test_a_look_that_took_long_is_followed_by_as_long_a_rest() -> None:
    assert Pace(BUDGET, 1.0, 0.0).pause(3.0, 3.0, 0.01) == 3.0


def test_however_dear_looks_are_another_one_follows() -> None:
    assert Pace(BUDGET, 1.0, 0.0).pause(1.0, 1.0, 100.0) == LONGEST_PAUSE_SECONDS


def test_the_dearest_looks_leave_something_of_the_budget() -> None:
    spent, _looks = spent_within(300.0, 0.7)
    assert spent <= MOST_PART * BUDGET * 300 + 0.7
