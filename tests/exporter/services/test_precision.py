"""What is stated of the counts: nothing while all is looked at, and never nothing while it is not."""

from exporter.services.precision import Precision
from exporter.services.sampling import FOREVER, NANOSECONDS, Window


def window(number: int, requests: float) -> Window:
    """Return a tenth of a second's look, for a second."""
    start = number * NANOSECONDS
    end, cycle_end = start + NANOSECONDS // 10, start + NANOSECONDS
    return Window(start, end, 10.0, number, cycle_end, cycle_lasts=NANOSECONDS, requests=requests)


def stated(*requests: float) -> float:
    precision = Precision()
    for number, counted in enumerate(requests, 1):
        precision.look(window(number, counted))
    return precision.error_ratio(0.0)


def test_a_single_window_may_be_off_by_all_of_it() -> None:
    assert stated(100, 0) > 0.9


def test_windows_that_agree_leave_little_doubt() -> None:
    assert 0 < stated(*(100 + number % 2 for number in range(30))) < 0.01


def test_windows_that_differ_leave_more() -> None:
    assert 0.1 < stated(*(100 * (number % 3) for number in range(30))) < 1


def test_a_rush_that_has_just_ended_is_stated_before_its_windows_are_settled() -> None:
    assert 0.1 < stated(0, 100, 140, 0, 0) < 1


def test_nothing_is_off_while_everything_is_looked_at() -> None:
    precision = Precision()
    precision.look(Window(0, FOREVER))
    assert precision.error_ratio(0.0) == 0.0


def test_what_was_dropped_leaves_doubt() -> None:
    precision = Precision()
    precision.look(Window(0, NANOSECONDS, 1.5, cycle_end=NANOSECONDS, requests=300))
    assert 0.02 < precision.error_ratio(0.0) < 0.2


def test_what_is_still_looked_at_tells_nothing_yet() -> None:
    precision = Precision()
    for number, requests in enumerate((100, 101, 100, 5), 1):
        precision.look(window(number, requests))
    assert precision.error_ratio(0.0, 4 * NANOSECONDS + NANOSECONDS // 2) < 0.1
