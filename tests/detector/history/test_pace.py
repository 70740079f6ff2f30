import pytest

from detector.clients.prometheus import columns_of
from detector.history.pace import FIRST_COLUMNS, LEAST_PARTS_TAKE, LONG_SECONDS, Pace


def parts(pace: Pace, series: int, fixed: float, each: float, left: int = 8064) -> list[int]:
    """Ask for so many columns of a server that takes so long for a query and for each of its columns."""
    sizes = []
    while left:
        columns = pace.columns(left)
        pace.answered(columns, series, fixed + columns * each)
        sizes.append(columns)
        left -= columns
    return sizes


def test_parts_grow_from_few_columns_to_what_one_answer_may_have() -> None:
    series = 12_500
    sizes = parts(Pace(series, 0.1), series, 0.1, 0.001)
    assert sizes[0] == FIRST_COLUMNS
    assert max(sizes) == columns_of(series)


def test_parts_that_take_long_become_smaller() -> None:
    sizes = parts(Pace(1000, 0.1), 1000, 0.1, 0.02)
    assert max(0.1 + 0.02 * size for size in sizes[2:]) <= LONG_SECONDS + 0.02
    assert sizes[3] >= 0.9 * (LONG_SECONDS - 0.1) / 0.02


def test_parts_are_not_so_small_that_most_of_their_time_is_that_of_any_query() -> None:
    fixed, each = 5.0, 0.05
    sizes = parts(Pace(1000, fixed), 1000, fixed, each)
    shortest = fixed + FIRST_COLUMNS * each
    assert fixed + each * sizes[2] == pytest.approx(LEAST_PARTS_TAKE * shortest, rel=0.05)


def test_how_long_a_part_takes_is_told_by_those_before_it() -> None:
    pace = Pace(1000, 0.7)
    assert pace.takes(FIRST_COLUMNS) == 0.7
    parts(pace, 1000, 0.5, 0.001, 1000)
    assert pace.takes(500) == pytest.approx(0.5 + 0.001 * 500)


def test_one_slow_answer_does_not_keep_parts_small_for_ever() -> None:
    pace = Pace(1000, 0.1)
    pace.answered(FIRST_COLUMNS, 1000, 0.1)
    pace.answered(pace.columns(8064), 1000, 5000.0)
    assert parts(pace, 1000, 0.1, 0.0001)[-2] == columns_of(1000)


def test_what_was_not_answered_is_asked_for_in_smaller_parts() -> None:
    pace = Pace(10, 0.1)
    pace.answered(FIRST_COLUMNS, 10, 0.1)
    refused = pace.columns(1000)
    pace.failed(refused)
    assert pace.columns(1000) == refused // 8
    pace.failed(3)
    assert pace.columns(1000) == 1
