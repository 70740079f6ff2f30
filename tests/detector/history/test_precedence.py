from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from detector.history.precedence import FREE_SECONDS, HELD_SECONDS, LOOK_SECONDS, Precedence
from detector.pull import Puller
from tests.detector.running import MINUTE, START, AtOnce, FakeClock, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus


class Time:
    """A clock that goes on by being waited for; what is planned happens when its time has come."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.planned: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.at

    def pause(self, seconds: float) -> None:
        self.at += seconds
        for plan in [one for one in self.planned if one[0] <= self.at]:
            self.planned.remove(plan)
            plan[1]()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def precedence(time: Time) -> Precedence:
    return Precedence(time.now, time.pause)


def evaluating(precedence: Precedence, seconds: float) -> None:
    """Say from another thread when an evaluation is due, and that it has begun if that is now."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(precedence.expect, seconds).result()
        if not seconds:
            thread.submit(precedence.begin).result()


def test_nothing_waits_where_nobody_evaluates(time: Time, precedence: Precedence) -> None:
    precedence.give_way(1e9)
    assert time.at == 1000.0


def test_all_else_waits_for_an_evaluation_that_is_under_way(time: Time, precedence: Precedence) -> None:
    evaluating(precedence, 0.0)
    time.planned.append((1007.0, lambda: evaluating(precedence, 53.0)))
    precedence.give_way()
    assert 1007.0 <= time.at <= 1007.0 + 2 * LOOK_SECONDS


def test_what_is_over_by_the_next_evaluation_begins_at_once_and_what_is_not_after_it(
    time: Time, precedence: Precedence
) -> None:
    evaluating(precedence, 3.0)
    precedence.give_way(2.5)
    assert time.at == 1000.0
    time.planned += [(1003.0, precedence.begin), (1008.0, lambda: evaluating(precedence, 55.0))]
    precedence.give_way(3.5)
    assert 1008.0 <= time.at <= 1008.0 + 2 * LOOK_SECONDS


def test_what_is_longer_than_the_time_between_evaluations_goes_on_even_so(time: Time, precedence: Precedence) -> None:
    evaluating(precedence, 5.0)
    precedence.give_way(1e6)
    assert time.at <= 1000.0 + HELD_SECONDS


def test_where_evaluations_take_all_of_the_time_a_part_of_it_is_left(time: Time, precedence: Precedence) -> None:
    evaluating(precedence, 0.0)
    free = 0
    for _ in range(4000):
        free += precedence.is_free()
        time.pause(0.1)
    assert free / 4000 == pytest.approx(FREE_SECONDS / (HELD_SECONDS + FREE_SECONDS), abs=0.01)


def test_who_evaluates_waits_for_nobody(time: Time, precedence: Precedence) -> None:
    precedence.expect(0.0)
    precedence.begin()
    precedence.give_way(5.0)
    assert time.at == 1000.0


def test_once_nobody_evaluates_any_more_what_waits_goes_on(time: Time, precedence: Precedence) -> None:
    evaluating(precedence, 0.0)
    time.planned.append((1001.0, lambda: evaluating(precedence, float("inf"))))
    precedence.give_way()
    assert time.at <= 1001.0 + 2 * LOOK_SECONDS


class Asking(AtOnce):
    """Notes whether others might do something while an evaluation's questions are under way."""

    def __init__(self) -> None:
        self.is_free: Callable[[], bool] = lambda: True
        self.seen: list[bool] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if isinstance(getattr(fn, "__self__", None), Puller):  # others ask for less, and of others
            self.seen.append(self.is_free())
        return AtOnce.submit(self, fn, *args, **kwargs)


def test_fits_give_way_from_an_evaluations_first_question_until_it_is_told(
    prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> None:
    asking = Asking()
    with running(settings(prometheus, folder, alertmanager), clock, asking) as run:
        run.until(START + 2 * MINUTE)
        precedence = run.app.precedence
        asking.is_free, asking.seen = precedence.is_free, []
        run.until(START + 4 * MINUTE)
        assert asking.seen
        assert not any(asking.seen)
        assert precedence.is_free()
        assert not precedence.is_free(2 * MINUTE)  # nothing begins that would last into the next one
    assert precedence.is_free(2 * MINUTE)
